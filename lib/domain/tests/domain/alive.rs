//! Operations that are alive, cut off, or taken up again, and which of two an order counts for.

use jiff::{SignedDuration, Timestamp};
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::{Operation, OperationRow, OperationState, QueuedRevision, Work};
use stevedore_domain::reason::Reason;

/// An operation as an earlier release wrote it: without its process.
fn written_before(kind: &str, state: &str) -> Operation {
    serde_json::from_str(&format!(
        r#"{{"id":"20260115T180000000-x","kind":"{kind}","from":"2026-01-01","order_number":"1","trigger":"manual","by":"avery","state":"{state}",
            "counts":{{"by_outcome":{{}},"queued":0}},"requests":3,"pages":1,"started_at":"2026-01-15T18:00:00Z"}}"#
    ))
    .unwrap()
}

fn at(hours: i64) -> Timestamp {
    "2026-01-15T18:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

#[allow(clippy::unnecessary_wraps, reason = "as an operation holds it")]
fn work(written: i64, held: Option<i64>) -> Option<Work> {
    Some(Work { by: "one".to_owned(), written_at: at(written), held_until: held.map(at) })
}

/// P4: life is measured from the last write; the command of a run that was cut off is delivered for seven and a half hours.
#[test]
fn p4_an_operation_is_cut_off_after_its_last_delivery_and_not_by_the_clock_of_its_start() {
    let load = written_before("load_orders", "running");
    assert!(!load.is_cut_off(at(7)) && load.is_cut_off(at(9)));
    let wrote = Operation { work: work(30, None), ..load.clone() };
    assert!(!wrote.is_cut_off(at(37)) && wrote.is_cut_off(at(39)));
    let held = Operation { work: work(30, Some(50)), ..load };
    assert!(!held.is_cut_off(at(45)) && held.is_cut_off(at(51)));
    let queued = written_before("load_orders", "queued");
    assert!(!queued.is_cut_off(at(90)) && queued.is_cut_off(at(98)));
    let download = written_before("download", "running");
    assert!(download.is_cut_off(at(1)) && !Operation { work: work(1, None), ..download }.is_cut_off(at(1)));
    for state in ["processing", "completed", "failed"] {
        assert!(!written_before("load_orders", state).is_cut_off(at(1_000)), "{state}");
    }
    let day: Operation = serde_json::from_str(
        r#"{"id":"x","kind":"consolidate","local_date":"2026-01-15","trigger":"schedule","by":"schedule","state":"running","requests":0,"pages":0,
            "started_at":"2026-01-15T18:00:00Z"}"#,
    )
    .unwrap();
    assert!(!day.is_cut_off(at(1_000)), "a day's run goes on until it is done");
}

/// A command takes up what was given up as cut off, and nothing that ended otherwise; only one process at a time.
#[test]
fn an_operation_that_was_given_up_can_go_on_and_one_that_failed_cannot() {
    let mut load = written_before("load_order", "running");
    load.work = work(0, Some(1));
    assert!(load.is_held_by_another("other", at(0)) && !load.is_held_by_another("one", at(0)) && !load.is_held_by_another("other", at(2)));
    load.cut_off(at(9));
    assert_eq!((load.state, load.reason.as_deref()), (OperationState::Failed, Some("cut_off")));
    assert!(load.can_go_on() && !load.is_held_by_another("other", at(0)));
    let mut refused = written_before("load_order", "running");
    refused.fail("shipstation_refused_credentials", "Connect again.", at(1));
    assert!(!refused.can_go_on());
    let mut download = written_before("download", "running");
    download.cut_off(at(1));
    assert!(!download.can_go_on(), "the next download begins at the cursor");
    assert!(!written_before("load_order", "completed").can_go_on() && written_before("load_order", "queued").can_go_on());
}

/// P2: an order that two operations queued was captured by the one that the log names; for the other it was captured already.
#[test]
fn p2_an_order_is_captured_by_one_operation() {
    let known = crate::orders::revision(crate::orders::order(vec![crate::orders::line("A", 1, "1")], "0", "0"));
    let mut entry = crate::reread::entry(LogState::Booked, None, &known);
    entry.revisions[0].operation_id = Some("first".into());
    entry.captured_by = Some("first".into());
    for (operation, expected) in
        [("first", (Some(Outcome::Captured), None)), ("second", (Some(Outcome::Unchanged), Some(Reason::AlreadyCaptured)))]
    {
        let queued = Some(QueuedRevision::new(&known.key, None));
        let mut row = OperationRow { order_id: Some(known.order.id), queued, ..OperationRow::default() };
        row.settle(&operation.into(), Some(&entry), true);
        assert_eq!((row.outcome, row.reason), expected, "{operation}");
    }
}
