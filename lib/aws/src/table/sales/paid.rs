//! The head of a sale that a payment is added to by a newer revision of its order (S122).

use aws_sdk_dynamodb::types::TransactWriteItem;
use stevedore_domain::event::EventKind;
use stevedore_domain::sale::Sale;

use crate::Error;
use crate::table::item::versioned::Expected;
use crate::table::sales::sale_items::{HeadState, SaleItems, sale_items};
use crate::table::{StoredSale, Table};

impl Table {
    /// The write of a sale with a payment more that does not fit beside its order's log entry any longer, after its chunks.
    pub(crate) async fn paid_apart(&self, operation: &'static str, sale: &Sale) -> Result<TransactWriteItem, Error> {
        let state = HeadState { events: &[EventKind::PaymentAdded], ..HeadState::default() };
        let SaleItems { head, chunks } = sale_items(sale, state)?;
        self.put_items(operation, chunks).await?;
        self.put(operation, head, Expected::Absent)
    }

    /// The write of the head of a sale with a payment more, after its chunks, if it is still what was read; nothing where it is not, or is being worked on.
    pub(crate) async fn paid_head(&self, operation: &'static str, paid: &StoredSale) -> Result<Option<TransactWriteItem>, Error> {
        let Some(head) = self.head(&paid.sale.id).await? else { return Ok(None) };
        if head.version() != paid.version || head.saga().is_some() {
            return Ok(None);
        }
        let state = HeadState { listed: head.is_listed(), events: &[EventKind::PaymentAdded], saga: None };
        let SaleItems { head: item, chunks } = sale_items(&paid.sale, state)?;
        self.put_items(operation, chunks).await?;
        Ok(Some(self.put(operation, item, Expected::Version(paid.version))?))
    }
}
