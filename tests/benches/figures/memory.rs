//! Resident memory of a function's process: this program in a process that contains the function
//! only.

use std::process::Command;
use std::sync::Arc;

use jiff::Timestamp;
use stevedore_aws::{ClientOptions, Clients, QueueSettings, Queues, Secrets, Table, create_queues};
use stevedore_lambda::{Clock, Deadline};
use stevedore_sandbox::Serving;
use stevedore_shipstation::{Client, ClientOptions as ShipStationOptions, http_client};

use crate::counting::Counter;
use crate::flow;
use crate::world::{World, sqs_event};

/// Memory in KiB at several points.
pub struct Memory {
    /// `fetch-orders` with its clients built and the table read.
    pub first_poll: u64,
    /// Part of it that is mapped from the program's file. This program also contains the engines
    /// and is built for speed; a function's own file is smaller.
    pub program: u64,
    /// Maximum while it read and queued one page of 500 orders.
    pub page: u64,
    /// Maximum while `process-orders` booked those 500, ten at a time.
    pub booking: u64,
}

/// Runs both functions in separate processes, against engines and a sandbox in this one.
pub async fn measure() -> Memory {
    let world = flow::world(flow::options(500, &Counter::default())).await;
    let serving = world.sandbox.serve(0).await.unwrap();
    let fetch = child(&world, &serving, "fetch-orders").await;
    let process = child(&world, &serving, "process-orders").await;
    Memory { first_poll: fetch[0], program: fetch[1], page: fetch[2], booking: process[2] }
}

async fn child(world: &World, serving: &Serving, name: &str) -> Vec<u64> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["function", name, world.engines.endpoint(), serving.base_url(), &world.clock.now().to_string()]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(|kib| kib.parse().unwrap()).collect()
}

/// Part of the child process: prints its resident memory at the first poll, and its maximum at the
/// end.
pub async fn function(name: &str, engines: &str, sandbox: &str, now: &str) {
    let now: Timestamp = now.parse().unwrap();
    let clock: Clock = Arc::new(move || now);
    let clients = Clients::at_endpoint(engines, ClientOptions::default());
    let table = Table::new(&clients, "stevedore");
    let deadline = Deadline::after(now, std::time::Duration::from_mins(15));
    if name == "process-orders" {
        let urls = create_queues(&clients, &QueueSettings::default()).await.unwrap();
        let deps = process_orders::Deps { table, queues: Queues::new(&clients, urls), clock };
        deps.table.ping().await.unwrap();
        println!("{} {}", status("VmRSS"), status("RssFile"));
        let queues = Queues::new(&clients, create_queues(&clients, &QueueSettings::default()).await.unwrap());
        loop {
            let url = &queues.urls().orders;
            let messages = queues.receive(url, 0).await.unwrap();
            if messages.is_empty() {
                break;
            }
            let answer = process_orders::handle(&deps, sqs_event(&messages), deadline).await.unwrap();
            assert!(answer.batch_item_failures.is_empty());
            let handles: Vec<String> = messages.into_iter().map(|message| message.receipt_handle).collect();
            queues.delete(url, &handles).await.unwrap();
        }
    } else {
        let queues = Queues::new(&clients, create_queues(&clients, &QueueSettings::default()).await.unwrap());
        let shipstation = Client::new(ShipStationOptions::new(sandbox, http_client().unwrap(), clock.clone()));
        let deps = fetch_orders::Deps { table, queues, secrets: Secrets::new(&clients, "stevedore"), shipstation, clock };
        deps.table.ping().await.unwrap();
        println!("{} {}", status("VmRSS"), status("RssFile"));
        let event = serde_json::json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": now});
        let answer = fetch_orders::handle(&deps, event, deadline).await.unwrap();
        assert_eq!(answer["state"], "processing", "{answer}");
    }
    println!("{}", status("VmHWM"));
}

/// A line of this process's own status, in KiB.
pub fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}
