//! Capture of orders: the four stages, the schedule's own rules, and waiting orders
//! (docs/requirements.md, sections 4 and 5).

use jiff::SignedDuration;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::{CaptureOrderWhen, Consolidation, LocalTime};
use stevedore_sandbox::{MARKETPLACE, WEB_SHOP};

use crate::flow::{accounted, plain, with};
use crate::world::{Options, World};

/// An order in every status: its id, and the outcome under each setting (`None` is captured).
async fn every_status(world: &World, when: CaptureOrderWhen) -> Vec<(i64, Option<Reason>)> {
    use CaptureOrderWhen::{Created, NotOnHold, Paid, Shipped};
    world.settings(|settings| settings.capture_order_when = when).await;
    let orders = [
        ("awaiting_payment", false, if when == Created { None } else { Some(Reason::AwaitingPayment) }),
        ("awaiting_shipment", true, if when == Shipped { Some(Reason::NotShipped) } else { None }),
        ("pending_fulfillment", true, if when == Shipped { Some(Reason::NotShipped) } else { None }),
        ("rejected_fulfillment", true, if when == Shipped { Some(Reason::NotShipped) } else { None }),
        ("shipped", true, None),
        (
            "on_hold",
            true,
            match when {
                Created | Paid => None,
                NotOnHold => Some(Reason::OnHold),
                Shipped => Some(Reason::NotShipped),
            },
        ),
        (
            "on_hold",
            false,
            match when {
                Created => None,
                Paid | NotOnHold => Some(Reason::OnHold),
                Shipped => Some(Reason::NotShipped),
            },
        ),
        ("cancelled", true, Some(Reason::CancelledInShipstation)),
        ("processing", true, Some(Reason::UnknownStatus)),
    ];
    let put = orders.into_iter().enumerate().map(|(index, (status, paid, expected))| {
        let order = with(&plain(&format!("{status}-{index}")).status(status), |order| {
            if paid {
                order.set("paymentDate", "2026-01-15T09:00:00.0000000");
            }
        });
        (world.sandbox.upsert_order(order), expected)
    });
    put.collect()
}

async fn captures(when: CaptureOrderWhen) {
    let world = World::new(Options::default()).await;
    let orders = every_status(&world, when).await;
    let operation = world.download().await;
    accounted(&world, &operation).await;
    for (order, expected) in &orders {
        let row = world.row(&operation, *order).await;
        let status = world.sandbox.order(*order).unwrap().status;
        let outcome = match expected {
            None => Outcome::Captured,
            Some(Reason::CancelledInShipstation) => Outcome::Cancelled,
            Some(_) => Outcome::Waiting,
        };
        assert_eq!((row.outcome, row.reason), (Some(outcome), *expected), "{status} with {when:?}");
        assert_eq!(world.logged(*order).await.is_some(), expected.is_none(), "{status} with {when:?}");
    }
    assert_eq!(world.sales().await.len(), orders.iter().filter(|(_, expected)| expected.is_none()).count());
    // A waiting order is captured by a later revision at the stage, and nothing is booked twice.
    world.clock.advance(SignedDuration::from_mins(1));
    for (order, _) in &orders {
        world.sandbox.edit_order(*order, |order| order.set("orderStatus", "shipped"));
    }
    let later = world.next_hour().await;
    accounted(&world, &later).await;
    let waited = orders.iter().filter(|(_, expected)| expected.is_some()).count();
    assert_eq!(later.counts.of(Outcome::Captured), waited as u64, "{:?}", later.counts);
    assert_eq!(world.sales().await.len(), orders.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s17_captured_when_created() {
    captures(CaptureOrderWhen::Created).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s18_captured_when_paid() {
    captures(CaptureOrderWhen::Paid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s19_captured_when_not_on_hold() {
    captures(CaptureOrderWhen::NotOnHold).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s20_captured_when_shipped() {
    captures(CaptureOrderWhen::Shipped).await;
}

/// S21: the same stage applies to loads, by date and by number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s21_the_stage_governs_historical_loads() {
    let world = World::new(Options::default()).await;
    let orders = every_status(&world, CaptureOrderWhen::Shipped).await;
    let operation = world.start(OperationKind::LoadOrders { from: jiff::civil::date(2026, 1, 15) }).await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 1);
    assert_eq!(operation.counts.of(Outcome::Waiting), 7);
    assert_eq!(operation.counts.of(Outcome::Cancelled), 1);
    let waiting = world.sandbox.order(orders[1].0).unwrap().number;
    let one = world.load_number(&waiting).await;
    assert_eq!(one.counts.of(Outcome::Waiting), 1);
    assert_eq!(world.sales().await.len(), 1);
}

/// S104: once an hour for any number of ticks, unless `poll_minutes` sets another interval.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s104_ticks_are_gated_by_poll_minutes() {
    let world = World::new(Options::default()).await;
    let runs = async |minutes: i64| {
        let mut runs = 0;
        for _ in 0..(minutes / 5) {
            world.clock.advance(SignedDuration::from_mins(5));
            let answer = world.tick().await.unwrap();
            if answer["ran"] == true {
                runs += 1;
            } else {
                assert_eq!(answer["reason"], "not_due");
            }
        }
        runs
    };
    assert!(world.tick().await.unwrap()["ran"] == true);
    assert_eq!(runs(180).await, 3);
    world.settings(|settings| settings.poll_minutes = 15).await;
    assert_eq!(runs(60).await, 4);
    world.settings(|settings| settings.poll_minutes = 5).await;
    assert_eq!(runs(30).await, 6);
}

/// The schedule downloads nothing while paused. A person may still load, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_fetched_while_paused() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.paused = true).await;
    let (first, second) = (world.sandbox.upsert_order(plain("1")), world.sandbox.upsert_order(plain("2")));
    world.sandbox.clear_requests();
    let answer = world.tick().await.unwrap();
    assert_eq!((&answer["ran"], &answer["reason"]), (&false.into(), &"paused".into()));
    assert!(world.sandbox.requests().is_empty());
    assert_eq!(world.load_number("1").await.counts.of(Outcome::Captured), 1);
    world.settings(|settings| settings.paused = false).await;
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, first).await.outcome, Some(Outcome::Unchanged));
    assert_eq!(world.row(&operation, second).await.outcome, Some(Outcome::Captured));
}

/// The schedule does not capture orders dated before the lock date. A person may load them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_before_the_lock_date_are_left_to_a_person() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.order_lock_date = Some(jiff::civil::date(2026, 1, 10))).await;
    let dated = |number: &str, date: &str| with(&plain(number), |order| order.set("orderDate", date));
    // The second before midnight in New York, and midnight, as Pacific times.
    let old = world.sandbox.upsert_order(dated("old", "2026-01-09T20:59:59.0000000"));
    let new = world.sandbox.upsert_order(dated("new", "2026-01-09T21:00:00.0000000"));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, old).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Skipped), Some(Reason::BeforeLockDate)));
    assert_eq!(world.row(&operation, new).await.outcome, Some(Outcome::Captured));
    assert!(world.logged(old).await.is_none());
    assert_eq!(world.load_number("old").await.counts.of(Outcome::Captured), 1);
    assert_eq!(world.sales().await.len(), 2);
}

/// A lock date also applies to automatic retries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_date_holds_for_what_is_tried_again() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.tax.default_rule = None).await;
    let order = world.sandbox.upsert_order(with(&plain("old"), |order| order.set("orderDate", "2026-01-02T10:00:00.0000000")));
    world.download().await;
    assert_eq!(world.logged(order).await.unwrap().reason, Some(Reason::TaxMappingUnfinished));
    world
        .settings(|settings| {
            settings.tax.default_rule = Some(crate::world::TAX_RULE.into());
            settings.order_lock_date = Some(jiff::civil::date(2026, 1, 10));
        })
        .await;
    world.sandbox.edit_order(order, |order| order.set("customerNotes", "please hurry"));
    let operation = world.next_hour().await;
    assert_eq!(world.row(&operation, order).await.reason, Some(Reason::BeforeLockDate));
    world.next_hour().await;
    assert!(world.sales().await.is_empty(), "captured by the schedule although dated before the lock date");
}

/// ShipStation may change an order without a new `modifyDate`. The later reading counts, and its
/// operation has a warning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_does_not_move_the_date_is_taken() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    // The clock is not moved, so the edit has the order's own time.
    world.sandbox.edit_order(order, |order| order.set("orderTotal", 11));
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, order).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Updated), Some(Reason::ChangedAfterBooking)));
    assert_eq!(world.logged(order).await.unwrap().order_total.unwrap().0, 1100);
}

/// Excluded stores and tags are skipped with a reason each time, and captured when a person loads
/// them after the exclusion was removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn excluded_stores_and_tags_are_skipped() {
    let world = World::new(Options::default()).await;
    world
        .settings(|settings| {
            settings.exclude_stores = vec![stevedore_domain::ids::StoreId(u64::try_from(MARKETPLACE).unwrap())];
            settings.exclude_tags = vec![stevedore_domain::ids::TagId(71_004)];
        })
        .await;
    let store = world.sandbox.upsert_order(plain("store").from_store(MARKETPLACE, None));
    let tags: stevedore_sandbox::Json = "[71001,71004]".parse().unwrap();
    let tag = world.sandbox.upsert_order(with(&plain("tag"), |order| order.set("tagIds", tags)));
    let other = world.sandbox.upsert_order(plain("other").from_store(WEB_SHOP, None));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    for (order, reason) in [(store, Reason::ExcludedStore), (tag, Reason::ExcludedTag)] {
        let row = world.row(&operation, order).await;
        assert_eq!((row.outcome, row.reason), (Some(Outcome::Skipped), Some(reason)));
        assert!(world.logged(order).await.is_none());
    }
    assert_eq!(world.row(&operation, other).await.outcome, Some(Outcome::Captured));
    // Also by a load.
    assert_eq!(world.load_number("store").await.counts.of(Outcome::Skipped), 1);
    world.settings(|settings| settings.exclude_stores.clear()).await;
    assert_eq!(world.load_number("store").await.counts.of(Outcome::Captured), 1);
}

/// `download_delay_minutes`: a recent order is left for a later run, and none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_delay_leaves_fresh_changes_for_later() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.download_delay_minutes = 10).await;
    let mut orders = Vec::new();
    for number in 0..4 {
        orders.push(world.sandbox.upsert_order(plain(&number.to_string())));
        world.clock.advance(SignedDuration::from_mins(4));
    }
    // They are 16, 12, 8 and 4 minutes old.
    let operation = world.download().await;
    assert_eq!(operation.counts.of(Outcome::Captured), 2, "{operation:?}");
    assert_eq!(operation.counts.total(), 2);
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 2);
    assert_eq!(world.sales().await.len(), 4);
}

/// S22, S116: with daily consolidation a captured order waits as pending. A newer revision replaces
/// it, an older one never does, and a cancellation withdraws it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s116_captured_orders_wait_as_pending_with_daily_consolidation() {
    let world = World::new(Options::default()).await;
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::Daily;
            settings.consolidation_time = LocalTime::parse("18:30");
        })
        .await;
    let (kept, cancelled) = (world.sandbox.upsert_order(plain("kept")), world.sandbox.upsert_order(plain("cancelled")));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 2);
    assert_eq!(world.logged(kept).await.unwrap().state, LogState::Pending);
    assert!(world.sales().await.is_empty());

    world.clock.advance(SignedDuration::from_mins(1));
    let older = world.sandbox.order(kept).unwrap();
    world.sandbox.edit_order(kept, |order| {
        crate::flow::item(order, 0).set("quantity", 3);
        order.set("orderTotal", 30);
    });
    world.sandbox.cancel(cancelled);
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, kept).await.outcome, Some(Outcome::Updated));
    let row = world.row(&operation, cancelled).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Cancelled), Some(Reason::Withdrawn)));
    assert_eq!(world.logged(cancelled).await.unwrap().state, LogState::Withdrawn);
    let entry = world.logged(kept).await.unwrap();
    assert_eq!((entry.state, entry.order_total.unwrap().0, entry.revisions.len()), (LogState::Pending, 3000, 2));

    // The older revision arrives again, as after a redrive.
    let message = stevedore_aws::messages::OrderMessage {
        operation_id: operation.id.clone(),
        account: stevedore_domain::ids::ShipstationAccount::FIRST,
        trigger: stevedore_domain::log::Trigger::Schedule,
        read_at: Some(older.modified),
        order: serde_json::from_str(&older.text).unwrap(),
        alike: Vec::new(),
    };
    world.queues.send_orders(&[message.encode().unwrap().unwrap()]).await.unwrap();
    world.drain().await;
    assert_eq!(world.logged(kept).await.unwrap().order_total.unwrap().0, 3000);

    // Without consolidation, pending orders are booked in their newest state. Withdrawn orders are
    // not.
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::None;
            settings.consolidation_time = None;
        })
        .await;
    world.next_hour().await;
    world.drain().await;
    assert_eq!(world.sale(kept).await.total.0, 3000);
    assert_eq!(world.sales().await.len(), 1);
}
