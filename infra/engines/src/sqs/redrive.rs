//! Redrive: dead letters return to their queue, or go to another one.
//!
//! AWS executes a move task in the background. This engine has finished it when it answers.

use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};

use super::queue::{self, Queue};
use super::requests::{ListMessageMoveTasks, StartMessageMoveTask};
use crate::sqlite::id_of;
use crate::wire::Refusal;

/// Result of a task.
pub(crate) struct Moved {
    pub(crate) handle: String,
    /// Queues that got messages, with the number of messages.
    pub(crate) to: Vec<(String, usize)>,
}

fn by_arn(store: &Connection, arn: &str) -> Result<Queue, Refusal> {
    let name =
        queue::name_of_arn(arn).ok_or_else(|| Refusal::new("InvalidParameterValue", format!("Value {arn} is not a queue's ARN.")))?;
    queue::by_name(store, name)?.ok_or_else(|| {
        Refusal::new("ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.")
    })
}

fn check_source(store: &Connection, source: &Queue) -> Result<(), Refusal> {
    let used = queue::all(store)?.iter().any(|queue| queue.redrive().is_some_and(|redrive| redrive.target == source.name));
    if used {
        return Ok(());
    }
    Err(Refusal::new("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."))
}

/// Moves every visible message of a dead-letter queue. Moved messages are new messages, with a new
/// id, a new time and no receipts (developer guide, "Configuring a dead-letter queue redrive").
pub(crate) fn start(store: &Connection, nonce: &str, request: &StartMessageMoveTask, now: i64) -> Result<Moved, Refusal> {
    if request.max_number_of_messages_per_second.is_some_and(|rate| !(1..=500).contains(&rate)) {
        return Err(Refusal::new("InvalidParameterValue", "MaxNumberOfMessagesPerSecond must be between 1 and 500."));
    }
    let source = by_arn(store, &request.source_arn)?;
    check_source(store, &source)?;
    let destination = match &request.destination_arn {
        Some(arn) => Some(by_arn(store, arn)?),
        None => None,
    };
    super::messages::expire(store, now)?;

    let found: Vec<(i64, Option<String>)> = store
        .prepare_cached("SELECT seq, source FROM messages WHERE queue = ?1 AND visible <= ?2 ORDER BY seq")?
        .query_map(params![source.id, now], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut renew = store.prepare_cached(
        "INSERT INTO messages (queue, visible, sent, expires, trace, attributes, body)
         SELECT ?2, ?3, ?3, ?4, trace, attributes, body FROM messages WHERE seq = ?1",
    )?;
    let mut remove = store.prepare_cached("DELETE FROM messages WHERE seq = ?1")?;
    let mut to: Vec<(String, usize)> = Vec::new();
    let mut failure = None;
    let mut moved: i64 = 0;
    for (seq, came_from) in &found {
        let target = match (&destination, came_from) {
            (Some(queue), _) => Some(queue.clone()),
            (None, Some(name)) => queue::by_name(store, name)?,
            (None, None) => None,
        };
        let Some(target) = target else {
            failure = Some("CouldNotDetermineMessageSource");
            continue;
        };
        renew.execute(params![seq, target.id, now, now + target.number("MessageRetentionPeriod") * 1_000])?;
        remove.execute(params![seq])?;
        moved += 1;
        match to.iter_mut().find(|(name, _)| *name == target.name) {
            Some((_, count)) => *count += 1,
            None => to.push((target.name.clone(), 1)),
        }
    }
    store
        .prepare_cached(
            "INSERT INTO moves (source, destination, per_second, started, moved, found, failure) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            source.name,
            request.destination_arn,
            request.max_number_of_messages_per_second,
            now,
            moved,
            i64::try_from(found.len()).unwrap_or(i64::MAX),
            failure,
        ])?;
    Ok(Moved { handle: id_of(&format!("{nonce}/move/{}", store.last_insert_rowid())), to })
}

/// The newest tasks of a queue, newest first: one by default, ten at most.
pub(crate) fn list(store: &Connection, request: &ListMessageMoveTasks) -> Result<Vec<Value>, Refusal> {
    let source = by_arn(store, &request.source_arn)?;
    check_source(store, &source)?;
    let count = request.max_results.unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(Refusal::new("InvalidParameterValue", "MaxResults must be between 1 and 10."));
    }
    let mut statement = store.prepare_cached("SELECT * FROM moves WHERE source = ?1 ORDER BY id DESC LIMIT ?2")?;
    let rows = statement.query_map(params![source.name, count], |row| {
        let failure: Option<String> = row.get("failure")?;
        let mut task = Map::new();
        task.insert("SourceArn".to_owned(), source.arn().into());
        task.insert("Status".to_owned(), if failure.is_some() { "FAILED" } else { "COMPLETED" }.into());
        task.insert("StartedTimestamp".to_owned(), json!(row.get::<_, i64>("started")?));
        task.insert("ApproximateNumberOfMessagesMoved".to_owned(), json!(row.get::<_, i64>("moved")?));
        task.insert("ApproximateNumberOfMessagesToMove".to_owned(), json!(row.get::<_, i64>("found")?));
        let optional = [
            ("DestinationArn", row.get::<_, Option<String>>("destination")?.map(Value::from)),
            ("MaxNumberOfMessagesPerSecond", row.get::<_, Option<i64>>("per_second")?.map(Value::from)),
            ("FailureReason", failure.map(Value::from)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                task.insert(name.to_owned(), value);
            }
        }
        Ok(Value::Object(task))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
