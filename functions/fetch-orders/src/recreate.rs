//! One order made anew (N6): its sale is voided, the order is read once more, and it is booked as if it had just come.

use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{SaleDraft, SaleEdit, SaleOutcome};
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::log::{LogState, Trigger};
use stevedore_domain::operation::{OperationRow, OperationState, QueuedRevision};
use stevedore_domain::stock::Levels;
use stevedore_lambda::Deadline;
use stevedore_shipstation::{Call, Credentials, Priority};

use crate::run::{Run, call_deadline};
use crate::step::queued_row;
use crate::{Deps, Error, pending};

/// Voids the order's sale, if it is not void yet, and has the order wait in the log; then queues its newest revision. Cut off in between, the order is
/// pending, and the next download books it.
pub(crate) async fn recreate(deps: &Deps, mut run: Run, order: OrderId, deadline: Deadline) -> Result<(), Error> {
    let_go(deps, &run, order).await?;
    let id = run.operation.id.clone();
    let rows = match read_anew(deps, &mut run, order, deadline).await? {
        Some(row) => vec![row],
        None => pending::process(deps, &id, Some(&[order])).await?,
    };
    run.operation.pages = deps.table.put_operation_rows(&id, 0, &rows).await?;
    run.operation.state = OperationState::Processing;
    run.operation.read_at = Some((deps.clock)());
    run.let_go();
    run.save(deps).await?;
    deps.table.settle(&id, (deps.clock)()).await?;
    Ok(())
}

async fn let_go(deps: &Deps, run: &Run, order: OrderId) -> Result<(), Error> {
    let Some(stored) = deps.table.log_entry(order).await? else { return Ok(()) };
    // Without a sale of its own there is nothing to let go of: it did so already, or it is part of a day's.
    let Some(sale) = stored.entry.sale_id.filter(|id| id.order().is_some()) else { return Ok(()) };
    let now = (deps.clock)();
    let by = run.operation.by.clone();
    let change = |draft: &mut SaleDraft| {
        let Some(entry) = draft.entry.as_mut() else { return Err(()) };
        let voided = draft.sale.voided_at.is_none();
        let stock = if voided { draft.sale.void(&draft.levels, now) } else { Vec::new() };
        entry.recreate(now, &by);
        Ok(Some(SaleEdit { stock, events: voided.then_some(EventKind::SaleVoided).into_iter().collect() }))
    };
    match deps.table.change_sale(&sale, Levels::default(), now, change).await? {
        SaleOutcome::Written(_) => tracing::info!(order_id = order.0, sale_id = %sale, "sale voided to be made anew"),
        SaleOutcome::Unchanged(_) | SaleOutcome::Absent | SaleOutcome::Refused(()) => {}
    }
    Ok(())
}

/// Queues the order as ShipStation has it now, where that is newer than what the log has. When ShipStation cannot be asked, the log's revision is good enough:
/// the next download brings what is newer.
async fn read_anew(deps: &Deps, run: &mut Run, order: OrderId, deadline: Deadline) -> Result<Option<OperationRow>, Error> {
    let Some(credentials) = deps.secrets.read().await? else { return Ok(None) };
    let credentials = Credentials { api_key: credentials.api_key, api_secret: credentials.api_secret };
    let call = Call { credentials: &credentials, priority: Priority::Operator, deadline: call_deadline(deps, deadline) };
    run.operation.requests = run.operation.requests.saturating_add(1);
    let read = match deps.shipstation.order(&call, order).await {
        Ok(read) => read,
        Err(error) => {
            tracing::warn!(
                order_id = order.0,
                reason = error.code(),
                "the order could not be read anew; its newest revision in the log is booked"
            );
            return Ok(None);
        }
    };
    let Some(read) = read else { return Ok(None) };
    let Ok(revision) = &read.parsed else { return Ok(None) };
    let Some(stored) = deps.table.log_entry(order).await? else { return Ok(None) };
    let newer = stored.entry.newest().is_none_or(|newest| revision.supersedes(newest));
    if !newer || stored.entry.state != LogState::Pending {
        return Ok(None);
    }
    let row = queued_row(order, &revision.order.number, QueuedRevision::new(&revision.key, Some(&stored.entry)));
    let (operation_id, read_at): (OperationId, _) = (run.operation.id.clone(), Some(read.read_at));
    let message = OrderMessage { operation_id, trigger: Trigger::Manual, read_at, order: read.raw.clone().into() };
    let Some(body) = message.encode()? else { return Ok(None) };
    let report = deps.queues.send_orders(&[body]).await?;
    match report.refused.first() {
        Some((_, reason)) => Err(Error::NotQueued { count: report.refused.len(), reason: reason.clone() }),
        None => Ok(Some(row)),
    }
}
