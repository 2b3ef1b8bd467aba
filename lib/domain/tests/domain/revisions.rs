//! Order of two revisions, in whatever order they arrive (P4, N13).

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use stevedore_domain::digest::Digest;
use stevedore_domain::ids::TaxRuleId;
use stevedore_domain::log::{Decision, LogEntry, LogState, Trigger, classify};
use stevedore_domain::money::Decimal;
use stevedore_domain::order::{NEWEST_SCHEME, Order, OrderStatus, Revision, RevisionKey};
use stevedore_domain::pacific::PacificTime;
use stevedore_domain::settings::{CaptureOrderWhen, Settings};

use crate::orders::{arb_status, line, order, pacific};
use crate::reread::entry;

/// The same order, read once more.
pub(crate) fn reread(revision: &Revision) -> Revision {
    Revision::new(revision.order.clone(), revision.key.read_at)
}

fn utc(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Answer of ShipStation at `read_at` for an order that was changed to `total` at `modified`.
fn observed(modified: &str, read_at: &str, total: i64) -> Revision {
    let mut order = order(vec![line("A", 1, "1")], "0", "0");
    (order.modified_at, order.total) = (PacificTime::at(utc(modified)), Decimal::from(total));
    Revision::new(order, Some(utc(read_at)))
}

/// N13: in the night of November the clock goes back, and the later change has the earlier wall time.
#[test]
fn n13_the_night_with_an_hour_twice() {
    let first = observed("2026-11-01T08:50:00Z", "2026-11-01T08:55:00Z", 1);
    let second = observed("2026-11-01T09:10:00Z", "2026-11-01T09:15:00Z", 2);
    let third = observed("2026-11-01T10:05:00Z", "2026-11-01T10:06:00Z", 3);
    assert!(second.order.modified_at < first.order.modified_at, "the wall clock alone would keep the older one");
    for (older, newer) in [(&first, &second), (&second, &third), (&first, &third)] {
        assert!(newer.key.supersedes(&older.key) && !older.key.supersedes(&newer.key), "{:?} {:?}", older.key, newer.key);
    }
}

/// N13: one wall time of that hour, read before and after the clock went back.
#[test]
fn n13_one_wall_time_twice() {
    let first = observed("2026-11-01T08:30:00Z", "2026-11-01T08:31:00Z", 1);
    let second = observed("2026-11-01T09:30:00Z", "2026-11-01T09:31:00Z", 2);
    assert_eq!(first.order.modified_at, second.order.modified_at);
    assert!(second.key.supersedes(&first.key));
    assert_eq!(second.key.modified_at.duration_since(first.key.modified_at), SignedDuration::from_hours(1));
}

/// N13: in the night of March an hour is missing, and what comes after it is newer.
#[test]
fn n13_the_night_without_an_hour() {
    let before = observed("2026-03-08T09:59:00Z", "2026-03-08T10:00:00Z", 1);
    let after = observed("2026-03-08T10:01:00Z", "2026-03-08T10:02:00Z", 2);
    assert_eq!((before.order.modified_at, after.order.modified_at), (pacific("2026-03-08T01:59:00"), pacific("2026-03-08T03:01:00")));
    assert!(after.key.supersedes(&before.key));
    let mut impossible = before.order.clone();
    (impossible.modified_at, impossible.total) = (pacific("2026-03-08T02:30:00"), Decimal::from(3));
    assert!(Revision::new(impossible, None).key.supersedes(&before.key));
}

/// Among equal times the one that was read later wins, since ShipStation always answers with the present state.
#[test]
fn equal_times_are_decided_by_when_they_were_read() {
    let first = observed("2026-05-04T17:00:00Z", "2026-05-04T17:01:00Z", 1);
    let second = observed("2026-05-04T17:00:00Z", "2026-05-04T17:02:00Z", 2);
    assert!(second.key.supersedes(&first.key) && !first.key.supersedes(&second.key));
    let unknown = Revision::new(Order { total: Decimal::from(3), ..first.order.clone() }, None);
    assert!(first.key.supersedes(&unknown.key) && !unknown.key.supersedes(&first.key));
}

fn arb_key() -> impl Strategy<Value = RevisionKey> {
    (0_i64..4, prop::option::of(0_i64..4), 0_u128..4).prop_map(|(modified, read, digest)| RevisionKey {
        modified_at: Timestamp::from_second(1_777_000_000 + modified).unwrap(),
        read_at: read.map(|read| Timestamp::from_second(1_777_000_000 + read).unwrap()),
        digest: Digest { scheme: NEWEST_SCHEME, value: digest },
    })
}

/// Next revision of one order in a test: what it says, how long after the last one, and when it is delivered.
#[derive(Clone, Debug)]
struct Step {
    status: OrderStatus,
    paid: bool,
    seconds: i64,
    lag: i64,
    place: u32,
}

fn arb_steps() -> impl Strategy<Value = Vec<Step>> {
    // Read within 53 minutes: who reads a change of the repeated hour up to five minutes before that minute repeats takes it for the later one,
    // because two clocks may differ by so much.
    let step = (arb_status(), any::<bool>(), 0_i64..2_000, 1_i64..3_200, any::<u32>())
        .prop_map(|(status, paid, seconds, lag, place)| Step { status, paid, seconds, lag, place });
    prop::collection::vec(step, 1..12)
}

/// The revisions of one order, each with content of its own. They begin in the ordinary, or shortly before a change of the clock.
fn history(steps: &[Step], start: &str) -> Vec<Revision> {
    let mut modified = utc(start);
    let mut read = modified;
    let mut revisions = Vec::new();
    for (step, total) in steps.iter().zip(1..) {
        modified = modified.max(read).checked_add(SignedDuration::from_secs(step.seconds)).unwrap();
        read = modified.checked_add(SignedDuration::from_secs(step.lag)).unwrap();
        let mut order = order(vec![line("A", 1, "1")], "0", "0");
        (order.modified_at, order.total, order.status) = (PacificTime::at(modified), Decimal::from(total), step.status.clone());
        order.paid_at = order.paid_at.filter(|_| step.paid);
        revisions.push(Revision::new(order, Some(read)));
    }
    revisions
}

/// Delivers a revision to the entry of one order. `book`: whether a captured order is a sale at once.
fn deliver(entry: &mut Option<LogEntry>, revision: &Revision, settings: &Settings, book: bool) {
    let decision = classify(revision, settings, entry.as_ref(), Trigger::Schedule);
    let held = if book { LogState::Booked } else { LogState::Pending };
    let state = match (decision, &*entry) {
        (Decision::Nothing(..), _) => return,
        (Decision::RecordLaterModifyDate, known) => {
            let mut touched = known.clone().unwrap();
            touched.record_revision(revision.key, None);
            *entry = Some(touched);
            return;
        }
        (Decision::Capture | Decision::Replace, _) => held,
        (Decision::Withdraw(_), _) => LogState::Withdrawn,
        (Decision::Remember(_), _) => LogState::Skipped,
        (Decision::NoteChange(_), Some(entry)) => entry.state,
        (Decision::NoteChange(_), None) => panic!("a change of what is not there"),
    };
    let entry = entry.get_or_insert_with(|| crate::reread::entry(state, None, revision));
    (entry.state, entry.reason) = (state, decision.reason());
    entry.record_revision(revision.key, None);
}

fn newest(revisions: &[Revision]) -> RevisionKey {
    revisions.iter().map(|revision| revision.key).max().unwrap()
}

fn shuffled(revisions: &[Revision], steps: &[Step]) -> Vec<Revision> {
    let mut places: Vec<_> = revisions.iter().zip(steps).collect();
    places.sort_by_key(|(_, step)| step.place);
    places.into_iter().map(|(revision, _)| revision.clone()).collect()
}

const STARTS: [&str; 3] = ["2026-05-04T17:00:00Z", "2026-11-01T07:40:00Z", "2026-03-08T09:40:00Z"];

proptest! {
    /// The order of keys is total, and no two revisions supersede each other.
    #[test]
    fn keys_are_totally_ordered(a in arb_key(), b in arb_key(), c in arb_key()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
        prop_assert!(!a.supersedes(&a));
        prop_assert!(!a.supersedes(&b) || !b.supersedes(&a));
        if a.digest != b.digest {
            prop_assert!(a.supersedes(&b) || b.supersedes(&a), "two contents, and neither is the newer");
        }
        if a.supersedes(&b) && b.supersedes(&c) && a.digest != c.digest {
            prop_assert!(a.supersedes(&c));
        }
    }

    /// N13: the true sequence of changes is the order of the keys, in ordinary times and in both nights.
    #[test]
    fn n13_keys_follow_the_true_sequence(steps in arb_steps(), start in prop::sample::select(STARTS.to_vec())) {
        // Each change is read before the next one, as it must be to become a revision; changes of one second are told apart by their reading.
        let revisions = history(&steps, start);
        prop_assert_eq!(newest(&revisions), revisions.last().unwrap().key);
        prop_assert!(revisions.is_sorted_by_key(|revision| revision.key));
    }

    /// P4: orders that are captured at any stage end with the same newest revision and in the same state, whatever the order of delivery, also when
    /// each message comes twice.
    #[test]
    fn p4_any_sequence_ends_in_the_same_state(steps in arb_steps(), start in prop::sample::select(STARTS.to_vec()), book in any::<bool>(), finished in any::<bool>()) {
        let mut settings = Settings { capture_order_when: CaptureOrderWhen::Created, ..Settings::default() };
        settings.tax.default_rule = finished.then(|| TaxRuleId::from("sales-tax"));
        let mut revisions = history(&steps, start);
        for revision in &mut revisions {
            if matches!(revision.order.status, OrderStatus::Cancelled | OrderStatus::Unknown(_)) {
                revision.order.status = OrderStatus::AwaitingPayment;
                *revision = reread(revision);
            }
        }
        let (mut straight, mut mixed) = (None, None);
        for revision in &revisions {
            deliver(&mut straight, revision, &settings, book);
        }
        for revision in shuffled(&revisions, &steps) {
            deliver(&mut mixed, &revision, &settings, book);
            deliver(&mut mixed, &reread(&revision), &settings, book);
        }
        let (straight, mixed) = (straight.unwrap(), mixed.unwrap());
        prop_assert_eq!(straight.newest(), Some(&newest(&revisions)));
        prop_assert_eq!((mixed.newest(), mixed.state), (straight.newest(), straight.state));
    }

    /// P4: once an order is in the log, every further revision of it, cancelled, on hold or unknown, ends with the newest one known, whatever the order
    /// of delivery.
    #[test]
    fn p4_the_newest_is_known_whatever_it_says(
        steps in arb_steps(),
        start in prop::sample::select(STARTS.to_vec()),
        when in prop::sample::select(vec![CaptureOrderWhen::Paid, CaptureOrderWhen::Created, CaptureOrderWhen::NotOnHold, CaptureOrderWhen::Shipped]),
        state in prop::sample::select(LogState::ALL.to_vec()),
        (book, finished) in (any::<bool>(), any::<bool>()),
    ) {
        let mut settings = Settings { capture_order_when: when, ..Settings::default() };
        settings.tax.default_rule = finished.then(|| TaxRuleId::from("sales-tax"));
        let revisions = history(&steps, start);
        let mut log = Some(entry(state, None, &revisions[0]));
        for revision in shuffled(&revisions, &steps) {
            deliver(&mut log, &revision, &settings, book);
        }
        let log = log.unwrap();
        prop_assert_eq!(log.newest(), Some(&newest(&revisions)));
    }
}

/// A key that an earlier release stored with a date ahead of the clock counts as of when it was read: the next true change is newer, whatever the date was.
#[test]
fn a_stored_date_ahead_of_the_clock_does_not_outrank_the_next_change() {
    let odd = observed("2026-05-05T09:00:00Z", "2026-05-05T09:00:10Z", 1);
    let stored = RevisionKey { modified_at: utc("2086-01-01T00:00:00Z"), ..odd.key };
    let later = observed("2026-05-05T10:00:00Z", "2026-05-05T10:01:00Z", 2);
    let earlier = observed("2026-05-05T08:00:00Z", "2026-05-05T08:01:00Z", 3);
    assert!(later.supersedes(&stored) && !stored.supersedes(&later.key));
    assert!(!earlier.supersedes(&stored) && stored.supersedes(&earlier.key));
    assert_eq!([later.key, stored, earlier.key].into_iter().max(), Some(later.key));
}
