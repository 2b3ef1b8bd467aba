//! Wires `api` for Lambda.
#![allow(clippy::disallowed_methods, reason = "clock and environment are read here and handed over")]

use std::sync::Arc;

use api::{Access, Deps, Grade, router};
use stevedore_aws::{ClientOptions, Clients, QueueUrls, Queues, Secrets, Table};
use stevedore_lambda::{Clock, Config, ErrorChain, telemetry};

// One thread: a function works on one event at a time, and has less than one processor below 1,769 MB (AWS Lambda developer guide, "Configure memory").
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let vars: Vec<(String, String)> = std::env::vars().collect();
    telemetry::init(vars.clone())?;
    let config = Config::from_vars(vars)?;
    let clock: Clock = Arc::new(jiff::Timestamp::now);
    let trusted = config.ca_bundle.as_ref().map(std::fs::read).transpose()?;
    let http = stevedore_shipstation::http_client_trusting(trusted.as_deref().unwrap_or_default())?;
    let clients = Clients::from_vars(std::env::vars(), ClientOptions { trusted, ..ClientOptions::default() });
    let urls = QueueUrls {
        orders: config.orders_queue_url,
        commands: config.commands_queue_url,
        consolidation: config.consolidation_queue_url,
        dead_letters: config.dead_letter_queue_url,
    };
    let shipstation = stevedore_shipstation::ClientOptions::new(config.shipstation_url, http, Arc::clone(&clock));
    let deps = Deps {
        table: Table::new(&clients, config.table),
        queues: Queues::new(&clients, urls),
        secrets: Secrets::new(&clients, config.secret_id),
        shipstation: stevedore_shipstation::Client::new(shipstation),
        clock,
        access: match config.api_token {
            Some(token) => Access::Tokens(vec![(token, Grade::Configure)]),
            None => Access::Claims { also: config.permissions_claim },
        },
        sign_in: config.sign_in,
    };
    // The first TLS handshake is the dear part of a cold start, and init runs on a full CPU.
    if let Err(error) = deps.table.ping().await {
        tracing::warn!(error = %ErrorChain(&error), "the table does not answer yet");
    }
    lambda_http::run(router(Arc::new(deps))).await
}
