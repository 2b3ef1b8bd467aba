//! The dates of an order that a channel states, as far as they can be meant.

use std::ops::RangeInclusive;

use jiff::civil::DateTime;

use super::Order;

/// Years that a channel can mean. Others stand for "no date": year 1 and 9999 are the least and the greatest date of .NET, 1900 and 1970 those of other clocks.
const MEANT: RangeInclusive<i16> = 1971..=9998;

/// Stands for a date that was stated and could not be read.
pub const UNREADABLE: DateTime = DateTime::constant(1, 1, 1, 0, 0, 0, 0);

impl Order {
    /// `orderDate`, if it can be meant.
    #[must_use]
    pub fn ordered(&self) -> Option<DateTime> {
        self.ordered_at.filter(is_meant)
    }

    /// `paymentDate`, if it can be meant. An order on hold without one is not paid.
    #[must_use]
    pub fn paid(&self) -> Option<DateTime> {
        self.paid_at.filter(is_meant)
    }

    /// The names of the dates that are stated and cannot be meant.
    #[must_use]
    pub fn dates_left_out(&self) -> Vec<&'static str> {
        let dates = [("orderDate", self.ordered_at), ("paymentDate", self.paid_at)];
        dates.into_iter().filter(|(_, date)| date.is_some_and(|date| !is_meant(&date))).map(|(name, _)| name).collect()
    }
}

fn is_meant(date: &DateTime) -> bool {
    MEANT.contains(&date.year())
}
