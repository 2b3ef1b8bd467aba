//! Findings of the home page: what is not all right, the gravest first.

use jiff::SignedDuration;
use stevedore_domain::health::{ConnectionState, Count, Facts, Finding, FindingList, Severity, findings};
use stevedore_domain::ids::{LocationId, ShipstationAccount};
use stevedore_domain::operation::{Operation, OperationKind, SCHEDULE};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::Settings;

use crate::merchant::now;
use crate::reread::settings;

fn complete() -> Settings {
    let mut settings = settings();
    settings.location_map.default = Some(LocationId::from("main"));
    settings
}

fn facts(settings: &Settings) -> Facts<'_> {
    Facts {
        connection: ConnectionState::Connected,
        settings,
        last_run: None,
        last_tick: Some(now()),
        blocked: Count::default(),
        failed: Count::default(),
        dead_letters: 0,
        unreadable: Count::default(),
        warnings: &[],
        now: now(),
    }
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_system_that_works_has_no_findings() {
    assert_eq!(findings(&facts(&complete())), []);
}

#[test]
fn findings_come_with_the_gravest_first() {
    let mut run = Operation::new(OperationKind::Download, ShipstationAccount::FIRST, SCHEDULE, now());
    run.fail("shipstation_unreachable", "Try again.", now());
    let unset = Settings { paused: true, ..Settings::default() };
    let warnings = [(Reason::StockShort, Count { count: 2, more: false }), (Reason::TotalAdjusted, Count { count: 1, more: true })];
    let facts = Facts {
        connection: ConnectionState::Absent,
        last_run: Some(&run),
        blocked: Count { count: 1, more: false },
        failed: Count { count: 3, more: false },
        unreadable: Count { count: 2, more: false },
        dead_letters: 4,
        warnings: &warnings,
        ..facts(&unset)
    };
    let found = findings(&facts);
    assert_eq!(
        codes(&found),
        [
            "not_connected",
            "last_run_failed",
            "paused",
            "tax_mapping_unfinished",
            "no_default_location",
            "orders_blocked",
            "orders_failed",
            "unreadable",
            "stock_short",
            "total_adjusted",
            "dead_letters"
        ]
    );
    assert!(found.is_sorted_by_key(|finding| finding.severity));
    assert_eq!(found.iter().filter(|finding| finding.severity == Severity::Stopped).count(), 2);
    assert!(found[1].message.ends_with("where it stopped. Try again."), "{}", found[1].message);
    assert!(found[5].message.starts_with("1 order is blocked."), "{}", found[5].message);
    assert_eq!(found[8].records, Some((Count { count: 2, more: false }, FindingList::WarnedSales(Reason::StockShort))));
    assert!(found[9].message.starts_with("More than 1 orders were booked"), "{}", found[9].message);
}

#[test]
fn a_connection_that_is_being_removed_stops_everything() {
    let settings = complete();
    let found = findings(&Facts { connection: ConnectionState::Disconnecting, ..facts(&settings) });
    assert_eq!((codes(&found), found[0].severity), (vec!["disconnecting"], Severity::Stopped));
}

/// Late is a schedule that missed a whole interval, and twenty minutes where the interval is short.
#[test]
fn a_schedule_is_late_after_twice_its_interval_and_twenty_minutes_more_than_it() {
    let late_after = |poll_minutes: u32, minutes: i64| {
        let settings = Settings { poll_minutes, ..complete() };
        let last = now() - SignedDuration::from_mins(minutes);
        let found = findings(&Facts { last_tick: Some(last), ..facts(&settings) });
        codes(&found) == ["schedule_late"]
    };
    assert!(!late_after(60, 120) && late_after(60, 121));
    assert!(!late_after(5, 25) && late_after(5, 26));
    let settings = complete();
    let before = Facts { last_tick: None, ..facts(&settings) };
    assert_eq!(findings(&before), [], "the first download is still to come");
}
