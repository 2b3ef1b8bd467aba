//! One order made anew (N6): its sale is voided, the order is read once more, and it is booked as if it had just come.

use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{SaleDraft, SaleEdit, SaleOutcome};
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::log::{Gone, LogState, Outcome, Trigger};
use stevedore_domain::operation::{OperationRow, QueuedRevision};
use stevedore_domain::stock::Levels;
use stevedore_lambda::Deadline;
use stevedore_shipstation::{Call, Priority};

use super::download::{call_deadline, takes_orders};
use super::ingest_page::queued_row;
use super::run::Run;
use super::{Deps, Error, day_member, ingest_page, requeue, sending};

/// Voids the order's sale, if it is not void yet, and has the order wait in the log; then queues its newest revision. Cut off in between, the order is
/// pending, and the next download books it.
pub(crate) async fn recreate(deps: &Deps, mut run: Run, order: OrderId, deadline: Deadline) -> Result<(), Error> {
    let id = run.operation.id.clone();
    let rows = if let Some(row) = done_already(deps, &id, order).await? {
        vec![row]
    } else {
        release_sale(deps, &run, order).await?;
        match read_anew(deps, &mut run, order, deadline).await? {
            Anew::Queued(row) | Anew::Gone(row) => vec![*row],
            Anew::AsKnown => requeue::process(deps, &run.settings, &id, Some(&[order]), None).await?,
        }
    };
    run.operation.pages = deps.table.put_operation_rows(&id, 0, &rows).await?;
    run.finish(deps).await?;
    deps.table.settle(&id, (deps.clock)()).await?;
    Ok(())
}

/// The row of an order that this operation has made anew before it was cut off: what it booked then is not voided again.
async fn done_already(deps: &Deps, id: &OperationId, order: OrderId) -> Result<Option<OperationRow>, Error> {
    let Some(entry) = deps.table.log_entry(order).await?.map(|stored| stored.entry) else { return Ok(None) };
    let done = entry.timeline.iter().any(|event| event.by == id.as_str());
    let newest = entry.newest().filter(|_| done);
    Ok(newest.map(|newest| queued_row(order, &entry.order_number, QueuedRevision::new(newest, Some(&entry)))))
}

async fn release_sale(deps: &Deps, run: &Run, order: OrderId) -> Result<(), Error> {
    let Some(stored) = deps.table.log_entry(order).await? else { return Ok(()) };
    if stored.entry.day().is_some() {
        return day_member::release(deps, run, order).await;
    }
    // Without a sale there is nothing to let go of: it did so already.
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

/// Result of reading the order once more.
enum Anew {
    /// Queued, as ShipStation has it now.
    Queued(Box<OperationRow>),
    /// ShipStation has no such order, so it was withdrawn.
    Gone(Box<OperationRow>),
    /// ShipStation could not be asked, or says nothing newer than the log: the log's newest revision decides.
    AsKnown,
}

/// Queues the order as ShipStation has it now. When ShipStation cannot be asked, the log's revision is good enough: the next download brings what is newer.
async fn read_anew(deps: &Deps, run: &mut Run, order: OrderId, deadline: Deadline) -> Result<Anew, Error> {
    // With the mode `store` off nothing is read from ShipStation: what the log knows is made anew.
    if !takes_orders(deps).await? {
        return Ok(Anew::AsKnown);
    }
    let Some(credentials) = deps.credentials().await? else { return Ok(Anew::AsKnown) };
    let call = Call { credentials: &credentials, priority: Priority::Operator, deadline: call_deadline(deps, deadline) };
    run.count_requests(1);
    let read = match deps.shipstation.order(&call, order).await {
        Ok(Some(read)) => read,
        Ok(None) => return gone(deps, run, order).await,
        Err(error) => {
            tracing::warn!(
                order_id = order.0,
                reason = error.code(),
                "the order could not be read anew; its newest revision in the log decides"
            );
            return Ok(Anew::AsKnown);
        }
    };
    let Ok(revision) = &read.parsed else { return Ok(Anew::AsKnown) };
    let Some(stored) = deps.table.log_entry(order).await? else { return Ok(Anew::AsKnown) };
    // The same content is queued too: that it is there now is news where it was away.
    let older = stored.entry.newest().is_some_and(|newest| !revision.supersedes(newest) && !revision.says(newest.digest));
    if older || stored.entry.state != LogState::Pending {
        return Ok(Anew::AsKnown);
    }
    let row = queued_row(order, &revision.order.number, QueuedRevision::new(&revision.key, Some(&stored.entry)));
    let (operation_id, read_at): (OperationId, _) = (run.operation.id.clone(), Some(read.read_at));
    let message = OrderMessage {
        operation_id,
        account: deps.table.account(),
        trigger: Trigger::Manual,
        read_at,
        order: read.raw.clone().into(),
        alike: Vec::new(),
    };
    let Some(body) = message.encode()? else { return Ok(Anew::AsKnown) };
    let mut row = row;
    if let Some(refusal) = sending::send(deps, &[body]).await?.first() {
        sending::refuse(&mut row, refusal, ingest_page::evidence(read.raw.get()));
    }
    Ok(Anew::Queued(Box::new(row)))
}

/// Withdraws an order that ShipStation does not have any more: combined into the one that the log knows of, else deleted.
async fn gone(deps: &Deps, run: &Run, order: OrderId) -> Result<Anew, Error> {
    let (at, by) = ((deps.clock)(), run.operation.by.clone());
    let changed = deps
        .table
        .change_log_entry(order, |entry| {
            let into = entry.gone().and_then(|gone| gone.into);
            entry.vanished(Gone { at, into }, None, &by)
        })
        .await?;
    let Some(entry) = changed.filter(|entry| entry.state == LogState::Withdrawn) else { return Ok(Anew::AsKnown) };
    let row = OperationRow::decided(order, &entry.order_number, Outcome::Cancelled, entry.reason);
    Ok(Anew::Gone(Box::new(OperationRow { message: entry.message, ..row })))
}
