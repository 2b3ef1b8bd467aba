//! dynoxide in this process, with a typed function for each operation.

use std::path::Path;
use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::EngineError;
use crate::wire::{Refusal, Reply, Service};

/// The embedded engine.
#[derive(Clone)]
pub(crate) struct Embedded {
    database: Arc<Database>,
}

impl Embedded {
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, EngineError> {
        let database = match path {
            Some(path) => Database::new(&path.to_string_lossy()),
            None => Database::memory(),
        }
        .map_err(EngineError::Tables)?;
        // The engine's own way to set `synchronous = NORMAL`. It opens files with FULL, which waits
        // for the disk at every commit and protects only against a power cut.
        database.disable_bulk_loading().map_err(EngineError::Tables)?;
        Ok(Self { database: Arc::new(database) })
    }

    /// Records of a table's stream.
    pub(crate) fn stream_records(&self, table: &str, after: Option<&str>) -> Result<Vec<Value>, EngineError> {
        let stream = |what: &str| EngineError::Stream(what.to_owned());
        let ask = |operation: &str, body: Value| -> Result<Value, EngineError> {
            let answer =
                self.dispatch(operation, &body.to_string()).ok_or_else(|| stream("unknown operation"))?.map_err(EngineError::Tables)?;
            serde_json::from_str(&answer).map_err(|error| stream(&error.to_string()))
        };
        let streams = ask("ListStreams", json!({"TableName": table}))?;
        let arn = streams.pointer("/Streams/0/StreamArn").cloned().ok_or_else(|| stream("the table has none"))?;
        let described = ask("DescribeStream", json!({"StreamArn": arn}))?;
        let Some(shard) = described.pointer("/StreamDescription/Shards/0/ShardId").cloned() else { return Ok(Vec::new()) };
        let mut from = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
        if let (Some(after), Some(from)) = (after, from.as_object_mut()) {
            from.insert("ShardIteratorType".to_owned(), "AFTER_SEQUENCE_NUMBER".into());
            from.insert("SequenceNumber".to_owned(), after.into());
        }
        let iterator = ask("GetShardIterator", from)?;
        let records = ask("GetRecords", json!({"ShardIterator": iterator.get("ShardIterator"), "Limit": 1000}))?;
        Ok(records.get("Records").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// The names of all tables.
    pub(crate) fn names(&self) -> Vec<String> {
        let listed = self.ask("ListTables", &json!({})).unwrap_or_default();
        let names = listed.get("TableNames").and_then(Value::as_array).into_iter().flatten();
        names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }

    /// A call of the engines themselves. An error is logged, and the answer is then `None`.
    pub(crate) fn ask(&self, operation: &str, request: &Value) -> Option<Value> {
        match self.dispatch(operation, &request.to_string())? {
            Ok(answer) => serde_json::from_str(&answer).ok(),
            Err(error) => {
                tracing::debug!(operation, error = &error as &dyn std::error::Error, "the engines' own call failed");
                None
            }
        }
    }

    /// Answers one call with the embedded engine.
    pub(crate) fn plain(&self, operation: &str, body: &str) -> Reply {
        match self.dispatch(operation, body) {
            Some(Ok(json)) => Reply::tables(200, json),
            Some(Err(error)) => {
                let error = enveloped(operation, error);
                if error.status_code() >= 500 {
                    tracing::error!(operation, error = &error as &dyn std::error::Error, "the table's store failed");
                }
                Reply::tables(error.status_code(), error.to_json())
            }
            None => Service::Tables.refuse(&Refusal::new("UnknownOperationException", format!("No operation {operation}."))),
        }
    }

    fn dispatch(&self, operation: &str, body: &str) -> Option<dynoxide::Result<String>> {
        let db = &*self.database;
        Some(match operation {
            "PutItem" => call(body, |request| db.put_item(request)),
            "GetItem" => call(body, |request| db.get_item(request)),
            "UpdateItem" => call(body, |request| db.update_item(request)),
            "DeleteItem" => call(body, |request| db.delete_item(request)),
            "Query" => call(body, |request| db.query(request)),
            "Scan" => call(body, |request| db.scan(request)),
            "BatchGetItem" => call(body, |request| db.batch_get_item(request)),
            "BatchWriteItem" => call(body, |request| db.batch_write_item(request)),
            "TransactWriteItems" => call(body, |request| db.transact_write_items(request)),
            "TransactGetItems" => call(body, |request| db.transact_get_items(request)),
            "CreateTable" => call(body, |request| db.create_table(request)),
            "DeleteTable" => call(body, |request| db.delete_table(request)),
            "DescribeTable" => call(body, |request| db.describe_table(request)),
            "ListTables" => call(body, |request| db.list_tables(request)),
            "UpdateTable" => call(body, |request| db.update_table(request)),
            "UpdateTimeToLive" => call(body, |request| db.update_time_to_live(request)),
            "DescribeTimeToLive" => call(body, |request| db.describe_time_to_live(request)),
            "ListStreams" => call(body, |request| db.list_streams(request)),
            "DescribeStream" => call(body, |request| db.describe_stream(request)),
            "GetShardIterator" => call(body, |request| db.get_shard_iterator(request)),
            "GetRecords" => call(body, |request| db.get_records(request)),
            _ => return None,
        })
    }
}

fn call<Q: DeserializeOwned, A: Serialize>(body: &str, run: impl FnOnce(Q) -> dynoxide::Result<A>) -> dynoxide::Result<String> {
    let request = serde_json::from_str(body).map_err(|error| unreadable(&error))?;
    let answer = run(request)?;
    serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

type Kind = fn(String) -> DynoxideError;

/// The engine's readers mark, in the text of the error, the refusal of DynamoDB that applies to a
/// value.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let marks: [(&str, Kind); 5] = [
        ("VALIDATION_AS_READ:", DynoxideError::ValidationException),
        ("VALIDATION_REQUEST:", DynoxideError::EnvelopedValidation),
        ("VALIDATION:", DynoxideError::ValidationException),
        ("SERIALIZATION_AS_READ:", DynoxideError::SerializationException),
        ("SERIALIZATION:", DynoxideError::SerializationException),
    ];
    for (mark, kind) in marks {
        if let Some(message) = text.strip_prefix(mark) {
            return kind(message.to_owned());
        }
    }
    let validation = ["missing field", "unknown variant", "invalid type: null", "Supplied AttributeValue", "empty AttributeValue"];
    if validation.iter().any(|part| text.contains(part)) {
        DynoxideError::ValidationException(text.to_owned())
    } else {
        DynoxideError::SerializationException(text.to_owned())
    }
}

/// DynamoDB introduces some refusals of the three single-item writes with a count.
fn enveloped(operation: &str, error: DynoxideError) -> DynoxideError {
    match error {
        DynoxideError::EnvelopedValidation(message) if matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem") => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        DynoxideError::EnvelopedValidation(message) => DynoxideError::ValidationException(message),
        other => other,
    }
}
