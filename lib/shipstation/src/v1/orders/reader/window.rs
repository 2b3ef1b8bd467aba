//! Filters that ask for the orders around a key, on a clock whose hours repeat and go missing.
//!
//! Filters are cut to the second, and whether their start and end are inclusive is not documented for `modifyDate` (docs/shipstation.md, section 3.1), so a
//! start is set a second early and an end a second late. A wall time that happens twice, or never, could be taken for another one by ShipStation: no filter holds
//! such a time.

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use stevedore_domain::pacific::PacificTime;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Date by which a reading goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Modified,
    Created,
}

/// One question for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) field: Field,
    pub(super) start: PacificTime,
    pub(super) end: Option<PacificTime>,
    pub(super) page: u32,
    pub(super) size: u32,
}

impl Ask {
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let (start, end, sort) = match self.field {
            Field::Modified => ("modifyDateStart", "modifyDateEnd", "ModifyDate"),
            Field::Created => ("createDateStart", "createDateEnd", "CreateDate"),
        };
        let mut query = vec![(start, self.start.filter())];
        query.extend(self.end.map(|time| (end, time.filter())));
        query.extend([("sortBy", sort.to_owned()), ("sortDir", "ASC".to_owned())]);
        query.extend([("page", self.page.to_string()), ("pageSize", self.size.to_string())]);
        query
    }
}

/// The second that holds `key`.
pub(super) fn second(key: PacificTime) -> PacificTime {
    key.0.with().subsec_nanosecond(0).build().map_or(key, PacificTime)
}

/// Start with which every order with `key`, and each after it, is found.
pub(super) fn start_before(key: PacificTime) -> PacificTime {
    start_at(second(key).shifted(-SECOND))
}

fn start_at(start: PacificTime) -> PacificTime {
    if is_missing(start) { at(start, 1, 59, 59) } else { start }
}

/// End with which every order in `key`'s second, and those at the beginning of the next, are found whatever an end means.
pub(super) fn end_after(key: PacificTime) -> PacificTime {
    let end = second(key).shifted(SECOND * 2);
    if is_missing(end) { end.shifted(HOUR) } else { end }
}

/// Start after a window that ended at `end` was read whole.
pub(super) fn start_after(end: PacificTime) -> PacificTime {
    start_at(end.shifted(-SECOND))
}

/// The end of a reading that shall go up to `until`.
pub(super) fn end_of(until: PacificTime) -> PacificTime {
    let end = end_after(until);
    repeated_hour(end).map_or(end, |(_, end)| end)
}

/// The window around the hour that happens twice, if `time` lies in it: both passages of it, with a second on either side.
pub(super) fn repeated_hour(time: PacificTime) -> Option<(PacificTime, PacificTime)> {
    (time.instant(None) != time.instant(Some(Timestamp::MAX))).then(|| (at(time, 0, 59, 59), at(time, 2, 0, 1)))
}

/// True if `time` lies in the hour from two o'clock that is left out each March.
fn is_missing(time: PacificTime) -> bool {
    time.0.hour() == 2 && PacificTime::at(time.instant(None)) != time
}

/// Another time of the same day.
fn at(day: PacificTime, hour: i8, minute: i8, second: i8) -> PacificTime {
    Time::new(hour, minute, second, 0).map_or(day, |time| PacificTime(day.0.date().to_datetime(time)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wall(text: &str) -> PacificTime {
        PacificTime::parse(text).unwrap()
    }

    #[test]
    fn filters_reach_over_the_second_on_both_sides() {
        assert_eq!(start_before(wall("2026-05-05T10:00:00.9")).filter(), "2026-05-05 09:59:59");
        assert_eq!(end_after(wall("2026-05-05T10:00:00.9")).filter(), "2026-05-05 10:00:02");
        assert_eq!(start_after(end_after(wall("2026-05-05T10:00:00.9"))).filter(), "2026-05-05 10:00:01");
    }

    /// N13: no filter holds a time between two and three o'clock on 2026-03-08.
    #[test]
    fn n13_no_filter_in_the_missing_hour() {
        assert_eq!(start_before(wall("2026-03-08T03:00:00.4")).filter(), "2026-03-08 01:59:59");
        assert_eq!(start_before(wall("2026-03-08T02:30:00")).filter(), "2026-03-08 01:59:59");
        assert_eq!(end_after(wall("2026-03-08T01:59:59")).filter(), "2026-03-08 03:00:01");
        assert_eq!(end_after(wall("2026-03-08T01:59:58")).filter(), "2026-03-08 03:00:00");
        assert_eq!(start_after(end_after(wall("2026-03-08T01:59:58"))).filter(), "2026-03-08 01:59:59");
        assert_eq!(start_after(end_after(wall("2026-03-08T01:59:59"))).filter(), "2026-03-08 03:00:00");
        assert_eq!(start_before(wall("2026-03-09T03:00:00.4")).filter(), "2026-03-09 02:59:59");
    }

    /// N13: 2026-11-01 from one to two o'clock is asked for whole.
    #[test]
    fn n13_the_repeated_hour_is_asked_for_whole() {
        let (start, end) = repeated_hour(wall("2026-11-01T01:30:00")).unwrap();
        assert_eq!((start.filter().as_str(), end.filter().as_str()), ("2026-11-01 00:59:59", "2026-11-01 02:00:01"));
        assert_eq!(repeated_hour(wall("2026-11-01T00:59:59")), None);
        assert_eq!(repeated_hour(wall("2026-11-01T02:00:00")), None);
        assert_eq!(end_of(wall("2026-11-01T01:30:00")).filter(), "2026-11-01 02:00:01");
    }
}
