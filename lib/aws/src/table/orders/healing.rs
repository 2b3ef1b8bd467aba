//! Healing that came to nothing, taken away again: every download tries what waits, and an order that stays blocked for months is no news.

use stevedore_domain::operation::Operation;

use crate::Error;
use crate::table::Table;
use crate::table::item::keys;

impl Table {
    /// Removes an operation and its rows, if it still has the version that was read.
    pub(crate) async fn forget_operation(&self, operation: &Operation, version: u64) -> Result<(), Error> {
        const OPERATION: &str = "remove healing that came to nothing";
        // First what people see and others write: should that have changed, the rows are still needed.
        if self.delete_if(OPERATION, &keys::operation(&operation.id), version).await? {
            let pages = (1..=operation.pages).map(|page| keys::operation_page(&operation.id, page));
            self.delete_items(OPERATION, pages.collect()).await?;
        }
        Ok(())
    }
}
