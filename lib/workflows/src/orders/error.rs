//! Reasons why a workflow did not come to its end, and the time that its end takes.

use std::time::Duration;

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
