//! ShipStation's clock: US Pacific wall time without an offset.
//!
//! V1 states every time of its own as Pacific wall time (docs/shipstation.md, section 2.1), so one hour of each November
//! happens twice and one hour of each March never does. A wall time is therefore kept as it was written; turning it into an
//! instant takes a hint.

use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// ShipStation's zone, built into the program.
static PACIFIC: TimeZone = jiff::tz::get!("America/Los_Angeles");

/// Difference that ShipStation's clock and ours may have when a repeated wall time is resolved.
/// An edit that is read within it of its own repetition an hour later would be taken for the later one, so it is small.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_secs(5);

/// A wall time of ShipStation's, as written in an order or sent in a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PacificTime(pub DateTime);

impl PacificTime {
    /// Reads what ShipStation writes: `2015-06-29T08:46:27.0000000`, with 0 to 9 digits of a second, or a date alone (its midnight).
    ///
    /// Returns nothing for anything else, also for a time with an offset: V1 sends none, so one would mean something that we do not know.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        wall_time(text).map(Self)
    }

    /// Time that Pacific clocks show at `instant`.
    #[must_use]
    pub fn at(instant: Timestamp) -> Self {
        Self(PACIFIC.to_datetime(instant))
    }

    /// The instant that this wall time stands for, given that it had been reached at `read_at`.
    ///
    /// In the hour that happens twice, it is the later of the two that lies before `read_at`; without a hint, the first.
    /// In the hour that does not exist, it is the instant as far after the gap's start. A wall time that lies ahead of
    /// `read_at` is somebody's mistake and stands for `read_at`: taken at its word, it would outrank every change until then.
    #[must_use]
    pub fn instant(self, read_at: Option<Timestamp>) -> Timestamp {
        let stated = self.stated_instant(read_at);
        match read_at {
            Some(read_at) if stated > read_at.saturating_add(CLOCK_DIFFERENCE).unwrap_or(Timestamp::MAX) => read_at,
            _ => stated,
        }
    }

    /// True if this wall time has not come yet at `now`. In the hour that happens twice its first passage counts.
    #[must_use]
    pub fn is_ahead_of(self, now: Timestamp) -> bool {
        self.stated_instant(None) > now
    }

    fn stated_instant(self, read_at: Option<Timestamp>) -> Timestamp {
        let ambiguous = PACIFIC.to_ambiguous_timestamp(self.0);
        let (first, second) = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => (offset.to_timestamp(self.0), None),
            AmbiguousOffset::Gap { before, .. } => (before.to_timestamp(self.0), None),
            AmbiguousOffset::Fold { before, after } => (before.to_timestamp(self.0), after.to_timestamp(self.0).ok()),
        };
        // Beyond what an instant can be there is nothing but the ends of time.
        let first = first.unwrap_or(if self.0.year() > 0 { Timestamp::MAX } else { Timestamp::MIN });
        match (second, read_at) {
            (Some(second), Some(read_at)) if second <= read_at.saturating_add(CLOCK_DIFFERENCE).unwrap_or(Timestamp::MAX) => second,
            _ => first,
        }
    }

    /// This wall time moved by `duration` on the clock's face: an hour before 01:30 is 00:30 on every day.
    #[must_use]
    pub fn shifted(self, duration: SignedDuration) -> Self {
        Self(self.0.checked_add(duration).unwrap_or(self.0))
    }

    /// As ShipStation's filters take it: `2026-11-01 01:30:00`, cut to the second (earlier, never later).
    #[must_use]
    pub fn filter(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

impl std::fmt::Display for PacificTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A wall time without an offset, or a date.
///
/// `orderDate` and `paymentDate` come from the channel and are not reliably Pacific (docs/shipstation.md, section 2.1), so they stay wall times.
#[must_use]
pub fn wall_time(text: &str) -> Option<DateTime> {
    if let Some(time) = usual_form(text.as_bytes()) {
        return Some(time);
    }
    if text.len() == 10 {
        return text.parse::<jiff::civil::Date>().ok().map(|date| date.to_datetime(Time::midnight()));
    }
    let offset_like = text.get(10..).is_some_and(|rest| rest.contains(['Z', 'z', '+', '-', '[']));
    if offset_like { None } else { text.parse().ok() }
}

/// Form of nearly every time: `2015-06-29T08:46:27.0000000`. Read at a quarter of the general parser's cost, which gets everything else.
fn usual_form(text: &[u8]) -> Option<DateTime> {
    fn number(digits: &[u8]) -> Option<i32> {
        digits.iter().try_fold(0_i32, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i32::from(digit - b'0')))
    }
    let small = |digits: &[u8; 2]| i8::try_from(number(digits)?).ok();
    let (whole, fraction) = text.split_first_chunk::<19>()?;
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2] = whole else { return None };
    let nanosecond = match fraction {
        [] => 0,
        [b'.', digits @ ..] => {
            let missing = 9_u32.checked_sub(u32::try_from(digits.len()).ok().filter(|length| *length > 0)?)?;
            number(digits)? * 10_i32.pow(missing)
        }
        _ => return None,
    };
    let year = i16::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    DateTime::new(year, small(&[m1, m2])?, small(&[d1, d2])?, small(&[h1, h2])?, small(&[i1, i2])?, small(&[s1, s2])?, nanosecond).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wall(text: &str) -> PacificTime {
        PacificTime::parse(text).unwrap()
    }

    fn utc(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn reads_each_form_that_shipstation_writes() {
        assert_eq!(wall("2015-06-29T08:46:27.0000000").to_string(), "2015-06-29T08:46:27");
        assert_eq!(wall("2015-06-29T08:46:27.707").filter(), "2015-06-29 08:46:27");
        assert_eq!(wall("2015-06-29").filter(), "2015-06-29 00:00:00");
        for text in ["2015-06-29T08:46:27Z", "2015-06-29T08:46:27-07:00", "2015-13-29", "8-13-2014", "", "soon"] {
            assert_eq!(PacificTime::parse(text), None, "{text}");
        }
    }

    /// A date ahead of the clock counts as the moment at which it was read, so that the next true change is newer.
    #[test]
    fn a_time_ahead_of_the_clock_stands_for_the_moment_of_reading() {
        let read_at = utc("2026-11-28T10:00:00Z");
        for (text, ahead) in [
            ("2026-11-28T02:00:00", false),
            ("2026-11-28T02:00:03", true),
            ("2026-11-28T05:00:00", true),
            ("2086-11-28T05:00:00", true),
            ("9999-12-31T23:59:59.9999999", true),
            ("0001-01-01T00:00:00", false),
        ] {
            assert_eq!(wall(text).is_ahead_of(read_at), ahead, "{text}");
            assert!(wall(text).instant(Some(read_at)) <= read_at.saturating_add(CLOCK_DIFFERENCE).unwrap(), "{text}");
        }
        // Clocks differ by seconds: that is no mistake.
        assert_eq!(wall("2026-11-28T02:00:03").instant(Some(read_at)), utc("2026-11-28T10:00:03Z"));
        assert_eq!(wall("2026-11-28T05:00:00").instant(Some(read_at)), read_at);
        // Ten minutes into the second passage, the first one's last half hour lies behind.
        assert!(!wall("2026-11-01T01:50:00").is_ahead_of(utc("2026-11-01T09:10:00Z")));
    }

    #[test]
    fn the_short_way_of_reading_says_what_the_long_way_says() {
        for text in [
            "2015-06-29T08:46:27",
            "2015-06-29T08:46:27.0000000",
            "2015-06-29T08:46:27.707",
            "2015-06-29T08:46:27.123456789",
            "2016-02-29T23:59:59.9",
            "0001-01-01T00:00:00",
        ] {
            assert!(usual_form(text.as_bytes()).is_some(), "{text}");
            assert_eq!(usual_form(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for text in [
            "2015-06-29T08:46:27.",
            "2015-06-29T08:46:27.1234567890",
            "2015-02-29T00:00:00",
            "2015-06-29T24:00:00",
            "2015-06-29T08:46:60",
            "2015-06-29 08:46:27",
            "2015-06-29T08:46:27Z",
            "2015-06-29T08:46:27.5+01",
            "2015-06-29T08:46",
            "201a-06-29T08:46:27",
        ] {
            assert_eq!(usual_form(text.as_bytes()), None, "{text}");
        }
    }

    /// N13: the winter and the summer offset, from a real reply (docs/shipstation.md, section 2.1: 14:40Z shows 06:40 in January).
    #[test]
    fn n13_winter_and_summer() {
        assert_eq!(wall("2021-01-23T06:40:15.05").instant(None), utc("2021-01-23T14:40:15.05Z"));
        assert_eq!(wall("2021-07-23T06:40:15").instant(None), utc("2021-07-23T13:40:15Z"));
        assert_eq!(PacificTime::at(utc("2021-01-23T14:40:15Z")), wall("2021-01-23T06:40:15"));
    }

    /// N13: 2026-11-01 01:30 happens twice; when it was read tells which.
    #[test]
    fn n13_the_hour_that_repeats() {
        let time = wall("2026-11-01T01:30:00");
        assert_eq!(time.instant(None), utc("2026-11-01T08:30:00Z"));
        assert_eq!(time.instant(Some(utc("2026-11-01T08:31:00Z"))), utc("2026-11-01T08:30:00Z"));
        assert_eq!(time.instant(Some(utc("2026-11-01T09:31:00Z"))), utc("2026-11-01T09:30:00Z"));
    }

    /// N13: 2026-03-08 02:30 does not exist; it is read as half an hour after the gap's start.
    #[test]
    fn n13_the_hour_that_is_missing() {
        assert_eq!(wall("2026-03-08T02:30:00").instant(None), utc("2026-03-08T10:30:00Z"));
    }
}
