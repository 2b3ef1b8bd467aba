//! The orders of a day, page by page: each is booked by itself, takes the day's sale id in one conditional write, and is added to the sum.
//!
//! What a page holds is written down before its first order is touched. So a run that was cut off finds every order again that it may have taken, without asking
//! an index that may lag behind; and each order is tried on one page alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::ToSpan as _;
use stevedore_aws::{List, RUN_PAGE, StoredEntry, StoredRun};
use stevedore_domain::consolidation::DaySum;
use stevedore_domain::day_member::Membership;
use stevedore_domain::ids::{OrderId, StoreId};
use stevedore_domain::log::LogState;
use stevedore_domain::operation::OperationRow;
use stevedore_lambda::Deadline;

use super::member::{Read, Terms, decide, leave_for_next_day, read};
use super::{Deps, Error, MARGIN};
use crate::booking::{Alike, Reference};

/// Orders of one page that are at work at a time.
const CONCURRENCY: usize = 16;

/// Progress of the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    /// Every order that may be in was tried.
    Everything,
    /// The time is over.
    OutOfTime,
}

/// A run at work.
pub(crate) struct Collector<'a> {
    deps: &'a Deps,
    /// The run as it is held.
    pub(crate) run: StoredRun,
    /// Sum so far.
    pub(crate) sum: DaySum,
    /// Pages of orders that are in the sum.
    merged: u32,
    /// Every order that some page names.
    tried: HashSet<OrderId>,
    stores: BTreeMap<StoreId, String>,
}

impl<'a> Collector<'a> {
    /// Goes on from what was put away, or begins.
    pub(crate) async fn resume(deps: &'a Deps, run: StoredRun) -> Result<Self, Error> {
        let sum = deps.table.sum_of(&run).await?.unwrap_or_else(|| DaySum::new(run.settings.currency));
        let stores = deps.table.store_names().await?.map(|(names, _)| names).unwrap_or_default();
        Ok(Self { deps, sum, merged: run.merged, tried: HashSet::new(), stores, run })
    }

    /// Takes every page: those that were written down before the run was cut off, then what the log still holds.
    pub(crate) async fn every_page(&mut self, deadline: Deadline) -> Result<Collected, Error> {
        let out_of_time = || deadline.is_near((self.deps.clock)(), MARGIN);
        let date = self.run.run.local_date;
        let pages = self.deps.table.run_pages(date).await?;
        self.tried.extend(pages.iter().flatten());
        for orders in pages.into_iter().skip(usize::try_from(self.merged).unwrap_or(usize::MAX)) {
            let mut entries = self.deps.table.log_entries(orders.iter().copied()).await?;
            self.page(orders.iter().filter_map(|order| entries.remove(order)).collect(), true).await?;
            if out_of_time() {
                return Ok(Collected::OutOfTime);
            }
        }
        // The index knows microseconds, and its end is left out.
        let to = self.run.run.boundary.checked_add(1.microsecond()).ok();
        for state in LogState::OF_A_DAY {
            let mut list = List { limit: RUN_PAGE, to, ..List::default() };
            loop {
                let listed = self.deps.table.list_log_state(state, &list).await?;
                let mut entries = listed.items;
                entries.retain(|stored| {
                    stored.entry.account == self.run.account
                        && self.run.run.takes(stored.entry.captured_at)
                        && !self.tried.contains(&stored.entry.order_id)
                });
                if !entries.is_empty() {
                    let orders: Vec<OrderId> = entries.iter().map(|stored| stored.entry.order_id).collect();
                    self.deps.table.put_run_page(date, self.merged + 1, &orders).await?;
                    self.tried.extend(orders);
                    self.page(entries, false).await?;
                }
                if out_of_time() {
                    return Ok(Collected::OutOfTime);
                }
                list.token = listed.next;
                if list.token.is_none() {
                    break;
                }
            }
        }
        Ok(Collected::Everything)
    }

    /// Takes the orders of one page. `again` says that it was begun before.
    async fn page(&mut self, entries: Vec<StoredEntry>, again: bool) -> Result<(), Error> {
        let deps = self.deps;
        let alike = alike_on(&entries);
        let entries = entries.into_iter().map(|stored| {
            let page = alike.get(&likeness(&stored)).cloned().unwrap_or_default();
            (stored, page)
        });
        let read: Vec<Read> =
            stream::iter(entries).map(|(stored, page)| read(deps, stored, page)).buffer_unordered(CONCURRENCY).try_collect().await?;
        let orders: Vec<_> = read.iter().filter_map(|read| read.revision.as_ref()).map(|revision| &revision.order).collect();
        let reference = Box::pin(Reference::read(&deps.table, &self.run.settings, self.stores.clone(), &orders)).await?;
        let terms = Terms { run: &self.run.run, settings: &self.run.settings, reference: &reference };
        let memberships: Vec<(OrderId, Membership)> =
            stream::iter(read).map(|read| decide(deps, terms, read)).buffer_unordered(CONCURRENCY).try_collect().await?;
        let mut rows: Vec<OperationRow> = Vec::new();
        for (order, membership) in memberships {
            match membership {
                Membership::In(sale) => {
                    if let Err(why) = self.sum.add(&sale) {
                        tracing::warn!(%order, %why, "the order is left for the next day");
                        rows.extend(leave_for_next_day(deps, &self.run.run, order).await?);
                    }
                }
                Membership::Out(row) => rows.push(*row),
                Membership::Gone => {}
            }
        }
        rows.sort_by_key(|row| row.order_id);
        self.merged += 1;
        if again || !rows.is_empty() {
            deps.table.put_operation_page(&self.run.run.operation_id, self.merged, &rows).await?;
        }
        self.run.run.left_out += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        self.run.run.orders = self.sum.orders();
        tracing::info!(page = self.merged, orders = self.sum.orders(), lines = self.sum.lines(), left_out = rows.len(), "page gathered");
        Ok(())
    }

    /// Puts away what there is, for the next invocation.
    pub(crate) async fn checkpoint(self) -> Result<(), Error> {
        if self.deps.table.put_away(&self.run, self.merged, &self.sum).await? { Ok(()) } else { Err(Error::RunTaken) }
    }
}

/// What two orders have in common that may be one purchase, as far as their entries show it.
fn likeness(stored: &StoredEntry) -> (String, Option<StoreId>) {
    (stored.entry.order_number.clone(), stored.entry.store_id)
}

/// The orders of a page that share store and number with another of it.
fn alike_on(entries: &[StoredEntry]) -> HashMap<(String, Option<StoreId>), Alike> {
    let mut alike: HashMap<_, Alike> = HashMap::new();
    for stored in entries {
        alike.entry(likeness(stored)).or_default().numbered.insert(stored.entry.order_id);
    }
    alike.retain(|_, alike| alike.numbered.len() > 1);
    alike
}
