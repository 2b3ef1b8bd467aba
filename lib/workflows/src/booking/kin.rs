//! Facts about the orders that may hold the same goods as one that is about to be booked, read as they are now.

use std::collections::HashMap;

use stevedore_aws::{Beside, Error, Known, Table};
use stevedore_domain::ids::{OrderId, SaleId};
use stevedore_domain::log::{Kin, LogEntry, LogState, Relative, relatives};
use stevedore_domain::order::Order;
use stevedore_shipstation::parse_order;

/// The kin of one order. Empty, and read without a request, for nearly every one.
#[derive(Debug, Default)]
pub struct Kindred {
    /// Facts about each.
    pub relatives: Vec<Relative>,
    /// Conditions that must still hold when the order is booked.
    pub beside: Vec<Beside>,
}

impl Kindred {
    /// Reads them: those that the order and its entry name, and those that look like it (`alike`).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn read(table: &Table, order: &Order, entry: Option<&LogEntry>, alike: &[OrderId]) -> Result<Self, Error> {
        let mut ids = relatives(order, entry);
        ids.extend(alike.iter().copied().filter(|id| *id != order.id));
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let mut known: HashMap<OrderId, Known> = table.known_orders(ids.iter().copied()).await?;
        let mut kindred = Self::default();
        for id in ids {
            let known = known.remove(&id);
            kindred.beside.push(Beside { order_id: id, version: known.as_ref().map(Known::version) });
            if let Some(known) = known {
                kindred.relatives.push(relative(table, order, known).await?);
            }
        }
        Ok(kindred)
    }
}

async fn relative(table: &Table, order: &Order, known: Known) -> Result<Relative, Error> {
    let stored = match known {
        Known::Entry(stored) => stored,
        Known::Orphan(orphan) => {
            let live = stands(table, &orphan.sale_id).await?;
            return Ok(Relative {
                id: orphan.order_id,
                number: orphan.member.map(|member| member.order_number).unwrap_or_default(),
                live: live.then_some(orphan.sale_id),
                open: false,
                held: false,
                orphan: true,
                kin: Kin::default(),
                alike: false,
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
        live: entry.sale_id.filter(|_| live),
        number: entry.order_number,
    })
}

/// The channel's key of an order in the log.
async fn key_of(table: &Table, stored: &stevedore_aws::StoredEntry) -> Result<Option<String>, Error> {
    if let Some(source) = stored.inline_sale().and_then(|sale| sale.source.order()) {
        return Ok(source.order_key.clone());
    }
    let raw = table.newest_order(stored).await?;
    Ok(raw.and_then(|raw| parse_order(raw.get(), None).ok()).and_then(|revision| revision.order.key))
}

async fn stands(table: &Table, id: &SaleId) -> Result<bool, Error> {
    Ok(match id.day() {
        Some(day) => table.run(day).await?.is_some_and(|stored| stored.run.voided_at.is_none()),
        None => table.sale(id).await?.is_some_and(|stored| stored.sale.voided_at.is_none()),
    })
}
