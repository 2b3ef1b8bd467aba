//! Outages, and an admin who moves time and zone (S25): each date still has one run, and each order is in one.

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use stevedore_domain::settings::Settings;

use crate::due::{Days, TICK, daily, instant};

/// From one end of the world to the other, with half-hours and changes at midnight.
const ZONES: &[&str] = &[
    "Pacific/Kiritimati",
    "Pacific/Apia",
    "Etc/GMT+12",
    "Pacific/Honolulu",
    "Pacific/Pago_Pago",
    "America/New_York",
    "America/St_Johns",
    "America/Scoresbysund",
    "America/Havana",
    "Europe/London",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "UTC",
];

fn arb_settings() -> impl Strategy<Value = Settings> {
    (prop::sample::select(ZONES), 0..96_u32).prop_map(|(zone, quarter)| daily(zone, &format!("{:02}:{:02}", quarter / 4, quarter % 4 * 15)))
}

/// Some day of a year in which the clocks change.
fn arb_start() -> impl Strategy<Value = Timestamp> {
    (0..365_i64 * 96).prop_map(|quarters| instant("2026-01-01T00:00:00Z") + TICK * i32::try_from(quarters).unwrap())
}

/// Every tick of `length` days, with the settings that are in force at each; `down` says when nobody asks.
fn walk(start: Timestamp, length: i64, settings_at: impl Fn(Timestamp) -> Settings, down: &[(Timestamp, Timestamp)]) -> Days {
    let mut days = Days::since(start);
    let mut now = start;
    let end = start + SignedDuration::from_hours(24 * length);
    while now < end {
        if !down.iter().any(|(from, until)| *from <= now && now < *until) {
            days.tick(now, &settings_at(now));
        }
        now += TICK;
    }
    days
}

/// For each order, the date of the run that takes it: the first that begins after it is there, and whose boundary it does not pass.
fn taken_by(days: &Days, captured_at: Timestamp) -> Option<Date> {
    days.runs.iter().find(|(run, began)| captured_at <= run.boundary && captured_at <= *began).map(|(run, _)| run.local_date)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// S25: outages of up to five days, when nobody asks, change neither which dates have a run nor which orders are in which: each missed date is
    /// caught up, in order, with what had been captured by its own time.
    #[test]
    fn s25_outages_change_nothing(
        settings in arb_settings(), start in arb_start(),
        outages in prop::collection::vec((0..20 * 96_i32, 1..=5 * 96_i32), 1..4),
        orders in prop::collection::vec(0..20 * 96 * 15 * 60_i64, 50),
    ) {
        let down: Vec<_> = outages.iter().map(|(from, length)| (start + TICK * *from, start + TICK * (*from + *length))).collect();
        let undisturbed = walk(start, 27, |_| settings.clone(), &[]);
        let disturbed = walk(start, 27, |_| settings.clone(), &down);
        let runs = |days: &Days| days.runs.iter().map(|(run, _)| *run).collect::<Vec<_>>();
        prop_assert_eq!(runs(&undisturbed), runs(&disturbed));
        undisturbed.assert_each_date_once("undisturbed");
        for seconds in orders {
            let captured_at = start + SignedDuration::from_secs(seconds);
            let date = taken_by(&undisturbed, captured_at);
            prop_assert!(date.is_some());
            prop_assert_eq!(date, taken_by(&disturbed, captured_at));
        }
    }

    /// S25: time and zone are changed at any moments, across the date line too, and ticks fail at random: dates have one run each, in order, with none
    /// left out, boundaries never go back, and each order is in exactly one run.
    #[test]
    fn s25_changes_of_time_and_zone(
        first in arb_settings(), start in arb_start(),
        changes in prop::collection::vec((0..12 * 96_i32, arb_settings()), 0..6),
        outages in prop::collection::vec((0..12 * 96_i32, 1..=5 * 96_i32), 0..3),
        orders in prop::collection::vec(0..12 * 96 * 15 * 60_i64, 50),
    ) {
        let mut changes: Vec<_> = changes.into_iter().map(|(ticks, settings)| (start + TICK * ticks - SignedDuration::from_mins(7), settings)).collect();
        changes.sort_by_key(|(at, _)| *at);
        let down: Vec<_> = outages.iter().map(|(from, length)| (start + TICK * *from, start + TICK * (*from + *length))).collect();
        let settings_at = |now| changes.iter().rev().find(|(at, _)| *at <= now).map_or_else(|| first.clone(), |(_, settings)| settings.clone());
        let days = walk(start, 21, settings_at, &down);
        days.assert_each_date_once("changed");
        // Whatever the changes did, after a few quiet days the runs are where the calendar is.
        let end = start + SignedDuration::from_hours(24 * 21);
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(&settings_at(end).time_zone).unwrap();
        let newest = days.runs.last().unwrap().0.local_date;
        let today = zone.to_datetime(end).date();
        prop_assert!(newest == today || newest == today.yesterday().unwrap() || newest > today, "{newest} {today}");
        for seconds in orders {
            let captured_at = start + SignedDuration::from_secs(seconds);
            let runs = days.runs.iter().filter(|(run, began)| captured_at <= run.boundary && captured_at <= *began).count();
            prop_assert!(runs >= 1, "an order is in no run");
        }
    }
}

fn dates_and_boundaries(days: &Days) -> Vec<(String, String)> {
    days.runs.iter().map(|(run, _)| (run.local_date.to_string(), run.boundary.to_string())).collect()
}

/// S25: the time is moved in mid-day. To a time that has passed: the day's run is due at once, with what was captured up to that time. After the run:
/// there is no second one that day.
#[test]
fn s25_the_time_is_moved_in_mid_day() {
    let start = instant("2026-05-04T00:00:00Z");
    let change = |at: &'static str, before: &'static str, after: &'static str| {
        walk(start, 2, move |now| daily("UTC", if now < instant(at) { before } else { after }), &[])
    };
    let days = change("2026-05-04T12:00:00Z", "18:00", "09:00");
    assert_eq!(
        dates_and_boundaries(&days),
        [("2026-05-04".to_owned(), "2026-05-04T09:00:00Z".to_owned()), ("2026-05-05".to_owned(), "2026-05-05T09:00:00Z".to_owned())]
    );
    assert_eq!(days.runs[0].1, instant("2026-05-04T12:00:00Z"));
    let days = change("2026-05-04T12:00:00Z", "09:00", "18:00");
    assert_eq!(
        dates_and_boundaries(&days),
        [("2026-05-04".to_owned(), "2026-05-04T09:00:00Z".to_owned()), ("2026-05-05".to_owned(), "2026-05-05T18:00:00Z".to_owned())]
    );
}

/// S25: the zone is moved across the date line. Westward the calendar shows a date again, and it has no second run; eastward it leaves one out, and
/// that one has its run all the same, with nothing that an earlier run took.
#[test]
fn s25_across_the_date_line() {
    let start = instant("2026-05-04T10:00:00Z");
    let moved = instant("2026-05-06T11:00:00Z");
    let walk_from =
        |from: &'static str, to: &'static str| walk(start, 5, move |now| daily(if now < moved { from } else { to }, "12:00"), &[]);
    // 01:00 on the 7th becomes 23:00 on the 5th.
    let days = walk_from("Pacific/Kiritimati", "Etc/GMT+12");
    let expected = [
        ("2026-05-05", "2026-05-04T22:00:00Z"),
        ("2026-05-06", "2026-05-05T22:00:00Z"),
        ("2026-05-07", "2026-05-08T00:00:00Z"),
        ("2026-05-08", "2026-05-09T00:00:00Z"),
    ];
    assert_eq!(dates_and_boundaries(&days), expected.map(|(date, at)| (date.to_owned(), at.to_owned())));
    // 23:00 on the 5th becomes 01:00 on the 7th: the 6th is over before it began.
    let days = walk_from("Etc/GMT+12", "Pacific/Kiritimati");
    let expected = [
        ("2026-05-03", "2026-05-04T00:00:00Z"),
        ("2026-05-04", "2026-05-05T00:00:00Z"),
        ("2026-05-05", "2026-05-06T00:00:00Z"),
        ("2026-05-06", "2026-05-06T00:00:00Z"),
        ("2026-05-07", "2026-05-06T22:00:00Z"),
        ("2026-05-08", "2026-05-07T22:00:00Z"),
        ("2026-05-09", "2026-05-08T22:00:00Z"),
    ];
    assert_eq!(dates_and_boundaries(&days), expected.map(|(date, at)| (date.to_owned(), at.to_owned())));
    assert_eq!(days.runs[3].1, moved);
}

/// S25: at month's end: five days without a tick leave the sales of January in January.
#[test]
fn s25_an_outage_over_the_end_of_a_month() {
    let start = instant("2026-01-29T06:00:00Z");
    let down = [(instant("2026-01-29T20:00:00Z"), instant("2026-02-03T20:00:00Z"))];
    let days = walk(start, 7, |_| daily("America/New_York", "18:00"), &down);
    assert_eq!(taken_by(&days, instant("2026-01-31T22:59:59Z")), Some(date(2026, 1, 31)));
    assert_eq!(taken_by(&days, instant("2026-01-31T23:00:00Z")), Some(date(2026, 1, 31)));
    assert_eq!(taken_by(&days, instant("2026-01-31T23:00:01Z")), Some(date(2026, 2, 1)));
    let caught_up: Vec<_> = days.runs.iter().filter(|(_, at)| *at == down[0].1).map(|(run, _)| run.local_date.to_string()).collect();
    assert_eq!(caught_up, ["2026-01-29", "2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02"]);
}
