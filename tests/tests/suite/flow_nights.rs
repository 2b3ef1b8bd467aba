//! N13: the nights in which Pacific clocks change, through the whole flow.

use jiff::{SignedDuration, Timestamp};
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::OperationState;
use stevedore_sandbox::SandboxOptions;

use crate::flow::{accounted, item, plain};
use crate::world::{Options, World, order_id};

/// The night from 31 October to 1 November 2026: 08:00 to 09:00 UTC and 09:00 to 10:00 UTC are both
/// one to two o'clock.
const AUTUMN: &str = "2026-11-01T06:30:00Z";
/// The night from 7 to 8 March 2026: at 10:00 UTC two o'clock becomes three.
const SPRING: &str = "2026-03-08T08:30:00Z";

/// Every few minutes of a night an order arrives and another changes; ticks come every `poll`
/// minutes. In the end all are captured in their newest state.
async fn night(start: &'static str, poll: u32, inclusive: bool) {
    let sandbox = Box::new(move |options: &mut SandboxOptions| options.modify_start_inclusive = inclusive);
    let world = World::new(Options { start, sandbox, ..Options::default() }).await;
    world
        .settings(|settings| {
            settings.poll_minutes = poll;
            // Pending orders take over changes.
            settings.consolidation = stevedore_domain::settings::Consolidation::Daily;
            settings.consolidation_time = stevedore_domain::settings::LocalTime::parse("23:00");
        })
        .await;
    let mut orders: Vec<i64> = Vec::new();
    let mut quantities = std::collections::BTreeMap::new();
    let begin: Timestamp = start.parse().unwrap();
    let mut minute = 0;
    // Five hours: an hour and a half before the repeated hours, both of them, and the time after
    // them.
    while minute < 300 {
        world.clock.advance(SignedDuration::from_mins(11));
        minute += 11;
        let order = world.sandbox.upsert_order(plain(&format!("at-{minute}")));
        quantities.insert(order, 1);
        // The order of about an hour ago changes. Its wall time may be the same again, or an
        // earlier one.
        if orders.len() >= 6 {
            let changed = orders[orders.len() - 6];
            world.clock.advance(SignedDuration::from_millis(1_500));
            let quantity = quantities.get_mut(&changed).unwrap();
            *quantity += 1;
            let quantity = *quantity;
            world.sandbox.edit_order(changed, |order| {
                item(order, 0).set("quantity", quantity);
                order.set("orderTotal", quantity * 10);
            });
        }
        orders.push(order);
        world.clock.advance(SignedDuration::from_secs(1));
        let answer = world.tick().await.unwrap();
        world.drain().await;
        if answer["ran"] == true {
            // Orders that existed at the tick are captured in their newest state.
            let log = world.table.log_entries(orders.iter().map(|order| order_id(*order))).await.unwrap();
            for order in &orders {
                let entry =
                    &log.get(&order_id(*order)).unwrap_or_else(|| panic!("order {order} is missing {minute} minutes after {begin}")).entry;
                assert_eq!(entry.order_total.unwrap().0, quantities[order] * 1000, "order {order}, {minute} minutes after {begin}");
            }
        }
    }
    let last = world.next_hour().await;
    accounted(&world, &last).await;
    assert_eq!(last.state, OperationState::Completed);
    assert_eq!(last.counts.of(Outcome::Failed), 0);
    assert_eq!(world.log().await.len(), orders.len());
    for order in orders {
        assert_eq!(world.logged(order).await.unwrap().order_total.unwrap().0, quantities[&order] * 1000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n13_the_night_with_an_hour_twice_hourly() {
    night(AUTUMN, 60, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n13_the_night_with_an_hour_twice_every_five_minutes() {
    night(AUTUMN, 5, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n13_the_night_with_an_hour_missing_hourly() {
    night(SPRING, 60, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n13_the_night_with_an_hour_missing_every_five_minutes() {
    night(SPRING, 5, false).await;
}

/// N13: a change in the second pass of the hour wins, with an earlier wall time than the state of
/// the first pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n13_a_change_in_the_repeated_hour_wins() {
    let world = World::new(Options { start: "2026-11-01T08:45:00Z", ..Options::default() }).await;
    world.settings(|settings| settings.poll_minutes = 5).await;
    // Waiting at 01:45 summer time, paid at 01:20 winter time, 35 minutes later.
    let order = world.sandbox.upsert_order(plain("1").status("awaiting_payment"));
    world.clock.advance(SignedDuration::from_mins(5));
    world.download().await;
    world.clock.advance(SignedDuration::from_mins(30));
    world.sandbox.edit_order(order, |order| order.set("orderStatus", "awaiting_shipment"));
    world.clock.advance(SignedDuration::from_mins(5));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, order).await.outcome, Some(Outcome::Captured));
    // Cancelled at 01:40 winter time, still before the 01:45 of the first state.
    world.clock.advance(SignedDuration::from_mins(15));
    world.sandbox.cancel(order);
    world.clock.advance(SignedDuration::from_mins(1));
    let operation = world.next_hour().await;
    assert_eq!(world.row(&operation, order).await.reason, Some(stevedore_domain::reason::Reason::CancelledAfterBooking));
}

/// N13: a person loads a day whose window ends inside the repeated hour, or begins at midnight of
/// such a night.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n13_loading_in_the_repeated_hour() {
    let world = World::new(Options { start: AUTUMN, ..Options::default() }).await;
    world.settings(|settings| settings.time_zone = "America/Los_Angeles".to_owned()).await;
    world.clock.advance(SignedDuration::from_mins(35));
    let mut orders = Vec::new();
    // From 00:05 to 01:35 winter time, which is two and a half hours.
    for number in 0..30 {
        world.clock.advance(SignedDuration::from_mins(5));
        orders.push(world.sandbox.upsert_order(plain(&number.to_string())));
    }
    world.clock.advance(SignedDuration::from_secs(1));
    let operation = world.start(stevedore_domain::operation::OperationKind::LoadOrders { from: jiff::civil::date(2026, 11, 1) }).await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), orders.len() as u64);
}
