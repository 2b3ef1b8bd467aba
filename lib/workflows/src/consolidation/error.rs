//! Reasons why a run did not come to its end, and the time that its end takes.

use std::time::Duration;

use stevedore_domain::consolidation::Undecided;
use stevedore_domain::ids::{OperationId, OrderId};

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
