//! ShipStation's clock: US Pacific wall time, written without an offset.
//!
//! On the autumn night when the clocks go back, one hour of wall time occurs twice, and its texts
//! cannot be distinguished. The real service behaves like this. Sorting and filtering therefore use
//! the wall time, and the true instant is kept beside it.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, offset};
use jiff::{SignedDuration, Timestamp, Unit};

/// The zone of every time in ShipStation's replies. The database is compiled in, so the fixed
/// offset is never used; a test checks this.
static PACIFIC: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::get("America/Los_Angeles").unwrap_or_else(|_| TimeZone::fixed(offset(-8))));

/// The Pacific wall time of an instant.
pub(crate) fn wall(instant: Timestamp) -> DateTime {
    PACIFIC.to_datetime(instant)
}

/// The instant of a Pacific wall time: the earlier one where it occurs twice, an hour later where
/// it does not occur.
pub(crate) fn instant(wall: DateTime) -> Option<Timestamp> {
    PACIFIC.to_timestamp(wall).ok()
}

/// An instant cut to the milliseconds that ShipStation keeps.
pub(crate) fn to_millis(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond()).unwrap_or(instant)
}

/// `2015-06-29T08:46:27.0000000`: the form of orders, customers and warehouses.
pub(crate) fn long_text(wall: DateTime) -> String {
    format!("{}.{:07}", wall.strftime("%Y-%m-%dT%H:%M:%S"), wall.subsec_nanosecond() / 100)
}

/// `2021-01-23T17:12:33.663`: the form of items, products and stores: up to three digits, trailing
/// zeros dropped.
pub(crate) fn short_text(wall: DateTime) -> String {
    let millis = format!("{:03}", wall.subsec_nanosecond() / 1_000_000);
    let seconds = wall.strftime("%Y-%m-%dT%H:%M:%S");
    match millis.trim_end_matches('0') {
        "" => seconds.to_string(),
        digits => format!("{seconds}.{digits}"),
    }
}

/// `2021-01-23`: the form of `shipDate` and `holdUntilDate`.
pub(crate) fn date_text(wall: DateTime) -> String {
    wall.date().to_string()
}

/// A time of a request or of an order body as Pacific wall time: `yyyy-mm-dd`,
/// `yyyy-mm-dd hh:mm:ss`, the same with `T`, with an optional fraction and an optional offset.
/// Without an offset the time is Pacific.
pub(crate) fn parse(text: &str) -> Option<DateTime> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if let Ok(with_offset) = text.parse::<Timestamp>() {
        return Some(wall(with_offset));
    }
    text.parse::<DateTime>().ok()
}

/// Seconds from `now` to the next full minute of the clock, 1 to 60.
pub(crate) fn seconds_to_next_minute(now: Timestamp) -> i64 {
    60 - now.as_second().rem_euclid(60)
}

/// A whole number of seconds before or after an instant; the instant itself at the ends of time.
pub(crate) fn after_seconds(instant: Timestamp, seconds: i64) -> Timestamp {
    instant.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(instant)
}

/// The instant rounded down to the second.
pub(crate) fn to_second(instant: Timestamp) -> Timestamp {
    instant.round(jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor)).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn texts_have_shipstations_digits() {
        let at = "2021-01-24T01:12:33.66Z".parse().unwrap();
        assert_eq!(long_text(wall(at)), "2021-01-23T17:12:33.6600000");
        assert_eq!(short_text(wall(at)), "2021-01-23T17:12:33.66");
        assert_eq!(short_text(wall("2021-07-24T01:12:33Z".parse().unwrap())), "2021-07-23T18:12:33");
        assert_eq!(date_text(wall(at)), "2021-01-23");
    }

    #[test]
    fn requests_are_read_in_every_accepted_form() {
        let expected: DateTime = "2024-02-03T04:05:06".parse().unwrap();
        for text in [
            "2024-02-03 04:05:06",
            "2024-02-03T04:05:06",
            "2024-02-03T04:05:06.0000000",
            "2024-02-03T12:05:06Z",
            "2024-02-03T12:05:06-00:00",
            "2024-02-03T07:05:06-05:00",
            "2024-02-03 12:05:06+00:00",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(parse("2024-02-03"), Some("2024-02-03T00:00:00".parse().unwrap()));
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse(""), None);
    }

    /// N13: in the autumn two instants an hour apart share one wall time; in the spring an hour of
    /// wall time never occurs.
    #[test]
    fn n13_wall_times_on_both_nights() {
        let first = "2025-11-02T08:30:00Z".parse().unwrap();
        let second = "2025-11-02T09:30:00Z".parse().unwrap();
        assert_eq!(long_text(wall(first)), long_text(wall(second)));
        assert_eq!(instant(wall(second)), Some(first));
        let before = "2026-03-08T09:59:59Z".parse().unwrap();
        let after = "2026-03-08T10:00:00Z".parse().unwrap();
        assert_eq!(long_text(wall(before)), "2026-03-08T01:59:59.0000000");
        assert_eq!(long_text(wall(after)), "2026-03-08T03:00:00.0000000");
    }

    #[test]
    fn windows_end_on_the_minute() {
        assert_eq!(seconds_to_next_minute("2026-01-01T00:00:00Z".parse().unwrap()), 60);
        assert_eq!(seconds_to_next_minute("2026-01-01T00:00:59.9Z".parse().unwrap()), 1);
    }
}
