//! Stock that a sale gives back in steps after it was written.
//!
//! The steps are stored before the sale's own transaction, which names them in the head. Each is made together with the removal of its own item, so that
//! any number of processes may go on with them at once and each is made once. Nothing can refuse one: a void that was cut off ends as a void.

use jiff::Timestamp;
use stevedore_domain::ids::SaleId;
use stevedore_domain::stock::{Floor, StockChange};

use crate::Error;
use crate::table::item::keys::{self, Key};
use crate::table::item::versioned::{Condition, Transacted};
use crate::table::sales::stock_saga::{Phase, StockSaga, rows_item, rows_of};
use crate::table::{Table, key_of, number, text, text_of};

/// The version that a stored step has.
const STEP_VERSION: u64 = 1;

impl Table {
    /// Stores the steps that follow a sale's write, and returns the work that its head must name; nothing where there are none.
    pub(crate) async fn store_give_backs(&self, sale: &SaleId, gives: &[StockChange], at: Timestamp) -> Result<Option<StockSaga>, Error> {
        const OPERATION: &str = "keep what a sale gives back";
        if gives.is_empty() {
            return Ok(None);
        }
        let saga = StockSaga::new(Phase::GivingBack, at);
        let mut items = Vec::new();
        for (place, step) in gives.chunks(self.levels_at_once).enumerate() {
            let key = Key::new(keys::sale(sale).pk, keys::chunk(&keys::give_prefix(&saga.steps), place));
            let mut item = rows_item(&key, "stock_give", step)?;
            item.insert("version".to_owned(), number(STEP_VERSION));
            item.insert("at".to_owned(), text(at.to_string()));
            items.push(item);
        }
        self.put_items(OPERATION, items).await?;
        Ok(Some(saga))
    }

    /// Makes the steps that are left, and ends the work.
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on.
    pub(crate) async fn run_give_backs(&self, sale: &SaleId, saga: &StockSaga) -> Result<(), Error> {
        const OPERATION: &str = "give stock back in steps";
        let cause = format!("sale {sale}");
        for step in self.query_prefix(OPERATION, &keys::sale(sale).pk, &keys::give_prefix(&saga.steps)).await? {
            let at = text_of(&step, "at").and_then(|at| at.parse().ok()).unwrap_or(saga.until);
            let mut writes = vec![self.delete(OPERATION, &key_of(OPERATION, &step)?, Some(STEP_VERSION))?, self.still_running(sale, saga)?];
            for row in rows_of(OPERATION, &step)? {
                let (key, change) = row.change();
                writes.push(self.stock_update(OPERATION, &StockChange { key, change, floor: Floor::None }, &cause, at)?);
            }
            let Transacted::Refused(failed) = self.transact(OPERATION, writes).await? else { continue };
            if let [_, Condition::Failed(_), ..] = failed.as_slice() {
                // Another process has made every step.
                return Ok(());
            }
            // Else another process has made this one.
        }
        self.end_saga(sale, saga).await
    }

    /// Removes steps of a write that was refused.
    pub(crate) async fn drop_give_backs(&self, sale: &SaleId, saga: &StockSaga) -> Result<(), Error> {
        const OPERATION: &str = "remove what a sale would have given back";
        let pk = keys::sale(sale).pk;
        let steps = self.query_prefix(OPERATION, &pk, &keys::give_prefix(&saga.steps)).await?;
        let gone = steps.iter().filter_map(|step| text_of(step, "sk").map(|sk| Key::new(&pk, sk)));
        self.delete_items(OPERATION, gone.collect()).await
    }
}
