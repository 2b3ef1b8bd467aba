//! Splits and merges of orders.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::json::{Json, obj};
use crate::store::{Stamp, Store};

/// Splits an order as ShipStation does: same number and key, parent and child name each other,
/// totals stay with the parent.
pub(crate) fn split(store: &mut Store, id: i64, now: Timestamp) -> Option<i64> {
    let mut child = store.body(id)?;
    let items = child.get("items")?.elements().to_vec();
    if items.len() < 2 || child.get("advancedOptions").is_none() {
        return None;
    }
    let (kept, moved) = items.split_at_checked(items.len().div_ceil(2))?;
    child.set("orderId", Json::Null);
    child.set("items", Json::Array(moved.to_vec()));
    for name in ["orderTotal", "amountPaid", "taxAmount", "shippingAmount"] {
        child.set(name, 0);
    }
    if let Some(options) = child.get_mut("advancedOptions") {
        options.set("mergedOrSplit", true);
        options.set("mergedIds", Json::Array(Vec::new()));
        options.set("parentId", id);
    }
    let child_id = store.put(child, Some(Stamp { created: now, modified: now }), now);
    let kept = Json::Array(kept.to_vec());
    store.edit(id, now, |parent| {
        parent.set("items", kept);
        if let Some(options) = parent.get_mut("advancedOptions") {
            options.set("mergedOrSplit", true);
            options.set("mergedIds", Json::Array(vec![Json::from(child_id)]));
        }
    });
    Some(child_id)
}

/// Merges an order into another one; the merged-away order is gone.
pub(crate) fn merge(store: &mut Store, survivor: i64, gone: i64, now: Timestamp) -> bool {
    let (Some(taken), true) = (store.body(gone), survivor != gone && store.orders.contains_key(&survivor)) else { return false };
    store.edit(survivor, now, |order| {
        if let (Some(items), Some(more)) = (order.get_mut("items").and_then(Json::elements_mut), taken.get("items")) {
            items.extend_from_slice(more.elements());
        }
        for name in ["orderTotal", "amountPaid", "taxAmount", "shippingAmount"] {
            let part = |order: &Json| order.get(name).and_then(Json::as_decimal).unwrap_or(Decimal::ZERO);
            let sum = part(order) + part(&taken);
            order.set(name, sum);
        }
        if order.get("advancedOptions").is_none() {
            order.set("advancedOptions", obj! {});
        }
        if let Some(options) = order.get_mut("advancedOptions") {
            options.set("mergedOrSplit", true);
            let mut ids = options.get("mergedIds").map(|ids| ids.elements().to_vec()).unwrap_or_default();
            ids.push(Json::from(gone));
            options.set("mergedIds", Json::Array(ids));
        }
    });
    store.orders.remove(&gone);
    true
}
