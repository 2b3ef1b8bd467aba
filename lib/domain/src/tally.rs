//! Time for which counts hold that were made once and kept: those of the home page.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Age up to which counts hold while nothing is known to have happened: a little more than the schedule's interval, at which they are made anew.
pub const LONGEST: SignedDuration = SignedDuration::from_mins(6);
/// Time after which what was done is in every list: an act's own time, and what an index may lag.
pub const SETTLING: SignedDuration = SignedDuration::from_mins(1);

/// What may have changed a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Time at which a person or an operation last did something, as far as known.
    pub last: Option<Timestamp>,
    /// Something is at work, or waits for its turn.
    pub under_way: bool,
}

impl Activity {
    /// The same with something that was done at `at`.
    #[must_use]
    pub fn and(self, at: Option<Timestamp>) -> Self {
        Self { last: self.last.max(at), ..self }
    }
}

/// Whether counts that were made at `made` are still what they would be now: nothing is at work, nothing was done since, and they are not old.
#[must_use]
pub fn holds(made: Timestamp, activity: Activity, now: Timestamp) -> bool {
    let age = now.duration_since(made);
    let after = activity.last.is_none_or(|last| made.duration_since(last) > SETTLING);
    after && !activity.under_way && age >= SignedDuration::ZERO && age <= LONGEST
}

/// The beginning of the day of `now` in a zone.
#[must_use]
pub fn midnight(zone: &TimeZone, now: Timestamp) -> Timestamp {
    let day = now.to_zoned(zone.clone()).date();
    day.to_datetime(Time::midnight()).to_zoned(zone.clone()).map_or(now, |midnight| midnight.timestamp())
}
