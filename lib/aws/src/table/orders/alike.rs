//! Orders with one number, by an index that may lag: a hint at orders that may be one purchase under two ids. Each is read by its key before anything is decided.

use stevedore_domain::ids::{OrderId, ShipstationAccount};

use crate::Error;
use crate::table::item::keys;
use crate::table::item::paging::IndexQuery;
use crate::table::item::schema::BY_NUMBER;
use crate::table::{List, Table};

/// The most orders with one number that are looked at, the newest first: a number is shared by a few stores, not by many orders.
const MOST: usize = 20;

impl Table {
    /// The account's orders in the log with exactly this number, as far as the index shows them by now. One request and half a read unit.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn orders_numbered(&self, number: &str) -> Result<Vec<OrderId>, Error> {
        let Some(partition) = keys::order_number(number) else { return Ok(Vec::new()) };
        let query =
            IndexQuery { operation: "look for orders with one number", index: BY_NUMBER, partition: &partition, newest_first: true };
        let page = self.query_index(&query, &List { limit: MOST, ..List::default() }).await?;
        let id = |key: &keys::Key| match ShipstationAccount::parse(key.pk.strip_prefix("ORDER#")?)? {
            (account, id) if account == self.account => Some(OrderId(id)),
            _ => None,
        };
        Ok(page.items.iter().filter_map(id).collect())
    }
}
