//! The sweep after a disconnect. An index does not show an entry of its last moments yet, and a message that was at work when the connection went may write
//! one after it. So a disconnect leaves a marker, and for an hour after it the ticks look once more through the entries of that time.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use stevedore_domain::ids::ShipstationAccount;

use crate::Error;
use crate::table::item::keys::{self, Key};
use crate::table::item::merged::SpreadQuery;
use crate::table::item::spread::{LOG, SALES};
use crate::table::orders::order_item::{OrderRecord, read_order_record};
use crate::table::{List, Table, item_of, text_of, value_of};

/// Longer than an index lags and an invocation lasts, before the disconnect …
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
/// … and after it: no invocation that had read the connection goes on for so long.
const AFTER: SignedDuration = SignedDuration::from_mins(20);
/// For so long is looked again.
const LOOKED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// An account that was disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sweep {
    #[serde(default, skip_serializing_if = "ShipstationAccount::is_first")]
    account: ShipstationAccount,
    at: Timestamp,
}

impl Table {
    /// Marks that an account is disconnected, for [`Self::sweep_disconnected`].
    pub(crate) async fn mark_for_sweep(&self, account: ShipstationAccount, at: Timestamp) -> Result<(), Error> {
        const OPERATION: &str = "disconnect";
        let item = item_of(OPERATION, &keys::sweep(account), "sweep", &Sweep { account, at })?;
        self.put_items(OPERATION, vec![item]).await
    }

    /// Removes what disconnected accounts left in the log. Answers how many entries went. What belongs to the present connection stays, and where the same account
    /// is connected again, what was left behind belongs to it.
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on.
    pub async fn sweep_disconnected(&self, now: Timestamp) -> Result<usize, Error> {
        const OPERATION: &str = "sweep after a disconnect";
        let marked = self.query_prefix(OPERATION, &keys::sweep(ShipstationAccount::FIRST).pk, keys::SWEEPS).await?;
        let mut swept = 0;
        if !marked.is_empty() && self.connection().await?.is_none() {
            // Operations of the last moments, too, were in no index yet.
            self.end_operations_of_connection(now, true).await?;
        }
        for item in marked {
            let key = Key::new(text_of(&item, "pk").unwrap_or_default(), text_of(&item, "sk").unwrap_or_default());
            let sweep: Sweep = value_of(OPERATION, item)?;
            let connection = self.connection().await?.map(|stored| stored.value);
            let again = connection.as_ref().is_some_and(|connection| connection.account == sweep.account && !connection.disconnecting);
            let left = if again { 0 } else { self.sweep(sweep).await? };
            swept += left;
            if again || (left == 0 && now.duration_since(sweep.at) >= LOOKED_FOR) {
                self.delete_items(OPERATION, vec![key]).await?;
            }
        }
        Ok(swept)
    }

    /// Removes the entries of an account from around the time of its disconnect.
    async fn sweep(&self, sweep: Sweep) -> Result<usize, Error> {
        const OPERATION: &str = "sweep after a disconnect";
        let (from, to) = (sweep.at.saturating_sub(BEFORE).ok(), sweep.at.saturating_add(AFTER).ok());
        let table = self.of_account(sweep.account);
        let mut swept = 0;
        for family in [LOG, SALES] {
            let query = SpreadQuery { operation: OPERATION, family, of: "", newest_first: false };
            let mut list = List { limit: 200, from, to, ..List::default() };
            loop {
                let page = self.list_merged(&[query], &list).await?;
                for item in page.items {
                    let known = read_order_record(&item)?;
                    if known.as_ref().and_then(OrderRecord::entry).is_some_and(|stored| stored.entry.account == sweep.account) {
                        swept += usize::from(table.forget(item).await?);
                    }
                }
                list.token = page.next;
                if list.token.is_none() {
                    break;
                }
            }
        }
        Ok(swept)
    }
}
