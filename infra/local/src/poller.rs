//! The work of Lambda's event source mapping between a queue and a function: it polls, passes
//! batches, deletes processed messages, and leaves the rest to the queue's visibility and its dead
//! letters.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use stevedore_aws::{Queues, ReceivedMessage};
use stevedore_engines::{ACCOUNT, REGION};
use stevedore_lambda::ErrorChain;
use tokio::sync::watch;

/// Seconds of one long poll. A stop waits for its end, because a poll that is cut may have received
/// messages, which would stay hidden.
const WAIT_SECONDS: i32 = 1;
/// The pause after a call that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// A function behind a queue.
pub(crate) type Handler = Box<dyn Fn(SqsEvent) -> BoxFuture<'static, Answer> + Send + Sync>;
type Answer = Result<SqsBatchResponse, Box<dyn std::error::Error + Send + Sync>>;

/// The queue of a poller.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) queues: Queues,
    pub(crate) url: String,
}

/// Polls until it is stopped, one batch at a time. The current batch is finished. `handler` answers
/// like the function; after an error or a panic, the whole batch is delivered again.
pub(crate) async fn poll(source: Source, mut stopping: watch::Receiver<bool>, handler: Handler) {
    while !*stopping.borrow_and_update() {
        let messages = match source.queues.receive(&source.url, WAIT_SECONDS).await {
            Ok(messages) => messages,
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), "a queue does not answer");
                pause(&mut stopping).await;
                continue;
            }
        };
        if messages.is_empty() {
            continue;
        }
        let answer = AssertUnwindSafe(handler(event(&source.url, &messages))).catch_unwind().await;
        let response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                tracing::warn!(error = %ErrorChain(error.as_ref()), "a function failed; its messages are delivered again");
                continue;
            }
            Err(_panic) => {
                tracing::error!("a function panicked; its messages are delivered again");
                continue;
            }
        };
        if let Err(error) = source.queues.delete(&source.url, &finished(&messages, &response)).await {
            tracing::warn!(error = %ErrorChain(&error), "messages that were processed could not be deleted and are delivered again");
        }
    }
}

async fn pause(stopping: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(AFTER_FAILURE) => {}
        _ = stopping.changed() => {}
    }
}

/// The event that Lambda builds from these messages.
fn event(url: &str, messages: &[ReceivedMessage]) -> SqsEvent {
    let name = url.rsplit('/').next().unwrap_or_default();
    let records = messages.iter().map(|message| {
        let mut record = SqsMessage::default();
        record.message_id = Some(message.message_id.clone());
        record.receipt_handle = Some(message.receipt_handle.clone());
        record.body = Some(message.body.clone());
        record.attributes = HashMap::from([("ApproximateReceiveCount".to_owned(), message.receive_count.to_string())]);
        record.attributes.extend(message.trace.clone().map(|trace| ("AWSTraceHeader".to_owned(), trace)));
        record.event_source = Some("aws:sqs".to_owned());
        record.event_source_arn = Some(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"));
        record.aws_region = Some(REGION.to_owned());
        record
    });
    let mut event = SqsEvent::default();
    event.records = records.collect();
    event
}

/// The receipt handles of messages that the answer does not name. An answer that names an unknown
/// message, or an empty one, finishes none, as in Lambda.
fn finished(messages: &[ReceivedMessage], response: &SqsBatchResponse) -> Vec<String> {
    let failed: HashSet<&str> = response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    let known = |id: &str| messages.iter().any(|message| message.message_id == id);
    if !failed.iter().all(|id| known(id)) {
        tracing::error!("a function named messages that it was not given; the batch is delivered again");
        return Vec::new();
    }
    let done = messages.iter().filter(|message| !failed.contains(message.message_id.as_str()));
    done.map(|message| message.receipt_handle.clone()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn message(id: &str) -> ReceivedMessage {
        ReceivedMessage {
            message_id: id.to_owned(),
            receipt_handle: format!("handle-{id}"),
            body: "{}".to_owned(),
            receive_count: 2,
            trace: None,
        }
    }

    fn response(failed: &[&str]) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for id in failed {
            response.add_failure(*id);
        }
        response
    }

    #[test]
    fn what_the_answer_does_not_name_is_deleted() {
        let messages = [message("a"), message("b"), message("c")];
        assert_eq!(finished(&messages, &response(&[])), ["handle-a", "handle-b", "handle-c"]);
        assert_eq!(finished(&messages, &response(&["b"])), ["handle-a", "handle-c"]);
    }

    #[test]
    fn an_answer_that_names_a_stranger_finishes_nothing() {
        let messages = [message("a"), message("b")];
        assert!(finished(&messages, &response(&["x"])).is_empty());
        assert!(finished(&messages, &response(&[""])).is_empty());
    }

    #[test]
    fn the_event_is_the_one_that_lambda_builds() {
        let event = serde_json::to_value(event("http://127.0.0.1:1/000000000000/stevedore-orders", &[message("a")])).unwrap();
        let record = &event["Records"][0];
        assert_eq!(record["messageId"], "a");
        assert_eq!(record["body"], "{}");
        assert_eq!(record["attributes"]["ApproximateReceiveCount"], "2");
        assert_eq!(record["eventSourceARN"], "arn:aws:sqs:us-east-1:000000000000:stevedore-orders");
    }
}
