//! The program is stopped before and after every call, for every call of a life of a dozen orders; it starts again, everything is delivered again, and
//! the end is the undisturbed one.
//!
//! A call to ShipStation changes nothing anywhere: stopping before or after one is stopping between the calls to AWS around it. What a failing
//! one does is tried for every one of them too.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use stevedore_aws::messages::Command;
use stevedore_domain::ids::{CustomerId, OperationId, ShipstationCustomerId};
use stevedore_domain::operation::{OperationKind, OperationState};
use stevedore_domain::pacific::PacificTime;
use stevedore_domain::settings::InvoiceMode;
use stevedore_sandbox::{Defect, Draft, Fault, Json, Rule};

use super::breaker::Plan;
use super::end::{End, check_counts, end, operations};
use super::process::{RECOVERY, Shop};
use crate::world::{Options, dec};

const PLAIN: i64 = 700_001;
const FIRST_OF_BUYER: i64 = 700_002;
const SECOND_OF_BUYER: i64 = 700_003;
const TO_SPLIT: i64 = 700_004;
const NOBODY_CANCELLED: i64 = 700_005;
const NOBODY_MERGED: i64 = 700_006;
const NOBODY_HEALED: i64 = 700_007;
const UNPAID: i64 = 700_008;
const CANCELLED: i64 = 700_009;
const LONG: i64 = 700_010;
const DISCOUNTED: i64 = 700_011;
const MALFORMED: i64 = 700_012;
const LATE: i64 = 700_020;
/// The buyer of two orders, as ShipStation numbers him.
const BUYER: i64 = 555;

/// When the parts of the story begin, in hours after the start; recoveries take some of the time in between.
const PARTS: [i64; 4] = [0, 24, 48, 72];

fn nobody(id: i64) -> Json {
    let draft = Draft::new(format!("N-{id}")).id(id).buyer(None, None).line("GHOST", 1, dec("12.50")).tax(dec("0.91"));
    let mut order = Json::from(draft);
    for address in ["billTo", "shipTo"] {
        order.get_mut(address).unwrap().set("name", Json::Null);
    }
    order
}

/// A dozen orders as a merchant has them.
fn open_shop(shop: &Shop) {
    let sandbox = &shop.world.sandbox;
    let draft = |id: i64| Draft::new(format!("W-{id}")).id(id).buyer(Some(id + 100_000), Some(&format!("buyer-{id}@example.com")));
    sandbox.upsert_order(draft(PLAIN).line("MUG", 2, dec("19.99")).line("LID", 1, dec("4.005")).tax(dec("3.20")).shipping(dec("5.00")));
    for (id, email) in [(FIRST_OF_BUYER, "new.buyer@example.com"), (SECOND_OF_BUYER, "New.Buyer@example.com")] {
        sandbox.upsert_order(Draft::new(format!("B-{id}")).id(id).buyer(Some(BUYER), Some(email)).line("TEA", 3, dec("7.10")).tax(dec("1.55")));
    }
    sandbox.upsert_order(draft(TO_SPLIT).line("DESK", 1, dec("240.00")).line("LAMP", 2, dec("31.45")).tax(dec("21.95")).shipping(dec("40")));
    sandbox.split(TO_SPLIT).unwrap();
    for id in [NOBODY_CANCELLED, NOBODY_MERGED, NOBODY_HEALED] {
        sandbox.upsert_order(nobody(id));
    }
    sandbox.upsert_order(draft(UNPAID).line("RUG", 1, dec("99.90")).status("awaiting_payment"));
    sandbox.upsert_order(draft(CANCELLED).line("RUG", 1, dec("99.90")).status("cancelled"));
    let long = (0..320).fold(draft(LONG), |long, line| long.line(&format!("PART-{line}"), 1 + line % 7, dec("1.37")));
    sandbox.upsert_order(long.tax(dec("77.77")).shipping(dec("12.34")));
    sandbox.upsert_order(draft(DISCOUNTED).line("SOFA", 1, dec("999.00")).adjustment("WELCOME", dec("-50.00")).adjustment("Lift", dec("25")).tax(dec("70.61")));
    sandbox.upsert_order(draft(MALFORMED).line("VASE", 1, dec("31.00")));
    sandbox.faults().add(Rule::always(Fault::MalformedOrder { order_id: Some(MALFORMED), defect: Defect::TotalIsText }));
}

/// What happens in the account and to the settings as a part begins.
async fn happen(shop: &Shop, part: usize) {
    let sandbox = &shop.world.sandbox;
    match part {
        0 => open_shop(shop),
        1 => {
            assert!(sandbox.edit_order(PLAIN, |order| order.set("orderTotal", 41)));
            assert!(sandbox.cancel(NOBODY_CANCELLED));
            assert!(sandbox.merge(DISCOUNTED, NOBODY_MERGED));
            assert!(sandbox.edit_order(UNPAID, |order| order.set("orderStatus", "awaiting_shipment")));
            sandbox.upsert_order(Draft::new("B-late").id(LATE).buyer(Some(556), Some("new.buyer@example.com")).line("TEA", 1, dec("7.10")));
        }
        2 => {
            sandbox.faults().clear();
            shop.world.settings(|settings| settings.customer_id = Some(CustomerId::of_shipstation(ShipstationCustomerId(555)))).await;
        }
        _ => {}
    }
}

/// One story with one thing that goes wrong in it.
async fn live(plan: Plan, shipstation: Option<Rule>) -> (Shop, Vec<String>) {
    let mut shop = Shop::new(Options::default()).await;
    shop.world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
    shop.start(plan);
    let mut calls = Vec::new();
    for (part, hours) in PARTS.into_iter().enumerate() {
        shop.at(SignedDuration::from_hours(hours));
        happen(&shop, part).await;
        if part == 0 && let Some(rule) = &shipstation {
            shop.world.sandbox.faults().add(rule.clone());
        }
        let mut again = true;
        while again {
            again = if part == 3 { !load(&shop).await } else { !download(&shop, part).await };
            calls.push(format!("{} calls after part {part}", shop.breaker.attempts()));
            if shop.breaker.stopped() {
                // A new process; a lease runs out, what was received comes back.
                shop.start(Plan::Count);
                again = true;
            }
            if again {
                shop.world.clock.advance(RECOVERY);
            }
        }
    }
    (shop, calls)
}

/// A scheduled download and everything that it queued. Whether it came to its end.
async fn download(shop: &Shop, part: usize) -> bool {
    let event = shop.now();
    let expected = modified_since(shop);
    let answer = shop.tick().await;
    if part == 0 && !shop.breaker.stopped() {
        // S117: the first batch is delivered, and its answer gets lost.
        let messages = shop.world.queues.receive(&shop.world.queues.urls().orders, 0).await.unwrap();
        process_orders::handle(&shop.process, crate::world::sqs_event(&messages), shop.world.deadline()).await.ok();
        shop.world.clock.advance(SignedDuration::from_mins(13));
    }
    shop.drain().await;
    let Ok(answer) = answer else { return false };
    if shop.breaker.stopped() || answer["ran"] == Value::Bool(false) {
        return false;
    }
    let id = OperationId(answer["operation_id"].as_str().unwrap().to_owned());
    let (operation, rows) = shop.world.table.settle_operation(&id, shop.now()).await.unwrap().unwrap();
    check_counts(&operation, &rows, "download");
    if operation.state == OperationState::Completed {
        let from = operation.window.unwrap().from;
        for (id, modified) in expected {
            let due = PacificTime::at(modified) >= from;
            assert!(!due || rows.iter().any(|row| row.order_id.is_some_and(|order| order.0 == u64::try_from(id).unwrap())), "order {id} is not accounted for at {event}");
        }
        return true;
    }
    assert!(operation.state == OperationState::Failed && operation.reason.is_some(), "{operation:?}");
    false
}

fn modified_since(shop: &Shop) -> Vec<(i64, Timestamp)> {
    shop.world.sandbox.orders().into_iter().map(|order| (order.id, order.modified)).collect()
}

/// A person loads everything once more. Whether it came to its end.
async fn load(shop: &Shop) -> bool {
    let id = OperationId("load-by-hand".to_owned());
    let from = jiff::civil::date(2026, 1, 10);
    if shop.world.table.operation(&id).await.unwrap().is_none() {
        let operation = stevedore_domain::operation::Operation {
            id: id.clone(),
            kind: OperationKind::LoadOrders { from },
            trigger: stevedore_domain::log::Trigger::Manual,
            by: "avery".to_owned(),
            window: None,
            state: OperationState::Queued,
            reason: None,
            message: None,
            counts: Default::default(),
            requests: 0,
            pages: 0,
            position: None,
            started_at: shop.now(),
            read_at: None,
            finished_at: None,
        };
        shop.world.table.create_operation(&operation).await.unwrap().unwrap();
        shop.world.queues.send_command(&Command::LoadOrders { operation_id: id.clone(), from }).await.unwrap();
    }
    shop.drain().await;
    if shop.breaker.stopped() {
        // Commands stay hidden for longer than a lease.
        shop.world.clock.advance(SignedDuration::from_hours(1));
        return false;
    }
    let (operation, rows) = shop.world.table.settle_operation(&id, shop.now()).await.unwrap().unwrap();
    if operation.state != OperationState::Completed {
        return false;
    }
    check_counts(&operation, &rows, "load");
    assert_eq!(rows.len(), shop.world.sandbox.orders().len(), "an order is not accounted for");
    true
}

/// The end of a story: three hours later every operation has ended, and each says what became of it.
async fn close(shop: &Shop, what: &str) -> End {
    for _ in 0..2 {
        shop.world.clock.advance(SignedDuration::from_hours(3));
        shop.tick().await.unwrap();
        shop.drain().await;
    }
    for (operation, rows) in operations(shop).await {
        check_counts(&operation, &rows, what);
        let ended = match operation.state {
            OperationState::Completed => true,
            OperationState::Failed => operation.reason.is_some() && operation.message.is_some(),
            _ => false,
        };
        assert!(ended, "{what}: {operation:?}");
    }
    let end = end(shop).await;
    end.check();
    end
}

/// Runs `trial` for every number below `count`, a few at a time.
fn every<F: Future<Output = ()>>(count: u64, trial: impl Fn(u64) -> F + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                runtime.block_on(trial(number));
            }
        };
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

fn undisturbed() -> (End, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (shop, calls) = live(Plan::Count, None).await;
        let attempts = shop.breaker.attempts();
        println!("{calls:?} {:?}", shop.breaker.operations());
        let end = close(&shop, "undisturbed").await;
        (end, attempts)
    })
}

#[test]
fn measure() {
    let start = std::time::Instant::now();
    let (end, attempts) = undisturbed();
    println!("{:?} {attempts}", start.elapsed());
    for (id, entry) in &end.log {
        println!("{id} {} {} {} {}", entry["state"], entry["reason"], entry["order_total"], entry["warnings"]);
    }
    println!("{:?} {:?} {:?}", end.customers.keys(), end.troubles, end.syncs);
}
