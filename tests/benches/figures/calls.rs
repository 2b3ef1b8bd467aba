//! Cost of a call of the API: requests to AWS, read units, and instructions of the function itself.

use std::process::Command;
use std::sync::Arc;

use api::{Access, Deps, Grade};
use axum::body::Body;
use axum::http::Request;
use stevedore_aws::{ClientOptions, Clients, List, QueueSettings, Queues, Secrets, Table, create_queues};
use stevedore_lambda::Clock;
use tower::ServiceExt as _;

use crate::counting::Counter;
use crate::flow;
use crate::world::World;

/// Orders behind the lists.
const ORDERS: usize = 1_000;
const TOKEN: &str = "token-of-the-benchmark";

/// One call.
pub struct Call {
    pub name: &'static str,
    pub dynamodb: u64,
    pub other: u64,
    pub read_units: f64,
    pub bytes: usize,
    /// `None` without the profiler.
    pub instructions: Option<u64>,
}

fn router(clients: &Clients, table: Table, queues: Queues, clock: Clock) -> axum::Router {
    let shipstation =
        stevedore_shipstation::ClientOptions::new("http://127.0.0.1:1/", stevedore_shipstation::http_client().unwrap(), clock.clone());
    let deps = Deps {
        table,
        queues,
        secrets: Secrets::new(clients, "stevedore"),
        shipstation: stevedore_shipstation::Client::new(shipstation),
        clock,
        access: Access::Tokens(vec![(TOKEN.to_owned().into(), Grade::Configure)]),
        sign_in: None,
    };
    api::router(Arc::new(deps))
}

async fn ask(router: &axum::Router, path: &str) -> usize {
    let request = Request::get(path).header("authorization", format!("Bearer {TOKEN}")).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().len()
}

/// Part that runs under the profiler: the API against engines in another process.
pub async fn profiled(engines: &str, now: &str, path: &str, rounds: usize) {
    let now: jiff::Timestamp = now.parse().unwrap();
    let clients = Clients::at_endpoint(engines, ClientOptions::default());
    let queues = Queues::new(&clients, create_queues(&clients, &QueueSettings::default()).await.unwrap());
    let router = router(&clients, Table::new(&clients, "stevedore"), queues, Arc::new(move || now));
    for _ in 0..rounds {
        ask(&router, path).await;
    }
}

/// Calls by name, over a thousand booked orders.
pub async fn measure() -> Vec<Call> {
    let counter = Counter::default();
    let world = flow::world(flow::options(ORDERS, &counter)).await;
    world.tick().await.unwrap();
    while world.deliver_orders().await > 0 {}
    let page = world.table.list_sales(&List { limit: 1, ..List::default() }).await.unwrap();
    let sale = page.items.first().unwrap().sale.clone();
    let operation = world.table.list_operations(&List { limit: 1, ..List::default() }).await.unwrap().items.remove(0).id;
    world.table.settle_operation(&operation, world.clock.now()).await.unwrap();
    let router = router(&world.clients, world.table.clone(), world.queues.clone(), world.clock.clock());
    let mut calls = Vec::new();
    for (name, path) in [
        ("settings", "/v1/settings".to_owned()),
        ("home page", "/v1/overview".to_owned()),
        ("100 sales", "/v1/sales?limit=100".to_owned()),
        ("100 log entries", "/v1/log?limit=100".to_owned()),
        ("100 customers", "/v1/customers?limit=100".to_owned()),
        ("one sale", format!("/v1/sales/{}", sale.id)),
        ("one operation", format!("/v1/operations/{operation}")),
        ("what settings may name", "/v1/settings/choices".to_owned()),
    ] {
        counter.take();
        let bytes = ask(&router, &path).await;
        let counts = counter.take();
        let dynamodb = counts.to("DynamoDB");
        let other = counts.requests.values().sum::<u64>() - dynamodb;
        let instructions = instructions(&world, &path).await;
        calls.push(Call { name, dynamodb, other, read_units: counts.read_units, bytes, instructions });
    }
    calls
}

/// Instructions of eleven rounds minus those of one, so that the start cancels out.
async fn instructions(world: &World, path: &str) -> Option<u64> {
    let mut counted = Vec::new();
    for rounds in ["1", "11"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("valgrind");
        command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", folder.path().join("out").display()));
        command.arg(std::env::current_exe().unwrap());
        command.args(["call", world.engines.endpoint(), &world.clock.now().to_string(), path, rounds]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        counted.push(text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse::<u64>().ok())?);
    }
    let [one, eleven] = counted.as_slice() else { return None };
    Some(eleven.saturating_sub(*one) / 10)
}

/// Prints the table of calls.
pub fn print(calls: &[Call]) {
    println!("\nCalls of the API, over {ORDERS} booked orders\n");
    println!("| call | instructions | DynamoDB requests | others | read units | bytes |");
    println!("|---|---|---|---|---|---|");
    for call in calls {
        let instructions = call.instructions.map_or_else(|| "not measured: no valgrind here".to_owned(), |count| count.to_string());
        println!("| {} | {instructions} | {} | {} | {:.1} | {} |", call.name, call.dynamodb, call.other, call.read_units, call.bytes);
    }
}
