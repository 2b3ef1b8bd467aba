//! Messages onto the orders queue: one that the queue will never take costs itself, one that it does not take now costs the run.

use stevedore_aws::Refusal;
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::OperationRow;
use stevedore_domain::reason::Reason;

use super::{Deps, Error};

/// Sends messages. Answers those that the queue refuses for good, by their index.
///
/// # Errors
/// [`Error::NotQueued`] where the queue did not accept a message this time.
pub(crate) async fn send(deps: &Deps, bodies: &[String]) -> Result<Vec<Refusal>, Error> {
    let report = deps.queues.send_orders(bodies).await?;
    let refused = report.for_good().map_err(|(count, reason)| Error::NotQueued { count, reason })?;
    if let Some(first) = refused.first() {
        tracing::error!(orders = refused.len(), code = first.code, "the queue refuses orders for good");
    }
    Ok(refused)
}

/// Makes the row of an order that was to be queued one of an order that the queue refuses.
pub(crate) fn refuse(row: &mut OperationRow, refusal: &Refusal, evidence: String) {
    row.queued = None;
    row.outcome = Some(Outcome::Failed);
    row.reason = Some(Reason::QueueRefused);
    row.message = Some(format!("The queue answered {}. {}", refusal.code, Reason::QueueRefused.advice()));
    row.evidence = Some(evidence);
}
