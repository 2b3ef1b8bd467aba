//! Orders that are in the log without a sale, queued once more (S107, N2).

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{List, StoredEntry};
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::log::{Decision, LogState, Trigger, classify};
use stevedore_domain::operation::{OperationRow, QueuedRevision};
use stevedore_domain::settings::{Consolidation, Settings};
use stevedore_shipstation::parse_order;

use crate::step::queued_row;
use crate::{Deps, Error, sending, step};

/// How many open orders of each state one tick tries again by itself.
const PER_TICK: usize = 200;
/// How many of each state one command queues.
const PER_COMMAND: usize = 20_000;

/// Orders that something here keeps from being booked are tried again with every download: the command that should have done it may have been lost.
/// Not those that this download has just `queued`: of two revisions on their way at once the older could be booked.
pub(crate) async fn heal(deps: &Deps, queued: &BTreeSet<OrderId>) -> Result<(), Error> {
    let rows = queue_all(deps, &OperationId::from("system"), PER_TICK, queued).await?;
    if !rows.is_empty() {
        tracing::info!(orders = rows.len(), "open orders queued again");
    }
    Ok(())
}

/// Queues open orders: these, or all.
pub(crate) async fn process(deps: &Deps, operation: &OperationId, orders: Option<&[OrderId]>) -> Result<Vec<OperationRow>, Error> {
    let Some(orders) = orders else { return queue_all(deps, operation, PER_COMMAND, &BTreeSet::new()).await };
    let mut rows = Vec::new();
    let entries = deps.table.log_entries(orders.iter().copied()).await?;
    let open: Vec<StoredEntry> = entries.into_values().filter(|stored| stored.entry.state.is_open()).collect();
    send(deps, operation, &open, None, &mut rows).await?;
    Ok(rows)
}

async fn queue_all(deps: &Deps, operation: &OperationId, limit: usize, but: &BTreeSet<OrderId>) -> Result<Vec<OperationRow>, Error> {
    let mut rows = Vec::new();
    let settings = deps.table.settings().await?.value;
    // With daily consolidation a pending order waits for its day; what is blocked or was skipped may have become able to wait with it.
    let states: &[LogState] = match settings.consolidation {
        Consolidation::None => &[LogState::Pending, LogState::Blocked, LogState::Skipped, LogState::Failed],
        Consolidation::Daily => &[LogState::Blocked, LogState::Skipped, LogState::Failed],
    };
    for state in states {
        // While the tax mapping is unfinished there is nothing to try.
        if *state == LogState::Skipped && !settings.tax_mapping_finished() {
            continue;
        }
        let mut list = List { limit: 100, ..List::default() };
        let begun = rows.len();
        loop {
            let mut page = deps.table.list_log_state(*state, &list).await?;
            page.items.retain(|stored| !but.contains(&stored.entry.order_id));
            send(deps, operation, &page.items, Some(&settings), &mut rows).await?;
            list.token = page.next;
            if list.token.is_none() || rows.len() - begun >= limit {
                break;
            }
        }
    }
    Ok(rows)
}

/// Queues these orders; with `settings`, of those that wait or were skipped only the ones that nothing in them keeps back any more.
async fn send(
    deps: &Deps,
    operation: &OperationId,
    entries: &[StoredEntry],
    settings: Option<&Settings>,
    rows: &mut Vec<OperationRow>,
) -> Result<(), Error> {
    let mut bodies = Vec::with_capacity(entries.len());
    let begun = rows.len();
    // What another account left behind is not this one's to process.
    for stored in entries.iter().filter(|stored| stored.entry.account == deps.table.account()) {
        let (Some(order), Some(newest)) = (deps.table.newest_order(stored).await?, stored.entry.newest()) else {
            tracing::error!(order_id = %stored.entry.order_id, "the newest revision of an open order is missing; load the order by its number");
            continue;
        };
        if settings.is_some_and(|settings| is_held_back(stored, &order, settings)) {
            continue;
        }
        let message = OrderMessage {
            operation_id: operation.clone(),
            account: stored.entry.account,
            trigger: Trigger::Manual,
            read_at: newest.read_at,
            order,
        };
        if let Some(body) = message.encode()? {
            bodies.push(body);
            rows.push(queued_row(stored.entry.order_id, &stored.entry.order_number, QueuedRevision::new(newest, Some(&stored.entry))));
        }
    }
    for refusal in sending::send(deps, &bodies).await? {
        if let (Some(row), Some(body)) = (rows.get_mut(begun + refusal.index), bodies.get(refusal.index)) {
            sending::refuse(row, &refusal, step::evidence(body));
        }
    }
    Ok(())
}

/// Whether the order waits or is skipped for a reason that still holds: trying it again changes nothing.
fn is_held_back(stored: &StoredEntry, order: &RawValue, settings: &Settings) -> bool {
    let entry = &stored.entry;
    let read_at = entry.newest().and_then(|newest| newest.read_at);
    entry.state == LogState::Skipped
        && parse_order(order.get(), read_at)
            .is_ok_and(|revision| classify(&revision, settings, Some(entry), Trigger::Manual) != Decision::Replace)
}
