//! Events in ShipStation after capture: changes, cancellations, merges, splits
//! (docs/requirements.md, sections 5 and 9).

use jiff::SignedDuration;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::{Consolidation, LocalTime};

use crate::flow::{accounted, item, nameless, plain, with};
use crate::world::{Options, TAX_RULE, World, dec, order_id};

/// A change after booking is recorded once with its revision, and the sale stays unchanged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_after_booking_is_noted_and_the_sale_untouched() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    let sale = world.sale(order).await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.edit_order(order, |order| {
        item(order, 0).set("quantity", 5);
        order.set("orderTotal", 50);
    });
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, order).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Updated), Some(Reason::ChangedAfterBooking)));
    let entry = world.logged(order).await.unwrap();
    assert_eq!(
        (entry.state, entry.revisions.len(), entry.sale_total.unwrap().0, entry.order_total.unwrap().0),
        (LogState::Booked, 2, 1000, 5000)
    );
    assert!(entry.warnings.iter().any(|warning| warning.reason == Reason::ChangedAfterBooking));
    assert_eq!(world.sale(order).await, sale);
    let again = world.next_hour().await;
    assert_eq!(again.counts.of(Outcome::Unchanged), 1);
    assert_eq!(world.logged(order).await.unwrap(), entry);
}

/// S108: a cancellation in ShipStation neither cancels nor voids the sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s108_a_cancellation_after_booking_leaves_the_sale() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    let sale = world.sale(order).await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.cancel(order);
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, order).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Updated), Some(Reason::CancelledAfterBooking)));
    assert_eq!(world.sale(order).await, sale);
    let entry = world.logged(order).await.unwrap();
    assert_eq!(entry.state, LogState::Booked);
    assert!(entry.warnings.iter().any(|warning| warning.reason == Reason::CancelledAfterBooking));
    // Restored: a change like any other.
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.edit_order(order, |order| order.set("orderStatus", "awaiting_shipment"));
    world.next_hour().await;
    assert_eq!(world.sales().await.len(), 1);
    assert_eq!(world.sale(order).await, sale);
}

/// A blocked order that is cancelled is withdrawn, and a withdrawn order that comes back is
/// captured.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_order_that_comes_back_is_captured() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(with(&plain("1"), nameless));
    world.download().await;
    assert_eq!(world.logged(order).await.unwrap().state, LogState::Blocked);
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.cancel(order);
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Cancelled), 1);
    assert_eq!(world.logged(order).await.unwrap().state, LogState::Withdrawn);
    // It stays cancelled while it is read again.
    assert_eq!(world.next_hour().await.counts.of(Outcome::Cancelled), 1);
    world.sandbox.edit_order(order, |order| {
        order.set("orderStatus", "awaiting_payment");
        order.set("customerEmail", "back@example.com");
    });
    // It is back, but not at its stage: it waits, and is not booked by a retry.
    for _ in 0..2 {
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        let row = world.row(&operation, order).await;
        assert_eq!((row.outcome, row.reason), (Some(Outcome::Waiting), Some(Reason::AwaitingPayment)));
        assert!(world.sales().await.is_empty());
    }
    world.sandbox.edit_order(order, |order| order.set("orderStatus", "awaiting_shipment"));
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, order).await.outcome, Some(Outcome::Updated));
    assert_eq!(world.logged(order).await.unwrap().state, LogState::Booked);
    assert_eq!(world.sales().await.len(), 1);
}

/// N4: a split child is an order of its own, with its own id and ShipStation's amounts, and is
/// marked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_split_child_is_its_own_sale_and_flagged() {
    let world = World::new(Options::default()).await;
    let parent = world.sandbox.upsert_order(plain("1001").line("SKU-2", 1, dec("8")).tax(dec("1.20")));
    let child = world.sandbox.split(parent).unwrap();
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 2);
    let (parent_sale, child_sale) = (world.sale(parent).await, world.sale(child).await);
    assert_ne!(parent_sale.id, child_sale.id);
    assert_eq!((parent_sale.number.as_str(), child_sale.number.as_str()), ("1001", "1001"));
    // 19.20 with items worth 10, and 0 with items worth 8.
    assert_eq!((parent_sale.total.0, parent_sale.subtotal.0, parent_sale.tax.0), (1920, 1000, 120));
    assert_eq!((child_sale.total.0, child_sale.subtotal.0, child_sale.tax.0), (0, 800, 0));
    for order in [parent, child] {
        let reasons: Vec<_> = world.logged(order).await.unwrap().warnings.iter().map(|warning| warning.reason).collect();
        assert!(reasons.contains(&Reason::SplitOrder) && reasons.contains(&Reason::TotalAdjusted), "{reasons:?}");
    }
}

/// N4: an order that was split after it was booked keeps its sale, which also holds the child's
/// goods. The child is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_split_after_booking_is_a_change() {
    let world = World::new(Options::default()).await;
    let parent = world.sandbox.upsert_order(plain("1001").line("SKU-2", 1, dec("8")));
    world.download().await;
    let sale = world.sale(parent).await;
    world.clock.advance(SignedDuration::from_mins(1));
    let child = world.sandbox.split(parent).unwrap();
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, parent).await.reason, Some(Reason::ChangedAfterBooking));
    assert_eq!(world.sale(parent).await, sale);
    let child = world.logged(child).await.unwrap();
    assert_eq!((child.state, child.reason, child.sale_id), (LogState::Blocked, Some(Reason::SplitAfterBooking), None));
}

/// N4: a pending order that was merged into another is withdrawn, naming the surviving order, which
/// holds all goods.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_merged_away_pending_order_is_withdrawn() {
    let world = World::new(Options::default()).await;
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::Daily;
            settings.consolidation_time = LocalTime::parse("18:30");
        })
        .await;
    let (survivor, gone) = (world.sandbox.upsert_order(plain("stays")), world.sandbox.upsert_order(plain("goes")));
    world.download().await;
    world.clock.advance(SignedDuration::from_mins(1));
    assert!(world.sandbox.merge(survivor, gone));
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    let entry = world.logged(gone).await.unwrap();
    assert_eq!((entry.state, entry.reason), (LogState::Withdrawn, Some(Reason::MergedAway)));
    let message = entry.message.unwrap();
    assert!(message.contains("stays") && message.contains(&survivor.to_string()), "{message}");
    let entry = world.logged(survivor).await.unwrap();
    assert_eq!((entry.state, entry.order_total.unwrap().0), (LogState::Pending, 2000));
    // Queued messages of the merged order change nothing, and neither does processing everything.
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::None;
            settings.consolidation_time = None;
        })
        .await;
    world.next_hour().await;
    world.drain().await;
    assert_eq!(world.sales().await.len(), 1);
    assert_eq!(world.sale(survivor).await.total.0, 2000);
    assert_eq!(world.logged(gone).await.unwrap().state, LogState::Withdrawn);
}

/// N4: blocked and skipped orders are withdrawn too. A booked order stays and is marked. The
/// children of a split still exist and stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_merging_blocked_and_booked_orders() {
    let world = World::new(Options::default()).await;
    let survivor = world.sandbox.upsert_order(plain("stays").line("SKU-2", 1, dec("2")));
    let blocked = world.sandbox.upsert_order(with(&plain("blocked"), nameless));
    let booked = world.sandbox.upsert_order(plain("booked"));
    world.download().await;
    let sale = world.sale(booked).await;
    world.clock.advance(SignedDuration::from_mins(1));
    let child = world.sandbox.split(survivor).unwrap();
    assert!(world.sandbox.merge(survivor, blocked) && world.sandbox.merge(survivor, booked));
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(world.logged(blocked).await.unwrap().state, LogState::Withdrawn);
    let entry = world.logged(booked).await.unwrap();
    assert_eq!(entry.state, LogState::Booked);
    assert!(entry.warnings.iter().any(|warning| warning.reason == Reason::MergedAfterBooking && warning.message.contains("stays")));
    assert_eq!(world.sale(booked).await, sale);
    assert_eq!(world.logged(child).await.unwrap().reason, Some(Reason::SplitAfterBooking));
    // Requested once: the next hour does not request them again.
    let single = || world.sandbox.requests().iter().filter(|request| request.path == format!("/orders/{booked}")).count();
    let asked = single();
    world.next_hour().await;
    assert_eq!((asked, single()), (1, 1));
}

/// N4: if the page holds only the surviving order, a skipped order is withdrawn and not captured
/// when the mapping is finished.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_skipped_order_that_was_merged_away_is_not_captured_later() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.tax.default_rule = None).await;
    let (survivor, gone) = (world.sandbox.upsert_order(plain("stays")), world.sandbox.upsert_order(plain("goes")));
    world.download().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.merge(survivor, gone);
    world.next_hour().await;
    world.settings(|settings| settings.tax.default_rule = Some(TAX_RULE.into())).await;
    world.next_hour().await;
    world.drain().await;
    assert_eq!(world.sales().await.len(), 1);
    assert_eq!(world.sale(survivor).await.total.0, 2000);
    assert_eq!(world.table.log_entry(order_id(gone)).await.unwrap().unwrap().entry.state, LogState::Withdrawn);
}
