//! Events: written with the fact, sent in order (N26, S127).

use serde_json::{Value, json};
use stevedore_aws::messages::Command;
use stevedore_aws::{Event, SaleDraft, SaleEdit, SaleOutcome, enable_stream, events_of};
use stevedore_domain::event::EventKind;
use stevedore_domain::operation::{Operation, OperationState};
use stevedore_domain::settings::{InvoiceMode, PickPackShip, TaxSettings};
use stevedore_domain::stock::Levels;
use stevedore_sandbox::Draft;

use crate::bound::Bound;
use crate::world::{Options, World, dec};

/// A world whose table has a stream; `None` if another engine has the tables, whose streams cannot
/// be read.
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
async fn heard(mode: PickPackShip) -> Option<World> {
    if crate::world::tables_at().is_some() {
        eprintln!("skipped: only the embedded engine's stream is read here");
        return None;
    }
    let world = World::new(Options::default()).await;
    enable_stream(&world.clients, "stevedore").await.unwrap();
    world.settings(|settings| settings.pick_pack_ship = mode).await;
    Some(world)
}

/// Every event after `after`.
fn events(world: &World, after: &mut Option<String>) -> Vec<Event> {
    let mut events = Vec::new();
    let mut bound = Bound::of("the stream");
    loop {
        bound.turn();
        let records = world.engines.stream("stevedore").records(after.as_deref()).unwrap();
        let Some(last) = records.last() else { return events };
        *after = last.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).map(str::to_owned);
        events.extend(records.iter().flat_map(events_of));
    }
}

fn kinds(events: &[Event], of: &str, id: &str) -> Vec<EventKind> {
    events.iter().filter(|event| event.detail.get(of) == Some(&json!(id))).map(|event| event.event).collect()
}

use EventKind::{FulfilmentChanged, InvoiceAuthorised, SaleCreated, SaleVoided, StockChanged, StockUpdated};

/// N26: each fact has its events, in the order of the facts, and nothing else has events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n26_facts_have_their_events_in_order() {
    let Some(world) = heard(PickPackShip::PickPackShip).await else { return };
    world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
    world.product("mug", |_| {}).await;
    let mut after = None;
    events(&world, &mut after);
    world.adjust("mug", 5).await;
    let order = world.sandbox.upsert_order(Draft::new("1").line("MUG", 2, dec("3")));
    world.download().await;
    let sale = world.sale(order).await;
    let first = events(&world, &mut after);
    assert_eq!(kinds(&first, "sale_id", sale.id.as_str()), [SaleCreated, InvoiceAuthorised]);
    let stock: Vec<(Value, Value)> = first
        .iter()
        .filter(|event| event.event == StockChanged)
        .map(|event| (event.detail["available"].clone(), event.detail["cause"].clone()))
        .collect();
    let adjustment = world.table.list_adjustments(&stevedore_aws::List { limit: 1, ..Default::default() }).await.unwrap().items.remove(0);
    assert_eq!(stock, [(json!(5), json!(format!("adjustment {}", adjustment.id))), (json!(3), json!(format!("sale {}", sale.id)))]);
    // A second reading, unchanged or changed, adds no event of the sale.
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    world.sandbox.edit_order(order, |order| order.set("internalNotes", "x"));
    world.next_hour().await;
    assert!(kinds(&events(&world, &mut after), "sale_id", sale.id.as_str()).is_empty());
    let now = world.clock.now();
    let change = |draft: &mut SaleDraft| -> Result<Option<SaleEdit>, ()> {
        Ok(Some(SaleEdit { stock: draft.sale.void(&draft.levels, now), events: vec![SaleVoided] }))
    };
    assert!(matches!(world.table.change_sale(&sale.id, Levels::default(), now, change).await.unwrap(), SaleOutcome::Written(_)));
    let last = events(&world, &mut after);
    assert_eq!(kinds(&last, "sale_id", sale.id.as_str()), [SaleVoided]);
    assert_eq!(kinds(&last, "product_id", "mug"), [StockChanged]);
    // From the beginning all events are present again: at least once.
    let all = events(&world, &mut None);
    assert_eq!(kinds(&all, "sale_id", sale.id.as_str()), [SaleCreated, InvoiceAuthorised, SaleVoided]);
}

/// N26: a sale of many products is announced only when it is complete, and once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n26_a_large_sale_is_announced_when_it_is_whole() {
    let Some(world) = heard(PickPackShip::Pick).await else { return };
    let mut draft = Draft::new("1");
    for number in 0..120 {
        world.product(&format!("p{number}"), |_| {}).await;
        draft = draft.line(&format!("P{number}"), 1, dec("1"));
    }
    let order = world.sandbox.upsert_order(draft);
    let mut after = None;
    events(&world, &mut after);
    world.download().await;
    let heard = events(&world, &mut after);
    let id = world.sale(order).await.id;
    assert_eq!(kinds(&heard, "sale_id", id.as_str()), [SaleCreated]);
    let created = heard.iter().position(|event| event.event == SaleCreated).unwrap();
    let moved = heard.iter().filter(|event| event.event == StockChanged).count();
    assert!(moved >= 120 && heard[created..].iter().all(|event| event.event != StockChanged), "{moved}");
    assert!(heard.iter().all(|event| event.event != FulfilmentChanged));
}

/// S127: the last step of a download writes one stock update for each product whose availability
/// changed, with the present availability.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s127_a_download_ends_with_one_stock_update_for_each_product() {
    let Some(world) = heard(PickPackShip::Pick).await else { return };
    for product in ["mug", "lid", "untouched"] {
        world.product(product, |_| {}).await;
        world.adjust(product, 50).await;
    }
    for number in 0..7 {
        world.sandbox.upsert_order(Draft::new(format!("N{number}")).line("MUG", 2, dec("3")).line("LID", 1, dec("1")).line(
            "GHOST",
            1,
            dec("1"),
        ));
    }
    let mut after = None;
    events(&world, &mut after);
    let operation = world.download().await;
    let updates = |heard: &[Event]| -> Vec<Value> {
        let of_stock = heard.iter().filter(|event| event.event == StockUpdated);
        of_stock.flat_map(|event| event.detail["updates"].as_array().unwrap().clone()).collect()
    };
    let heard = events(&world, &mut after);
    let level = |product: &str, available: i64| json!({"product_id": product, "levels": [{"location_id": "reno", "on_hand": 50, "allocated": 50 - available, "available": available}]});
    assert_eq!(updates(&heard), [level("lid", 43), level("mug", 36)]);
    let last = heard.iter().rposition(|event| event.event == StockChanged).unwrap();
    let update = heard.iter().position(|event| event.event == StockUpdated).unwrap();
    assert!(last < update && heard[update].detail["operation_id"] == json!(operation.id.as_str()));
    // A download without changes writes none.
    world.next_hour().await;
    assert!(updates(&events(&world, &mut after)).is_empty());
}

/// The stock updates among events, by product.
fn updates(heard: &[Event]) -> Vec<(Value, Value)> {
    let of_stock = heard.iter().filter(|event| event.event == StockUpdated);
    let all = of_stock.flat_map(|event| event.detail["updates"].as_array().unwrap().clone());
    all.map(|update| (update["product_id"].clone(), update["levels"][0]["available"].clone())).collect()
}

/// S127: a consolidated day ends with one stock update for each product whose availability its sale
/// changed, and only then is its operation completed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s127_a_consolidated_day_ends_with_stock_updates() {
    let Some(world) = heard(PickPackShip::Pick).await else { return };
    world.daily(18).await;
    for product in ["mug", "lid", "untouched"] {
        world.product(product, |_| {}).await;
        world.adjust(product, 50).await;
    }
    for number in 0..3 {
        world.sandbox.upsert_order(Draft::new(format!("N{number}")).line("MUG", 2, dec("3")).line("LID", 1, dec("1")));
    }
    let mut after = None;
    world.download().await;
    assert!(updates(&events(&world, &mut after)).is_empty(), "pending orders change nothing");
    world.at("2026-01-15T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    let heard = events(&world, &mut after);
    assert_eq!(updates(&heard), [(json!("lid"), json!(47)), (json!("mug"), json!(44))]);
    let operation = world.run_operation("2026-01-15").await;
    let update = heard.iter().find(|event| event.event == StockUpdated).unwrap();
    assert_eq!(update.detail["operation_id"], json!(operation.id.as_str()));
    assert_eq!(operation.state, OperationState::Completed);
    // Only once: later ticks write none, and neither does a day without orders.
    world.at("2026-01-16T23:30:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-16"]);
    assert!(updates(&events(&world, &mut after)).is_empty());
}

/// S127, P4: after an interruption between the day's sale and its stock updates, the next tick of
/// consolidation or of a download writes them and completes the operation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s127_updates_of_a_day_that_was_cut_off_are_raised_by_the_next_tick() {
    for by_download in [false, true] {
        let Some(world) = heard(PickPackShip::Pick).await else { return };
        world.daily(18).await;
        world.product("mug", |_| {}).await;
        world.adjust("mug", 50).await;
        world.sandbox.upsert_order(Draft::new("1").line("MUG", 2, dec("3")));
        world.download().await;
        world.at("2026-01-15T23:00:00Z");
        assert_eq!(world.consolidate().await, ["2026-01-15"]);
        // The state when the invocation ends between the two.
        let completed = world.run_operation("2026-01-15").await;
        let stored = world.table.operation(&completed.id).await.unwrap().unwrap();
        let cut_off = Operation { state: OperationState::Processing, finished_at: None, ..stored.value };
        world.table.put_operation(&cut_off, stored.version).await.unwrap().unwrap();
        let mut after = None;
        events(&world, &mut after);
        if by_download {
            world.tick().await.unwrap();
        } else {
            world.consolidation_tick().await.unwrap();
        }
        assert_eq!(updates(&events(&world, &mut after)), [(json!("mug"), json!(48))], "{by_download}");
        let again = world.run_operation("2026-01-15").await;
        assert_eq!((again.state, again.finished_at.is_some()), (OperationState::Completed, true), "{by_download}");
    }
}

/// S127, U22: automatic retries end with a stock update like any download.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s127_u22_healed_orders_end_with_a_stock_update() {
    let Some(world) = heard(PickPackShip::Pick).await else { return };
    world.product("mug", |_| {}).await;
    world.adjust("mug", 50).await;
    world.settings(|settings| settings.tax = TaxSettings::default()).await;
    world.sandbox.upsert_order(Draft::new("1").line("MUG", 2, dec("3")));
    world.download().await;
    world.settings(|settings| settings.tax.default_rule = Some(crate::world::TAX_RULE.into())).await;
    let mut after = None;
    events(&world, &mut after);
    world.queues.send_command(&Command::ProcessPending { operation_id: None, order_ids: None }).await.unwrap();
    world.drain().await;
    world.clock.advance(jiff::SignedDuration::from_mins(5));
    world.tick().await.unwrap();
    assert_eq!(updates(&events(&world, &mut after)), [(json!("mug"), json!(48))]);
}
