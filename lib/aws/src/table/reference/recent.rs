//! Records that were just made. An index shows them a moment later; a tax rule, a location or an account must count at once, or an order that comes in that moment is
//! booked as if it were not there. So an item of each such kind names the newest of them, written in the record's own transaction, and a list reads it beside what
//! the index says.
//!
//! Records of an earlier release are in the index alone: they are old enough.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};
use stevedore_domain::reference::folded_name;

use crate::Error;
use crate::table::item::keys::instant;
use crate::table::item::keys::{self, Key};
use crate::table::item::paging::IndexQuery;
use crate::table::item::versioned::{Condition, Expected, Transacted, jitter};
use crate::table::reference::reference_data::{Record, RecordKind, link_item, record_item};
use crate::table::{Item, List, Page, RecordOutcome, Stored, Table, item_of, text_of, value_of, version_of};

/// The most that are named: people do not make more while an index lags.
const NAMED: usize = 100;

/// The newest records of a kind, the last one made at the end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Recent {
    records: Vec<Named>,
}

/// A record, with its place in the list.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Named {
    id: String,
    at: String,
}

impl RecordKind {
    /// Returns whether the newest of a kind are named by an item: the kinds of which there are few, and that orders and imports look for in lists.
    pub(crate) fn names_recent(self) -> bool {
        match self {
            Self::Location | Self::Account | Self::TaxRule | Self::PriceTier => true,
            // They are found by keys of their own.
            Self::Customer | Self::Product => false,
        }
    }
}

/// Returns whether one stands before the other in a list.
fn before(newest_first: bool, one: &str, other: &str) -> bool {
    if newest_first { one > other } else { one < other }
}

impl Table {
    /// Writes a location, account, tax rule or price tier: a new one with no version, a changed one with the record as it was read.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_record<T: Record>(&self, record: &T, read: Option<&Stored<T>>) -> Result<RecordOutcome, Error> {
        const OPERATION: &str = "write a record";
        let expected = read.map_or(Expected::Absent, |stored| Expected::Version(stored.version));
        let item = record_item(OPERATION, T::KIND, record)?;
        let name_key = |record: &T| record.unique_name().map(|name| keys::unique(T::KIND.entity(), &folded_name(name)));
        let old = read.and_then(|stored| name_key(&stored.value));
        let new = name_key(record);
        for attempt in 1..=8 {
            let mut writes = vec![self.put(OPERATION, item.clone(), expected)?];
            if old != new {
                if let Some(key) = &new {
                    writes.push(self.put(OPERATION, link_item(OPERATION, key, record.id())?, Expected::Absent)?);
                }
                if let Some(key) = &old {
                    writes.push(self.delete(OPERATION, key, None)?);
                }
            }
            let own = writes.len();
            if read.is_none() && T::KIND.names_recent() {
                writes.push(self.name_recent(OPERATION, T::KIND, record.id(), &item).await?);
            }
            let Transacted::Refused(conditions) = self.transact(OPERATION, writes).await? else {
                return Ok(RecordOutcome::Written(expected.next_version()));
            };
            let mut conditions = conditions.into_iter().take(own);
            match conditions.next() {
                Some(Condition::Failed(old)) => return Ok(RecordOutcome::Stale(old.as_ref().map(version_of))),
                _ if conditions.any(|condition| matches!(condition, Condition::Failed(_))) => {
                    return Ok(RecordOutcome::Taken("name", record.unique_name().unwrap_or_default().to_owned()));
                }
                // Another record of the kind was made at the same time.
                _ => tokio::time::sleep(jitter(attempt)).await,
            }
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// The write that names a new record beside the others, for the record's own transaction. `item` is the record's.
    async fn name_recent(&self, operation: &'static str, kind: RecordKind, id: &str, item: &Item) -> Result<TransactWriteItem, Error> {
        let key = keys::recent(kind.partition());
        let (mut recent, expected) = match self.get_item(operation, &key).await? {
            Some(item) => {
                let version = Expected::Version(version_of(&item));
                (value_of::<Recent>(operation, item)?, version)
            }
            None => (Recent::default(), Expected::Absent),
        };
        let at = text_of(item, crate::table::item::schema::BY_TIME.sort).unwrap_or_default().to_owned();
        recent.records.push(Named { id: id.to_owned(), at });
        let spare = recent.records.len().saturating_sub(NAMED);
        recent.records.drain(..spare);
        self.put(operation, item_of(operation, &key, "recent_records", &recent)?, expected)
    }

    /// One page of the list of a kind, with the records that the index does not show yet. It costs no request of its own: what names them is read with the page's
    /// records.
    pub(crate) async fn list_with_recent(&self, query: &IndexQuery<'_>, kind: RecordKind, list: &List) -> Result<Page<Item>, Error> {
        let IndexQuery { operation, index, newest_first, .. } = *query;
        let page = self.query_index(query, list).await?;
        let naming = keys::recent(kind.partition());
        let mut found = self.get_items(operation, page.items.iter().cloned().chain([naming.clone()])).await?;
        let recent: Recent = found.remove(&naming).map(|item| value_of(operation, item)).transpose()?.unwrap_or_default();
        let mut items: Vec<Item> = page.items.iter().filter_map(|key| found.remove(key)).collect();
        // Those that belong on this page and are not on it.
        let begins = self.begins_behind(query, list).await?;
        let ends = page.items.last().filter(|_| page.next.is_some());
        let ends =
            ends.and_then(|key| items.iter().find(|item| text_of(item, "pk") == Some(&key.pk))).and_then(|item| text_of(item, index.sort));
        let belongs = |at: &str| {
            begins.as_deref().is_none_or(|begins| before(newest_first, begins, at))
                && ends.is_none_or(|ends| before(newest_first, at, ends))
                && list.from.is_none_or(|from| at >= instant(from).as_str())
                && list.to.is_none_or(|to| at < instant(to).as_str())
        };
        let missing: Vec<Key> = recent
            .records
            .iter()
            .filter(|named| belongs(&named.at))
            .map(|named| keys::record(kind.partition(), &named.id))
            .filter(|key| !page.items.contains(key))
            .collect();
        if missing.is_empty() {
            return Ok(Page { items, next: page.next });
        }
        items.extend(self.get_items(operation, missing).await?.into_values());
        let sort = |item: &Item| text_of(item, index.sort).unwrap_or_default().to_owned();
        items.sort_by_key(sort);
        if newest_first {
            items.reverse();
        }
        let most = list.limit.clamp(1, 500);
        if items.len() <= most {
            return Ok(Page { items, next: page.next });
        }
        items.truncate(most);
        let next = match items.last() {
            Some(last) => self.continued_behind(query, list, last).await?,
            None => None,
        };
        Ok(Page { items, next })
    }
}
