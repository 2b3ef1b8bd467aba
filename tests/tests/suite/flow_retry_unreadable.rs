//! Orders that cannot be read never delay the others, and are tried again (N11;
//! docs/requirements.md, sections 5 and 13).

use jiff::SignedDuration;
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::{OperationKind, OperationRow, OperationState};
use stevedore_domain::reason::Reason;
use stevedore_sandbox::{Defect, Fault, Json, Rule};

use crate::flow::{accounted, plain, with};
use crate::world::{Options, World};

fn failed(rows: &[OperationRow]) -> Vec<&OperationRow> {
    rows.iter().filter(|row| row.outcome == Some(Outcome::Failed)).collect()
}

/// N11: one poison order in a page of 500: the other 499 are captured, the order is a failed row
/// with its evidence, and it is captured when it can be read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_a_poison_order_costs_only_itself() {
    let world = World::new(Options::default()).await;
    let mut orders = Vec::new();
    for number in 0..500 {
        world.clock.advance(SignedDuration::from_secs(2));
        orders.push(world.sandbox.upsert_order(plain(&number.to_string())));
    }
    let poison = orders[237];
    let fault = world.sandbox.faults().add(Rule::always(Fault::PoisonOrder { order_id: poison }));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.of(Outcome::Failed)), (499, 1));
    let rows = world.rows(&operation).await;
    let [row] = failed(&rows)[..] else { panic!("{:?}", failed(&rows)) };
    assert_eq!(row.reason, Some(Reason::PoisonOrder));
    let (message, evidence) = (row.message.as_deref().unwrap(), row.evidence.as_deref().unwrap());
    for text in [orders[236].to_string(), orders[238].to_string(), "500".to_owned()] {
        assert!(message.contains(&text), "{message}");
    }
    assert!(evidence.contains("excerpt"), "{evidence}");
    assert!(world.logged(poison).await.is_none());

    // Hours later it is still poison. Then it is not, and is otherwise unchanged.
    world.clock.advance(SignedDuration::from_hours(3));
    world.sandbox.upsert_order(plain("later"));
    let operation = world.next_hour().await;
    assert_eq!(operation.state, OperationState::Completed);
    assert!(world.logged(poison).await.is_none());
    world.sandbox.faults().remove(fault);
    world.clock.advance(SignedDuration::from_hours(3));
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 1, "{:?}", operation.counts);
    assert_eq!(world.sale(poison).await.total.0, 1000);
    assert!(world.table.unreadable_orders().await.unwrap().is_empty());
    assert_eq!(world.sales().await.len(), 501);
}

/// N11: poison at the end of the list, without a following order that could bound it, and alone in
/// the account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_poison_at_the_end_is_found_and_heals() {
    let world = World::new(Options::default()).await;
    let first = world.sandbox.upsert_order(plain("first"));
    world.clock.advance(SignedDuration::from_mins(20));
    let poison = world.sandbox.upsert_order(plain("poison"));
    world.clock.advance(SignedDuration::from_mins(1));
    let fault = world.sandbox.faults().add(Rule::always(Fault::PoisonOrder { order_id: poison }));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.of(Outcome::Failed)), (1, 1));
    assert_eq!(world.sale(first).await.total.0, 1000);
    for number in ["more", "still more", "even more"] {
        world.clock.advance(SignedDuration::from_hours(2));
        world.sandbox.upsert_order(plain(number));
        assert_eq!(world.next_hour().await.state, OperationState::Completed);
    }
    world.sandbox.faults().remove(fault);
    world.next_hour().await;
    world.next_hour().await;
    assert_eq!(world.sale(poison).await.total.0, 1000);
    assert!(world.table.unreadable_orders().await.unwrap().is_empty());
    assert_eq!(world.sales().await.len(), 5);
}

/// N11: poison in a person's load of old orders is tried again by the schedule's runs, by its
/// `createDate`. Its last change was months later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_poison_of_a_historical_load_heals() {
    let world = World::new(Options::default()).await;
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let mut orders = Vec::new();
    for day in 1..=5 {
        let created = at(&format!("2025-06-0{day}T10:00:00Z"));
        orders.push(world.sandbox.upsert_order_at(plain(&day.to_string()), created, at("2025-11-11T10:00:00Z")));
    }
    let fault = world.sandbox.faults().add(Rule::always(Fault::PoisonOrder { order_id: orders[2] }));
    let operation = world.start(OperationKind::LoadOrders { from: jiff::civil::date(2025, 6, 1) }).await;
    accounted(&world, &operation).await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.of(Outcome::Failed)), (4, 1));
    world.next_hour().await;
    assert_eq!(world.table.unreadable_orders().await.unwrap().len(), 1);
    world.sandbox.faults().remove(fault);
    world.next_hour().await;
    assert_eq!(world.sale(orders[2]).await.total.0, 1000);
    assert!(world.table.unreadable_orders().await.unwrap().is_empty());
}

/// N11: a malformed order is a failed row with its text. Its neighbors are captured, and so is the
/// order when it is corrected without a new `modifyDate`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_a_malformed_order_costs_only_itself() {
    let world = World::new(Options::default()).await;
    let good = plain("bent");
    let bad = with(&good, |order| order.set("orderTotal", "ten dollars"));
    let neighbours = [world.sandbox.upsert_order(plain("before")), world.sandbox.upsert_order(plain("after"))];
    let created = world.clock.now();
    let bent = world.sandbox.upsert_order_at(bad, created, created);
    let operation = world.download().await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, bent).await;
    assert_eq!((row.outcome, row.reason, row.order_number.as_deref()), (Some(Outcome::Failed), Some(Reason::MalformedOrder), Some("bent")));
    assert!(row.message.unwrap().contains("/orderTotal"));
    assert_eq!(row.evidence.as_deref(), Some(&*world.sandbox.order(bent).unwrap().text));
    for neighbour in neighbours {
        assert_eq!(world.sale(neighbour).await.total.0, 1000);
    }
    // Outside of every window by now, and still malformed.
    world.clock.advance(SignedDuration::from_hours(30));
    world.sandbox.upsert_order(plain("later"));
    world.next_hour().await;
    assert!(world.logged(bent).await.is_none());
    world.sandbox.upsert_order_at(good.id(bent), created, created);
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, bent).await.outcome, Some(Outcome::Captured));
    assert_eq!(world.sale(bent).await.total.0, 1000);
    assert!(world.table.unreadable_orders().await.unwrap().is_empty());
}

/// N11: for every defect, also without an id: counted once in its operation, and the rest of the
/// page is booked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_every_defect_is_one_failed_row() {
    for defect in [Defect::ItemsAreText, Defect::TotalIsText, Defect::NoId, Defect::BadModifyDate, Defect::NotAnObject] {
        let world = World::new(Options::default()).await;
        for number in 0..4 {
            world.clock.advance(SignedDuration::from_secs(2));
            world.sandbox.upsert_order(plain(&number.to_string()));
        }
        let bent = world.sandbox.orders()[1].id;
        world.sandbox.faults().add(Rule::always(Fault::MalformedOrder { order_id: Some(bent), defect }));
        let operation = world.download().await;
        accounted(&world, &operation).await;
        assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.of(Outcome::Failed)), (3, 1), "{defect:?}");
        let rows = world.rows(&operation).await;
        assert!(failed(&rows)[0].evidence.is_some(), "{defect:?}");
        world.sandbox.faults().clear();
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        assert_eq!(world.sales().await.len(), 4, "{defect:?}");
    }
}

/// P2: a place that is read again within the same run does not count an unreadable order twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_an_order_without_an_id_is_counted_once() {
    let world = World::new(Options::default()).await;
    let mut orders = Vec::new();
    for number in 0..6 {
        world.clock.advance(SignedDuration::from_secs(1));
        orders.push(world.sandbox.upsert_order(plain(&number.to_string())));
    }
    world.clock.advance(SignedDuration::from_secs(5));
    // Poison beside an order without an id: its place is read again in the next run, and with it
    // the order without an id.
    let poison = world.sandbox.faults().add(Rule::always(Fault::PoisonOrder { order_id: orders[2] }));
    world.sandbox.faults().add(Rule::always(Fault::MalformedOrder { order_id: Some(orders[3]), defect: Defect::NoId }));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!((operation.counts.total(), operation.counts.of(Outcome::Failed)), (6, 2));
    world.sandbox.faults().remove(poison);
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!((operation.counts.total(), operation.counts.of(Outcome::Failed)), (6, 1), "{:?}", world.rows(&operation).await);
}

/// N20: an unreadable order keeps its reason from run to run, and its earlier sale stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n20_a_booked_order_that_becomes_unreadable_keeps_its_sale() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    let sale = world.sale(order).await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.edit_order(order, |order| order.set("items", Json::text("lost")));
    for _ in 0..2 {
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        assert_eq!(world.row(&operation, order).await.reason, Some(Reason::MalformedOrder));
    }
    assert_eq!(world.sale(order).await, sale);
}
