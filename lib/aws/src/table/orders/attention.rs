//! Warnings that want attention, each an item of its own in the index of what waits: written and removed in the transaction that writes the warning, so that they
//! are counted and found without reading the orders that have none. Such an order costs nothing here.
//!
//! What concerns an order lies beside it, and that of an order in a day's sale beside the sale, with which all of it is answered at once.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};
use stevedore_domain::ids::{OrderId, SaleId};
use stevedore_domain::log::LogEntry;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::Sale;

use crate::Error;
use crate::table::item::keys::instant;
use crate::table::item::keys::{self, Key};
use crate::table::item::merged::SpreadQuery;
use crate::table::item::spread::ATTENTION;
use crate::table::item::versioned::Expected;
use crate::table::orders::order_item::StoredEntry;
use crate::table::{Item, List, Page, StoredSale, Table, item_of, key_of, value_of};
use stevedore_domain::health::Count;

/// What one write makes of it.
#[derive(Debug, Default)]
pub(crate) struct Attention {
    there: Vec<Item>,
    gone: Vec<Key>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sale_id: Option<SaleId>,
}

fn item(key: &Key, reason: Reason, since: jiff::Timestamp, document: &Document) -> Result<Item, Error> {
    let mut item = item_of("encode what wants attention", key, "attention", document)?;
    ATTENTION.place(reason.code(), format!("{}#{key}", instant(since)), key, &mut item);
    Ok(item)
}

/// The keys of an entry's.
pub(crate) fn keys_of(entry: &LogEntry) -> Vec<(Key, Reason)> {
    entry.attention().into_iter().map(|reason| (keys::attention_of_order(entry, reason.code()), reason)).collect()
}

/// What a write of an entry makes of it. All that the entry has is written again, so that what an earlier version left out appears.
pub(crate) fn of_entry(before: Option<&LogEntry>, after: Option<&LogEntry>) -> Result<Attention, Error> {
    let now = after.map(keys_of).unwrap_or_default();
    let mut gone: Vec<Key> = before.map(keys_of).unwrap_or_default().into_iter().map(|(key, _)| key).collect();
    gone.retain(|key| now.iter().all(|(kept, _)| kept != key));
    let Some(entry) = after else { return Ok(Attention { there: Vec::new(), gone }) };
    let document = Document { order_id: Some(entry.order_id), sale_id: entry.sale_id.clone() };
    let there = now.iter().map(|(key, reason)| item(key, *reason, entry.captured_at, &document)).collect::<Result<_, _>>()?;
    Ok(Attention { there, gone })
}

/// What a write of a day's sale makes of its own. Of an order's sale the entry tells.
pub(crate) fn of_sale(before: Option<&Sale>, after: &Sale) -> Result<Attention, Error> {
    if after.id.day().is_none() {
        return Ok(Attention::default());
    }
    let keys = |sale: &Sale| -> Vec<(Key, Reason)> {
        sale.short_picks().into_iter().map(|reason| (keys::attention_of_sale(&sale.id, reason.code()), reason)).collect()
    };
    let now = keys(after);
    let mut gone: Vec<Key> = before.map(keys).unwrap_or_default().into_iter().map(|(key, _)| key).collect();
    gone.retain(|key| now.iter().all(|(kept, _)| kept != key));
    let document = Document { order_id: None, sale_id: Some(after.id.clone()) };
    let there = now.iter().map(|(key, reason)| item(key, *reason, after.created_at, &document)).collect::<Result<_, _>>()?;
    Ok(Attention { there, gone })
}

impl Attention {
    pub(crate) fn is_empty(&self) -> bool {
        self.there.is_empty() && self.gone.is_empty()
    }
}

impl Table {
    /// The writes of a transaction that keep it.
    pub(crate) fn attention_writes(&self, operation: &'static str, attention: Attention) -> Result<Vec<TransactWriteItem>, Error> {
        let there = attention.there.into_iter().map(|item| self.put(operation, item, Expected::Anything));
        let gone = attention.gone.iter().map(|key| self.delete(operation, key, None));
        there.chain(gone).collect()
    }

    /// Removes what lies beside a day's sale that is void: its own, and that of all its orders.
    pub(crate) async fn drop_attention_of_day(&self, sale: &SaleId) -> Result<(), Error> {
        const OPERATION: &str = "answer what wants attention";
        let items = self.query_prefix(OPERATION, &keys::sale(sale).pk, keys::ATTENTION_ITEMS).await?;
        let gone = items.iter().map(|item| key_of(OPERATION, item)).collect::<Result<_, _>>()?;
        self.delete_items(OPERATION, gone).await
    }

    async fn count_attention(&self, reason: Reason, most: u32) -> Result<Count, Error> {
        const OPERATION: &str = "count what wants attention";
        let query = SpreadQuery { operation: OPERATION, family: ATTENTION, of: reason.code(), newest_first: false };
        self.count_list(query, None, most).await
    }

    /// How many orders and day's sales there are with each warning that wants attention, the gravest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn counted_attention(&self, most: u32) -> Result<Vec<(Reason, Count)>, Error> {
        let mut counts = Vec::with_capacity(Reason::WANT_ATTENTION.len());
        for reason in Reason::WANT_ATTENTION {
            counts.push((reason, self.count_attention(reason, most).await?));
        }
        Ok(counts)
    }

    /// Log entries with a warning that wants attention, the oldest first. A page may hold fewer than the limit.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_log_attention(&self, reason: Reason, list: &List) -> Result<Page<StoredEntry>, Error> {
        let Page { items, next } = self.list_attention(reason, list).await?;
        let orders: Vec<OrderId> = items.into_iter().filter_map(|document| document.order_id).collect();
        let mut entries = self.log_entries(orders.iter().copied()).await?;
        // The index lags: what the entry itself says counts.
        let bears = |stored: &StoredEntry| stored.entry.attention().contains(&reason);
        Ok(Page { items: orders.iter().filter_map(|order| entries.remove(order)).filter(bears).collect(), next })
    }

    /// Sales with a warning that wants attention, the oldest first. A page may hold fewer than the limit.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_sales_attention(&self, reason: Reason, list: &List) -> Result<Page<StoredSale>, Error> {
        let Page { items, next } = self.list_attention(reason, list).await?;
        let mut seen = HashSet::new();
        let ids: Vec<SaleId> = items.into_iter().filter_map(|document| document.sale_id).filter(|id| seen.insert(id.clone())).collect();
        let mut sales = self.sales(ids.iter().cloned()).await?;
        let live = |stored: &StoredSale| stored.sale.voided_at.is_none();
        Ok(Page { items: ids.iter().filter_map(|id| sales.remove(id)).filter(live).collect(), next })
    }

    async fn list_attention(&self, reason: Reason, list: &List) -> Result<Page<Document>, Error> {
        const OPERATION: &str = "list what wants attention";
        let query = SpreadQuery { operation: OPERATION, family: ATTENTION, of: reason.code(), newest_first: false };
        let page = self.list_merged(&[query], list).await?;
        let items = page.items.into_iter().map(|item| value_of(OPERATION, item)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }
}
