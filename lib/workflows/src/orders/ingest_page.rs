//! Orders that were read, decided on and queued: every one gets a row, and everything that is to be captured a message.

use std::collections::HashMap;

use crate::booking::sale_stands;
use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{DetachedSale, OrderRecord, StoredEntry};
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::log::{Decision, LogEntry, Outcome, classify};
use stevedore_domain::operation::{OperationRow, QueuedRevision};
use stevedore_domain::order::{Revision, RevisionKey};
use stevedore_domain::reason::Reason;
use stevedore_shipstation::{Call, Error as ShipStationError, Malformed, Poison, RawOrder};

use super::download::Run;
use super::{Deps, Error, housekeeping, sending, unreadable, withdraw_merged};

/// Bytes of an unreadable order's text that a row keeps: more than any order of a few hundred lines.
const EVIDENCE: usize = 256 * 1024;

/// Decides on orders and queues them. When this returns, each of them is safely queued or needs nothing, and has its row.
///
/// The inner result is ShipStation's: then these orders are to be read once more.
pub(crate) async fn ingest(
    deps: &Deps,
    run: &mut Run,
    call: &Call<'_>,
    mut orders: Vec<RawOrder>,
    poison: Vec<Poison>,
) -> Result<Result<(), ShipStationError>, Error> {
    if orders.is_empty() && poison.is_empty() {
        return Ok(Ok(()));
    }
    let settings = deps.table.settings().await?.value;
    let ids = orders.iter().filter_map(|order| order.parsed.as_ref().ok()).map(|revision| revision.order.id);
    let merged_ids =
        orders.iter().filter_map(|order| order.parsed.as_ref().ok()).flat_map(|revision| revision.order.merged_ids.iter().copied());
    let (mut entries, orphans) = apart(deps.table.order_records(ids.chain(merged_ids).collect::<Vec<_>>()).await?);
    match withdraw_merged::returned(deps, run, call, &orders, &mut entries).await? {
        Ok(returned) => orders.extend(returned),
        Err(error) => return Ok(Err(error)),
    }
    let mut rows = Vec::with_capacity(orders.len());
    let mut bodies = Vec::new();
    let newest = newest(&orders);
    // For each body: its row, and its order.
    let mut sent = Vec::new();
    for order in &orders {
        let revision = match &order.parsed {
            Ok(revision) => revision,
            Err(malformed) => {
                rows.push(malformed_row(malformed, order));
                unreadable::remember_order(deps, malformed).await?;
                continue;
            }
        };
        let id = revision.order.id;
        // An order that was edited while it was read is there twice: what it was before is nothing to book.
        if newest.get(&id).is_some_and(|newest| newest.supersedes(&revision.key)) {
            continue;
        }
        let entry = entries.get(&id).map(|stored| &stored.entry);
        let decision = classify(revision, &settings, entry, run.operation.trigger);
        if let Decision::Nothing(outcome, reason) = decision
            && !is_in_live_sale(deps, orphans.get(&id)).await?
        {
            let before = entry.and_then(|entry| brought_before(&run.operation.id, revision, entry));
            rows.push(before.unwrap_or_else(|| OperationRow::decided(id, &revision.order.number, outcome, reason)));
            continue;
        }
        let message = OrderMessage {
            operation_id: run.operation.id.clone(),
            account: deps.table.account(),
            trigger: run.operation.trigger,
            read_at: Some(order.read_at),
            order: order.raw.clone().into(),
            alike: run.alike.add(&revision.order),
        };
        match message.encode()? {
            Some(body) => {
                bodies.push(body);
                sent.push((rows.len(), order));
                run.queued.insert(id);
                let key = revision.key_beside(entry.and_then(LogEntry::newest));
                rows.push(queued_row(id, &revision.order.number, QueuedRevision::new(&key, entry)));
            }
            None => rows.push(OperationRow::decided(id, &revision.order.number, Outcome::Failed, Some(Reason::OrderTooLarge))),
        }
    }
    for place in &poison {
        rows.push(poison_row(place));
        unreadable::remember_place(deps, place).await?;
    }
    if !bodies.is_empty()
        && let Err(error) = housekeeping::refresh_stores(deps, run, call, &orders, &settings).await?
    {
        return Ok(Err(error));
    }
    send(deps, run, &mut rows, &Sent { bodies, places: sent }).await?;
    let withdrawn = withdraw_merged::withdraw(deps, run, call, &orders, &entries).await?;
    run.operation.pages = deps.table.put_operation_rows(&run.operation.id, run.operation.pages, &rows).await?;
    log_page(run, orders.len(), poison.len(), &rows);
    Ok(withdrawn)
}

/// Messages of a page. For each: its row, and its order.
struct Sent<'a> {
    bodies: Vec<String>,
    places: Vec<(usize, &'a RawOrder)>,
}

/// Sends the messages. A message that the queue will never take is refused in its row.
async fn send(deps: &Deps, run: &mut Run, rows: &mut [OperationRow], sent: &Sent<'_>) -> Result<(), Error> {
    for refusal in sending::send(deps, &sent.bodies).await? {
        let place = sent.places.get(refusal.index);
        let Some((row, order)) = place.and_then(|(row, order)| Some((rows.get_mut(*row)?, order))) else { continue };
        sending::refuse(row, &refusal, evidence(order.raw.get()));
        if let Some(id) = row.order_id {
            run.queued.remove(&id);
        }
    }
    Ok(())
}

fn log_page(run: &Run, orders: usize, poison: usize, rows: &[OperationRow]) {
    let queued = rows.iter().filter(|row| row.outcome.is_none()).count();
    tracing::info!(operation_id = %run.operation.id, orders, poison, queued, "page taken");
}

/// The orders that have a log entry, and those of which a sale alone is left.
fn apart(known: HashMap<OrderId, OrderRecord>) -> (HashMap<OrderId, StoredEntry>, HashMap<OrderId, DetachedSale>) {
    let (mut entries, mut orphans) = (HashMap::with_capacity(known.len()), HashMap::new());
    for (id, known) in known {
        match known {
            OrderRecord::Entry(stored) => drop(entries.insert(id, stored)),
            OrderRecord::DetachedSale(detached) => drop(orphans.insert(id, detached)),
        }
    }
    (entries, orphans)
}

/// True if an order without a log entry is in a sale that stands: whatever became of it in ShipStation meanwhile, it is tied to its sale again, which says what
/// differs.
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
