//! Every file of `events/` is sent to its function.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda_http::RequestExt as _;
use serde_json::{Value, json};
use stevedore_domain::log::{LogState, Trigger};
use stevedore_domain::operation::{Operation, OperationKind, OperationState, Window};
use stevedore_domain::pacific::PacificTime;
use stevedore_local::{Options, Source, Stack};
use tower::ServiceExt as _;

use crate::harness::{all, here, options, sales};

/// The events' own day.
fn now() -> jiff::Timestamp {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

fn event(name: &str) -> Value {
    let path = here("../../events").join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).unwrap()
}

fn batch(name: &str) -> SqsEvent {
    serde_json::from_value(event(name)).unwrap()
}

fn failed(response: &SqsBatchResponse) -> Vec<&str> {
    response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
}

/// On the events' day, with their three orders in the sandbox, and without pollers.
async fn stack(set_up: bool) -> Stack {
    let source = Source::File(here("tests/fixtures/orders.json"));
    let options = Options { source, clock: Arc::new(now), pollers: false, set_up, ..options(None) };
    Stack::start(options).await.unwrap()
}

async fn operation(stack: &Stack, id: &str, kind: OperationKind, state: OperationState, window: Option<Window>) {
    let operation = Operation {
        id: id.into(),
        kind,
        trigger: Trigger::Manual,
        by: "local".to_owned(),
        window,
        state,
        reason: None,
        message: None,
        counts: stevedore_domain::operation::Counts::default(),
        requests: 0,
        account: stevedore_domain::ids::ShipstationAccount::FIRST,
        pages: 0,
        position: None,
        started_at: now(),
        read_at: None,
        finished_at: None,
        work: None,
    };
    assert!(stack.table().create_operation(&operation).await.unwrap().is_some());
}

async fn queued(stack: &Stack) -> u64 {
    stack.queues().depth(&stack.queues().urls().orders).await.unwrap().visible
}

#[test]
fn every_event_file_has_its_test() {
    let used = include_str!("events.rs");
    let files = std::fs::read_dir(here("../../events")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = files.map(|file| file.strip_suffix(".json").unwrap_or(&file).to_owned()).collect();
    assert!(names.len() >= 15);
    for name in names {
        let function = name.split('.').next().unwrap();
        assert!(["fetch-orders", "run-operations", "process-orders", "consolidate", "api"].contains(&function), "{name} names no function");
        assert!(used.contains(&format!("(\"{name}\")")), "events/{name}.json is used by no test");
    }
}

/// With orders booked one by one there is no day to close, and both events have no effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_daily_consolidation_its_events_do_nothing() {
    let stack = stack(true).await;
    let answer = stack.consolidate(event("consolidate.tick")).await.unwrap();
    assert!(answer.is_object(), "{answer}");
    let answer = stack.consolidate(event("consolidate.continue")).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert!(stack.table().list_sales(&stevedore_aws::List { limit: 1, ..Default::default() }).await.unwrap().items.is_empty());
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tick_queues_what_changed() {
    let stack = stack(true).await;
    let answer = stack.fetch_orders(event("fetch-orders.tick")).await.unwrap();
    assert_eq!((&answer["ran"], &answer["state"]), (&json!(true), &json!("processing")));
    assert_eq!(queued(&stack).await, 3);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_from_a_day_queues_every_order_since() {
    let stack = stack(true).await;
    let from = jiff::civil::date(2026, 1, 14);
    operation(&stack, "20260115T090000000-load-orders", OperationKind::LoadOrders { from }, OperationState::Queued, None).await;
    let answer = stack.run_operations(event("run-operations.load-orders")).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(queued(&stack).await, 3);
    // Delivered again, it has no more work.
    stack.run_operations(event("run-operations.load-orders")).await.unwrap();
    assert_eq!(queued(&stack).await, 3);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_a_load_by_number_queues_that_order() {
    let stack = stack(true).await;
    // Without its record there is no work: the command returns to its queue, and finally goes to
    // the dead letters.
    let answer = stack.run_operations(event("run-operations.load-order")).await.unwrap();
    assert_eq!(answer["batchItemFailures"][0]["itemIdentifier"], "c0000000-0000-4000-8000-000000000002");
    let kind = OperationKind::LoadOrder { order_number: "HP-2002".to_owned() };
    operation(&stack, "20260115T090000000-load-order", kind, OperationState::Queued, None).await;
    let answer = stack.run_operations(event("run-operations.load-order")).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(queued(&stack).await, 1);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_off_download_continues() {
    let stack = stack(true).await;
    let from = PacificTime::at(now() - jiff::SignedDuration::from_hours(24));
    let window = Some(Window { from, until: None });
    operation(&stack, "20260115T090000000-download", OperationKind::Download, OperationState::Running, window).await;
    let answer = stack.run_operations(event("run-operations.continue")).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(queued(&stack).await, 3);
    stack.stop().await;
}

/// N2: an order from before the end of the tax mapping is remembered, and queued again afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n2_open_orders_are_queued_again() {
    let stack = stack(false).await;
    let api = stack.api();
    let credentials = json!({"api_key": "sandbox-key", "api_secret": "sandbox-secret", "modes": ["store"]});
    assert!(api.post("/v1/connection", &credentials).await.unwrap().is_success());
    let answer = stack.process_orders(batch("process-orders.one-order")).await.unwrap();
    assert!(failed(&answer).is_empty());
    let log = all(&api, "/v1/log").await;
    assert_eq!((log[0]["state"].as_str(), log[0]["reason"].as_str()), (Some("skipped"), Some("tax_mapping_unfinished")));
    stack.run_operations(event("run-operations.process-pending")).await.unwrap();
    assert_eq!(queued(&stack).await, 0);

    let rule = api.post("/v1/tax_rules", &json!({"name": "Sales tax", "components": []})).await.unwrap();
    let place = api.post("/v1/locations", &json!({"name": "Reno"})).await.unwrap();
    let settings = api.get("/v1/settings").await.unwrap();
    let mut document = settings.body.clone();
    document["tax"]["default_rule"] = rule.body["id"].clone();
    document["location_map"]["default"] = place.body["id"].clone();
    let written = api.put("/v1/settings", &document, settings.etag().unwrap()).await.unwrap();
    assert!(written.is_success(), "{}", written.body);
    let answer = stack.run_operations(event("run-operations.process-pending")).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(queued(&stack).await, 1);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_nobody_confirmed_or_knows_do_no_harm() {
    let stack = stack(true).await;
    let answer = stack.run_operations(event("run-operations.disconnect")).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(stack.api().get("/v1/connection").await.unwrap().body["state"], "connected");
    let answer = stack.run_operations(event("run-operations.unknown-command")).await.unwrap();
    // It can never be processed, so it is a dead letter at once.
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(all(&stack.api(), "/v1/dead-letters").await.len(), 1);
    stack.stop().await;
}

/// P1: the same order again, as a redelivery and as another message, changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_one_order_becomes_one_sale_however_often_it_comes() {
    let stack = stack(true).await;
    let api = stack.api();
    assert!(failed(&stack.process_orders(batch("process-orders.one-order")).await.unwrap()).is_empty());
    let once = sales(&api).await;
    assert_eq!(once.values().collect::<Vec<_>>(), [&("SO-480200001".to_owned(), "35.52".to_owned())]);
    let log = all(&api, "/v1/log").await;
    assert!(failed(&stack.process_orders(batch("process-orders.redelivered")).await.unwrap()).is_empty());
    assert_eq!((sales(&api).await, all(&api, "/v1/log").await), (once.clone(), log));
    // Cancelled in ShipStation afterwards: the sale stays, and the entry has a warning
    // (docs/requirements.md, section 9).
    assert!(failed(&stack.process_orders(batch("process-orders.cancelled-after-booking")).await.unwrap()).is_empty());
    assert_eq!(sales(&api).await, once);
    let log = all(&api, "/v1/log").await;
    assert_eq!(log[0]["revisions"].as_array().unwrap().len(), 2);
    assert!(log[0]["warnings"].to_string().contains("cancelled_after_booking"), "{}", log[0]);
    stack.stop().await;
}

/// N11: an unreadable message goes to the dead letters alone; the others of its batch are booked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n11_a_malformed_message_costs_itself_only() {
    let stack = stack(true).await;
    let api = stack.api();
    let answer = stack.process_orders(batch("process-orders.batch")).await.unwrap();
    assert!(failed(&answer).is_empty());
    assert_eq!(all(&api, "/v1/dead-letters").await.len(), 1);
    assert_eq!(sales(&api).await.into_keys().collect::<Vec<_>>(), [480_200_002, 480_200_003]);
    let answer = stack.process_orders(batch("process-orders.unknown-version")).await.unwrap();
    assert!(failed(&answer).is_empty());
    let entry = all(&api, "/v1/log?order_number=HP-2002").await;
    assert_eq!(entry[0]["state"], serde_json::to_value(LogState::Booked).unwrap());
    stack.stop().await;
}

/// The event as API Gateway sends it, through the API under Lambda's runtime.
async fn answer(stack: &Stack, event: &Value) -> (u16, Value) {
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    assert_eq!(request.raw_http_path(), event["rawPath"]);
    let (head, body) = request.into_parts();
    let request = axum::http::Request::from_parts(head, axum::body::Body::from(body.to_vec()));
    let response = stack.router(api::Access::Claims { also: None }).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn api_gateways_events_reach_the_api() {
    let stack = stack(true).await;
    stack.process_orders(batch("process-orders.batch")).await.unwrap();
    let (status, health) = answer(&stack, &event("api.health")).await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")));
    let (status, sales) = answer(&stack, &event("api.list-sales")).await;
    assert_eq!((status, sales["items"].as_array().unwrap().len()), (200, 2));
    let (status, problem) = answer(&stack, &event("api.start-operation-forbidden")).await;
    assert_eq!((status, problem["status"].as_u64()), (403, Some(403)));
    assert!(all(&stack.api(), "/v1/operations").await.is_empty());
    stack.stop().await;
}
