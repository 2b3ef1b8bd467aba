//! Limits of all batches, and a reply that lists each entry as done or failed.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::requests::Entry;
use crate::faults::{BatchEntry, Faults};
use crate::wire::Refusal;

const MOST_ENTRIES: usize = 10;

/// Refuses the batch as a whole (API reference, `SendMessageBatch`, "Errors").
pub(crate) fn check<T>(entries: &[Entry<T>]) -> Result<(), Refusal> {
    if entries.is_empty() {
        return Err(Refusal::new("EmptyBatchRequest", "There should be at least one entry in the request."));
    }
    if entries.len() > MOST_ENTRIES {
        return Err(Refusal::new(
            "TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are {MOST_ENTRIES}. You have sent {}.", entries.len()),
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut ids = HashSet::new();
    for Entry { id, .. } in entries {
        if id.is_empty() || id.len() > 80 || !id.chars().all(plain) {
            return Err(Refusal::new(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
            ));
        }
        if !ids.insert(id) {
            return Err(Refusal::new("BatchEntryIdsNotDistinct", format!("Id {id} repeated.")));
        }
    }
    Ok(())
}

/// Executes each entry separately. A failure of the store (status 500) fails the whole call and its
/// transaction.
pub(crate) fn each<T>(
    operation: &str,
    faults: &Faults,
    entries: &[Entry<T>],
    body: impl Fn(&T) -> &str,
    mut run: impl FnMut(&T) -> Result<Map<String, Value>, Refusal>,
) -> Result<Value, Refusal> {
    let mut successful = Vec::new();
    let mut failed = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        if let Some(fault) = faults.entry(operation, &BatchEntry { index, id: &entry.id, body: body(&entry.what) }) {
            failed.push(json!({
                "Id": entry.id, "Code": fault.code, "SenderFault": fault.sender_fault, "Message": "A fault that was asked for.",
            }));
            continue;
        }
        match run(&entry.what) {
            Ok(mut done) => {
                done.insert("Id".to_owned(), entry.id.clone().into());
                successful.push(Value::Object(done));
            }
            Err(refusal) if refusal.status >= 500 => return Err(refusal),
            Err(refusal) => failed.push(json!({
                "Id": entry.id, "Code": refusal.code, "SenderFault": true, "Message": refusal.message,
            })),
        }
    }
    let mut reply = Map::new();
    // Both lists are always present, because some clients take a missing list for a broken answer.
    reply.insert("Successful".to_owned(), successful.into());
    reply.insert("Failed".to_owned(), failed.into());
    Ok(reply.into())
}
