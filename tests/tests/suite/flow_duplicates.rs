//! The same purchase under two ids of ShipStation: one is booked, and the other is held for a
//! person (N4; docs/requirements.md, section 5).

use jiff::SignedDuration;
use stevedore_domain::log::{LogEntry, LogState};
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_sandbox::Draft;

use crate::flow::accounted;
use crate::world::{Options, World, dec, order_id};

/// The same store, number and key under the id `id`.
fn again(id: i64) -> Draft {
    Draft::new("RE-1").key("RE-1").id(id).line("A", 1, dec("10"))
}

async fn entry(world: &World, order: i64) -> LogEntry {
    world.logged(order).await.unwrap_or_else(|| panic!("order {order} is not in the log"))
}

fn live(sales: &[stevedore_domain::sale::Sale]) -> i64 {
    sales.iter().filter(|sale| sale.voided_at.is_none()).map(|sale| sale.total.0).sum()
}

async fn is_held(world: &World, order: i64, beside: i64) {
    let held = entry(world, order).await;
    assert_eq!((held.state, held.reason), (LogState::Blocked, Some(Reason::PossibleDuplicate)), "{held:?}");
    assert_eq!(held.sale_id, None);
    assert!(held.message.as_ref().unwrap().contains(&format!("({beside})")), "{held:?}");
}

/// N4, P1: of two ids of one purchase in one download the first is booked and the second held, for
/// both sequences of processing. A person can book it with a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_purchase_under_two_ids_is_booked_once() {
    for both_at_once in [true, false] {
        let world = World::new(Options::default()).await;
        world.sandbox.upsert_order(again(303));
        if !both_at_once {
            world.download().await;
            world.clock.advance(SignedDuration::from_mins(1));
        }
        world.sandbox.upsert_order(again(304));
        let operation = if both_at_once { world.download().await } else { world.next_hour().await };
        accounted(&world, &operation).await;
        assert_eq!(entry(&world, 303).await.state, LogState::Booked);
        is_held(&world, 304, 303).await;
        let row = world.row(&operation, 304).await;
        assert_eq!(row.reason, Some(Reason::PossibleDuplicate), "both at once: {both_at_once}");
        // Neither another hour, nor a person who processes everything, nor a load of the order by
        // its number books it.
        world.next_hour().await;
        world.start(OperationKind::ProcessPending { order_ids: None }).await;
        world.load_number("RE-1").await;
        is_held(&world, 304, 303).await;
        assert!(entry(&world, 304).await.message.unwrap().contains("in sale SO-303"));
        assert_eq!(live(&world.booked().await), 1000);
        let now = world.clock.now();
        world.table.change_log_entry(order_id(304), |entry| entry.book_anyway(now, "avery")).await.unwrap();
        world.start(OperationKind::ProcessPending { order_ids: None }).await;
        assert_eq!((world.sale(304).await.total.0, live(&world.booked().await)), (1000, 2000));
    }
}

/// N4: an order whose duplicate is queued and not in the log yet is held until that one is
/// processed. If it never arrives, the order is booked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_twin_that_is_still_on_its_way_holds_the_order() {
    for first_comes in [true, false] {
        let world = World::new(Options::default()).await;
        world.sandbox.upsert_order(again(303));
        world.clock.advance(SignedDuration::from_mins(1));
        world.sandbox.upsert_order(again(304));
        world.tick().await.unwrap();
        let url = world.queues.urls().orders.clone();
        let messages = world.queues.receive(&url, 0).await.unwrap();
        assert_eq!(messages.len(), 2);
        let of = |order: i64| {
            let text = format!("\"orderId\":{order}");
            messages.iter().filter(|message| message.body.contains(&text)).cloned().collect::<Vec<_>>()
        };
        process_orders::handle(&world.process, crate::world::sqs_event(&of(304)), world.deadline()).await.unwrap();
        is_held(&world, 304, 303).await;
        if first_comes {
            process_orders::handle(&world.process, crate::world::sqs_event(&of(303)), world.deadline()).await.unwrap();
        }
        for message in &messages {
            world.queues.delete(&url, std::slice::from_ref(&message.receipt_handle)).await.unwrap();
        }
        if !first_comes {
            world.sandbox.remove(303);
        }
        world.next_hour().await;
        world.drain().await;
        if first_comes {
            assert_eq!(entry(&world, 303).await.state, LogState::Booked);
            is_held(&world, 304, 303).await;
        } else {
            assert_eq!(entry(&world, 304).await.state, LogState::Booked);
        }
        assert_eq!(live(&world.booked().await), 1000, "the first comes: {first_comes}");
    }
}

/// N4: with daily consolidation one is in the day's sale, and the other is held the next day as
/// well. A purchase whose sale is void holds nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_purchase_under_two_ids_is_in_one_days_sale() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    world.sandbox.upsert_order(again(303));
    world.sandbox.upsert_order(again(304));
    world.sandbox.upsert_order(again(305).key("another purchase"));
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    world.consolidate().await;
    let run = world.run_operation("2026-01-15").await;
    assert_eq!(world.row(&run, 304).await.reason, Some(Reason::PossibleDuplicate));
    is_held(&world, 304, 303).await;
    assert_eq!(world.day("2026-01-15").await.total.0, 2000);
    world.sandbox.upsert_order(again(306));
    world.next_hour().await;
    world.at("2026-01-16T23:00:00Z");
    world.consolidate().await;
    is_held(&world, 304, 303).await;
    is_held(&world, 306, 303).await;
    assert_eq!(live(&world.booked().await), 2000);
    world.void_day("2026-01-15").await;
    world.at("2026-01-17T23:00:00Z");
    world.consolidate().await;
    // Of the two held orders one is booked, the one that is decided first, and the other is held
    // for it.
    assert_eq!(world.day("2026-01-17").await.total.0, 1000);
    let (booked, held) = if entry(&world, 304).await.state == LogState::Booked { (304, 306) } else { (306, 304) };
    assert_eq!(entry(&world, booked).await.state, LogState::Booked);
    is_held(&world, held, booked).await;
}

/// N4: orders that share only a number, or whose duplicate was cancelled before it was booked, are
/// booked separately. An order whose sale was voided does not hold the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_orders_with_one_number_are_booked_where_nothing_else_is_alike() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(again(303));
    world.sandbox.upsert_order(again(304).key("RE-1/b"));
    world.sandbox.upsert_order(again(305).from_store(999, None));
    world.download().await;
    assert_eq!(live(&world.booked().await), 3000);
    // The buyer's first order was cancelled while it waited, and placed again.
    let map = world.table.settings().await.unwrap().value.location_map;
    world.settings(|settings| settings.location_map = stevedore_domain::settings::LocationMap::default()).await;
    let other = |id: i64| Draft::new("RE-2").key("RE-2").id(id).line("A", 1, dec("7"));
    world.sandbox.upsert_order(other(401));
    world.next_hour().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.edit_order(401, |order| order.set("orderStatus", "cancelled"));
    world.sandbox.upsert_order(other(402));
    world.next_hour().await;
    world.settings(|settings| settings.location_map = map).await;
    world.next_hour().await;
    world.drain().await;
    assert_eq!((entry(&world, 401).await.state, entry(&world, 402).await.state), (LogState::Withdrawn, LogState::Booked));
    assert_eq!(live(&world.booked().await), 3700);
}

/// N4, N6: a re-created order is compared with its duplicates like a new order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_an_order_made_anew_is_held_for_its_booked_twin() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(again(303));
    world.sandbox.upsert_order(again(304));
    world.download().await;
    let now = world.clock.now();
    world.table.change_log_entry(order_id(304), |entry| entry.book_anyway(now, "avery")).await.unwrap();
    world.start(OperationKind::ProcessPending { order_ids: None }).await;
    assert_eq!(live(&world.booked().await), 2000);
    // The first one does not know the second, so it is booked again beside it only at a person's
    // request.
    world.start(OperationKind::Recreate { order_id: order_id(303) }).await;
    is_held(&world, 303, 304).await;
    assert_eq!(live(&world.booked().await), 1000);
    world.start(OperationKind::Recreate { order_id: order_id(304) }).await;
    assert_eq!(world.sale(304).await.id.as_str(), "SO-304-2");
    assert_eq!(live(&world.booked().await), 1000);
}
