//! The beginning of every batch of order messages, in one request: settings, connection, stores' names and what is known of the orders.

use std::collections::{BTreeMap, HashMap};

use stevedore_domain::ids::{OrderId, StoreId};
use stevedore_domain::settings::Settings;

use crate::Error;
use crate::table::item::keys;
use crate::table::orders::order_item::{OrderRecord, read_order_record};
use crate::table::system::configuration::{read_connection, read_settings, read_store_names};
use crate::table::{Connection, Stored, StoredSettings, Table};

/// What orders are decided with besides reference data, all of it as it is now.
#[derive(Debug)]
pub struct BatchContext {
    /// The settings in force.
    pub settings: StoredSettings,
    /// The connection, where there is one.
    pub connection: Option<Connection>,
    /// The stores' names as they were last read.
    pub stores: BTreeMap<StoreId, String>,
    /// What is known of the orders.
    pub known: HashMap<OrderId, OrderRecord>,
}

impl Table {
    /// Reads it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn batch_context(&self, orders: &[OrderId]) -> Result<BatchContext, Error> {
        let order_key = |order: &OrderId| keys::log_entry(self.account, *order);
        let wanted = [keys::settings(), keys::connection(), keys::stores()].into_iter().chain(orders.iter().map(order_key));
        let mut items = self.get_items("begin a batch", wanted).await?;
        let settings = items.get(&keys::settings()).map(read_settings).transpose()?;
        let settings = settings.unwrap_or_else(|| Stored { value: Settings::default(), version: 0 });
        let connection = items.remove(&keys::connection()).map(read_connection).transpose()?.map(|stored| stored.value);
        let stores = items.get(&keys::stores()).map(read_store_names).transpose()?.map(|(names, _)| names).unwrap_or_default();
        let mut known = HashMap::with_capacity(orders.len());
        for order in orders {
            let Some(item) = items.remove(&order_key(order)) else { continue };
            known.extend(read_order_record(&item)?.map(|known| (*order, known)));
        }
        self.follow(known.values_mut().filter_map(OrderRecord::entry_mut)).await?;
        Ok(BatchContext { settings, connection, stores, known })
    }
}
