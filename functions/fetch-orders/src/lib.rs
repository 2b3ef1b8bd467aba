//! `fetch-orders`: ShipStation's orders become messages on the orders queue.
//!
//! One handler for two kinds of event: the schedule's tick, which downloads what changed since the cursor, and commands, by which a person loads orders,
//! a file of products is imported, or an invocation hands on what it could not finish.

use std::num::NonZeroUsize;
use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use stevedore_aws::messages::Command;
use stevedore_aws::{DeadReason, Origin};
use stevedore_lambda::{BatchError, Deadline, Limits, RecordError, run_batch};
use stevedore_workflows::orders;

pub use stevedore_workflows::orders::{Deps, METRICS};

/// Reasons why an invocation failed. Nothing is lost: the cursor has not moved past anything that is not queued.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a scheduled event nor an SQS event.
    #[error("the event is neither a schedule's tick nor a batch of commands")]
    UnknownEvent(#[source] Option<serde_json::Error>),
    /// See [`BatchError`].
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// See [`orders::Error`].
    #[error(transparent)]
    Orders(#[from] orders::Error),
}

/// Handles one event.
///
/// # Errors
/// [`Error`]; Lambda delivers the event again, which is safe.
pub async fn handle(deps: &Deps, event: Value, deadline: Deadline) -> Result<Value, Error> {
    #[derive(Deserialize)]
    struct Tick {
        time: Timestamp,
    }
    let deps = &deps.of_connected_account().await?;
    if event.get("Records").is_some() {
        let event: SqsEvent = serde_json::from_value(event).map_err(|error| Error::UnknownEvent(Some(error)))?;
        let limits = Limits { concurrency: NonZeroUsize::MIN, deadline, margin: orders::MARGIN, clock: Arc::clone(&deps.clock) };
        let response = run_batch(event, &limits, |record| async move {
            match Command::decode(&record.body) {
                Ok(command) => orders::carry_out(deps, command, deadline).await.map_err(RecordError::retry),
                Err(error) => {
                    let why = DeadReason::from(&error);
                    let sent = deps.queues.bury(Origin::Commands, &record.body, &why).await;
                    RecordError::poison(error).buried(&why.code, sent)
                }
            }
        });
        return Ok(serde_json::to_value(response.await?).unwrap_or_else(|_| json!({"batchItemFailures": []})));
    }
    let scheduled = event.get("source").and_then(Value::as_str).is_some_and(|source| source == "aws.events" || source == "aws.scheduler");
    if !scheduled {
        return Err(Error::UnknownEvent(None));
    }
    let tick: Tick = serde_json::from_value(event).map_err(|error| Error::UnknownEvent(Some(error)))?;
    Ok(orders::tick(deps, tick.time, deadline).await?)
}
