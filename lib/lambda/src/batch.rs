//! The runner of a queue's batch: each message on its own, and the answer that names the ones to deliver again.
//!
//! Lambda deletes the messages that the answer does not name and delivers the others again; after the queue's
//! `maxReceiveCount` they go to the dead letters. The answer must name real message ids only: an empty or unknown id makes
//! Lambda deliver the whole batch again (AWS Lambda developer guide, "Handling errors for an SQS event source": "Implementing
//! partial batch responses").

use std::error::Error;
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{FutureExt as _, StreamExt as _};
use tracing::Instrument as _;

use crate::deadline::{Clock, Deadline};
use crate::error_chain::ErrorChain;

/// Part of the invocation's time that is reserved for the answer, when messages still at work are cut short.
const TIME_TO_ANSWER: Duration = Duration::from_millis(500);

/// One message of the queue, as a handler gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// SQS's id of the message. A redrive changes it, so it is good for the log and never for telling whether a message has
    /// been here before.
    pub message_id: String,
    /// The message's text.
    pub body: String,
    /// Number of deliveries of the message by SQS, this one included (`ApproximateReceiveCount`); 0 when SQS did not say.
    pub attempt: u32,
}

/// Leaves the body out: it holds a buyer's name and address.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").field("message_id", &self.message_id).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

/// Reason for which a message's work is not done. Either way the message is named in the answer; the difference is what the log says, and
/// that an unreadable message will not get better by waiting. A source must not quote the message: its text is logged.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It may work the next time: the message goes back to the queue.
    #[error("the message goes back to the queue")]
    Retry(#[source] Box<dyn Error + Send + Sync>),
    /// The message cannot be read, or is of a version that we do not know: a dead letter. See [`RecordError::buried`].
    #[error("the message cannot be read and goes to the dead letters")]
    Poison(#[source] Box<dyn Error + Send + Sync>),
}

impl RecordError {
    /// The message goes back to the queue because of `source`.
    pub fn retry(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Retry(source.into())
    }

    /// The message cannot be read because of `source`.
    pub fn poison(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Poison(source.into())
    }

    /// The message was `sent` to the dead letters because of this: then nothing is left to do about it here. If that failed, it
    /// stays on its queue, which gives it up in the end.
    ///
    /// # Errors
    /// This error, where it could not be sent.
    pub fn buried<E: Error + 'static>(self, reason: &str, sent: Result<(), E>) -> Result<(), Self> {
        match sent {
            Ok(()) => {
                tracing::error!(error = %ErrorChain(&self), reason, "message sent to the dead letters");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), reason, "the message could not be sent to the dead letters");
                Err(self)
            }
        }
    }
}

/// Reason for which the runner itself gave a message back.
#[derive(Debug, thiserror::Error)]
enum GivenBack {
    #[error("the invocation's time is over: the message was not begun")]
    NotBegun,
    #[error("the invocation's time is over: the message's work was cut short")]
    CutShort,
    #[error("the work panicked")]
    Panicked,
    #[error("the message has no body")]
    NoBody,
}

/// The batch as a whole has failed: Lambda delivers all of it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Messages without an id failed, which no answer can name. Delivering the finished ones again changes nothing;
    /// deleting these would lose them.
    #[error("{count} messages without an id failed, so the whole batch is delivered again")]
    Unnameable {
        /// Number of messages.
        count: usize,
    },
}

/// Limits of a batch.
#[derive(Clone)]
pub struct Limits {
    /// Number of messages that are at work at a time.
    pub concurrency: NonZeroUsize,
    /// Time at which Lambda ends the invocation.
    pub deadline: Deadline,
    /// The time that one message may need: no message is begun with less than this left.
    pub margin: Duration,
    /// The clock that the deadline is held against.
    pub clock: Clock,
}

/// Hands each message of a batch to `handler` and answers which ones Lambda is to deliver again.
///
/// - `limits.concurrency` messages are at work at a time, begun in the batch's order.
/// - A message whose handler fails or panics costs that message only. Panics unwind in this workspace's release profile;
///   built with `panic = "abort"` one would cost the batch.
/// - A message that would begin with less than `limits.margin` left is given back unread, and one still at work just before
///   the deadline is cut short and given back: an invocation that Lambda itself ends would give back the finished ones too.
/// - Each failure is logged once with its chain of causes, the message's id and the attempt; never with the body.
///
/// # Errors
/// [`BatchError::Unnameable`] when a message without an id failed. One without an id that succeeded needs no naming.
pub async fn run_batch<H, F>(event: SqsEvent, limits: &Limits, handler: H) -> Result<SqsBatchResponse, BatchError>
where
    H: Fn(Record) -> F,
    F: Future<Output = Result<(), RecordError>>,
{
    let messages = event.records.into_iter().map(|message| Prepared { message, content: Some(()) });
    run_prepared_batch(messages.collect(), limits, |record, ()| handler(record)).await
}

/// A message with what was read of it before the batch is worked on.
#[derive(Debug)]
pub struct Prepared<T> {
    message: SqsMessage,
    content: Option<T>,
}

impl<T> Prepared<T> {
    /// Reads each message of a batch that has a body.
    pub fn read_batch(event: SqsEvent, read: impl Fn(&str) -> T) -> Vec<Self> {
        let prepare = |message: SqsMessage| Self { content: message.body.as_deref().map(&read), message };
        event.records.into_iter().map(prepare).collect()
    }

    /// Content of the message; none where it has no body.
    pub fn content(&self) -> Option<&T> {
        self.content.as_ref()
    }
}

/// The same for messages that were read before, so that what the batch needs could be loaded for all of them together.
///
/// # Errors
/// As [`run_batch`].
pub async fn run_prepared_batch<T, H, F>(messages: Vec<Prepared<T>>, limits: &Limits, handler: H) -> Result<SqsBatchResponse, BatchError>
where
    H: Fn(Record, T) -> F,
    F: Future<Output = Result<(), RecordError>>,
{
    let handler = &handler;
    let total = messages.len();
    let outcomes: Vec<Outcome> = futures::stream::iter(messages)
        .map(|message| run_one(message, limits, handler))
        .buffer_unordered(limits.concurrency.get())
        .collect()
        .await;

    let mut response = SqsBatchResponse::default();
    let mut unnameable = 0_usize;
    for outcome in outcomes {
        match outcome {
            Outcome::Done => {}
            Outcome::Failed(Some(message_id)) => response.add_failure(message_id),
            Outcome::Failed(None) => unnameable += 1,
        }
    }
    let failed = response.batch_item_failures.len() + unnameable;
    tracing::info!(messages = total, failed, "batch finished");
    if unnameable > 0 {
        return Err(BatchError::Unnameable { count: unnameable });
    }
    Ok(response)
}

enum Outcome {
    Done,
    Failed(Option<String>),
}

async fn run_one<T, H, F>(prepared: Prepared<T>, limits: &Limits, handler: &H) -> Outcome
where
    H: Fn(Record, T) -> F,
    F: Future<Output = Result<(), RecordError>>,
{
    let Prepared { message, content } = prepared;
    // An empty id cannot be named in the answer any more than none can.
    let id = message.message_id.filter(|id| !id.is_empty());
    let attempt = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(0);
    // The sender's trace, as far as it handed one on: the sender's log lines have the same.
    let trace_id = message.attributes.get("AWSTraceHeader").and_then(|header| trace_root(header));
    let span = tracing::info_span!("record", message_id = id.as_deref(), attempt, trace_id);
    let work = async {
        let result = match message.body.zip(content) {
            Some((body, content)) => {
                let record = Record { message_id: id.clone().unwrap_or_default(), body, attempt };
                in_time(limits, || handler(record, content)).await
            }
            None => Err(RecordError::poison(GivenBack::NoBody)),
        };
        match &result {
            Ok(()) => return Outcome::Done,
            Err(error @ RecordError::Retry(_)) => {
                tracing::warn!(error = %ErrorChain(error), "message failed");
            }
            Err(error @ RecordError::Poison(_)) => {
                tracing::error!(error = %ErrorChain(error), "message failed");
            }
        }
        Outcome::Failed(id.clone())
    };
    work.instrument(span).await
}

/// The trace's own id in an X-Ray header, `Root=1-…;Parent=…;Sampled=0` (X-Ray developer guide, "Tracing header").
fn trace_root(header: &str) -> Option<&str> {
    header.split(';').find_map(|part| part.trim().strip_prefix("Root="))
}

async fn in_time<F>(limits: &Limits, work: impl FnOnce() -> F) -> Result<(), RecordError>
where
    F: Future<Output = Result<(), RecordError>>,
{
    let now = (limits.clock)();
    if limits.deadline.is_near(now, limits.margin) {
        return Err(RecordError::retry(GivenBack::NotBegun));
    }
    let time = limits.deadline.remaining(now).saturating_sub(TIME_TO_ANSWER);
    // The handler is called inside, for it may panic before it has made its future. What it shares with the other messages
    // are clients, which hold no state that a panic could leave half-written.
    let work = AssertUnwindSafe(async { work().await }).catch_unwind();
    match tokio::time::timeout(time, work).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => Err(RecordError::retry(GivenBack::Panicked)),
        Err(_) => Err(RecordError::retry(GivenBack::CutShort)),
    }
}
