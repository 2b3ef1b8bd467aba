//! Loading by hand, the log and its deletion, operations and their counts (docs/requirements.md,
//! sections 5 and 11).

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use stevedore_aws::DeleteOutcome;
use stevedore_domain::log::{LogState, Outcome, Trigger};
use stevedore_domain::operation::{OperationKind, OperationState};
use stevedore_domain::reason::Reason;

use crate::flow::{accounted, item, plain};
use crate::world::{Options, World, dec, order_id};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// S113: orders that were created or changed since the last hour are downloaded, and no other
/// request is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s113_created_and_changed_orders_are_downloaded() {
    let world = World::new(Options::default()).await;
    let waiting = world.sandbox.upsert_order(plain("waiting").status("awaiting_payment"));
    world.download().await;
    world.clock.advance(SignedDuration::from_hours(30));
    world.next_hour().await;
    let quiet = world.sandbox.requests_to("/orders");
    let created = world.sandbox.upsert_order(plain("created"));
    world.sandbox.edit_order(waiting, |order| order.set("orderStatus", "awaiting_shipment"));
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 2);
    assert_eq!((world.sale(created).await.number, world.sale(waiting).await.number), ("created".to_owned(), "waiting".to_owned()));
    assert_eq!(world.sandbox.requests_to("/orders"), quiet + 1);
    assert_eq!((operation.trigger, operation.by.as_str()), (Trigger::Schedule, "schedule"));
}

/// S114, S116: every order that entered ShipStation since midnight in the merchant's zone, for any
/// order date or change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s114_loading_begins_at_the_merchants_midnight() {
    // Tokyo's 3 January begins on 2 January at 15:00 UTC, which is 07:00 in California.
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.time_zone = "Asia/Tokyo".to_owned()).await;
    let put = |number: &str, created: &str, modified: &str| world.sandbox.upsert_order_at(plain(number), at(created), at(modified));
    let before = put("before", "2026-01-02T14:59:59.999Z", "2026-01-15T17:00:00Z");
    let first = put("first", "2026-01-02T15:00:00Z", "2026-01-02T15:00:00Z");
    let last = put("last", "2026-01-15T17:59:00Z", "2026-01-15T17:59:00Z");
    let operation = world.start(OperationKind::LoadOrders { from: date(2026, 1, 3) }).await;
    accounted(&world, &operation).await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.total()), (2, 2));
    assert_eq!((operation.trigger, operation.by.as_str()), (Trigger::Manual, "avery"));
    assert!(world.logged(before).await.is_none());
    for order in [first, last] {
        assert_eq!(world.sale(order).await.total.0, 1000);
    }
    // S117, S146: the second load books nothing twice, and each order has a reason.
    let again = world.start(OperationKind::LoadOrders { from: date(2026, 1, 3) }).await;
    accounted(&world, &again).await;
    assert_eq!((again.counts.of(Outcome::Unchanged), again.counts.total()), (2, 2));
    assert_eq!(world.row(&again, first).await.reason, Some(Reason::AlreadyCaptured));
    assert_eq!(world.sales().await.len(), 2);
}

/// S115: a whole year is read. (The API refuses more.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s115_a_year_back_is_loaded() {
    let world = World::new(Options::default()).await;
    let old = world.sandbox.upsert_order_at(plain("old"), at("2025-01-15T05:00:00Z"), at("2025-01-20T05:00:00Z"));
    let older = world.sandbox.upsert_order_at(plain("older"), at("2025-01-15T04:59:59Z"), at("2025-01-20T05:00:00Z"));
    // The schedule does not read it: it begins with the day before the connection.
    assert_eq!(world.download().await.counts.total(), 0);
    let operation = world.start(OperationKind::LoadOrders { from: date(2025, 1, 15) }).await;
    accounted(&world, &operation).await;
    assert!(world.logged(old).await.is_some());
    assert!(world.logged(older).await.is_none());
}

/// N6, S114: by number, compared exactly although ShipStation searches by prefix. All parts of a
/// split have the number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_an_order_is_loaded_by_its_exact_number() {
    let world = World::new(Options::default()).await;
    for number in ["100", "1001-A", "10010"] {
        world.sandbox.upsert_order(plain(number));
    }
    let wanted = world.sandbox.upsert_order(plain("1001").line("SKU-2", 1, dec("5")));
    let child = world.sandbox.split(wanted).unwrap();
    let operation = world.load_number("1001").await;
    accounted(&world, &operation).await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.total()), (2, 2));
    assert_eq!(world.sales().await.len(), 2);
    assert_eq!(world.sale(child).await.number, "1001");
    let missing = world.load_number("no-such").await;
    assert_eq!((missing.state, missing.counts.total(), missing.reason.as_deref()), (OperationState::Completed, 0, Some("order_not_found")));
}

/// S145, S147, S148: the entry ties order and sale from the start, with revisions, amounts and a
/// timeline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s145_the_log_ties_order_and_sale() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1001").tax(dec("0.80")));
    let operation = world.download().await;
    let entry = world.logged(order).await.unwrap();
    let sale = world.sale(order).await;
    assert_eq!((entry.order_id, entry.order_number.as_str(), entry.state), (order_id(order), "1001", LogState::Booked));
    assert_eq!(entry.store_id, sale.source.order().unwrap().store_id);
    assert_eq!((entry.order_total, entry.sale_total), (Some(sale.total), Some(sale.total)));
    assert_eq!((sale.source.order().unwrap().order_id, sale.source.order().unwrap().order_number.as_str()), (order_id(order), "1001"));
    assert_eq!(entry.revisions.len(), 1);
    assert_eq!(entry.captured_by.as_ref(), Some(&operation.id));
    assert!(entry.timeline.iter().any(|event| event.what.contains(sale.id.as_str()) && event.by == operation.id.as_str()));
    // The order's text is kept exactly.
    let stored = world.table.log_entry(order_id(order)).await.unwrap().unwrap();
    assert_eq!(world.table.newest_order(&stored).await.unwrap().unwrap().get(), &*world.sandbox.order(order).unwrap().text);
}

/// S149, S150, P1: deleting an entry changes no sale and lets the order be captured again, which
/// finds the live sale instead of booking a second one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s149_a_deleted_entry_is_captured_again_and_finds_its_sale() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1001"));
    world.download().await;
    let sale = world.sale(order).await;
    assert_eq!(world.table.delete_log_entry(order_id(order)).await.unwrap(), DeleteOutcome::Deleted(Some(sale.id.clone())));
    assert_eq!(world.table.delete_log_entry(order_id(order)).await.unwrap(), DeleteOutcome::Absent);
    assert!(world.logged(order).await.is_none());
    assert_eq!(world.sales().await.len(), 1);
    let operation = world.load_number("1001").await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, order).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Captured), Some(Reason::SaleAlreadyLive)));
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.sale_id.as_ref()), (LogState::Booked, Some(&sale.id)));
    assert!(entry.warnings.iter().any(|warning| warning.reason == Reason::SaleAlreadyLive));
    assert_eq!(world.sale(order).await, sale);
    assert_eq!(world.sales().await.len(), 1);
}

/// P1: also when the order, including its number, was changed meanwhile: numbers identify no order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s150_a_renumbered_order_finds_its_sale_too() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1001"));
    world.download().await;
    let sale = world.sale(order).await;
    world.table.delete_log_entry(order_id(order)).await.unwrap();
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.edit_order(order, |order| {
        order.set("orderNumber", "1001-corrected");
        item(order, 0).set("quantity", 2);
        order.set("orderTotal", 20);
    });
    world.next_hour().await;
    assert_eq!(world.sales().await.len(), 1, "the order has two live sales");
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.sale_id.as_ref(), entry.sale_total.unwrap().0, entry.order_total.unwrap().0), (Some(&sale.id), 1000, 2000));
}

/// S153, S154, P2: a run's counts add up to the distinct orders that it read, for all outcomes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s154_counts_add_up_to_the_orders_read() {
    let world = World::new(Options::default()).await;
    for number in 0..5 {
        world.sandbox.upsert_order(plain(&format!("new-{number}")));
    }
    world.download().await;
    world.clock.advance(SignedDuration::from_mins(1));
    let orders = world.sandbox.orders();
    world.sandbox.edit_order(orders[0].id, |order| order.set("orderTotal", 12));
    world.sandbox.cancel(orders[1].id);
    world.sandbox.upsert_order(plain("captured"));
    world.sandbox.upsert_order(plain("waiting").status("awaiting_payment"));
    world.sandbox.upsert_order(plain("cancelled").status("cancelled"));
    world.sandbox.upsert_order(
        plain("malformed")
            .json()
            .to_string()
            .replace(r#""orderTotal":10"#, r#""orderTotal":"x""#)
            .parse::<stevedore_sandbox::Json>()
            .unwrap(),
    );
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.total(), world.sandbox.orders().len() as u64);
    let counts: Vec<_> = Outcome::ALL.into_iter().map(|outcome| operation.counts.of(outcome)).collect();
    // captured, updated, unchanged, skipped, waiting, cancelled, refunded, failed
    assert_eq!(counts, [1, 2, 3, 0, 1, 1, 0, 1]);
    assert!(operation.requests > 0 && operation.finished_at.is_some() && operation.window.is_some());
    let listed = world.table.list_operations(&stevedore_aws::List { limit: 10, ..Default::default() }).await.unwrap().items;
    assert_eq!(listed.first(), Some(&operation));
    assert_eq!(listed.len(), 2);
}
