//! ShipStation's orders become messages on the orders queue: by the schedule, because a person asked, or again because something changed here.

mod alike;
mod command;
mod day_member;
mod download;
mod heal;
mod housekeeping;
mod import;
mod ingest_page;
mod metrics;
mod numbers;
mod one_order;
mod other_account;
mod position;
mod presence;
mod recreate;
mod requeue;
mod sale_ids;
mod schedule;
mod sending;
mod unreadable;
mod withdraw_merged;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use stevedore_aws::messages::Command;
use stevedore_aws::{Queues, Secrets, Table};
use stevedore_lambda::{Clock, Deadline};

pub use metrics::{METRICS, RUN_METRICS};

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

    /// The same for the account that is connected now.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn of_connected_account(&self) -> Result<Self, Error> {
        Ok(Self { table: self.table.of_connected_account().await?, ..self.clone() })
    }
}

/// Reasons why a workflow did not come to its end. Nothing is lost: the cursor has not moved past anything that is not queued.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table, a queue or the secret.
    #[error("the request to AWS failed")]
    Aws(#[from] stevedore_aws::Error),
    /// SQS did not accept a message, after retries.
    #[error("the queue did not accept {count} of the orders ({reason})")]
    NotQueued {
        /// The number of orders.
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

/// Time that is kept for putting everything away.
pub const MARGIN: Duration = Duration::from_secs(15);

/// One tick of the schedule: the download, if it is due, then housekeeping.
///
/// # Errors
/// [`Error`]; the tick may come again, which is safe.
pub async fn tick(deps: &Deps, at: Timestamp, deadline: Deadline) -> Result<Value, Error> {
    let answer = Box::pin(schedule::tick(deps, at, deadline)).await;
    Box::pin(sale_ids::check(deps, deadline)).await;
    answer
}

/// Carries out a command of the commands queue.
///
/// # Errors
/// [`Error`]; the command may come again, and goes on where it stopped.
pub async fn carry_out(deps: &Deps, command: Command, deadline: Deadline) -> Result<(), Error> {
    Box::pin(command::carry_out(deps, command, deadline)).await
}
