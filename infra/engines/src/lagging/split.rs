//! Divides a batch into the executed part and the rest.

use serde_json::{Map, Value};

use super::dice::Dice;
use crate::wire::Reply;

/// A batch in two parts.
#[derive(Debug)]
pub(crate) struct Split {
    /// The request of the executed part.
    pub(super) now: Value,
    /// The reply's member for the rest.
    member: &'static str,
    /// The rest.
    left: Value,
}

impl Split {
    /// Executes the first part, and adds the rest to the reply.
    pub(crate) fn carried_out(self, carry_out: impl FnOnce(&str) -> Reply) -> Reply {
        let reply = carry_out(&self.now.to_string());
        with_left(reply, self.member, self.left)
    }
}

/// The reply to the executed part of a batch, with the rest.
fn with_left(reply: Reply, member: &str, left: Value) -> Reply {
    let Ok(Value::Object(mut body)) = serde_json::from_str::<Value>(&reply.body) else { return reply };
    if reply.status != 200 {
        return reply;
    }
    let merged = body.entry(member).or_insert_with(|| Value::Object(serde_json::Map::new()));
    let (Some(merged), Value::Object(left)) = (merged.as_object_mut(), left) else { return reply };
    // Entries that the engine itself left out are already in the reply.
    for (table, entries) in left {
        match (merged.get_mut(&table), entries) {
            (Some(Value::Array(there)), Value::Array(more)) => there.extend(more),
            (Some(Value::Object(there)), Value::Object(mut more)) => {
                if let (Some(Value::Array(there)), Some(Value::Array(more))) = (there.get_mut("Keys"), more.remove("Keys")) {
                    there.extend(more);
                }
            }
            (_, entries) => drop(merged.insert(table, entries)),
        }
    }
    Reply::tables(200, Value::Object(body).to_string())
}

/// Divides a batch of at least two entries at random, so that both parts have entries.
pub(super) fn by_chance(operation: &str, request: &Value, dice: &mut Dice) -> Option<Split> {
    let mut order = entries(operation, request)?.len();
    let turn = dice.below(order);
    // The first entry after the turn is always executed, the second never.
    let mut done = vec![false; order];
    while order > 0 {
        order -= 1;
        if let Some(done) = done.get_mut(order) {
            *done = order == 0 || (order > 1 && dice.percent(60));
        }
    }
    done.rotate_right(turn);
    divide(operation, request, |at| done.get(at).copied().unwrap_or_default())
}

/// Divides a batch so that its first `most` entries are executed. Returns `None` if it has no more
/// entries.
pub(crate) fn in_part(operation: &str, request: &Value, most: usize) -> Option<Split> {
    if !matches!(operation, "BatchGetItem" | "BatchWriteItem") || entries(operation, request)?.len() <= most {
        return None;
    }
    divide(operation, request, |at| at < most)
}

/// Every entry, with its table.
fn entries<'a>(operation: &str, request: &'a Value) -> Option<Vec<(&'a String, &'a Value)>> {
    let mut entries = Vec::new();
    for (table, asked) in request.get("RequestItems")?.as_object()? {
        let list = if operation == "BatchWriteItem" { asked } else { asked.get("Keys")? };
        entries.extend(list.as_array()?.iter().map(|entry| (table, entry)));
    }
    Some(entries)
}

fn divide(operation: &str, request: &Value, is_done: impl Fn(usize) -> bool) -> Option<Split> {
    let writes = operation == "BatchWriteItem";
    let entries = entries(operation, request)?;
    if entries.len() < 2 {
        return None;
    }
    let tables = request.get("RequestItems")?.as_object()?;
    let (mut now, mut left) = (Map::new(), Map::new());
    for (at, (table, entry)) in entries.into_iter().enumerate() {
        let part = if is_done(at) { &mut now } else { &mut left };
        let asked = part.entry(table.clone()).or_insert_with(|| {
            if writes {
                return Value::Array(Vec::new());
            }
            let mut asked = tables.get(table).cloned().unwrap_or_default();
            if let Some(keys) = asked.get_mut("Keys") {
                *keys = Value::Array(Vec::new());
            }
            asked
        });
        let list = if writes { Some(asked) } else { asked.get_mut("Keys") };
        list?.as_array_mut()?.push(entry.clone());
    }
    let mut request = request.clone();
    *request.get_mut("RequestItems")? = Value::Object(now);
    let member = if writes { "UnprocessedItems" } else { "UnprocessedKeys" };
    Some(Split { now: request, member, left: Value::Object(left) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_divided_batch_keeps_each_entry_once() {
        let keys: Vec<Value> = (0..9).map(|number| json!({"pk": {"S": number.to_string()}})).collect();
        let reads = json!({"RequestItems": {"t": {"Keys": keys, "ConsistentRead": true}}});
        let puts: Vec<Value> = (0..9).map(|number| json!({"PutRequest": {"Item": {"pk": {"S": number.to_string()}}}})).collect();
        let writes = json!({"RequestItems": {"t": puts}});
        for seed in 0..200 {
            let mut dice = Dice::new(seed, 7);
            for (operation, request, list) in [("BatchGetItem", &reads, "/t/Keys"), ("BatchWriteItem", &writes, "/t")] {
                let Split { now, left, .. } = by_chance(operation, request, &mut dice).unwrap();
                let of = |value: &Value, list: &str| value.pointer(list).unwrap().as_array().unwrap().clone();
                let (done, rest) = (of(&now["RequestItems"], list), of(&left, list));
                assert!(!done.is_empty() && !rest.is_empty());
                let mut all: Vec<String> = done.iter().chain(&rest).map(Value::to_string).collect();
                all.sort();
                let mut expected: Vec<String> = of(&request["RequestItems"], list).iter().map(Value::to_string).collect();
                expected.sort();
                assert_eq!(all, expected);
            }
            assert!(by_chance("BatchGetItem", &json!({"RequestItems": {"t": {"Keys": [{}]}}}), &mut dice).is_none());
        }
    }
}
