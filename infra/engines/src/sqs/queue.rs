//! A queue: its name, its attributes and their permitted values.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;

use crate::wire::Refusal;
use crate::{ACCOUNT, REGION};

/// Attributes that a caller may set, the range of those that are numbers, and their defaults
/// (API reference, `SetQueueAttributes`; messages to 1 MiB since August 2025).
const NUMBERS: [(&str, i64, i64, i64); 5] = [
    ("VisibilityTimeout", 0, 43_200, 30),
    ("DelaySeconds", 0, 900, 0),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("MaximumMessageSize", 1_024, 1_048_576, 1_048_576),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
];

/// Attributes that are stored and returned, and have no effect.
const KEPT: [&str; 5] = ["Policy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"];

/// Queue for messages that were received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redrive {
    /// Name of the dead-letter queue.
    pub(crate) target: String,
    /// Number of receipts of a message before it goes there.
    pub(crate) max_receives: i64,
}

/// A stored queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) id: i64,
    pub(crate) name: String,
    /// Milliseconds since 1970, like all times of the store.
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) purged: Option<i64>,
    /// Those that a caller set.
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Queue {
    /// A numeric attribute, or its default.
    pub(crate) fn number(&self, name: &str) -> i64 {
        let set = self.attributes.get(name).and_then(|text| text.parse().ok());
        let default = || NUMBERS.iter().find(|(known, ..)| *known == name).map_or(0, |(.., default)| *default);
        set.unwrap_or_else(default)
    }

    pub(crate) fn redrive(&self) -> Option<Redrive> {
        parse_redrive(self.attributes.get("RedrivePolicy")?).ok()
    }

    pub(crate) fn arn(&self) -> String {
        arn_of(&self.name)
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let attributes: String = row.get("attributes")?;
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            created: row.get("created")?,
            modified: row.get("modified")?,
            purged: row.get("purged")?,
            attributes: serde_json::from_str(&attributes).unwrap_or_default(),
        })
    }
}

/// The ARN of a queue of this name.
pub(crate) fn arn_of(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// The name at the end of a queue's URL. Host and port may be those of another run, because the
/// engines use a free port each time.
pub(crate) fn name_of_url(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// The name at the end of a queue's ARN.
pub(crate) fn name_of_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.rsplit(':').next()
}

pub(crate) fn by_name(store: &Connection, name: &str) -> Result<Option<Queue>, Refusal> {
    let queue = store.prepare_cached("SELECT * FROM queues WHERE name = ?1")?.query_row(params![name], Queue::from_row).optional()?;
    Ok(queue)
}

/// The queue that a request's URL names.
pub(crate) fn by_url(store: &Connection, url: &str) -> Result<Queue, Refusal> {
    by_name(store, name_of_url(url))?.ok_or_else(|| Refusal::new("QueueDoesNotExist", "The specified queue does not exist."))
}

/// All queues, by name.
pub(crate) fn all(store: &Connection) -> Result<Vec<Queue>, Refusal> {
    let mut statement = store.prepare_cached("SELECT * FROM queues ORDER BY name")?;
    let rows = statement.query_map([], Queue::from_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Creates the queue, or returns it if it exists with the same attributes.
pub(crate) fn create(store: &Connection, name: &str, attributes: BTreeMap<String, String>, now: i64) -> Result<(), Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if attributes.get("FifoQueue").is_some_and(|value| value == "true") {
        return Err(Refusal::new("UnsupportedOperation", "FIFO queues are not supported here."));
    }
    if name.is_empty() || name.len() > 80 || !name.chars().all(plain) {
        return Err(Refusal::new(
            "InvalidParameterValue",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ));
    }
    let attributes = checked(store, attributes)?;
    if let Some(there) = by_name(store, name)? {
        let differs = attributes.iter().find(|(key, value)| there.attributes.get(*key) != Some(value));
        return match differs {
            None => Ok(()),
            Some((key, _)) => Err(Refusal::new(
                "QueueNameExists",
                format!("A queue already exists with the same name and a different value for attribute {key}"),
            )),
        };
    }
    store.prepare_cached("INSERT INTO queues (name, created, modified, attributes) VALUES (?1, ?2, ?2, ?3)")?.execute(params![
        name,
        now,
        json_of(&attributes)
    ])?;
    Ok(())
}

/// Sets attributes; an empty value removes one.
pub(crate) fn set_attributes(store: &Connection, queue: Queue, attributes: BTreeMap<String, String>, now: i64) -> Result<(), Refusal> {
    let (removed, set): (BTreeMap<_, _>, BTreeMap<_, _>) =
        attributes.into_iter().partition(|(name, value)| value.is_empty() && (name == "RedrivePolicy" || KEPT.contains(&name.as_str())));
    let mut all = queue.attributes;
    all.extend(checked(store, set)?);
    all.retain(|name, _| !removed.contains_key(name));
    store.prepare_cached("UPDATE queues SET attributes = ?2, modified = ?3 WHERE id = ?1")?.execute(params![
        queue.id,
        json_of(&all),
        now
    ])?;
    Ok(())
}

fn json_of(attributes: &BTreeMap<String, String>) -> String {
    serde_json::to_string(attributes).unwrap_or_else(|_| "{}".to_owned())
}

/// The attributes in the form of `GetQueueAttributes`, or the reason for which one of them is
/// refused.
fn checked(store: &Connection, attributes: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Refusal> {
    let invalid = |name: &str| Refusal::new("InvalidAttributeValue", format!("Invalid value for the parameter {name}."));
    let mut checked = BTreeMap::new();
    for (name, value) in attributes {
        let value = if let Some((_, low, high, _)) = NUMBERS.iter().find(|(known, ..)| *known == name) {
            let number: i64 = value.parse().map_err(|_| invalid(&name))?;
            if !(*low..=*high).contains(&number) {
                return Err(invalid(&name));
            }
            number.to_string()
        } else if name == "RedrivePolicy" {
            let redrive = parse_redrive(&value)?;
            if by_name(store, &redrive.target)?.is_none() {
                return Err(redrive_refused(&value, "Dead letter target does not exist."));
            }
            value
        } else if name == "FifoQueue" {
            continue;
        } else if KEPT.contains(&name.as_str()) {
            value
        } else {
            return Err(Refusal::new("InvalidAttributeName", format!("Unknown Attribute {name}.")));
        };
        checked.insert(name, value);
    }
    Ok(checked)
}

fn redrive_refused(value: &str, reason: &str) -> Refusal {
    Refusal::new("InvalidParameterValue", format!("Value {value} for parameter RedrivePolicy is invalid. Reason: {reason}"))
}

/// `maxReceiveCount` is a number or a text, because infrastructure tools write both.
fn parse_redrive(value: &str) -> Result<Redrive, Refusal> {
    let refused = |reason| redrive_refused(value, reason);
    let policy: Value = serde_json::from_str(value).map_err(|_| refused("Redrive policy is not a valid JSON map."))?;
    let target = policy
        .get("deadLetterTargetArn")
        .and_then(Value::as_str)
        .and_then(name_of_arn)
        .ok_or_else(|| refused("Redrive policy does not contain mandatory attribute: deadLetterTargetArn."))?;
    let max_receives = match policy.get("maxReceiveCount") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => return Err(refused("Redrive policy does not contain mandatory attribute: maxReceiveCount.")),
    };
    match max_receives {
        Some(max_receives @ 1..=1_000) => Ok(Redrive { target: target.to_owned(), max_receives }),
        _ => Err(refused("Invalid value for maxReceiveCount: must be between 1 and 1000.")),
    }
}

/// The requested attributes, including the counted ones.
pub(crate) fn attributes(store: &Connection, queue: &Queue, names: &[String], now: i64) -> Result<BTreeMap<String, String>, Refusal> {
    let mut all = queue.attributes.clone();
    for (name, _, _, default) in NUMBERS {
        all.entry(name.to_owned()).or_insert_with(|| default.to_string());
    }
    all.entry("SqsManagedSseEnabled".to_owned()).or_insert_with(|| "true".to_owned());
    all.insert("QueueArn".to_owned(), queue.arn());
    all.insert("CreatedTimestamp".to_owned(), (queue.created / 1_000).to_string());
    all.insert("LastModifiedTimestamp".to_owned(), (queue.modified / 1_000).to_string());
    let (visible, in_flight, delayed): (i64, i64, i64) = store
        .prepare_cached(
            "SELECT COALESCE(SUM(visible <= ?2), 0), COALESCE(SUM(visible > ?2 AND in_flight), 0),
                    COALESCE(SUM(visible > ?2 AND NOT in_flight), 0)
             FROM messages WHERE queue = ?1 AND expires > ?2",
        )?
        .query_row(params![queue.id, now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    all.insert("ApproximateNumberOfMessages".to_owned(), visible.to_string());
    all.insert("ApproximateNumberOfMessagesNotVisible".to_owned(), in_flight.to_string());
    all.insert("ApproximateNumberOfMessagesDelayed".to_owned(), delayed.to_string());
    if names.iter().any(|name| name == "All") {
        return Ok(all);
    }
    if let Some(unknown) = names.iter().find(|name| !all.contains_key(*name) && *name != "RedrivePolicy" && !KEPT.contains(&name.as_str()))
    {
        return Err(Refusal::new("InvalidAttributeName", format!("Unknown Attribute {unknown}.")));
    }
    all.retain(|name, _| names.contains(name));
    Ok(all)
}
