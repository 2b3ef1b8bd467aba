//! The one table.

pub(crate) mod days;
pub(crate) mod item;
pub(crate) mod operations;
pub(crate) mod orders;
pub(crate) mod reference;
pub(crate) mod sales;
pub(crate) mod stock;
mod stream_events;
pub(crate) mod system;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::table::item::keys::Key;
use crate::{Clients, Error};

pub use days::day::{RunEnd, RunEnded};
pub use days::runs::{RUN_PAGE, StoredRun};
pub use item::events::EVENTS;
pub use item::paging::{List, Page};
pub use item::schema::{Index, QueueSettings, TABLE_INDEXES, TABLE_TTL, create_queues, create_table, enable_stream};
pub use item::spread::{FAMILIES, Family};
pub use item::versioned::{RecordOutcome, Stored, TRIES as WRITE_TRIES, invocation_id, wait as wait_after_conflict};
pub use operations::settling::Settled;
pub use orders::batch_context::BatchContext;
pub use orders::beside::Beside;
pub use orders::commit_order::{CommitOutcome, NewSale, OrderCommit};
pub use orders::log::DeleteOutcome;
pub use orders::order_item::{DayOrder, DetachedSale, OrderRecord, StoredEntry};
pub use reference::products::{Imported, ProductFound};
pub use reference::reference_data::{ProductKeys, Record, RecordKind};
pub use sales::accounting_syncs::{AccountingSync, SyncState};
pub use sales::change_sale::{SaleDraft, SaleEdit, SaleOutcome};
pub use sales::sale_items::StoredSale;
pub use sales::stock_saga::Recovered;
pub use stock::levels::{AdjustmentOutcome, StockLevel};
pub use stream_events::{Event, events_of};
pub use system::audit::AuditRecord;
pub use system::configuration::{Connection, ConnectionMode, SettingsChange, StoredSettings};
pub use system::cursor::{Cursor, Lease};
pub use system::disconnect::Progress;
pub use system::overview::Pacing;
pub use system::tally::{Home, Tally};
pub use system::unreadable::UnreadableOrder;

/// An item as the SDK has it.
type Item = HashMap<String, AttributeValue>;

/// What an item may weigh with room for its keys: DynamoDB takes 400 KB.
const CHUNK: usize = 350 * 1024;
/// Keys of one BatchGetItem.
const BATCH_GET: usize = 100;
/// Writes of one BatchWriteItem.
const BATCH_WRITE: usize = 25;
/// Bytes of one BatchWriteItem: two chunks.
const BATCH_BYTES: usize = 2 * CHUNK + 64 * 1024;
/// The shape of the items that this version writes.
const SCHEMA: u32 = 1;

/// The table, by operations that say what they mean.
#[derive(Clone, Debug)]
pub struct Table {
    client: aws_sdk_dynamodb::Client,
    name: String,
    /// Ask DynamoDB what each call costs; the benchmark sums it up.
    count_capacity: bool,
    /// The most levels of stock that one transaction moves.
    levels_at_once: usize,
    /// The key of page tokens, once it was needed.
    token_key: std::sync::Arc<tokio::sync::OnceCell<ring::hmac::Key>>,
    /// The ShipStation account whose orders and links are meant.
    account: stevedore_domain::ids::ShipstationAccount,
    /// See [`sales::sale_ids`].
    ids_checked: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Table {
    /// The table named `name`.
    #[must_use]
    pub fn new(clients: &Clients, name: impl Into<String>) -> Self {
        Self {
            client: clients.dynamodb(),
            name: name.into(),
            count_capacity: false,
            levels_at_once: sales::stock_saga::LEVELS_AT_ONCE,
            token_key: std::sync::Arc::default(),
            account: stevedore_domain::ids::ShipstationAccount::FIRST,
            ids_checked: std::sync::Arc::default(),
        }
    }

    /// The same table, with every call asking for its consumed capacity.
    #[must_use]
    pub fn counting_capacity(mut self) -> Self {
        self.count_capacity = true;
        self
    }

    /// The same table, moving at most so many levels of stock in one transaction: so tests go through a large sale's steps with a handful of products.
    #[must_use]
    pub fn moving_at_most(mut self, levels: usize) -> Self {
        self.levels_at_once = levels.clamp(1, sales::stock_saga::LEVELS_AT_ONCE);
        self
    }

    /// Whether the table answers.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ping(&self) -> Result<(), Error> {
        self.get_item("reach the table", &crate::table::item::keys::settings()).await.map(drop)
    }

    fn capacity(&self) -> Option<aws_sdk_dynamodb::types::ReturnConsumedCapacity> {
        self.count_capacity.then_some(aws_sdk_dynamodb::types::ReturnConsumedCapacity::Total)
    }

    async fn get_item(&self, operation: &'static str, key: &Key) -> Result<Option<Item>, Error> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key_item(key))).consistent_read(true);
        let reply = request.set_return_consumed_capacity(self.capacity()).send().await.map_err(Error::call(operation))?;
        Ok(reply.item)
    }

    /// Reads items by key, all of them, as they are now. Keys without an item are absent.
    async fn get_items(&self, operation: &'static str, keys: impl IntoIterator<Item = Key>) -> Result<HashMap<Key, Item>, Error> {
        self.get_all(operation, keys.into_iter().collect(), true).await
    }

    /// The same at half the price, for records that people keep: each may be as it was a moment ago, and what was not found is asked for once more as it is now. So a
    /// record that was just made is never taken for missing; one that was just changed may count as it was before, as if the order had come a moment earlier.
    async fn get_eventually_consistent(
        &self,
        operation: &'static str,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<HashMap<Key, Item>, Error> {
        let keys: Vec<Key> = keys.into_iter().collect();
        let mut found = self.get_all(operation, keys.clone(), false).await?;
        let missing: Vec<Key> = keys.into_iter().filter(|key| !found.contains_key(key)).collect();
        if !missing.is_empty() {
            found.extend(self.get_all(operation, missing, true).await?);
        }
        Ok(found)
    }

    /// What a reply leaves out for want of room or capacity is asked for again. `now`: as the items are now, not as they may have been a moment ago.
    async fn get_all(&self, operation: &'static str, mut waiting: Vec<Key>, now: bool) -> Result<HashMap<Key, Item>, Error> {
        waiting.sort_unstable_by(|a, b| (&a.pk, &a.sk).cmp(&(&b.pk, &b.sk)));
        waiting.dedup();
        let mut found = HashMap::with_capacity(waiting.len());
        let mut attempt = 0_u32;
        while !waiting.is_empty() {
            let asked = waiting.len().min(BATCH_GET);
            let keys: Vec<Item> = waiting.drain(..asked).map(|key| key_item(&key)).collect();
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(now).build();
            let keys = keys.map_err(|error| Error::encoding(operation)(error.into()))?;
            let request = self.client.batch_get_item().request_items(&self.name, keys).set_return_consumed_capacity(self.capacity());
            let reply = request.send().await.map_err(Error::call(operation))?;
            for item in reply.responses.unwrap_or_default().into_values().flatten() {
                found.insert(key_of(operation, &item)?, item);
            }
            let left: Vec<Item> = reply.unprocessed_keys.unwrap_or_default().into_values().flat_map(|keys| keys.keys).collect();
            if !left.is_empty() {
                // Only replies that brought nothing on count towards giving up: sixteen megabytes of large items need several.
                attempt = if left.len() < asked { 1 } else { attempt + 1 };
                back_off(operation, attempt).await?;
                for item in &left {
                    waiting.push(key_of(operation, item)?);
                }
            }
        }
        Ok(found)
    }

    /// Writes items without conditions, all of them. Only for items that may be written twice.
    async fn put_items(&self, operation: &'static str, items: Vec<Item>) -> Result<(), Error> {
        let requests = items.into_iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build().map_err(|error| Error::encoding(operation)(error.into()))?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        self.write_items(operation, requests.collect::<Result<_, Error>>()?).await
    }

    async fn delete_items(&self, operation: &'static str, keys: Vec<Key>) -> Result<(), Error> {
        let requests = keys.iter().map(|key| {
            let delete = aws_sdk_dynamodb::types::DeleteRequest::builder().set_key(Some(key_item(key))).build();
            Ok(WriteRequest::builder().delete_request(delete.map_err(|error| Error::encoding(operation)(error.into()))?).build())
        });
        self.write_items(operation, requests.collect::<Result<_, Error>>()?).await
    }

    async fn write_items(&self, operation: &'static str, mut waiting: Vec<WriteRequest>) -> Result<(), Error> {
        let mut attempt = 0_u32;
        while !waiting.is_empty() {
            let asked = fitting(&waiting);
            let batch: Vec<WriteRequest> = waiting.drain(..asked).collect();
            let request = self.client.batch_write_item().request_items(&self.name, batch).set_return_consumed_capacity(self.capacity());
            let reply = request.send().await.map_err(Error::call(operation))?;
            let left: Vec<WriteRequest> = reply.unprocessed_items.unwrap_or_default().into_values().flatten().collect();
            if !left.is_empty() {
                attempt = if left.len() < asked { 1 } else { attempt + 1 };
                back_off(operation, attempt).await?;
                waiting.extend(left);
            }
        }
        Ok(())
    }
}

/// How many of the writes go into one call: a partition takes 1,000 units a second, which are as many kilobytes, and the chunks of one sale or sum share theirs.
fn fitting(waiting: &[WriteRequest]) -> usize {
    let mut bytes = 0;
    let fitting = waiting.iter().take(BATCH_WRITE).take_while(|write| {
        bytes += weight(write);
        bytes <= BATCH_BYTES
    });
    fitting.count().max(1)
}

/// About as many bytes as a write has.
fn weight(write: &WriteRequest) -> usize {
    let attribute = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        _ => 16,
    };
    write.put_request.as_ref().map_or(0, |put| put.item.values().map(attribute).sum())
}

/// Waits before asking again for what DynamoDB left out; gives up after a few seconds in which nothing was done.
async fn back_off(operation: &'static str, attempt: u32) -> Result<(), Error> {
    if attempt > 7 {
        return Err(Error::Unavailable { operation, code: "unprocessed".to_owned(), source: "DynamoDB left items out seven times".into() });
    }
    tokio::time::sleep(std::time::Duration::from_millis(25 << attempt)).await;
    Ok(())
}

fn key_item(key: &Key) -> Item {
    HashMap::from([("pk".to_owned(), AttributeValue::S(key.pk.clone())), ("sk".to_owned(), AttributeValue::S(key.sk.clone()))])
}

fn key_of(operation: &'static str, item: &Item) -> Result<Key, Error> {
    match (item.get("pk"), item.get("sk")) {
        (Some(AttributeValue::S(pk)), Some(AttributeValue::S(sk))) => Ok(Key::new(pk, sk)),
        _ => Err(Error::unreadable(operation, "?", "an item without its key")),
    }
}

/// A new item: its key, what it is, and `value`'s members as attributes.
fn item_of<T: Serialize>(operation: &'static str, key: &Key, entity: &str, value: &T) -> Result<Item, Error> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(|error| Error::encoding(operation)(error.into()))?;
    item.extend(key_item(key));
    item.insert("entity".to_owned(), text(entity));
    item.insert("schema".to_owned(), number(SCHEMA));
    Ok(item)
}

/// The value that [`item_of`] made an item of.
fn value_of<T: DeserializeOwned>(operation: &'static str, mut item: Item) -> Result<T, Error> {
    let key = key_of(operation, &item)?;
    for attribute in [
        "pk",
        "sk",
        "entity",
        "schema",
        "version",
        item::versioned::WRITE_TOKEN,
        reference::products::IMPORTED,
        "t_pk",
        "t_sk",
        "s_pk",
        "s_sk",
    ] {
        item.remove(attribute);
    }
    serde_dynamo::from_item(item).map_err(|error| Error::unreadable(operation, key.to_string(), error))
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn number(number: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn blob(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(bytes.into())
}

fn text_of<'a>(item: &'a Item, attribute: &str) -> Option<&'a str> {
    item.get(attribute)?.as_s().ok().map(String::as_str)
}

fn number_of(item: &Item, attribute: &str) -> Option<u64> {
    item.get(attribute)?.as_n().ok()?.parse().ok()
}

fn blob_of<'a>(item: &'a Item, attribute: &str) -> Option<&'a [u8]> {
    item.get(attribute)?.as_b().ok().map(AsRef::as_ref)
}

fn version_of(item: &Item) -> u64 {
    number_of(item, "version").unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn put(bytes: usize) -> WriteRequest {
        let item = HashMap::from([("doc".to_owned(), blob(vec![0; bytes]))]);
        WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
    }

    #[test]
    fn a_batch_of_chunks_stays_under_a_partitions_writes_of_a_second() {
        assert_eq!(fitting(&vec![put(CHUNK); 25]), 2);
        assert_eq!(fitting(&vec![put(1_000); 30]), BATCH_WRITE);
        assert_eq!(fitting(&[put(BATCH_BYTES + 1)]), 1);
    }
}
