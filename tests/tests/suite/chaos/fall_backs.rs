//! Orders that fall back while they wait for their day, and come again: stopped before and after
//! every write and with every reply lost, the days are the undisturbed ones.

use jiff::SignedDuration;
use stevedore_domain::ids::{StoreId, TagId};
use stevedore_sandbox::Json;

use super::breaker::Plan;
use super::days::consolidate;
use super::end::{End, end};
use super::lineage::{download, runtime};
use super::process::Shop;
use super::stops::every;
use crate::flow_stage::{EXCLUDED_STORE, EXCLUDED_TAG, FALLS, of};
use crate::world::Options;

/// Orders 1 to 5 wait for their day. 2 to 5 fall back, the day runs, they come again, and the next
/// day runs. A plan for each of the four.
async fn live(plans: [Plan; 4]) -> (End, [u64; 4]) {
    let mut shop = Shop::new(Options::default()).await;
    shop.world.daily(18).await;
    shop.world
        .settings(|settings| {
            settings.exclude_tags = vec![TagId(EXCLUDED_TAG)];
            settings.exclude_stores = vec![StoreId(EXCLUDED_STORE)];
        })
        .await;
    let mut writes = [0; 4];
    for id in 1..=5 {
        shop.world.sandbox.upsert_order(of(id));
    }
    shop.world.download().await;
    shop.world.clock.advance(SignedDuration::from_mins(1));
    let before: Vec<Json> = FALLS.iter().map(|(id, ..)| crate::flow_lineage::shown(&shop.world, *id)).collect();
    for (id, fall, _) in FALLS {
        shop.world.sandbox.edit_order(id, fall);
    }
    let [falling, day, returning, next_day] = plans;
    shop.start(falling);
    download(&mut shop).await;
    writes[0] = shop.breaker.writes();
    // What recovering takes must not show in the dates.
    shop.at(SignedDuration::from_hours(12));
    shop.start(day);
    run_the_day(&mut shop).await;
    writes[1] = shop.breaker.writes();
    shop.at(SignedDuration::from_hours(24));
    for (order, (id, ..)) in before.into_iter().zip(FALLS) {
        shop.world.sandbox.edit_order(id, |now| *now = order);
    }
    shop.start(returning);
    download(&mut shop).await;
    writes[2] = shop.breaker.writes();
    shop.at(SignedDuration::from_hours(36));
    shop.start(next_day);
    run_the_day(&mut shop).await;
    writes[3] = shop.breaker.writes();
    shop.start(Plan::Count);
    (end(&shop).await, writes)
}

async fn run_the_day(shop: &mut Shop) {
    let deps = shop.consolidate.clone();
    consolidate(shop, &deps).await;
}

/// N2, N12, S18, S23, P1, P4: an order that is put on hold, unpaid or excluded while it waits is
/// not in the day, and in the next one once it came again.
#[test]
fn n12_orders_that_fall_back_before_their_day_end_the_same_wherever_it_stops() {
    let (expected, writes) = runtime().block_on(live([Plan::Count, Plan::Count, Plan::Count, Plan::Count]));
    let days: Vec<(&str, i64)> = expected.sales.iter().map(|(id, sale)| (id.as_str(), sale["total"].as_i64().unwrap())).collect();
    assert_eq!(days, [("DAY-2026-01-15", 1000), ("DAY-2026-01-16", 4000)]);
    let states: Vec<_> =
        expected.log.values().map(|entry| (entry["state"].as_str().unwrap(), entry["sale_id"].as_str().unwrap())).collect();
    let second = ("booked", "DAY-2026-01-16");
    assert_eq!(states, [("booked", "DAY-2026-01-15"), second, second, second, second]);
    assert!(writes.iter().all(|writes| *writes > 3), "{writes:?}");
    let plans: Vec<Vec<Plan>> = writes
        .iter()
        .map(|writes| (1..=*writes).flat_map(|k| [Plan::StopBefore(k), Plan::StopAfter(k), Plan::LoseReply(k)]).collect())
        .collect();
    // Each stop in the long form, and every fourth otherwise: before, after and without reply in turns.
    let step = if std::env::var_os("STEVEDORE_LONG").is_some() { 1 } else { 4 };
    let longest = plans.iter().map(Vec::len).max().unwrap();
    every(longest.div_ceil(step), |trial| {
        let trial = trial * step;
        let (plans, expected) = (&plans, &expected);
        async move {
            let plan = |stage: usize| plans[stage].get(trial).cloned().unwrap_or_default();
            let what = format!("{:?}", [plan(0), plan(1), plan(2), plan(3)]);
            let (end, _) = live([plan(0), plan(1), plan(2), plan(3)]).await;
            end.compare(expected, &what);
        }
    });
}
