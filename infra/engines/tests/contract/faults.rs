//! Faults on demand, and their effect on a client. For the embedded engines only.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use stevedore_engines::{EngineOptions, Engines, EntryFault, Fault};

use crate::queues::{entry, receive, send};
use crate::{Clients, TestClock};

async fn engines() -> (Engines, Clients, String) {
    let engines = Engines::start(EngineOptions::in_memory(TestClock::new().clock())).await.unwrap();
    let clients = Clients::of(engines.endpoint());
    let queue = clients.queues.create_queue().queue_name("orders").send().await.unwrap().queue_url.unwrap();
    (engines, clients, queue)
}

#[tokio::test]
async fn chosen_entries_of_a_batch_fail() {
    let (engines, clients, queue) = engines().await;
    engines.faults().fail_entries("SendMessageBatch", 2, EntryFault::internal(), |entry| entry.index % 2 == 1);
    let entries = || (0..4).map(|at| entry(&format!("e{at}"), format!("order {at}"))).collect();
    let batch = || clients.queues.send_message_batch().queue_url(&queue).set_entries(Some(entries())).send();
    let sent = batch().await.unwrap();
    let failed: Vec<_> = sent.failed.iter().map(|entry| (entry.id.as_str(), entry.code.as_str(), entry.sender_fault)).collect();
    assert_eq!(failed, [("e1", "InternalError", false), ("e3", "InternalError", false)]);
    assert_eq!(receive(&clients, &queue).await.len(), 2);
    assert!(batch().await.unwrap().failed.is_empty(), "only as often as asked for");
}

#[tokio::test]
async fn the_next_calls_fail_as_they_are_told() {
    let (engines, clients, queue) = engines().await;
    let faults = engines.faults();
    faults.fail_next("SendMessage", 1, Fault::Throttle);
    faults.fail_next("SendMessage", 1, Fault::Error { status: 500, code: "InternalFailure".to_owned() });
    let call = || clients.queues.send_message().queue_url(&queue).message_body("x").send();
    let error = call().await.unwrap_err().into_service_error();
    assert!(error.is_request_throttled(), "{error:?}");
    assert_eq!(call().await.unwrap_err().into_service_error().code(), Some("InternalFailure"));
    call().await.unwrap();
    assert_eq!(receive(&clients, &queue).await.len(), 1);
    assert_eq!(faults.calls().get("SendMessage"), Some(&3));

    faults.fail_next("ListTables", 1, Fault::Throttle);
    let error = clients.tables.list_tables().send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ProvisionedThroughputExceededException"));
    faults.fail_next("ListTables", 5, Fault::Throttle);
    faults.clear();
    clients.tables.list_tables().send().await.unwrap();
    // The SDK's own retries overcome throttling.
    faults.fail_next("ListTables", 2, Fault::Throttle);
    let patient = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    Clients::with(engines.endpoint(), patient).tables.list_tables().send().await.unwrap();
}

/// The two ways to lose a connection differ in the work that was done before.
#[tokio::test]
async fn a_lost_reply_has_had_its_effect_and_a_lost_request_none() {
    let (engines, clients, queue) = engines().await;
    let call = |body: &str| clients.queues.send_message().queue_url(&queue).message_body(body).send();
    engines.faults().fail_next("SendMessage", 1, Fault::LostRequest);
    assert!(call("never arrived").await.unwrap_err().as_service_error().is_none());
    engines.faults().fail_next("SendMessage", 1, Fault::LostReply);
    assert!(call("arrived").await.unwrap_err().as_service_error().is_none());
    let messages = receive(&clients, &queue).await;
    assert_eq!(messages.iter().map(|message| message.body().unwrap()).collect::<Vec<_>>(), ["arrived"]);

    engines.faults().fail_next("SendMessage", 1, Fault::Delay(Duration::from_millis(50)));
    let start = Instant::now();
    send(&clients, &queue, "slow").await;
    assert!(start.elapsed() >= Duration::from_millis(50));
}
