//! Log entries.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use stevedore_domain::ids::{OrderId, SaleId};
use stevedore_domain::log::{LogEntry, LogState};
use stevedore_domain::order::RevisionKey;

use super::paging::IndexQuery;
use super::record::{Conditional, Expected};
use super::{Item, List, Page, Table, blob, blob_of, item_of, key_of, text, version_of};
use crate::schema::{BY_NUMBER, BY_STATE, BY_TIME};
use crate::{Error, codec, keys};

/// A log entry as it stands in the table.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// The entry.
    pub entry: LogEntry,
    /// Counts its writes from 1.
    pub version: u64,
    order: Option<Box<RawValue>>,
}

impl StoredEntry {
    /// The newest revision, where it is kept inside the entry.
    pub(super) fn inline_order(&self) -> Option<(RevisionKey, &RawValue)> {
        Some((*self.entry.newest()?, self.order.as_deref()?))
    }
}

/// What became of the deletion of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// Gone. The sale that it named, if any, remains (S150).
    Deleted(Option<SaleId>),
    /// There is none.
    Absent,
    /// The order is being gathered into a day's sale just now.
    Consolidating,
}

#[derive(Serialize)]
struct DocumentRef<'a> {
    log: &'a LogEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Document {
    log: LogEntry,
    #[serde(default)]
    order: Option<Box<RawValue>>,
}

/// What people look for in the table itself; the document holds all of it, and these are never read back.
#[derive(Serialize)]
struct Shown<'a> {
    state: LogState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<stevedore_domain::reason::Reason>,
    order_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale_id: Option<&'a SaleId>,
}

/// The largest item that costs one write unit, with room for the version.
const ONE_UNIT: usize = 1024 - 16;

/// The entry's item, and the items of its newest revision where that does not fit into it within one write unit.
pub(super) fn entry_item(entry: &LogEntry, order: Option<(RevisionKey, &RawValue)>) -> Result<(Item, Vec<Item>), Error> {
    const OPERATION: &str = "encode a log entry";
    let key = keys::log_entry(entry.order_id);
    // An index key must not be empty; an order without a number is found by its id.
    let number = if entry.order_number.is_empty() { "-" } else { &entry.order_number };
    let shown = Shown { state: entry.state, reason: entry.reason, order_number: number, sale_id: entry.sale_id.as_ref() };
    let mut item = item_of(OPERATION, &key, "log", &shown)?;
    let sort = format!("{}#{}", keys::instant(entry.captured_at), entry.order_id);
    if entry.state != LogState::Booked {
        item.insert(BY_STATE.partition.to_owned(), text(state_partition(entry.state)));
        item.insert(BY_STATE.sort.to_owned(), text(&sort));
    }
    item.insert(BY_TIME.partition.to_owned(), text("LOG"));
    item.insert(BY_TIME.sort.to_owned(), text(sort));
    let encode = |order: Option<&RawValue>| codec::encode(&DocumentRef { log: entry, order }).map_err(Error::encoding(OPERATION));
    if let Some((_, raw)) = order {
        let document = encode(Some(raw))?;
        if size(&item) + document.len() <= ONE_UNIT {
            item.insert("doc".to_owned(), blob(document));
            return Ok((item, Vec::new()));
        }
    }
    item.insert("doc".to_owned(), blob(encode(None)?));
    let own = order.map(|(key, raw)| super::revision::revision_items(entry.order_id, &key, raw.get())).transpose()?;
    Ok((item, own.unwrap_or_default()))
}

/// What DynamoDB counts: names and values.
fn size(item: &Item) -> usize {
    let value = |value: &aws_sdk_dynamodb::types::AttributeValue| match value {
        aws_sdk_dynamodb::types::AttributeValue::S(text) => text.len(),
        aws_sdk_dynamodb::types::AttributeValue::B(bytes) => bytes.as_ref().len(),
        _ => 21,
    };
    item.iter().map(|(name, attribute)| name.len() + value(attribute)).sum::<usize>() + "doc".len()
}

fn state_partition(state: LogState) -> String {
    format!("LOG#{}", state.as_str())
}

fn read_entry(item: &Item) -> Result<StoredEntry, Error> {
    const OPERATION: &str = "read a log entry";
    let key = key_of(OPERATION, item)?;
    let document: Document =
        codec::decode(blob_of(item, "doc").unwrap_or_default()).map_err(|error| Error::unreadable(OPERATION, key.to_string(), error))?;
    Ok(StoredEntry { entry: document.log, version: version_of(item), order: document.order })
}

impl Table {
    /// The log entries of orders, those that exist.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn log_entries(&self, orders: impl IntoIterator<Item = OrderId>) -> Result<HashMap<OrderId, StoredEntry>, Error> {
        let items = self.get_items("read log entries", orders.into_iter().map(keys::log_entry)).await?;
        items.values().map(|item| read_entry(item).map(|stored| (stored.entry.order_id, stored))).collect()
    }

    /// The log entry of an order.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn log_entry(&self, order: OrderId) -> Result<Option<StoredEntry>, Error> {
        self.get_item("read a log entry", &keys::log_entry(order)).await?.as_ref().map(read_entry).transpose()
    }

    /// The newest revision of an order in the log, exactly as ShipStation sent it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn newest_order(&self, stored: &StoredEntry) -> Result<Option<Box<RawValue>>, Error> {
        if let Some(order) = &stored.order {
            return Ok(Some(order.clone()));
        }
        match stored.entry.newest() {
            Some(key) => self.read_revision(stored.entry.order_id, key).await,
            None => Ok(None),
        }
    }

    /// Log entries, the newest first.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_log(&self, list: &List) -> Result<Page<StoredEntry>, Error> {
        self.entries(&IndexQuery { operation: "list the log", index: BY_TIME, partition: "LOG", newest_first: true }, list).await
    }

    /// Log entries in a state, the oldest first. For [`LogState::Booked`], filter [`Self::list_log`]: plainly booked orders are in no state index.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_log_state(&self, state: LogState, list: &List) -> Result<Page<StoredEntry>, Error> {
        let partition = state_partition(state);
        self.entries(&IndexQuery { operation: "list the log by state", index: BY_STATE, partition: &partition, newest_first: false }, list)
            .await
    }

    /// Log entries with exactly this order number, the newest first.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_log_number(&self, number: &str, list: &List) -> Result<Page<StoredEntry>, Error> {
        if number.is_empty() {
            return Ok(Page { items: Vec::new(), next: None });
        }
        self.entries(&IndexQuery { operation: "list the log by number", index: BY_NUMBER, partition: number, newest_first: true }, list)
            .await
    }

    async fn entries(&self, query: &IndexQuery<'_>, list: &List) -> Result<Page<StoredEntry>, Error> {
        let page = self.list_index(query, list).await?;
        let items = page.items.iter().map(read_entry).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }

    /// Changes an entry in place: reads it, lets `change` decide, writes it if nobody else did in between, else starts again.
    ///
    /// `change` returns whether there is anything to write. Answers the entry as it then stands, or nothing when there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn change_log_entry(&self, order: OrderId, mut change: impl FnMut(&mut LogEntry) -> bool) -> Result<Option<LogEntry>, Error> {
        const OPERATION: &str = "change a log entry";
        for attempt in 1..=8 {
            let Some(mut stored) = self.log_entry(order).await? else { return Ok(None) };
            let kept = stored.inline_order().map(|(key, raw)| (key, raw.to_owned()));
            if !change(&mut stored.entry) {
                return Ok(Some(stored.entry));
            }
            let (item, own) = entry_item(&stored.entry, kept.as_ref().map(|(key, raw)| (*key, raw.as_ref())))?;
            // The entry may have outgrown the room that its revision had in it.
            if !own.is_empty() {
                self.put_items(OPERATION, own).await?;
            }
            if let Conditional::Written(_) = self.put_if(OPERATION, item, Expected::Version(stored.version)).await? {
                return Ok(Some(stored.entry));
            }
            tokio::time::sleep(super::record::jitter(attempt)).await;
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// Deletes an order's log entry, so that the order can be captured again (S149). Its revisions and its sale stay (S150).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_log_entry(&self, order: OrderId) -> Result<DeleteOutcome, Error> {
        const OPERATION: &str = "delete a log entry";
        for attempt in 1..=8 {
            let Some(stored) = self.log_entry(order).await? else { return Ok(DeleteOutcome::Absent) };
            if stored.entry.state == LogState::Consolidating {
                return Ok(DeleteOutcome::Consolidating);
            }
            if self.delete_if(OPERATION, &keys::log_entry(order), stored.version).await? {
                return Ok(DeleteOutcome::Deleted(stored.entry.sale_id));
            }
            tokio::time::sleep(super::record::jitter(attempt)).await;
        }
        Err(Error::Contended { operation: OPERATION })
    }
}
