//! Write units of an item, in the table and in its indexes, as DynamoDB counts them.

use serde_json::Value;
use stevedore_aws::TABLE_INDEXES;

/// Name of the table itself, beside the names of indexes.
pub const TABLE: &str = "table";

/// Bytes that a write unit holds (DynamoDB developer guide, "Read/write capacity mode").
const WRITE_UNIT: usize = 1024;

/// An item's key.
pub type Key = (String, String);
/// Its place in each index.
pub type Places = [Option<Key>; TABLE_INDEXES.len()];

fn text(item: &Value, name: &str) -> Option<String> {
    item.get(name)?.get("S")?.as_str().map(str::to_owned)
}

/// The key of an item that is put.
pub fn key_of_item(item: &Value) -> Key {
    (text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default())
}

/// Its places in the indexes.
pub fn places_of(item: &Value) -> Places {
    TABLE_INDEXES.map(|index| Some((text(item, index.partition)?, text(item, index.sort)?)))
}

/// Units that a write of `size` bytes takes.
pub fn units(size: usize) -> u64 {
    u64::try_from(size.div_ceil(WRITE_UNIT)).unwrap_or(u64::MAX)
}

/// Writes to indexes, each of one unit, by index and partition. A move within an index is a removal
/// and a write. An unchanged entry costs nothing, because entries hold keys only and stay below a
/// kilobyte.
pub fn index_writes<'a>(new: &'a Places, old: &'a Places) -> impl Iterator<Item = (&'static str, &'a str)> {
    let moved = TABLE_INDEXES.iter().zip(new).zip(old).filter(|((_, new), old)| new != old);
    moved.flat_map(|((index, new), old)| new.iter().chain(old).map(|(partition, _)| (index.name, partition.as_str())))
}

/// An item's size as DynamoDB counts it: names and values (developer guide, "DynamoDB item sizes
/// and formats").
pub fn size(item: &Value) -> usize {
    item.as_object().into_iter().flatten().map(|(name, value)| name.len() + size_of_value(value)).sum()
}

fn size_of_value(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        // Two digits in a byte, and one more byte.
        ("N", Value::String(text)) => text.trim_matches('0').len().div_ceil(2) + 1,
        ("B", Value::String(text)) => text.trim_end_matches('=').len() * 3 / 4,
        ("L", Value::Array(values)) => 3 + values.iter().map(|value| 1 + size_of_value(value)).sum::<usize>(),
        ("M", Value::Object(members)) => 3 + members.iter().map(|(name, value)| 1 + name.len() + size_of_value(value)).sum::<usize>(),
        _ => 1,
    }
}
