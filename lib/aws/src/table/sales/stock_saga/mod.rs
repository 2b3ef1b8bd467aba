//! Stock that one transaction cannot hold: it is moved in steps around a head that says that work is going on.
//!
//! Changes are divided by [`Phases`]. What may be refused is taken before the sale is written, in steps with a marker each; cut off there, it is undone,
//! which is always possible. What gives units back follows the write in steps that are stored with it (see `give_back`); cut off there, it is completed,
//! which is always possible too. Both are done by the next process that needs the sale, or by the schedule's tick, which finds unfinished work in an
//! index. A sale that is being built is invisible to readers.

mod complete_void;
pub(crate) mod give_back;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use stevedore_domain::ids::SaleId;
use stevedore_domain::sale::Sale;
use stevedore_domain::stock::{Change, Floor, Level, Phases, StockChange, StockKey};

use crate::Error;
use crate::table::item::codec;
use crate::table::item::keys::{self, Key};
use crate::table::item::paging::IndexQuery;
use crate::table::item::schema::BY_STATE;
use crate::table::item::versioned::{Condition, Conditional, Expected, Transacted};
use crate::table::sales::sale_items::{Head, HeadState, SaleItems, sale_items};
use crate::table::{Item, List, Table, blob, blob_of, item_of, key_item, key_of, text, text_of};

/// The most levels that one transaction moves: with log entry, head, customer, watched orders and what wants attention it has a hundred writes at most.
pub(crate) const LEVELS_AT_ONCE: usize = 80;
/// Time that work may take before others undo it: a thousand levels need a second.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// Sales that one call of [`Table::recover_abandoned`] looks at.
const RECOVERED_AT_ONCE: usize = 20;

const SAGAS: &str = "SALE#work";

/// Work on a sale's stock that is going on, or was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StockSaga {
    /// Names whose work it is. Every step has the condition that the head still names it, so that changing it ends the steps of a slow process.
    pub id: String,
    /// Names its steps: the id under which they were made.
    pub steps: String,
    /// Until then its process is at it.
    pub until: Timestamp,
    pub phase: Phase,
}

/// Consequence of cutting the work off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is no sale yet: its steps are undone, and the head goes.
    Creating,
    /// The sale is as it was before: the steps are undone.
    Moving,
    /// The sale is written: the steps that are left are completed.
    GivingBack,
}

/// Outcome of a piece of work.
#[derive(Debug)]
pub(crate) enum SagaOutcome {
    /// Every step is done. The head has this version.
    Done(u64),
    /// Some level is lower than was thought; everything was undone.
    Short(Vec<(StockKey, Level)>),
    /// The head is not what was read.
    Changed,
    /// There is a live sale under the id.
    Exists(Box<crate::table::StoredSale>),
}

/// Changes of one write, by the transactions that make them.
#[derive(Debug, Default)]
pub(crate) struct StockPlan {
    /// In steps before the sale's own transaction.
    pub before: Vec<StockChange>,
    /// In the sale's own transaction.
    pub with: Vec<StockChange>,
    /// In steps after it.
    pub after: Vec<StockChange>,
}

/// Work that was cut off and is brought to its end.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Sales whose work was undone or completed.
    pub sales: usize,
    /// Sales that could not be recovered, each with its reason. They are tried again by a later call.
    pub failed: Vec<(SaleId, Error)>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Row(StockKey, i64, i64, i64);

impl Row {
    pub(crate) fn of(change: &StockChange) -> Self {
        let StockChange { key, change: Change { on_hand, allocated, unpicked }, .. } = change;
        Self(key.clone(), *on_hand, *allocated, *unpicked)
    }

    pub(crate) fn change(self) -> (StockKey, Change) {
        let Self(key, on_hand, allocated, unpicked) = self;
        (key, Change { on_hand, allocated, unpicked })
    }
}

impl StockSaga {
    pub(crate) fn new(phase: Phase, at: Timestamp) -> Self {
        let id = crate::table::item::versioned::invocation_id(at);
        Self { steps: id.clone(), id, until: at.saturating_add(LEASE).unwrap_or(at), phase }
    }

    /// The same work in the hands of a process that ends it.
    fn fenced(&self, at: Timestamp) -> Self {
        Self { id: crate::table::item::versioned::invocation_id(at), until: at.saturating_add(LEASE).unwrap_or(at), ..self.clone() }
    }

    pub(crate) fn is_of_new_sale(&self) -> bool {
        self.phase == Phase::Creating
    }

    pub(crate) fn write(&self, head: &mut Item, sale: &SaleId) {
        head.insert("work".to_owned(), text(&self.id));
        head.insert("work_steps".to_owned(), text(&self.steps));
        head.insert("work_until".to_owned(), text(self.until.to_string()));
        head.insert("building".to_owned(), AttributeValue::Bool(self.is_of_new_sale()));
        head.insert("giving".to_owned(), AttributeValue::Bool(self.phase == Phase::GivingBack));
        head.insert(BY_STATE.partition.to_owned(), text(SAGAS));
        head.insert(BY_STATE.sort.to_owned(), text(format!("{}#{sale}", keys::instant(self.until))));
    }

    pub(crate) fn read(head: &Item) -> Option<Self> {
        let id = text_of(head, "work")?.to_owned();
        let is = |name: &str| head.get(name).is_some_and(|value| value.as_bool() == Ok(&true));
        let phase = match (is("building"), is("giving")) {
            (true, _) => Phase::Creating,
            (false, true) => Phase::GivingBack,
            (false, false) => Phase::Moving,
        };
        let until = text_of(head, "work_until").and_then(|text| text.parse().ok()).unwrap_or_default();
        // Earlier versions named the steps by the work alone.
        let steps = text_of(head, "work_steps").unwrap_or(&id).to_owned();
        Some(Self { id, steps, until, phase })
    }
}

impl Table {
    /// Puts the head of a sale that is being built and moves its stock. The caller's last transaction makes it live.
    pub(crate) async fn run_for_new_sale(&self, sale: &Sale, changes: &[StockChange], at: Timestamp) -> Result<SagaOutcome, Error> {
        const OPERATION: &str = "build a large sale";
        let saga = StockSaga::new(Phase::Creating, at);
        let SaleItems { head, chunks } = sale_items(sale, HeadState { saga: Some(&saga), ..HeadState::default() })?;
        self.put_items(OPERATION, chunks).await?;
        for _ in 0..2 {
            match self.put_if(OPERATION, head.clone(), Expected::Absent).await? {
                Conditional::Written(version) => return self.run_steps(&sale.id, &saga, version, changes, at).await,
                Conditional::Refused(None) => {}
                Conditional::Refused(Some(old)) => {
                    let old = Head::new(old);
                    match old.saga() {
                        Some(left) if left.is_of_new_sale() => self.recover_if_expired(&sale.id, &left, at).await?,
                        _ => {
                            let stored = crate::table::StoredSale { sale: self.whole_sale(&old).await?, version: old.version() };
                            return Ok(SagaOutcome::Exists(Box::new(stored)));
                        }
                    }
                }
            }
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// Moves a live sale's stock in steps. The caller's last transaction writes the sale as it then is.
    pub(crate) async fn run_for_live_sale(
        &self,
        head: &Head,
        sale: &Sale,
        changes: &[StockChange],
        at: Timestamp,
    ) -> Result<SagaOutcome, Error> {
        const OPERATION: &str = "move a large sale's stock";
        let saga = StockSaga::new(Phase::Moving, at);
        let state = HeadState { listed: head.is_listed(), saga: Some(&saga), events: &[] };
        let SaleItems { head: item, chunks } = sale_items(sale, state)?;
        self.put_items(OPERATION, chunks).await?;
        match self.put_if(OPERATION, item, Expected::Version(head.version())).await? {
            Conditional::Written(version) => self.run_steps(&sale.id, &saga, version, changes, at).await,
            Conditional::Refused(_) => Ok(SagaOutcome::Changed),
        }
    }

    async fn run_steps(
        &self,
        sale: &SaleId,
        saga: &StockSaga,
        version: u64,
        changes: &[StockChange],
        at: Timestamp,
    ) -> Result<SagaOutcome, Error> {
        const OPERATION: &str = "move stock in steps";
        let cause = format!("sale {sale}");
        for (number, step) in changes.chunks(self.levels_at_once).enumerate() {
            let mut writes =
                vec![self.put(OPERATION, step_item(sale, saga, number, step)?, Expected::Absent)?, self.still_running(sale, saga)?];
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
            self.undo(sale, saga, at).await?;
            return Ok(SagaOutcome::Short(short));
        }
        Ok(SagaOutcome::Done(version))
    }

    /// Divides changes among the sale's own transaction and the steps around it.
    pub(crate) fn plan_stock(&self, changes: &[StockChange]) -> StockPlan {
        if changes.len() <= self.levels_at_once {
            return StockPlan { with: changes.to_vec(), ..StockPlan::default() };
        }
        let Phases { takes, gives } = Phases::of(changes);
        let mut plan = StockPlan::default();
        if takes.len() > self.levels_at_once {
            plan.before = takes;
        } else {
            plan.with = takes;
        }
        if plan.with.len() + gives.len() > self.levels_at_once {
            plan.after = gives;
        } else {
            plan.with.extend(gives);
        }
        plan
    }

    /// Ends a piece of work, whatever time it still has: only for a process that knows that no other is at it.
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on.
    pub async fn recover_now(&self, sale: &SaleId, at: Timestamp) -> Result<(), Error> {
        match self.head(sale).await?.and_then(|head| head.saga()) {
            Some(saga) => self.recover(sale, &saga, at).await,
            None => Ok(()),
        }
    }

    /// The same, where its time is over, or where any process may go on with it.
    ///
    /// # Errors
    /// [`Error::Contended`] while a process is at it.
    pub(crate) async fn recover_if_expired(&self, sale: &SaleId, saga: &StockSaga, at: Timestamp) -> Result<(), Error> {
        if saga.until > at && saga.phase != Phase::GivingBack {
            return Err(Error::Contended { operation: "work on a large sale" });
        }
        self.recover(sale, saga, at).await
    }

    async fn recover(&self, sale: &SaleId, saga: &StockSaga, at: Timestamp) -> Result<(), Error> {
        match saga.phase {
            Phase::Creating | Phase::Moving => self.undo(sale, saga, at).await,
            Phase::GivingBack => self.run_give_backs(sale, saga).await,
        }
    }

    /// Undoes the steps that were done, and ends the work. First the head gets another work id: a process that is slower than its time cannot make one
    /// more step then. A step and its marker go together, so that none is undone twice.
    async fn undo(&self, sale: &SaleId, saga: &StockSaga, at: Timestamp) -> Result<(), Error> {
        const OPERATION: &str = "take stock back";
        let cause = format!("sale {sale}, cut off");
        let head = self.head(sale).await?.filter(|head| head.saga().is_some_and(|now| now.id == saga.id));
        let Some(head) = head else { return Ok(()) };
        let fence = saga.fenced(at);
        let fenced = self.put_if(OPERATION, head.with_saga(&fence, sale), Expected::Version(head.version())).await?;
        let Conditional::Written(version) = fenced else { return Ok(()) };
        for marker in self.query_prefix(OPERATION, &keys::sale(sale).pk, &keys::step_prefix(&fence.steps)).await? {
            let key = key_of(OPERATION, &marker)?;
            let mut changes = Vec::new();
            for row in rows_of(OPERATION, &marker)? {
                let (key, change) = row.change();
                let change = change.inverse();
                // Only of steps that an earlier version made: they could add units, which another sale may have picked since.
                let floor = if change.unpicked < 0 { Floor::Unpicked(-change.unpicked) } else { Floor::None };
                changes.push(StockChange { key, change, floor });
            }
            let mut writes =
                vec![self.delete(OPERATION, &key, Some(crate::table::version_of(&marker)))?, self.still_running(sale, &fence)?];
            for change in &changes {
                writes.push(self.stock_update(OPERATION, change, &cause, at)?);
            }
            let Transacted::Refused(failed) = self.transact(OPERATION, writes).await? else { continue };
            let mut failed = failed.into_iter();
            let done = matches!(failed.next(), Some(Condition::Failed(_)));
            if matches!(failed.next(), Some(Condition::Failed(_))) {
                // Another process undoes it from here on.
                return Ok(());
            }
            if !done {
                if fence.phase == Phase::Moving && self.complete_void(sale, &fence, at).await? {
                    return Ok(());
                }
                let product = shortages(&changes, failed).into_iter().next().map(|(key, _)| key.product_id);
                return Err(Error::Stuck { operation: OPERATION, sale: sale.clone(), product });
            }
        }
        if fence.is_of_new_sale() {
            self.delete_if(OPERATION, &keys::sale(sale), version).await?;
            return Ok(());
        }
        self.end_saga(sale, &fence).await
    }

    /// The head of a sale without the work that is done.
    pub(crate) async fn end_saga(&self, sale: &SaleId, saga: &StockSaga) -> Result<(), Error> {
        const OPERATION: &str = "end work on a large sale";
        let Some(head) = self.head(sale).await?.filter(|head| head.saga().as_ref().is_some_and(|now| now.id == saga.id)) else {
            return Ok(());
        };
        let whole = self.whole_sale(&head).await?;
        let item = head.again(&whole, HeadState { listed: head.is_listed(), ..HeadState::default() })?;
        self.put_if(OPERATION, item, Expected::Version(head.version())).await?;
        Ok(())
    }

    /// That the head still says that this work is going on.
    pub(crate) fn still_running(&self, sale: &SaleId, saga: &StockSaga) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.name)
            .set_key(Some(key_item(&keys::sale(sale))))
            .condition_expression("#work = :work")
            .expression_attribute_names("#work", "work")
            .expression_attribute_values(":work", text(&saga.id))
            .build()
            .map_err(|error| Error::encoding("check work on a large sale")(error.into()))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Brings work on large sales to its end that was cut off, as far as its time is over. One that fails holds up no other.
    ///
    /// # Errors
    /// [`Error`], where the index cannot be read.
    pub async fn recover_abandoned(&self, now: Timestamp) -> Result<Recovered, Error> {
        const OPERATION: &str = "mend large sales";
        let query = IndexQuery { operation: OPERATION, index: BY_STATE, partition: SAGAS, newest_first: false };
        let list = List { limit: RECOVERED_AT_ONCE, to: Some(now), ..List::default() };
        let mut mended = Recovered::default();
        for key in self.query_index(&query, &list).await?.items {
            let sale = SaleId::from(key.pk.strip_prefix("SALE#").unwrap_or(&key.pk));
            match self.recover_one(&sale, now).await {
                Ok(done) => mended.sales += usize::from(done),
                Err(error) => mended.failed.push((sale, error)),
            }
        }
        Ok(mended)
    }

    async fn recover_one(&self, sale: &SaleId, now: Timestamp) -> Result<bool, Error> {
        let saga = self.head(sale).await?.and_then(|head| head.saga()).filter(|saga| saga.until <= now);
        let Some(saga) = saga else { return Ok(false) };
        self.recover(sale, &saga, now).await?;
        Ok(true)
    }

    /// Removes the markers of work that is done: nothing looks at them any more.
    pub(crate) async fn clear_steps(&self, sale: &SaleId) -> Result<(), Error> {
        const OPERATION: &str = "clear steps";
        let pk = keys::sale(sale).pk;
        let markers = self.query_prefix(OPERATION, &pk, "STEP#").await?;
        let gone = markers.iter().filter_map(|marker| text_of(marker, "sk").map(|sk| Key::new(&pk, sk)));
        self.delete_items(OPERATION, gone.collect()).await
    }
}

fn step_item(sale: &SaleId, saga: &StockSaga, number: usize, step: &[StockChange]) -> Result<Item, Error> {
    let key = Key::new(keys::sale(sale).pk, keys::chunk(&keys::step_prefix(&saga.steps), number));
    rows_item(&key, "stock_step", step)
}

/// An item that holds changes of stock.
pub(crate) fn rows_item(key: &Key, entity: &str, changes: &[StockChange]) -> Result<Item, Error> {
    const OPERATION: &str = "encode a step";
    #[derive(Serialize)]
    struct Step {}
    let rows: Vec<Row> = changes.iter().map(Row::of).collect();
    let mut item = item_of(OPERATION, key, entity, &Step {})?;
    item.insert("doc".to_owned(), blob(codec::encode(&rows).map_err(Error::encoding(OPERATION))?));
    Ok(item)
}

pub(crate) fn rows_of(operation: &'static str, item: &Item) -> Result<Vec<Row>, Error> {
    let key = key_of(operation, item)?;
    codec::decode(blob_of(item, "doc").unwrap_or_default()).map_err(|error| Error::unreadable(operation, key.to_string(), error))
}

/// Shortages that the failed conditions of stock writes state.
pub(crate) fn shortages(changes: &[StockChange], failed: impl Iterator<Item = Condition>) -> Vec<(StockKey, Level)> {
    let short = changes.iter().zip(failed).filter_map(|(change, condition)| match condition {
        Condition::Failed(there) => Some((change.key.clone(), crate::table::stock::levels::level_of(there.as_ref()))),
        Condition::Held => None,
    });
    short.collect()
}
