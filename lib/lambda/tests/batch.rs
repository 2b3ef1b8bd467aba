//! The batch runner as a function sees it: each message of the queue on its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::Timestamp;
use serde_json::{Value, json};
use stevedore_lambda::{BatchError, Clock, Deadline, Limits, Record, RecordError, run_batch};

const NOW: &str = "2026-01-31T10:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn limits(concurrency: usize, left: Duration) -> Limits {
    let clock: Clock = Arc::new(now);
    Limits {
        concurrency: NonZeroUsize::new(concurrency).unwrap(),
        deadline: Deadline::after(now(), left),
        margin: Duration::from_secs(5),
        clock,
    }
}

fn two_minutes(concurrency: usize) -> Limits {
    limits(concurrency, Duration::from_mins(2))
}

fn message(id: &str) -> Value {
    json!({
        "messageId": id,
        "body": format!("body of {id}"),
        "attributes": {"ApproximateReceiveCount": "3"},
    })
}

fn batch(records: Vec<Value>) -> SqsEvent {
    serde_json::from_value(json!({"Records": records})).unwrap()
}

fn ids(response: &SqsBatchResponse) -> Vec<&str> {
    let mut ids: Vec<&str> = response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    ids.sort_unstable();
    ids
}

#[derive(Debug, thiserror::Error)]
#[error("the table is throttled")]
struct Throttled;

#[tokio::test]
async fn of_two_records_only_the_one_that_fails_comes_back() {
    let response = run_batch(batch(vec![message("good"), message("bad")]), &two_minutes(2), |record| async move {
        if record.message_id == "bad" {
            return Err(RecordError::retry(Throttled));
        }
        Ok(())
    })
    .await
    .unwrap();

    assert_eq!(ids(&response), ["bad"]);
    assert_eq!(serde_json::to_value(&response).unwrap(), json!({"batchItemFailures": [{"itemIdentifier": "bad"}]}));
}

#[tokio::test]
async fn a_handler_sees_the_text_the_id_and_the_attempt() {
    let seen = Mutex::new(Vec::new());

    let response = run_batch(batch(vec![message("m-1"), json!({"messageId": "m-2", "body": ""})]), &two_minutes(1), |record| {
        seen.lock().unwrap().push(record);
        async { Ok(()) }
    })
    .await
    .unwrap();

    assert!(response.batch_item_failures.is_empty());
    let record = |id: &str, body: &str, attempt| Record { message_id: id.to_owned(), body: body.to_owned(), attempt };
    assert_eq!(*seen.lock().unwrap(), [record("m-1", "body of m-1", 3), record("m-2", "", 0)]);
}

/// N11: one bad message never stops the others.
#[tokio::test]
async fn an_unreadable_record_comes_back_and_the_batch_goes_on() {
    let response = run_batch(batch(vec![message("garbage"), message("good")]), &two_minutes(1), |record| async move {
        if record.message_id == "garbage" {
            return Err(RecordError::poison("no such version"));
        }
        Ok(())
    })
    .await
    .unwrap();

    assert_eq!(ids(&response), ["garbage"]);
}

#[tokio::test]
async fn a_panic_costs_its_own_record_whether_before_or_after_the_first_wait() {
    let done = AtomicUsize::new(0);

    let response =
        run_batch(batch(vec![message("early"), message("good"), message("late"), message("good too")]), &two_minutes(4), |record| {
            assert_ne!(record.message_id, "early", "before the future exists");
            let done = &done;
            async move {
                tokio::task::yield_now().await;
                assert_ne!(record.message_id, "late", "after a wait");
                done.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        })
        .await
        .unwrap();

    assert_eq!(ids(&response), ["early", "late"]);
    assert_eq!(done.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn no_more_records_are_at_work_than_allowed_and_as_many_as_allowed() {
    let records: Vec<Value> = (0..10).map(|n| message(&n.to_string())).collect();
    let at_work = AtomicUsize::new(0);
    let most = AtomicUsize::new(0);

    let response = run_batch(batch(records), &two_minutes(3), |_| async {
        let working = at_work.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(working, Ordering::SeqCst);
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        at_work.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    })
    .await
    .unwrap();

    assert!(response.batch_item_failures.is_empty());
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn near_the_deadline_nothing_is_begun_and_everything_comes_back() {
    let begun = AtomicUsize::new(0);

    let response = run_batch(batch(vec![message("m-1"), message("m-2")]), &limits(2, Duration::from_secs(5)), |_| async {
        begun.fetch_add(1, Ordering::SeqCst);
        Ok(())
    })
    .await
    .unwrap();

    assert_eq!(ids(&response), ["m-1", "m-2"]);
    assert_eq!(begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_was_finished_before_the_deadline_came_near_does_not_come_back() {
    // Each record takes ten seconds of the clock; of the thirty that are left five are the margin.
    let elapsed = Arc::new(AtomicUsize::new(0));
    let mut limits = limits(1, Duration::from_secs(30));
    limits.clock = {
        let elapsed = Arc::clone(&elapsed);
        Arc::new(move || {
            let seconds = i64::try_from(elapsed.load(Ordering::SeqCst)).unwrap();
            now() + jiff::SignedDuration::from_secs(seconds)
        })
    };
    let records = ["m-1", "m-2", "m-3", "m-4", "m-5"].map(message).to_vec();

    let response = run_batch(batch(records), &limits, |_| async {
        elapsed.fetch_add(10, Ordering::SeqCst);
        Ok(())
    })
    .await
    .unwrap();

    assert_eq!(ids(&response), ["m-4", "m-5"]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_hangs_is_cut_short_before_the_deadline() {
    let started = tokio::time::Instant::now();

    let response = run_batch(batch(vec![message("hangs"), message("good")]), &limits(2, Duration::from_secs(30)), |record| async move {
        if record.message_id == "hangs" {
            std::future::pending::<()>().await;
        }
        Ok(())
    })
    .await
    .unwrap();

    assert_eq!(ids(&response), ["hangs"]);
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_record_without_an_id_that_succeeds_needs_no_naming() {
    let nameless = json!({"body": "text"});

    let response = run_batch(batch(vec![nameless, message("bad")]), &two_minutes(2), |record| async move {
        if record.message_id == "bad" {
            return Err(RecordError::retry(Throttled));
        }
        Ok(())
    })
    .await
    .unwrap();

    assert_eq!(ids(&response), ["bad"]);
}

#[tokio::test]
async fn a_record_without_an_id_that_fails_fails_the_batch_after_the_others_are_done() {
    for nameless in [json!({"body": "text"}), json!({"messageId": "", "body": "text"})] {
        let done = AtomicUsize::new(0);

        let error = run_batch(batch(vec![nameless, message("good")]), &two_minutes(1), |record| {
            let done = &done;
            async move {
                if record.message_id.is_empty() {
                    return Err(RecordError::retry(Throttled));
                }
                done.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        })
        .await
        .unwrap_err();

        assert_eq!(error, BatchError::Unnameable { count: 1 });
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_record_without_a_body_comes_back_unhandled() {
    let response = run_batch(batch(vec![json!({"messageId": "hollow"}), message("good")]), &two_minutes(2), |record| async move {
        assert_eq!(record.message_id, "good");
        Ok(())
    })
    .await
    .unwrap();

    assert_eq!(ids(&response), ["hollow"]);
}

#[tokio::test]
async fn an_empty_batch_is_an_empty_answer() {
    let response = run_batch(batch(vec![]), &two_minutes(1), |_| async { Ok(()) }).await.unwrap();

    assert_eq!(serde_json::to_value(&response).unwrap(), json!({"batchItemFailures": []}));
}

/// A failure is logged once, with its causes and the attempt, and without the message's text.
#[test]
fn a_failure_is_logged_once_with_its_chain_and_without_the_body() {
    let log = Log::default();
    let writer = {
        let log = log.clone();
        move || log.clone()
    };
    let subscriber = tracing_subscriber::fmt().json().with_writer(writer).finish();

    tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let fail =
            || runtime.block_on(run_batch(batch(vec![message("m-1")]), &two_minutes(1), |_| async { Err(RecordError::retry(Throttled)) }));
        fail().unwrap();
        // Another test's thread may have met these spans first, at the moment when nobody listened: tracing would remember that.
        tracing::callsite::rebuild_interest_cache();
        log.0.lock().unwrap().clear();
        fail().unwrap();
    });

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let failures: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["fields"]["message"] == "message failed")
        .collect();
    assert_eq!(failures.len(), 1, "{text}");
    assert_eq!(failures[0]["fields"]["error"], "the message goes back to the queue: the table is throttled");
    assert_eq!(failures[0]["span"]["message_id"], "m-1");
    assert_eq!(failures[0]["span"]["attempt"], 3);
    assert!(!text.contains("body of"), "{text}");
    assert!(!format!("{:?}", record_with_body()).contains("Jane Doe"));
}

fn record_with_body() -> Record {
    Record { message_id: "m-1".to_owned(), body: "Jane Doe".to_owned(), attempt: 1 }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
