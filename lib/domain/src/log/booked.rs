//! The revision that an order's sale was made from: every later one is a change of it.

use super::LogEntry;
use crate::order::RevisionKey;

impl LogEntry {
    /// The revision that is in the order's sale, or in the day's: its own words, whatever ShipStation has said since. None while there is no sale.
    #[must_use]
    pub fn booked_revision(&self) -> Option<RevisionKey> {
        self.sale_id.as_ref()?;
        self.booked.or_else(|| self.revision_at_booking())
    }

    /// Notes that the order's sale was made from the revision `key`. Where it is the only one that the entry has seen, that says enough.
    pub fn booked_as(&mut self, key: RevisionKey) {
        let only = matches!(self.revisions.as_slice(), [seen] if seen.key == key);
        self.booked = (!only).then_some(key);
    }

    /// Writes the booked revision down before the entry sees another one.
    pub(super) fn pin_booked(&mut self) {
        if self.booked.is_none() {
            self.booked = self.booked_revision();
        }
    }

    /// The booked revision of an entry that does not name it: the only one that it has seen; in an entry of an earlier release with several, the newest that
    /// had been read when the sale was booked.
    fn revision_at_booking(&self) -> Option<RevisionKey> {
        let keys = self.revisions.iter().map(|seen| seen.key);
        if self.revisions.len() < 2 {
            return keys.max();
        }
        let sale = self.sale_id.as_ref()?.as_str();
        let booked = self.timeline.iter().rev().find(|event| event.what.contains("booked as") && event.what.ends_with(sale))?;
        let known = keys.clone().filter(|key| key.read_at.is_some_and(|read_at| read_at <= booked.at)).max();
        known.or_else(|| keys.min())
    }
}
