//! The resources of the API, one module each: handlers in `mod.rs`, answers in `view.rs`.
//!
//! The table's records are never answered as they are: what is stored may change its shape, what is answered may not.

mod accounting_syncs;
mod audit;
mod connection;
mod dead_letters;
mod enums;
mod health;
mod log;
mod operations;
mod overview;
mod pending_orders;
mod reference;
mod sales;
pub(crate) mod settings;
mod settings_options;
mod shipstation;
mod stock;
mod unreadable_orders;

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use stevedore_aws::Stored;
use stevedore_domain::ids::OrderId;
use stevedore_domain::settings::Settings;
use stevedore_shipstation::{Call, Credentials, Priority};

use crate::Deps;
use crate::http::problem::{Code, Problem};
use crate::http::router::Routes;

pub(crate) use health::LastHealth;

/// Every route.
pub(crate) fn all<R: Routes>(into: R) -> R {
    let into = health::routes(into);
    let into = overview::routes(into);
    let into = connection::routes(into);
    let into = shipstation::routes(into);
    let into = settings::routes(into);
    let into = settings_options::routes(into);
    let into = operations::routes(into);
    let into = pending_orders::routes(into);
    let into = log::routes(into);
    let into = unreadable_orders::routes(into);
    let into = sales::routes(into);
    let into = stock::routes(into);
    let into = accounting_syncs::routes(into);
    let into = dead_letters::routes(into);
    let into = reference::routes(into);
    let into = audit::routes(into);
    crate::panel::configuration(into)
}

type Shared = axum::extract::State<Arc<Deps>>;

/// The longest id of ours that can exist, in bytes; far below what a key of the table holds (2,048).
const LONGEST_ID: usize = 1_024;

/// An id of ours in a path. What cannot be one is as unknown as any other.
struct Id(String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        match path {
            Ok(Path(id)) if !id.is_empty() && id.len() <= LONGEST_ID => Ok(Self(id)),
            _ => Err(Problem::not_found("record")),
        }
    }
}

/// A ShipStation order's id in a path.
struct OrderInPath(OrderId);

impl<S: Send + Sync> FromRequestParts<S> for OrderInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Id(text) = Id::from_request_parts(parts, state).await?;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let id = digits.then(|| text.parse().ok()).flatten();
        id.map(|id| Self(OrderId(id))).ok_or_else(|| Problem::not_found("order"))
    }
}

/// Time that a call may wait for ShipStation: API Gateway gives up after 30 seconds.
const SHIPSTATION_PATIENCE: SignedDuration = SignedDuration::from_secs(20);

impl Deps {
    /// A call that a person waits for.
    fn call<'a>(&self, credentials: &'a Credentials) -> Call<'a> {
        let deadline = self.now().saturating_add(SHIPSTATION_PATIENCE).unwrap_or(jiff::Timestamp::MAX);
        Call { credentials, priority: Priority::Operator, deadline }
    }

    /// The connection, where there is a whole one.
    async fn connected(&self) -> Result<Stored<stevedore_aws::Connection>, Problem> {
        match self.table.connection().await? {
            None => Err(Problem::new(Code::NotConnected)),
            Some(stored) if stored.value.disconnecting => Err(Problem::new(Code::Disconnecting)),
            Some(stored) => Ok(stored),
        }
    }

    /// That orders are taken from ShipStation.
    async fn takes_orders(&self) -> Result<(), Problem> {
        let connection = self.connected().await?.value;
        if connection.modes.contains(&stevedore_aws::ConnectionMode::Store) { Ok(()) } else { Err(Problem::new(Code::StoreModeOff)) }
    }
}

/// The merchant's own time zone. Settings name only zones that exist.
fn zone(settings: &Settings) -> TimeZone {
    TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC)
}
