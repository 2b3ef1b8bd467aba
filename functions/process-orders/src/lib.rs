//! `process-orders`: a batch of order messages becomes log entries and sales.
//!
//! Each message is on its own: it is read, decided on and written in one transaction, and one that fails goes back to the queue alone. What
//! the messages of a batch need from the table is read for all of them together first, which costs a few requests a batch instead of a few for each order;
//! the conditions of the transaction make sure that nothing of it was stale.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use stevedore_aws::{DeadReason, Origin};
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::LogState;
use stevedore_domain::reason::Reason;
use stevedore_lambda::{BatchError, Deadline, Limits, Prepared, Record, RecordError, run_prepared_batch};
use stevedore_workflows::process::{self, BatchContext, Outcomes, ReceivedOrder, Unreadable};

pub use stevedore_workflows::process::{Deps, METRICS};

/// Orders of one batch that are at work at a time. More than a few only collide in the table.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);
/// The time that one order may need.
const MARGIN: Duration = Duration::from_secs(2);

/// Reason for which a batch failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Data that the batch needs could not be read. All of it goes back to the queue.
    #[error("what the batch needs could not be read")]
    Load(#[source] stevedore_aws::Error),
    /// See [`BatchError`].
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// Processes a batch of order messages and answers which ones are to be delivered again.
///
/// # Errors
/// [`Error`]: all of the batch is delivered again, which changes nothing for what was done already.
pub async fn handle(deps: &Deps, event: SqsEvent, deadline: Deadline) -> Result<SqsBatchResponse, Error> {
    let began = (deps.clock)();
    let received = Prepared::read_batch(event, ReceivedOrder::read);
    let readable = received.iter().filter_map(|message| message.content()?.as_ref().ok());
    let context = &Box::pin(BatchContext::read(&deps.table, readable)).await.map_err(Error::Load)?;
    let deps = &context.deps(deps);
    let limits = Limits { concurrency: CONCURRENCY, deadline, margin: MARGIN, clock: Arc::clone(&deps.clock) };
    let outcomes = &Outcomes::default();
    let answer = run_prepared_batch(received, &limits, |record, order| one(deps, context, outcomes, record, order)).await?;
    outcomes.emit(answer.batch_item_failures.len(), began, (deps.clock)());
    Ok(answer)
}

async fn one(
    deps: &Deps,
    context: &BatchContext,
    outcomes: &Outcomes,
    record: Record,
    received: Result<ReceivedOrder, Unreadable>,
) -> Result<(), RecordError> {
    let received = match received {
        Ok(received) => received,
        Err(error) => return bury(deps, &record, &error.dead_reason(), RecordError::poison(error)).await,
    };
    let operation_id = received.message.operation_id.clone();
    match Box::pin(process::process(deps, context, received)).await {
        Ok(done) => {
            let process::Processed { order_id, outcome, reason, state, sale_id } = done;
            let (state, reason, sale_id) = (state.map(LogState::as_str), reason.map(Reason::code), sale_id.as_ref().map(SaleId::as_str));
            outcomes.add(outcome);
            tracing::info!(%order_id, ?outcome, state, reason, sale_id, %operation_id, "order processed");
            Ok(())
        }
        Err(process::Failure::Table(error)) if error.is_invalid() => {
            let why = DeadReason::new(
                "refused_by_table",
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
            );
            bury(deps, &record, &why, RecordError::poison(error)).await
        }
        Err(process::Failure::Table(error)) => Err(RecordError::retry(error)),
        Err(process::Failure::Contended) => Err(RecordError::retry(process::Failure::Contended)),
    }
}

async fn bury(deps: &Deps, record: &Record, why: &DeadReason, error: RecordError) -> Result<(), RecordError> {
    error.buried(&why.code, deps.queues.bury(Origin::Orders, &record.body, why).await)
}
