//! Orders that are combined, restored, split or deleted in ShipStation: goods of a sale are not
//! booked again (N4; docs/requirements.md, section 5).

use jiff::SignedDuration;
use stevedore_domain::log::{LogEntry, LogState, Outcome};
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::PickPackShip;
use stevedore_domain::stock::Levels;
use stevedore_sandbox::{Draft, Json};

use crate::flow::{accounted, nameless, plain, with};
use crate::world::{Options, World, dec, order_id};

/// An order with one line of this price.
pub fn of(id: i64, price: &str) -> Draft {
    Draft::new(format!("N{id}")).id(id).line("A", 1, dec(price))
}

/// The order's present form in the sandbox.
pub fn shown(world: &World, order: i64) -> Json {
    let text = world.sandbox.order(order).unwrap().text;
    Json::from(serde_json::from_str::<serde_json::Value>(&text).unwrap())
}

/// Restores a surviving order and the order that was combined into it.
pub fn uncombine(world: &World, survivor: &Json, away: &Json) {
    world.sandbox.upsert_order(away.clone());
    let id = survivor.get("orderId").and_then(Json::as_int).unwrap();
    let before = survivor.clone();
    world.sandbox.edit_order(id, |order| *order = before);
}

async fn void(world: &World, order: i64) {
    let sale = world.sale(order).await;
    let now = world.clock.now();
    let change = |draft: &mut stevedore_aws::SaleDraft| -> Result<Option<stevedore_aws::SaleEdit>, ()> {
        let stock = draft.sale.void(&draft.levels, now);
        if let Some(entry) = draft.entry.as_mut() {
            entry.sale_voided(now, "avery");
        }
        Ok(Some(stevedore_aws::SaleEdit { stock, events: Vec::new() }))
    };
    world.table.change_sale(&sale.id, Levels::default(), now, change).await.unwrap();
}

async fn entry(world: &World, order: i64) -> LogEntry {
    world.logged(order).await.unwrap_or_else(|| panic!("order {order} is not in the log"))
}

fn total(sales: &[stevedore_domain::sale::Sale]) -> i64 {
    sales.iter().filter(|sale| sale.voided_at.is_none()).map(|sale| sale.total.0).sum()
}

/// N4: two pending orders that are combined and restored before booking are both booked, each for
/// its own part, with or without a later `modifyDate` of the combined one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_an_uncombined_order_is_as_new() {
    for touched in [true, false] {
        let world = World::new(Options::default()).await;
        let map = world.table.settings().await.unwrap().value.location_map;
        world.settings(|settings| settings.location_map = stevedore_domain::settings::LocationMap::default()).await;
        world.sandbox.upsert_order(of(3, "30"));
        world.sandbox.upsert_order(of(4, "20"));
        world.download().await;
        let (mut away, survivor) = (shown(&world, 3), shown(&world, 4));
        world.clock.advance(SignedDuration::from_mins(1));
        assert!(world.sandbox.merge(4, 3));
        world.next_hour().await;
        let gone = entry(&world, 3).await;
        assert_eq!((gone.state, gone.reason), (LogState::Withdrawn, Some(Reason::MergedAway)));
        world.clock.advance(SignedDuration::from_mins(1));
        if touched {
            away.set("modifyDate", Json::Null);
        }
        uncombine(&world, &survivor, &away);
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        assert_eq!(entry(&world, 3).await.state, LogState::Blocked, "touched: {touched}");
        world.settings(|settings| settings.location_map = map).await;
        world.next_hour().await;
        world.drain().await;
        assert_eq!((world.sale(3).await.total.0, world.sale(4).await.total.0), (3000, 2000), "touched: {touched}");
        assert!(entry(&world, 3).await.warnings.iter().all(|warning| warning.reason == Reason::ServiceLine));
    }
}

/// N4: the same with daily consolidation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_an_uncombined_order_is_in_the_days_sale() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    world.sandbox.upsert_order(of(3, "30"));
    world.sandbox.upsert_order(of(4, "20"));
    world.download().await;
    let (away, survivor) = (shown(&world, 3), shown(&world, 4));
    world.clock.advance(SignedDuration::from_mins(1));
    assert!(world.sandbox.merge(4, 3));
    world.next_hour().await;
    world.clock.advance(SignedDuration::from_mins(1));
    uncombine(&world, &survivor, &away);
    world.next_hour().await;
    assert_eq!(entry(&world, 3).await.state, LogState::Pending);
    world.at("2026-01-15T23:00:00Z");
    world.consolidate().await;
    assert_eq!(world.day("2026-01-15").await.total.0, 5000);
    assert_eq!(world.traceable("2026-01-15").await, 2);
}

/// N4: a queued message of an order from before it was combined does not restore it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_state_read_before_the_order_was_away_is_no_news() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(with(&of(3, "30"), nameless));
    world.sandbox.upsert_order(of(4, "20"));
    world.download().await;
    let stored = world.table.log_entry(order_id(3)).await.unwrap().unwrap();
    let order = world.table.newest_order(&stored).await.unwrap().unwrap();
    let message = stevedore_aws::messages::OrderMessage {
        operation_id: "late".into(),
        account: stevedore_domain::ids::ShipstationAccount::FIRST,
        trigger: stevedore_domain::log::Trigger::Schedule,
        read_at: Some(world.clock.now()),
        order,
        alike: Vec::new(),
    };
    world.clock.advance(SignedDuration::from_mins(1));
    assert!(world.sandbox.merge(4, 3));
    world.next_hour().await;
    world.queues.send_orders(&[message.encode().unwrap().unwrap()]).await.unwrap();
    world.drain().await;
    let gone = entry(&world, 3).await;
    assert_eq!((gone.state, gone.reason), (LogState::Withdrawn, Some(Reason::MergedAway)));
}

/// N4, P1: the surviving order of a merge whose partner was booked before is held, and no stock
/// moves for it. Once the partner's sale is void, it is booked automatically.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_survivor_is_held_while_its_partners_sale_stands() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::PickPackShip).await;
    world.product("a", |_| {}).await;
    world.adjust("a", 8).await;
    world.sandbox.upsert_order(of(3, "30"));
    world.download().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.upsert_order(of(4, "20"));
    assert!(world.sandbox.merge(4, 3));
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, 4).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Captured), Some(Reason::MergedAfterBooking)));
    let held = entry(&world, 4).await;
    assert_eq!((held.state, held.reason, held.sale_id.clone()), (LogState::Blocked, Some(Reason::MergedAfterBooking), None));
    assert!(held.message.unwrap().contains("order N3 (3) in sale SO-3"));
    // Neither another hour nor a person's request to process everything books it.
    world.next_hour().await;
    world.start(OperationKind::ProcessPending { order_ids: None }).await;
    assert_eq!((total(&world.booked().await), world.level("a").await.on_hand), (3000, 7));
    void(&world, 3).await;
    world.next_hour().await;
    world.drain().await;
    assert_eq!((total(&world.booked().await), world.level("a").await.on_hand), (5000, 6));
    assert_eq!(world.sale(4).await.total.0, 5000);
}

/// N4: the same if the partner is in yesterday's sale, and with a second partner that is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_survivor_is_held_while_its_partner_is_in_a_days_sale() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    world.sandbox.upsert_order(of(3, "30"));
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    world.consolidate().await;
    world.sandbox.upsert_order(of(4, "20"));
    world.sandbox.upsert_order(of(5, "7"));
    world.next_hour().await;
    world.clock.advance(SignedDuration::from_mins(1));
    assert!(world.sandbox.merge(4, 3) && world.sandbox.merge(4, 5));
    world.next_hour().await;
    world.at("2026-01-16T23:00:00Z");
    world.consolidate().await;
    assert_eq!(entry(&world, 5).await.state, LogState::Withdrawn);
    let held = entry(&world, 4).await;
    assert_eq!((held.state, held.reason), (LogState::Blocked, Some(Reason::MergedAfterBooking)));
    assert_eq!(total(&world.booked().await), 3000);
    world.void_day("2026-01-15").await;
    world.at("2026-01-17T23:00:00Z");
    world.consolidate().await;
    assert_eq!(total(&world.booked().await), 5700);
}

/// N4: a child that is split off a booked order is held and moves no stock. A child of an order
/// that was split before it was booked is its own sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_child_of_a_booked_order_is_held() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::PickPackShip).await;
    for product in ["a", "b"] {
        world.product(product, |_| {}).await;
        world.adjust(product, 10).await;
    }
    let two = |id: i64| Draft::new(format!("N{id}")).id(id).line("A", 1, dec("3")).line("B", 1, dec("8"));
    world.sandbox.upsert_order(two(1));
    world.sandbox.upsert_order(two(2));
    let early = world.sandbox.split(2).unwrap();
    world.download().await;
    assert_eq!(world.level("b").await.on_hand, 8);
    assert_eq!(entry(&world, early).await.state, LogState::Booked);
    world.clock.advance(SignedDuration::from_mins(1));
    let child = world.sandbox.split(1).unwrap();
    for _ in 0..2 {
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        let held = entry(&world, child).await;
        assert_eq!((held.state, held.reason, held.sale_id), (LogState::Blocked, Some(Reason::SplitAfterBooking), None));
        assert_eq!(world.level("b").await.on_hand, 8, "nothing moves again");
    }
    // Re-created, the parent's sale holds its own part, and the child is booked separately.
    world.start(OperationKind::Recreate { order_id: order_id(1) }).await;
    world.next_hour().await;
    world.drain().await;
    assert_eq!(entry(&world, child).await.state, LogState::Booked);
    assert_eq!(world.level("b").await.on_hand, 8);
}

/// N4: the same with daily consolidation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_child_of_an_order_in_a_days_sale_is_held() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    world.sandbox.upsert_order(Draft::new("N1").id(1).line("A", 1, dec("3")).line("B", 1, dec("8")));
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    world.consolidate().await;
    let child = world.sandbox.split(1).unwrap();
    world.next_hour().await;
    world.at("2026-01-16T23:00:00Z");
    world.consolidate().await;
    let held = entry(&world, child).await;
    assert_eq!((held.state, held.reason), (LogState::Blocked, Some(Reason::SplitAfterBooking)));
    assert_eq!(world.booked().await.len(), 1);
}

/// N4: an order that comes back after its goods were booked with the surviving order is not booked
/// beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_an_order_whose_goods_the_survivor_has_booked_is_held() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(with(&of(3, "30"), nameless));
    world.sandbox.upsert_order(with(&of(4, "20"), nameless));
    world.download().await;
    let (away, survivor) = (shown(&world, 3), shown(&world, 4));
    world.clock.advance(SignedDuration::from_mins(1));
    assert!(world.sandbox.merge(4, 3));
    world.sandbox.edit_order(4, |order| order.set("customerEmail", "ann@example.com"));
    world.next_hour().await;
    assert_eq!(world.sale(4).await.total.0, 5000);
    world.clock.advance(SignedDuration::from_mins(1));
    uncombine(&world, &survivor, &away);
    world.sandbox.edit_order(3, |order| order.set("customerEmail", "ann@example.com"));
    world.next_hour().await;
    let held = entry(&world, 3).await;
    assert_eq!((held.state, held.reason), (LogState::Blocked, Some(Reason::MergedAfterBooking)));
    assert_eq!(total(&world.booked().await), 5000);
}

/// N4, N6: re-creating an order that was combined voids its sale and withdraws it, naming the
/// surviving order, which is then booked automatically.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_making_a_merged_away_order_anew_withdraws_it() {
    let world = World::new(Options::default()).await;
    for order in [3, 4] {
        world.sandbox.upsert_order(of(order, "10"));
    }
    world.download().await;
    world.clock.advance(SignedDuration::from_mins(1));
    assert!(world.sandbox.merge(4, 3));
    world.next_hour().await;
    let operation = world.start(OperationKind::Recreate { order_id: order_id(3) }).await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, 3).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Cancelled), Some(Reason::MergedAway)));
    let gone = entry(&world, 3).await;
    assert_eq!((gone.state, gone.reason), (LogState::Withdrawn, Some(Reason::MergedAway)));
    assert!(gone.message.as_ref().unwrap().contains('4'), "{gone:?}");
    assert!(gone.warnings.iter().any(|warning| warning.reason == Reason::MergedAfterBooking), "its warning stays");
    assert_eq!(total(&world.booked().await), 1000);
    // The surviving order's sale is from before; re-created, it holds both.
    world.start(OperationKind::Recreate { order_id: order_id(4) }).await;
    assert_eq!(total(&world.booked().await), 2000);
}

/// N4: an order that ShipStation no longer has is withdrawn when it is re-created, also if
/// ShipStation does not answer at that time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_making_a_deleted_order_anew_withdraws_it() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    let text = shown(&world, order);
    world.sandbox.remove(order);
    let operation = world.start(OperationKind::Recreate { order_id: order_id(order) }).await;
    accounted(&world, &operation).await;
    let gone = entry(&world, order).await;
    assert_eq!((gone.state, gone.reason, gone.sale_id), (LogState::Withdrawn, Some(Reason::DeletedInShipstation), None));
    // When it is back, it is new.
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.upsert_order(text);
    world.load_number("1").await;
    assert_eq!(world.sale(order).await.total.0, 1000);
    assert_eq!(total(&world.booked().await), 1000);
}
