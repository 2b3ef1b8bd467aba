//! Pending syncs for the accounting system (S40): one for each authorised invoice, until an accounting connector acknowledges it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stevedore_domain::ids::SaleId;
use stevedore_domain::sale::Sale;

use super::paging::IndexQuery;
use super::record::{Conditional, Expected};
use super::{Item, List, Page, RecordOutcome, Stored, Table, item_of, text, value_of, version_of};
use crate::schema::BY_STATE;
use crate::{Error, keys};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountingSync {
    /// The sale's id.
    pub id: String,
    /// The sale.
    pub sale_id: SaleId,
    /// Its invoice's number.
    pub invoice_number: String,
    /// Whether the accounting system has it.
    pub state: SyncState,
    /// When the invoice was authorised.
    pub created_at: Timestamp,
    /// When the connector acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
}

const PENDING: &str = "SYNC#pending";

pub(super) fn pending_item(sale: &Sale, at: Timestamp) -> Result<Item, Error> {
    const OPERATION: &str = "encode an accounting sync";
    let sync = AccountingSync {
        id: sale.id.to_string(),
        sale_id: sale.id.clone(),
        invoice_number: sale.invoice.number.clone(),
        state: SyncState::Pending,
        created_at: at,
        acknowledged_at: None,
    };
    let mut item = item_of(OPERATION, &keys::accounting_sync(&sync.id), "accounting_sync", &sync)?;
    item.insert(BY_STATE.partition.to_owned(), text(PENDING));
    item.insert(BY_STATE.sort.to_owned(), text(format!("{}#{}", keys::instant(at), sync.id)));
    Ok(item)
}

impl Table {
    /// Pending syncs, the oldest first.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_pending_syncs(&self, list: &List) -> Result<Page<AccountingSync>, Error> {
        const OPERATION: &str = "list accounting syncs";
        let page =
            self.list_index(&IndexQuery { operation: OPERATION, index: BY_STATE, partition: PENDING, newest_first: false }, list).await?;
        let items = page.items.into_iter().map(|item| value_of(OPERATION, item)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }

    /// Acknowledges a sync; again is fine. Nothing when there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn acknowledge_sync(&self, id: &str, at: Timestamp) -> Result<Option<AccountingSync>, Error> {
        const OPERATION: &str = "acknowledge an accounting sync";
        let key = keys::accounting_sync(id);
        for attempt in 1..=8 {
            let Some(item) = self.get_item(OPERATION, &key).await? else { return Ok(None) };
            let stored = Stored { version: version_of(&item), value: value_of::<AccountingSync>(OPERATION, item)? };
            if stored.value.state == SyncState::Acknowledged {
                return Ok(Some(stored.value));
            }
            let sync = AccountingSync { state: SyncState::Acknowledged, acknowledged_at: Some(at), ..stored.value };
            // Without its state attributes the item leaves the index.
            let item = item_of(OPERATION, &key, "accounting_sync", &sync)?;
            if let Conditional::Written(_) = self.put_if(OPERATION, item, Expected::Version(stored.version)).await? {
                return Ok(Some(sync));
            }
            tokio::time::sleep(super::record::jitter(attempt)).await;
        }
        Err(Error::Contended { operation: OPERATION })
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
