//! The writes of a DynamoDB request, and the keys of their tables.

use serde_json::{Map, Value};

/// The attributes of an item, or of its key.
pub(crate) type Attributes = Map<String, Value>;

/// One write of a request.
pub(crate) struct Write<'a> {
    pub(crate) table: &'a str,
    /// Place among the request's actions, from 0.
    pub(crate) place: usize,
    pub(crate) action: Action<'a>,
}

pub(crate) enum Action<'a> {
    /// The whole item.
    Put(&'a Attributes),
    /// The item's key.
    Delete(&'a Attributes),
    /// The item's key, and the members beside it.
    Update { key: &'a Attributes, request: &'a Attributes },
}

/// The writes of a request, in their order; none for a read.
pub(crate) fn writes<'a>(operation: &str, request: &'a Value) -> Vec<Write<'a>> {
    match operation {
        "PutItem" | "DeleteItem" | "UpdateItem" => single(operation, request, 0).into_iter().collect(),
        "TransactWriteItems" => {
            let actions = request.get("TransactItems").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let named = |(place, action): (usize, &'a Value)| {
                let (name, action) = action.as_object()?.iter().next()?;
                single(name, action, place)
            };
            actions.iter().enumerate().filter_map(named).collect()
        }
        "BatchWriteItem" => {
            let tables = request.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
            let entries = tables.flat_map(|(table, entries)| entries.as_array().into_iter().flatten().map(move |entry| (table, entry)));
            let write = |(place, (table, entry)): (usize, (&'a String, &'a Value))| {
                let put = entry.pointer("/PutRequest/Item").and_then(Value::as_object).map(Action::Put);
                let delete = || entry.pointer("/DeleteRequest/Key").and_then(Value::as_object).map(Action::Delete);
                Some(Write { table, place, action: put.or_else(delete)? })
            };
            entries.enumerate().filter_map(write).collect()
        }
        _ => Vec::new(),
    }
}

fn single<'a>(name: &str, request: &'a Value, place: usize) -> Option<Write<'a>> {
    let request = request.as_object()?;
    let member = |name: &str| request.get(name).and_then(Value::as_object);
    let action = match name {
        "PutItem" | "Put" => Action::Put(member("Item")?),
        "DeleteItem" | "Delete" => Action::Delete(member("Key")?),
        "UpdateItem" | "Update" => Action::Update { key: member("Key")?, request },
        _ => return None,
    };
    Some(Write { table: request.get("TableName")?.as_str()?, place, action })
}

/// The key attributes of a table and of its indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schema {
    /// Keys of the table itself: partition key, then sort key if it has one.
    pub(crate) own: Vec<String>,
    pub(crate) indexes: Vec<IndexKey>,
    /// True if the indexes project keys alone.
    pub(crate) keys_only: bool,
}

/// The key attributes of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexKey {
    pub(crate) partition: String,
    pub(crate) sort: Option<String>,
}

impl Schema {
    /// Reads the answer of `DescribeTable`.
    pub(crate) fn read(described: &Value) -> Option<Self> {
        let table = described.get("Table")?;
        let indexes = table.get("GlobalSecondaryIndexes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let keys_only = indexes.iter().all(|index| index.pointer("/Projection/ProjectionType").is_some_and(|kind| kind == "KEYS_ONLY"));
        let key = |index: &Value| {
            let mut names = key_names(index)?.into_iter();
            Some(IndexKey { partition: names.next()?, sort: names.next() })
        };
        Some(Self { own: key_names(table)?, indexes: indexes.iter().filter_map(key).collect(), keys_only })
    }

    /// Every attribute that is in some key.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        let of_indexes = self.indexes.iter().flat_map(|index| std::iter::once(&index.partition).chain(&index.sort));
        self.own.iter().chain(of_indexes).map(String::as_str)
    }

    /// The key of an item.
    pub(crate) fn key_of(&self, item: &Attributes) -> Attributes {
        self.own.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect()
    }
}

/// The names of a key schema: partition key, then sort key.
fn key_names(of: &Value) -> Option<Vec<String>> {
    let elements = of.get("KeySchema")?.as_array()?;
    let named = |kind: &str| {
        let element = elements.iter().find(|element| element.get("KeyType").is_some_and(|value| value == kind));
        element.and_then(|element| element.get("AttributeName")?.as_str().map(str::to_owned))
    };
    Some(std::iter::once(named("HASH")?).chain(named("RANGE")).collect())
}
