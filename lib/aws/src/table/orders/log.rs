//! Log entries.

use std::collections::HashMap;

use serde_json::value::RawValue;
use stevedore_domain::ids::{OrderId, SaleId};
use stevedore_domain::log::{LogEntry, LogState};
use stevedore_domain::sale::Sale;

use crate::Error;
use crate::table::item::keys;
use crate::table::item::merged::SpreadQuery;
use crate::table::item::paging::IndexQuery;
use crate::table::item::schema::BY_NUMBER;
use crate::table::item::spread::{LOG, SALES, WAITING};
use crate::table::item::versioned::{Conditional, Expected, Transacted};
use crate::table::orders::beside::Beside;
use crate::table::orders::order_item::{
    OrderItem, OrderRecord, SalePlace, StoredEntry, day_order_item, detached_sale_item, is_waiting, order_item, read_order_record,
};
use crate::table::{Item, List, Page, Table};

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

impl Table {
    /// The log entries of orders, those that exist.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn log_entries(&self, orders: impl IntoIterator<Item = OrderId>) -> Result<HashMap<OrderId, StoredEntry>, Error> {
        let known = self.order_records(orders).await?;
        Ok(known.into_iter().filter_map(|(order, known)| Some((order, entry(known)?))).collect())
    }

    /// The log entry of an order.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn log_entry(&self, order: OrderId) -> Result<Option<StoredEntry>, Error> {
        Ok(self.order_record(order).await?.and_then(entry))
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
            Some(key) => self.read_revision(stored.entry.account, stored.entry.order_id, key).await,
            None => Ok(None),
        }
    }

    /// Log entries, the newest first: by the time of the sale where there is one, else of capture.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_log(&self, list: &List) -> Result<Page<StoredEntry>, Error> {
        let lists = [LOG, SALES].map(|family| SpreadQuery { operation: "list the log", family, of: "", newest_first: true });
        let page = self.list_merged(&lists, list).await?;
        self.entries(page).await
    }

    /// Log entries in a state: those that wait for something the oldest first, booked and voided ones, which are no index of their own, the newest first
    /// among the sales. A page of these may hold fewer than the limit.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_log_state(&self, state: LogState, list: &List) -> Result<Page<StoredEntry>, Error> {
        const OPERATION: &str = "list the log by state";
        if !is_waiting(state) {
            if state == LogState::Consolidating {
                return self.list_gathered(list).await;
            }
            // A day's orders stand in the rest of the log.
            let mut page = self.list_log(list).await?;
            page.items.retain(|stored| stored.entry.state == state);
            return Ok(page);
        }
        let query = SpreadQuery { operation: OPERATION, family: WAITING, of: state.as_str(), newest_first: false };
        self.entries(self.list_merged(&[query], list).await?).await
    }

    /// Log entries with exactly this order number, the newest first. A page may hold fewer than the limit.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_log_number(&self, number: &str, list: &List) -> Result<Page<StoredEntry>, Error> {
        let Some(partition) = &keys::order_number(number) else { return Ok(Page { items: Vec::new(), next: None }) };
        let query = IndexQuery { operation: "list the log by number", index: BY_NUMBER, partition, newest_first: true };
        let mut page = self.entries(self.list_index(&query, list).await?).await?;
        // An earlier release put entries without a number under "-".
        page.items.retain(|stored| stored.entry.order_number == number);
        Ok(page)
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
            let before = stored.entry.clone();
            if !change(&mut stored.entry) {
                return Ok(Some(stored.entry));
            }
            let kept = kept.as_ref().map(|(key, raw)| (*key, raw.as_ref()));
            if self.put_entry(OPERATION, &before, &stored, kept, &[]).await? {
                return Ok(Some(stored.entry));
            }
            tokio::time::sleep(crate::table::item::versioned::jitter(attempt)).await;
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// Writes an entry, which was `before`, and whose sale is not touched. Answers whether nobody else wrote it in between.
    pub(crate) async fn put_entry(
        &self,
        operation: &'static str,
        before: &LogEntry,
        stored: &StoredEntry,
        kept: Option<(stevedore_domain::order::RevisionKey, &RawValue)>,
        beside: &[Beside],
    ) -> Result<bool, Error> {
        let place = self.place(stored.entry.sale_id.as_ref(), stored.sale.as_deref()).await?;
        let OrderItem { item, revision, sale_beside } = order_item(&stored.entry, kept, place, &[])?;
        // The entry may have outgrown the room that its revision had in it.
        if !revision.is_empty() {
            self.put_items(operation, revision).await?;
        }
        let expected = Expected::Version(stored.version);
        let mut others = self.still_beside(operation, beside)?;
        others.extend(self.attention_writes(operation, crate::table::orders::attention::of_entry(Some(before), Some(&stored.entry))?)?);
        // … or that its sale had in it.
        if let Some(sale) = stored.sale.as_deref().filter(|_| sale_beside) {
            others.extend(self.move_out(operation, sale, false).await?);
        }
        if others.is_empty() {
            return Ok(matches!(self.put_if(operation, item, expected).await?, Conditional::Written(_)));
        }
        let mut writes = vec![self.put(operation, item, expected)?];
        writes.extend(others);
        Ok(matches!(self.transact(operation, writes).await?, Transacted::Done))
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
            // The booked revision is kept for ever, and so are those that earlier sales were made from.
            if let Some((key, raw)) = stored.inline_order() {
                self.put_items(OPERATION, crate::table::orders::revision::revision_items(stored.entry.account, order, &key, raw.get())?)
                    .await?;
            }
            let attention = crate::table::orders::attention::of_entry(Some(&stored.entry), None)?;
            let done = match self.detached_rest(&stored).await? {
                detached if !attention.is_empty() => {
                    let mut writes = vec![match detached {
                        Some(item) => self.put(OPERATION, item, Expected::Version(stored.version))?,
                        None => self.delete(OPERATION, &keys::log_entry(stored.entry.account, order), Some(stored.version))?,
                    }];
                    writes.extend(self.attention_writes(OPERATION, attention)?);
                    matches!(self.transact(OPERATION, writes).await?, Transacted::Done)
                }
                Some(item) => matches!(self.put_if(OPERATION, item, Expected::Version(stored.version)).await?, Conditional::Written(_)),
                None => self.delete_if(OPERATION, &keys::log_entry(stored.entry.account, order), stored.version).await?,
            };
            if done {
                return Ok(DeleteOutcome::Deleted(stored.entry.sale_id));
            }
            tokio::time::sleep(crate::table::item::versioned::jitter(attempt)).await;
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// The entries of a page; sales without an entry are passed over.
    async fn entries(&self, page: Page<Item>) -> Result<Page<StoredEntry>, Error> {
        let mut items = Vec::with_capacity(page.items.len());
        for item in &page.items {
            items.extend(read_order_record(item)?.and_then(entry));
        }
        self.follow(items.iter_mut().map(|stored| &mut stored.entry)).await?;
        Ok(Page { items, next: page.next })
    }

    /// What is left of an order without its log entry: the sale that it is in, else the last one that it had, whose id must not be given out again. Nothing where
    /// it never had any.
    pub(crate) async fn detached_rest(&self, stored: &StoredEntry) -> Result<Option<Item>, Error> {
        let entry = &stored.entry;
        let Some(sale_id) = &entry.sale_id else {
            return entry.last_own_sale().map(|id| detached_sale_item(entry.order_id, id, None, SalePlace::Nowhere, &[])).transpose();
        };
        if sale_id.day().is_some() {
            return day_order_item(&stored.entry, sale_id).map(Some);
        }
        let place = self.place(Some(sale_id), stored.sale.as_deref()).await?;
        detached_sale_item(stored.entry.order_id, sale_id, stored.entry.booked_revision(), place, &[]).map(Some)
    }

    /// Where an order's own sale is.
    pub(crate) async fn place<'a>(&self, sale_id: Option<&SaleId>, sale: Option<&'a Sale>) -> Result<SalePlace<'a>, Error> {
        if let Some(sale) = sale {
            return Ok(SalePlace::Here(sale));
        }
        let Some(id) = sale_id.filter(|id| id.order().is_some()) else { return Ok(SalePlace::Nowhere) };
        Ok(self.head(id).await?.map_or(SalePlace::Nowhere, |head| SalePlace::Beside(head.created_at())))
    }
}

pub(crate) fn entry(known: OrderRecord) -> Option<StoredEntry> {
    match known {
        OrderRecord::Entry(stored) => Some(stored),
        OrderRecord::DetachedSale(_) => None,
    }
}
