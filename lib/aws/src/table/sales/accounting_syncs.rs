//! Pending syncs for the accounting system (S40): one for each authorised invoice, until an accounting connector acknowledges it. They are part of the sale,
//! which stands in an index while the accounting system has not heard of it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use stevedore_domain::ids::SaleId;
use stevedore_domain::money::{Currency, Minor};
use stevedore_domain::sale::{Sale, SyncAction};
use stevedore_domain::stock::Levels;

use crate::Error;
use crate::table::item::merged::SpreadQuery;
use crate::table::item::spread::SYNCS;
use crate::table::item::versioned::Conditional;
use crate::table::{List, Page, RecordOutcome, SaleEdit, SaleOutcome, Table, version_of};

/// Whether the accounting system has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// Not yet.
    Pending,
    /// Yes.
    Acknowledged,
}

/// A record that an authorised invoice waits for, or has reached, the accounting system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountingSync {
    /// The sale's id.
    pub id: String,
    /// The sale.
    pub sale_id: SaleId,
    /// Its invoice's number.
    pub invoice_number: String,
    /// Its invoice's date.
    pub order_date: Option<Date>,
    /// Of the amounts.
    pub currency: Currency,
    /// What the invoice amounts to.
    pub total: Minor,
    /// The tax in it.
    pub tax: Minor,
    /// Tax that a marketplace pays itself, which is not in it.
    pub withheld_tax: Option<Minor>,
    /// What happened to it.
    pub action: SyncAction,
    /// Whether the accounting system has heard of that.
    pub state: SyncState,
    /// When it happened.
    pub created_at: Timestamp,
    /// When the connector acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
}

impl AccountingSync {
    /// What a sale has for the accounting system.
    fn of(sale: &Sale) -> Option<Self> {
        let sync = sale.invoice.sync.as_ref()?;
        Some(Self {
            id: sale.id.to_string(),
            sale_id: sale.id.clone(),
            invoice_number: sale.invoice.number.clone(),
            order_date: sale.dated(),
            currency: sale.currency,
            total: sale.total,
            tax: sale.tax,
            withheld_tax: sale.withheld_tax,
            action: sync.action,
            state: if sync.is_pending() { SyncState::Pending } else { SyncState::Acknowledged },
            created_at: sync.created_at,
            acknowledged_at: sync.acknowledged_at,
        })
    }
}

impl Table {
    /// Pending syncs, the oldest first.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_pending_syncs(&self, list: &List) -> Result<Page<AccountingSync>, Error> {
        let query = SpreadQuery { operation: "list accounting syncs", family: SYNCS, of: "", newest_first: false };
        let page = self.list_merged(&[query], list).await?;
        let sales = self.sales_of(page.items).await?;
        let pending = sales.iter().filter_map(|stored| AccountingSync::of(&stored.sale)).filter(|sync| sync.state == SyncState::Pending);
        Ok(Page { items: pending.collect(), next: page.next })
    }

    /// Acknowledges a sync; again is fine. Nothing when there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn acknowledge_sync(&self, id: &str, at: Timestamp) -> Result<Option<AccountingSync>, Error> {
        let acknowledged = self
            .change_sale::<()>(&SaleId::from(id), Levels::default(), at, |draft| {
                let Some(sync) = draft.sale.invoice.sync.as_mut() else { return Err(()) };
                Ok(sync.is_pending().then(|| {
                    sync.acknowledged_at = Some(at);
                    SaleEdit::default()
                }))
            })
            .await?;
        Ok(match acknowledged {
            SaleOutcome::Written(stored) | SaleOutcome::Unchanged(stored) => AccountingSync::of(&stored.sale),
            SaleOutcome::Absent | SaleOutcome::Refused(()) => None,
        })
    }
}

impl From<Conditional> for RecordOutcome {
    fn from(outcome: Conditional) -> Self {
        match outcome {
            Conditional::Written(version) => Self::Written(version),
            Conditional::Refused(old) => Self::Stale(old.as_ref().map(version_of)),
        }
    }
}
