//! Changes since an order was booked.

use rust_decimal::Decimal;

use super::change::{Change, ChangeKind, Changes};
use super::{address, lines, words};
use crate::order::{Order, OrderStatus};

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
