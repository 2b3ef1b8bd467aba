//! Settling of operations: when a row is given up, and when an operation is complete (P2, S153).

use jiff::{SignedDuration, Timestamp};
use stevedore_domain::ids::ShipstationAccount;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::{
    Counts, LogOfOrder, Operation, OperationKind, OperationRow, OperationState, QueuedRevision, SCHEDULE, SYSTEM, Settlement, Settling,
};
use stevedore_domain::reason::Reason;

use crate::merchant::now;
use crate::orders::{line, order, revision};
use crate::reread::entry;

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

/// An operation of this kind whose orders were all queued at `now()`.
fn read(kind: OperationKind) -> Operation {
    Operation {
        state: OperationState::Processing,
        read_at: Some(now()),
        ..Operation::new(kind, ShipstationAccount::FIRST, SCHEDULE, now())
    }
}

fn queued() -> OperationRow {
    let known = revision(order(vec![line("A", 1, "1")], "0", "0"));
    OperationRow { order_id: Some(known.order.id), queued: Some(QueuedRevision::new(&known.key, None)), ..OperationRow::default() }
}

fn settled(operation: &Operation, at: Timestamp, disconnected: bool, known: LogOfOrder<'_>) -> (Option<Outcome>, Option<Reason>) {
    let mut row = queued();
    Settling { operation, now: at, disconnected }.settle(&mut row, known);
    (row.outcome, row.reason)
}

/// P2: an order that nothing processed for two hours has failed, with its reason.
#[test]
fn p2_a_row_without_a_log_entry_is_given_up_after_the_queues_own_deliveries() {
    let download = read(OperationKind::Download);
    assert_eq!(settled(&download, after(7_200), false, LogOfOrder::Nothing), (None, None));
    assert_eq!(settled(&download, after(7_201), false, LogOfOrder::Nothing), (Some(Outcome::Failed), Some(Reason::NotProcessed)));
    let reading = Operation { read_at: None, ..download };
    assert_eq!(settled(&reading, after(90_000), false, LogOfOrder::Nothing), (None, None), "while it reads nothing is given up");
}

#[test]
fn a_row_whose_connection_is_removed_is_skipped_unless_its_sale_stands() {
    let download = read(OperationKind::Download);
    assert_eq!(settled(&download, now(), true, LogOfOrder::Nothing), (Some(Outcome::Skipped), Some(Reason::NotConnected)));
    assert_eq!(settled(&download, now(), true, LogOfOrder::SaleAlone), (Some(Outcome::Captured), None));
    assert_eq!(settled(&download, now(), false, LogOfOrder::SaleAlone), (None, None));
}

#[test]
fn a_row_of_orders_tried_again_is_open_until_the_queue_has_delivered() {
    let known = revision(order(vec![line("A", 1, "1")], "0", "0"));
    let blocked = entry(LogState::Blocked, Some(Reason::NoCustomer), &known);
    let again = read(OperationKind::ProcessPending { order_ids: None });
    assert_eq!(settled(&again, after(60), false, LogOfOrder::Entry(&blocked)), (None, None));
    assert_eq!(settled(&again, after(61), false, LogOfOrder::Entry(&blocked)), (Some(Outcome::Unchanged), Some(Reason::NoCustomer)));
}

/// Reads at the full price only where an old state of an entry could decide.
#[test]
fn entries_are_read_as_they_are_now_where_an_old_state_would_end_the_operation() {
    let reads_now = |operation: &Operation, at, disconnected| Settling { operation, now: at, disconnected }.reads_now();
    let download = read(OperationKind::Download);
    assert!(!reads_now(&download, after(1), false) && reads_now(&download, after(61), false) && reads_now(&download, now(), true));
    assert!(reads_now(&read(OperationKind::LoadOrder { order_number: "1".to_owned() }), now(), false));
}

fn counts(captured: u64, queued: u64) -> Counts {
    let mut counts = Counts { queued, ..Counts::default() };
    if captured > 0 {
        counts.by_outcome.insert(Outcome::Captured, captured);
    }
    counts
}

/// S153: an operation is complete once every order is accounted for, and is written only where something changed.
#[test]
fn s153_an_operation_completes_with_its_last_order() {
    let download = read(OperationKind::Download);
    let Settlement::Written { operation, completes, is_final } = Settlement::of(&download, counts(1, 1), false, after(5)) else {
        panic!("not written")
    };
    assert_eq!((operation.state, operation.counts.clone(), completes, is_final), (OperationState::Processing, counts(1, 1), false, false));
    assert_eq!(Settlement::of(&operation, counts(1, 1), true, after(6)), Settlement::Unchanged);
    let Settlement::Written { operation, completes, is_final } = Settlement::of(&operation, counts(2, 0), false, after(9)) else {
        panic!("not written")
    };
    assert_eq!((operation.state, operation.finished_at, completes, is_final), (OperationState::Completed, Some(after(9)), true, true));
    assert_eq!(Settlement::of(&operation, counts(2, 0), false, after(10)), Settlement::Unchanged);
    assert!(matches!(
        Settlement::of(&operation, counts(2, 0), true, after(10)),
        Settlement::Written { completes: false, is_final: true, .. }
    ));
}

#[test]
fn a_retry_of_waiting_orders_without_effect_is_forgotten() {
    let quiet = Operation { by: SYSTEM.to_owned(), ..read(OperationKind::ProcessPending { order_ids: None }) };
    let unchanged = Counts { by_outcome: [(Outcome::Unchanged, 3)].into(), queued: 0 };
    assert!(matches!(Settlement::of(&quiet, unchanged.clone(), false, after(70)), Settlement::Forgotten(done) if done.state.is_final()));
    assert!(matches!(Settlement::of(&quiet, counts(1, 0), false, after(70)), Settlement::Written { completes: true, .. }));
    let asked = Operation { by: "avery".to_owned(), ..quiet };
    assert!(matches!(Settlement::of(&asked, unchanged, false, after(70)), Settlement::Written { completes: true, .. }));
}

#[test]
fn orders_without_an_outcome_count_as_unaccounted_after_the_queues_own_deliveries() {
    let download = Operation { counts: counts(1, 2), ..read(OperationKind::Download) };
    assert_eq!((download.unaccounted(1, after(4_500)), download.unaccounted(1, after(4_501))), (1, 3));
    let day = Operation { counts: counts(0, 2), ..read(OperationKind::Consolidate { local_date: Some("2026-05-04".parse().unwrap()) }) };
    assert_eq!(day.unaccounted(1, after(90_000)), 0);
}
