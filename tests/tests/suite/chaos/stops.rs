//! The program is stopped before and after every call of a flow of a dozen orders. It starts again,
//! everything is delivered again, and the final state is the undisturbed one.
//!
//! A call to ShipStation changes nothing. A stop before or after one equals a stop between the
//! calls to AWS around it. A failure of each call is tested too.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use stevedore_aws::messages::Command;
use stevedore_domain::ids::{CustomerId, OperationId, ShipstationCustomerId};
use stevedore_domain::operation::{Operation, OperationKind, OperationState};
use stevedore_domain::pacific::PacificTime;
use stevedore_domain::settings::InvoiceMode;
use stevedore_sandbox::{Defect, Draft, Fault, Json, Rule};

use super::breaker::Plan;
use super::end::{End, check_counts, end, operations};
use super::process::{RECOVERY, Shop};
use crate::world::{Options, dec, order_id};

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
/// The buyer of two orders, with ShipStation's number.
const BUYER: i64 = 555;

/// Starts of the parts of the flow, in hours after the beginning. Recoveries take some of the time
/// in between.
const PARTS: [i64; 4] = [0, 24, 48, 72];

fn nobody(id: i64) -> Json {
    let draft = Draft::new(format!("N-{id}")).id(id).buyer(None, None).line("GHOST", 1, dec("12.50")).tax(dec("0.91"));
    let mut order = Json::from(draft);
    for address in ["billTo", "shipTo"] {
        order.get_mut(address).unwrap().set("name", Json::Null);
    }
    order
}

/// A dozen orders of a typical merchant.
fn open_shop(shop: &Shop) {
    let sandbox = &shop.world.sandbox;
    let draft = |id: i64| Draft::new(format!("W-{id}")).id(id).buyer(Some(id + 100_000), Some(&format!("buyer-{id}@example.com")));
    sandbox.upsert_order(draft(PLAIN).line("MUG", 2, dec("19.99")).line("LID", 1, dec("4.005")).tax(dec("3.20")).shipping(dec("5.00")));
    for id in [FIRST_OF_BUYER, SECOND_OF_BUYER] {
        sandbox.upsert_order(
            Draft::new(format!("B-{id}"))
                .id(id)
                .buyer(Some(BUYER), Some("new.buyer@example.com"))
                .line("TEA", 3, dec("7.10"))
                .tax(dec("1.55")),
        );
    }
    sandbox
        .upsert_order(draft(TO_SPLIT).line("DESK", 1, dec("240.00")).line("LAMP", 2, dec("31.45")).tax(dec("21.95")).shipping(dec("40")));
    sandbox.split(TO_SPLIT).unwrap();
    for id in [NOBODY_CANCELLED, NOBODY_MERGED, NOBODY_HEALED] {
        sandbox.upsert_order(nobody(id));
    }
    sandbox.upsert_order(draft(UNPAID).line("RUG", 1, dec("99.90")).status("awaiting_payment"));
    sandbox.upsert_order(draft(CANCELLED).line("RUG", 1, dec("99.90")).status("cancelled"));
    let long = (0..320).fold(draft(LONG), |long, line| long.line(&format!("PART-{line}"), 1 + line % 7, dec("1.37")));
    sandbox.upsert_order(long.tax(dec("77.77")).shipping(dec("12.34")));
    sandbox.upsert_order(
        draft(DISCOUNTED)
            .line("SOFA", 1, dec("999.00"))
            .adjustment("WELCOME", dec("-50.00"))
            .adjustment("Lift", dec("25"))
            .tax(dec("70.61")),
    );
    sandbox.upsert_order(draft(MALFORMED).line("VASE", 1, dec("31.00")));
    sandbox.faults().add(Rule::always(Fault::MalformedOrder { order_id: Some(MALFORMED), defect: Defect::TotalIsText }));
}

/// Changes the account and the settings at the beginning of a part.
async fn happen(shop: &Shop, part: usize) {
    let sandbox = &shop.world.sandbox;
    match part {
        0 => open_shop(shop),
        1 => {
            assert!(sandbox.edit_order(PLAIN, |order| order.set("orderTotal", 41)));
            assert!(sandbox.cancel(NOBODY_CANCELLED));
            assert!(sandbox.merge(DISCOUNTED, NOBODY_MERGED));
            assert!(sandbox.edit_order(UNPAID, |order| order.set("orderStatus", "awaiting_shipment")));
            sandbox.upsert_order(Draft::new("B-late").id(LATE).buyer(Some(556), Some("New.Buyer@example.com")).line("TEA", 1, dec("7.10")));
        }
        2 => {
            sandbox.faults().clear();
            shop.world
                .settings(|settings| {
                    settings.customer_id =
                        Some(CustomerId::of_shipstation(stevedore_domain::ids::ShipstationAccount::FIRST, ShipstationCustomerId(555)));
                })
                .await;
        }
        _ => {}
    }
}

/// A fault in one stage of the flow.
#[derive(Clone, Debug)]
enum Blow {
    Aws(Plan),
    /// The request for orders of this number, counted from 1 within the stage.
    ShipStation(u32, Fault),
}

/// Calls of a stage: writes to AWS, and requests to ShipStation.
#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    writes: u64,
    requests: u32,
}

/// One flow. In each of its stages one fault occurs, and its effects are repaired before the next
/// stage begins.
async fn live(blow: impl Fn(usize) -> Option<Blow>) -> (Shop, Vec<Calls>) {
    let mut shop = Shop::new(Options::default()).await;
    shop.world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
    let mut calls = Vec::new();
    for (part, hours) in PARTS.into_iter().enumerate() {
        shop.at(SignedDuration::from_hours(hours));
        happen(&shop, part).await;
        let expected: Vec<(i64, Timestamp)> = shop.world.sandbox.orders().into_iter().map(|order| (order.id, order.modified)).collect();
        let mut operation = None;
        for fetching in [true, false] {
            let (requests, struck) = (requests_for_orders(&shop), shop.breaker.struck());
            let mut rule = None;
            match blow(calls.len()) {
                Some(Blow::Aws(plan)) => shop.start(plan),
                Some(Blow::ShipStation(number, fault)) => {
                    // The stores' names may be missing once; the orders must not.
                    let strike = Rule { every: Some(number), ..Rule::times(fault, 1) }.on("/orders");
                    rule = Some(shop.world.sandbox.faults().add(strike));
                    shop.start(Plan::Count);
                }
                None => shop.start(Plan::Count),
            }
            if !fetching {
                process(&mut shop, part).await;
            } else if part == 3 {
                operation = Some(load(&mut shop).await);
            } else {
                operation = Some(download(&mut shop).await);
            }
            let made = requests_for_orders(&shop) - requests;
            calls.push(Calls { writes: shop.breaker.writes(), requests: u32::try_from(made).unwrap() });
            if let Some(rule) = rule {
                let faults = shop.world.sandbox.faults();
                assert!(faults.list().iter().any(|active| active.id == rule && active.struck > 0), "{:?} missed", blow(calls.len() - 1));
                faults.remove(rule);
            } else if let Some(aws) = blow(calls.len() - 1) {
                assert_eq!(shop.breaker.struck(), struck + 1, "{aws:?} missed");
            }
        }
        account(&shop, &operation.unwrap(), &expected).await;
    }
    (shop, calls)
}

/// Requests for lists of orders and for single ones.
fn requests_for_orders(shop: &Shop) -> usize {
    shop.world.sandbox.requests().iter().filter(|request| request.path.starts_with("/orders")).count()
}

/// A scheduled download that is repeated until it is completed.
async fn download(shop: &mut Shop) -> OperationId {
    let mut event = shop.tick_event();
    for _ in 0..5 {
        let answer = shop.tick(&event).await;
        if shop.breaker.stopped() {
            // A new process. The event is sent again at once; the next one an hour later.
            shop.start(Plan::Count);
            continue;
        }
        if let Ok(answer) = answer
            && (answer["state"] == "processing" || answer["state"] == "completed")
        {
            return OperationId(answer["operation_id"].as_str().unwrap().to_owned());
        }
        shop.world.clock.advance(RECOVERY);
        event = shop.tick_event();
    }
    panic!("the download never came to its end");
}

/// Processes both queues until they are empty.
async fn process(shop: &mut Shop, part: usize) {
    if part == 0 {
        // S117: the first batch is processed, and its answer is lost.
        let messages = shop.world.queues.receive(&shop.world.queues.urls().orders, 0).await.unwrap();
        process_orders::handle(&shop.process, crate::world::sqs_event(&messages), shop.world.deadline()).await.ok();
        shop.world.clock.advance(SignedDuration::from_mins(13));
    }
    for _ in 0..5 {
        shop.drain().await;
        if shop.breaker.stopped() {
            shop.start(Plan::Count);
        } else if shop.undone().await == 0 {
            return;
        }
        // Messages that were received and not processed are delivered again.
        shop.world.clock.advance(RECOVERY);
    }
    panic!("messages are left");
}

/// A person loads everything once more, and starts it again if it failed.
async fn load(shop: &mut Shop) -> OperationId {
    let from = jiff::civil::date(2026, 1, 10);
    for attempt in 1..=5 {
        let id = OperationId(format!("load-by-hand-{attempt}"));
        let operation = Operation {
            id: id.clone(),
            ..Operation::new(OperationKind::LoadOrders { from }, stevedore_domain::ids::ShipstationAccount::FIRST, "avery", shop.now())
        };
        shop.world.table.create_operation(&operation).await.unwrap().unwrap();
        shop.world.queues.send_command(&Command::Run { operation_id: id.clone() }).await.unwrap();
        carry_out(shop).await;
        if shop.world.table.operation(&id).await.unwrap().unwrap().value.state != OperationState::Failed {
            return id;
        }
    }
    panic!("the load never came to its end");
}

/// Delivers commands until none is left.
async fn carry_out(shop: &mut Shop) {
    for _ in 0..5 {
        shop.deliver_commands(shop.world.deadline()).await;
        if shop.breaker.stopped() {
            shop.start(Plan::Count);
        } else if shop.world.queues.depth(&shop.world.queues.urls().commands).await.unwrap().total() == 0 {
            return;
        }
        // A command stays hidden for an hour and a half.
        shop.world.clock.advance(RECOVERY * 2);
    }
    panic!("commands are left");
}

/// P2: every order that was changed or created in the operation's window has one row, with an
/// outcome.
async fn account(shop: &Shop, id: &OperationId, expected: &[(i64, Timestamp)]) {
    let (operation, rows) = shop.world.table.settle_operation(id, shop.now()).await.unwrap().unwrap();
    assert_eq!(operation.state, OperationState::Completed, "{operation:?}");
    check_counts(&operation, &rows, "after a part");
    let window = operation.window.unwrap();
    let by_hand = matches!(operation.kind, OperationKind::LoadOrders { .. });
    for (order, modified) in expected {
        let due = by_hand || PacificTime::at(*modified) >= window.from;
        let row = rows.iter().find(|row| row.order_id == Some(order_id(*order)));
        assert!(!due || row.is_some(), "order {order} is not accounted for: {operation:?}");
    }
}

/// The end of a flow: three hours later every operation has ended with a result.
async fn close(shop: &mut Shop, what: &str) -> End {
    shop.start(Plan::Count);
    shop.world.clock.advance(SignedDuration::from_hours(3));
    shop.tick(&shop.tick_event()).await.unwrap();
    shop.drain().await;
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
pub(super) fn every<F: Future<Output = ()>>(count: usize, trial: impl Fn(usize) -> F + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                // One failure is enough.
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(trial(number))));
                if let Err(panic) = outcome {
                    next.store(count, Ordering::Relaxed);
                    std::panic::resume_unwind(panic);
                }
            }
        };
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

fn undisturbed() -> (End, Vec<Calls>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut shop, calls) = live(|_| None).await;
        let end = close(&mut shop, "undisturbed").await;
        (end, calls)
    })
}

/// P1, P2, P4, N12, S113, S116, S117.
#[allow(clippy::print_stdout, reason = "docs/performance.md keeps the number")]
#[test]
fn n12_stopped_before_and_after_every_call_the_end_is_the_same() {
    let (expected, calls) = undisturbed();
    assert_eq!(expected.sales.len(), 11);
    let stages: Vec<Vec<Blow>> = calls.iter().map(blows).collect();
    println!("{} points at which a life of a dozen orders is cut off", stages.iter().map(Vec::len).sum::<usize>());
    let lives = stages.iter().map(Vec::len).max().unwrap();
    every(lives, |life| {
        let (stages, expected) = (&stages, &expected);
        async move {
            let blow = |stage: usize| stages[stage].get(life).cloned();
            let what = format!("{:?}", (0..stages.len()).map(blow).collect::<Vec<_>>());
            let (mut shop, _) = live(blow).await;
            close(&mut shop, &what).await.compare(expected, &what);
        }
    });
}

/// All faults of a stage with this number of calls.
fn blows(calls: &Calls) -> Vec<Blow> {
    let plans = (1..=calls.writes).flat_map(|k| [Plan::StopBefore(k), Plan::StopAfter(k), Plan::LoseReply(k)]);
    // HTML is not requested again; a lost connection is.
    let faults =
        (1..=calls.requests).flat_map(|number| [Fault::Html, Fault::ConnectionReset].map(|fault| Blow::ShipStation(number, fault)));
    plans.map(Blow::Aws).chain(faults).collect()
}

/// N12, S113: the SDK repairs a reply that is lost once. The write that is then refused was the
/// download's own, and the download continues.
#[test]
fn n12_a_lost_reply_does_not_cost_the_download() {
    let tick = |plan: Plan| async move {
        let mut shop = Shop::new(Options::default()).await;
        shop.world.sandbox.upsert_order(Draft::new("1001").line("MUG", 2, dec("19.99")));
        shop.start(plan);
        let answer = shop.tick(&shop.tick_event()).await.unwrap();
        assert_eq!(answer["state"], "processing", "{answer}");
        shop.breaker.writes()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let writes = usize::try_from(runtime.block_on(tick(Plan::Count))).unwrap();
    every(writes, |write| async move {
        tick(Plan::LoseReply(u64::try_from(write).unwrap() + 1)).await;
    });
}
