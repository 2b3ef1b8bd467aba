//! Time for which the home page's counts hold.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use stevedore_domain::tally::{Activity, LONGEST, SETTLING, holds, midnight};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn counts_hold_until_something_is_done_or_they_are_old() {
    let made = at("2026-01-15T12:00:00Z");
    let second = SignedDuration::from_secs(1);
    let quiet = Activity::default();
    assert!(holds(made, quiet, made) && holds(made, quiet, made + LONGEST));
    assert!(!holds(made, quiet, made + LONGEST + second));
    // Made by a clock that goes ahead.
    assert!(!holds(made, quiet, made - second));
    assert!(!holds(made, Activity { under_way: true, ..quiet }, made));
    // Done long enough before; done so shortly before that an index may not have shown it; done since.
    let done = |last| Activity { last: Some(last), ..quiet };
    assert!(holds(made, done(made - SETTLING - second), made + second));
    assert!(!holds(made, done(made - SETTLING), made + second));
    assert!(!holds(made, done(made + second), made + second + second));
}

#[test]
fn the_latest_act_counts() {
    let (early, late) = (at("2026-01-15T12:00:00Z"), at("2026-01-15T12:00:01Z"));
    let activity = Activity::default().and(Some(late)).and(None).and(Some(early));
    assert_eq!(activity.last, Some(late));
}

#[test]
fn a_day_begins_in_the_merchants_zone() {
    let zone = |name: &str| TimeZone::get(name).unwrap();
    assert_eq!(midnight(&zone("America/New_York"), at("2026-01-15T03:00:00Z")), at("2026-01-14T05:00:00Z"));
    assert_eq!(midnight(&TimeZone::UTC, at("2026-01-15T03:00:00Z")), at("2026-01-15T00:00:00Z"));
    // 25 April has no midnight there: it begins at 01:00.
    assert_eq!(midnight(&zone("Africa/Cairo"), at("2025-04-25T12:00:00Z")), at("2025-04-24T22:00:00Z"));
}
