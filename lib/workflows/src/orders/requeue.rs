//! Orders that are in the log without a sale, queued once more (S107, N2).

use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{List, StoredEntry};
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::log::{LogState, Trigger, is_held_back, states_tried_again};
use stevedore_domain::operation::{OperationRow, QueuedRevision};
use stevedore_domain::settings::Settings;
use stevedore_lambda::Deadline;
use stevedore_shipstation::parse_order;

use super::ingest_page::queued_row;
use super::presence::{self, Presence};
use super::{Deps, Error, ingest_page, sending};

/// Number of orders of each state that one command queues.
pub(crate) const PER_COMMAND: usize = 20_000;

/// Open orders of one page that are to be queued, and what their rows say until that is done.
pub(crate) struct Ready {
    bodies: Vec<String>,
    pub(crate) rows: Vec<OperationRow>,
}

/// Queues open orders: these, or all. With a deadline ShipStation is asked first whether it still has them.
pub(crate) async fn process(
    deps: &Deps,
    settings: &Settings,
    operation: &OperationId,
    orders: Option<&[OrderId]>,
    deadline: Option<Deadline>,
) -> Result<Vec<OperationRow>, Error> {
    let mut rows = Vec::new();
    let credentials = if deadline.is_some() { presence::credentials(deps).await? } else { None };
    let presence = credentials.as_ref().zip(deadline);
    let mut presence =
        presence.map(|(credentials, deadline)| Presence::new(deps, credentials, presence::PER_COMMAND, operation.as_str(), deadline));
    if let Some(orders) = orders {
        let mut open = open_among(deps, orders).await?;
        if let Some(presence) = &mut presence {
            presence.retain(deps, &mut open).await?;
        }
        let mut ready = ready(deps, operation, &open).await?;
        send(deps, &mut ready).await?;
        return Ok(ready.rows);
    }
    let mut open = OpenOrders::new(settings, PER_COMMAND);
    while let Some(mut page) = open.next(deps).await? {
        if let Some(presence) = &mut presence {
            presence.retain(deps, &mut page).await?;
        }
        let mut ready = ready(deps, operation, &page).await?;
        send(deps, &mut ready).await?;
        rows.extend(ready.rows);
    }
    Ok(rows)
}

/// Those of these orders that are open.
pub(crate) async fn open_among(deps: &Deps, orders: &[OrderId]) -> Result<Vec<StoredEntry>, Error> {
    let entries = deps.table.log_entries(orders.iter().copied()).await?;
    Ok(entries.into_values().filter(|stored| stored.entry.state.is_open()).collect())
}

/// Every open order, page by page.
pub(crate) struct OpenOrders {
    settings: Settings,
    /// Not much more than so many of each state.
    limit: usize,
    /// States to come, the next one last.
    states: Vec<LogState>,
    /// Position of the list of that, and the number of its orders that were taken.
    list: List,
    taken: usize,
}

impl OpenOrders {
    pub(crate) fn new(settings: &Settings, limit: usize) -> Self {
        let mut states = states_tried_again(settings);
        states.reverse();
        Self { settings: settings.clone(), limit, states, list: List { limit: 100, ..List::default() }, taken: 0 }
    }

    /// The next page; nothing when that was all.
    pub(crate) async fn next(&mut self, deps: &Deps) -> Result<Option<Vec<StoredEntry>>, Error> {
        while let Some(state) = self.states.last().copied() {
            let mut page = deps.table.list_log_state(state, &self.list).await?;
            page.items.retain(|stored| stored.entry.account == deps.table.account());
            page.items = self.not_held_back(deps, state, page.items).await?;
            self.taken += page.items.len();
            self.list.token = page.next;
            if self.list.token.is_none() || self.taken >= self.limit {
                self.states.pop();
                self.list.token = None;
                self.taken = 0;
            }
            if !page.items.is_empty() {
                return Ok(Some(page.items));
            }
        }
        Ok(None)
    }

    /// Of orders that were skipped only those that nothing in them keeps back any more.
    async fn not_held_back(&self, deps: &Deps, state: LogState, entries: Vec<StoredEntry>) -> Result<Vec<StoredEntry>, Error> {
        if state != LogState::Skipped {
            return Ok(entries);
        }
        let mut kept = Vec::with_capacity(entries.len());
        for stored in entries {
            let read_at = stored.entry.newest().and_then(|newest| newest.read_at);
            let order = deps.table.newest_order(&stored).await?;
            let newest = order.and_then(|order| parse_order(order.get(), read_at).ok());
            if !newest.is_some_and(|newest| is_held_back(&stored.entry, &newest, &self.settings)) {
                kept.push(stored);
            }
        }
        Ok(kept)
    }
}

/// The messages of open orders, and their rows.
pub(crate) async fn ready(deps: &Deps, operation: &OperationId, entries: &[StoredEntry]) -> Result<Ready, Error> {
    let (mut bodies, mut rows) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
    // What another account left behind is not this one's to process.
    for stored in entries.iter().filter(|stored| stored.entry.account == deps.table.account()) {
        let (Some(order), Some(newest)) = (deps.table.newest_order(stored).await?, stored.entry.newest()) else {
            tracing::error!(order_id = %stored.entry.order_id, "the newest revision of an open order is missing; load the order by its number");
            continue;
        };
        let message = OrderMessage {
            operation_id: operation.clone(),
            account: stored.entry.account,
            trigger: Trigger::Manual,
            read_at: newest.read_at,
            order,
            // They are in the log, where their kin are found.
            alike: Vec::new(),
        };
        if let Some(body) = message.encode()? {
            bodies.push(body);
            rows.push(queued_row(stored.entry.order_id, &stored.entry.order_number, QueuedRevision::new(newest, Some(&stored.entry))));
        }
    }
    Ok(Ready { bodies, rows })
}

/// Queues them. What the queue will never take is refused in its row. Answers whether there is any such.
pub(crate) async fn send(deps: &Deps, ready: &mut Ready) -> Result<bool, Error> {
    let refusals = sending::send(deps, &ready.bodies).await?;
    for refusal in &refusals {
        if let (Some(row), Some(body)) = (ready.rows.get_mut(refusal.index), ready.bodies.get(refusal.index)) {
            sending::refuse(row, refusal, ingest_page::evidence(body));
        }
    }
    Ok(!refusals.is_empty())
}
