//! State after a restart, and state after `--fresh`.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use stevedore_aws::{Cursor, Lease};
use stevedore_local::{Options, Stack};

use crate::harness::{PATIENCE, all, assert_counts, in_first_window, integrated_at, options, sales};

fn kept(folder: &Path) -> Options {
    Options { token: None, entropy: [7; 16], source: stevedore_local::Source::Kept, ..options(Some(folder)) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_everything_and_makes_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let first = Stack::start(Options { token: None, entropy: [3; 16], ..options(Some(folder.path())) }).await.unwrap();
    first.tick().await.unwrap();
    first.wait_until_idle(PATIENCE).await.unwrap();
    let (token, before) = (first.token().to_owned(), sales(&first.api()).await);
    let (log, connected) = (all(&first.api(), "/v1/log").await, integrated_at(&first.api()).await);
    assert!(before.len() > 15);
    first.stop().await;

    let second = Stack::start(kept(folder.path())).await.unwrap();
    let api = second.api();
    assert_eq!(second.token(), token);
    assert_eq!(integrated_at(&api).await, connected);
    assert_eq!(all(&api, "/v1/locations").await.len(), 4);
    assert_eq!(all(&api, "/v1/settings/history").await.len(), 1);
    // All of it once more, by hand: the same orders, and none of them new.
    let from = (connected - jiff::SignedDuration::from_hours(96)).strftime("%F").to_string();
    let started = api.post("/v1/operations", &json!({"kind": "load_orders", "from": from})).await.unwrap();
    assert_eq!(started.status, 202, "{}", started.body);
    second.wait_until_idle(PATIENCE).await.unwrap();
    let operation = api.get(&format!("/v1/operations/{}", started.body["id"].as_str().unwrap())).await.unwrap().body;
    assert_counts(&operation, second.sandbox().unwrap().orders().len());
    assert_eq!(operation["counts"]["unchanged"].as_u64().unwrap(), log.len() as u64, "{operation}");
    let after = sales(&api).await;
    for (order, sale) in &before {
        assert_eq!(after.get(order), Some(sale));
    }
    assert_eq!(after.len() as u64, before.len() as u64 + operation["counts"]["captured"].as_u64().unwrap());
    second.stop().await;
}

/// P4 on one machine: killed with queued and running messages, nothing is lost or doubled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_stack_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than an order takes on a busy machine, because an order that is delivered five times
    // becomes a dead letter.
    let fast = |options| Options { speed: 60, visibility: Duration::from_secs(8), ..options };
    let first = Stack::start(fast(options(Some(folder.path())))).await.unwrap();
    first.tick().await.unwrap();
    // Queued, and some of them running. The stack is killed.
    let connected = integrated_at(&first.api()).await;
    drop(first);

    let second = Stack::start(fast(kept(folder.path()))).await.unwrap();
    second.wait_until_idle(PATIENCE).await.unwrap();
    let api = second.api();
    let operations = all(&api, "/v1/operations").await;
    assert_eq!(operations.len(), 1);
    assert_counts(&operations[0], in_first_window(&second, connected).len());
    let (log, sales) = (all(&api, "/v1/log").await, sales(&api).await);
    assert_eq!(log.iter().filter(|entry| entry["state"] == "booked").count(), sales.len());
    assert!(sales.len() > 15);
    second.stop().await;
}

/// A download that was killed while it read leaves its lease. The next start does not wait for its
/// end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_that_was_killed_is_made_up_for_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let first = Stack::start(options(Some(folder.path()))).await.unwrap();
    let now = (first.clock())();
    let lease = Lease { operation_id: "20260115T090000000-download".into(), until: now + jiff::SignedDuration::from_mins(16) };
    let cursor = Cursor { last_tick: Some(now), lease: Some(lease), ..Cursor::default() };
    let version = first.table().cursor().await.unwrap().version;
    assert!(first.table().put_cursor(&cursor, version).await.unwrap().is_some());
    assert_eq!(first.tick().await.unwrap()["ran"], false);
    drop(first);
    let second = Stack::start(kept(folder.path())).await.unwrap();
    assert_eq!(second.tick().await.unwrap()["ran"], true);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fresh_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let first = Stack::start(Options { token: None, entropy: [3; 16], ..options(Some(folder.path())) }).await.unwrap();
    first.tick().await.unwrap();
    first.wait_until_idle(PATIENCE).await.unwrap();
    let token = first.token().to_owned();
    assert!(!sales(&first.api()).await.is_empty());
    first.stop().await;
    std::fs::write(folder.path().join("notes.txt"), "not ours").unwrap();

    let second = Stack::start(Options { fresh: true, ..kept(folder.path()) }).await.unwrap();
    let api = second.api();
    assert_ne!(second.token(), token);
    assert!(sales(&api).await.is_empty() && all(&api, "/v1/log").await.is_empty() && all(&api, "/v1/operations").await.is_empty());
    // Set up again, and able to work.
    assert_eq!(second.tick().await.unwrap()["ran"], true);
    second.stop().await;
    assert!(folder.path().join("notes.txt").exists());
}

/// A set-up that stopped half way, because ShipStation refused the credentials, continues at the
/// next start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_set_up_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = Stack::start(Options { set_up: false, ..options(Some(folder.path())) }).await.unwrap();
    let api = first.api();
    let made = api.post("/v1/locations", &json!({"name": "Newark"})).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    first.stop().await;
    let second = Stack::start(kept(folder.path())).await.unwrap();
    let api = second.api();
    assert_eq!(api.get("/v1/connection").await.unwrap().body["state"], "connected");
    let names: Vec<_> = all(&api, "/v1/locations").await.iter().map(|location| location["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names.iter().filter(|name| *name == "Newark").count(), 1);
    assert_eq!(names.len(), 4);
    second.stop().await;
}

/// The environment file is all that the functions need in other programs on this machine, and only
/// its owner can read it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_file_configures_the_functions() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(Options { set_up: false, ..options(Some(folder.path())) }).await.unwrap();
    let path = folder.path().join("lambda.env");
    let text = std::fs::read_to_string(&path).unwrap();
    let variables = || text.lines().map(|line| line.split_once('=').unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = stevedore_lambda::Config::from_vars(variables()).unwrap();
    assert_eq!(config.orders_queue_url, stack.queues().urls().orders);
    assert!(config.api_token.is_some());
    let value = |wanted: &str| variables().find(|(name, _)| name == wanted).unwrap().1;
    assert_eq!(value("AWS_ENDPOINT_URL"), stack.engines().unwrap().endpoint());
    for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        assert!(!value(name).is_empty());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    }
    stack.stop().await;
}
