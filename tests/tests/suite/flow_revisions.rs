//! Revisions after an order was booked: the booked one is kept permanently, and differences from it
//! are reported (docs/requirements.md, sections 6 and 9).

use jiff::SignedDuration;
use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{CommitOutcome, OrderCommit, OrderRecord};
use stevedore_domain::ids::OperationId;
use stevedore_domain::log::{LogEntry, LogState, Outcome, Trigger};
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::CaptureOrderWhen;
use stevedore_domain::warning::Warning;
use stevedore_sandbox::Json;
use stevedore_shipstation::parse_order;

use crate::flow::{accounted, item, member, plain, with};
use crate::world::{Options, World, dec, order_id};

impl World {
    /// The order is edited in ShipStation a minute later; then the next download runs.
    async fn edited(&self, order: i64, change: impl FnOnce(&mut Json)) -> (Option<Outcome>, Option<Reason>) {
        self.clock.advance(SignedDuration::from_mins(1));
        self.sandbox.edit_order(order, change);
        let operation = self.next_hour().await;
        accounted(self, &operation).await;
        let row = self.row(&operation, order).await;
        (row.outcome, row.reason)
    }

    async fn warned(&self, order: i64, reason: Reason) -> Option<Warning> {
        self.logged(order).await.unwrap().warnings.into_iter().find(|warning| warning.reason == reason)
    }

    async fn payments(&self, order: i64) -> Vec<i64> {
        self.sale(order).await.invoice.payments.iter().map(|payment| payment.amount.0).collect()
    }

    /// The exact text of the revision that the order's sale was made from.
    async fn booked_text(&self, order: i64) -> String {
        let stored = self.table.log_entry(order_id(order)).await.unwrap().unwrap();
        let key = stored.entry.booked_revision().unwrap();
        self.table.order_revision(&stored, &key).await.unwrap().unwrap().get().to_owned()
    }
}

fn told(entry: &LogEntry, what: &str) -> usize {
    entry.timeline.iter().filter(|event| event.what.contains(what)).count()
}

const UNCHANGED: (Option<Outcome>, Option<Reason>) = (Some(Outcome::Unchanged), Some(Reason::NothingBookedChanged));
const CHANGED: (Option<Outcome>, Option<Reason>) = (Some(Outcome::Updated), Some(Reason::ChangedAfterBooking));

/// S108: the booked revision can be read after all later events: more revisions than the entry
/// lists, a re-creation, a deleted entry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s108_the_booked_revision_is_kept_for_ever() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    let first = world.logged(order).await.unwrap().booked_revision().unwrap();
    let text = world.sandbox.order(order).unwrap().text.to_string();
    for number in 0..LogEntry::KEPT + 2 {
        assert_eq!(world.edited(order, |order| order.set("customerNotes", format!("note {number}").as_str())).await, UNCHANGED);
    }
    let entry = world.logged(order).await.unwrap();
    assert!(entry.revisions.iter().all(|seen| seen.key != first), "the test lets it fall out of the list");
    assert_eq!((entry.booked_revision(), world.sale(order).await.booked_revision), (Some(first), Some(first)));
    assert_eq!(world.booked_text(order).await, text);

    world.start(OperationKind::Recreate { order_id: order_id(order) }).await;
    let second = world.logged(order).await.unwrap().booked_revision().unwrap();
    let text = world.sandbox.order(order).unwrap().text.to_string();
    assert!(second > first);
    let old = world.table.sale(&format!("SO-{order}").as_str().into()).await.unwrap().unwrap().sale;
    assert_eq!((old.booked_revision, world.sale(order).await.booked_revision), (Some(first), Some(second)));
    assert_eq!(world.booked_text(order).await, text);

    // Deleted, changed, and loaded again: tied to its sale, it is compared with the booked
    // revision.
    let sale = world.sale(order).await;
    world.table.delete_log_entry(order_id(order)).await.unwrap();
    assert_eq!(world.table.sale(&sale.id).await.unwrap().unwrap().sale, sale);
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.edit_order(order, |order| item(order, 0).set("quantity", 3));
    world.load_number("1").await;
    assert_eq!(world.logged(order).await.unwrap().booked_revision(), Some(second));
    assert_eq!(world.booked_text(order).await, text);
    let warning = world.warned(order, Reason::ChangedAfterBooking).await.unwrap();
    assert!(warning.message.starts_with("Changed: items[SKU-1].quantity from 1 to 3."), "{}", warning.message);
    assert_eq!(world.booked().await.len(), 2);
}

/// S108: events that happen to every order after booking are no changes: the order is unchanged,
/// the timeline has them, and there is no warning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s108_a_shipped_tagged_and_annotated_order_is_unchanged() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1").line("SKU-2", 1, dec("5")));
    world.download().await;
    let sale = world.sale(order).await;
    assert_eq!(world.edited(order, |order| order.set("tagIds", Json::Array(vec![7.into()]))).await, UNCHANGED);
    assert_eq!(world.edited(order, |order| order.set("internalNotes", "fragile")).await, UNCHANGED);
    assert_eq!(world.edited(order, |order| member(order, "items").elements_mut().unwrap().reverse()).await, UNCHANGED);
    assert_eq!(world.edited(order, |order| order.set("orderStatus", "shipped")).await, UNCHANGED);
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.warnings, entry.revisions.len()), (LogState::Booked, sale.warnings.clone(), 5));
    assert_eq!((told(&world.logged(order).await.unwrap(), "edited"), told(&world.logged(order).await.unwrap(), "shipped")), (3, 1));
    assert_eq!(world.sale(order).await, sale);
}

/// S108: a warning names the differences from the booked revision, not from the revision before.
/// When they are changed back, the warning is removed, and the timeline records it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s108_a_warning_names_the_difference_to_what_was_booked() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    assert_eq!(world.edited(order, |order| order.set("orderTotal", 12)).await, CHANGED);
    assert_eq!(world.edited(order, |order| item(order, 0).set("quantity", 2)).await, CHANGED);
    let message = world.warned(order, Reason::ChangedAfterBooking).await.unwrap().message;
    let both = "Changed: items[SKU-1].quantity from 1 to 2; order_total from 10.00 to 12.00.";
    assert!(message.starts_with(both), "{message}");
    // A note in between changes none of that.
    assert_eq!(world.edited(order, |order| order.set("internalNotes", "fragile")).await, UNCHANGED);
    assert_eq!(world.warned(order, Reason::ChangedAfterBooking).await.unwrap().message, message);
    // Cancelled too, and restored.
    assert_eq!(
        world.edited(order, |order| order.set("orderStatus", "cancelled")).await,
        (Some(Outcome::Updated), Some(Reason::CancelledAfterBooking))
    );
    assert_eq!(world.edited(order, |order| order.set("orderStatus", "awaiting_shipment")).await, CHANGED);
    assert!(world.warned(order, Reason::CancelledAfterBooking).await.is_none());
    // Back to the booked values, including the note: the same content as the first revision, and
    // still written.
    let back = world
        .edited(order, |order| {
            order.set("orderTotal", 10);
            item(order, 0).set("quantity", 1);
            order.set("internalNotes", Json::Null);
        })
        .await;
    assert_eq!(back, (Some(Outcome::Updated), None));
    let entry = world.logged(order).await.unwrap();
    assert!(entry.warnings.iter().all(|warning| warning.reason != Reason::ChangedAfterBooking));
    assert_eq!((told(&entry, "changed back in ShipStation to what was booked"), told(&entry, both)), (1, 2));
}

/// S117: a revision that another release stored under an unknown scheme of digests is read again,
/// and no order is marked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s117_a_digest_of_another_release_flags_nothing() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    let other = |entry: &mut LogEntry| {
        entry.revisions[0].key.digest.scheme = 9;
        true
    };
    world.table.change_log_entry(order_id(order), other).await.unwrap().unwrap();
    for _ in 0..2 {
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        assert_eq!(world.row(&operation, order).await.outcome, Some(Outcome::Unchanged));
    }
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.warnings.clone(), entry.revisions.len()), (world.sale(order).await.warnings, 2));
    assert_eq!(entry.booked_revision().unwrap().digest.scheme, 9);
    assert_eq!(world.edited(order, |order| order.set("orderTotal", 12)).await, CHANGED);
}

/// S108: an order inside a day's sale is compared with its share of the sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s108_a_days_order_is_held_against_what_it_brought() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.sandbox.upsert_order(plain("2"));
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    assert_eq!(world.edited(order, |order| order.set("orderStatus", "shipped")).await, UNCHANGED);
    assert_eq!(world.edited(order, |order| item(order, 0).set("unitPrice", 9)).await, CHANGED);
    let message = world.warned(order, Reason::ChangedAfterBooking).await.unwrap().message;
    assert!(message.starts_with("Changed: items[SKU-1].unit_price from 10.00 to 9.00."), "{message}");
}

/// S122: an order that was captured before it was paid gets its payment once, when a later revision
/// shows it. A higher amount adds the difference, and a lower one is a change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s122_paid_after_booking() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.capture_order_when = CaptureOrderWhen::Created).await;
    let unpaid = |order: &mut Json| {
        order.set("orderStatus", "awaiting_payment");
        order.set("amountPaid", 0);
    };
    // One sale in its order's item, and one sale with a head of its own.
    let small = world.sandbox.upsert_order(with(&plain("small"), unpaid));
    let lines = (0..60).fold(plain("large"), |draft, line| draft.line(&format!("SKU-{line}-{}", line * 7919), 1, dec("1.00")));
    let large = world.sandbox.upsert_order(with(&lines, unpaid));
    world.download().await;
    for order in [small, large] {
        let before = world.sale(order).await;
        assert!(before.invoice.payments.is_empty());
        let paid = |amount: i64| {
            move |order: &mut Json| {
                order.set("amountPaid", amount);
                order.set("orderStatus", "awaiting_shipment");
            }
        };
        assert_eq!(world.edited(order, paid(4)).await, (Some(Outcome::Updated), None));
        assert_eq!(world.payments(order).await, [400]);
        assert_eq!(world.edited(order, |order| order.set("internalNotes", "paid in part")).await, UNCHANGED);
        world.load_number(if order == small { "small" } else { "large" }).await;
        assert_eq!(world.payments(order).await, [400]);
        assert_eq!(world.edited(order, paid(10)).await, (Some(Outcome::Updated), None));
        assert_eq!(world.payments(order).await, [400, 600]);
        assert_eq!(world.edited(order, paid(9)).await, CHANGED);
        assert_eq!(world.payments(order).await, [400, 600]);
        let message = world.warned(order, Reason::ChangedAfterBooking).await.unwrap().message;
        assert!(message.starts_with("Changed: amount_paid from 10.00 to 9.00."), "{message}");
        assert_eq!(told(&world.logged(order).await.unwrap(), "payment of "), 2);
        let after = world.sale(order).await;
        assert_eq!((after.total, after.lines, after.booked_revision), (before.total, before.lines, before.booked_revision));
    }
    assert_eq!(world.booked().await.len(), 2);
}

/// S122: the sale of a day gets the payment of its order, which it names; a void sale gets none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s122_paid_after_the_day() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.capture_order_when = CaptureOrderWhen::Created).await;
    world.daily(18).await;
    let unpaid = |order: &mut Json| order.set("amountPaid", 0);
    let order = world.sandbox.upsert_order(with(&plain("1"), unpaid));
    let other = world.sandbox.upsert_order(plain("2"));
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    assert_eq!(world.payments(other).await, [1000]);
    assert_eq!(world.edited(order, |order| order.set("amountPaid", 10)).await, (Some(Outcome::Updated), None));
    assert_eq!(world.payments(order).await, [1000, 1000]);
    let id = world.sale(order).await.invoice.payments[1].id.clone().unwrap();
    assert!(id.contains(&order.to_string()), "{id}");
    assert!(told(&world.logged(order).await.unwrap(), "payment of 10.00 USD added to DAY-2026-01-15") == 1);
    // Removed and shown again, it is no second payment.
    assert_eq!(world.edited(order, |order| order.set("amountPaid", 0)).await, CHANGED);
    assert_eq!(world.edited(order, |order| order.set("amountPaid", 10)).await, (Some(Outcome::Updated), None));
    assert_eq!(world.payments(order).await, [1000, 1000]);
}

/// S117: of two revisions of one order in one batch, the newest is booked, for both sequences.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s117_of_two_revisions_in_one_batch_the_newest_is_booked() {
    for newest_first in [false, true] {
        let world = World::new(Options::default()).await;
        let order = world.sandbox.upsert_order(plain("1"));
        let before = world.message(order, Trigger::Schedule);
        world.clock.advance(SignedDuration::from_mins(1));
        world.sandbox.edit_order(order, |order| order.set("orderTotal", 15));
        let after = world.message(order, Trigger::Schedule);
        let bodies = if newest_first { [&after, &before] } else { [&before, &after] };
        world.queues.send_orders(&bodies.map(|message| message.encode().unwrap().unwrap())).await.unwrap();
        world.drain().await;
        let entry = world.logged(order).await.unwrap();
        assert_eq!((world.sale(order).await.total.0, entry.revisions.len()), (1500, 1), "newest first: {newest_first}");
        assert!(entry.warnings.iter().all(|warning| warning.reason != Reason::ChangedAfterBooking), "{:?}", entry.warnings);
    }
}

/// S117, P4: two revisions of one pending order are written at once. The older one, decided on
/// before the newer was written, does not win.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s117_the_older_of_two_revisions_at_once_does_not_win() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    let read = world.table.order_record(order_id(order)).await.unwrap().unwrap();
    let mut messages = Vec::new();
    for total in [11, 12] {
        world.clock.advance(SignedDuration::from_mins(1));
        world.sandbox.edit_order(order, |order| order.set("orderTotal", total));
        messages.push(world.message(order, Trigger::Schedule));
    }
    let write = async |message: &OrderMessage, known: &OrderRecord| {
        let key = parse_order(message.order.get(), message.read_at).unwrap().key;
        let mut entry = known.entry().unwrap().entry.clone();
        entry.record_revision(key, None);
        let write =
            OrderCommit { entry: &entry, known: Some(known), order: Some((&key, &*message.order)), sale: None, paid: None, beside: &[] };
        world.table.commit_order(write, world.clock.now()).await.unwrap()
    };
    assert!(matches!(write(&messages[1], &read).await, CommitOutcome::Written));
    let newest = world.logged(order).await.unwrap();
    assert!(matches!(write(&messages[0], &read).await, CommitOutcome::EntryChanged));
    assert_eq!(world.logged(order).await.unwrap(), newest);
    // Delivered again, it is decided on again.
    world.queues.send_orders(&[messages[0].encode().unwrap().unwrap()]).await.unwrap();
    world.drain().await;
    assert_eq!(world.logged(order).await.unwrap(), newest);
}

impl World {
    /// The present order, as a download queues it.
    fn message(&self, order: i64, trigger: Trigger) -> OrderMessage {
        let order = serde_json::from_str::<Box<serde_json::value::RawValue>>(&self.sandbox.order(order).unwrap().text).unwrap();
        OrderMessage {
            operation_id: OperationId::from("op"),
            account: stevedore_domain::ids::ShipstationAccount::FIRST,
            trigger,
            read_at: Some(self.clock.now()),
            order,
            alike: Vec::new(),
        }
    }
}
