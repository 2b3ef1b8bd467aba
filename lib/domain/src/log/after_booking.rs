//! Meaning of a revision that came after the order was booked.

use jiff::Timestamp;

use super::transition::EntryPlan;
use super::{LogEntry, LogState, Outcome, SeenRevision};
use crate::changes::{ChangeKind, Changes};
use crate::order::{Order, OrderStatus, RevisionKey};
use crate::reason::Reason;
use crate::sale::{Payment, Sale};
use crate::settings::Settings;
use crate::warning::Warning;

/// Begins the event of a payment that came later.
const PAID: &str = "payment of ";

/// State that a revision of an order that has a sale is compared with.
#[derive(Clone, Debug)]
pub struct AfterBooking {
    /// The order as it was booked; none where that cannot be read any more.
    pub booked: Option<Order>,
    /// Its sale, where a payment could have changed.
    pub sale: Option<Sale>,
}

impl AfterBooking {
    /// True if a payment is due to a day's sale that is still being made: then the order is read once more when it is there.
    #[must_use]
    pub fn waits_for_its_day(&self, entry: &LogEntry, newest: &Order) -> bool {
        let paid_more = self.booked.as_ref().is_some_and(|booked| newest.amount_paid > booked.amount_paid);
        entry.state == LogState::Consolidating && paid_more
    }

    /// Compares the newest revision with what was booked, and adds what was paid since. `brought` is its key, where it is new to the log.
    pub(super) fn plan(
        &self,
        mut entry: LogEntry,
        newest: &Order,
        brought: Option<RevisionKey>,
        settings: &Settings,
        now: Timestamp,
        by: &str,
    ) -> EntryPlan {
        let paid = match (&self.booked, &self.sale) {
            (Some(booked), Some(sale)) => Some(sale.paid_through_shipstation(booked)),
            (Some(booked), None) => Some(booked.amount_paid),
            (None, _) => None,
        };
        let changes = self.booked.as_ref().map(|booked| Changes::since_booking(booked, newest, paid));
        let changed = entry.hold_against_booked(changes.as_ref(), &newest.status, now, by);
        let sale = self.pay(newest, settings);
        if let Some((sale, payment)) = &sale {
            let amount = sale.currency.text(payment.amount);
            entry.add_event(now, format!("{PAID}{amount} {} added to {}; paid in ShipStation after booking", entry.currency, sale.id), by);
        }
        let (outcome, reason) = if changed || sale.is_some() {
            let found = |reason: &Reason| entry.warnings.iter().any(|warning| warning.reason == *reason);
            (Outcome::Updated, OF_CHANGES.into_iter().find(found))
        } else {
            if let Some(key) = &brought {
                entry.mark_unchanged(key);
            }
            (Outcome::Unchanged, Some(Reason::NothingBookedChanged))
        };
        EntryPlan { entry, brings_order: brought, booked: None, paid: sale.map(|(sale, _)| Box::new(sale)), outcome, reason }
    }

    /// Compares an order that is tied to its sale again with what was booked.
    pub(super) fn compare_tied(&self, entry: &mut LogEntry, newest: &Order, now: Timestamp, by: &str) {
        let changes = self.booked.as_ref().map(|booked| Changes::since_booking(booked, newest, Some(booked.amount_paid)));
        if changes.as_ref().is_none_or(|changes| !changes.is_empty()) {
            entry.hold_against_booked(changes.as_ref(), &newest.status, now, by);
        }
    }

    fn pay(&self, newest: &Order, settings: &Settings) -> Option<(Sale, Payment)> {
        let (booked, mut sale) = (self.booked.as_ref()?, self.sale.clone()?);
        let payment = sale.pay_later(booked, newest, settings).ok()??;
        Some((sale, payment))
    }
}

/// The reasons of warnings that say how the newest revision differs from the booked one.
const OF_CHANGES: [Reason; 2] = [Reason::CancelledAfterBooking, Reason::ChangedAfterBooking];

impl LogEntry {
    /// True if a payment in ShipStation after booking was added to the order's sale before.
    #[must_use]
    pub fn was_paid_later(&self) -> bool {
        self.timeline.iter().any(|event| event.what.starts_with(PAID))
    }

    /// Holds the newest revision against the booked one: its warnings say what differs now, those of earlier revisions go, and the timeline says what
    /// happened. `changes` is none where the booked revision cannot be read. Answers whether that is news for the books.
    pub fn hold_against_booked(&mut self, changes: Option<&Changes>, status: &OrderStatus, at: Timestamp, by: &str) -> bool {
        let of_changes = |warning: &&Warning| OF_CHANGES.contains(&warning.reason);
        let before: Vec<Warning> = self.warnings.iter().filter(of_changes).cloned().collect();
        let now = warnings(changes, status);
        let cancelled = |warnings: &[Warning]| warnings.iter().any(|warning| warning.reason == Reason::CancelledAfterBooking);
        if now == before {
            let what = if *status == OrderStatus::Shipped { "shipped" } else { "edited" };
            self.add_event(at, format!("{what} in ShipStation; nothing that was booked changed"), by);
            return false;
        }
        let what = match changes {
            _ if now.is_empty() => "changed back in ShipStation to what was booked".to_owned(),
            _ if cancelled(&now) && !cancelled(&before) => "cancelled in ShipStation after booking".to_owned(),
            Some(changes) if !changes.sentence().is_empty() => format!("changed in ShipStation after booking. {}", changes.sentence()),
            _ => "changed in ShipStation after booking".to_owned(),
        };
        self.add_event(at, what, by);
        self.warnings.retain(|warning| !of_changes(&warning));
        self.warnings.extend(now);
        true
    }

    /// Reason for which a revision that says nothing new for the books is none: it was known before, or nothing that was booked depends on what it says.
    #[must_use]
    pub(crate) fn unchanged_as(&self, seen: &SeenRevision) -> Reason {
        let known = self.revisions.iter().any(|other| other.key != seen.key && other.key.digest == seen.key.digest);
        if known { Reason::AlreadyCaptured } else { Reason::NothingBookedChanged }
    }

    /// Notes that a revision says nothing new for the books.
    pub fn mark_unchanged(&mut self, key: &RevisionKey) {
        if let Some(seen) = self.revisions.iter_mut().find(|seen| seen.key == *key) {
            seen.unchanged = true;
        }
    }
}

fn warnings(changes: Option<&Changes>, status: &OrderStatus) -> Vec<Warning> {
    let Some(changes) = changes else {
        let untold = "The revision that was booked is not kept, so that what changed cannot be told.";
        return if *status == OrderStatus::Cancelled {
            vec![Warning::new(Reason::CancelledAfterBooking, "")]
        } else {
            vec![Warning::new(Reason::ChangedAfterBooking, untold)]
        };
    };
    let cancelled = changes.has(ChangeKind::Cancelled).then(|| Warning::new(Reason::CancelledAfterBooking, ""));
    let sentence = changes.sentence();
    let changed = (!sentence.is_empty()).then(|| Warning::new(Reason::ChangedAfterBooking, &sentence));
    cancelled.into_iter().chain(changed).collect()
}
