//! Meaning of a revision of an order that the log holds already (S117, S71, N20; docs/requirements.md, sections 5 and 9).

use proptest::prelude::*;
use stevedore_domain::ids::{StoreId, TagId, TaxRuleId};
use stevedore_domain::log::{Decision, LogEntry, LogState, Outcome, Trigger, classify};
use stevedore_domain::money::Decimal;
use stevedore_domain::order::{Order, OrderStatus, Revision};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::{CaptureOrderWhen, Settings};

use crate::merchant::{now, then};
use crate::orders::{arb_status, line, order, pacific, revision};

pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.tax.default_rule = Some(TaxRuleId::from("sales-tax"));
    settings
}

/// An entry in `state` that has seen `known`.
pub(crate) fn entry(state: LogState, reason: Option<Reason>, known: &Revision) -> LogEntry {
    let mut entry: LogEntry = serde_json::from_value(serde_json::json!({
        "order_id": known.order.id,
        "order_number": known.order.number,
        "state": state,
        "reason": reason,
        "revisions": [],
        "currency": "USD",
        "captured_at": then(),
    }))
    .unwrap();
    entry.record_revision(known.key, None);
    entry
}

/// The order as it is after `minutes`, with another total at each minute.
fn at(minutes: i8, status: OrderStatus) -> Revision {
    let mut order = order(vec![line("A", 1, "1")], "0", "0");
    order.modified_at = pacific(&format!("2026-05-04T10:{minutes:02}:00"));
    (order.status, order.total) = (status, Decimal::from(minutes));
    revision(order)
}

fn paid(minutes: i8) -> Revision {
    at(minutes, OrderStatus::AwaitingShipment)
}

fn cancelled(minutes: i8) -> Revision {
    at(minutes, OrderStatus::Cancelled)
}

fn unchanged(reason: Reason) -> Decision {
    Decision::Nothing(Outcome::Unchanged, Some(reason))
}

/// S117 and docs/requirements.md, section 9: for each state, what a newer revision, a newer cancellation, the same revision and an older one mean.
#[test]
fn s117_every_state_and_every_age() {
    use Decision::{NoteChange, Nothing, Replace};
    let changed = NoteChange(Reason::ChangedAfterBooking);
    let gone = NoteChange(Reason::CancelledAfterBooking);
    let (same, older) = (unchanged(Reason::AlreadyCaptured), unchanged(Reason::OlderRevision));
    let odd = Reason::AmountNotExact;
    let withdraw = Decision::Withdraw(Reason::Withdrawn);
    for (state, reason, newer, newer_cancelled, again, late) in [
        (LogState::Pending, None, Replace, withdraw, same, older),
        (LogState::Blocked, Some(Reason::NoCustomer), Replace, withdraw, unchanged(Reason::NoCustomer), older),
        (LogState::Consolidating, None, changed, gone, same, older),
        (LogState::Booked, None, changed, gone, same, older),
        (LogState::Voided, None, changed, gone, same, older),
        (LogState::Skipped, Some(Reason::TaxMappingUnfinished), Replace, withdraw, Replace, older),
        (LogState::Failed, Some(odd), Replace, withdraw, Nothing(Outcome::Failed, Some(odd)), older),
        (LogState::Withdrawn, Some(Reason::MergedAway), Replace, withdraw, same, older),
    ] {
        let entry = entry(state, reason, &paid(30));
        let decide = |revision: &Revision| classify(revision, &settings(), Some(&entry), Trigger::Schedule);
        assert_eq!(decide(&paid(40)), newer, "{state:?}, newer");
        assert_eq!(decide(&cancelled(40)), newer_cancelled, "{state:?}, newer and cancelled");
        assert_eq!(decide(&paid(30)), again, "{state:?}, the same");
        assert_eq!(decide(&paid(20)), late, "{state:?}, older");
        if state != LogState::Withdrawn {
            assert_eq!(decide(&cancelled(20)), late, "{state:?}, older and cancelled");
        }
    }
    assert_eq!(LogState::ALL.len(), 8, "a state is missing above");
}

/// S117: the revision that withdrew an order or was noted after booking is no news when it is read again.
#[test]
fn s117_the_cancellation_read_again() {
    let mut withdrawn = entry(LogState::Withdrawn, Some(Reason::Withdrawn), &paid(10));
    withdrawn.record_revision(cancelled(30).key, None);
    let decide = |entry: &LogEntry, revision: &Revision| classify(revision, &settings(), Some(entry), Trigger::Schedule);
    for minutes in [30, 20] {
        assert_eq!(decide(&withdrawn, &cancelled(minutes)), Decision::Nothing(Outcome::Cancelled, Some(Reason::Withdrawn)));
    }
    assert_eq!(decide(&withdrawn, &paid(10)), unchanged(Reason::OlderRevision));
    assert_eq!(decide(&withdrawn, &paid(40)), Decision::Replace);
    let mut booked = entry(LogState::Booked, None, &paid(10));
    booked.record_revision(cancelled(30).key, None);
    assert_eq!(decide(&booked, &cancelled(30)), unchanged(Reason::AlreadyCaptured));
}

/// S117: the same content under a later `modifyDate` is unchanged, and its time is kept; back to what it was before the last change is a change.
#[test]
fn s117_the_same_content_is_no_revision() {
    let touched = |mut revision: Revision, minutes: i8| {
        revision.order.modified_at = paid(minutes).order.modified_at;
        Revision::new(revision.order, Some(now()))
    };
    let mut booked = entry(LogState::Booked, None, &paid(10));
    let decision = classify(&touched(paid(10), 50), &settings(), Some(&booked), Trigger::Schedule);
    assert_eq!((decision, decision.outcome()), (Decision::RecordLaterModifyDate, Outcome::Unchanged));
    booked.record_revision(paid(20).key, None);
    assert_eq!(
        classify(&touched(paid(10), 50), &settings(), Some(&booked), Trigger::Schedule),
        Decision::NoteChange(Reason::ChangedAfterBooking)
    );
}

/// S117: a deleted entry allows the order to be captured again.
#[test]
fn s117_without_an_entry_it_is_captured() {
    assert_eq!(classify(&paid(30), &settings(), None, Trigger::Manual), Decision::Capture);
}

/// S71: an order that was skipped for the tax mapping stays skipped until the mapping is finished, and is then captured, by whomever it is read.
#[test]
fn s71_remembered_until_the_mapping_is_finished() {
    let entry = entry(LogState::Skipped, Some(Reason::TaxMappingUnfinished), &paid(30));
    for trigger in [Trigger::Schedule, Trigger::Manual] {
        let unfinished = classify(&paid(30), &Settings::default(), Some(&entry), trigger);
        assert_eq!(unfinished, Decision::Nothing(Outcome::Skipped, Some(Reason::TaxMappingUnfinished)));
        assert_eq!(classify(&paid(40), &Settings::default(), Some(&entry), trigger), Decision::Remember(Reason::TaxMappingUnfinished));
        assert_eq!(classify(&paid(30), &settings(), Some(&entry), trigger), Decision::Replace);
    }
}

/// S71: a remembered order that is put on hold meanwhile is not captured as it was before: it waits, and is captured when it is released.
#[test]
fn s71_a_remembered_order_that_waits() {
    let remembered = entry(LogState::Skipped, Some(Reason::TaxMappingUnfinished), &paid(30));
    let not_on_hold = Settings { capture_order_when: CaptureOrderWhen::NotOnHold, ..settings() };
    let held = at(40, OrderStatus::OnHold);
    let decision = classify(&held, &not_on_hold, Some(&remembered), Trigger::Schedule);
    assert_eq!((decision, decision.outcome()), (Decision::Remember(Reason::OnHold), Outcome::Waiting));

    let mut waiting = entry(LogState::Skipped, Some(Reason::OnHold), &paid(30));
    waiting.record_revision(held.key, None);
    assert_eq!(classify(&held, &not_on_hold, Some(&waiting), Trigger::Schedule), Decision::Nothing(Outcome::Waiting, Some(Reason::OnHold)));
    assert_eq!(classify(&paid(30), &not_on_hold, Some(&waiting), Trigger::Schedule), unchanged(Reason::OlderRevision));
    assert_eq!(classify(&paid(50), &not_on_hold, Some(&waiting), Trigger::Schedule), Decision::Replace);
    // Orders on hold are wanted now, so this one's reason is gone.
    assert_eq!(classify(&held, &settings(), Some(&waiting), Trigger::Schedule), Decision::Replace);
}

/// N20: an error survives being read again by the schedule; a person who loads the order again has it tried again.
#[test]
fn n20_errors_survive() {
    let entry = entry(LogState::Failed, Some(Reason::AmountNotExact), &paid(30));
    let decide = |trigger| classify(&paid(30), &settings(), Some(&entry), trigger);
    assert_eq!(decide(Trigger::Schedule), Decision::Nothing(Outcome::Failed, Some(Reason::AmountNotExact)));
    assert_eq!(decide(Trigger::Manual), Decision::Replace);
}

/// N20: warnings are kept once for each reason, and histories stay within bounds without losing their first event or newest revision.
#[test]
fn n20_the_entry_stays_within_bounds() {
    let mut entry = entry(LogState::Booked, None, &paid(0));
    entry.add_event(then(), "captured", "op-1");
    for minutes in 1..60 {
        entry.record_revision(paid(minutes).key, None);
        entry.record_revision(paid(minutes).key, None);
        entry.add_event(now(), format!("changed at {minutes}"), "system");
        entry.add_warning(stevedore_domain::warning::Warning::new(Reason::ChangedAfterBooking, &format!("At {minutes}.")));
    }
    entry.record_revision(paid(0).key, None);
    assert_eq!((entry.revisions.len(), entry.timeline.len(), entry.warnings.len()), (LogEntry::KEPT, LogEntry::KEPT, 1));
    assert_eq!(entry.newest(), Some(&paid(59).key));
    assert_eq!((entry.timeline[0].what.as_str(), entry.timeline[LogEntry::KEPT - 1].what.as_str()), ("captured", "changed at 59"));
    assert!(entry.warnings[0].message.starts_with("At 59."));
}

fn arb_settings() -> impl Strategy<Value = Settings> {
    let when = prop::sample::select(vec![
        CaptureOrderWhen::Paid,
        CaptureOrderWhen::Created,
        CaptureOrderWhen::NotOnHold,
        CaptureOrderWhen::Shipped,
    ]);
    (when, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(when, finished, store, tag, lock)| {
        let mut settings = if finished { settings() } else { Settings::default() };
        settings.capture_order_when = when;
        settings.exclude_stores = if store { vec![StoreId(12)] } else { vec![] };
        settings.exclude_tags = if tag { vec![TagId(1)] } else { vec![] };
        settings.order_lock_date = lock.then(|| jiff::civil::date(2026, 5, 5));
        settings
    })
}

proptest! {
    /// S117, P2: whatever the settings and the state, an order in the log is never captured a second time, a newer revision is always written down,
    /// an older one never, a sale is never replaced, and whatever is not plain success has a reason.
    #[test]
    fn s117_rules_that_hold_for_every_pair(
        settings in arb_settings(),
        state in prop::sample::select(LogState::ALL.to_vec()),
        (status, dated) in (arb_status(), any::<bool>()),
        (known, minutes) in (0_i8..60, 0_i8..60),
        manual in any::<bool>(),
    ) {
        let reason = match state {
            LogState::Pending | LogState::Booked | LogState::Consolidating | LogState::Voided => None,
            _ => Some(Reason::TaxMappingUnfinished),
        };
        let entry = entry(state, reason, &paid(known));
        let revision = at(minutes, status);
        let revision = super::revisions::reread(&Revision::new(Order { paid_at: revision.order.paid_at.filter(|_| dated), ..revision.order }, None));
        let trigger = if manual { Trigger::Manual } else { Trigger::Schedule };
        let decision = classify(&revision, &settings, Some(&entry), trigger);
        prop_assert_ne!(decision, Decision::Capture);
        prop_assert_eq!(decision, classify(&revision, &settings, Some(&entry), trigger));
        let has_sale = matches!(state, LogState::Booked | LogState::Consolidating | LogState::Voided);
        if has_sale {
            prop_assert!(matches!(decision, Decision::NoteChange(_) | Decision::Nothing(Outcome::Unchanged, _)), "{decision:?}");
        }
        let nothing = matches!(decision, Decision::Nothing(..));
        if revision.key.supersedes(&paid(known).key) {
            prop_assert!(!nothing, "{decision:?}");
        } else if revision.key.digest != paid(known).key.digest {
            prop_assert!(nothing, "{decision:?}");
        }
        if !matches!(decision.outcome(), Outcome::Captured) && decision != Decision::Replace {
            prop_assert!(decision.reason().is_some(), "{decision:?}");
        }
    }
}

/// The lock date keeps the schedule from old orders at first sight: one that a person loaded, which the log took in, is not left out by it when the schedule reads
/// or heals it later. One that was only remembered as skipped is.
#[test]
fn the_lock_date_does_not_hold_back_an_order_that_was_taken_in() {
    let settings = Settings { order_lock_date: Some(jiff::civil::date(2026, 12, 1)), ..settings() };
    let newer = paid(20);
    for (state, reason) in
        [(LogState::Pending, None), (LogState::Blocked, Some(Reason::NoCustomer)), (LogState::Failed, Some(Reason::AmountNotExact))]
    {
        let mut entry = entry(state, reason, &paid(10));
        entry.captured_by = Some("load".into());
        for trigger in [Trigger::Schedule, Trigger::Manual] {
            assert_eq!(classify(&newer, &settings, Some(&entry), trigger), Decision::Replace, "{state:?} by {trigger:?}");
        }
    }
    let skipped = entry(LogState::Skipped, Some(Reason::TaxMappingUnfinished), &paid(10));
    assert_eq!(classify(&newer, &settings, Some(&skipped), Trigger::Schedule), Decision::Remember(Reason::BeforeLockDate));
}

/// S117: the same words at a later time are no newer revision: they supersede nothing, and a cancellation that was withdrawn for already is only touched.
#[test]
fn s117_the_same_words_later_are_no_news() {
    let said = |minutes: i8, status| {
        let Revision { mut order, .. } = at(10, status);
        order.modified_at = pacific(&format!("2026-05-04T10:{minutes:02}:00"));
        revision(order)
    };
    for status in [OrderStatus::AwaitingShipment, OrderStatus::Cancelled] {
        let (first, later) = (said(10, status.clone()), said(20, status.clone()));
        assert!(later.key > first.key && !later.supersedes(&first.key) && !first.supersedes(&later.key), "{status:?}");
    }
    assert!(paid(20).supersedes(&paid(10).key) && !paid(10).supersedes(&paid(20).key));
    let withdrawn = entry(LogState::Withdrawn, Some(Reason::Withdrawn), &said(10, OrderStatus::Cancelled));
    assert_eq!(
        classify(&said(20, OrderStatus::Cancelled), &settings(), Some(&withdrawn), Trigger::Schedule),
        Decision::RecordLaterModifyDate
    );
    assert_eq!(classify(&cancelled(20), &settings(), Some(&withdrawn), Trigger::Schedule), Decision::Withdraw(Reason::Withdrawn));
}
