//! Orders that are tried again, and orders that may be gone from ShipStation (S107, N2, N4).

use jiff::civil::date;
use stevedore_domain::ids::{OrderId, TaxRuleId};
use stevedore_domain::log::{Gone, LogEntry, LogState, is_held_back, states_tried_again};
use stevedore_domain::order::{Order, OrderStatus};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::{Consolidation, Settings};

use crate::merchant::now;
use crate::orders::{line, order, revision};
use crate::reread::{entry, settings};

#[test]
fn s107_states_that_are_tried_again_follow_the_settings() {
    use LogState::{Blocked, Failed, Pending, Skipped};
    let one_by_one = settings();
    assert_eq!(states_tried_again(&one_by_one), [Pending, Blocked, Skipped, Failed]);
    let daily = Settings { consolidation: Consolidation::Daily, ..one_by_one };
    assert_eq!(states_tried_again(&daily), [Blocked, Skipped, Failed], "a pending order waits for its day");
    let unfinished = Settings::default();
    assert_eq!(
        states_tried_again(&unfinished),
        [Pending, Blocked, Failed],
        "without a tax mapping nothing that was skipped can be captured"
    );
}

#[test]
fn n2_a_skipped_order_is_held_back_while_its_reason_holds() {
    let shipped_later = revision(Order { status: OrderStatus::AwaitingPayment, paid_at: None, ..order(vec![line("A", 1, "1")], "0", "0") });
    let skipped = entry(LogState::Skipped, Some(Reason::AwaitingPayment), &shipped_later);
    assert!(is_held_back(&skipped, &shipped_later, &settings()));
    let paid = revision(order(vec![line("A", 1, "1")], "0", "0"));
    let skipped = entry(LogState::Skipped, Some(Reason::TaxMappingUnfinished), &paid);
    let mut unfinished = settings();
    unfinished.tax.default_rule = None;
    assert!(is_held_back(&skipped, &paid, &unfinished));
    unfinished.tax.default_rule = Some(TaxRuleId::from("sales-tax"));
    assert!(!is_held_back(&skipped, &paid, &unfinished));
}

/// The lock date binds the schedule alone, and so it does when an order is tried again.
#[test]
fn an_order_before_the_lock_date_stays_back_until_the_date_moves() {
    let old = revision(order(vec![line("A", 1, "1")], "0", "0"));
    let skipped = entry(LogState::Skipped, Some(Reason::BeforeLockDate), &old);
    let locked = Settings { order_lock_date: Some(date(2026, 6, 1)), ..settings() };
    assert!(is_held_back(&skipped, &old, &locked));
    assert!(!is_held_back(&skipped, &old, &settings()));
}

/// N4: ShipStation is asked for an order that another names, unless the log knows already what became of it.
#[test]
fn n4_only_orders_that_may_be_merged_away_are_asked_for() {
    let known = revision(order(vec![line("A", 1, "1")], "0", "0"));
    let pending = entry(LogState::Pending, None, &known);
    assert!(pending.may_be_merged_away());
    assert!(!entry(LogState::Withdrawn, Some(Reason::Withdrawn), &known).may_be_merged_away(), "it was cancelled");
    let gone = |into| {
        let mut entry: LogEntry = pending.clone();
        assert!(entry.vanished(Gone { at: now(), into }, None, "op"));
        entry
    };
    assert!(!gone(Some(OrderId(4))).may_be_merged_away(), "it is known where it is");
    assert!(gone(None).may_be_merged_away(), "deleted, as far as is known");
}

#[test]
fn n4_orders_that_are_named_no_more_may_be_back() {
    let named = Order { merged_ids: vec![OrderId(3), OrderId(5)], ..order(vec![line("A", 1, "1")], "0", "0") };
    let mut survivor = entry(LogState::Pending, None, &revision(named.clone()));
    assert!(survivor.no_longer_named(&named).is_empty());
    survivor.record_kin(&named);
    assert!(survivor.no_longer_named(&named).is_empty());
    let left = Order { merged_ids: vec![OrderId(5)], ..named };
    assert_eq!(survivor.no_longer_named(&left), [OrderId(3)]);
}
