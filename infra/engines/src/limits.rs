//! A limit of DynamoDB that the embedded engine lacks: the length of an index's keys (developer
//! guide, "Constraints", and `TransactWriteItems`, "Validation Error"). The engine itself limits
//! the table's own keys and items, and the number of a request's entries.

use serde_json::{Value, json};

use crate::wire::{Refusal, Reply, Service};
use crate::writes::{Action, Attributes, Schema, Write};

/// Bytes of a partition key.
const PARTITION: usize = 2_048;
/// Bytes of a sort key.
const SORT: usize = 1_024;

/// AWS's own text has no blank before the number.
const PARTITION_TOO_LONG: &str =
    "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes";
const SORT_TOO_LONG: &str =
    "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes";
const UPDATE_TOO_LONG: &str = "The update expression attempted to update the secondary index key beyond allowed size limits";

/// A shorter request cannot contain a key that is too long.
pub(crate) const SHORTEST: usize = SORT;

/// The refusal of a request that writes an index key that is too long.
pub(crate) fn refuse<'a>(
    operation: &str,
    request: &Value,
    writes: &[Write<'a>],
    schema: impl Fn(&'a str) -> Option<std::sync::Arc<Schema>>,
) -> Option<Reply> {
    let wrong = |write: &Write<'a>| {
        let schema = schema(write.table)?;
        let too_long = schema.indexes.iter().find_map(|index| {
            let sort = index.sort.as_deref().and_then(|sort| too_long(write, sort, SORT, SORT_TOO_LONG));
            too_long(write, &index.partition, PARTITION, PARTITION_TOO_LONG).or(sort)
        });
        Some((write.place, too_long?))
    };
    let (place, message) = writes.iter().find_map(wrong)?;
    if operation != "TransactWriteItems" {
        return Some(Service::Tables.refuse(&Refusal::new("ValidationException", message)));
    }
    let actions = request.get("TransactItems").and_then(Value::as_array).map_or(0, Vec::len);
    Some(cancelled(actions, place, "ValidationError", message))
}

/// A transaction with this many actions that is canceled because of one of them.
pub(crate) fn cancelled(actions: usize, place: usize, code: &str, message: &str) -> Reply {
    let reason = |at| if at == place { json!({"Code": code, "Message": message}) } else { json!({"Code": "None"}) };
    let reasons: Vec<Value> = (0..actions).map(reason).collect();
    let codes: Vec<&str> = (0..actions).map(|at| if at == place { code } else { "None" }).collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", ")),
        "CancellationReasons": reasons,
    });
    Reply::tables(400, body.to_string())
}

/// The message for a key attribute that is too long.
fn too_long(write: &Write<'_>, attribute: &str, most: usize, message: &'static str) -> Option<&'static str> {
    match &write.action {
        Action::Put(item) => (length(item.get(attribute)?) > most).then_some(message),
        Action::Delete(_) => None,
        Action::Update { request, .. } => {
            let values = request.get("ExpressionAttributeValues")?.as_object()?;
            assigned(request, attribute, values).is_some_and(|value| length(value) > most).then_some(UPDATE_TOO_LONG)
        }
    }
}

/// The value that an update assigns to an attribute, `SET name = :value`. Computed values are not
/// checked.
fn assigned<'a>(request: &Attributes, attribute: &str, values: &'a Attributes) -> Option<&'a Value> {
    let expression = request.get("UpdateExpression")?.as_str()?;
    let names = request.get("ExpressionAttributeNames").and_then(Value::as_object);
    let means = |name: &str| name == attribute || names.and_then(|names| names.get(name)).is_some_and(|meant| meant == attribute);
    expression.split(',').find_map(|clause| {
        let (name, value) = clause.split_once('=')?;
        means(name.split_whitespace().next_back()?).then(|| values.get(value.split_whitespace().next()?))?
    })
}

/// Bytes of a text, a number or a binary value.
fn length(value: &Value) -> usize {
    let text = |kind: &str| value.get(kind).and_then(Value::as_str);
    match (text("S").or_else(|| text("N")), text("B")) {
        (Some(text), _) => text.len(),
        (None, Some(binary)) => binary.trim_end_matches('=').len() * 3 / 4,
        (None, None) => 0,
    }
}
