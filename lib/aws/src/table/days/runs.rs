//! Runs of daily consolidation: the marker of each local date, which orders a run has tried, and what it had added up when its time ran out.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use stevedore_domain::consolidation::{DaySum, RunRecord, RunStep};
use stevedore_domain::ids::{OrderId, ShipstationAccount};
use stevedore_domain::operation::Operation;
use stevedore_domain::settings::Settings;

use crate::Error;
use crate::table::item::codec;
use crate::table::item::keys::{self, Key};
use crate::table::item::versioned::{Conditional, Expected, Transacted};
use crate::table::{CHUNK, Item, Table, blob, blob_of, item_of, key_of, text, text_of, version_of};

/// A run as it stands in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    /// The run.
    pub run: RunRecord,
    /// The settings that all of it uses, whatever they become meanwhile.
    pub settings: Settings,
    /// The account that its orders are of.
    pub account: ShipstationAccount,
    /// Until then somebody is at work on it.
    pub held_until: Option<Timestamp>,
    /// Pages of orders that are in the sum that was put away.
    pub merged: u32,
    /// Names the sum that was put away.
    pub sum: Option<String>,
    /// Counts its writes from 1.
    pub version: u64,
}

#[derive(Serialize, Deserialize)]
struct Document {
    run: RunRecord,
    settings: Settings,
    #[serde(default, skip_serializing_if = "ShipstationAccount::is_first")]
    account: ShipstationAccount,
    #[serde(default)]
    held_until: Option<Timestamp>,
    #[serde(default)]
    merged: u32,
    #[serde(default)]
    sum: Option<String>,
}

#[derive(Serialize)]
struct Empty {}

/// The account of a page's orders, where it is not the first.
const ACCOUNT: &str = "account";

/// Orders of one page: a run looks at so many at a time, and the list of a sale's orders is made of these.
pub const RUN_PAGE: usize = 500;

impl StoredRun {
    /// A run that begins, held by whoever begins it.
    #[must_use]
    pub fn new(run: RunRecord, settings: Settings, held_until: Timestamp) -> Self {
        Self { run, settings, account: ShipstationAccount::FIRST, held_until: Some(held_until), merged: 0, sum: None, version: 0 }
    }

    /// True if there is nothing left to do for it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.run.step == RunStep::Done
    }
}

pub(crate) fn run_item(stored: &StoredRun) -> Result<Item, Error> {
    const OPERATION: &str = "encode a consolidation run";
    #[derive(Serialize)]
    struct Shown {
        step: RunStep,
    }
    let StoredRun { run, settings, account, held_until, merged, sum, .. } = stored.clone();
    let mut item = item_of(OPERATION, &keys::run(run.local_date), "run", &Shown { step: run.step })?;
    let document = serde_json::to_string(&Document { run, settings, account, held_until, merged, sum });
    item.insert("document".to_owned(), text(document.map_err(|error| Error::encoding(OPERATION)(error.into()))?));
    Ok(item)
}

fn read_run(item: &Item) -> Result<StoredRun, Error> {
    const OPERATION: &str = "read a consolidation run";
    let key = key_of(OPERATION, item)?;
    let document = serde_json::from_str(text_of(item, "document").unwrap_or_default());
    let Document { run, settings, account, held_until, merged, sum } =
        document.map_err(|error| Error::unreadable(OPERATION, key.to_string(), error))?;
    Ok(StoredRun { run, settings, account, held_until, merged, sum, version: version_of(item) })
}

impl Table {
    /// The run of a local date, where there was one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn run(&self, date: Date) -> Result<Option<StoredRun>, Error> {
        self.get_item("read a consolidation run", &keys::run(date)).await?.as_ref().map(read_run).transpose()
    }

    /// The runs of these dates, those that there were.
    pub(crate) async fn runs(&self, dates: Vec<Date>) -> Result<HashMap<Date, RunRecord>, Error> {
        let keys: Vec<Key> = dates.into_iter().map(keys::run).collect();
        let items = self.get_items("read consolidation runs", keys).await?;
        items.values().map(|item| read_run(item).map(|stored| (stored.run.local_date, stored.run))).collect()
    }

    /// The run of the latest date.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn newest_run(&self) -> Result<Option<StoredRun>, Error> {
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :p")
            .expression_attribute_values(":p", text(keys::RUNS))
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true)
            .set_return_consumed_capacity(self.capacity());
        let reply = request.send().await.map_err(Error::call("read the newest consolidation run"))?;
        reply.items.unwrap_or_default().first().map(read_run).transpose()
    }

    /// Writes the marker of a run that begins, and its operation: a new one, or one that a person started (`read`). Answers whether nobody else did before.
    ///
    /// # Errors
    /// [`Error`]; nothing was written then.
    pub async fn begin_run(&self, run: &StoredRun, operation: &Operation, read: Option<u64>) -> Result<bool, Error> {
        const OPERATION: &str = "begin a consolidation run";
        let expected = read.map_or(Expected::Absent, Expected::Version);
        let writes = vec![
            self.put(OPERATION, run_item(run)?, Expected::Absent)?,
            self.put(OPERATION, crate::table::operations::operation::operation_item(operation)?, expected)?,
        ];
        Ok(matches!(self.transact(OPERATION, writes).await?, Transacted::Done))
    }

    /// Writes a run that was read. Answers its new version, or nothing where somebody else wrote it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_run(&self, run: &StoredRun) -> Result<Option<u64>, Error> {
        match self.put_if("write a consolidation run", run_item(run)?, Expected::Version(run.version)).await? {
            Conditional::Written(version) => Ok(Some(version)),
            Conditional::Refused(_) => Ok(None),
        }
    }

    /// Notes which orders a run is about to try, before it touches the first of them. The indexes lag behind the table; these pages do not, so that a run which
    /// was cut off finds every order again that it may have taken.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_run_page(&self, date: Date, page: u32, orders: &[OrderId]) -> Result<(), Error> {
        const OPERATION: &str = "write a run's orders";
        let mut item = item_of(OPERATION, &keys::run_page(date, page), "run_page", &Empty {})?;
        if !self.account.is_first() {
            item.insert(ACCOUNT.to_owned(), crate::table::number(self.account));
        }
        item.insert("doc".to_owned(), blob(codec::encode(orders).map_err(Error::encoding(OPERATION))?));
        self.put_items(OPERATION, vec![item]).await
    }

    /// Every page of a run, in order.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn run_pages(&self, date: Date) -> Result<Vec<Vec<OrderId>>, Error> {
        let items = self.query_prefix("read a run's orders", &keys::run_parts(date), keys::RUN_PAGES).await?;
        items.iter().map(read_page).collect()
    }

    /// One page of a run, and the account of its orders.
    pub(crate) async fn run_page(&self, date: Date, page: u32) -> Result<Option<(ShipstationAccount, Vec<OrderId>)>, Error> {
        let Some(item) = self.get_item("read a run's orders", &keys::run_page(date, page)).await? else { return Ok(None) };
        let account = crate::table::number_of(&item, ACCOUNT).and_then(|account| u32::try_from(account).ok()).map(ShipstationAccount);
        Ok(Some((account.unwrap_or_default(), read_page(&item)?)))
    }

    /// Puts away what a run has added up so far, and lets go of the run. Answers whether it still was as it was read.
    ///
    /// # Errors
    /// [`Error`]; the run goes on from the sum before then.
    pub async fn put_away(&self, run: &StoredRun, merged: u32, sum: &DaySum) -> Result<bool, Error> {
        const OPERATION: &str = "put a day's sum away";
        let date = run.run.local_date;
        let document = codec::encode(sum).map_err(Error::encoding(OPERATION))?;
        let digest = format!("{:032x}", stevedore_domain::digest::Digest::of_bytes(&document).value);
        let mut items = Vec::new();
        for (number, bytes) in document.chunks(CHUNK).enumerate() {
            let key = Key::new(keys::run_parts(date), keys::chunk(&keys::sum_prefix(&digest), number));
            let mut item = item_of(OPERATION, &key, "run_sum", &Empty {})?;
            item.insert("doc".to_owned(), blob(bytes.to_vec()));
            items.push(item);
        }
        self.put_items(OPERATION, items).await?;
        let next = StoredRun { merged, sum: Some(digest.clone()), held_until: None, ..run.clone() };
        let written = self.put_run(&next).await?.is_some();
        if let Some(before) = run.sum.as_ref().filter(|before| written && **before != digest) {
            self.drop_sum(date, &keys::sum_prefix(before)).await?;
        }
        Ok(written)
    }

    /// Sum of a run when its time ran out.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn sum_of(&self, run: &StoredRun) -> Result<Option<DaySum>, Error> {
        const OPERATION: &str = "read a day's sum";
        let Some(digest) = &run.sum else { return Ok(None) };
        let pk = keys::run_parts(run.run.local_date);
        let unreadable = |error| Error::unreadable(OPERATION, pk.clone(), error);
        let document = self.read_chunks(OPERATION, &pk, &keys::sum_prefix(digest)).await?;
        codec::decode(&document.unwrap_or_default()).map(Some).map_err(unreadable)
    }

    pub(crate) async fn drop_sum(&self, date: Date, prefix: &str) -> Result<(), Error> {
        const OPERATION: &str = "remove a day's sum";
        let pk = keys::run_parts(date);
        let items = self.query_prefix(OPERATION, &pk, prefix).await?;
        let gone = items.iter().filter_map(|item| text_of(item, "sk").map(|sk| Key::new(&pk, sk)));
        self.delete_items(OPERATION, gone.collect()).await
    }
}

fn read_page(item: &Item) -> Result<Vec<OrderId>, Error> {
    const OPERATION: &str = "read a run's orders";
    let key = key_of(OPERATION, item)?;
    codec::decode(blob_of(item, "doc").unwrap_or_default()).map_err(|error| Error::unreadable(OPERATION, key.to_string(), error))
}
