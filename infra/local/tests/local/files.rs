//! `--orders`: a merchant's own export, replayed.

use std::path::Path;

use rust_decimal::Decimal;
use serde_json::json;
use stevedore_local::{Options, Source, Stack};

use crate::harness::{PATIENCE, all, assert_counts, here, options, sales};

/// Loads all of a file over the API and compares every sale with its order.
async fn replay(path: &Path) -> (usize, Decimal) {
    let options = Options { source: Source::File(path.to_owned()), ..options(None) };
    let stack = Stack::start(options).await.unwrap();
    let api = stack.api();
    // The newest orders of the file are downloaded by the schedule's first tick.
    assert_eq!(stack.tick().await.unwrap()["ran"], true);
    stack.wait_until_idle(PATIENCE).await.unwrap();
    assert!(!sales(&api).await.is_empty());

    let orders = stack.sandbox().unwrap().orders();
    let oldest = orders.iter().map(|order| order.created).min().unwrap();
    let from = (oldest - jiff::SignedDuration::from_hours(24)).strftime("%F").to_string();
    let started = api.post("/v1/operations", &json!({"kind": "load_orders", "from": from})).await.unwrap();
    assert_eq!(started.status, 202, "{}", started.body);
    stack.wait_until_idle(PATIENCE).await.unwrap();
    let operation = api.get(&format!("/v1/operations/{}", started.body["id"].as_str().unwrap())).await.unwrap().body;
    assert_counts(&operation, orders.len());

    let sales = sales(&api).await;
    let log = all(&api, "/v1/log").await;
    let mut sum = Decimal::ZERO;
    for order in &orders {
        let entry =
            log.iter().find(|entry| entry["order_id"] == order.id).unwrap_or_else(|| panic!("order {} is not in the log", order.number));
        assert_eq!(entry["state"], "booked", "{entry}");
        let total: Decimal = sales[&order.id.cast_unsigned()].1.parse().unwrap();
        assert_eq!(total, order.total().unwrap(), "order {}", order.number);
        sum += total;
    }
    assert_eq!(sales.len(), orders.len());
    stack.stop().await;
    (sales.len(), sum)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shipstation_json_is_replayed_to_the_cent() {
    let (orders, sum) = Box::pin(replay(&here("tests/fixtures/orders.json"))).await;
    // 28.25 + 169.80 + 5.04, and for each 2.27 tax and 5.00 shipping.
    assert_eq!((orders, sum), (3, "224.90".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_csv_is_replayed_to_the_cent() {
    let path = here("../sandbox/tests/fixtures/retail.csv");
    let (orders, _) = Box::pin(replay(&path)).await;
    assert!(orders >= 5);
}

/// A real day, if its file is present.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_day_is_replayed_to_the_cent() {
    let Some(folder) = std::env::var_os("STEVEDORE_RETAIL_ORDERS") else {
        eprintln!("skipped: STEVEDORE_RETAIL_ORDERS names no folder");
        return;
    };
    let path = std::path::Path::new(&folder).join("2010-12-05.csv");
    let (orders, _) = Box::pin(replay(&path)).await;
    assert!(orders > 50);
}
