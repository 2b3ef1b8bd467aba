//! A day's consolidation and the void of its sale, stopped before and after every write, with a
//! reply lost, and with random faults. The final state equals the undisturbed one.

use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stevedore_aws::{SaleDraft, SaleEdit};
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::LogState;
use stevedore_domain::settings::{InvoiceMode, PickPackShip};
use stevedore_domain::stock::{Adjustment, Levels};
use stevedore_sandbox::Draft;

use super::breaker::{Breaker, Plan};
use super::process::{RECOVERY, Shop};
use super::stops::every;
use crate::stock::{check, levels};
use crate::world::{LOCATION, Options, dec};

pub(super) const DATE: &str = "2026-01-15";

/// The final state of a day: its sale, its orders' entries, the run, its operation, and stock.
#[derive(Debug, PartialEq)]
pub(super) struct End {
    sale: Value,
    log: BTreeMap<u64, Value>,
    orders: usize,
    run: (u64, u64),
    pub(super) operation: Value,
    stock: Vec<Value>,
}

/// A day of a dozen pending orders. One of them names more products than one transaction holds
/// levels, and two cannot be booked.
pub(super) async fn shop() -> Shop {
    let mut shop = Shop::new(Options::default()).await;
    // A sale of a dozen products then takes several steps.
    shop.consolidate.table = shop.consolidate.table.clone().moving_at_most(5);
    shop.world.consolidate.table = shop.world.consolidate.table.clone().moving_at_most(5);
    shop.world.daily(18).await;
    shop.world
        .settings(|settings| {
            settings.invoice_status = InvoiceMode::Authorised;
            settings.pick_pack_ship = PickPackShip::PickPackShip;
        })
        .await;
    for product in 0..12 {
        shop.world.product(&format!("p{product}"), |_| {}).await;
        let adjustment = Adjustment {
            id: "first".to_owned(),
            product_id: format!("p{product}").into(),
            location_id: LOCATION.into(),
            quantity: 50,
            reason: None,
            at: shop.now(),
            by: "avery".to_owned(),
        };
        shop.world.table.adjust_stock(&adjustment).await.unwrap();
    }
    let large = (0..12).fold(Draft::new("L"), |draft, product| draft.line(&format!("P{product}"), 1, dec("1.10")));
    shop.world.sandbox.upsert_order(large.tax(dec("3.33")));
    for number in 0..8 {
        let draft = Draft::new(format!("S{number}")).line("P7", number + 1, dec("2.50")).line("GHOST", 1, dec("9.99")).shipping(dec("4"));
        shop.world.sandbox.upsert_order(draft.tax(dec("0.71")));
    }
    for number in 0..2 {
        shop.world.sandbox.upsert_order(crate::flow_days::inexact(Draft::new(format!("F{number}")).line("P7", 1, dec("1.00"))));
    }
    shop.world.download().await;
    shop.world.at("2026-01-15T23:00:00Z");
    shop
}

/// Ticks until one is completed.
pub(super) async fn consolidate(shop: &mut Shop, consolidate: &consolidate::Deps) {
    for _ in 0..20 {
        let answer = consolidate::handle(consolidate, shop.tick_event(), shop.world.deadline()).await;
        if answer.is_ok() && !shop.breaker.stopped() {
            return;
        }
        shop.start(Plan::Count);
        // The lease of the dead run ends.
        shop.world.clock.advance(RECOVERY);
    }
    panic!("the run never came to its end");
}

async fn void(shop: &mut Shop, consolidate: &consolidate::Deps) {
    for _ in 0..20 {
        let now = shop.now();
        let change = |draft: &mut SaleDraft| -> Result<Option<SaleEdit>, ()> {
            if draft.sale.voided_at.is_some() {
                return Ok(None);
            }
            Ok(Some(SaleEdit { stock: draft.sale.void(&draft.levels, now), events: vec![EventKind::SaleVoided] }))
        };
        let outcome = consolidate.table.change_sale(&SaleId::of_day(DATE.parse().unwrap()), Levels::default(), now, change).await;
        if outcome.is_ok() && !shop.breaker.stopped() {
            return;
        }
        shop.start(Plan::Count);
        shop.world.clock.advance(RECOVERY);
    }
    panic!("the sale was never voided");
}

pub(super) async fn end(shop: &Shop) -> End {
    let world = &shop.world;
    world.table.recover_abandoned(world.clock.now()).await.unwrap();
    let sales = world.booked().await;
    assert_eq!(sales.len(), 1, "a day has one sale");
    let mut sale = serde_json::to_value(&sales[0]).unwrap();
    // Times differ by the duration of the recovery.
    forget_times(&mut sale);
    let mut log = BTreeMap::new();
    let mut total = 0;
    for stored in world.log().await {
        let entry = stored.entry;
        if entry.sale_id.is_some() {
            total += entry.sale_total.unwrap().0;
        }
        let what = json!({"state": entry.state, "sale": entry.sale_id, "total": entry.sale_total, "reason": entry.reason});
        assert_ne!(entry.state, LogState::Consolidating);
        assert_eq!(log.insert(entry.order_id.0, what), None);
    }
    assert_eq!(total, sales[0].total.0, "P3: the orders add up to the sale");
    let run = world.table.run(DATE.parse().unwrap()).await.unwrap().unwrap();
    assert!(run.is_done());
    let (operation, rows) = world.table.settle_operation(&run.run.operation_id, world.clock.now()).await.unwrap().unwrap();
    let levels = levels(&world.table).await;
    check(&world.table, &levels).await;
    let rows: Vec<_> = rows.into_iter().map(|row| (row.order_number, row.outcome, row.reason)).collect();
    End {
        sale,
        log,
        orders: world.day_orders(DATE, 100).await.len(),
        run: (run.run.orders, run.run.left_out),
        operation: json!({"counts": operation.counts, "state": operation.state, "message": operation.message, "rows": rows}),
        stock: levels.iter().map(|level| json!(level)).collect(),
    }
}

fn forget_times(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !matches!(name.as_str(), "at" | "created_at" | "voided_at"));
            members.values_mut().for_each(forget_times);
        }
        Value::Array(elements) => elements.iter_mut().for_each(forget_times),
        _ => {}
    }
}

/// A day with these plans, one for the run and one for the void. Returns the final state of each,
/// and the number of their writes.
async fn day(plans: [Plan; 2]) -> ([End; 2], [u64; 2]) {
    let mut shop = shop().await;
    let deps = shop.consolidate.clone();
    let [running, voiding] = plans;
    shop.start(running);
    consolidate(&mut shop, &deps).await;
    let writes = shop.breaker.writes();
    shop.start(Plan::Count);
    let done = end(&shop).await;
    shop.start(voiding);
    void(&mut shop, &deps).await;
    let voided = shop.breaker.writes();
    shop.start(Plan::Count);
    ([done, end(&shop).await], [writes, voided])
}

/// A day without faults.
pub(super) async fn undisturbed() -> End {
    let ([done, _], _) = day([Plan::Count, Plan::Count]).await;
    done
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// N12, P1, P3, P4, P5: stopped before and after every write of the run and of the void, and with
/// every reply lost, the final state is the same.
#[allow(clippy::print_stdout, reason = "docs/performance.md keeps the number")]
#[test]
fn n12_a_day_stopped_at_every_write_ends_the_same() {
    let (expected, writes) = runtime().block_on(day([Plan::Count, Plan::Count]));
    assert!(writes[0] > 12 && writes[1] > 2, "{writes:?}");
    assert_eq!(expected[0].orders, 9);
    let plans =
        |writes: u64| -> Vec<Plan> { (1..=writes).flat_map(|k| [Plan::StopBefore(k), Plan::StopAfter(k), Plan::LoseReply(k)]).collect() };
    let (running, voiding) = (plans(writes[0]), plans(writes[1]));
    println!("{} points at which a day's run or its voiding is cut off", running.len() + voiding.len());
    every(running.len().max(voiding.len()), |trial| {
        let (running, voiding, expected) = (&running, &voiding, &expected);
        async move {
            let plan = |plans: &[Plan]| plans.get(trial).cloned().unwrap_or_default();
            let what = format!("{:?}", (plan(running), plan(voiding)));
            let (ends, _) = day([plan(running), plan(voiding)]).await;
            assert_eq!(&ends[0], &expected[0], "{what}: the run");
            assert_eq!(&ends[1], &expected[1], "{what}: the voiding");
        }
    });
}

/// N12: random faults, from seeds that are printed; more seeds with `STEVEDORE_LONG=1`.
#[allow(clippy::print_stdout, reason = "the seeds are said")]
#[test]
fn n12_a_day_in_a_storm_ends_the_same() {
    let (expected, _) = runtime().block_on(day([Plan::Count, Plan::Count]));
    let seeds = if std::env::var("STEVEDORE_LONG").is_ok_and(|value| value == "1") { 200 } else { 6 };
    every(seeds, |seed| {
        let expected = &expected;
        async move {
            let seed = u64::try_from(seed).unwrap() + 1;
            println!("seed {seed}");
            let storm = |seed| Plan::Storm { every: 5, seed, fatal: true };
            let (ends, _) = day([storm(seed), storm(seed + 1_000)]).await;
            assert_eq!(&ends[0], &expected[0], "seed {seed}: the run");
            assert_eq!(&ends[1], &expected[1], "seed {seed}: the voiding");
        }
    });
}

/// N12, S23: ten ticks at the same moment, in separate processes, begin one run and make one sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_ten_ticks_at_once_make_one_sale() {
    let (expected, _) = day([Plan::Count, Plan::Count]).await;
    let shop = shop().await;
    let mut ticks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let breaker = Breaker::new(shop.world.engines.faults(), Plan::Count);
        let deps = shop.consolidate_behind(&breaker);
        let (event, deadline) = (shop.tick_event(), shop.world.deadline());
        ticks.spawn(async move { consolidate::handle(&deps, event, deadline).await.unwrap() });
    }
    let mut done = 0;
    while let Some(answer) = ticks.join_next().await {
        done += crate::day::dates(&answer.unwrap()).len();
    }
    assert_eq!(done, 1, "one of them did it");
    assert_eq!(end(&shop).await, expected[0]);
}

/// P4: a run whose process dies while it changes stock waits until its lease ends. Then its stock
/// changes are undone, and the run continues with the orders that it took.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_a_dead_run_waits_until_its_hold_is_over() {
    let (_, [writes, _]) = day([Plan::Count, Plan::Count]).await;
    // The last writes include the steps of stock. This is the first stop from the end that leaves
    // the run open with changed stock.
    for back in 2..14 {
        let mut shop = shop().await;
        let deps = shop.consolidate.clone();
        shop.start(Plan::StopAfter(writes - back));
        let died = consolidate::handle(&deps, shop.tick_event(), shop.world.deadline()).await.is_err();
        shop.start(Plan::Count);
        let moved = shop.world.level("p3").await.available() < 50;
        shop.world.clock.advance(SignedDuration::from_mins(10));
        let answer = shop.world.consolidation_tick().await.unwrap();
        if !(died && moved && answer["reason"] == "already_running") {
            continue;
        }
        shop.world.clock.advance(SignedDuration::from_mins(10));
        let answer = shop.world.consolidation_tick().await.unwrap();
        assert_eq!(crate::day::dates(&answer), [DATE]);
        assert_eq!(end(&shop).await.orders, 9);
        return;
    }
    panic!("no stop leaves a run that moved stock and is not over");
}
