//! Wires `run-operations` for Lambda.
#![allow(clippy::disallowed_methods, reason = "clock and environment are read here and handed over")]

use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use run_operations::{Deps, handle};
use stevedore_aws::{ClientOptions, Clients, QueueUrls, Queues, Secrets, Table};
use stevedore_lambda::{Clock, Config, Deadline, ErrorChain, telemetry};
use stevedore_shipstation::{Client, ClientOptions as ShipStationOptions, http_client_trusting};

// One thread: a function works on one event at a time, and has less than one processor below 1,769 MB (AWS Lambda developer guide, "Configure memory").
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init(std::env::vars())?;
    let config = Config::from_vars(std::env::vars())?;
    let trusted = config.ca_bundle.as_ref().map(std::fs::read).transpose()?;
    let http = http_client_trusting(trusted.as_deref().unwrap_or_default())?;
    let clients = Clients::from_vars(std::env::vars(), ClientOptions { trusted, ..ClientOptions::default() });
    let clock: Clock = Arc::new(jiff::Timestamp::now);
    let urls = QueueUrls {
        orders: config.orders_queue_url,
        commands: config.commands_queue_url,
        consolidation: config.consolidation_queue_url,
        dead_letters: config.dead_letter_queue_url,
    };
    let deps = Arc::new(Deps {
        table: Table::new(&clients, config.table),
        queues: Queues::new(&clients, urls),
        secrets: Secrets::new(&clients, config.secret_id),
        shipstation: Client::new(ShipStationOptions::new(config.shipstation_url, http, Arc::clone(&clock))),
        clock,
    });
    // The first TLS handshake is the dear part of a cold start, and init runs on a full CPU.
    if let Err(error) = deps.table.ping().await {
        tracing::warn!(error = %ErrorChain(&error), "the table does not answer yet");
    }
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| {
        let deps = Arc::clone(&deps);
        async move {
            let deps = deps.traced(event.context.xray_trace_id.as_deref());
            Ok::<_, lambda_runtime::Error>(handle(&deps, event.payload, Deadline::of(&event.context, jiff::Timestamp::now())).await?)
        }
    }))
    .await
}
