//! Messages in the store: sent, received, hidden, moved to the dead letters, deleted.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Map, Value, json};

use super::checksums;
use super::queue::{self, Queue};
use super::requests::{ChangeVisibility, MessageAttribute, ReceiveMessage, Send};
use crate::ACCOUNT;
use crate::sqlite::id_of;
use crate::wire::Refusal;

/// Times are milliseconds since 1970 of the engines' clock.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS store (nonce TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    purged INTEGER,
    attributes TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    queue INTEGER NOT NULL,
    visible INTEGER NOT NULL,        -- from when on it may be handed out
    in_flight INTEGER NOT NULL DEFAULT 0,
    receipt INTEGER NOT NULL DEFAULT 0, -- how often handed out at all; the newest receipt handle names it
    receives INTEGER NOT NULL DEFAULT 0, -- how often handed out by this queue
    sent INTEGER NOT NULL,
    first_received INTEGER,
    expires INTEGER NOT NULL,
    source TEXT,                     -- the queue that it is a dead letter of
    trace TEXT,
    attributes TEXT,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_by_visible ON messages (queue, visible, seq);
CREATE INDEX IF NOT EXISTS messages_by_expires ON messages (expires);
CREATE TABLE IF NOT EXISTS moves (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    destination TEXT,
    per_second INTEGER,
    started INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    found INTEGER NOT NULL,
    failure TEXT
);
";

/// Removes messages that are older than their queue's retention period. A dead letter keeps its
/// age.
pub(crate) fn expire(store: &Connection, now: i64) -> Result<(), Refusal> {
    store.prepare_cached("DELETE FROM messages WHERE expires <= ?1")?.execute(params![now])?;
    Ok(())
}

/// Stores a message, and answers as `SendMessage` does.
pub(crate) fn send(store: &Connection, nonce: &str, queue: &Queue, send: &Send, now: i64) -> Result<Map<String, Value>, Refusal> {
    checksums::check(send, queue.number("MaximumMessageSize"))?;
    let delay = send.delay_seconds.unwrap_or_else(|| queue.number("DelaySeconds"));
    let attributes = if send.message_attributes.is_empty() { None } else { serde_json::to_string(&send.message_attributes).ok() };
    let trace = send.message_system_attributes.get("AWSTraceHeader").and_then(|trace| trace.string_value.as_deref());
    store
        .prepare_cached(
            "INSERT INTO messages (queue, visible, sent, expires, trace, attributes, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            queue.id,
            now + delay * 1_000,
            now,
            now + queue.number("MessageRetentionPeriod") * 1_000,
            trace,
            attributes,
            send.message_body,
        ])?;
    let mut reply = Map::new();
    reply.insert("MessageId".to_owned(), message_id(nonce, store.last_insert_rowid()).into());
    reply.insert("MD5OfMessageBody".to_owned(), checksums::md5_of_body(&send.message_body).into());
    if let Some(md5) = checksums::md5_of_attributes(&send.message_attributes) {
        reply.insert("MD5OfMessageAttributes".to_owned(), md5.into());
    }
    Ok(reply)
}

/// Ids follow from the place in the store, so that a message keeps its id through a restart and in
/// the dead letters.
fn message_id(nonce: &str, seq: i64) -> String {
    id_of(&format!("{nonce}/message/{seq}"))
}

struct Stored {
    seq: i64,
    receipt: i64,
    receives: i64,
    sent: i64,
    first_received: Option<i64>,
    source: Option<String>,
    trace: Option<String>,
    attributes: Option<String>,
    body: String,
}

impl Stored {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            receipt: row.get("receipt")?,
            receives: row.get("receives")?,
            sent: row.get("sent")?,
            first_received: row.get("first_received")?,
            source: row.get("source")?,
            trace: row.get("trace")?,
            attributes: row.get("attributes")?,
            body: row.get("body")?,
        })
    }
}

/// Messages that a call of `ReceiveMessage` finds at one moment.
pub(crate) struct Received {
    pub(crate) messages: Vec<Value>,
    /// Queue that got dead letters from this call.
    pub(crate) dead_letters: Option<String>,
    /// Time at which the next hidden message of the queue becomes visible; milliseconds since 1970.
    pub(crate) next_visible: Option<i64>,
}

/// Returns up to `count` messages and hides them. Messages that were received too often go to the
/// dead letters instead.
pub(crate) fn receive(
    store: &Connection,
    nonce: &str,
    queue: &Queue,
    request: &ReceiveMessage,
    count: usize,
    now: i64,
) -> Result<Received, Refusal> {
    expire(store, now)?;
    let timeout = request.visibility_timeout.unwrap_or_else(|| queue.number("VisibilityTimeout"));
    let redrive = queue.redrive();
    let target = match &redrive {
        Some(redrive) => queue::by_name(store, &redrive.target)?,
        None => None,
    };
    let mut received = Received { messages: Vec::new(), dead_letters: None, next_visible: None };
    let mut pick = store.prepare_cached("SELECT * FROM messages WHERE queue = ?1 AND visible <= ?2 ORDER BY visible, seq LIMIT 1")?;
    let mut hide = store.prepare_cached(
        "UPDATE messages SET visible = ?2, in_flight = 1, receipt = receipt + 1, receives = receives + 1,
                first_received = COALESCE(first_received, ?3) WHERE seq = ?1",
    )?;
    let mut bury =
        store.prepare_cached("UPDATE messages SET queue = ?2, visible = ?3, in_flight = 0, receives = 0, source = ?4 WHERE seq = ?1")?;
    let mut taken = Vec::new();
    while received.messages.len() < count {
        let Some(found) = pick.query_row(params![queue.id, now], Stored::from_row).optional()? else { break };
        match (&redrive, &target) {
            (Some(redrive), Some(target)) if found.receives >= redrive.max_receives => {
                bury.execute(params![found.seq, target.id, now, queue.name])?;
                received.dead_letters = Some(target.name.clone());
            }
            _ => {
                // With a time-out of zero the message is visible again at once. It is hidden until
                // the end of the call, so that one answer does not hold it twice.
                hide.execute(params![found.seq, i64::MAX, now])?;
                taken.push(found.seq);
                received.messages.push(handed_out(nonce, queue, request, &found, now));
            }
        }
    }
    let mut shown_again = store.prepare_cached("UPDATE messages SET visible = ?2 WHERE seq = ?1")?;
    for seq in taken {
        shown_again.execute(params![seq, now + timeout * 1_000])?;
    }
    if received.messages.is_empty() {
        received.next_visible = store
            .prepare_cached("SELECT MIN(visible) FROM messages WHERE queue = ?1 AND visible > ?2")?
            .query_row(params![queue.id, now], |row| row.get(0))?;
    }
    Ok(received)
}

/// System attributes of standard queues, and those of FIFO queues, which are ignored.
const SYSTEM_ATTRIBUTES: [&str; 9] = [
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "DeadLetterQueueSourceArn",
    "AWSTraceHeader",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
];

fn handed_out(nonce: &str, queue: &Queue, request: &ReceiveMessage, found: &Stored, now: i64) -> Value {
    let receipt = found.receipt + 1;
    let mut message = Map::new();
    message.insert("MessageId".to_owned(), message_id(nonce, found.seq).into());
    message.insert("ReceiptHandle".to_owned(), Handle { queue: queue.id, seq: found.seq, receipt }.to_text().into());
    message.insert("MD5OfBody".to_owned(), checksums::md5_of_body(&found.body).into());
    message.insert("Body".to_owned(), found.body.clone().into());

    let wanted: Vec<&str> = request.attribute_names.iter().chain(&request.message_system_attribute_names).map(String::as_str).collect();
    let system = [
        ("SenderId", Some(ACCOUNT.to_owned())),
        ("SentTimestamp", Some(found.sent.to_string())),
        ("ApproximateReceiveCount", Some(receipt.to_string())),
        ("ApproximateFirstReceiveTimestamp", Some(found.first_received.unwrap_or(now).to_string())),
        ("DeadLetterQueueSourceArn", found.source.as_deref().map(queue::arn_of)),
        ("AWSTraceHeader", found.trace.clone()),
    ];
    let system: Map<String, Value> = system
        .into_iter()
        .filter(|(name, _)| wanted.contains(name) || wanted.contains(&"All"))
        .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect();
    if !system.is_empty() {
        message.insert("Attributes".to_owned(), system.into());
    }

    let mut attributes: BTreeMap<String, MessageAttribute> =
        found.attributes.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    attributes.retain(|name, _| {
        request.message_attribute_names.iter().any(|wanted| match wanted.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => wanted == name || wanted == "All",
        })
    });
    if let Some(md5) = checksums::md5_of_attributes(&attributes) {
        message.insert("MD5OfMessageAttributes".to_owned(), md5.into());
        message.insert("MessageAttributes".to_owned(), json!(attributes));
    }
    message.into()
}

/// Checks that the attribute names of a `ReceiveMessage` exist.
pub(crate) fn check_names(request: &ReceiveMessage) -> Result<(), Refusal> {
    let unknown = request
        .attribute_names
        .iter()
        .chain(&request.message_system_attribute_names)
        .find(|name| *name != "All" && !SYSTEM_ATTRIBUTES.contains(&name.as_str()));
    match unknown {
        Some(name) => Err(Refusal::new("InvalidAttributeName", format!("Unknown Attribute {name}."))),
        None => Ok(()),
    }
}

/// Names one receipt of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Handle {
    queue: i64,
    seq: i64,
    receipt: i64,
}

impl Handle {
    fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("receipt/{}/{}/{}", self.queue, self.seq, self.receipt))
    }

    fn parse(queue: &Queue, handle: &str) -> Result<Self, Refusal> {
        let invalid = || Refusal::new("ReceiptHandleIsInvalid", "The input receipt handle is invalid.");
        let bytes = URL_SAFE_NO_PAD.decode(handle).map_err(|_| invalid())?;
        let text = String::from_utf8(bytes).map_err(|_| invalid())?;
        let numbers = text.strip_prefix("receipt/").ok_or_else(invalid)?;
        let numbers: Vec<i64> = numbers.split('/').map(str::parse).collect::<Result<_, _>>().map_err(|_| invalid())?;
        match numbers.as_slice() {
            [of, seq, receipt] if *of == queue.id => Ok(Self { queue: *of, seq: *seq, receipt: *receipt }),
            _ => Err(invalid()),
        }
    }
}

/// Deletes the message, if the handle is that of its newest receipt. An older handle, or a handle
/// of a removed message, changes nothing and is no error, as in standard queues (API reference,
/// `DeleteMessage`).
pub(crate) fn delete(store: &Connection, queue: &Queue, handle: &str) -> Result<(), Refusal> {
    let handle = Handle::parse(queue, handle)?;
    store.prepare_cached("DELETE FROM messages WHERE seq = ?1 AND queue = ?2 AND receipt = ?3")?.execute(params![
        handle.seq,
        handle.queue,
        handle.receipt
    ])?;
    Ok(())
}

/// Hides the message for this many seconds from now on; zero shows it.
pub(crate) fn change_visibility(store: &Connection, queue: &Queue, change: &ChangeVisibility, now: i64) -> Result<(), Refusal> {
    if !(0..=43_200).contains(&change.visibility_timeout) {
        return Err(Refusal::new(
            "InvalidParameterValue",
            format!(
                "Value {} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200.",
                change.visibility_timeout
            ),
        ));
    }
    let handle = Handle::parse(queue, &change.receipt_handle)?;
    let in_flight: Option<bool> = store
        .prepare_cached("SELECT in_flight AND visible > ?4 FROM messages WHERE seq = ?1 AND queue = ?2 AND receipt = ?3")?
        .query_row(params![handle.seq, handle.queue, handle.receipt, now], |row| row.get(0))
        .optional()?;
    match in_flight {
        None => Err(Refusal::new(
            "InvalidParameterValue",
            "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.",
        )),
        Some(false) => Err(Refusal::new("MessageNotInflight", "The message referred to is not in flight.")),
        Some(true) => {
            store
                .prepare_cached("UPDATE messages SET visible = ?2 WHERE seq = ?1")?
                .execute(params![handle.seq, now + change.visibility_timeout * 1_000])?;
            Ok(())
        }
    }
}
