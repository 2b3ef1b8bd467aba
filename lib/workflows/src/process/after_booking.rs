//! Meaning of ShipStation's statements about an order after it was booked: a change, a payment, or nothing that concerns the books.

use jiff::Timestamp;
use serde_json::value::RawValue;
use stevedore_aws::{DetachedSale, OrderRecord, StoredEntry, StoredSale};
use stevedore_domain::changes::Changes;
use stevedore_domain::log::{Decision, LogEntry, LogState, Outcome, classify};
use stevedore_domain::order::{Order, Revision, RevisionKey};
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::Payment;
use stevedore_domain::settings::Settings;
use stevedore_shipstation::parse_order;

use super::Deps;
use super::batch_context::BatchContext;
use super::{EntryPlan, Failure};

/// Begins the event of a payment that came later.
const PAID: &str = "payment of ";

/// State that an order that has a sale is held against.
pub(crate) struct AfterBooking {
    /// The order as it was booked; none where that cannot be read any more.
    booked: Option<Order>,
    /// Its sale, where a payment could have changed.
    sale: Option<StoredSale>,
}

/// Reads what a newer revision of an order that has a sale is held against. Every other order pays nothing for this.
pub(crate) async fn read(
    deps: &Deps,
    context: &BatchContext,
    trigger: stevedore_domain::log::Trigger,
    revision: &Revision,
    known: &OrderRecord,
) -> Result<Option<Box<AfterBooking>>, Failure> {
    let stored = match known {
        OrderRecord::Entry(stored) => stored,
        OrderRecord::DetachedSale(detached) => return of_detached_sale(deps, detached, revision).await,
    };
    if !matches!(classify(revision, &context.settings, Some(&stored.entry), trigger), Decision::NoteChange(_)) {
        return Ok(None);
    }
    let raw = match stored.entry.booked_revision() {
        Some(key) => deps.table.order_revision(stored, &key).await?.map(|raw| (raw, key)),
        None => None,
    };
    let booked = raw.and_then(|(raw, key)| read_order(&raw, &key));
    let sale = match &booked {
        Some(booked) if stored.entry.state == LogState::Booked => sale(deps, stored, booked, &revision.order).await?,
        _ => None,
    };
    Ok(Some(Box::new(AfterBooking { booked, sale })))
}

/// State that an order whose log entry was deleted is held against, should its sale still stand.
async fn of_detached_sale(deps: &Deps, detached: &DetachedSale, revision: &Revision) -> Result<Option<Box<AfterBooking>>, Failure> {
    let Some(key) = detached.booked_revision().filter(|key| !revision.says(key.digest)) else { return Ok(None) };
    let raw = deps.table.stored_revision(detached.order_id, &key).await?;
    Ok(Some(Box::new(AfterBooking { booked: raw.and_then(|raw| read_order(&raw, &key)), sale: None })))
}

fn read_order(raw: &RawValue, key: &RevisionKey) -> Option<Order> {
    parse_order(raw.get(), key.read_at).ok().map(|revision| revision.order)
}

/// The order's sale. A day's may be large: it is read where a payment of this order changed, or did before.
async fn sale(deps: &Deps, stored: &StoredEntry, booked: &Order, newest: &Order) -> Result<Option<StoredSale>, Failure> {
    let entry = &stored.entry;
    if let Some(sale) = stored.inline_sale().filter(|sale| Some(&sale.id) == entry.sale_id.as_ref()) {
        return Ok(Some(StoredSale { sale: sale.clone(), version: stored.version }));
    }
    let paid_before = entry.timeline.iter().any(|event| event.what.starts_with(PAID));
    match &entry.sale_id {
        Some(id) if paid_before || booked.amount_paid != newest.amount_paid => Ok(deps.table.sale(id).await?),
        _ => Ok(None),
    }
}

impl AfterBooking {
    /// True if a payment is due to a day's sale that is still being made: then the order is read once more when it is there.
    pub(crate) fn waits_for_its_day(&self, entry: &LogEntry, newest: &Order) -> bool {
        let paid_more = self.booked.as_ref().is_some_and(|booked| newest.amount_paid > booked.amount_paid);
        entry.state == LogState::Consolidating && paid_more
    }

    /// Holds the revision against what was booked, and adds what was paid since.
    pub(crate) fn plan(&self, mut entry: LogEntry, at: At<'_>) -> EntryPlan {
        let At { revision, key, settings, now, by } = at;
        let order = &revision.order;
        let paid = match (&self.booked, &self.sale) {
            (Some(booked), Some(stored)) => Some(stored.sale.paid_through_shipstation(booked)),
            (Some(booked), None) => Some(booked.amount_paid),
            (None, _) => None,
        };
        let changes = self.booked.as_ref().map(|booked| Changes::since_booking(booked, order, paid));
        let changed = entry.hold_against_booked(changes.as_ref(), &order.status, now, by);
        let sale = self.pay(order, settings);
        if let Some((stored, payment)) = &sale {
            let amount = stored.sale.currency.text(payment.amount);
            entry.add_event(
                now,
                format!("{PAID}{amount} {} added to {}; paid in ShipStation after booking", entry.currency, stored.sale.id),
                by,
            );
        }
        let (outcome, reason) = if changed || sale.is_some() {
            let found = |reason: &Reason| entry.warnings.iter().any(|warning| warning.reason == *reason);
            (Outcome::Updated, [Reason::CancelledAfterBooking, Reason::ChangedAfterBooking].into_iter().find(found))
        } else {
            if let Some(key) = &key {
                entry.mark_unchanged(key);
            }
            (Outcome::Unchanged, Some(Reason::NothingBookedChanged))
        };
        EntryPlan { entry, brings_order: key, booked: None, paid: sale.map(|(sale, _)| Box::new(sale)), outcome, reason }
    }

    /// Holds an order that is tied to its sale again against what was booked.
    pub(crate) fn tell(&self, entry: &mut LogEntry, newest: &Order, now: Timestamp, by: &str) {
        let changes = self.booked.as_ref().map(|booked| Changes::since_booking(booked, newest, Some(booked.amount_paid)));
        if changes.as_ref().is_none_or(|changes| !changes.is_empty()) {
            entry.hold_against_booked(changes.as_ref(), &newest.status, now, by);
        }
    }

    fn pay(&self, newest: &Order, settings: &Settings) -> Option<(StoredSale, Payment)> {
        let (booked, mut stored) = (self.booked.as_ref()?, self.sale.clone()?);
        let payment = stored.sale.pay_later(booked, newest, settings).ok()??;
        Some((stored, payment))
    }
}

/// Context in which a revision after booking is decided.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) revision: &'a Revision,
    /// Its key, where it is new to the log.
    pub(crate) key: Option<RevisionKey>,
    pub(crate) settings: &'a Settings,
    pub(crate) now: Timestamp,
    pub(crate) by: &'a str,
}
