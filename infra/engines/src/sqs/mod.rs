//! SQS: standard queues in one SQLite file, with the JSON protocol.

mod batch;
mod checksums;
mod messages;
mod queue;
mod redrive;
mod requests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::faults::Faults;
use crate::sqlite;
use crate::stopping::stopped;
use crate::wire::{Refusal, read};
use crate::{ACCOUNT, Clock, EngineError};
use requests::{
    Batch, ChangeMessageVisibility, ChangeVisibility, CreateQueue, Delete, DeleteMessage, GetQueueAttributes, GetQueueUrl,
    ListMessageMoveTasks, ListQueues, OneQueue, ReceiveMessage, Send, SendMessage, SetQueueAttributes, StartMessageMoveTask,
};

/// Interval at which a long poll reads again while its queue has hidden messages. The clock may
/// jump, so the poll cannot sleep until a message becomes visible.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// `PurgeQueue` may be called once a minute (API reference).
const PURGE_EVERY: i64 = 60_000;

/// The queues.
#[derive(Clone)]
pub(crate) struct Queues {
    shared: Arc<Shared>,
}

struct Shared {
    store: Mutex<Connection>,
    /// Makes the ids of this store differ from those of every other.
    nonce: String,
    clock: Clock,
    faults: Faults,
    endpoint: OnceLock<String>,
    /// Long polls wait here, one place for each queue.
    waiting: Mutex<HashMap<String, Arc<Notify>>>,
}

/// An answer, and the queues whose long polls have messages, with the number of polls to wake.
struct Done {
    answer: Value,
    wake: Vec<(String, usize)>,
}

impl Done {
    fn quiet(answer: Value) -> Self {
        Self { answer, wake: Vec::new() }
    }
}

impl Queues {
    pub(crate) fn open(path: Option<&Path>, clock: Clock, faults: Faults) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Store { store: "queues", source };
        let store = sqlite::open(path, messages::SCHEMA).map_err(failed)?;
        let nonce = nonce_of(&store, &clock).map_err(failed)?;
        Ok(Self {
            shared: Arc::new(Shared {
                store: Mutex::new(store),
                nonce,
                clock,
                faults,
                endpoint: OnceLock::new(),
                waiting: Mutex::default(),
            }),
        })
    }

    /// Queue URLs begin with it.
    pub(crate) fn set_endpoint(&self, endpoint: &str) {
        // Set once, before the first request.
        let _ = self.shared.endpoint.set(endpoint.to_owned());
    }

    /// Answers one call; a long poll ends early when `stopping` becomes true.
    pub(crate) async fn answer(&self, operation: &str, body: Bytes, stopping: watch::Receiver<bool>) -> Result<Value, Refusal> {
        if operation == "ReceiveMessage" {
            return self.receive(read(&body)?, stopping).await;
        }
        let operation = operation.to_owned();
        self.blocking(move |shared| {
            let done = shared.run(&operation, &body)?;
            // Before the await, because a call whose client disconnects never returns from it.
            for (queue, count) in done.wake {
                shared.wake(&queue, count);
            }
            Ok(done.answer)
        })
        .await
    }

    async fn blocking<T: std::marker::Send + 'static>(
        &self,
        run: impl FnOnce(&Shared) -> Result<T, Refusal> + std::marker::Send + 'static,
    ) -> Result<T, Refusal> {
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || run(&shared)).await.unwrap_or_else(|_| Err(Refusal::internal()))
    }

    async fn receive(&self, request: ReceiveMessage, mut stopping: watch::Receiver<bool>) -> Result<Value, Refusal> {
        let (count, wait) = limits(&request)?;
        let url = request.queue_url.clone();
        let queue = self.blocking(move |shared| queue::by_url(&shared.store(), &url)).await?;
        let wait = wait.unwrap_or_else(|| u64::try_from(queue.number("ReceiveMessageWaitTimeSeconds")).unwrap_or(0));
        if wait == 0 && self.shared.faults.short_poll_finds_nothing() {
            return Ok(json!({}));
        }
        let deadline = Instant::now() + Duration::from_secs(wait);
        let place = self.shared.place(&queue.name);
        let mut ended = false;
        loop {
            // Registered before the read, so that a message that arrives in between is not missed.
            let called = place.notified();
            tokio::pin!(called);
            called.as_mut().enable();

            let (again, name) = (request.clone(), queue.name.clone());
            let received = self
                .blocking(move |shared| {
                    // Read again each time: attributes may have changed meanwhile, or the queue may
                    // be deleted.
                    let now = shared.now();
                    let received = shared.transaction(|store| {
                        let queue = queue::by_url(store, &name)?;
                        messages::receive(store, &shared.nonce, &queue, &again, count, now)
                    })?;
                    if let Some(queue) = &received.dead_letters {
                        shared.wake(queue, usize::MAX);
                    }
                    Ok(received)
                })
                .await?;
            if !received.messages.is_empty() {
                return Ok(json!({ "Messages": received.messages }));
            }
            if ended || Instant::now() >= deadline {
                return Ok(json!({}));
            }
            let until = match received.next_visible {
                Some(_) => deadline.min(Instant::now() + LOOK_AGAIN),
                None => deadline,
            };
            tokio::select! {
                () = called => {}
                () = tokio::time::sleep_until(until) => {}
                () = stopped(&mut stopping) => ended = true,
            }
        }
    }
}

/// Checks the limits of `ReceiveMessage`: the number of messages, and the seconds to wait if they
/// were given.
fn limits(request: &ReceiveMessage) -> Result<(usize, Option<u64>), Refusal> {
    let refused = |value: i64, name: &str, range: &str| {
        Refusal::new(
            "InvalidParameterValue",
            format!("Value {value} for parameter {name} is invalid. Reason: Must be between {range}, if provided."),
        )
    };
    messages::check_names(request)?;
    let count = request.max_number_of_messages.unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(refused(count, "MaxNumberOfMessages", "1 and 10"));
    }
    if let Some(timeout) = request.visibility_timeout.filter(|timeout| !(0..=43_200).contains(timeout)) {
        return Err(refused(timeout, "VisibilityTimeout", "0 and 43200"));
    }
    let wait = match request.wait_time_seconds {
        Some(wait) if !(0..=20).contains(&wait) => return Err(refused(wait, "WaitTimeSeconds", "0 and 20")),
        Some(wait) => u64::try_from(wait).ok(),
        None => None,
    };
    Ok((usize::try_from(count).unwrap_or(1), wait))
}

fn nonce_of(store: &Connection, clock: &Clock) -> rusqlite::Result<String> {
    let there: Option<String> = store.query_row("SELECT nonce FROM store", [], |row| row.get(0)).optional()?;
    if let Some(nonce) = there {
        return Ok(nonce);
    }
    let nonce = sqlite::id_of(&format!("{}/{}", clock().as_nanosecond(), std::process::id()));
    store.execute("INSERT INTO store (nonce) VALUES (?1)", [&nonce])?;
    Ok(nonce)
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Connection> {
        // A panic inside a transaction rolls it back when it is dropped, so the store is
        // consistent.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        (self.clock)().as_millisecond()
    }

    fn transaction<T>(&self, run: impl FnOnce(&Transaction<'_>) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut store = self.store();
        let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = run(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    fn place(&self, queue: &str) -> Arc<Notify> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(waiting.entry(queue.to_owned()).or_default())
    }

    /// Wakes one long poll for each new message. Waking all polls for each message would make most
    /// of them read in vain.
    fn wake(&self, queue: &str, messages: usize) {
        let place = self.place(queue);
        if messages > 10 {
            place.notify_waiters();
        } else {
            (0..messages).for_each(|_| place.notify_one());
        }
    }

    fn url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.endpoint.get().map_or("", String::as_str))
    }

    fn run(&self, operation: &str, body: &[u8]) -> Result<Done, Refusal> {
        match operation {
            "SendMessage" => self.send(read(body)?),
            "SendMessageBatch" => self.send_batch(read(body)?),
            "DeleteMessage" => {
                let request: DeleteMessage = read(body)?;
                self.transaction(|store| {
                    let queue = queue::by_url(store, &request.queue_url)?;
                    messages::delete(store, &queue, &request.delete.receipt_handle)
                })?;
                Ok(Done::quiet(json!({})))
            }
            "DeleteMessageBatch" => self.delete_batch(read(body)?),
            "ChangeMessageVisibility" => {
                let request: ChangeMessageVisibility = read(body)?;
                let now = self.now();
                self.transaction(|store| {
                    let queue = queue::by_url(store, &request.queue_url)?;
                    messages::change_visibility(store, &queue, &request.change, now)?;
                    Ok(Done { answer: json!({}), wake: vec![(queue.name, 1)] })
                })
            }
            "ChangeMessageVisibilityBatch" => self.change_batch(read(body)?),
            "StartMessageMoveTask" => {
                let request: StartMessageMoveTask = read(body)?;
                let moved = self.transaction(|store| redrive::start(store, &self.nonce, &request, self.now()))?;
                Ok(Done { answer: json!({ "TaskHandle": moved.handle }), wake: moved.to })
            }
            "ListMessageMoveTasks" => {
                let request: ListMessageMoveTasks = read(body)?;
                Ok(Done::quiet(json!({ "Results": redrive::list(&self.store(), &request)? })))
            }
            "CancelMessageMoveTask" => Err(Refusal::new("ResourceNotFoundException", "There is no running task with this handle.")),
            _ => Ok(Done::quiet(self.manage(operation, body)?)),
        }
    }

    /// The operations on queues as a whole.
    fn manage(&self, operation: &str, body: &[u8]) -> Result<Value, Refusal> {
        let now = self.now();
        self.transaction(|store| match operation {
            "CreateQueue" => {
                let request: CreateQueue = read(body)?;
                queue::create(store, &request.queue_name, request.attributes, now)?;
                Ok(json!({ "QueueUrl": self.url(&request.queue_name) }))
            }
            "GetQueueUrl" => {
                let request: GetQueueUrl = read(body)?;
                let queue = queue::by_url(store, &request.queue_name)?;
                Ok(json!({ "QueueUrl": self.url(&queue.name) }))
            }
            "ListQueues" => Ok(self.list(&queue::all(store)?, &read(body)?)),
            "GetQueueAttributes" => {
                let request: GetQueueAttributes = read(body)?;
                let queue = queue::by_url(store, &request.queue_url)?;
                let attributes = queue::attributes(store, &queue, &request.attribute_names, now)?;
                Ok(json!({ "Attributes": attributes }))
            }
            "SetQueueAttributes" => {
                let request: SetQueueAttributes = read(body)?;
                let queue = queue::by_url(store, &request.queue_url)?;
                queue::set_attributes(store, queue, request.attributes, now)?;
                Ok(json!({}))
            }
            "PurgeQueue" => {
                let queue = queue::by_url(store, &read::<OneQueue>(body)?.queue_url)?;
                if queue.purged.is_some_and(|purged| now < purged + PURGE_EVERY) {
                    return Err(Refusal::new(
                        "PurgeQueueInProgress",
                        format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", queue.name),
                    ));
                }
                store.execute("DELETE FROM messages WHERE queue = ?1", [queue.id])?;
                store.execute("UPDATE queues SET purged = ?2 WHERE id = ?1", [queue.id, now])?;
                Ok(json!({}))
            }
            "DeleteQueue" => {
                let queue = queue::by_url(store, &read::<OneQueue>(body)?.queue_url)?;
                store.execute("DELETE FROM messages WHERE queue = ?1", [queue.id])?;
                store.execute("DELETE FROM queues WHERE id = ?1", [queue.id])?;
                Ok(json!({}))
            }
            _ => Err(Refusal::new("UnsupportedOperation", format!("{operation} is not supported here."))),
        })
    }

    fn list(&self, all: &[queue::Queue], request: &ListQueues) -> Value {
        let after = request.next_token.as_deref().unwrap_or("");
        let mut found =
            all.iter().map(|queue| queue.name.as_str()).filter(|name| name.starts_with(&request.queue_name_prefix) && *name > after);
        let most = request.max_results.unwrap_or(1_000).clamp(1, 1_000);
        let page: Vec<&str> = found.by_ref().take(most).collect();
        let mut answer = Map::new();
        answer.insert("QueueUrls".to_owned(), page.iter().map(|name| self.url(name)).collect());
        // AWS pages only when the caller sets a maximum of results.
        if let (Some(_), Some(_), Some(last)) = (request.max_results, found.next(), page.last()) {
            answer.insert("NextToken".to_owned(), (*last).into());
        }
        answer.into()
    }

    fn send(&self, request: SendMessage) -> Result<Done, Refusal> {
        let now = self.now();
        self.transaction(|store| {
            let queue = queue::by_url(store, &request.queue_url)?;
            let answer = messages::send(store, &self.nonce, &queue, &request.send, now)?;
            Ok(Done { answer: answer.into(), wake: vec![(queue.name, 1)] })
        })
    }

    fn send_batch(&self, request: Batch<Send>) -> Result<Done, Refusal> {
        let now = self.now();
        self.transaction(|store| {
            let queue = queue::by_url(store, &request.queue_url)?;
            batch::check(&request.entries)?;
            let bytes: usize = request.entries.iter().map(|entry| checksums::size(&entry.what)).sum();
            if bytes > checksums::MAX_BYTES {
                return Err(Refusal::new(
                    "BatchRequestTooLong",
                    format!("Batch requests cannot be longer than {} bytes. You have sent {bytes} bytes.", checksums::MAX_BYTES),
                ));
            }
            let answer = batch::each(
                "SendMessageBatch",
                &self.faults,
                &request.entries,
                |send| &send.message_body,
                |send| messages::send(store, &self.nonce, &queue, send, now),
            )?;
            Ok(Done { answer, wake: vec![(queue.name, request.entries.len())] })
        })
    }

    fn delete_batch(&self, request: Batch<Delete>) -> Result<Done, Refusal> {
        self.transaction(|store| {
            let queue = queue::by_url(store, &request.queue_url)?;
            batch::check(&request.entries)?;
            let answer = batch::each(
                "DeleteMessageBatch",
                &self.faults,
                &request.entries,
                |_| "",
                |delete| messages::delete(store, &queue, &delete.receipt_handle).map(|()| Map::new()),
            )?;
            Ok(Done::quiet(answer))
        })
    }

    fn change_batch(&self, request: Batch<ChangeVisibility>) -> Result<Done, Refusal> {
        let now = self.now();
        self.transaction(|store| {
            let queue = queue::by_url(store, &request.queue_url)?;
            batch::check(&request.entries)?;
            let answer = batch::each(
                "ChangeMessageVisibilityBatch",
                &self.faults,
                &request.entries,
                |_| "",
                |change| messages::change_visibility(store, &queue, change, now).map(|()| Map::new()),
            )?;
            Ok(Done { answer, wake: vec![(queue.name, request.entries.len())] })
        })
    }
}
