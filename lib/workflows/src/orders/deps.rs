//! Clients that these workflows need.

use std::sync::Arc;

use stevedore_aws::{Queues, Secrets, Table};
use stevedore_lambda::{Clock, Start};
use stevedore_shipstation::{Client, ClientOptions, Credentials, http_client_trusting};

use super::error::Error;

/// Parts that these workflows need; built once for each process.
#[derive(Clone)]
pub struct Deps {
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
    /// ShipStation's key and secret.
    pub secrets: Secrets,
    /// ShipStation.
    pub shipstation: Client,
    /// The clock.
    pub clock: Clock,
}

impl Deps {
    /// Parts for a function that starts.
    ///
    /// # Errors
    /// [`stevedore_shipstation::Error`] where the client for ShipStation cannot be built.
    pub async fn connect(start: &Start) -> Result<Self, stevedore_shipstation::Error> {
        let http = http_client_trusting(start.trusted.as_deref().unwrap_or_default())?;
        let options = ClientOptions::new(start.config.shipstation_url.clone(), http, Arc::clone(&start.clock));
        let clients = crate::deps::clients(start);
        let secrets = Secrets::new(&clients, start.config.secret_id.clone());
        let crate::deps::Deps { table, queues, clock } = crate::deps::Deps::over(start, &clients).await;
        Ok(Self { table, queues, secrets, shipstation: Client::new(options), clock })
    }

    /// The same for one invocation, whose trace its messages carry: `Lambda-Runtime-Trace-Id`, if Lambda gave one.
    #[must_use]
    pub fn traced(&self, header: Option<&str>) -> Self {
        Self { queues: self.queues.traced(header), ..self.clone() }
    }

    /// ShipStation's key and secret; none where there is no connection.
    pub(crate) async fn credentials(&self) -> Result<Option<Credentials>, Error> {
        let stored = self.secrets.read().await?;
        Ok(stored.map(|stored| Credentials { api_key: stored.api_key, api_secret: stored.api_secret }))
    }

    /// The same for the account that is connected now.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn of_connected_account(&self) -> Result<Self, Error> {
        Ok(Self { table: self.table.of_connected_account().await?, ..self.clone() })
    }
}
