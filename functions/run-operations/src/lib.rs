//! `run-operations`: what people ask for, and what an invocation could not finish, is carried out.
//!
//! The commands queue names an operation; its record says what is to be done and how far it is. Each command may be delivered more than once and goes on
//! where it stopped.

use std::num::NonZeroUsize;
use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use serde_json::{Value, json};
use stevedore_aws::messages::Command;
use stevedore_aws::{DeadReason, Origin};
use stevedore_lambda::{BatchError, Deadline, Limits, RecordError, run_batch};
use stevedore_workflows::orders;

pub use stevedore_workflows::orders::{Deps, RUN_METRICS as METRICS};

/// Reasons why an invocation failed. Nothing is lost: the commands are delivered again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not an SQS event.
    #[error("the event is no batch of commands")]
    UnknownEvent(#[source] serde_json::Error),
    /// See [`BatchError`].
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// See [`orders::Error`].
    #[error(transparent)]
    Orders(#[from] orders::Error),
}

/// Handles a batch of commands.
///
/// # Errors
/// [`Error`]; SQS delivers the batch again, which is safe.
pub async fn handle(deps: &Deps, event: Value, deadline: Deadline) -> Result<Value, Error> {
    let event: SqsEvent = serde_json::from_value(event).map_err(Error::UnknownEvent)?;
    let deps = &deps.of_connected_account().await?;
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
    Ok(serde_json::to_value(response.await?).unwrap_or_else(|_| json!({"batchItemFailures": []})))
}
