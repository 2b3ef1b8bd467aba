//! The ShipStation accounts that were connected, and which of them is meant.
//!
//! Keys of orders, revisions and links name their account. A [`Table`] is of one account: what it reads by ShipStation's own ids is that account's.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use stevedore_domain::account::{Accounts, Evidence};
use stevedore_domain::ids::{ShipstationAccount, StoreId};
use stevedore_domain::operation::Operation;

use crate::Error;
use crate::table::item::keys;
use crate::table::item::versioned::{Conditional, Expected};
use crate::table::{List, Stored, Table, item_of, text, text_of, version_of};

/// Pages of sales that are looked at for the stores of an account of which an earlier release kept nothing.
const PAGES: usize = 5;
/// Sales of a page.
const PAGE: usize = 200;
/// Number of times that a write is tried again because others wrote it at the same time.
const ATTEMPTS: u32 = 8;

#[derive(Serialize, Deserialize)]
struct Empty {}

impl Table {
    /// The same table for another account.
    #[must_use]
    pub fn of_account(&self, account: ShipstationAccount) -> Self {
        Self { account, ..self.clone() }
    }

    /// The account whose orders and links this table reads.
    #[must_use]
    pub fn account(&self) -> ShipstationAccount {
        self.account
    }

    /// The same table for the account that is connected, else for the one that was connected last.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn of_connected_account(&self) -> Result<Self, Error> {
        if let Some(connection) = self.connection().await? {
            return Ok(self.of_account(connection.value.account));
        }
        let latest = self.kept_accounts().await?.and_then(|stored| stored.value.latest());
        Ok(self.of_account(latest.unwrap_or_default()))
    }

    async fn kept_accounts(&self) -> Result<Option<Stored<Accounts>>, Error> {
        const OPERATION: &str = "read the known accounts";
        let Some(item) = self.get_item(OPERATION, &keys::accounts()).await? else { return Ok(None) };
        let value = serde_json::from_str(text_of(&item, "document").unwrap_or_default());
        let value = value.map_err(|error| Error::unreadable(OPERATION, keys::accounts().to_string(), error))?;
        Ok(Some(Stored { version: version_of(&item), value }))
    }

    /// Every account that is or was connected; version 0 while nothing was kept of any.
    ///
    /// An earlier release kept nothing of accounts: the one that it connected is the first, told by the stores that are known or that its sales name.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn accounts(&self) -> Result<Stored<Accounts>, Error> {
        if let Some(stored) = self.kept_accounts().await? {
            return Ok(stored);
        }
        let mut accounts = Accounts::default();
        let stores: BTreeSet<StoreId> = self.store_names().await?.map(|(names, _)| names.into_keys().collect()).unwrap_or_default();
        if self.connection().await?.is_some() || !stores.is_empty() {
            accounts.learn(ShipstationAccount::FIRST, &Evidence { stores, key: None });
        } else if let Some(stores) = self.stores_of_sales().await? {
            accounts.learn(ShipstationAccount::FIRST, &Evidence { stores, key: None });
        }
        Ok(Stored { value: accounts, version: 0 })
    }

    /// The stores that the newest sales name; nothing where there is no sale.
    async fn stores_of_sales(&self) -> Result<Option<BTreeSet<StoreId>>, Error> {
        let mut stores = None;
        let mut list = List { limit: PAGE, ..List::default() };
        for _ in 0..PAGES {
            let page = self.list_sales(&list).await?;
            for stored in page.items {
                let stores = stores.get_or_insert_with(BTreeSet::new);
                stores.extend(stored.sale.source.order().and_then(|order| order.store_id));
            }
            list.token = page.next;
            if list.token.is_none() {
                break;
            }
        }
        Ok(stores)
    }

    /// Replaces what is known of accounts, as it was read with version `read`. Answers whether nobody else wrote it in between.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_accounts(&self, accounts: &Accounts, read: u64) -> Result<bool, Error> {
        const OPERATION: &str = "write the known accounts";
        let document = serde_json::to_string(accounts).map_err(|error| Error::encoding(OPERATION)(error.into()))?;
        let mut item = item_of(OPERATION, &keys::accounts(), "accounts", &Empty {})?;
        item.insert("document".to_owned(), text(document));
        let expected = if read == 0 { Expected::Absent } else { Expected::Version(read) };
        Ok(matches!(self.put_if(OPERATION, item, expected).await?, Conditional::Written(_)))
    }

    /// Changes what is known of accounts, reading it anew while others write it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn change_accounts<T>(&self, mut change: impl FnMut(&mut Accounts) -> T) -> Result<T, Error> {
        for attempt in 1..=ATTEMPTS {
            let Stored { value: mut accounts, version } = self.accounts().await?;
            let before = accounts.clone();
            let answer = change(&mut accounts);
            if (accounts == before && version > 0) || self.put_accounts(&accounts, version).await? {
                return Ok(answer);
            }
            tokio::time::sleep(crate::table::item::versioned::jitter(attempt)).await;
        }
        Err(Error::Contended { operation: "write the known accounts" })
    }

    /// Keeps the stores of the connected account, which tell it when it is connected again.
    pub(crate) async fn keep_account(&self) -> Result<(), Error> {
        let Some(connection) = self.connection().await? else { return Ok(()) };
        let stores = self.store_names().await?.map(|(names, _)| names.into_keys().collect()).unwrap_or_default();
        let evidence = Evidence { stores, key: None };
        self.change_accounts(|accounts| accounts.learn(connection.value.account, &evidence)).await.map(drop)
    }

    /// True if another account than that of the operation's orders is connected: what still lies in the queue is set aside then.
    pub(crate) async fn is_of_another_account(&self, operation: &Operation) -> Result<bool, Error> {
        if operation.kind.spec().counts_itself() {
            return Ok(false);
        }
        Ok(self.connection().await?.is_some_and(|connection| connection.value.account != operation.account))
    }
}
