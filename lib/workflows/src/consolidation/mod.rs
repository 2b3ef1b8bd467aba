//! The pending orders of a day become one sale.

mod collect;
mod finish;
mod member;
mod metrics;
mod run;

use std::time::Duration;

use stevedore_aws::{Queues, Table};
use stevedore_domain::consolidation::Undecided;
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_lambda::{Clock, Deadline};

pub use metrics::METRICS;

/// Parts that consolidation needs; built once for each process.
#[derive(Clone)]
pub struct Deps {
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
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

/// Reasons why a run did not come to its end. What it did stays, and the next one goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table or a queue.
    #[error("the request to AWS failed")]
    Aws(#[from] stevedore_aws::Error),
    /// See [`Undecided`].
    #[error("what is due cannot be decided")]
    Undecided(#[from] Undecided),
    /// Others kept writing to an order.
    #[error("others kept writing to order {0}")]
    Contended(OrderId),
    /// Somebody else went on with the run.
    #[error("another process went on with the run")]
    RunTaken,
    /// Stock kept running short in new places.
    #[error("stock kept changing while the day's sale was written")]
    StockMoved,
    /// An operation's record is gone.
    #[error("the operation {0} does not exist")]
    NoOperation(OperationId),
}

/// Time that is kept for putting everything away, or for writing the sale.
pub const MARGIN: Duration = Duration::from_secs(15);

/// Begins every run that is due, or goes on with the one that was cut off; the earliest date first. `asked` is the operation of a person who asked.
///
/// # Errors
/// [`Error`]; what was done stays, and another call goes on from there.
pub async fn run_what_is_due(deps: &Deps, asked: Option<OperationId>, deadline: Deadline) -> Result<serde_json::Value, Error> {
    Box::pin(run::run_due(deps, asked, deadline)).await
}
