//! `consolidate`: the pending orders of a day become one sale.
//!
//! One handler for two kinds of event: the schedule's tick, every 15 minutes, and commands, by which a person asks for what is due, or an invocation hands on
//! what it could not finish. Whatever wakes it, it looks at the newest run's marker and at the clock, and goes on from there.

use std::num::NonZeroUsize;
use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use serde_json::{Value, json};
use stevedore_aws::messages::Command;
use stevedore_aws::{DeadReason, Origin};
use stevedore_lambda::{BatchError, Deadline, Limits, RecordError, run_batch};
use stevedore_workflows::consolidation;

pub use stevedore_workflows::consolidation::{Deps, METRICS};

/// Reasons why an invocation failed. What it did stays, and the next one goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a scheduled event nor an SQS event.
    #[error("the event is neither a schedule's tick nor a batch of commands")]
    UnknownEvent(#[source] Option<serde_json::Error>),
    /// A command of another function's.
    #[error("the command is not for this function")]
    NotOurs,
    /// See [`BatchError`].
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// See [`consolidation::Error`].
    #[error(transparent)]
    Consolidation(#[from] consolidation::Error),
}

/// Handles one event.
///
/// # Errors
/// [`Error`]; Lambda delivers the event again, which is safe.
pub async fn handle(deps: &Deps, event: Value, deadline: Deadline) -> Result<Value, Error> {
    if event.get("Records").is_some() {
        let event: SqsEvent = serde_json::from_value(event).map_err(|error| Error::UnknownEvent(Some(error)))?;
        let limits = Limits { concurrency: NonZeroUsize::MIN, deadline, margin: consolidation::MARGIN, clock: Arc::clone(&deps.clock) };
        let response = run_batch(event, &limits, |record| async move {
            let (why, error) = match Command::decode(&record.body) {
                Ok(command @ (Command::Consolidate { .. } | Command::Run { .. })) => {
                    let asked = command.operation_id().cloned();
                    return consolidation::run_due(deps, asked, deadline).await.map(drop).map_err(RecordError::retry);
                }
                Ok(_) => (DeadReason::new("not_for_this_queue", Error::NotOurs.to_string()), RecordError::poison(Error::NotOurs)),
                Err(error) => (DeadReason::from(&error), RecordError::poison(error)),
            };
            error.buried(&why.code, deps.queues.bury(Origin::Consolidation, &record.body, &why).await)
        });
        return Ok(serde_json::to_value(response.await?).unwrap_or_else(|_| json!({"batchItemFailures": []})));
    }
    let scheduled = event.get("source").and_then(Value::as_str).is_some_and(|source| source == "aws.events" || source == "aws.scheduler");
    if !scheduled {
        return Err(Error::UnknownEvent(None));
    }
    Ok(consolidation::run_due(deps, None, deadline).await?)
}
