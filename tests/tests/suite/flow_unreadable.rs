//! One order whose text cannot be read, or that the queue refuses, affects only itself: its
//! neighbors are booked, the cursor moves on, and its text is kept (docs/requirements.md, section
//! 5).

use jiff::SignedDuration;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::{OperationKind, OperationState};
use stevedore_domain::reason::Reason;
use stevedore_engines::{EntryFault, Fault as EngineFault};
use stevedore_sandbox::{Damage, Fault, Rule};

use crate::flow::{accounted, item, plain, with};
use crate::world::{Options, World};

/// N11: a raw control character, `NaN`, an answer that is cut off at the same order, and an HTML
/// page for one page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_an_order_that_makes_its_page_unreadable_costs_only_itself() {
    for damage in [Damage::ControlCharacter, Damage::NotANumber, Damage::CutOff, Damage::Html] {
        let world = World::new(Options::default()).await;
        let mut orders = Vec::new();
        for number in 0..30 {
            world.clock.advance(SignedDuration::from_secs(2));
            orders.push(world.sandbox.upsert_order(plain(&number.to_string())));
        }
        let bad = orders[11];
        let fault = world.sandbox.faults().add(Rule::always(Fault::UnreadableOrder { order_id: bad, damage }));
        for hour in 0..3 {
            let operation = world.next_hour().await;
            accounted(&world, &operation).await;
            let failed: Vec<_> = world.rows(&operation).await.into_iter().filter(|row| row.outcome == Some(Outcome::Failed)).collect();
            if hour == 0 {
                let [row] = failed.as_slice() else { panic!("{damage:?}: {failed:?}") };
                let evidence = row.evidence.as_deref().unwrap();
                if damage == Damage::Html {
                    assert_eq!(row.reason, Some(Reason::PoisonOrder), "nothing shows which order it is");
                } else {
                    assert_eq!((row.reason, row.order_number.as_deref()), (Some(Reason::MalformedOrder), Some("11")), "{damage:?}");
                    assert!(evidence.contains(&format!("\"orderId\":{bad}")), "{damage:?}: {evidence}");
                    let said = if damage == Damage::CutOff { "ends in the middle" } else { "not JSON" };
                    assert!(row.message.as_deref().unwrap().contains(said), "{damage:?}: {row:?}");
                }
            }
            assert_eq!(world.sales().await.len(), 29 + hour, "{damage:?}");
            let age = world.table.cursor().await.unwrap().value.reached.unwrap();
            assert!(age.instant(None) >= world.clock.now() - SignedDuration::from_hours(2), "{damage:?}: the cursor stands still at {age}");
            world.clock.advance(SignedDuration::from_mins(30));
            world.sandbox.upsert_order(plain(&format!("later-{hour}")));
        }
        world.sandbox.faults().remove(fault);
        for _ in 0..3 {
            world.next_hour().await;
        }
        assert_eq!(world.sale(bad).await.total.0, 1000, "{damage:?}: it is booked once it can be read");
        assert!(world.table.unreadable_orders().await.unwrap().is_empty(), "{damage:?}");
    }
}

/// N6: a load by number skips an order that cannot be read, and reports it if it is the requested
/// one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_a_load_by_number_steps_over_an_unreadable_order() {
    let world = World::new(Options::default()).await;
    let good = world.sandbox.upsert_order(plain("77"));
    world.clock.advance(SignedDuration::from_secs(2));
    let bad = world.sandbox.upsert_order(plain("771"));
    world.sandbox.faults().add(Rule::always(Fault::UnreadableOrder { order_id: bad, damage: Damage::ControlCharacter }));
    let load = async |number: &str| {
        let operation = world.start(OperationKind::LoadOrder { order_number: number.to_owned() }).await;
        accounted(&world, &operation).await;
        operation
    };
    let operation = load("77").await;
    assert_eq!((operation.counts.total(), operation.counts.of(Outcome::Captured)), (1, 1));
    assert_eq!(world.sale(good).await.total.0, 1000);
    let operation = load("771").await;
    assert_eq!((operation.counts.total(), operation.counts.of(Outcome::Failed)), (1, 1));
    assert_eq!(world.row(&operation, bad).await.reason, Some(Reason::MalformedOrder));
}

/// P3: characters that SQS refuses in a message are sent in escaped form, and the order is booked
/// unchanged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn characters_that_the_queue_refuses_are_booked_as_they_are() {
    let world = World::new(Options::default()).await;
    let mut orders = Vec::new();
    for (number, name) in ["Bad\u{ffff} char", "Worse\u{fffe}", "Emoji \u{1f600} \u{1fffe}", "é漢", "plain"].iter().enumerate() {
        let order = with(&plain(&number.to_string()), |order| item(order, 0).set("name", *name));
        orders.push((world.sandbox.upsert_order(order), *name));
    }
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 5);
    for (order, name) in orders {
        assert_eq!(world.sale(order).await.lines[0].name, name, "{name:?}");
        assert_eq!(world.logged(order).await.unwrap().state, LogState::Booked);
    }
    // The stored text equals the read text in meaning, so the next download changes nothing.
    let again = world.next_hour().await;
    assert_eq!((again.state, again.counts.of(Outcome::Unchanged)), (OperationState::Completed, 5));
}

fn refusing(world: &World, number: &'static str, code: &str, sender_fault: bool, times: u32) {
    let fault = EntryFault { code: code.to_owned(), sender_fault };
    let of_order = move |entry: &stevedore_engines::BatchEntry<'_>| entry.body.contains(&format!("\"orderNumber\":\"{number}\""));
    world.engines.faults().fail_entries("SendMessageBatch", times, fault, of_order);
}

/// P2: an order that the queue refuses permanently is a failed row with its text, and the cursor
/// moves past it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_the_queue_refuses_for_good_costs_only_itself() {
    let world = World::new(Options::default()).await;
    let orders: Vec<i64> = (0..12).map(|number| world.sandbox.upsert_order(plain(&number.to_string()))).collect();
    refusing(&world, "5", "InvalidMessageContents", true, 1);
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.of(Outcome::Failed)), (11, 1));
    let row = world.row(&operation, orders[5]).await;
    assert_eq!(row.reason, Some(Reason::QueueRefused));
    assert!(row.message.as_deref().unwrap().contains("InvalidMessageContents"), "{row:?}");
    assert_eq!(row.evidence.as_deref(), Some(&*world.sandbox.order(orders[5]).unwrap().text));
    assert!(world.table.cursor().await.unwrap().value.reached.is_some(), "the cursor goes on");
    assert_eq!(world.sales().await.len(), 11);
}

/// The cursor moves only after the queue has accepted every message, by each entry of each reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cursor_stays_before_an_order_that_the_queue_did_not_accept() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(plain("before"));
    world.download().await;
    let before = world.table.cursor().await.unwrap().value.reached;
    world.clock.advance(SignedDuration::from_mins(1));
    let orders: Vec<i64> = (0..12).map(|number| world.sandbox.upsert_order(plain(&number.to_string()))).collect();
    world.clock.advance(SignedDuration::from_hours(1));
    // As often as one call is tried again.
    refusing(&world, "5", "InternalError", false, 4);
    let error = world.tick().await.expect_err("the queue did not accept order 5, and the tick says that it did its work");
    assert!(error.to_string().contains("did not accept 1 of the orders"), "{error}");
    let after = world.table.cursor().await.unwrap().value;
    assert_eq!(after.reached, before, "the cursor moved past an order that is not queued");
    assert_eq!(after.lease, None);
    world.clock.advance(SignedDuration::from_mins(1));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    for order in orders {
        assert_eq!(world.sale(order).await.total.0, 1000, "order {order}");
    }
    assert_eq!(world.sales().await.len(), 13, "each once");
    assert!(world.table.cursor().await.unwrap().value.reached > before);
}

/// A call that the queue refuses as a whole for its contents is sent message by message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_refused_for_its_contents_is_sent_message_by_message() {
    let world = World::new(Options::default()).await;
    for number in 0..5 {
        world.sandbox.upsert_order(plain(&number.to_string()));
    }
    // The call with all of them, and the one with only the first of them.
    world.engines.faults().fail_next("SendMessageBatch", 2, EngineFault::Error { status: 400, code: "InvalidMessageContents".to_owned() });
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.of(Outcome::Failed)), (4, 1));
    assert_eq!(world.sales().await.len(), 4);
}
