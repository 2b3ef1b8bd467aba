//! The one secret: ShipStation's key and secret.

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::sdk::clients::LazyClient;
use crate::{Clients, Error};

/// The credentials as they are kept. Never shown, never logged.
#[derive(Clone, Debug)]
pub struct StoredCredentials {
    /// V1 API key.
    pub api_key: SecretString,
    /// V1 API secret.
    pub api_secret: SecretString,
}

#[derive(Serialize, Deserialize)]
struct Wire<T> {
    api_key: T,
    api_secret: T,
}

/// The secret in Secrets Manager. An empty one means that nothing is connected: the template makes the secret, connecting fills it.
#[derive(Clone, Debug)]
pub struct Secrets {
    client: LazyClient<aws_sdk_secretsmanager::Client>,
    id: String,
}

impl Secrets {
    /// The secret named `id`.
    #[must_use]
    pub fn new(clients: &Clients, id: impl Into<String>) -> Self {
        Self { client: LazyClient::new(clients, Clients::secrets), id: id.into() }
    }

    /// The credentials, where there are any.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn read(&self) -> Result<Option<StoredCredentials>, Error> {
        const OPERATION: &str = "read the secret";
        let reply = match self.client.get_secret_value().secret_id(&self.id).send().await {
            Ok(reply) => reply,
            Err(error) if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) => return Ok(None),
            Err(error) => return Err(Error::call(OPERATION)(error)),
        };
        let Some(text) = reply.secret_string().filter(|text| text.contains("api_key")) else { return Ok(None) };
        let wire: Wire<String> =
            serde_json::from_str(text).map_err(|_| Error::unreadable(OPERATION, &self.id, "it is not what connecting writes"))?;
        Ok(Some(StoredCredentials { api_key: wire.api_key.into(), api_secret: wire.api_secret.into() }))
    }

    /// Keeps credentials, replacing earlier ones.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn write(&self, credentials: &StoredCredentials) -> Result<(), Error> {
        let wire = Wire { api_key: credentials.api_key.expose_secret(), api_secret: credentials.api_secret.expose_secret() };
        let text = serde_json::to_string(&wire).map_err(|error| Error::encoding("write the secret")(error.into()))?;
        self.put_secret(&text).await
    }

    /// Forgets the credentials. The secret itself stays, empty, so that its policies and encryption stay with it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn clear(&self) -> Result<(), Error> {
        self.put_secret("{}").await
    }

    async fn put_secret(&self, text: &str) -> Result<(), Error> {
        const OPERATION: &str = "write the secret";
        match self.client.put_secret_value().secret_id(&self.id).secret_string(text).send().await {
            Ok(_) => Ok(()),
            // An engine that has none yet; deployed ones come from the template.
            Err(error) if error.as_service_error().is_some_and(PutSecretValueError::is_resource_not_found_exception) => {
                self.client.create_secret().name(&self.id).secret_string(text).send().await.map(drop).map_err(Error::call(OPERATION))
            }
            Err(error) => Err(Error::call(OPERATION)(error)),
        }
    }

    /// Checks that the secret answers.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ping(&self) -> Result<(), Error> {
        self.read().await.map(drop)
    }
}
