//! The indexes, in a second database that receives every write some time later.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dice::Dice;
use crate::EngineError;
use crate::embedded::Embedded;
use crate::wire::Reply;
use crate::writes::{Action, Attributes, Schema, Write};

/// Longest time of the clock before a write is in the indexes.
const LONGEST: Duration = Duration::from_secs(30);
/// Maximum number of calls before a write is in the indexes, as a power of two.
const MOST_CALLS: usize = 8;

/// A write that is not in the indexes yet.
struct Pending {
    table: Arc<str>,
    key: Attributes,
    /// Table and key in one.
    name: Arc<str>,
    /// The item after the write; `None` for a removed item.
    image: Option<Attributes>,
    /// Number of calls after which it becomes visible.
    calls: u64,
    /// Time at which it becomes visible, if that is earlier.
    at: Timestamp,
}

pub(super) struct Replica {
    copies: Embedded,
    dice: Dice,
    calls: u64,
    /// True while no write becomes visible.
    pub(super) held: bool,
    pending: VecDeque<Pending>,
    schemas: HashMap<String, (Arc<str>, Schema)>,
}

impl Replica {
    pub(super) fn new(seed: u64) -> Result<Self, EngineError> {
        Ok(Self {
            copies: Embedded::open(None)?,
            dice: Dice::new(seed, 2),
            calls: 0,
            held: false,
            pending: VecDeque::new(),
            schemas: HashMap::new(),
        })
    }

    /// Makes the copy of a table again, with all its items, or removes it with its table.
    pub(super) fn adopt(&mut self, tables: &Embedded, name: &str) {
        self.pending.retain(|pending| *pending.table != *name);
        if self.schemas.remove(name).is_some() {
            self.copies.ask("DeleteTable", &json!({"TableName": name}));
        }
        let Some(described) = tables.ask("DescribeTable", &json!({"TableName": name})) else { return };
        let Some(schema) = Schema::read(&described).filter(|schema| !schema.indexes.is_empty()) else { return };
        let Some(table) = described.get("Table") else { return };
        let indexes = table.get("GlobalSecondaryIndexes").and_then(Value::as_array).into_iter().flatten().map(|index| {
            json!({"IndexName": index.get("IndexName"), "KeySchema": index.get("KeySchema"), "Projection": index.get("Projection")})
        });
        self.copies.ask(
            "CreateTable",
            &json!({
                "TableName": name,
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": table.get("KeySchema"),
                "AttributeDefinitions": table.get("AttributeDefinitions"),
                "GlobalSecondaryIndexes": indexes.collect::<Vec<_>>(),
            }),
        );
        self.schemas.insert(name.to_owned(), (Arc::from(name), schema));
        let mut start = Value::Null;
        loop {
            let mut scan = json!({"TableName": name, "ConsistentRead": true});
            if let (Some(scan), false) = (scan.as_object_mut(), start.is_null()) {
                scan.insert("ExclusiveStartKey".to_owned(), start);
            }
            let Some(page) = tables.ask("Scan", &scan) else { return };
            for item in page.get("Items").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
                if let Some(image) = self.schemas.get(name).and_then(|(_, schema)| image(schema, item)) {
                    self.copies.ask("PutItem", &json!({"TableName": name, "Item": image}));
                }
            }
            start = page.get("LastEvaluatedKey").cloned().unwrap_or_default();
            if start.is_null() {
                return;
            }
        }
    }

    /// Records writes that were just made.
    pub(super) fn note(&mut self, tables: &Embedded, writes: &[Write<'_>], now: Timestamp) {
        for write in writes {
            let Some((table, schema)) = self.schemas.get(write.table) else { continue };
            let (key, image) = match &write.action {
                Action::Put(item) => (schema.key_of(item), image(schema, item)),
                Action::Delete(key) => ((*key).clone(), None),
                Action::Update { key, .. } => {
                    let read = tables.ask("GetItem", &json!({"TableName": write.table, "Key": key, "ConsistentRead": true}));
                    let item = read.as_ref().and_then(|read| read.get("Item")?.as_object());
                    ((*key).clone(), item.and_then(|item| image(schema, item)))
                }
            };
            let calls = if self.dice.percent(25) { 0 } else { self.dice.roll() % (1 << (1 + self.dice.below(MOST_CALLS))) };
            let wait = Duration::from_millis(self.dice.roll() % (u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX) + 1));
            let at = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
            let name = format!("{table} {}", Value::Object(key.clone())).into();
            self.pending.push_back(Pending { table: Arc::clone(table), key, name, image, calls: self.calls + calls, at });
        }
    }

    /// Counts one more call at this time, and makes writes visible that are due. Writes of one item
    /// keep their order.
    pub(super) fn pass(&mut self, now: Timestamp) {
        self.calls += 1;
        if self.held {
            return;
        }
        let mut waiting: HashSet<Arc<str>> = HashSet::new();
        for pending in std::mem::take(&mut self.pending) {
            if (pending.calls <= self.calls || pending.at <= now) && !waiting.contains(&pending.name) {
                self.show(pending);
            } else {
                waiting.insert(Arc::clone(&pending.name));
                self.pending.push_back(pending);
            }
        }
    }

    pub(super) fn catch_up(&mut self) {
        if self.held {
            return;
        }
        for pending in std::mem::take(&mut self.pending) {
            self.show(pending);
        }
    }

    fn show(&mut self, Pending { table, key, image, .. }: Pending) {
        match image {
            Some(image) => self.copies.ask("PutItem", &json!({"TableName": *table, "Item": image})),
            None => self.copies.ask("DeleteItem", &json!({"TableName": *table, "Key": key})),
        };
    }

    /// An index query.
    pub(super) fn answer(&self, operation: &str, body: &str) -> Reply {
        self.copies.plain(operation, body)
    }
}

/// The part of an item that its indexes show; `None` for an item that is in no index.
fn image(schema: &Schema, item: &Attributes) -> Option<Attributes> {
    let indexed = schema
        .indexes
        .iter()
        .any(|index| item.contains_key(&index.partition) && index.sort.as_ref().is_none_or(|sort| item.contains_key(sort)));
    if !indexed {
        return None;
    }
    if !schema.keys_only {
        return Some(item.clone());
    }
    Some(schema.attributes().filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect())
}
