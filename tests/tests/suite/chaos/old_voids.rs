//! Voids that an earlier release began, in steps before it wrote that the sale is void, and that
//! were cut off: each goes forward, wherever it is stopped again.

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::json;
use stevedore_domain::log::LogState;
use stevedore_domain::reason::Reason;

use super::breaker::Plan;
use super::large_voids::{LARGE, PRODUCTS, shipped, void};
use super::process::Shop;
use super::stops::every;
use crate::http::Http;
use crate::raw;
use crate::stock::{check, levels};
use crate::world::LOCATION;

/// Units of each product that the sale has shipped.
const SHIPPED: i64 = 10;
/// The product of which a unit is gone.
const GONE: &str = "p4";

/// A shop whose large sale an earlier release began to void: two of three steps have given their
/// units back, then it was cut off. The units of one product left the house since, so that its step
/// cannot be undone.
async fn cut_off() -> Shop {
    let mut shop = shipped().await;
    // The present release stores the steps before it writes the sale. They have the form that the
    // earlier one's markers had.
    shop.start(Plan::StopBefore(2));
    assert!(void(&shop.fetch.table, shop.now()).await.is_err());
    shop.start(Plan::Count);
    let world = &shop.world;
    let (pk, now) = (format!("SALE#SO-{LARGE}"), shop.now());
    let mut steps: Vec<String> =
        raw::keys(world).await.into_iter().filter(|key| key.0 == pk && key.1.starts_with("GIVE#")).map(|key| key.1).collect();
    steps.sort();
    assert_eq!(steps.len(), PRODUCTS.div_ceil(3));
    for (number, sk) in steps.iter().enumerate() {
        let mut step = raw::item(world, &pk, sk).await.unwrap();
        raw::delete(world, &pk, sk).await;
        if number == 2 {
            continue;
        }
        step["sk"] = json!({ "S": format!("STEP#old-work#{number:04}") });
        step["entity"] = json!({ "S": "stock_step" });
        step.as_object_mut().unwrap().remove("at");
        raw::put(world, &step).await;
        for product in number * 3..number * 3 + 3 {
            let mut level = raw::item(world, &format!("STOCK#p{product}"), &format!("LEVEL#{LOCATION}")).await.unwrap();
            for counter in ["on_hand", "unpicked", "available"] {
                let there: i64 = level[counter]["N"].as_str().unwrap().parse().unwrap();
                level[counter] = json!({ "N": (there + SHIPPED).to_string() });
            }
            raw::put(world, &level).await;
        }
    }
    let mut head = raw::item(world, &pk, "HEAD").await.unwrap();
    assert!(head.get("work").is_none(), "{head}");
    for (name, value) in [
        ("work", json!({"S": "old-work"})),
        ("work_until", json!({"S": now.to_string()})),
        ("building", json!({"BOOL": false})),
        ("s_pk", json!({"S": "SALE#work"})),
        ("s_sk", json!({"S": format!("{}#SO-{LARGE}", now.strftime("%Y%m%dT%H%M%S.%6f"))})),
    ] {
        head[name] = value;
    }
    raw::put(world, &head).await;
    assert!(matches!(world.adjust(GONE, -SHIPPED).await, stevedore_aws::AdjustmentOutcome::Written(_)));
    shop.world.clock.advance(SignedDuration::from_mins(10));
    shop
}

/// The sale is void, each product came back once, and nothing is left to be done.
async fn is_void(shop: &Shop, what: &str) {
    let world = &shop.world;
    let sale = world.sale(LARGE).await;
    assert!(sale.voided_at.is_some(), "{what}: the sale stands");
    let entry = world.logged(LARGE).await.unwrap();
    assert_eq!((entry.state, entry.reason), (LogState::Voided, Some(Reason::SaleVoided)), "{what}");
    for number in 0..PRODUCTS {
        let product = format!("p{number}");
        let level = world.level(&product).await;
        let there = if product == GONE { 0 } else { SHIPPED };
        assert_eq!((level.on_hand, level.unpicked, level.allocated), (there, there, 0), "{what}: {product}");
    }
    check(&world.table, &levels(&world.table).await).await;
    let mended = world.table.recover_abandoned(world.clock.now()).await.unwrap();
    assert!(mended.sales == 0 && mended.failed.is_empty(), "{what}: {mended:?}");
}

/// P4, P5: the tick completes such a void, and downloads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_a_void_that_an_earlier_release_left_is_completed_by_the_tick() {
    let shop = cut_off().await;
    shop.world.clock.advance(SignedDuration::from_hours(1));
    let answer = shop.tick(&shop.tick_event()).await.unwrap();
    assert_eq!(answer["ran"], true);
    is_void(&shop, "by the tick").await;
}

/// P4: a person who asks for the void once more has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_a_void_that_an_earlier_release_left_is_completed_by_a_person() {
    let shop = cut_off().await;
    let http = Http::of(&shop.world, Vec::new());
    let sale = http.send(Method::POST, &format!("/v1/sales/SO-{LARGE}/void"), json!({})).await;
    assert_eq!(sale["status"], "voided", "{sale}");
    is_void(&shop, "by a person").await;
}

/// P4: steps that are all there can still be undone, and the sale stands as before; the void is
/// then made as the present release makes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_a_void_that_an_earlier_release_left_and_that_can_be_undone_is_undone() {
    let shop = cut_off().await;
    shop.world.adjust(GONE, SHIPPED).await;
    let mended = shop.world.table.recover_abandoned(shop.now()).await.unwrap();
    assert!(mended.sales == 1 && mended.failed.is_empty(), "{mended:?}");
    assert!(shop.world.sale(LARGE).await.voided_at.is_none());
    check(&shop.world.table, &levels(&shop.world.table).await).await;
}

async fn stopped(plan: Plan) -> u64 {
    let mut shop = cut_off().await;
    shop.start(plan.clone());
    drop(void(&shop.fetch.table, shop.now()).await);
    let writes = shop.breaker.writes();
    shop.start(Plan::Count);
    shop.world.clock.advance(SignedDuration::from_mins(10));
    let done = void(&shop.fetch.table, shop.now()).await;
    assert!(done.is_ok(), "{plan:?}: {done:?}");
    is_void(&shop, &format!("{plan:?}")).await;
    writes
}

/// N12, P4, P5: stopped before and after every write of that, and with every reply lost, it ends
/// the same.
#[test]
fn n12_a_void_that_an_earlier_release_left_ends_the_same_wherever_it_stops() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let writes = runtime.block_on(stopped(Plan::Count));
    assert!(writes >= 4, "{writes} writes");
    let plans: Vec<Plan> = (1..=writes).flat_map(|k| [Plan::StopBefore(k), Plan::StopAfter(k), Plan::LoseReply(k)]).collect();
    every(plans.len(), |number| {
        let plan = plans[number].clone();
        async move {
            stopped(plan).await;
        }
    });
}
