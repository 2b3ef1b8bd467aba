//! The connection as it is answered.

use jiff::Timestamp;
use serde::Serialize;
use stevedore_aws::{Connection, ConnectionMode};
use utoipa::ToSchema;

use crate::resources::enums;

/// The connection to ShipStation. The credentials themselves are never shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(crate) struct ConnectionView {
    state: ConnectionState,
    #[schema(schema_with = modes)]
    modes: Vec<ConnectionMode>,
    /// Time of the connection.
    #[schema(required = true)]
    integrated_at: Option<Timestamp>,
    #[schema(required = true)]
    credentials_set_at: Option<Timestamp>,
    /// All of the key that is ever shown.
    #[schema(required = true)]
    api_key_last_four: Option<String>,
    warnings: Vec<ConnectionWarningView>,
}

/// State of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ConnectionState {
    Connected,
    /// Being taken apart; nothing is fetched any more.
    Disconnecting,
    Disconnected,
}

/// Warning about the connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionWarning)]
struct ConnectionWarningView {
    #[schema(value_type = String, example = "store_with_custom_store")]
    code: &'static str,
    #[schema(value_type = String)]
    message: &'static str,
}

fn modes() -> utoipa::openapi::schema::Array {
    utoipa::openapi::schema::ArrayBuilder::new().items(enums::connection_mode()).build()
}

impl From<Option<Connection>> for ConnectionView {
    fn from(connection: Option<Connection>) -> Self {
        let Some(connection) = connection else {
            return Self {
                state: ConnectionState::Disconnected,
                modes: Vec::new(),
                integrated_at: None,
                credentials_set_at: None,
                api_key_last_four: None,
                warnings: Vec::new(),
            };
        };
        let has = |mode| connection.modes.contains(&mode);
        let confusing = has(ConnectionMode::Store) && has(ConnectionMode::CustomStore);
        let warning = ConnectionWarningView {
            code: "store_with_custom_store",
            message: "Both store and custom_store are on: orders are to flow in both directions, which is slower and easy to confuse. \
                      This version exports nothing through the custom store yet, and does not tell orders that came back that way from others.",
        };
        Self {
            state: if connection.disconnecting { ConnectionState::Disconnecting } else { ConnectionState::Connected },
            modes: connection.modes,
            integrated_at: Some(connection.integrated_at),
            credentials_set_at: Some(connection.credentials_set_at),
            api_key_last_four: Some(connection.api_key_last_four),
            warnings: confusing.then_some(warning).into_iter().collect(),
        }
    }
}
