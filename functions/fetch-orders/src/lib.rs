//! `fetch-orders`: by the schedule, what changed in ShipStation since the cursor becomes messages on the orders queue.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use stevedore_lambda::Deadline;
use stevedore_workflows::orders;

pub use stevedore_workflows::orders::{Deps, METRICS};

/// Reasons why an invocation failed. Nothing is lost: the cursor has not moved past anything that is not queued.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a scheduled event.
    #[error("the event is no tick of a schedule")]
    UnknownEvent(#[source] Option<serde_json::Error>),
    /// See [`orders::Error`].
    #[error(transparent)]
    Orders(#[from] orders::Error),
}

/// Handles one tick.
///
/// # Errors
/// [`Error`]; the next tick continues from the same cursor.
pub async fn handle(deps: &Deps, event: Value, deadline: Deadline) -> Result<Value, Error> {
    #[derive(Deserialize)]
    struct Tick {
        time: Timestamp,
    }
    let scheduled = event.get("source").and_then(Value::as_str).is_some_and(|source| source == "aws.events" || source == "aws.scheduler");
    if !scheduled {
        return Err(Error::UnknownEvent(None));
    }
    let tick: Tick = serde_json::from_value(event).map_err(|error| Error::UnknownEvent(Some(error)))?;
    Ok(orders::tick(&deps.of_connected_account().await?, tick.time, deadline).await?)
}
