//! The pending orders of a day become one sale.

mod collect;
mod error;
mod finish;
mod member;
mod metrics;
mod run;

use stevedore_domain::ids::OperationId;
use stevedore_lambda::Deadline;

pub use crate::deps::Deps;
pub use error::{Error, MARGIN};
pub use metrics::METRICS;

/// Begins every run that is due, or goes on with the one that was cut off; the earliest date first. `asked` is the operation of a person who asked.
///
/// # Errors
/// [`Error`]; what was done stays, and another call goes on from there.
pub async fn run_due(deps: &Deps, asked: Option<OperationId>, deadline: Deadline) -> Result<serde_json::Value, Error> {
    Box::pin(run::run_due(deps, asked, deadline)).await
}
