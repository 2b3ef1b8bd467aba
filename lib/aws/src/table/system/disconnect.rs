//! Taking the connection apart (S76): everything that ties us to ShipStation goes; sales, customers, products and stock stay.

use jiff::Timestamp;

use crate::Error;
use crate::table::item::keys::{self, Key};
use crate::table::item::merged::SpreadQuery;
use crate::table::item::spread::{LOG, SALES};
use crate::table::item::versioned::Expected;
use crate::table::orders::order_item::{OrderRecord, read_order_record};
use crate::table::{Item, List, Table, text_of};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left.
    Done,
    /// So many log entries went this time, and there are more.
    More(usize),
}

impl Table {
    /// Removes up to a few hundred log entries with their revisions; when none is left, links, cursor, unread places, stores' names and the connection itself.
    ///
    /// Every step can be repeated, and the connection goes last: cut off anywhere, calling it again goes on. `place` remembers between two steps where the
    /// first of them stopped; without it they only take longer. What the index does not show yet is found by [`Table::sweep_disconnected`].
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on.
    pub async fn disconnect_step(&self, place: &mut Option<String>, now: Timestamp) -> Result<Progress, Error> {
        const OPERATION: &str = "disconnect";
        // A day's orders stay until they are a sale: a run that was cut off needs their revisions.
        if self.newest_run().await?.is_some_and(|run| !run.is_done()) {
            return Err(Error::Contended { operation: OPERATION });
        }
        let query = SpreadQuery { operation: OPERATION, family: LOG, of: "", newest_first: false };
        let mut list = List { limit: 200, ..List::default() };
        loop {
            // An index lags: a page may name entries that are gone already, and all of one page may be. Only the last page is the end.
            let page = self.list_merged(&[query], &list).await?;
            let mut count = 0;
            for item in page.items {
                count += usize::from(self.forget(item).await?);
            }
            if count > 0 {
                return Ok(Progress::More(count));
            }
            list.token = page.next;
            if list.token.is_none() {
                break;
            }
        }
        // Entries of orders that have a sale leave it behind, where the entry was.
        let query = SpreadQuery { operation: OPERATION, family: SALES, of: "", newest_first: false };
        let mut list = List { limit: 200, token: place.take(), ..List::default() };
        loop {
            let page = self.list_merged(&[query], &list).await?;
            let mut count = 0;
            for item in page.items {
                count += usize::from(self.forget(item).await?);
            }
            list.token = page.next;
            if count > 0 {
                place.clone_from(&list.token);
                return Ok(Progress::More(count));
            }
            if list.token.is_none() {
                break;
            }
        }
        // What tells the account outlives its connection.
        self.keep_account().await?;
        self.of_connected_account().await?.remove_product_links().await?;
        let mut gone: Vec<Key> =
            self.unreadable_orders().await?.iter().map(|unreadable_order| keys::unreadable_order(&unreadable_order.position)).collect();
        gone.extend([keys::cursor(), keys::stores()]);
        self.delete_items(OPERATION, gone).await?;
        if let Some(connection) = self.connection().await? {
            self.mark_for_sweep(connection.value.account, now).await?;
        }
        self.delete_items(OPERATION, vec![keys::connection()]).await?;
        Ok(Progress::Done)
    }

    /// Removes a log entry with its revisions, but for the one that its sale was made from: the sale stays, and connecting the same account again holds its order
    /// against it. Answers whether the item was one.
    pub(crate) async fn forget(&self, item: Item) -> Result<bool, Error> {
        const OPERATION: &str = "disconnect";
        let Some(OrderRecord::Entry(stored)) = read_order_record(&item)? else { return Ok(false) };
        let key = keys::log_entry(stored.entry.account, stored.entry.order_id);
        let booked = stored.entry.booked_revision();
        if let Some((newest, raw)) = stored.inline_order()
            && booked == Some(newest)
        {
            self.put_items(
                OPERATION,
                crate::table::orders::revision::revision_items(stored.entry.account, stored.entry.order_id, &newest, raw.get())?,
            )
            .await?;
        }
        let kept = booked.map(|key| keys::revision_prefix(&key));
        let is_kept = |sk: &str| kept.as_ref().is_some_and(|kept| sk.starts_with(kept));
        let mut gone: Vec<Key> = Vec::new();
        for item in self.query_prefix(OPERATION, &key.pk, "REV#").await? {
            gone.extend(text_of(&item, "sk").filter(|sk| !is_kept(sk)).map(|sk| Key::new(&key.pk, sk)));
        }
        gone.extend(crate::table::orders::attention::keys_of(&stored.entry).into_iter().map(|(key, _)| key));
        // The entry goes after its revisions, so that it still leads to them when this is cut off.
        self.delete_items(OPERATION, gone).await?;
        match self.detached_rest(&stored).await? {
            Some(item) => drop(self.put_if(OPERATION, item, Expected::Version(stored.version)).await?),
            None => drop(self.delete_if(OPERATION, &key, stored.version).await?),
        }
        Ok(true)
    }
}
