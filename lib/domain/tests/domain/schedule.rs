//! The schedule of downloads: due times and windows (S104, S113, S114, N13).

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use stevedore_domain::ids::ShipstationAccount;
use stevedore_domain::operation::{Operation, OperationKind, SCHEDULE, Window};
use stevedore_domain::schedule::{
    OVERLAP, WindowStart, first_window, is_due, next_download, note_dates_ahead, overdue, position_before, sound_window, window_end,
    window_from, window_start,
};
use stevedore_domain::settings::Settings;

use crate::orders::pacific;

fn nine() -> Timestamp {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> Timestamp {
    nine() + SignedDuration::from_mins(minutes)
}

/// S104: once an hour by default, however often the schedule ticks.
#[test]
fn s104_a_download_is_due_once_an_hour_by_default() {
    let settings = Settings::default();
    let due = |minutes| is_due(after(minutes), Some(nine()), &settings);
    assert!(is_due(nine(), None, &settings));
    assert!(!due(5) && !due(30) && !due(55));
    assert!(due(60) && due(58) && due(600));
    // The same tick again, or an old event sent by hand.
    assert!(due(0) && due(-60));
}

#[test]
fn polling_may_be_shortened_to_five_minutes() {
    let settings = Settings { poll_minutes: 5, ..Settings::default() };
    assert!(is_due(after(5), Some(nine()), &settings));
    assert!(!is_due(after(1), Some(nine()), &settings));
}

#[test]
fn the_next_download_follows_the_last_by_its_interval_or_comes_with_the_next_tick() {
    let settings = Settings::default();
    assert_eq!(next_download(Some(nine()), nine(), &settings, after(10)), after(60));
    assert_eq!(next_download(Some(nine()), nine(), &settings, after(90)), after(95));
    assert_eq!(next_download(None, nine(), &settings, after(1)), after(6));
    assert_eq!(next_download(None, after(3), &settings, after(1)), after(3));
    assert_eq!(overdue(nine(), &settings, after(70)), SignedDuration::from_mins(10));
}

/// N13: an hour repeats each November, and V1's dates do not say which of the two they mean.
#[test]
fn n13_windows_overlap_by_more_than_the_hour_that_repeats() {
    assert!(OVERLAP > SignedDuration::from_hours(1) && OVERLAP < SignedDuration::from_hours(2), "{OVERLAP:?}");
    let now = "2026-01-15T20:00:00Z".parse().unwrap();
    let start = window_start(Some(pacific("2026-01-15T10:00:00")), nine(), now);
    assert_eq!(start, WindowStart::At(pacific("2026-01-15T08:45:00")));
}

#[test]
fn the_first_window_looks_back_a_day_and_one_ahead_of_the_clock_is_none() {
    assert_eq!(window_start(None, nine(), after(5)), WindowStart::At(first_window(nine())));
    assert_eq!(first_window(nine()), pacific("2026-01-14T01:00:00"));
    let ahead = pacific("2026-01-15T03:00:00");
    assert_eq!(window_start(Some(ahead), nine(), after(5)), WindowStart::AheadOfClock { reached: ahead });
    assert_eq!(position_before(pacific("2026-01-14T12:00:00"), after(5)), Some(pacific("2026-01-14T13:15:00")));
    assert_eq!(position_before(pacific("2026-01-15T00:30:00"), after(5)), None);
}

#[test]
fn a_window_ends_before_the_configured_delay() {
    assert_eq!(window_end(&Settings::default(), nine()), None);
    let settings = Settings { download_delay_minutes: 30, ..Settings::default() };
    assert_eq!(window_end(&settings, nine()), Some(pacific("2026-01-15T00:30:00")));
}

#[test]
fn a_window_is_sound_where_its_position_did_not_lie_ahead_of_its_own_clock() {
    let download = |from: &str| Operation {
        window: Some(Window { from: pacific(from), until: None }),
        ..Operation::new(OperationKind::Download, ShipstationAccount::FIRST, SCHEDULE, nine())
    };
    assert_eq!(sound_window(&download("2026-01-14T23:45:00")), Some(pacific("2026-01-14T23:45:00")));
    assert_eq!(sound_window(&download("2026-01-14T23:46:00")), None);
    let load = Operation { kind: OperationKind::LoadOrders { from: date(2026, 1, 1) }, ..download("2026-01-14T20:00:00") };
    assert_eq!(sound_window(&load), None);
}

/// S114: from midnight in the merchant's own zone, not in ShipStation's.
#[test]
fn s114_loading_begins_at_the_merchants_midnight() {
    let from = |day, zone: &str| window_from(day, &Settings { time_zone: zone.to_owned(), ..Settings::default() }, nine()).from.filter();
    assert_eq!(from(date(2026, 1, 31), "America/New_York"), "2026-01-30 21:00:00");
    assert_eq!(from(date(2026, 7, 1), "Europe/London"), "2026-06-30 16:00:00");
    assert_eq!(from(date(2026, 1, 31), "America/Los_Angeles"), "2026-01-31 00:00:00");
}

#[test]
fn dates_ahead_of_the_clock_are_told_beyond_the_difference_of_two_clocks() {
    let mut operation = Operation::new(OperationKind::Download, ShipstationAccount::FIRST, SCHEDULE, nine());
    note_dates_ahead(&mut operation, Some(pacific("2026-01-15T01:04:00")), nine());
    note_dates_ahead(&mut operation, None, nine());
    assert_eq!(operation.reason, None);
    note_dates_ahead(&mut operation, Some(pacific("2026-01-15T01:06:00")), nine());
    assert_eq!(operation.reason.as_deref(), Some("dates_ahead_of_clock"));
}
