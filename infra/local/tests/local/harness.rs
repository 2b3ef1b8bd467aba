//! Common parts of the tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use stevedore_local::{ApiClient, Options, Source, Stack};

/// Time limit of a wait before a test fails, long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);

/// A stack in memory, or in a folder, with a few generated orders, whose functions work under their
/// roles of the template.
pub(crate) fn options(data: Option<&Path>) -> Options {
    Options {
        data: data.map(Path::to_owned),
        source: Source::Generated { seed: Some(5), orders: Some(40) },
        requests_per_minute: None,
        roles: Some(stevedore_tests::role::role_of),
        ..Options::in_memory(Arc::new(jiff::Timestamp::now))
    }
}

/// All records of a list, page by page.
pub(crate) async fn all(api: &ApiClient, path: &str) -> Vec<Value> {
    let mut records = Vec::new();
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut token = String::new();
    loop {
        let reply = api.get(&format!("{path}{joint}limit=50{token}")).await.unwrap();
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        records.extend(reply.body["items"].as_array().unwrap().iter().cloned());
        match reply.body["next_page_token"].as_str() {
            Some(next) => token = format!("&page_token={next}"),
            None => return records,
        }
    }
}

/// `order id → (sale id, total)` of all sales.
pub(crate) async fn sales(api: &ApiClient) -> BTreeMap<u64, (String, String)> {
    let sales = all(api, "/v1/sales").await;
    let count = sales.len();
    let by_order: BTreeMap<u64, (String, String)> = sales
        .into_iter()
        .map(|sale| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (sale["source"]["order_id"].as_u64().unwrap(), (text(&sale["id"]), text(&sale["total"])))
        })
        .collect();
    assert_eq!(by_order.len(), count, "an order has two sales");
    by_order
}

/// Waits for `state`; `what` names the missing state in a failure.
pub(crate) async fn until<T, F>(what: &str, state: impl Fn() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = state().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// The counts of an operation add up to its total, and to the given one.
pub(crate) fn assert_counts(operation: &Value, total: usize) {
    let counts = operation["counts"].as_object().unwrap();
    let sum: u64 = counts.iter().filter(|(name, _)| *name != "total").map(|(_, count)| count.as_u64().unwrap()).sum();
    assert_eq!(counts["total"], sum, "{operation}");
    assert_eq!(usize::try_from(sum).unwrap(), total, "{operation}");
    assert_eq!(counts["queued"], 0, "{operation}");
}

/// The sandbox's orders that a first download reads: those changed in the day before the
/// connection.
pub(crate) fn in_first_window(stack: &Stack, connected: jiff::Timestamp) -> Vec<stevedore_sandbox::Order> {
    // ShipStation's filters use whole seconds, and a reading begins one second early.
    let from = jiff::Timestamp::from_second((connected - jiff::SignedDuration::from_hours(24)).as_second() - 1).unwrap();
    stack.sandbox().unwrap().orders().into_iter().filter(|order| order.modified >= from).collect()
}

pub(crate) async fn integrated_at(api: &ApiClient) -> jiff::Timestamp {
    api.get("/v1/connection").await.unwrap().body["integrated_at"].as_str().unwrap().parse().unwrap()
}

/// A file of this repository.
pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
