//! Changes in ShipStation since an order was booked (S108; docs/requirements.md, section 9): always between the revision that was booked and the newest one, never
//! between two that came after it.
//!
//! Only what the books depend on is a change: goods, prices, totals, addresses, warehouse, store, a hold, a cancellation, a merge or split, and less money.
//! That an order is shipped, labelled, tagged, annotated or lists its lines in another order is none.

mod address;
mod lines;
mod words;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::order::{Order, OrderStatus};

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The order was cancelled.
    Cancelled,
    /// It was put on hold.
    OnHold,
    /// The shipping or the billing address.
    AddressChanged,
    /// A line, discount or charge more.
    LineAdded,
    /// One less.
    LineRemoved,
    /// Other goods, or other chosen options, in the place of a line's.
    LineReplaced,
    /// More of a line's goods.
    QuantityRaised,
    /// Less of a line's goods.
    QuantityLowered,
    /// The price of one of a line's goods, or the amount of a discount or charge.
    PriceChanged,
    /// The order's total, or the tax or shipping in it.
    TotalChanged,
    /// The warehouse that ships it.
    WarehouseChanged,
    /// The store that sold it.
    StoreChanged,
    /// Another order was combined into it.
    Merged,
    /// A part of it became an order of its own.
    Split,
    /// Less is paid than was booked as paid (docs/requirements.md, section 6): never a negative payment.
    AmountPaidLowered,
}

/// One difference between two revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its kind.
    pub kind: ChangeKind,
    /// Path of the difference: `order_total`, `ship_to.street1`, `items[SKU].quantity`.
    pub path: String,
    /// As it was booked; none where there was nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// As it is now; none where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Every difference that matters to the books.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the order of their kinds' weight: what became of the order, then its goods, its money, its places.
    pub changes: Vec<Change>,
    /// The money at stake: what the total moved by; of a cancelled order all of it, with a minus.
    pub at_stake: Decimal,
}

impl Change {
    fn new(kind: ChangeKind, path: impl Into<String>, from: Option<String>, to: Option<String>) -> Self {
        Self { kind, path: path.into(), from, to }
    }
}

impl Changes {
    /// Changes between the revision that was booked and the newest one. `paid` is what the books hold as paid through ShipStation, where anything is.
    #[must_use]
    pub fn since_booking(booked: &Order, newest: &Order, paid: Option<Decimal>) -> Self {
        let mut changes = status(booked, newest);
        let cancelled = changes.iter().any(|change| change.kind == ChangeKind::Cancelled);
        changes.extend(lineage(booked, newest));
        changes.extend(lines::changes(&booked.items, &newest.items));
        for (path, from, to) in [
            ("order_total", booked.total, newest.total),
            ("tax_amount", booked.tax, newest.tax),
            ("shipping_amount", booked.shipping, newest.shipping),
        ] {
            if from != to {
                changes.push(Change::new(ChangeKind::TotalChanged, path, Some(words::amount(from)), Some(words::amount(to))));
            }
        }
        if let Some(paid) = paid.filter(|paid| newest.amount_paid < *paid) {
            let (from, to) = (Some(words::amount(paid)), Some(words::amount(newest.amount_paid)));
            changes.push(Change::new(ChangeKind::AmountPaidLowered, "amount_paid", from, to));
        }
        changes.extend(address::changes("ship_to", &booked.ship_to, &newest.ship_to));
        changes.extend(address::changes("bill_to", &booked.bill_to, &newest.bill_to));
        // What ShipStation does not state any more is no news of it.
        let id = |id: Option<u64>| id.map(|id| id.to_string());
        if newest.warehouse_id.is_some() && newest.warehouse_id != booked.warehouse_id {
            let (from, to) = (id(booked.warehouse_id.map(|id| id.0)), id(newest.warehouse_id.map(|id| id.0)));
            changes.push(Change::new(ChangeKind::WarehouseChanged, "warehouse_id", from, to));
        }
        if newest.store_id.is_some() && newest.store_id != booked.store_id {
            let (from, to) = (id(booked.store_id.map(|id| id.0)), id(newest.store_id.map(|id| id.0)));
            changes.push(Change::new(ChangeKind::StoreChanged, "store_id", from, to));
        }
        let at_stake = if cancelled { -booked.total } else { newest.total - booked.total };
        Self { changes, at_stake }
    }

    /// True if nothing that was booked changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// True if there is a change of this kind.
    #[must_use]
    pub fn has(&self, kind: ChangeKind) -> bool {
        self.changes.iter().any(|change| change.kind == kind)
    }

    /// The kinds that there are, each once.
    #[must_use]
    pub fn kinds(&self) -> Vec<ChangeKind> {
        let mut kinds: Vec<ChangeKind> = self.changes.iter().map(|change| change.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

/// Cancelled or put on hold since. Every other status is the order's way through the warehouse.
fn status(booked: &Order, newest: &Order) -> Vec<Change> {
    let kind = match newest.status {
        _ if newest.status == booked.status => return Vec::new(),
        OrderStatus::Cancelled => ChangeKind::Cancelled,
        OrderStatus::OnHold => ChangeKind::OnHold,
        _ => return Vec::new(),
    };
    vec![Change::new(kind, "order_status", Some(booked.status.as_str().to_owned()), Some(newest.status.as_str().to_owned()))]
}

/// Orders that the newest revision names beyond the booked one. ShipStation names in one list the orders that were combined into it and the parts that were
/// split off it; only a part that was split off takes goods away.
fn lineage(booked: &Order, newest: &Order) -> Vec<Change> {
    let units = |order: &Order| order.items.iter().filter(|item| !item.adjustment).map(|item| i128::from(item.quantity)).sum::<i128>();
    let kind = if units(newest) < units(booked) { ChangeKind::Split } else { ChangeKind::Merged };
    let news = newest.merged_ids.iter().filter(|id| !booked.merged_ids.contains(id));
    let mut changes: Vec<Change> = news.map(|id| Change::new(kind, "merged_ids", None, Some(id.to_string()))).collect();
    if newest.parent_id.is_some() && newest.parent_id != booked.parent_id {
        let id = |order: &Order| order.parent_id.map(|id| id.to_string());
        changes.push(Change::new(ChangeKind::Split, "parent_id", id(booked), id(newest)));
    }
    changes
}
