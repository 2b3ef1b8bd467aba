//! Meaning of a revision that came after the order was booked.

use jiff::Timestamp;

use super::{LogEntry, SeenRevision};
use crate::changes::{ChangeKind, Changes};
use crate::order::{OrderStatus, RevisionKey};
use crate::reason::Reason;
use crate::warning::Warning;

/// The reasons of warnings that say how the newest revision differs from the booked one.
const OF_CHANGES: [Reason; 2] = [Reason::CancelledAfterBooking, Reason::ChangedAfterBooking];

impl LogEntry {
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
