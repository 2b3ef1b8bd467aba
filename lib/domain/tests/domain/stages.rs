//! Capture of an order that the log does not hold (S17–S21, S71; docs/requirements.md, section 5).

use jiff::civil::date;
use stevedore_domain::ids::{StoreId, TagId, TaxRuleId};
use stevedore_domain::log::{Decision, Outcome, Trigger, classify};
use stevedore_domain::order::{Order, OrderStatus};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::{CaptureOrderWhen, Settings};

use crate::orders::{line, order, revision};

fn settings(when: CaptureOrderWhen) -> Settings {
    let mut settings = Settings { capture_order_when: when, ..Settings::default() };
    settings.tax.default_rule = Some(TaxRuleId::from("sales-tax"));
    settings
}

fn plain() -> Order {
    order(vec![line("A", 1, "1")], "0", "0")
}

fn decide(order: Order, settings: &Settings, trigger: Trigger) -> Decision {
    classify(&revision(order), settings, None, trigger)
}

/// For each status, with and without a payment date: the outcome when orders are captured as created, paid, not on hold, shipped.
/// `C`: captured. `w`: waiting. `x`: cancelled.
const STAGES: &[(&str, bool, [char; 4])] = &[
    ("awaiting_payment", false, ['C', 'w', 'w', 'w']),
    ("awaiting_payment", true, ['C', 'w', 'w', 'w']),
    ("awaiting_shipment", false, ['C', 'C', 'C', 'w']),
    ("awaiting_shipment", true, ['C', 'C', 'C', 'w']),
    ("pending_fulfillment", false, ['C', 'C', 'C', 'w']),
    ("pending_fulfillment", true, ['C', 'C', 'C', 'w']),
    ("rejected_fulfillment", false, ['C', 'C', 'C', 'w']),
    ("rejected_fulfillment", true, ['C', 'C', 'C', 'w']),
    ("shipped", false, ['C', 'C', 'C', 'C']),
    ("shipped", true, ['C', 'C', 'C', 'C']),
    ("on_hold", false, ['C', 'w', 'w', 'w']),
    ("on_hold", true, ['C', 'C', 'w', 'w']),
    ("cancelled", false, ['x', 'x', 'x', 'x']),
    ("cancelled", true, ['x', 'x', 'x', 'x']),
    ("processing", false, ['w', 'w', 'w', 'w']),
    ("processing", true, ['w', 'w', 'w', 'w']),
    ("Shipped", true, ['w', 'w', 'w', 'w']),
    ("", true, ['w', 'w', 'w', 'w']),
];

/// S17 created, S18 paid, S19 no longer on hold, S20 shipped; S21: the same by the schedule and by hand.
#[test]
fn s17_s18_s19_s20_s21_stages_of_capture() {
    let columns = [CaptureOrderWhen::Created, CaptureOrderWhen::Paid, CaptureOrderWhen::NotOnHold, CaptureOrderWhen::Shipped];
    for (status, paid, expected) in STAGES {
        for (when, expected) in columns.into_iter().zip(expected) {
            for trigger in [Trigger::Schedule, Trigger::Manual] {
                let order = Order { status: OrderStatus::parse(status), paid_at: plain().paid_at.filter(|_| *paid), ..plain() };
                let decision = decide(order, &settings(when), trigger);
                let found = match decision {
                    Decision::Capture => 'C',
                    Decision::Nothing(Outcome::Waiting, Some(_)) => 'w',
                    Decision::Nothing(Outcome::Cancelled, Some(Reason::CancelledInShipstation)) => 'x',
                    other => panic!("{status} {when:?}: {other:?}"),
                };
                assert_eq!(found, *expected, "{status}, paid {paid}, {when:?}, {trigger:?}");
            }
        }
    }
}

/// N20: a waiting order says what it waits for.
#[test]
fn n20_what_an_order_waits_for() {
    for (status, when, reason) in [
        ("awaiting_payment", CaptureOrderWhen::Paid, Reason::AwaitingPayment),
        ("awaiting_payment", CaptureOrderWhen::Shipped, Reason::AwaitingPayment),
        ("on_hold", CaptureOrderWhen::NotOnHold, Reason::OnHold),
        ("awaiting_shipment", CaptureOrderWhen::Shipped, Reason::NotShipped),
        ("on_hold", CaptureOrderWhen::Shipped, Reason::NotShipped),
        ("processing", CaptureOrderWhen::Created, Reason::UnknownStatus),
    ] {
        let decision = decide(Order { status: OrderStatus::parse(status), ..plain() }, &settings(when), Trigger::Schedule);
        assert_eq!((decision.outcome(), decision.reason()), (Outcome::Waiting, Some(reason)), "{status} {when:?}");
    }
}

/// S18 is the default.
#[test]
fn s18_paid_is_the_default() {
    assert_eq!(Settings::default().capture_order_when, CaptureOrderWhen::Paid);
}

/// S71: while the tax mapping is unfinished an order that is ready is skipped and remembered; one that is not ready waits as ever.
#[test]
fn s71_unfinished_tax_mapping() {
    let unfinished = Settings::default();
    let decision = decide(plain(), &unfinished, Trigger::Schedule);
    assert_eq!(decision, Decision::Remember(Reason::TaxMappingUnfinished));
    assert_eq!((decision.outcome(), decision.reason()), (Outcome::Skipped, Some(Reason::TaxMappingUnfinished)));
    assert_eq!(decide(plain(), &unfinished, Trigger::Manual), Decision::Remember(Reason::TaxMappingUnfinished));
    let unpaid = Order { status: OrderStatus::AwaitingPayment, ..plain() };
    assert_eq!(decide(unpaid, &unfinished, Trigger::Schedule).outcome(), Outcome::Waiting);
    let cancelled = Order { status: OrderStatus::Cancelled, ..plain() };
    assert_eq!(decide(cancelled, &unfinished, Trigger::Schedule).outcome(), Outcome::Cancelled);
}

/// Excluded stores and tags are skipped, by hand too.
#[test]
fn excluded_stores_and_tags() {
    let mut settings = settings(CaptureOrderWhen::Paid);
    (settings.exclude_stores, settings.exclude_tags) = (vec![StoreId(40), StoreId(41)], vec![TagId(7)]);
    for trigger in [Trigger::Schedule, Trigger::Manual] {
        let reason = |order| decide(order, &settings, trigger);
        let skipped = |reason| Decision::Nothing(Outcome::Skipped, Some(reason));
        assert_eq!(reason(Order { store_id: Some(StoreId(41)), ..plain() }), skipped(Reason::ExcludedStore));
        assert_eq!(reason(Order { tag_ids: vec![TagId(6), TagId(7)], ..plain() }), skipped(Reason::ExcludedTag));
        assert_eq!(reason(Order { store_id: None, tag_ids: vec![TagId(40), TagId(41)], ..plain() }), Decision::Capture);
        let cancelled = Order { status: OrderStatus::Cancelled, store_id: Some(StoreId(41)), ..plain() };
        assert_eq!(reason(cancelled).outcome(), Outcome::Cancelled);
    }
}

/// The lock date holds back the schedule and nobody else; the day itself is open.
#[test]
fn the_lock_date_is_for_the_schedule_only() {
    let lock = |day| Settings { order_lock_date: Some(day), ..settings(CaptureOrderWhen::Paid) };
    let locked = lock(date(2026, 5, 5));
    assert_eq!(decide(plain(), &locked, Trigger::Schedule), Decision::Nothing(Outcome::Skipped, Some(Reason::BeforeLockDate)));
    assert_eq!(decide(plain(), &locked, Trigger::Manual), Decision::Capture);
    assert_eq!(decide(plain(), &lock(date(2026, 5, 4)), Trigger::Schedule), Decision::Capture);
    // The order's own date counts; the date of its entry only where it has none.
    let old = Order { ordered_at: plain().ordered_at.map(|time| time.with().year(2025).build().unwrap()), ..plain() };
    assert_eq!(decide(old, &lock(date(2026, 5, 4)), Trigger::Schedule).reason(), Some(Reason::BeforeLockDate));
    assert_eq!(decide(Order { ordered_at: None, ..plain() }, &locked, Trigger::Schedule).reason(), Some(Reason::BeforeLockDate));
    assert_eq!(decide(Order { ordered_at: None, created_at: None, ..plain() }, &locked, Trigger::Schedule), Decision::Capture);
}
