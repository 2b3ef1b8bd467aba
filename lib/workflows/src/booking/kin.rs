//! Facts about the orders that may hold the same goods as one that is about to be booked, read as they are now.

use std::collections::{BTreeSet, HashMap};

use super::sale_stands;
use stevedore_aws::{Beside, Error, OrderRecord, StoredEntry, Table};
use stevedore_domain::ids::OrderId;
use stevedore_domain::log::{Kin, LogEntry, LogState, Relative, relatives};
use stevedore_domain::order::Order;
use stevedore_shipstation::parse_order;

/// The kin of one order. Empty for nearly every one.
#[derive(Debug, Default)]
pub struct Kindred {
    /// Facts about each.
    pub relatives: Vec<Relative>,
    /// Conditions that must still hold when the order is booked.
    pub beside: Vec<Beside>,
}

/// Orders that may be the same purchase as another under another id.
#[derive(Clone, Debug, Default)]
pub struct Alike {
    /// Those that were queued before the order and may still be on their way to the log.
    pub queued: BTreeSet<OrderId>,
    /// Those in the log that have the order's number.
    pub numbered: BTreeSet<OrderId>,
}

impl Alike {
    /// Adds the orders in the log that an index shows with the order's number. It may lag: an order that came a moment ago is not among them, and is told by
    /// what it was queued or read with. Nothing is asked for an order that has no number or key.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn look(mut self, table: &Table, order: &Order) -> Result<Self, Error> {
        if order.key.is_some() {
            self.numbered.extend(table.orders_numbered(&order.number).await?);
            self.numbered.remove(&order.id);
        }
        Ok(self)
    }
}

impl Kindred {
    /// Reads them as they are now: those that the order and its entry name, and of those that are `alike` the ones whose store, number and key are its own.
    /// Without any it makes no request.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn read(table: &Table, order: &Order, entry: Option<&LogEntry>, alike: &Alike) -> Result<Self, Error> {
        let named = relatives(order, entry);
        let hinted = alike.queued.iter().chain(&alike.numbered).copied();
        let hinted: BTreeSet<OrderId> = hinted.filter(|id| *id != order.id && !named.contains(id)).collect();
        let mut kindred = Self::default();
        if named.is_empty() && hinted.is_empty() {
            return Ok(kindred);
        }
        let mut known: HashMap<OrderId, OrderRecord> = table.order_records(named.iter().chain(&hinted).copied()).await?;
        for id in named {
            let known = known.remove(&id);
            kindred.beside.push(Beside { order_id: id, version: known.as_ref().map(OrderRecord::version) });
            if let Some(known) = known {
                kindred.relatives.push(relative(table, order, known).await?);
            }
        }
        for id in hinted {
            let known = known.remove(&id);
            let version = known.as_ref().map(OrderRecord::version);
            let relative = match known {
                Some(known) => relative(table, order, known).await?,
                None if alike.queued.contains(&id) => on_its_way(order, id),
                None => continue,
            };
            if relative.alike {
                kindred.beside.push(Beside { order_id: id, version });
                kindred.relatives.push(relative);
            }
        }
        Ok(kindred)
    }
}

/// An order that is not in the log yet and was queued before the one that is like it.
fn on_its_way(order: &Order, id: OrderId) -> Relative {
    Relative {
        id,
        number: order.number.clone(),
        live: None,
        open: true,
        held: false,
        orphan: false,
        kin: Kin::default(),
        alike: true,
        first: true,
    }
}

async fn relative(table: &Table, order: &Order, known: OrderRecord) -> Result<Relative, Error> {
    let stored = match known {
        OrderRecord::Entry(stored) => stored,
        OrderRecord::DetachedSale(detached) => {
            let live = sale_stands(table, &detached.sale_id).await?;
            return Ok(Relative {
                id: detached.order_id,
                number: detached.member.map(|member| member.order_number).unwrap_or_default(),
                live: live.then_some(detached.sale_id),
                open: false,
                held: false,
                orphan: true,
                kin: Kin::default(),
                alike: false,
                first: detached.order_id < order.id,
            });
        }
    };
    let same_place = stored.entry.order_number == order.number && stored.entry.store_id == order.store_id && order.key.is_some();
    let alike = same_place && key_of(table, &stored).await? == order.key;
    let entry = stored.entry;
    let live = matches!(entry.state, LogState::Booked | LogState::Consolidating);
    Ok(Relative {
        id: entry.order_id,
        open: entry.state.is_open(),
        held: entry.is_held(),
        orphan: false,
        kin: entry.kin().cloned().unwrap_or_default(),
        alike,
        first: entry.order_id < order.id,
        live: entry.sale_id.filter(|_| live),
        number: entry.order_number,
    })
}

/// The channel's key of an order in the log.
async fn key_of(table: &Table, stored: &StoredEntry) -> Result<Option<String>, Error> {
    if let Some(source) = stored.inline_sale().and_then(|sale| sale.source.order()) {
        return Ok(source.order_key.clone());
    }
    let raw = table.newest_order(stored).await?;
    Ok(raw.and_then(|raw| parse_order(raw.get(), None).ok()).and_then(|revision| revision.order.key))
}
