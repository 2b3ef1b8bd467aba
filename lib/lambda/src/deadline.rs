//! Remaining time of an invocation, by a clock that is handed in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lambda_runtime::Context;

/// 2020-01-01 in milliseconds since 1970: no real deadline lies before it, and no invocation lasts as long.
const EARLIEST_MOMENT: u64 = 1_577_836_800_000;

/// The clock of a program: `main.rs` hands in the system's, tests and the one-machine stack hand in their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The moment at which Lambda ends the invocation, whatever it is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Timestamp);

impl Deadline {
    /// A deadline at a given moment.
    pub fn at(moment: Timestamp) -> Self {
        Self(moment)
    }

    /// A deadline so long after `now`; beyond what the calendar holds it is the calendar's last moment.
    pub fn after(now: Timestamp, limit: Duration) -> Self {
        Self(now.checked_add(limit).unwrap_or(Timestamp::MAX))
    }

    /// The deadline that the runtime hands over with each event: `Lambda-Runtime-Deadline-Ms`, milliseconds since 1970 in
    /// UTC (AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes"). A context made by
    /// `Context::default()` has 0 there, so that its deadline has always passed.
    ///
    /// `cargo lambda watch` sends how long an invocation may last instead (ten minutes): a moment before this program was
    /// written is taken as a duration from `now`.
    pub fn of(context: &Context, now: Timestamp) -> Self {
        if context.deadline < EARLIEST_MOMENT {
            return Self::after(now, Duration::from_millis(context.deadline));
        }
        let moment = i64::try_from(context.deadline).ok().and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
        Self(moment.unwrap_or(Timestamp::MAX))
    }

    /// The time left at `now`; zero once the deadline has passed.
    pub fn remaining(self, now: Timestamp) -> Duration {
        Duration::try_from(self.0.duration_since(now)).unwrap_or(Duration::ZERO)
    }

    /// True if no more than `margin` is left at `now`.
    pub fn is_near(self, now: Timestamp, margin: Duration) -> bool {
        self.remaining(now) <= margin
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_remains_never_falls_below_zero() {
        let deadline = Deadline::at(moment("2026-01-31T10:00:10Z"));

        assert_eq!(deadline.remaining(moment("2026-01-31T10:00:00Z")), Duration::from_secs(10));
        assert_eq!(deadline.remaining(moment("2026-01-31T10:00:09.750Z")), Duration::from_millis(250));
        assert_eq!(deadline.remaining(moment("2026-01-31T10:00:11Z")), Duration::ZERO);
    }

    #[test]
    fn near_means_no_more_than_the_margin_is_left() {
        let deadline = Deadline::at(moment("2026-01-31T10:00:10Z"));
        let margin = Duration::from_secs(3);

        assert!(!deadline.is_near(moment("2026-01-31T10:00:06.999Z"), margin));
        assert!(deadline.is_near(moment("2026-01-31T10:00:07Z"), margin));
        assert!(deadline.is_near(moment("2026-01-31T10:05:00Z"), margin));
    }

    #[test]
    fn the_runtimes_deadline_is_milliseconds_since_1970() {
        let mut context = Context::default();
        context.deadline = 1_769_853_610_250;

        assert_eq!(Deadline::of(&context, moment("2026-01-31T10:00:00Z")), Deadline::at(moment("2026-01-31T10:00:10.250Z")));
    }

    #[test]
    fn a_duration_in_its_place_counts_from_now() {
        let mut context = Context::default();
        let now = moment("2026-01-31T10:00:00Z");
        assert_eq!(Deadline::of(&context, now), Deadline::at(now));
        context.deadline = 600_000;
        assert_eq!(Deadline::of(&context, now), Deadline::at(moment("2026-01-31T10:10:00Z")));
    }

    #[test]
    fn a_deadline_beyond_the_calendar_is_its_last_moment() {
        let mut context = Context::default();
        context.deadline = u64::MAX;

        assert_eq!(Deadline::of(&context, Timestamp::UNIX_EPOCH), Deadline::at(Timestamp::MAX));
        assert_eq!(Deadline::after(Timestamp::MAX, Duration::from_secs(1)), Deadline::at(Timestamp::MAX));
    }
}
