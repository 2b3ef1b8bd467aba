//! Stock, fulfilment and void through the whole system.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use stevedore_aws::{SaleDraft, SaleEdit, SaleOutcome};
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::OrderId;
use stevedore_domain::log::LogState;
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Component, ProductKind};
use stevedore_domain::sale::{Sale, StageStatus};
use stevedore_domain::settings::{AutoAssembly, InvoiceMode, PickPackShip};
use stevedore_domain::stock::{Level, Levels};
use stevedore_sandbox::Draft;

use crate::bound::Bound;
use crate::stock::{check, levels};
use crate::world::{Options, World, dec, order_id};

async fn shop(mode: PickPackShip, stock: &[(&str, i64)]) -> World {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.pick_pack_ship = mode).await;
    for (product, quantity) in stock {
        world.product(product, |_| {}).await;
        if *quantity != 0 {
            world.adjust(product, *quantity).await;
        }
    }
    world
}

fn buying(number: &str, lines: &[(&str, i64)]) -> Draft {
    lines.iter().fold(Draft::new(number), |draft, (sku, quantity)| draft.line(sku, *quantity, dec("1")))
}

impl World {
    async fn void(&self, order: i64) -> Sale {
        let id = self.sale(order).await.id;
        let now = self.clock.now();
        let change = |draft: &mut SaleDraft| -> Result<Option<SaleEdit>, ()> {
            if draft.sale.voided_at.is_some() {
                return Ok(None);
            }
            let stock = draft.sale.void(&draft.levels, now);
            if let Some(entry) = &mut draft.entry {
                entry.sale_voided(now, "avery");
            }
            Ok(Some(SaleEdit { stock, events: vec![EventKind::SaleVoided] }))
        };
        match self.table.change_sale(&id, Levels::default(), now, change).await.unwrap() {
            SaleOutcome::Written(stored) | SaleOutcome::Unchanged(stored) => stored.sale,
            other => panic!("{other:?}"),
        }
    }
}

fn level(on_hand: i64, allocated: i64, unpicked: i64) -> Level {
    Level { on_hand, allocated, unpicked }
}

/// S30–S33, S106: an authorized order claims, pick takes, ship deducts, and void returns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s30_stock_follows_the_sale() {
    for (mode, expected) in [
        (PickPackShip::None, level(10, 3, 10)),
        (PickPackShip::Pick, level(10, 3, 7)),
        (PickPackShip::PickPack, level(10, 3, 7)),
        (PickPackShip::PickPackShip, level(7, 0, 7)),
    ] {
        let world = shop(mode, &[("mug", 10)]).await;
        let order = world.sandbox.upsert_order(buying("1", &[("MUG", 1), ("MUG", 2), ("GHOST", 5)]));
        world.download().await;
        assert_eq!(world.level("mug").await, expected, "{mode:?}");
        // The same order again changes nothing.
        world.next_hour().await;
        assert_eq!(world.level("mug").await, expected, "{mode:?}");
        let voided = world.void(order).await;
        assert_eq!((voided.status(), voided.total.0), (stevedore_domain::sale::SaleStatus::Voided, 800));
        assert_eq!(world.level("mug").await, level(10, 0, 10), "{mode:?}");
        world.void(order).await;
        assert_eq!(world.level("mug").await, level(10, 0, 10), "again");
        let entry = world.logged(order).await.unwrap();
        assert_eq!((entry.state, entry.reason), (LogState::Voided, Some(Reason::SaleVoided)));
        check(&world.table, &levels(&world.table).await).await;
    }
}

/// S34: the pick stays a draft with the available quantity. Later stock changes nothing
/// automatically.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s34_a_short_pick_waits_for_a_person() {
    let world = shop(PickPackShip::PickPackShip, &[("mug", 2), ("lid", 9)]).await;
    let order = world.sandbox.upsert_order(buying("1", &[("MUG", 3), ("LID", 1)]));
    world.download().await;
    let sale = world.sale(order).await;
    assert_eq!(sale.pick.status, StageStatus::Draft);
    assert_eq!((sale.pack.status, sale.ship.status), (StageStatus::NotAvailable, StageStatus::NotAvailable));
    let entry = world.logged(order).await.unwrap();
    assert_eq!(entry.state, LogState::Booked);
    assert!(entry.warnings.iter().any(|warning| warning.reason == Reason::StockShort && warning.message.contains("2 of 3 × MUG")));
    assert_eq!((world.level("mug").await, world.level("lid").await), (level(2, 3, 2), level(9, 1, 9)));
    world.adjust("mug", 50).await;
    world.next_hour().await;
    assert_eq!(world.sale(order).await.pick.status, StageStatus::Draft);
}

/// P5: picked units cannot be written off, and the key of an adjustment applies it once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_adjustments_leave_what_is_picked() {
    let world = shop(PickPackShip::Pick, &[("mug", 5)]).await;
    world.sandbox.upsert_order(buying("1", &[("MUG", 4)]));
    world.download().await;
    assert_eq!(world.adjust("mug", -2).await, stevedore_aws::AdjustmentOutcome::NotThere(level(5, 4, 1)));
    assert_eq!(world.adjust("mug", -1).await, stevedore_aws::AdjustmentOutcome::Written(level(4, 4, 0)));
    let mut adjustment =
        world.table.list_adjustments(&stevedore_aws::List { limit: 10, ..Default::default() }).await.unwrap().items.remove(0);
    assert_eq!(world.table.adjust_stock(&adjustment).await.unwrap(), stevedore_aws::AdjustmentOutcome::Written(level(4, 4, 0)));
    adjustment.quantity = 7;
    assert_eq!(world.table.adjust_stock(&adjustment).await.unwrap(), stevedore_aws::AdjustmentOutcome::KeyTaken);
    check(&world.table, &levels(&world.table).await).await;
}

/// N18, S57, S60, S106: kits, assemblies and drop-ship lines of one order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s106_every_kind_of_product_in_one_order() {
    let world = shop(PickPackShip::PickPackShip, &[("mug", 20), ("lid", 20)]).await;
    world.settings(|settings| settings.auto_assembly = AutoAssembly::MinimumForPicking).await;
    let part = |id: &str, quantity| Component { product_id: id.into(), quantity };
    world
        .product("hamper", |product| {
            product.kind = ProductKind::Assembly;
            product.components = vec![part("mug", 3), part("lid", 1)];
        })
        .await;
    world
        .product("set", |product| {
            product.kind = ProductKind::Kit;
            product.components = vec![part("mug", 2), part("hamper", 1)];
        })
        .await;
    world
        .product("slab", |product| {
            product.kind = ProductKind::DropShip;
            product.supplier = Some("Quarry Ltd".to_owned());
        })
        .await;
    world.product("wrap", |product| product.kind = ProductKind::Service).await;
    world.adjust("hamper", 1).await;
    let lines = [("SET", 2), ("HAMPER", 1), ("MUG", 1), ("SLAB", 4), ("WRAP", 1), ("GHOST", 1)];
    let order = world.sandbox.upsert_order(buying("1", &lines));
    world.download().await;
    let sale = world.sale(order).await;
    assert_eq!((sale.pick.status, sale.ship.status), (StageStatus::Authorised, StageStatus::Authorised));
    // Three hampers in all, one was there: two are made, of six mugs and two lids.
    assert_eq!(sale.assemblies.iter().map(|one| one.quantity).collect::<Vec<_>>(), [2]);
    assert_eq!(world.level("mug").await, level(20 - 6 - 4 - 1, 0, 9));
    assert_eq!(world.level("lid").await, level(18, 0, 18));
    assert_eq!(world.level("hamper").await, level(0, 0, 0));
    assert_eq!((sale.purchases[0].supplier.as_str(), sale.purchases[0].lines[0].quantity), ("Quarry Ltd", 4));
    assert_eq!(sale.lines.iter().map(|line| line.service).collect::<Vec<_>>(), [false, false, false, false, true, true]);
    // The present components of the kit do not matter for the return.
    let stored = world.table.record::<stevedore_domain::reference::Product>("set").await.unwrap().unwrap();
    let mut changed = stored.value.clone();
    changed.components = vec![part("lid", 9)];
    world.table.put_product(&changed, Some(&stored)).await.unwrap();
    world.void(order).await;
    assert_eq!((world.level("mug").await, world.level("lid").await), (level(20, 0, 20), level(20, 0, 20)));
    assert_eq!(world.level("hamper").await, level(1, 0, 1));
    check(&world.table, &levels(&world.table).await).await;
}

/// A sale with hundreds of products moves its stock in steps, completely, and is voided in the same
/// way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_of_hundreds_of_products_is_whole() {
    let world = shop(PickPackShip::PickPackShip, &[]).await;
    world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
    let mut draft = Draft::new("1");
    for number in 0..250 {
        world.product(&format!("p{number}"), |_| {}).await;
        world.adjust(&format!("p{number}"), 3).await;
        draft = draft.line(&format!("P{number}"), 2, dec("1"));
    }
    let order = world.sandbox.upsert_order(draft.clone());
    let second = world.sandbox.upsert_order(with_id(draft, "2"));
    world.download().await;
    let (one, two) = (world.sale(order).await, world.sale(second).await);
    // There is enough for one of them.
    let shipped = [&one, &two].iter().filter(|sale| sale.ship.status == StageStatus::Authorised).count();
    assert_eq!(shipped, 1, "{:?} {:?}", one.pick.status, two.pick.status);
    assert_eq!((one.allocations.len(), two.allocations.len()), (250, 250));
    let all = levels(&world.table).await;
    assert_eq!(all.len(), 250);
    assert!(all.values().all(|one| *one == level(1, 2, 1)), "{all:?}");
    check(&world.table, &all).await;
    // Both are listed once, with their accounting syncs.
    assert_eq!(world.sales().await.len(), 2);
    let pending = world.table.list_pending_syncs(&stevedore_aws::List { limit: 10, ..Default::default() }).await.unwrap().items;
    assert_eq!(pending.len(), 2);
    for order in [order, second] {
        world.void(order).await;
    }
    let all = levels(&world.table).await;
    assert!(all.values().all(|one| *one == level(3, 0, 3)), "{all:?}");
    check(&world.table, &all).await;
    assert_eq!(world.table.recover_abandoned(world.clock.now()).await.unwrap().sales, 0);
}

fn with_id(draft: Draft, number: &str) -> stevedore_sandbox::Json {
    crate::flow::with(&draft.id(990_001), |order| {
        order.set("orderNumber", number.to_owned());
        order.set("orderKey", format!("key-{number}"));
    })
}

/// S151, S152: void, delete the entry, load the orders: the order is booked again, and the voided
/// sale stays as a record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s151_void_delete_and_load_books_anew() {
    let world = shop(PickPackShip::PickPackShip, &[("mug", 10)]).await;
    let order = world.sandbox.upsert_order(buying("1", &[("MUG", 4)]));
    world.download().await;
    let first = world.void(order).await;
    world.table.delete_log_entry(order_id(order)).await.unwrap();
    assert!(world.log().await.is_empty());
    // The sale still exists, and is still void.
    assert_eq!(world.booked().await, std::slice::from_ref(&first));
    let from = world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date().yesterday().unwrap();
    world.start(OperationKind::LoadOrders { from }).await;
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.past_sales.as_slice()), (LogState::Booked, std::slice::from_ref(&first.id)));
    let second = world.sale(order).await;
    assert_eq!((second.id.as_str(), second.voided_at), (format!("SO-{order}-2").as_str(), None));
    assert_eq!(world.level("mug").await, level(6, 0, 6));
    let all: BTreeSet<String> = world.booked().await.into_iter().map(|sale| sale.id.0).collect();
    assert_eq!(all, BTreeSet::from([first.id.0.clone(), second.id.0]));
    assert_eq!(world.table.sale(&first.id).await.unwrap().unwrap().sale, first);
    check(&world.table, &levels(&world.table).await).await;
}

/// S150, P1: with the sale live, deleting the entry and loading the order ties it to that sale
/// again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s150_a_live_sale_is_never_joined_by_another() {
    let world = shop(PickPackShip::Pick, &[("mug", 10)]).await;
    let order = world.sandbox.upsert_order(buying("1", &[("MUG", 4)]));
    world.download().await;
    let sale = world.sale(order).await;
    world.table.delete_log_entry(order_id(order)).await.unwrap();
    assert_eq!(world.booked().await, std::slice::from_ref(&sale));
    world.load_number("1").await;
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.sale_id.as_ref()), (LogState::Booked, Some(&sale.id)));
    assert!(entry.past_sales.is_empty() && entry.warnings.iter().any(|warning| warning.reason == Reason::SaleAlreadyLive));
    assert_eq!((world.booked().await.len(), world.level("mug").await), (1, level(10, 4, 6)));
}

/// N6: one call voids the sale and books ShipStation's present order under the present settings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_recreate_in_one_call() {
    let world = shop(PickPackShip::PickPackShip, &[("mug", 10)]).await;
    let order = world.sandbox.upsert_order(buying("1", &[("MUG", 4)]));
    let untouched = world.sandbox.upsert_order(buying("2", &[("MUG", 1)]));
    world.download().await;
    let neighbour = world.sale(untouched).await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.sandbox.edit_order(order, |order| {
        crate::flow::item(order, 0).set("quantity", 2);
        order.set("orderTotal", 2);
    });
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::Pick).await;
    let operation = world.start(OperationKind::Recreate { order_id: order_id(order) }).await;
    assert_eq!(operation.counts.total(), 1, "{operation:?}");
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.reason, entry.past_sales.len()), (LogState::Booked, None, 1));
    let sale = world.sale(order).await;
    assert_eq!((sale.id.as_str(), sale.total.0, sale.ship.status), (format!("SO-{order}-2").as_str(), 200, StageStatus::NotAvailable));
    assert_eq!(world.level("mug").await, level(9, 2, 7));
    assert_eq!(world.sale(untouched).await, neighbour);
    // Once more, without any change in ShipStation.
    world.start(OperationKind::Recreate { order_id: order_id(order) }).await;
    assert_eq!(world.sale(order).await.id.as_str(), format!("SO-{order}-3"));
    assert_eq!((world.booked().await.len(), world.level("mug").await), (4, level(9, 2, 7)));
    check(&world.table, &levels(&world.table).await).await;
}

/// S40: the accounting system is informed of a void only if it has fetched the sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s40_the_accounting_system_hears_of_a_void_only_when_it_knew() {
    let world = shop(PickPackShip::None, &[]).await;
    world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
    let (known, unknown) = (world.sandbox.upsert_order(buying("1", &[("A", 1)])), world.sandbox.upsert_order(buying("2", &[("A", 1)])));
    world.download().await;
    let pending = || async {
        let page = world.table.list_pending_syncs(&stevedore_aws::List { limit: 10, ..Default::default() }).await.unwrap();
        page.items.into_iter().map(|sync| (sync.sale_id.0, sync.action)).collect::<Vec<_>>()
    };
    assert_eq!(pending().await.len(), 2);
    let id = world.sale(known).await.id;
    assert!(world.table.acknowledge_sync(id.as_str(), world.clock.now()).await.unwrap().is_some());
    assert_eq!(pending().await.len(), 1);
    world.void(known).await;
    world.void(unknown).await;
    assert_eq!(pending().await, [(id.0.clone(), stevedore_domain::sale::SyncAction::Voided)]);
    // Also when the order is re-created meanwhile.
    world.start(OperationKind::Recreate { order_id: order_id(known) }).await;
    let mut now = pending().await;
    now.sort_by(|one, other| one.0.cmp(&other.0));
    let anew = (format!("SO-{known}-2"), stevedore_domain::sale::SyncAction::Authorised);
    assert_eq!(now, [(id.0.clone(), stevedore_domain::sale::SyncAction::Voided), anew]);
    assert!(world.table.acknowledge_sync(id.as_str(), world.clock.now()).await.unwrap().is_some());
    assert_eq!(pending().await.len(), 1);
}

/// P5: fifty processors compete for the last units, and no more than the available units are taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_fifty_processors_fight_for_the_last_units() {
    let world = shop(PickPackShip::PickPackShip, &[("mug", 33), ("lid", 20)]).await;
    for number in 0..60 {
        world.sandbox.upsert_order(buying(&format!("N{number}"), &[("MUG", 1 + number % 2), ("LID", 1)]));
    }
    world.tick().await.unwrap();
    let url = world.queues.urls().orders.clone();
    let mut batches = Vec::new();
    let mut bound = Bound::of("the orders queue");
    loop {
        bound.turn();
        let messages = world.queues.receive(&url, 0).await.unwrap();
        if messages.is_empty() {
            break;
        }
        batches.extend(messages);
    }
    assert_eq!(batches.len(), 60);
    // One message each, some of them delivered twice.
    let deliveries: Vec<_> =
        batches.iter().chain(&batches[..20]).map(|message| crate::world::sqs_event(std::slice::from_ref(message))).collect();
    let mut workers = tokio::task::JoinSet::new();
    let queue = std::sync::Arc::new(tokio::sync::Mutex::new(deliveries));
    for _ in 0..50 {
        let (queue, deps, deadline) = (std::sync::Arc::clone(&queue), world.process.clone(), world.deadline());
        workers.spawn(async move {
            let mut bound = Bound::at_most(1_000, "a worker");
            loop {
                bound.turn();
                let Some(event) = queue.lock().await.pop() else { return };
                // Failed messages are delivered again.
                let failed = process_orders::handle(&deps, event.clone(), deadline).await.unwrap().batch_item_failures;
                if !failed.is_empty() {
                    queue.lock().await.push(event);
                }
            }
        });
    }
    while workers.join_next().await.is_some() {}
    let sales = world.booked().await;
    assert_eq!(sales.len(), 60);
    let shipped = sales.iter().filter(|sale| sale.ship.status == StageStatus::Authorised);
    let (mugs, lids) = shipped.flat_map(|sale| &sale.allocations).fold((0, 0), |(mugs, lids), one| match one.product_id.as_str() {
        "mug" => (mugs + one.quantity, lids),
        _ => (mugs, lids + one.quantity),
    });
    let (mug, lid) = (world.level("mug").await, world.level("lid").await);
    assert_eq!((33 - mugs, 20 - lids), (mug.on_hand, lid.on_hand));
    assert!(mug.unpicked >= 0 && lid.unpicked >= 0 && lids > 10, "{mug:?} {lid:?}");
    check(&world.table, &levels(&world.table).await).await;
}

/// The sandbox's order ids are separate from Stevedore's own ids.
#[test]
fn ids_of_sales_lead_back_to_their_orders() {
    use stevedore_domain::ids::SaleId;
    assert_eq!(SaleId::from("SO-12").order(), Some((OrderId(12), 1)));
    assert_eq!(SaleId::from("SO-12-3").order(), Some((OrderId(12), 3)));
    for other in ["SO-12-1", "SO-012", "SO-", "SO-x", "DAY-2026-01-01", "SO-1-2-3", "SO-12-"] {
        assert_eq!(SaleId::from(other).order(), None, "{other}");
    }
}
