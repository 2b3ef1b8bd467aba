//! Dates ahead of the clock: the schedule's position never passes the clock, for any dates of
//! orders (docs/requirements.md, section 5).

use jiff::{SignedDuration, Timestamp};
use stevedore_aws::Cursor;
use stevedore_domain::ids::OperationId;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::{Operation, OperationKind, OperationState, Window};
use stevedore_domain::pacific::PacificTime;
use stevedore_sandbox::Fault;
use stevedore_sandbox::Rule;

use crate::flow::{accounted, plain};
use crate::world::{Options, START, World};

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap()
}

const YEARS: SignedDuration = SignedDuration::from_hours(60 * 366 * 24);

async fn reached(world: &World) -> PacificTime {
    world.table.cursor().await.unwrap().value.reached.unwrap()
}

/// N13, P2: one order is dated ahead of the clock. Later changes of other orders are captured by
/// the next download, and so is the order, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n13_a_date_ahead_of_the_clock_hides_no_other_order() {
    for ahead in [SignedDuration::from_mins(80), SignedDuration::from_hours(3), SignedDuration::from_hours(8), YEARS] {
        let world = World::new(Options::default()).await;
        world.sandbox.upsert_order(plain("today"));
        let now = world.clock.now();
        let odd = world.sandbox.upsert_order_at(plain("ahead"), now, later(now, ahead));
        let operation = world.download().await;
        accounted(&world, &operation).await;
        assert_eq!(operation.counts.of(Outcome::Captured), 2, "{ahead:?}");
        assert_eq!(operation.reason.as_deref(), Some("dates_ahead_of_clock"), "{ahead:?}: it says that something is wrong");
        assert!(operation.message.is_some_and(|message| message.contains("Pacific time")));
        for hour in 1..=3 {
            let mut orders = Vec::new();
            for minute in 1..=6 {
                world.clock.advance(SignedDuration::from_mins(6));
                orders.push(world.sandbox.upsert_order(plain(&format!("{hour}-{minute}"))));
            }
            world.clock.advance(SignedDuration::from_mins(24));
            let operation = world.download().await;
            accounted(&world, &operation).await;
            assert!(!reached(&world).await.is_ahead_of(world.clock.now()), "{ahead:?}");
            assert!(operation.position.is_none_or(|position| !position.is_ahead_of(world.clock.now())), "{ahead:?}");
            for order in orders {
                assert!(world.logged(order).await.is_some(), "{ahead:?}: order {order} of hour {hour} was not read");
            }
        }
        assert_eq!(world.sales().await.len(), 20, "{ahead:?}");
        assert_eq!(world.sale(odd).await.total.0, 1000);
    }
}

/// A change after a revision that is dated ahead of the clock is newer than it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_an_order_that_was_dated_ahead_is_seen() {
    let world = World::new(Options::default()).await;
    world.daily(13).await;
    let now = world.clock.now();
    let order = world.sandbox.upsert_order_at(plain("ahead"), now, later(now, YEARS));
    world.download().await;
    assert_eq!(world.logged(order).await.unwrap().state, LogState::Pending);
    world.clock.advance(SignedDuration::from_mins(20));
    world.sandbox.cancel(order);
    world.clock.advance(SignedDuration::from_mins(40));
    world.download().await;
    assert_eq!(world.logged(order).await.unwrap().state, LogState::Withdrawn);
}

/// A cursor that an earlier release moved ahead of the clock is moved back to the beginning of the
/// last correct download.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_cursor_ahead_of_the_clock_is_brought_back() {
    for ahead in [SignedDuration::from_hours(5), YEARS] {
        let world = World::new(Options::default()).await;
        world.sandbox.upsert_order(plain("before"));
        world.download().await;
        world.next_hour().await;
        // The state of the earlier release: the cursor, and downloads that read from there and were
        // marked as completed.
        let place = PacificTime::at(later(world.clock.now(), ahead));
        let stored = world.table.cursor().await.unwrap();
        let cursor = Cursor { reached: Some(place), ..stored.value };
        world.table.put_cursor(&cursor, stored.version).await.unwrap().unwrap();
        let mut missed = Vec::new();
        for hour in 0..3 {
            world.clock.advance(SignedDuration::from_mins(30));
            missed.push(world.sandbox.upsert_order(plain(&format!("missed-{hour}"))));
            world.clock.advance(SignedDuration::from_mins(30));
            blind_download(&world, place).await;
        }
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        for order in missed {
            assert!(world.logged(order).await.is_some(), "{ahead:?}: order {order} was not read");
        }
        assert!(!reached(&world).await.is_ahead_of(world.clock.now()));
    }
}

async fn blind_download(world: &World, place: PacificTime) {
    let now = world.clock.now();
    let operation = Operation {
        id: OperationId(format!("{}-download", now.strftime("%Y%m%dT%H%M%S%3f"))),
        trigger: stevedore_domain::log::Trigger::Schedule,
        window: Some(Window { from: place.shifted(SignedDuration::from_mins(-75)), until: None }),
        state: OperationState::Completed,
        requests: 1,
        position: Some(place),
        read_at: Some(now),
        finished_at: Some(now),
        ..Operation::new(OperationKind::Download, stevedore_domain::ids::ShipstationAccount::FIRST, "schedule", now)
    };
    world.table.create_operation(&operation).await.unwrap().unwrap();
}

/// N13: an order that becomes visible more than an hour late is within the next window.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n13_an_order_that_becomes_visible_70_minutes_late_is_read() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(plain("before"));
    world.download().await;
    let reached = world.clock.now();
    world.clock.advance(SignedDuration::from_mins(10));
    let modified = later(reached, -SignedDuration::from_mins(70));
    let late = world.sandbox.upsert_order_at(plain("late"), modified, modified);
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert!(world.logged(late).await.is_some(), "order {late}, modified 70 minutes before the cursor, was not read");
}

/// S114: a load by creation date continues at a position of its own window, for any dates of
/// orders.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s114_a_load_keeps_its_position_behind_the_clock() {
    let world = World::new(Options::default()).await;
    let now = world.clock.now();
    world.sandbox.upsert_order_at(plain("created-ahead"), later(now, YEARS), later(now, YEARS));
    world.sandbox.upsert_order_at(plain("today"), later(now, -SignedDuration::from_mins(5)), now);
    let operation =
        world.start(OperationKind::LoadOrders { from: START.parse::<Timestamp>().unwrap().to_zoned(jiff::tz::TimeZone::UTC).date() }).await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 1);
    assert!(operation.position.is_none_or(|position| !position.is_ahead_of(world.clock.now())), "{:?}", operation.position);
    // The schedule reads by the time of change, and finds the other order.
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(world.sales().await.len(), 2);
}

/// N11: an unreadable place beside a date ahead of the clock is read again up to the clock only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_a_broken_place_beside_a_date_ahead_ends_at_the_clock() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(plain("first"));
    world.clock.advance(SignedDuration::from_mins(1));
    let poison = world.sandbox.upsert_order(plain("poison"));
    let now = world.clock.now();
    world.sandbox.upsert_order_at(plain("ahead"), now, later(now, YEARS));
    let fault = world.sandbox.faults().add(Rule::always(Fault::PoisonOrder { order_id: poison }));
    world.clock.advance(SignedDuration::from_mins(1));
    world.download().await;
    let unreadable_orders = world.table.unreadable_orders().await.unwrap();
    let [unreadable_order] = unreadable_orders.as_slice() else { panic!("{unreadable_orders:?}") };
    assert!(unreadable_order.until.is_some_and(|until| !until.is_ahead_of(world.clock.now())), "{unreadable_order:?}");
    world.sandbox.faults().remove(fault);
    world.next_hour().await;
    assert_eq!(world.sale(poison).await.total.0, 1000);
    assert!(world.table.unreadable_orders().await.unwrap().is_empty());
}
