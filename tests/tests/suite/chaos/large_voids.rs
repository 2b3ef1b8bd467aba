//! Large sales whose work is interrupted while other sales proceed. A void is completed for every
//! later use of its units, one sale does not delay a download, and a slow process leaks no units.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use stevedore_aws::interceptors::{
    BeforeTransmitInterceptorContextMut, BoxError, ConfigBag, Intercept, RuntimeComponents, SharedInterceptor,
};
use stevedore_aws::{ClientOptions, Clients, SaleDraft, SaleEdit, SaleOutcome, Table};
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::SaleId;
use stevedore_domain::reference::{Component, ProductKind};
use stevedore_domain::sale::StageStatus;
use stevedore_domain::settings::{AutoAssembly, PickPackShip};
use stevedore_domain::stock::Levels;
use stevedore_sandbox::Draft;

use super::breaker::Plan;
use super::process::Shop;
use super::stops::every;
use crate::stock::{check, levels};
use crate::world::{Options, dec, order_id};

pub(super) const PRODUCTS: usize = 8;
const AT_ONCE: usize = 3;
pub(super) const LARGE: i64 = 820_001;

pub(super) async fn shipped() -> Shop {
    let mut shop = Shop::new(Options::default()).await;
    shop.fetch.table = shop.fetch.table.moving_at_most(AT_ONCE);
    shop.process.table = shop.process.table.moving_at_most(AT_ONCE);
    shop.world.settings(|settings| settings.pick_pack_ship = PickPackShip::PickPackShip).await;
    let mut large = Draft::new("large").id(LARGE);
    for number in 0..PRODUCTS {
        shop.world.product(&format!("p{number}"), |_| {}).await;
        shop.world.adjust(&format!("p{number}"), 10).await;
        large = large.line(&format!("P{number}"), 10, dec("1.01"));
    }
    shop.world.sandbox.upsert_order(large);
    shop.tick(&shop.tick_event()).await.unwrap();
    shop.drain().await;
    assert_eq!(shop.world.sale(LARGE).await.ship.status, StageStatus::Authorised);
    shop
}

pub(super) async fn void(table: &Table, now: jiff::Timestamp) -> Result<SaleOutcome<()>, stevedore_aws::Error> {
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
    table.change_sale(&SaleId::of_order(order_id(LARGE), 1), Levels::default(), now, change).await
}

/// Removes all unpicked units of every product.
async fn empty_the_shelves(shop: &Shop) {
    for number in 0..PRODUCTS {
        let product = format!("p{number}");
        let there = shop.world.level(&product).await.unpicked;
        if there > 0 {
            shop.world.adjust(&product, -there).await;
        }
    }
}

/// A void that is stopped by `plan`. Then its returned units are removed, and the schedule ticks.
/// Returns the number of writes of the void.
async fn cut_off(plan: Plan) -> u64 {
    let mut shop = shipped().await;
    shop.start(plan.clone());
    let done = void(&shop.fetch.table, shop.now()).await;
    let writes = shop.breaker.writes();
    let stopped = shop.breaker.stopped();
    assert!(stopped || matches!(done, Ok(SaleOutcome::Written(_))), "{plan:?}: {done:?}");
    shop.start(Plan::Count);
    empty_the_shelves(&shop).await;
    for hour in 1..=2 {
        shop.world.sandbox.upsert_order(Draft::new(format!("next-{hour}")).id(LARGE + hour).line("GHOST", 1, dec("1")));
        shop.world.clock.advance(SignedDuration::from_hours(1));
        let answer = shop.tick(&shop.tick_event()).await.unwrap_or_else(|error| panic!("{plan:?}: no download: {error:?}"));
        assert_eq!(answer["ran"], true, "{plan:?}");
        shop.drain().await;
        assert!(shop.world.logged(LARGE + hour).await.is_some(), "{plan:?}: the order of hour {hour} was not read");
    }
    let sale = shop.world.sale(LARGE).await;
    if sale.voided_at.is_none() {
        // Nothing of the void was written.
        let done = void(&shop.fetch.table, shop.now()).await.unwrap_or_else(|error| panic!("{plan:?}: {error:?}"));
        assert!(matches!(done, SaleOutcome::Written(_)), "{plan:?}: {done:?}");
    }
    let all = levels(&shop.world.table).await;
    check(&shop.world.table, &all).await;
    let mended = shop.world.table.recover_abandoned(shop.now()).await.unwrap();
    assert!(mended.sales == 0 && mended.failed.is_empty(), "{plan:?}: {mended:?}");
    // The units of each product came back once and left, before or after the end of the void.
    for number in 0..PRODUCTS {
        let level = shop.world.level(&format!("p{number}")).await;
        assert!(
            level.on_hand == level.unpicked && level.allocated == 0 && [0, 10].contains(&level.on_hand),
            "{plan:?}: p{number} {level:?}"
        );
    }
    writes
}

/// P4, P5: the void of a large sale is interrupted before and after every write, and its returned
/// units are removed. It is completed as a void, and every tick downloads.
#[test]
fn p4_a_void_of_a_large_sale_that_was_cut_off_goes_forward_and_holds_up_no_download() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let writes = runtime.block_on(cut_off(Plan::Count));
    assert!(writes >= 5, "{writes} writes are no void in steps");
    let plans: Vec<Plan> = (1..=writes).flat_map(|k| [Plan::StopBefore(k), Plan::StopAfter(k), Plan::LoseReply(k)]).collect();
    every(plans.len(), |number| {
        let plan = plans[number].clone();
        async move {
            cut_off(plan).await;
        }
    });
}

/// P4: a large sale that makes more than it picks is interrupted while it is built. The units that
/// the tick undoes are present at every moment.
#[test]
fn p4_units_that_are_made_for_a_sale_are_nobody_elses_before_it_exists() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let writes = runtime.block_on(build(Plan::Count));
    let plans: Vec<Plan> = (1..=writes).flat_map(|k| [Plan::StopBefore(k), Plan::StopAfter(k)]).collect();
    every(plans.len(), |number| {
        let plan = plans[number].clone();
        async move {
            build(plan).await;
        }
    });
}

/// An order whose assemblies are made while its other products are short, so that the assembled
/// units stay in stock.
async fn build(plan: Plan) -> u64 {
    let mut shop = Shop::new(Options::default()).await;
    shop.process.table = shop.process.table.moving_at_most(AT_ONCE);
    shop.fetch.table = shop.fetch.table.moving_at_most(AT_ONCE);
    shop.world
        .settings(|settings| {
            settings.pick_pack_ship = PickPackShip::PickPackShip;
            settings.auto_assembly = AutoAssembly::OrderedQuantity;
        })
        .await;
    let mut order = Draft::new("made").id(LARGE).line("P0", 1, dec("1"));
    shop.world.product("p0", |_| {}).await;
    for number in 1..5 {
        let (part, made) = (format!("part{number}"), format!("p{number}"));
        shop.world.product(&part, |_| {}).await;
        shop.world.adjust(&part, 4).await;
        let component = Component { product_id: part.as_str().into(), quantity: 2 };
        shop.world
            .product(&made, |product| {
                product.kind = ProductKind::Assembly;
                product.components = vec![component];
            })
            .await;
        order = order.line(&made.to_uppercase(), 2, dec("3"));
    }
    shop.world.sandbox.upsert_order(order);
    shop.tick(&shop.tick_event()).await.unwrap();
    shop.start(plan.clone());
    shop.drain().await;
    let writes = shop.breaker.writes();
    shop.start(Plan::Count);
    let made = shop.world.table.sale(&SaleId::of_order(order_id(LARGE), 1)).await.unwrap().is_some();
    if !made {
        // All units in stock can be removed by a person.
        empty_the_shelves(&shop).await;
    }
    for _ in 0..2 {
        shop.world.clock.advance(SignedDuration::from_hours(1));
        shop.tick(&shop.tick_event()).await.unwrap_or_else(|error| panic!("{plan:?}: {error:?}"));
        shop.drain().await;
    }
    assert_eq!(shop.undone().await, 0, "{plan:?}");
    assert!(shop.world.logged(LARGE).await.is_some_and(|entry| entry.sale_id.is_some()), "{plan:?}");
    check(&shop.world.table, &levels(&shop.world.table).await).await;
    let mended = shop.world.table.recover_abandoned(shop.now()).await.unwrap();
    assert!(mended.sales == 0 && mended.failed.is_empty(), "{plan:?}: {mended:?}");
    writes
}

/// Blocks calls of one client until they are released.
#[derive(Debug)]
struct Gate {
    operation: &'static str,
    /// Number of calls of the operation before the blocked one.
    before: Mutex<u32>,
    arrived: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl Intercept for Gate {
    fn name(&self) -> &'static str {
        "Gate"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        if target.rsplit('.').next() != Some(self.operation) {
            return Ok(());
        }
        let mut before = self.before.lock().unwrap();
        if *before == 0 {
            self.arrived.lock().unwrap().send(()).ok();
            self.go.lock().unwrap().recv_timeout(Duration::from_secs(20)).ok();
        }
        *before = before.wrapping_sub(1);
        Ok(())
    }
}

/// A table whose `nth` call of `operation` waits; a signal that it has arrived, and its release.
fn gated(shop: &Shop, operation: &'static str, nth: u32) -> (Table, Receiver<()>, Sender<()>) {
    let ((arrived, has_arrived), (release, go)) = (channel(), channel());
    let gate = Gate { operation, before: Mutex::new(nth), arrived: Mutex::new(arrived), go: Mutex::new(go) };
    let options = ClientOptions { interceptors: vec![SharedInterceptor::new(GateHandle(Arc::new(gate)))], ..ClientOptions::default() };
    let clients = Clients::at_endpoint(shop.world.engines.endpoint(), options);
    (Table::new(&clients, "stevedore").moving_at_most(AT_ONCE), has_arrived, release)
}

#[derive(Clone, Debug)]
struct GateHandle(Arc<Gate>);

impl Intercept for GateHandle {
    fn name(&self) -> &'static str {
        "GateHandle"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        components: &RuntimeComponents,
        call: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.modify_before_transmit(context, components, call)
    }
}

/// P5: a process that is slower than its lease makes its next step after another process has listed
/// the steps to undo, and before the head is removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn p5_a_step_of_a_slow_process_is_refused_once_its_work_is_being_undone() {
    let mut shop = Shop::new(Options::default()).await;
    shop.world.settings(|settings| settings.pick_pack_ship = PickPackShip::PickPackShip).await;
    let mut large = Draft::new("large").id(LARGE);
    for number in 0..PRODUCTS {
        shop.world.product(&format!("p{number}"), |_| {}).await;
        shop.world.adjust(&format!("p{number}"), 10).await;
        large = large.line(&format!("P{number}"), 10, dec("1.01"));
    }
    shop.world.sandbox.upsert_order(large);
    shop.tick(&shop.tick_event()).await.unwrap();
    // The slow process stops before its second step.
    let (slow_table, slow_is_there, slow_goes) = gated(&shop, "TransactWriteItems", 1);
    let slow = process_orders::Deps { table: slow_table, ..shop.process.clone() };
    let url = shop.world.queues.urls().orders.clone();
    let messages = shop.world.queues.receive(&url, 0).await.unwrap();
    let event = crate::world::sqs_event(&messages);
    let deadline = shop.world.deadline();
    let working = tokio::spawn(async move { process_orders::handle(&slow, event, deadline).await });
    tokio::task::block_in_place(|| slow_is_there.recv_timeout(Duration::from_secs(20))).unwrap();
    // Its lease has ended. Another process undoes its steps, and is about to remove the head.
    shop.world.clock.advance(SignedDuration::from_mins(5));
    let (mending_table, about_to_remove, removes) = gated(&shop, "DeleteItem", 0);
    let now = shop.now();
    let mending = tokio::spawn(async move { mending_table.recover_abandoned(now).await });
    tokio::task::block_in_place(|| about_to_remove.recv_timeout(Duration::from_secs(20))).unwrap();
    slow_goes.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    removes.send(()).unwrap();
    let mended = mending.await.unwrap().unwrap();
    assert_eq!((mended.sales, mended.failed.len()), (1, 0), "{mended:?}");
    drop(working.await);
    shop.start(Plan::Count);
    shop.world.clock.advance(SignedDuration::from_hours(1));
    shop.drain().await;
    assert_eq!(shop.world.sale(LARGE).await.ship.status, StageStatus::Authorised);
    check(&shop.world.table, &levels(&shop.world.table).await).await;
}
