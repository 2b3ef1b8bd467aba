//! Stock that one transaction cannot hold: it is moved in steps, each with a marker of its own, around a head that says that work is going on.
//!
//! Cut off anywhere, what the steps did so far is taken back by whoever comes next once the work's time is over: a redelivered message, a person who asks
//! again, or the schedule's tick, which finds unfinished work in an index. Nothing that reads sales sees one that is being built.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use stevedore_domain::ids::SaleId;
use stevedore_domain::sale::Sale;
use stevedore_domain::stock::{Change, Floor, Level, StockChange, StockKey};

use super::paging::IndexQuery;
use super::record::{Condition, Conditional, Expected, Transacted};
use super::sales::{Head, HeadState, SaleItems, sale_items};
use super::{Item, List, Table, blob, blob_of, item_of, key_item, key_of, text, text_of};
use crate::keys::{self, Key};
use crate::schema::BY_STATE;
use crate::{Error, codec};

/// The most levels that one transaction moves: with log entry, head and customer it stays below a hundred writes.
pub(super) const LEVELS_AT_ONCE: usize = 90;
/// How long work may take before others take it back: a thousand levels need a second.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

const WORK: &str = "SALE#work";

/// Work on a sale's stock that is going on, or was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Work {
    pub id: String,
    /// Until then it is somebody's.
    pub until: Timestamp,
    /// There is no sale yet; else there is, and it stays as it is until the work is done.
    pub building: bool,
}

/// What became of a piece of work.
#[derive(Debug)]
pub(super) enum Worked {
    /// Every step is done. The head has this version.
    Done(u64),
    /// Some level is lower than was thought; everything was taken back.
    Short(Vec<(StockKey, Level)>),
    /// The head is not what was read.
    Changed,
    /// There is a live sale under the id.
    Exists(Box<super::StoredSale>),
}

#[derive(Serialize, Deserialize)]
struct Row(StockKey, i64, i64, i64);

impl Work {
    fn new(building: bool, at: Timestamp) -> Self {
        let id = format!("{}-{:016x}", keys::instant(at), super::record::random());
        Self { id, until: at.saturating_add(PATIENCE).unwrap_or(at), building }
    }

    pub(super) fn write(&self, head: &mut Item, sale: &SaleId) {
        head.insert("work".to_owned(), text(&self.id));
        head.insert("work_until".to_owned(), text(self.until.to_string()));
        head.insert("building".to_owned(), AttributeValue::Bool(self.building));
        head.insert(BY_STATE.partition.to_owned(), text(WORK));
        head.insert(BY_STATE.sort.to_owned(), text(format!("{}#{sale}", keys::instant(self.until))));
    }

    pub(super) fn read(head: &Item) -> Option<Self> {
        let id = text_of(head, "work")?.to_owned();
        let until = text_of(head, "work_until").and_then(|text| text.parse().ok()).unwrap_or_default();
        Some(Self { id, until, building: head.get("building").is_some_and(|value| value.as_bool() == Ok(&true)) })
    }
}

impl Table {
    /// Puts the head of a sale that is being built and moves its stock. The caller's last transaction makes it live.
    pub(super) async fn build(&self, sale: &Sale, changes: &[StockChange], at: Timestamp) -> Result<Worked, Error> {
        const OPERATION: &str = "build a large sale";
        let work = Work::new(true, at);
        let SaleItems { head, chunks } = sale_items(sale, HeadState { work: Some(&work), ..HeadState::default() })?;
        self.put_items(OPERATION, chunks).await?;
        for _ in 0..2 {
            match self.put_if(OPERATION, head.clone(), Expected::Absent).await? {
                Conditional::Written(version) => return self.carry_out(&sale.id, &work, version, changes, at).await,
                Conditional::Refused(None) => {}
                Conditional::Refused(Some(old)) => {
                    let old = Head::new(old);
                    match old.work() {
                        Some(left) if left.building => self.take_back_if_over(&sale.id, &left, at).await?,
                        _ => {
                            let stored = super::StoredSale { sale: self.whole_sale(&old).await?, version: old.version() };
                            return Ok(Worked::Exists(Box::new(stored)));
                        }
                    }
                }
            }
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// Moves a live sale's stock in steps. The caller's last transaction writes the sale as it then is.
    pub(super) async fn work_on(&self, head: &Head, sale: &Sale, changes: &[StockChange], at: Timestamp) -> Result<Worked, Error> {
        const OPERATION: &str = "move a large sale's stock";
        let work = Work::new(false, at);
        let state = HeadState { listed: head.is_listed(), work: Some(&work), events: &[] };
        let SaleItems { head: item, chunks } = sale_items(sale, state)?;
        self.put_items(OPERATION, chunks).await?;
        match self.put_if(OPERATION, item, Expected::Version(head.version())).await? {
            Conditional::Written(version) => self.carry_out(&sale.id, &work, version, changes, at).await,
            Conditional::Refused(_) => Ok(Worked::Changed),
        }
    }

    async fn carry_out(&self, sale: &SaleId, work: &Work, version: u64, changes: &[StockChange], at: Timestamp) -> Result<Worked, Error> {
        const OPERATION: &str = "move stock in steps";
        let cause = format!("sale {sale}");
        for (number, step) in changes.chunks(self.levels_at_once).enumerate() {
            let mut writes = vec![self.put(OPERATION, step_item(sale, work, number, step)?, Expected::Absent)?, self.still(sale, work)?];
            for change in step {
                writes.push(self.stock_update(OPERATION, change, &cause, at)?);
            }
            let Transacted::Refused(failed) = self.transact(OPERATION, writes).await? else { continue };
            let mut failed = failed.into_iter();
            if matches!(failed.next(), Some(Condition::Failed(_))) {
                // The reply of the same step got lost.
                continue;
            }
            if matches!(failed.next(), Some(Condition::Failed(_))) {
                return Err(Error::Contended { operation: OPERATION });
            }
            let short = shortages(step, failed);
            self.take_back(sale, work).await?;
            self.end_work(sale, work).await?;
            return Ok(Worked::Short(short));
        }
        Ok(Worked::Done(version))
    }

    /// Takes back what a piece of work has done and ends it, whoever's it is: only for those who know that nobody else is at it.
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on.
    pub async fn give_up_work(&self, sale: &SaleId) -> Result<(), Error> {
        let Some(work) = self.head(sale).await?.and_then(|head| head.work()) else { return Ok(()) };
        self.take_back(sale, &work).await?;
        self.end_work(sale, &work).await
    }

    /// The same, where its time is over.
    ///
    /// # Errors
    /// [`Error::Contended`] while it is somebody's.
    pub(super) async fn take_back_if_over(&self, sale: &SaleId, work: &Work, at: Timestamp) -> Result<(), Error> {
        if work.until > at {
            return Err(Error::Contended { operation: "work on a large sale" });
        }
        self.take_back(sale, work).await?;
        self.end_work(sale, work).await
    }

    /// Undoes the steps that were done. A step and its marker go together, so that none is undone twice.
    async fn take_back(&self, sale: &SaleId, work: &Work) -> Result<(), Error> {
        const OPERATION: &str = "take stock back";
        let cause = format!("sale {sale}, cut off");
        for marker in self.query_prefix(OPERATION, &keys::sale(sale).pk, &keys::step_prefix(&work.id)).await? {
            let key = key_of(OPERATION, &marker)?;
            let unreadable = |error| Error::unreadable(OPERATION, key.to_string(), error);
            let rows: Vec<Row> = codec::decode(blob_of(&marker, "doc").unwrap_or_default()).map_err(unreadable)?;
            let mut writes = vec![self.delete(OPERATION, &key, Some(super::version_of(&marker)))?, self.still(sale, work)?];
            for Row(key, on_hand, allocated, unpicked) in rows {
                let change = Change { on_hand, allocated, unpicked }.inverse();
                let floor = if change.unpicked < 0 { Floor::Unpicked(-change.unpicked) } else { Floor::None };
                writes.push(self.stock_update(OPERATION, &StockChange { key, change, floor }, &cause, work.until)?);
            }
            if let Transacted::Refused(failed) = self.transact(OPERATION, writes).await? {
                // Somebody else took the same step back.
                if !matches!(failed.first(), Some(Condition::Failed(_))) {
                    return Err(Error::Contended { operation: OPERATION });
                }
            }
        }
        Ok(())
    }

    /// Removes the head of a sale that never came to be; a live one is as it was.
    async fn end_work(&self, sale: &SaleId, work: &Work) -> Result<(), Error> {
        const OPERATION: &str = "end work on a large sale";
        let Some(head) = self.head(sale).await?.filter(|head| head.work().as_ref().is_some_and(|now| now.id == work.id)) else {
            return Ok(());
        };
        if work.building {
            self.delete_if(OPERATION, &keys::sale(sale), head.version()).await?;
            return Ok(());
        }
        let whole = self.whole_sale(&head).await?;
        let item = head.again(&whole, HeadState { listed: head.is_listed(), ..HeadState::default() })?;
        self.put_if(OPERATION, item, Expected::Version(head.version())).await?;
        Ok(())
    }

    /// That the head still says that this work is going on.
    fn still(&self, sale: &SaleId, work: &Work) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.name)
            .set_key(Some(key_item(&keys::sale(sale))))
            .condition_expression("#work = :work")
            .expression_attribute_names("#work", "work")
            .expression_attribute_values(":work", text(&work.id))
            .build()
            .map_err(|error| Error::encoding("check work on a large sale")(error.into()))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Takes back what was cut off on large sales, as far as its time is over. Answers how many there were.
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on.
    pub async fn mend_sales(&self, now: Timestamp) -> Result<usize, Error> {
        const OPERATION: &str = "mend large sales";
        let query = IndexQuery { operation: OPERATION, index: BY_STATE, partition: WORK, newest_first: false };
        let list = List { limit: 20, to: Some(now), ..List::default() };
        let mut mended = 0;
        for key in self.query_index(&query, &list).await?.items {
            let sale = SaleId::from(key.pk.strip_prefix("SALE#").unwrap_or(&key.pk));
            let Some(head) = self.head(&sale).await? else { continue };
            let Some(work) = head.work().filter(|work| work.until <= now) else { continue };
            self.take_back(&sale, &work).await?;
            self.end_work(&sale, &work).await?;
            mended += 1;
        }
        Ok(mended)
    }

    /// Removes the markers of work that is done: nothing looks at them any more.
    pub(super) async fn clear_steps(&self, sale: &SaleId) -> Result<(), Error> {
        const OPERATION: &str = "clear steps";
        let pk = keys::sale(sale).pk;
        let markers = self.query_prefix(OPERATION, &pk, "STEP#").await?;
        let gone = markers.iter().filter_map(|marker| text_of(marker, "sk").map(|sk| Key::new(&pk, sk)));
        self.delete_items(OPERATION, gone.collect()).await
    }
}

fn step_item(sale: &SaleId, work: &Work, number: usize, step: &[StockChange]) -> Result<Item, Error> {
    const OPERATION: &str = "encode a step";
    #[derive(Serialize)]
    struct Step {}
    let rows: Vec<Row> = step
        .iter()
        .map(|StockChange { key, change: Change { on_hand, allocated, unpicked }, .. }| Row(key.clone(), *on_hand, *allocated, *unpicked))
        .collect();
    let key = Key::new(keys::sale(sale).pk, keys::chunk(&keys::step_prefix(&work.id), number));
    let mut item = item_of(OPERATION, &key, "stock_step", &Step {})?;
    item.insert("doc".to_owned(), blob(codec::encode(&rows).map_err(Error::encoding(OPERATION))?));
    Ok(item)
}

/// What the failed conditions of stock writes say of their levels.
pub(super) fn shortages(changes: &[StockChange], failed: impl Iterator<Item = Condition>) -> Vec<(StockKey, Level)> {
    let short = changes.iter().zip(failed).filter_map(|(change, condition)| match condition {
        Condition::Failed(there) => Some((change.key.clone(), super::stock::level_of(there.as_ref()))),
        Condition::Held => None,
    });
    short.collect()
}
