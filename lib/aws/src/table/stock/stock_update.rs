//! The last step of a download and of a consolidated day (S127): the present availability of every product that it changed, for other channels.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::{OrderId, ProductId, SaleId};
use stevedore_domain::operation::{Operation, OperationState};
use stevedore_domain::sale::Sale;
use stevedore_domain::stock::StockKey;

use crate::Error;
use crate::table::item::keys;
use crate::table::{Item, Table, item_of};

/// Orders whose entries are in memory at a time.
const ORDERS_AT_ONCE: usize = 200;
/// Products of one event: far below the 256 KB that an event bus takes.
const PRODUCTS: usize = 100;

#[derive(Serialize)]
struct Update<'a> {
    operation_id: &'a str,
    updates: &'a [ProductUpdate],
}

/// One product's availability at the locations where it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ProductUpdate {
    product_id: ProductId,
    levels: Vec<LevelUpdate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct LevelUpdate {
    location_id: String,
    on_hand: i64,
    allocated: i64,
    available: i64,
}

impl Table {
    /// Writes the stock updates of an operation that has come to its end: one for each product, a hundred to an event. Written again it says the same.
    pub(crate) async fn raise_stock_updates(&self, operation: &Operation, orders: &[OrderId]) -> Result<(), Error> {
        let mut touched: BTreeSet<StockKey> = BTreeSet::new();
        for orders in orders.chunks(ORDERS_AT_ONCE) {
            self.note_touched(operation, orders, &mut touched).await?;
        }
        self.write_stock_updates(operation, touched).await
    }

    /// The last step of a consolidated day: its stock updates, then the operation is completed. Its sale moved stock before, with the day's marker; cut off in
    /// between, whoever looks at the operation next goes on. Answers the operation as it is then.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn complete_day(&self, operation: Operation, version: u64, now: Timestamp) -> Result<Operation, Error> {
        let Some(date) = operation.kind.local_date() else { return Ok(operation) };
        if operation.state != OperationState::Processing {
            return Ok(operation);
        }
        if let Some(run) = self.run(date).await?
            && let Some(stored) = self.sale(&run.run.sale_id()).await?
        {
            let touched = stored.sale.movements().into_iter().map(|movement| movement.key).collect();
            self.write_stock_updates(&operation, touched).await?;
        }
        let completed = Operation { state: OperationState::Completed, finished_at: Some(now), ..operation };
        // Somebody else who completes it writes the same.
        self.put_operation(&completed, version).await?;
        Ok(completed)
    }

    async fn write_stock_updates(&self, operation: &Operation, touched: BTreeSet<StockKey>) -> Result<(), Error> {
        const OPERATION: &str = "raise stock updates";
        if touched.is_empty() {
            return Ok(());
        }
        let mut products: BTreeMap<ProductId, Vec<LevelUpdate>> = BTreeMap::new();
        for stock in self.stock_levels(touched).await? {
            products.entry(stock.key.product_id).or_default().push(LevelUpdate {
                location_id: stock.key.location_id.0,
                on_hand: stock.level.on_hand,
                allocated: stock.level.allocated,
                available: stock.level.available(),
            });
        }
        let mut updates: Vec<ProductUpdate> = Vec::with_capacity(products.len());
        for (product_id, mut levels) in products {
            levels.sort_by(|one, other| one.location_id.cmp(&other.location_id));
            updates.push(ProductUpdate { product_id, levels });
        }
        let items = updates.chunks(PRODUCTS).enumerate().map(|(page, updates)| -> Result<Item, Error> {
            let update = Update { operation_id: operation.id.as_str(), updates };
            let mut item = item_of(OPERATION, &keys::stock_update(&operation.id, page), "stock_update", &update)?;
            crate::table::item::events::name(&mut item, &[EventKind::StockUpdated]);
            Ok(item)
        });
        self.put_items(OPERATION, items.collect::<Result<_, _>>()?).await
    }

    /// Adds the levels that sales of these orders moved in the operation. A sale that was there before moved nothing in it.
    async fn note_touched(&self, operation: &Operation, orders: &[OrderId], touched: &mut BTreeSet<StockKey>) -> Result<(), Error> {
        let mut beside: Vec<SaleId> = Vec::new();
        let mut touch = |sale: &Sale| {
            if sale.created_at >= operation.started_at {
                touched.extend(sale.movements().into_iter().map(|movement| movement.key));
            }
        };
        for stored in self.of_account(operation.account).log_entries(orders.iter().copied()).await?.into_values() {
            match (stored.inline_sale(), &stored.entry.sale_id) {
                (Some(sale), _) => touch(sale),
                (None, Some(id)) if id.order().is_some() => beside.push(id.clone()),
                (None, _) => {}
            }
        }
        if !beside.is_empty() {
            self.sales(beside).await?.values().for_each(|stored| touch(&stored.sale));
        }
        Ok(())
    }
}
