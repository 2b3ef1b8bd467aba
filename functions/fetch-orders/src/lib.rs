//! `fetch-orders`: ShipStation's orders become messages on the orders queue.
//!
//! One handler for two kinds of event: the schedule's tick, which downloads what changed since the cursor, and commands, by which a person loads orders,
//! a file of products is imported, or an invocation hands on what it could not finish.

mod command;
mod day_member;
mod figures;
mod heal;
mod housekeeping;
mod import;
mod merged;
mod other_account;
mod pending;
mod place;
mod recreate;
mod run;
mod sale_ids;
mod sending;
mod step;
mod tick;
mod trouble;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use stevedore_aws::messages::Command;
use stevedore_aws::{DeadReason, Origin, Queues, Secrets, Table};
use stevedore_lambda::{BatchError, Clock, Deadline, Limits, RecordError, run_batch};

pub use figures::METRICS;

/// What the function works with; built once for each process.
#[derive(Clone)]
pub struct Deps {
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
    /// ShipStation's key and secret.
    pub secrets: Secrets,
    /// ShipStation.
    pub shipstation: stevedore_shipstation::Client,
    /// The clock.
    pub clock: Clock,
}

impl Deps {
    /// The same for one invocation, whose trace its messages carry: `Lambda-Runtime-Trace-Id`, if Lambda gave one.
    #[must_use]
    pub fn traced(&self, header: Option<&str>) -> Self {
        Self { queues: self.queues.traced(header), ..self.clone() }
    }
}

/// Why an invocation failed. Nothing is lost: the cursor has not moved past anything that is not queued.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a scheduled event nor an SQS event.
    #[error("the event is neither a schedule's tick nor a batch of commands")]
    UnknownEvent(#[source] Option<serde_json::Error>),
    /// The table, a queue or the secret.
    #[error("AWS did not do its part")]
    Aws(#[from] stevedore_aws::Error),
    /// See [`BatchError`].
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// SQS did not accept a message, after retries.
    #[error("the queue did not accept {count} of the orders ({reason})")]
    NotQueued {
        /// How many.
        count: usize,
        /// SQS's reason for the first.
        reason: String,
    },
    /// An operation's record is gone.
    #[error("the operation {0} does not exist")]
    NoOperation(stevedore_domain::ids::OperationId),
    /// Another invocation is at work on the operation.
    #[error("another invocation is at work on the operation {0}")]
    Held(stevedore_domain::ids::OperationId),
    /// Others kept changing what a row of an import is about.
    #[error("other writers kept changing the product of line {line}")]
    RowContended {
        /// The row's line.
        line: u64,
    },
    /// Another download took the cursor over.
    #[error("another download took over")]
    LeaseLost,
}

/// What is left of the invocation's time for putting everything away.
pub(crate) const MARGIN: Duration = Duration::from_secs(15);

/// Handles one event.
///
/// # Errors
/// [`Error`]; Lambda delivers the event again, which is safe.
pub async fn handle(deps: &Deps, event: Value, deadline: Deadline) -> Result<Value, Error> {
    #[derive(Deserialize)]
    struct Tick {
        time: Timestamp,
    }
    let deps = &Deps { table: deps.table.of_connected_account().await?, ..deps.clone() };
    if event.get("Records").is_some() {
        let event: SqsEvent = serde_json::from_value(event).map_err(|error| Error::UnknownEvent(Some(error)))?;
        let limits = Limits { concurrency: NonZeroUsize::MIN, deadline, margin: MARGIN, clock: Arc::clone(&deps.clock) };
        let response = run_batch(event, &limits, |record| async move {
            match Command::decode(&record.body) {
                Ok(command) => Box::pin(command::carry_out(deps, command, deadline)).await.map_err(RecordError::retry),
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
    let answer = Box::pin(tick::tick(deps, tick.time, deadline)).await;
    Box::pin(sale_ids::check(deps, deadline)).await;
    answer
}
