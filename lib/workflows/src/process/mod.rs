//! Order messages become log entries and sales: each is decided on by itself and written in one transaction.

mod after_booking;
mod batch_context;
mod customers;
mod existing_sale;
mod metrics;
mod order;
mod received;

use stevedore_domain::ids::{OrderId, SaleId};
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::reason::Reason;

pub use crate::deps::Deps;
pub use batch_context::BatchContext;
pub use metrics::{METRICS, Outcomes};
pub use order::process;
pub use received::{ReceivedOrder, Unreadable};

/// Outcome of a message.
#[derive(Debug)]
pub struct Processed {
    /// The order.
    pub order_id: OrderId,
    /// Outcome of the order.
    pub outcome: Outcome,
    /// The reason, where there is one.
    pub reason: Option<Reason>,
    /// The state of its log entry, where it has one.
    pub state: Option<LogState>,
    /// Its sale, where it has one.
    pub sale_id: Option<SaleId>,
}

/// Reasons why a message's work is not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The table.
    #[error("the request to the table failed")]
    Table(#[source] stevedore_aws::Error),
    /// Other processes kept writing to the same order.
    #[error("other writers kept changing the order")]
    Contended,
}

impl From<stevedore_aws::Error> for Failure {
    fn from(error: stevedore_aws::Error) -> Self {
        Self::Table(error)
    }
}
