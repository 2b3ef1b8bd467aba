//! Roles: each function may make its calls, and no others.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use serde_json::json;
use serde_norway::Value;
use stevedore_aws::{Queues, Secrets, Table};
use stevedore_tests::calls::{Call, Recorder};
use stevedore_tests::role::{granted, role_of};

use super::reach::Reach;
use super::{FUNCTION, each, events, resources, role_statements, target, template, text};
use crate::flow::plain;
use crate::http::Http;
use crate::world::{Options, World};

#[test]
fn every_function_has_a_role_of_its_own_and_none_has_a_managed_policy() {
    let template = template();
    let functions = resources(&template, FUNCTION);
    let roles: BTreeSet<&str> = functions.iter().map(|(_, function)| target(&function["Role"])).collect();
    assert_eq!(roles.len(), functions.len());
    // The others are the schedules' and the pipe's.
    let written: BTreeSet<&str> = resources(&template, "AWS::IAM::Role").into_iter().map(|(name, _)| name).collect();
    let others: BTreeSet<&str> = written.difference(&roles).copied().collect();
    assert_eq!(others, BTreeSet::from(["EventPipeRole", "SchedulerRole"]));
    for (name, role) in resources(&template, "AWS::IAM::Role") {
        assert!(role.get("ManagedPolicyArns").is_none(), "{name}");
    }
}

#[test]
fn no_role_has_a_wildcard() {
    let template = template();
    for (role, statement) in role_statements(&template) {
        assert_eq!(text(&statement["Effect"]), "Allow", "{role}");
        assert!(statement.get("NotAction").is_none() && statement.get("NotResource").is_none(), "{role}");
        for part in each(&statement["Action"]).into_iter().chain(each(&statement["Resource"])) {
            assert!(!text(part).contains('*'), "{role}: {part:?}");
        }
    }
}

/// Calls that Lambda itself makes under a function's role: it takes messages from its queues and
/// writes its log.
fn done_by_lambda(template: &Value, function: &str) -> BTreeSet<Call> {
    let log = target(&template["Resources"][function]["Properties"]["LoggingConfig"]["LogGroup"]);
    let mut calls: BTreeSet<Call> = ["logs:CreateLogStream", "logs:PutLogEvents"].map(|action| (action.to_owned(), log.to_owned())).into();
    for (name, _, mapping) in events(template, "SQS") {
        if name == function {
            let actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
            calls.extend(actions.map(|action| (action.to_owned(), target(&mapping["Queue"]).to_owned())));
        }
    }
    calls
}

/// A world whose functions each have clients of their own that record their calls.
struct Recorded {
    world: World,
    api: Http,
    recorders: BTreeMap<&'static str, Recorder>,
}

impl Recorded {
    async fn new() -> Self {
        let mut world = World::new(Options { orders: 12, ..Options::default() }).await;
        let recorders: BTreeMap<&str, Recorder> = ["FetchOrders", "RunOperations", "ProcessOrders", "Consolidate", "Api"]
            .into_iter()
            .map(|function| (function, Recorder::default()))
            .collect();
        let clients = |function: &'static str| recorders[function].clients(world.engines.endpoint(), role_of(function));
        let (fetch, process) = (clients("FetchOrders"), clients("ProcessOrders"));
        let urls = world.queues.urls().clone();
        world.fetch.table = Table::new(&fetch, "stevedore");
        world.fetch.queues = Queues::new(&fetch, urls.clone());
        world.fetch.secrets = Secrets::new(&fetch, "stevedore");
        let run = clients("RunOperations");
        world.run.table = Table::new(&run, "stevedore");
        world.run.queues = Queues::new(&run, urls.clone());
        world.run.secrets = Secrets::new(&run, "stevedore");
        world.process.table = Table::new(&process, "stevedore");
        world.process.queues = Queues::new(&process, urls.clone());
        let consolidate = clients("Consolidate");
        world.consolidate.table = Table::new(&consolidate, "stevedore");
        world.consolidate.queues = Queues::new(&consolidate, urls.clone());
        let api = Http::of(&world, vec![recorders["Api"].interceptor()]);
        Self { world, api, recorders }
    }

    /// Reads every list and every record of the API, as far as they exist.
    async fn look_at_everything(&self) {
        let document = serde_json::to_value(api::openapi()).unwrap();
        let paths: Vec<&String> =
            document["paths"].as_object().unwrap().iter().filter(|(_, item)| item["get"].is_object()).map(|(path, _)| path).collect();
        for path in &paths {
            let Some((list, rest)) = path.split_once("/{") else {
                let (status, body, _) = self.api.call(Method::GET, path, None, None).await;
                assert!(status.is_success() || status == StatusCode::BAD_REQUEST, "GET {path}: {status} {body}");
                continue;
            };
            let (_, rest) = rest.split_once('}').unwrap();
            let (status, items, _) = self.api.call(Method::GET, list, None, None).await;
            let first = &items["items"][0];
            let id = ["id", "order_id"].into_iter().map(|name| &first[name]).find(|id| !id.is_null());
            if status.is_success()
                && let Some(id) = id
            {
                let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                self.api.call(Method::GET, &format!("{list}/{id}{rest}"), None, None).await;
            }
        }
    }
}

/// Every function in a merchant's flow: connect, set up, download, load, fail, redrive, disconnect.
async fn a_merchants_life() -> Recorded {
    let recorded = Recorded::new().await;
    let world = &recorded.world;
    // As in `main.rs`.
    for table in [&world.fetch.table, &world.run.table, &world.process.table, &world.consolidate.table] {
        table.ping().await.unwrap();
    }
    recorded.api.get("/v1/health").await;

    // A person rotates the key and completes the setup.
    let options = stevedore_sandbox::SandboxOptions::new(world.clock.clock());
    recorded.api.send(Method::PATCH, "/v1/connection", json!({"api_key": options.api_key, "api_secret": options.api_secret})).await;
    let account =
        recorded.api.send(Method::POST, "/v1/accounts", json!({"name": "More sales", "kind": "revenue", "receives_payments": false})).await;
    recorded.api.send(Method::POST, "/v1/customers", json!({"name": "Walk-in", "email": "walk-in@example.com"})).await;
    recorded.api.send(Method::POST, "/v1/products", json!({"sku": "SKU-1", "name": "One", "kind": "stock"})).await;
    let path = format!("/v1/accounts/{}", account["id"].as_str().unwrap());
    let (mut account, etag) = recorded.api.get(&path).await;
    account["name"] = json!("Even more sales");
    for member in ["id", "created_at"] {
        account.as_object_mut().unwrap().remove(member);
    }
    let (status, body, _) = recorded.api.call(Method::PUT, &path, etag.as_deref(), Some(account)).await;
    assert!(status.is_success(), "{status} {body}");
    let (mut settings, etag) = recorded.api.get("/v1/settings").await;
    settings["invoice_status"] = json!("authorised");
    let (status, body, _) = recorded.api.call(Method::PUT, "/v1/settings", etag.as_deref(), Some(settings)).await;
    assert!(status.is_success(), "{status} {body}");

    // Orders arrive, change, are cancelled, are too large, or cannot be booked.
    world.sandbox.upsert_order(plain("1001"));
    let huge = crate::world::order_id(world.sandbox.upsert_order(crate::flow_large::huge()));
    world.download().await;
    world.sandbox.upsert_order(plain("1001").line("SKU-2", 1, crate::world::dec("2.00")));
    world.next_hour().await;
    recorded.look_at_everything().await;

    // A person starts operations.
    recorded.api.send(Method::POST, "/v1/operations", json!({"kind": "load_order", "order_number": "1001"})).await;
    recorded.api.send(Method::POST, "/v1/operations", json!({"kind": "load_orders", "from": "2026-01-10"})).await;
    world.drain().await;
    recorded.api.send(Method::POST, "/v1/pending-orders/process", json!({})).await;
    world.drain().await;
    let (found, _) = recorded.api.get("/v1/log?order_number=1001").await;
    recorded.api.get("/v1/log?state=booked").await;
    let order = found["items"][0]["order_id"].to_string();
    let (status, body, _) = recorded.api.call(Method::DELETE, &format!("/v1/log/{order}"), None, None).await;
    assert!(status.is_success(), "{status} {body}");
    // A sale that is larger than an item is found again after its entry was deleted.
    let (status, body, _) = recorded.api.call(Method::DELETE, &format!("/v1/log/{huge}"), None, None).await;
    assert!(status.is_success(), "{status} {body}");
    world.next_hour().await;
    let (syncs, _) = recorded.api.get("/v1/accounting-syncs").await;
    let sync = syncs["items"][0]["id"].as_str().unwrap_or_else(|| panic!("no sync: {syncs}"));
    recorded.api.call(Method::POST, &format!("/v1/accounting-syncs/{sync}/acknowledge"), None, None).await;

    // Dead letters of both queues are listed and returned.
    let dead = world.queues.urls().dead_letters.clone();
    let urls = stevedore_aws::QueueUrls { orders: dead.clone(), commands: dead.clone(), consolidation: dead.clone(), dead_letters: dead };
    let bodies = ["not an order".to_owned(), r#"{"v":1,"command":"process_pending"}"#.to_owned()];
    Queues::new(&world.clients, urls).send_orders(&bodies).await.unwrap();
    recorded.api.get("/v1/dead-letters").await;
    recorded.api.send(Method::POST, "/v1/dead-letters/redrive", json!({})).await;
    world.drain().await;
    // Unreadable messages of every queue are sent to the dead letters by their function.
    let urls = world.queues.urls().clone();
    for queue in [&urls.commands, &urls.consolidation] {
        let urls = stevedore_aws::QueueUrls { orders: queue.clone(), ..urls.clone() };
        Queues::new(&world.clients, urls).send_orders(&["no command".to_owned()]).await.unwrap();
    }
    world.drain().await;

    // A day is consolidated: first out of time, then to its end.
    world.daily(13).await;
    world.sandbox.upsert_order(plain("2001"));
    world.download_now().await;
    world.clock.advance(jiff::SignedDuration::from_hours(25));
    let short = stevedore_lambda::Deadline::after(world.clock.now(), std::time::Duration::from_secs(10));
    consolidate::handle(&world.consolidate, world.tick_event(), short).await.unwrap();
    world.drain().await;
    recorded.api.send(Method::POST, "/v1/operations", json!({"kind": "consolidate"})).await;
    world.drain().await;

    // A download is interrupted and continues; then everything is disconnected.
    world.clock.advance(jiff::SignedDuration::from_hours(1));
    let short = stevedore_lambda::Deadline::after(world.clock.now(), std::time::Duration::from_secs(10));
    fetch_orders::handle(&world.fetch, world.tick_event(), short).await.unwrap();
    world.drain().await;
    recorded.look_at_everything().await;
    let (status, body, _) = recorded.api.call(Method::DELETE, "/v1/connection", None, Some(json!({"confirm": "disconnect"}))).await;
    assert!(status.is_success(), "{status} {body}");
    world.drain().await;
    recorded
}

/// Calls that the source reaches and no role grants, with reasons.
const NEVER: [(&str, &str, &str); 2] = [
    (
        "RunOperations",
        "secretsmanager:CreateSecret",
        "only where there is no secret yet: the template makes it, and a stack without it is to fail",
    ),
    ("Api", "secretsmanager:CreateSecret", "as above"),
];

/// The calls of a function by its source, and Lambda's calls under its role.
fn needed(template: &Value, reach: &Reach, name: &str, function: &Value) -> BTreeSet<Call> {
    let package = text(&function["FunctionName"]).strip_prefix("${AWS::StackName}-").unwrap();
    let mut needed = reach.of(package);
    for (_, action, _) in NEVER.iter().filter(|(of, ..)| *of == name) {
        let before = needed.len();
        needed.retain(|(needed, _)| needed != action);
        assert!(needed.len() < before, "{name} does not come to {action} any more");
    }
    needed.extend(done_by_lambda(template, name));
    needed
}

/// In both directions: a missing grant fails in AWS on the rare path that needs it, and an
/// additional one is a permission without a use.
#[test]
fn each_role_grants_what_its_function_can_call_and_nothing_else() {
    let template = template();
    let reach = Reach::read();
    let mut wrong = Vec::new();
    for (name, function) in resources(&template, FUNCTION) {
        let needed = needed(&template, &reach, name, function);
        assert!(needed.len() > 8, "{name} comes to nothing: {needed:?}");
        let granted = granted(&template, name);
        wrong.extend(needed.difference(&granted).map(|(action, resource)| format!("{name} lacks {action} on {resource}")));
        wrong.extend(granted.difference(&needed).map(|(action, resource)| format!("{name} does not use {action} on {resource}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The comparison above fails for each removed grant, including those that were once missing.
#[test]
fn a_grant_that_is_taken_away_is_missed() {
    let template = template();
    let reach = Reach::read();
    let calls: BTreeMap<&str, BTreeSet<Call>> =
        resources(&template, FUNCTION).into_iter().map(|(name, function)| (name, needed(&template, &reach, name, function))).collect();
    for (function, action, resource) in [
        ("Api", "dynamodb:UpdateItem", "Table"),
        ("Api", "dynamodb:ConditionCheckItem", "Table"),
        ("RunOperations", "dynamodb:DeleteItem", "Table"),
        ("FetchOrders", "dynamodb:ConditionCheckItem", "Table"),
        ("RunOperations", "secretsmanager:PutSecretValue", "ShipStationSecret"),
        ("RunOperations", "sqs:SendMessage", "ConsolidationQueue"),
    ] {
        assert!(calls[function].contains(&(action.to_owned(), resource.to_owned())), "{function} {action}: {:#?}", calls[function]);
    }
}

/// Reading the source finds every call of a merchant's flow, so it also covers the rare paths.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_says_everything_that_a_merchants_life_calls() {
    let template = template();
    let reach = Reach::read();
    let recorded = a_merchants_life().await;
    for (name, function) in resources(&template, FUNCTION) {
        let calls = recorded.recorders[name].calls();
        assert!(calls.len() > 3, "{name} did nothing");
        let needed = needed(&template, &reach, name, function);
        assert!(calls.is_subset(&needed), "{name}: {:#?}", calls.difference(&needed));
    }
}
