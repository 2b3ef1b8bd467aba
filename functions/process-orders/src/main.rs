//! Wires `process-orders` for Lambda.
#![allow(clippy::disallowed_methods, reason = "clock and environment are read here and handed over")]

use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use process_orders::{Deps, handle};
use stevedore_lambda::{Invocation, Start, serve};

// One thread: a function works on one event at a time, and has less than one processor below 1,769 MB (AWS Lambda developer guide, "Configure memory").
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let start = Start::new(std::env::vars().collect(), Arc::new(jiff::Timestamp::now))?;
    let deps = Deps::connect(&start).await;
    serve(Arc::clone(&start.clock), |event: SqsEvent, Invocation { deadline, .. }| handle(&deps, event, deadline)).await
}
