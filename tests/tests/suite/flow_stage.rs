//! The stage applies at booking (docs/requirements.md, section 5): an order that falls back while
//! it is pending or blocked, or is re-created, is checked like a new order.

use jiff::SignedDuration;
use stevedore_domain::ids::{StoreId, TagId};
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::{CaptureOrderWhen, LocationMap};
use stevedore_sandbox::{Draft, Json};

use crate::flow::{accounted, member, nameless, plain};
use crate::world::{Options, World, dec, order_id};

/// A change that makes an order fall back, and its reason.
pub type Fall = (i64, fn(&mut Json), Reason);

/// The tag and the store that are excluded.
pub const EXCLUDED_TAG: u64 = 77;
pub const EXCLUDED_STORE: u64 = 2002;

pub const FALLS: [Fall; 4] = [
    (2, |order| unpaid(order, "on_hold"), Reason::OnHold),
    (3, |order| unpaid(order, "awaiting_payment"), Reason::AwaitingPayment),
    (4, |order| order.set("tagIds", Json::Array(vec![Json::from(77)])), Reason::ExcludedTag),
    (5, |order| member(order, "advancedOptions").set("storeId", 2002), Reason::ExcludedStore),
];

fn unpaid(order: &mut Json, status: &str) {
    order.set("orderStatus", status);
    order.set("paymentDate", Json::Null);
    order.set("amountPaid", 0);
}

pub fn of(id: i64) -> Draft {
    Draft::new(format!("N{id}")).id(id).line("A", 1, dec("10.00"))
}

/// A shop whose orders 1 to 5 are captured and cannot be booked yet: with daily consolidation, or
/// because a location is missing.
async fn waiting(daily: bool) -> World {
    let world = World::new(Options::default()).await;
    if daily {
        world.daily(18).await;
    }
    world
        .settings(|settings| {
            settings.exclude_tags = vec![TagId(EXCLUDED_TAG)];
            settings.exclude_stores = vec![StoreId(EXCLUDED_STORE)];
            if !daily {
                settings.location_map = LocationMap::default();
            }
        })
        .await;
    for id in 1..=5 {
        world.sandbox.upsert_order(of(id));
    }
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 5);
    world.clock.advance(SignedDuration::from_mins(1));
    world
}

/// N2, S18, P2: orders that are put on hold, become unpaid, or get an excluded tag or store while
/// they are pending or blocked are not booked. Each has a reason, and is booked once it reaches the
/// stage again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s18_orders_that_fall_back_are_not_booked_and_come_again() {
    for daily in [true, false] {
        let world = waiting(daily).await;
        let before: Vec<Json> = FALLS.iter().map(|(id, ..)| crate::flow_lineage::shown(&world, *id)).collect();
        for (id, fall, _) in FALLS {
            world.sandbox.edit_order(id, fall);
        }
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        for (id, _, reason) in FALLS {
            let row = world.row(&operation, id).await;
            let outcome = if reason.is_waiting() { Outcome::Waiting } else { Outcome::Skipped };
            assert_eq!((row.outcome, row.reason), (Some(outcome), Some(reason)));
            let entry = world.logged(id).await.unwrap();
            assert_eq!((entry.state, entry.reason), (LogState::Skipped, Some(reason)));
        }
        if daily {
            world.at("2026-01-15T23:00:00Z");
            world.consolidate().await;
            assert_eq!(world.day("2026-01-15").await.total.0, 1000);
        } else {
            world.settings(|settings| settings.location_map.default = Some(crate::world::LOCATION.into())).await;
            world.next_hour().await;
            world.drain().await;
            world.start(OperationKind::ProcessPending { order_ids: None }).await;
            assert_eq!(world.booked().await.len(), 1, "only order 1 is booked");
        }
        world.clock.advance(SignedDuration::from_mins(1));
        for (order, (id, ..)) in before.into_iter().zip(FALLS) {
            world.sandbox.edit_order(id, |now| *now = order);
        }
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        if daily {
            world.at("2026-01-16T23:00:00Z");
            world.consolidate().await;
            assert_eq!(world.day("2026-01-16").await.total.0, 4000);
        } else {
            assert_eq!(world.booked().await.len(), 5);
        }
    }
}

/// S17–S20: settings that change while orders are pending apply at booking. Orders that would not
/// be captured now are not in the day's sale. After a change back they are booked automatically.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s20_the_settings_of_booking_decide() {
    let world = waiting(true).await;
    world.sandbox.edit_order(1, |order| order.set("orderStatus", "shipped"));
    world.next_hour().await;
    world.settings(|settings| settings.capture_order_when = CaptureOrderWhen::Shipped).await;
    world.at("2026-01-15T23:00:00Z");
    world.consolidate().await;
    assert_eq!(world.day("2026-01-15").await.total.0, 1000);
    let operation = world.run_operation("2026-01-15").await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.of(Outcome::Waiting)), (1, 4));
    assert_eq!(world.logged(2).await.unwrap().reason, Some(Reason::NotShipped));
    world.settings(|settings| settings.capture_order_when = CaptureOrderWhen::Paid).await;
    world.next_hour().await;
    world.drain().await;
    world.at("2026-01-16T23:00:00Z");
    world.consolidate().await;
    assert_eq!(world.day("2026-01-16").await.total.0, 4000);
}

/// N6: re-creating an order makes the same checks as a first capture. A cancelled order is
/// withdrawn, and an order on hold waits. The old sale is void, the warning stays, and the
/// operation has the outcome.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_making_an_order_anew_asks_what_it_is_now() {
    for (known, status, state, outcome, reason) in [
        (true, "cancelled", LogState::Withdrawn, Outcome::Cancelled, Reason::Withdrawn),
        (false, "cancelled", LogState::Withdrawn, Outcome::Cancelled, Reason::Withdrawn),
        (true, "on_hold", LogState::Skipped, Outcome::Waiting, Reason::OnHold),
        (false, "on_hold", LogState::Skipped, Outcome::Waiting, Reason::OnHold),
    ] {
        let world = World::new(Options::default()).await;
        world.settings(|settings| settings.capture_order_when = CaptureOrderWhen::NotOnHold).await;
        let order = world.sandbox.upsert_order(plain("1"));
        world.download().await;
        world.clock.advance(SignedDuration::from_mins(1));
        world.sandbox.edit_order(order, |order| order.set("orderStatus", status));
        if known {
            world.next_hour().await;
        }
        let operation = world.start(OperationKind::Recreate { order_id: order_id(order) }).await;
        world.clock.advance(SignedDuration::from_mins(2));
        let operation = world.operation(&operation.id).await;
        accounted(&world, &operation).await;
        let row = world.row(&operation, order).await;
        assert_eq!((row.outcome, row.reason), (Some(outcome), Some(reason)), "{status}, known: {known}");
        let entry = world.logged(order).await.unwrap();
        assert_eq!((entry.state, entry.reason, entry.sale_id.clone()), (state, Some(reason), None), "{status}, known: {known}");
        let changed = |reason| matches!(reason, Reason::CancelledAfterBooking | Reason::ChangedAfterBooking);
        assert_eq!(entry.warnings.iter().any(|warning| changed(warning.reason)), known, "{entry:?}");
        assert!(world.booked().await.iter().all(|sale| sale.voided_at.is_some()));
        // Nothing books it meanwhile, and it is booked when it reaches the stage.
        world.next_hour().await;
        world.start(OperationKind::ProcessPending { order_ids: None }).await;
        assert_eq!(world.booked().await.len(), 1);
        world.sandbox.edit_order(order, |order| order.set("orderStatus", "awaiting_shipment"));
        world.next_hour().await;
        let entry = world.logged(order).await.unwrap();
        assert_eq!(entry.state, LogState::Booked);
        assert!(entry.warnings.iter().all(|warning| warning.reason == Reason::ServiceLine), "{entry:?}");
    }
}

/// S103: an order that the marketplace makes anonymous while it is blocked keeps its buyer and
/// address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s103_an_order_made_anonymous_while_blocked_keeps_its_buyer() {
    let world = World::new(Options::default()).await;
    let map = world.table.settings().await.unwrap().value.location_map;
    world.settings(|settings| settings.location_map = LocationMap::default()).await;
    let draft = plain("1").buyer(Some(900), Some("ann@example.com"));
    let order = world.sandbox.upsert_order(draft);
    world.download().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.edit_order(order, |order| {
        nameless(order);
        for address in ["billTo", "shipTo"] {
            member(order, address).set("street1", Json::Null);
        }
    });
    world.next_hour().await;
    world.settings(|settings| settings.location_map = map).await;
    world.next_hour().await;
    world.drain().await;
    let sale = world.sale(order).await;
    assert_eq!(sale.customer.email.as_deref(), Some("ann@example.com"));
    assert!(sale.ship_to.street1.is_some() && sale.ship_to.name.is_some(), "{:?}", sale.ship_to);
}
