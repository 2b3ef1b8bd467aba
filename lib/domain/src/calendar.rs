//! Dates on the merchant's calendar (decision 0043).
//!
//! ShipStation states times as US Pacific wall times. The date that a merchant's books need is the one that his own clock shows at that moment.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::order::Order;
use crate::pacific::PacificTime;
use crate::settings::Settings;

/// The zone in which every time of ShipStation's is stated already.
const SHIPSTATIONS_OWN: &str = "America/Los_Angeles";
/// From this year on a wall time may lie beyond the last instant that there is.
const LAST_YEAR: i16 = 9999;

/// The calendar by which a merchant dates his documents. Without a zone of its own it shows ShipStation's dates.
#[derive(Clone, Debug)]
pub struct Calendar(Option<TimeZone>);

impl Calendar {
    /// The calendar in the settings' time zone; in UTC, should the settings name a zone that does not exist.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self(match settings.time_zone.as_str() {
            SHIPSTATIONS_OWN => None,
            "UTC" => Some(TimeZone::UTC),
            name => Some(TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC)),
        })
    }

    /// The date of an order: of `orderDate`, else of its entry into ShipStation.
    #[must_use]
    pub fn ordered(&self, order: &Order) -> Option<Date> {
        order.ordered().map(|time| self.stated(time)).or_else(|| order.created_at.map(|time| self.shown(time)))
    }

    /// The date of an order's payment: of `paymentDate`, else of `orderDate`.
    #[must_use]
    pub fn paid(&self, order: &Order) -> Option<Date> {
        order.paid().or(order.ordered()).map(|time| self.stated(time))
    }

    /// The date of a time that a channel stated. Midnight to the second is a date without a time, and such a date is the same in every zone.
    fn stated(&self, time: DateTime) -> Date {
        if time.time() == Time::midnight() { time.date() } else { self.shown(PacificTime(time)) }
    }

    /// The date that clocks show here when Pacific clocks show `time`; in the hour that happens twice, the first time.
    fn shown(&self, time: PacificTime) -> Date {
        match &self.0 {
            Some(zone) if time.0.year() < LAST_YEAR => zone.to_datetime(time.instant(None)).date(),
            _ => time.0.date(),
        }
    }
}
