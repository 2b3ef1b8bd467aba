//! Changes of a sale that exists: voiding, authorising, paying, fulfilling. Sale, log entry, stock and events, together or not at all.

use jiff::Timestamp;
use stevedore_domain::event::EventKind;
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::LogEntry;
use stevedore_domain::sale::Sale;
use stevedore_domain::stock::{Levels, StockChange};

use crate::Error;
use crate::table::item::keys;
use crate::table::item::versioned::{Condition, Expected, Transacted};
use crate::table::orders::order_item::{OrderItem, OrderRecord, SalePlace, detached_sale_item, order_item, read_order_record};
use crate::table::sales::sale_items::{Head, HeadState, SaleItems, sale_items};
use crate::table::sales::stock_saga::{SagaOutcome, shortages};
use crate::table::{StoredSale, Table};

/// A sale as it was read, to be changed.
#[derive(Debug)]
pub struct SaleDraft {
    /// The sale.
    pub sale: Sale,
    /// Its order's log entry, where it is still in the log and still names this sale.
    pub entry: Option<LogEntry>,
    /// The version that was read: what the ETag stands for.
    pub version: u64,
    /// Known levels of stock.
    pub levels: Levels,
}

/// Writes of the change.
#[derive(Debug, Default)]
pub struct SaleEdit {
    /// Changes of levels.
    pub stock: Vec<StockChange>,
    /// Events for other systems.
    pub events: Vec<EventKind>,
}

/// Outcome of the change.
#[derive(Debug)]
pub enum SaleOutcome<R> {
    /// Written.
    Written(Box<StoredSale>),
    /// There was nothing to write; the sale as it is.
    Unchanged(Box<StoredSale>),
    /// There is no such sale.
    Absent,
    /// The change refuses it.
    Refused(R),
}

/// Place where a sale was found.
pub(super) struct Place {
    pub(super) head: Option<Head>,
    pub(super) known: Option<OrderRecord>,
}

const OPERATION: &str = "change a sale";
const ATTEMPTS: u32 = 8;

impl Table {
    /// Changes a sale: reads it, lets `change` decide, and writes what that leaves if nobody else wrote in between, else starts again; also where stock
    /// turns out to be lower than was thought.
    ///
    /// `change` edits the draft and answers what goes with it, nothing where there is nothing to write, or why not. An entry that it lets go of the sale
    /// (see [`LogEntry::detach_sale`]) goes on without it.
    ///
    /// # Errors
    /// [`Error`]; nothing was written then.
    pub async fn change_sale<R>(
        &self,
        id: &SaleId,
        levels: Levels,
        at: Timestamp,
        mut change: impl FnMut(&mut SaleDraft) -> Result<Option<SaleEdit>, R>,
    ) -> Result<SaleOutcome<R>, Error> {
        let mut levels = levels;
        let mut id = id.clone();
        for attempt in 1..=ATTEMPTS {
            let id = &mut id;
            let place = self.find_sale(id).await?;
            if let Some(saga) = place.head.as_ref().and_then(Head::saga) {
                // Whatever was cut off is brought to its end first: the change then begins at the sale as it is.
                self.recover_if_expired(id, &saga, at).await?;
                continue;
            }
            if let (Some(head), Some(known)) = (&place.head, &place.known)
                && known.inline_sale().is_some_and(|sale| sale.id == *id)
                && head.is_live()
            {
                // Two sales with one id: the live one is meant, and gets an id of its own first.
                if let Some(new) = self.renumber(known, at).await? {
                    *id = new;
                }
                continue;
            }
            let Some((mut sale, version)) = self.sale_at(id, &place).await? else { return Ok(SaleOutcome::Absent) };
            sale.booked_revision = sale.booked_revision.or_else(|| place.known.as_ref().and_then(OrderRecord::booked_revision));
            let entry = place.known.as_ref().and_then(OrderRecord::entry).map(|stored| stored.entry.clone());
            let entry = entry.filter(|entry| entry.sale_id.as_ref() == Some(&*id));
            let mut draft = SaleDraft { sale, entry, version, levels };
            let before = draft.sale.clone();
            let edit = match change(&mut draft) {
                Ok(Some(edit)) => edit,
                Ok(None) => {
                    self.answer_void_day(&before).await?;
                    return Ok(SaleOutcome::Unchanged(Box::new(StoredSale { sale: before, version })));
                }
                Err(refusal) => return Ok(SaleOutcome::Refused(refusal)),
            };
            match self.write_change(&before, &draft, &edit, &place, at).await? {
                Written::Done(version) => {
                    self.answer_void_day(&draft.sale).await?;
                    return Ok(SaleOutcome::Written(Box::new(StoredSale { sale: draft.sale, version })));
                }
                Written::Changed => {}
                Written::Short(short) => {
                    for (key, level) in short {
                        draft.levels.learn(key, level);
                    }
                }
            }
            levels = draft.levels;
            tokio::time::sleep(crate::table::item::versioned::jitter(attempt)).await;
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// Answers what wants attention of a day's sale and its orders when it is void. Cut off before, voiding it again does that.
    pub(super) async fn answer_void_day(&self, sale: &Sale) -> Result<(), Error> {
        if sale.voided_at.is_some() && sale.id.day().is_some() {
            self.drop_attention_of_day(&sale.id).await?;
        }
        Ok(())
    }

    pub(super) async fn find_sale(&self, id: &SaleId) -> Result<Place, Error> {
        let order = id.order().map(|(order, _)| keys::log_entry(id.account(), order));
        let mut items = self.get_items(OPERATION, [Some(keys::sale(id)), order.clone()].into_iter().flatten().collect::<Vec<_>>()).await?;
        let head = items.remove(&keys::sale(id)).map(Head::new);
        let known = match order.and_then(|key| items.remove(&key)) {
            Some(item) => read_order_record(&item)?.filter(|known| known.sale_id() == Some(id)),
            None => None,
        };
        Ok(Place { head, known })
    }

    /// The sale that was found, and its version. Work on it that was cut off is taken back first, by starting anew.
    async fn sale_at(&self, id: &SaleId, place: &Place) -> Result<Option<(Sale, u64)>, Error> {
        if let Some(head) = &place.head {
            return if head.is_live() { Ok(Some((self.whole_sale(head).await?, head.version()))) } else { Ok(None) };
        }
        let known = place.known.as_ref();
        let inline = known.and_then(|known| Some((known.inline_sale()?.clone(), known.version())));
        Ok(inline.filter(|(sale, _)| sale.id == *id))
    }

    pub(super) async fn write_change(
        &self,
        before: &Sale,
        draft: &SaleDraft,
        edit: &SaleEdit,
        place: &Place,
        at: Timestamp,
    ) -> Result<Written, Error> {
        let sale = &draft.sale;
        let left = draft.entry.as_ref().is_some_and(|entry| entry.sale_id.as_ref() != Some(&sale.id));
        let mut writes = Vec::new();
        let mut beforehand = Vec::new();
        let mut moved = None;
        let mut give_backs = None;
        let version;
        let plan = self.plan_stock(&edit.stock);
        if let Some(head) = &place.head {
            let expected = if plan.before.is_empty() {
                Expected::Version(head.version())
            } else {
                match self.run_for_live_sale(head, before, &plan.before, at).await? {
                    SagaOutcome::Done(version) => {
                        moved = Some(&sale.id);
                        Expected::Version(version)
                    }
                    SagaOutcome::Short(short) => return Ok(Written::Short(short)),
                    SagaOutcome::Changed | SagaOutcome::Exists(_) => return Ok(Written::Changed),
                }
            };
            give_backs = self.store_give_backs(&sale.id, &plan.after, at).await?;
            let state = HeadState { listed: head.is_listed() || left, events: &edit.events, saga: give_backs.as_ref() };
            let SaleItems { head: item, chunks } = sale_items(sale, state)?;
            beforehand.extend(chunks);
            version = expected.next_version();
            writes.push(self.put(OPERATION, item, expected)?);
            if let (Some(known), Some(entry)) = (&place.known, &draft.entry)
                && known.entry().is_some_and(|stored| stored.entry != *entry)
            {
                let place = if left { SalePlace::Nowhere } else { SalePlace::Beside(sale.created_at) };
                let kept = known.entry().and_then(crate::table::StoredEntry::inline_order);
                let OrderItem { item, revision, .. } = order_item(entry, kept, place, &[])?;
                beforehand.extend(revision);
                writes.push(self.put(OPERATION, item, Expected::Version(known.version()))?);
            }
        } else if let Some(known) = &place.known {
            let expected = Expected::Version(known.version());
            version = expected.next_version();
            let (item, beside) = match &draft.entry {
                None => (detached_sale_item(known.order_id(), &sale.id, None, SalePlace::Here(sale), &edit.events)?, false),
                Some(entry) => {
                    let place = if left { SalePlace::Nowhere } else { SalePlace::Here(sale) };
                    let kept = known.entry().and_then(crate::table::StoredEntry::inline_order);
                    let OrderItem { mut item, revision, sale_beside } = order_item(entry, kept, place, &edit.events)?;
                    beforehand.extend(revision);
                    if left || sale_beside {
                        crate::table::item::events::unname(&mut item);
                    }
                    (item, left || sale_beside)
                }
            };
            writes.push(self.put(OPERATION, item, expected)?);
            if beside || edit.stock.len() > self.levels_at_once {
                if edit.stock.len() > self.levels_at_once {
                    // First it gets a head that work can go on around.
                    return self.give_head(before, known).await;
                }
                let SaleItems { head, chunks } = sale_items(sale, HeadState { listed: left, events: &edit.events, saga: None })?;
                beforehand.extend(chunks);
                writes.push(self.put(OPERATION, head, Expected::Absent)?);
            }
        } else {
            return Ok(Written::Changed);
        }
        let known_entry = place.known.as_ref().and_then(OrderRecord::entry).map(|stored| &stored.entry);
        if draft.entry.is_some() && draft.entry.as_ref() != known_entry {
            writes.extend(self.attention_writes(OPERATION, crate::table::orders::attention::of_entry(known_entry, draft.entry.as_ref())?)?);
        }
        writes.extend(self.attention_writes(OPERATION, crate::table::orders::attention::of_sale(Some(before), sale)?)?);
        // All of a day's orders learn from its marker that the sale is void.
        if let Some(date) = sale.id.day().filter(|_| before.voided_at.is_none() && sale.voided_at.is_some())
            && let Some(mut run) = self.run(date).await?
        {
            run.run.voided_at = sale.voided_at;
            writes.push(self.put(OPERATION, crate::table::days::runs::run_item(&run)?, Expected::Version(run.version))?);
        }
        let fixed = writes.len();
        let cause = format!("sale {}", sale.id);
        for change in &plan.with {
            writes.push(self.stock_update(OPERATION, change, &cause, at)?);
        }
        if !beforehand.is_empty() {
            self.put_items(OPERATION, beforehand).await?;
        }
        let mut failed = match self.transact(OPERATION, writes).await? {
            Transacted::Done => {
                if let Some(sale) = moved {
                    self.clear_steps(sale).await?;
                }
                let Some(saga) = give_backs else { return Ok(Written::Done(version)) };
                self.run_give_backs(&sale.id, &saga).await?;
                // Ending the work is one more write of the head.
                return Ok(Written::Done(version + 1));
            }
            Transacted::Refused(failed) => failed,
        };
        if let Some(saga) = &give_backs {
            self.drop_give_backs(&sale.id, saga).await?;
        }
        if let Some(sale) = moved {
            self.recover_now(sale, at).await?;
            return Ok(Written::Changed);
        }
        let stock = failed.split_off(fixed.min(failed.len()));
        if failed.iter().any(|condition| matches!(condition, Condition::Failed(_))) {
            return Ok(Written::Changed);
        }
        Ok(Written::Short(shortages(&plan.with, stock.into_iter())))
    }

    /// Moves a sale out of its order's item as it is.
    async fn give_head(&self, sale: &Sale, known: &OrderRecord) -> Result<Written, Error> {
        let beside = SalePlace::Beside(sale.created_at);
        let mut writes = Vec::new();
        match known {
            OrderRecord::Entry(stored) => {
                let OrderItem { item, revision, .. } = order_item(&stored.entry, stored.inline_order(), beside, &[])?;
                self.put_items(OPERATION, revision).await?;
                writes.push(self.put(OPERATION, item, Expected::Version(stored.version))?);
            }
            OrderRecord::DetachedSale(detached) => {
                let item = detached_sale_item(detached.order_id, &detached.sale_id, known.booked_revision(), beside, &[])?;
                writes.push(self.put(OPERATION, item, Expected::Version(detached.version))?);
            }
        }
        writes.extend(self.move_out(OPERATION, sale, false).await?);
        self.transact(OPERATION, writes).await?;
        Ok(Written::Changed)
    }
}

/// Outcome of the write.
pub(super) enum Written {
    Done(u64),
    Changed,
    Short(Vec<(stevedore_domain::stock::StockKey, stevedore_domain::stock::Level)>),
}
