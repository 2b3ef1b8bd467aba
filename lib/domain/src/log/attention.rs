//! Warnings that a person should answer. They are few, so that each can stand in an index, where it is counted and found without reading every order.

use super::{LogEntry, LogState};
use crate::reason::Reason;
use crate::sale::Sale;

impl Reason {
    /// The warnings of booked orders, and the reasons of held ones, that want attention until a
    /// person answers them, the gravest first. Lines without a product are not among them: they are
    /// as many as orders where a merchant keeps no products here.
    pub const WANT_ATTENTION: [Self; 10] = [
        Self::CancelledAfterBooking,
        Self::MergedAfterBooking,
        Self::SplitAfterBooking,
        Self::PossibleDuplicate,
        Self::ChangedAfterBooking,
        Self::TaxNotAdded,
        Self::TaxRuleWithoutPercent,
        Self::TotalAdjusted,
        Self::StockShort,
        Self::ComponentsShort,
    ];

    /// The warnings of a sale's own fulfilment: those of a day's sale are its own, and no order's of it.
    pub const SHORT_PICKS: [Self; 2] = [Self::StockShort, Self::ComponentsShort];

    /// True if it is one of [`Self::WANT_ATTENTION`].
    #[must_use]
    pub fn wants_attention(self) -> bool {
        Self::WANT_ATTENTION.contains(&self)
    }
}

impl LogEntry {
    /// Warnings of the entry that want attention, and the reason for which it is held for a person.
    /// A void sale answers all of them.
    #[must_use]
    pub fn attention(&self) -> Vec<Reason> {
        if self.state == LogState::Voided {
            return Vec::new();
        }
        let held = self.reason.filter(|_| self.is_held());
        let bears = |reason: &Reason| held == Some(*reason) || self.warnings.iter().any(|warning| warning.reason == *reason);
        Reason::WANT_ATTENTION.into_iter().filter(bears).collect()
    }
}

impl Sale {
    /// Warnings of the sale's fulfilment that want attention.
    #[must_use]
    pub fn short_picks(&self) -> Vec<Reason> {
        if self.voided_at.is_some() {
            return Vec::new();
        }
        let bears = |reason: &Reason| self.warnings.iter().any(|warning| warning.reason == *reason);
        Reason::SHORT_PICKS.into_iter().filter(bears).collect()
    }
}
