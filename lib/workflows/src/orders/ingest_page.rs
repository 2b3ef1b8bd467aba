//! Orders that were read, decided on and queued: every one gets a row, and everything that is to be captured a message.

use std::collections::HashMap;

use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{DetachedSale, OrderRecord, StoredEntry};
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::log::{Decision, LogEntry, Outcome, classify};
use stevedore_domain::operation::{OperationRow, QueuedRevision};
use stevedore_domain::order::{Revision, RevisionKey};
use stevedore_domain::reason::Reason;
use stevedore_shipstation::{Call, Malformed, Poison, RawOrder};

use crate::booking::sale_stands;

use super::run::Run;
use super::stop::Stop;
use super::{Deps, Error, sending, store_names, unread_places, withdraw_merged};

/// Bytes of an unreadable order's text that a row keeps: more than any order of a few hundred lines.
const EVIDENCE: usize = 256 * 1024;

/// Decides on orders and queues them. When this returns, each of them is safely queued or needs nothing, and has its row.
///
/// # Errors
/// [`Stop::ShipStation`]: these orders are to be read once more.
pub(crate) async fn ingest(
    deps: &Deps,
    run: &mut Run,
    call: &Call<'_>,
    mut orders: Vec<RawOrder>,
    poison: Vec<Poison>,
) -> Result<(), Stop> {
    if orders.is_empty() && poison.is_empty() {
        return Ok(());
    }
    let (mut entries, detached_sales) = apart(deps.table.order_records(named(&orders)).await?);
    let returned = withdraw_merged::returned(deps, run, call, &orders, &mut entries).await?;
    orders.extend(returned);
    let mut page = Page::default();
    let newest = newest(&orders);
    for order in &orders {
        match &order.parsed {
            // An order that was edited while it was read is there twice: what it was before is nothing to book.
            Ok(revision) if newest.get(&revision.order.id).is_some_and(|newest| newest.supersedes(&revision.key)) => {}
            Ok(revision) => {
                let id = revision.order.id;
                let in_live_sale = is_in_live_sale(deps, detached_sales.get(&id)).await?;
                page.add(run, order, revision, entries.get(&id).map(|stored| &stored.entry), in_live_sale)?;
            }
            Err(malformed) => {
                page.rows.push(malformed_row(malformed, order));
                unread_places::remember_order(deps, malformed).await?;
            }
        }
    }
    for place in &poison {
        page.rows.push(poison_row(place));
        unread_places::remember_place(deps, place).await?;
    }
    if !page.bodies.is_empty() {
        store_names::refresh(deps, run, call, &orders).await?;
    }
    page.send(deps, run).await?;
    let withdrawn = withdraw_merged::withdraw(deps, run, call, &orders, &entries).await;
    if let Err(Stop::Failed(error)) = withdrawn {
        return Err(error.into());
    }
    run.operation.pages = deps.table.put_operation_rows(&run.operation.id, run.operation.pages, &page.rows).await?;
    let queued = page.rows.iter().filter(|row| row.outcome.is_none()).count();
    tracing::info!(operation_id = %run.operation.id, orders = orders.len(), poison = poison.len(), queued, "page taken");
    withdrawn
}

/// The ids of the orders that were read, and of those that they name as combined into them.
fn named(orders: &[RawOrder]) -> Vec<OrderId> {
    let read = || orders.iter().filter_map(|order| order.parsed.as_ref().ok()).map(|revision| &revision.order);
    read().map(|order| order.id).chain(read().flat_map(|order| order.merged_ids.iter().copied())).collect()
}

/// Rows of the orders that were read, and the messages of those that are queued.
#[derive(Default)]
struct Page<'a> {
    rows: Vec<OperationRow>,
    bodies: Vec<String>,
    /// For each body: its row, and its order.
    sent: Vec<(usize, &'a RawOrder)>,
}

impl<'a> Page<'a> {
    /// Decides on an order, by what the log knows of it as `entry`. One that is in a live sale without an entry is always queued.
    fn add(
        &mut self,
        run: &mut Run,
        order: &'a RawOrder,
        revision: &Revision,
        entry: Option<&LogEntry>,
        in_live_sale: bool,
    ) -> Result<(), Error> {
        let (id, number) = (revision.order.id, &revision.order.number);
        if let Decision::Nothing(outcome, reason) = classify(revision, &run.settings, entry, run.operation.trigger)
            && !in_live_sale
        {
            let before = entry.and_then(|entry| brought_before(&run.operation.id, revision, entry));
            self.rows.push(before.unwrap_or_else(|| OperationRow::decided(id, number, outcome, reason)));
            return Ok(());
        }
        let message = OrderMessage {
            operation_id: run.operation.id.clone(),
            account: run.operation.account,
            trigger: run.operation.trigger,
            read_at: Some(order.read_at),
            order: order.raw.clone().into(),
            alike: run.alike.add(&revision.order),
        };
        let Some(body) = message.encode()? else {
            self.rows.push(OperationRow::decided(id, number, Outcome::Failed, Some(Reason::OrderTooLarge)));
            return Ok(());
        };
        self.bodies.push(body);
        self.sent.push((self.rows.len(), order));
        run.queued.insert(id);
        let key = revision.key_beside(entry.and_then(LogEntry::newest));
        self.rows.push(queued_row(id, number, QueuedRevision::new(&key, entry)));
        Ok(())
    }

    /// Queues them. What the queue will never take is refused in its row.
    async fn send(&mut self, deps: &Deps, run: &mut Run) -> Result<(), Error> {
        for refusal in sending::send(deps, &self.bodies).await? {
            let Some((row, order)) = self.sent.get(refusal.index).and_then(|(row, order)| Some((self.rows.get_mut(*row)?, order))) else {
                continue;
            };
            sending::refuse(row, &refusal, evidence(order.raw.get()));
            if let Some(id) = row.order_id {
                run.queued.remove(&id);
            }
        }
        Ok(())
    }
}

/// The orders that have a log entry, and those of which a sale alone is left.
fn apart(known: HashMap<OrderId, OrderRecord>) -> (HashMap<OrderId, StoredEntry>, HashMap<OrderId, DetachedSale>) {
    let (mut entries, mut detached_sales) = (HashMap::with_capacity(known.len()), HashMap::new());
    for (id, known) in known {
        match known {
            OrderRecord::Entry(stored) => drop(entries.insert(id, stored)),
            OrderRecord::DetachedSale(detached) => drop(detached_sales.insert(id, detached)),
        }
    }
    (entries, detached_sales)
}

/// True if an order without a log entry is in a sale that stands: in any present state of ShipStation's it is tied to its sale again, which says what differs.
async fn is_in_live_sale(deps: &Deps, detached: Option<&DetachedSale>) -> Result<bool, Error> {
    match detached {
        Some(detached) => Ok(sale_stands(&deps.table, &detached.sale_id).await?),
        None => Ok(false),
    }
}

/// The row of an order that this operation brought into the log before it was cut off: it counts as it did then, and not as one that was there already.
fn brought_before(operation: &OperationId, revision: &Revision, entry: &LogEntry) -> Option<OperationRow> {
    let queued = QueuedRevision::new(&revision.key_beside(entry.newest()), Some(entry));
    let mut row = queued_row(revision.order.id, &revision.order.number, queued);
    row.settle(operation, Some(entry), true);
    matches!(row.outcome, Some(Outcome::Captured | Outcome::Updated)).then_some(row)
}

/// The newest revision of each order.
fn newest(orders: &[RawOrder]) -> HashMap<OrderId, RevisionKey> {
    let mut newest: HashMap<OrderId, RevisionKey> = HashMap::with_capacity(orders.len());
    for revision in orders.iter().filter_map(|order| order.parsed.as_ref().ok()) {
        newest
            .entry(revision.order.id)
            .and_modify(|known| {
                if revision.key.supersedes(known) {
                    *known = revision.key;
                }
            })
            .or_insert(revision.key);
    }
    newest
}

/// A row whose outcome the log will tell.
pub(crate) fn queued_row(id: OrderId, number: &str, revision: QueuedRevision) -> OperationRow {
    OperationRow { order_id: Some(id), order_number: Some(number.to_owned()), queued: Some(revision), ..OperationRow::default() }
}

fn malformed_row(malformed: &Malformed, order: &RawOrder) -> OperationRow {
    unreadable_row(malformed, evidence(order.raw.get()))
}

/// As much of an order's text as a row keeps. What is cut says so at its end.
pub(crate) fn evidence(text: &str) -> String {
    if text.len() <= EVIDENCE {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(EVIDENCE);
    format!("{}\u{2026} (cut here: the first {end} of {} bytes)", text.get(..end).unwrap_or_default(), text.len())
}

fn unreadable_row(malformed: &Malformed, evidence: String) -> OperationRow {
    let place = if malformed.pointer.is_empty() { String::new() } else { format!("{}: ", malformed.pointer) };
    OperationRow {
        order_id: malformed.order_id,
        order_number: malformed.order_number.clone(),
        outcome: Some(Outcome::Failed),
        reason: Some(Reason::MalformedOrder),
        message: Some(format!("{place}{}. {}", malformed.problem, Reason::MalformedOrder.advice())),
        evidence: Some(evidence),
        ..OperationRow::default()
    }
}

fn poison_row(place: &Poison) -> OperationRow {
    if let Some(order) = &place.order {
        return unreadable_row(order, place.excerpt.clone());
    }
    let beside = |neighbour: &Option<stevedore_shipstation::Neighbour>| {
        neighbour.as_ref().and_then(|neighbour| neighbour.order_id).map_or_else(|| "none".to_owned(), |id| id.to_string())
    };
    let detail = format!(
        "ShipStation answers {} for one order between order {} and order {} by {}.",
        place.status,
        beside(&place.before),
        beside(&place.after),
        place.key
    );
    OperationRow {
        outcome: Some(Outcome::Failed),
        reason: Some(Reason::PoisonOrder),
        message: Some(format!("{detail} {}", Reason::PoisonOrder.advice())),
        evidence: serde_json::to_string(place).ok(),
        ..OperationRow::default()
    }
}
