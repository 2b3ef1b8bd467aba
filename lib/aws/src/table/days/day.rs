//! A day's orders: taking them in one by one, their one sale, and where they stand afterwards.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::value::RawValue;
use stevedore_domain::consolidation::RunStep;
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::{LogEntry, LogState};
use stevedore_domain::operation::Operation;
use stevedore_domain::order::RevisionKey;
use stevedore_domain::sale::Sale;
use stevedore_domain::stock::{Level, StockChange, StockKey};

use crate::Error;
use crate::table::days::runs::{StoredRun, run_item};
use crate::table::item::keys;
use crate::table::item::versioned::{Condition, Expected, Transacted};
use crate::table::orders::beside::Beside;
use crate::table::orders::order_item::{OrderRecord, StoredEntry};
use crate::table::sales::sale_items::{HeadState, SaleItems, sale_items};
use crate::table::sales::stock_saga::{SagaOutcome, shortages};
use crate::table::{List, Page, Table};

/// The end of a run.
#[derive(Clone, Copy, Debug)]
pub struct RunEnd<'a> {
    /// The run, done, as it was read otherwise.
    pub run: &'a StoredRun,
    /// The day's sale and what it adds to levels; none without orders.
    pub sale: Option<(&'a Sale, &'a [StockChange])>,
    /// The operation, completed.
    pub operation: &'a Operation,
    /// The version of it that was read.
    pub operation_version: u64,
}

/// Outcome of the write.
#[derive(Debug)]
pub enum RunEnded {
    /// Written: all of it.
    Written,
    /// There is less stock than was thought: decide again with these levels.
    StockShort(Vec<(StockKey, Level)>),
    /// The run is not what was read: somebody else went on with it.
    Changed,
}

impl Table {
    /// Writes an entry that a run has decided on, in one conditional write. Answers whether nobody else wrote it since it was read, nor an order `beside` it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_in_run(&self, read: &StoredEntry, entry: LogEntry, beside: &[Beside]) -> Result<bool, Error> {
        const OPERATION: &str = "take an order into a day";
        let kept = read.inline_order().map(|(key, raw)| (key, raw.to_owned()));
        let changed = StoredEntry { entry, ..read.clone() };
        self.put_entry(OPERATION, &read.entry, &changed, kept.as_ref().map(|(key, raw)| (*key, raw.as_ref())), beside).await
    }

    /// A revision of an order in the log, exactly as ShipStation sent it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn order_revision(&self, stored: &StoredEntry, key: &RevisionKey) -> Result<Option<Box<RawValue>>, Error> {
        if stored.entry.newest() == Some(key) {
            self.newest_order(stored).await
        } else {
            self.read_revision(stored.entry.account, stored.entry.order_id, key).await
        }
    }

    /// Ends a run: the day's sale, its stock, the marker and the operation, together or not at all. With the marker all orders of the day are booked.
    ///
    /// More levels than one transaction holds are moved in steps before it; whatever an earlier attempt left of that is taken back first, which nobody but the
    /// holder of the run may do.
    ///
    /// # Errors
    /// [`Error`]; the run is not ended then.
    pub async fn end_run(&self, end: RunEnd<'_>, at: Timestamp) -> Result<RunEnded, Error> {
        const OPERATION: &str = "end a consolidation run";
        let RunEnd { run, sale, operation, operation_version } = end;
        let mut writes = vec![
            self.put(OPERATION, run_item(run)?, Expected::Version(run.version))?,
            self.put(OPERATION, crate::table::operations::operation::operation_item(operation)?, Expected::Version(operation_version))?,
        ];
        let mut created = None;
        let mut give_backs = None;
        let plan = self.plan_stock(sale.map(|(_, stock)| stock).unwrap_or_default());
        if let Some((sale, _)) = sale {
            self.recover_now(&sale.id, at).await?;
            let mut expected = Expected::Absent;
            if !plan.before.is_empty() {
                match self.run_for_new_sale(sale, &plan.before, at).await? {
                    SagaOutcome::Done(version) => expected = Expected::Version(version),
                    SagaOutcome::Short(levels) => return Ok(RunEnded::StockShort(levels)),
                    SagaOutcome::Changed | SagaOutcome::Exists(_) => return Ok(RunEnded::Changed),
                }
                created = Some(&sale.id);
            }
            let events = crate::table::orders::commit_order::events_of(sale);
            give_backs = self.store_give_backs(&sale.id, &plan.after, at).await?.map(|saga| (&sale.id, saga));
            let saga = give_backs.as_ref().map(|(_, saga)| saga);
            let SaleItems { head, chunks } = sale_items(sale, HeadState { listed: true, events: &events, saga })?;
            if created.is_none() {
                self.put_items(OPERATION, chunks).await?;
            }
            writes.push(self.put(OPERATION, head, expected)?);
            writes.extend(self.attention_writes(OPERATION, crate::table::orders::attention::of_sale(None, sale)?)?);
        }
        let fixed = writes.len();
        if let Some((sale, _)) = sale {
            let cause = format!("sale {}", sale.id);
            for change in &plan.with {
                writes.push(self.stock_update(OPERATION, change, &cause, at)?);
            }
        }
        let Transacted::Refused(mut failed) = self.transact(OPERATION, writes).await? else {
            if let Some(sale) = created {
                self.clear_steps(sale).await?;
            }
            if let Some((sale, saga)) = give_backs {
                self.run_give_backs(sale, &saga).await?;
            }
            if run.sum.is_some() {
                self.drop_sum(run.run.local_date, keys::SUMS).await?;
            }
            return Ok(RunEnded::Written);
        };
        if let Some((sale, saga)) = &give_backs {
            self.drop_give_backs(sale, saga).await?;
        }
        if let Some(sale) = created {
            self.recover_now(sale, at).await?;
        }
        let short = shortages(&plan.with, failed.split_off(fixed.min(failed.len())).into_iter());
        let changed = created.is_some() || short.is_empty() || failed.iter().any(|condition| matches!(condition, Condition::Failed(_)));
        Ok(if changed { RunEnded::Changed } else { RunEnded::StockShort(short) })
    }

    /// Takes over the places of days' orders, by the markers of their runs (see [`LogEntry::apply_run_state`]).
    pub(crate) async fn follow<'a>(&self, entries: impl IntoIterator<Item = &'a mut LogEntry>) -> Result<(), Error> {
        let entries: Vec<&mut LogEntry> = entries.into_iter().filter(|entry| entry.day().is_some()).collect();
        let dates: Vec<Date> = entries.iter().filter_map(|entry| entry.day()).collect();
        if dates.is_empty() {
            return Ok(());
        }
        let runs = self.runs(dates).await?;
        for entry in entries {
            if let Some(run) = entry.day().and_then(|date| runs.get(&date)) {
                entry.apply_run_state(run);
            }
        }
        Ok(())
    }

    /// The orders of a day's sale, also those whose log entries were deleted, in the order in which they were taken. A page may hold fewer than the limit.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_day_orders(&self, date: Date, list: &List) -> Result<Page<OrderRecord>, Error> {
        let context = format!("orders of {date}");
        let asked = list;
        let list = &self.opened(asked, &context).await?;
        let (page, from) = match &list.token {
            None => (1, 0),
            Some(token) => read_place(token).ok_or(Error::PageToken)?,
        };
        let Some((account, orders)) = self.run_page(date, page).await? else { return Ok(Page { items: Vec::new(), next: None }) };
        let limit = list.limit.clamp(1, 500);
        let wanted: Vec<_> = orders.iter().copied().skip(from).take(limit).collect();
        let mut known = self.of_account(account).order_records(wanted.iter().copied()).await?;
        let day = SaleId::of_day(date);
        let of_day = |known: &OrderRecord| match known {
            OrderRecord::Entry(stored) => stored.entry.sale_id.as_ref() == Some(&day) || stored.entry.past_sales.contains(&day),
            OrderRecord::DetachedSale(detached) => detached.sale_id == day,
        };
        let items = wanted.iter().filter_map(|order| known.remove(order)).filter(of_day).collect();
        let read = from + wanted.len();
        let next = if read < orders.len() {
            Some((page, read))
        } else {
            self.run_page(date, page.saturating_add(1)).await?.map(|_| (page.saturating_add(1), 0))
        };
        let next = next.map(|(page, from)| format!("{page}.{from}"));
        Ok(Page { items, next: self.sealed(asked, &context, next).await? })
    }

    /// Log entries that are being gathered just now: those of the run that is not done.
    pub(crate) async fn list_gathered(&self, list: &List) -> Result<Page<StoredEntry>, Error> {
        let Some(run) = self.newest_run().await?.filter(|stored| stored.run.step != RunStep::Done) else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        let page = self.list_day_orders(run.run.local_date, list).await?;
        let entries = page.items.into_iter().filter_map(|known| match known {
            OrderRecord::Entry(stored) if stored.entry.state == LogState::Consolidating => Some(stored),
            _ => None,
        });
        Ok(Page { items: entries.collect(), next: page.next })
    }
}

fn read_place(token: &str) -> Option<(u32, usize)> {
    let (page, from) = token.split_once('.')?;
    Some((page.parse().ok().filter(|page| *page > 0)?, from.parse().ok()?))
}
