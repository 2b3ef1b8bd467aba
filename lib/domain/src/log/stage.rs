//! The stage of capture and the filters of the settings: one question, asked at first sight and again whenever an order is about to become a sale.

use super::Trigger;
use crate::calendar::Calendar;
use crate::order::{Order, OrderStatus};
use crate::reason::Reason;
use crate::settings::{CaptureOrderWhen, Settings};

/// Standing of an order under the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is captured, and may become a sale.
    Ready,
    /// It is cancelled in ShipStation.
    Cancelled,
    /// It waits, or a rule of the settings leaves it out.
    Not(Reason),
}

/// Returns the standing of this state of an order. `captured`: the log has taken the order in before, so that the lock date, which keeps the schedule from old orders, does not
/// hold back one that a person loaded.
pub(super) fn standing(order: &Order, settings: &Settings, trigger: Trigger, captured: bool) -> Standing {
    if order.status == OrderStatus::Cancelled {
        return Standing::Cancelled;
    }
    if order.store_id.is_some_and(|store| settings.exclude_stores.contains(&store)) {
        return Standing::Not(Reason::ExcludedStore);
    }
    if order.tag_ids.iter().any(|tag| settings.exclude_tags.contains(tag)) {
        return Standing::Not(Reason::ExcludedTag);
    }
    let before = |lock| Calendar::of(settings).ordered(order).is_some_and(|date| date < lock);
    if trigger == Trigger::Schedule && !captured && settings.order_lock_date.is_some_and(before) {
        return Standing::Not(Reason::BeforeLockDate);
    }
    if let Some(reason) = not_there_yet(order, settings.capture_order_when) {
        return Standing::Not(reason);
    }
    if settings.tax_mapping_finished() { Standing::Ready } else { Standing::Not(Reason::TaxMappingUnfinished) }
}

/// Reason for which the order is not at the stage of capture yet (S17–S20; docs/requirements.md, section 5).
fn not_there_yet(order: &Order, when: CaptureOrderWhen) -> Option<Reason> {
    match (&order.status, when) {
        (OrderStatus::Unknown(_), _) => Some(Reason::UnknownStatus),
        (OrderStatus::Cancelled, _) => Some(Reason::CancelledInShipstation),
        (_, CaptureOrderWhen::Created) | (OrderStatus::Shipped, _) => None,
        (OrderStatus::AwaitingPayment, _) => Some(Reason::AwaitingPayment),
        (_, CaptureOrderWhen::Shipped) => Some(Reason::NotShipped),
        (OrderStatus::OnHold, CaptureOrderWhen::Paid) => order.paid().is_none().then_some(Reason::OnHold),
        (OrderStatus::OnHold, CaptureOrderWhen::NotOnHold) => Some(Reason::OnHold),
        (_, CaptureOrderWhen::Paid | CaptureOrderWhen::NotOnHold) => None,
    }
}
