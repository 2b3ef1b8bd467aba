//! From the sandbox to sales, over HTTP.

use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::json;
use stevedore_local::{Options, Source, Stack};

use crate::harness::{PATIENCE, all, assert_counts, in_first_window, integrated_at, options, sales, until};

/// S113, S153: one tick, and every order of ShipStation is accounted for; each sale equals its
/// order to the cent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s113_s153_a_tick_turns_orders_into_sales_that_equal_them() {
    let stack = Stack::start(options(None)).await.unwrap();
    let api = stack.api();
    let answer = stack.tick().await.unwrap();
    assert_eq!(answer["ran"], true);
    stack.wait_until_idle(PATIENCE).await.unwrap();

    let orders = in_first_window(&stack, integrated_at(&api).await);
    assert!(orders.len() > 20);
    let operations = all(&api, "/v1/operations").await;
    assert_eq!(operations.len(), 1);
    assert_eq!((operations[0]["kind"].as_str(), operations[0]["state"].as_str()), (Some("download"), Some("completed")));
    assert_counts(&operations[0], orders.len());

    let log = all(&api, "/v1/log").await;
    let sales = sales(&api).await;
    assert_eq!(log.iter().filter(|entry| entry["state"] == "booked").count(), sales.len());
    assert_eq!(sales.len() as u64, operations[0]["counts"]["captured"].as_u64().unwrap());
    assert!(sales.len() > 15);
    for (order_id, (_, total)) in &sales {
        let order = orders.iter().find(|order| order.id.cast_unsigned() == *order_id).expect("a sale without its order");
        assert_eq!(order.total().unwrap(), total.parse::<Decimal>().unwrap(), "order {order_id}");
    }
    // Set up like a person's system: some lines found a product, and the stores' names became sales
    // representatives.
    let all_sales = all(&api, "/v1/sales").await;
    let lines = all_sales.iter().flat_map(|sale| sale["lines"].as_array().unwrap());
    assert!(lines.filter(|line| !line["product_id"].is_null()).count() > 0);
    assert!(all_sales.iter().any(|sale| sale["sales_representative"] == "Harbor & Pine Web Shop"));
    stack.stop().await;
}

/// The schedule works automatically as time passes, on a clock that runs fast.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s104_the_schedule_downloads_again_and_again() {
    // An invocation's 15 minutes are then 6 seconds: enough on a busy machine.
    let options = Options { schedule: true, speed: 150, arrivals_per_hour: 600, ..options(None) };
    let stack = Stack::start(options).await.unwrap();
    let api = stack.api();
    let done = until("three finished downloads", || async {
        let operations = all(&api, "/v1/operations").await;
        let done: Vec<_> = operations.into_iter().filter(|operation| operation["state"] == "completed").collect();
        (done.len() >= 3).then_some(done)
    })
    .await;
    for operation in &done {
        assert_eq!(operation["trigger"], "schedule");
        let total = operation["counts"]["total"].as_u64().unwrap();
        assert_counts(operation, usize::try_from(total).unwrap());
    }
    stack.stop().await;
}

/// `--no-schedule`: nothing runs unless it is started over the API (S114, N6).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s114_without_the_schedule_a_person_loads_orders() {
    let stack = Stack::start(options(None)).await.unwrap();
    let api = stack.api();
    let orders = stack.sandbox().unwrap().orders();
    let order = orders.iter().find(|order| order.status == "shipped").unwrap();
    assert!(all(&api, "/v1/operations").await.is_empty());
    let started = api.post("/v1/operations", &json!({"kind": "load_order", "order_number": order.number})).await.unwrap();
    assert_eq!(started.status, 202, "{}", started.body);
    stack.wait_until_idle(PATIENCE).await.unwrap();
    let id = started.body["id"].as_str().unwrap();
    let operation = api.get(&format!("/v1/operations/{id}")).await.unwrap().body;
    assert_eq!(operation["state"], "completed");
    let same_number = orders.iter().filter(|other| other.number == order.number).count();
    assert_counts(&operation, same_number);
    assert!(sales(&api).await.contains_key(&order.id.cast_unsigned()));
    stack.stop().await;
}

/// N11, and docs/requirements.md, section 13: a message that cannot be read goes to the dead
/// letters with its text, and the others are booked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_an_unreadable_message_ends_among_the_dead_letters_alone() {
    // Such a message is given up at its first delivery. The orders beside it have the time that a
    // busy machine needs.
    let options = Options { speed: 60, visibility: Duration::from_secs(20), ..options(None) };
    let stack = Stack::start(options).await.unwrap();
    let api = stack.api();
    stack.queues().send_orders(&["hello".to_owned()]).await.unwrap();
    stack.tick().await.unwrap();
    let letters = until("the dead letter", || async {
        let letters = all(&api, "/v1/dead-letters").await;
        (!letters.is_empty()).then_some(letters)
    })
    .await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["body"], "hello");
    stack.wait_until_idle(PATIENCE).await.unwrap();
    assert!(sales(&api).await.len() > 15);
    stack.stop().await;
}

/// Another ShipStation: nothing is connected until a person connects it, and a tick reports that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_another_shipstation_nothing_is_connected() {
    let shop = Stack::start(options(None)).await.unwrap();
    let url = {
        // The other stack's sandbox represents another ShipStation.
        let served = shop.sandbox().unwrap().serve(0).await.unwrap();
        let options = Options { source: Source::ShipStation(served.base_url().to_owned()), ..options(None) };
        let stack = Stack::start(options).await.unwrap();
        assert!(stack.sandbox().is_none());
        let api = stack.api();
        assert_eq!(stack.tick().await.unwrap()["reason"], "not_connected");
        let wrong = api.post("/v1/connection", &json!({"api_key": "a", "api_secret": "b", "modes": ["store"]})).await.unwrap();
        assert_eq!((wrong.status, wrong.body["code"].as_str()), (422, Some("shipstation_refused_credentials")));
        let right = json!({"api_key": "sandbox-key", "api_secret": "sandbox-secret", "modes": ["store"]});
        assert!(api.post("/v1/connection", &right).await.unwrap().is_success());
        assert_eq!(stack.tick().await.unwrap()["ran"], true);
        stack.stop().await;
        served.base_url().to_owned()
    };
    assert!(url.starts_with("http://127.0.0.1:"));
    shop.stop().await;
}

/// Lines of the terminal: the addresses, each step of the set-up, each order once, each operation
/// at its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_told_as_it_happens() {
    use stevedore_local::Progress;
    let (progress, mut news) = tokio::sync::mpsc::unbounded_channel();
    let stack = Stack::start(Options { progress: Some(progress), ..options(None) }).await.unwrap();
    stack.tick().await.unwrap();
    stack.wait_until_idle(PATIENCE).await.unwrap();
    let sales = sales(&stack.api()).await;
    stack.stop().await;
    let (mut told, mut orders, mut operations) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(news) = news.recv().await {
        match news {
            Progress::Ready(addresses) => told.push(addresses.api),
            Progress::Step(step) => told.push(step),
            Progress::Order(line) => orders.push(line),
            Progress::Operation(line) => operations.push(line.operation),
            other => panic!("{other:?}"),
        }
    }
    assert!(told[0].starts_with("http://127.0.0.1:"));
    assert!(told.iter().any(|step| step.contains("POST /v1/connection")) && told.iter().any(|step| step.contains("PUT /v1/settings")));
    let booked = orders.iter().filter(|line| line.state == stevedore_domain::log::LogState::Booked).count();
    assert_eq!(booked, sales.len());
    assert!(orders.iter().all(|line| line.time_zone == "America/New_York" && !line.store.is_empty()));
    assert_eq!(operations.len(), 1);
    assert!(operations[0].state.is_final());
}

/// Roles limit the functions of a stack as in AWS: with the role of process-orders, which may not
/// use the secret, nothing is connected.
#[tokio::test(flavor = "multi_thread")]
async fn functions_work_under_the_roles_that_a_test_brings() {
    let roles: Option<fn(&'static str) -> _> = Some(|_| stevedore_tests::role::role_of("ProcessOrders"));
    let stack = Stack::start(Options { roles, set_up: false, ..options(None) }).await.unwrap();
    let credentials = json!({ "api_key": "sandbox-key", "api_secret": "sandbox-secret" });
    let reply = stack.api().post("/v1/connection", &credentials).await.unwrap();
    assert_eq!(reply.status, 503, "{}", reply.body);
    stack.stop().await;
}
