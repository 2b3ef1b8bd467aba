//! Settling an operation: its queued rows get their outcome from the log, page by page, and its counts follow.
//!
//! One page of rows is in memory at a time. Of an order that lies on several pages one row counts (see [`DistinctRows`]); the others are removed when the
//! operation ends, so that its rows can then be listed page by page as they are.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use stevedore_domain::distinct_rows::DistinctRows;
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::{Counts, LogOfOrder, Operation, OperationRow, OperationState, RowsOf, Settlement, Settling, distinct};
use stevedore_domain::reason::Reason;

use crate::Error;
use crate::table::item::keys;
use crate::table::item::versioned::Expected;
use crate::table::operations::operation::{SETTLED, operation_item, page_item};
use crate::table::orders::order_item::OrderRecord;
use crate::table::{List, Page, Stored, Table};

/// Pages of rows that one look at an open operation reads at most; the schedule counts a longer one.
const LOOKED_THROUGH: u32 = 20;
/// Queued orders that one page of a list looks up.
const LOOKED_UP: usize = 500;
/// Pages of rows that one page of a list reads at most; then it ends early, and its token goes on.
const LISTED_AT_ONCE: usize = 20;
/// Bytes that the rows of one page of a list may weigh: Lambda answers with 6 MB at most.
const LIST_WEIGHT: usize = 3_000_000;

/// An operation with its present counts.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The operation.
    pub operation: Operation,
    /// Orders that nothing processed, given up by now.
    pub not_processed: u64,
}

/// The record of the log about an order, as settling sees it.
fn log_of(known: Option<&OrderRecord>) -> LogOfOrder<'_> {
    match known {
        Some(OrderRecord::Entry(stored)) => LogOfOrder::Entry(&stored.entry),
        Some(OrderRecord::DetachedSale(_)) => LogOfOrder::SaleAlone,
        None => LogOfOrder::Nothing,
    }
}

impl Table {
    /// An operation with its present counts. What the log decided since is written back, so that it is read only once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn settle(&self, id: &OperationId, now: Timestamp) -> Result<Option<Settled>, Error> {
        match self.operation(id).await? {
            Some(stored) => self.settle_rows(stored, now, usize::MAX, false).await.map(Some),
            None => Ok(None),
        }
    }

    /// The same for a person who looks on: it looks `most` queued orders up at most, and reads no more than a few pages of rows. What is left counts as it was
    /// last written, until the schedule settles it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn look_at_operation(&self, id: &OperationId, now: Timestamp, most: usize) -> Result<Option<Operation>, Error> {
        let Some(item) = self.get_item("read an operation", &keys::operation(id)).await? else { return Ok(None) };
        let stored = crate::table::operations::operation::read_operation(&item)?;
        if item.contains_key(SETTLED) || stored.value.pages > LOOKED_THROUGH {
            return Ok(Some(stored.value));
        }
        Ok(Some(self.settle_rows(stored, now, most, false).await?.operation))
    }

    /// [`Self::settle`], and all its rows, one for each distinct order: for operations that are known to be small.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn settle_operation(&self, id: &OperationId, now: Timestamp) -> Result<Option<(Operation, Vec<OperationRow>)>, Error> {
        let Some(Settled { operation, .. }) = self.settle(id, now).await? else { return Ok(None) };
        let mut all = Vec::new();
        let mut pages = self.row_pages(id);
        while let Some((_, rows)) = pages.next().await? {
            all.extend(rows);
        }
        if operation.kind.spec().rows == RowsOf::Lines {
            all.sort_by_key(|row| row.imported.as_ref().map(|row| row.line));
            return Ok(Some((operation, all)));
        }
        Ok(Some((operation, distinct(all))))
    }

    /// Counts of an operation's rows as they are written, whatever its own counts say.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn count_operation_rows(&self, id: &OperationId) -> Result<Counts, Error> {
        let mut rows = DistinctRows::default();
        let mut pages = self.row_pages(id);
        while let Some((page, of_page)) = pages.next().await? {
            of_page.iter().enumerate().for_each(|(position, row)| rows.add((page, position), row));
        }
        Ok(rows.counts())
    }

    /// Ends what the connection left open when it is removed. While log entries are still there, `last` is false: runs that read are ended, and rows whose
    /// orders are in the log get their outcome. At the end, with `last`, orders that are in no log are skipped: nothing will process them.
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on.
    pub async fn end_operations_of_connection(&self, now: Timestamp, last: bool) -> Result<(), Error> {
        let mut list = List { limit: 50, ..List::default() };
        loop {
            let page = self.open_operations_page(&list).await?;
            for id in page.items {
                self.end_disconnected(&id, now, last).await?;
            }
            list.token = page.next;
            if list.token.is_none() {
                return Ok(());
            }
        }
    }

    /// The same for one operation.
    ///
    /// # Errors
    /// [`Error`]; calling it again goes on.
    pub async fn end_disconnected(&self, id: &OperationId, now: Timestamp, last: bool) -> Result<(), Error> {
        const OPERATION: &str = "end an operation whose connection is gone";
        for attempt in 1..=8 {
            let Some(mut stored) = self.operation(id).await? else { return Ok(()) };
            if stored.value.kind.spec().counts_itself() {
                return Ok(());
            }
            if matches!(stored.value.state, OperationState::Queued | OperationState::Running) {
                stored.value.lose_connection(now);
                if let Some(version) = self.put_operation(&stored.value, stored.version).await? {
                    stored.version = version;
                } else {
                    tokio::time::sleep(crate::table::item::versioned::jitter(attempt)).await;
                    continue;
                }
            }
            self.settle_rows(stored, now, usize::MAX, last).await?;
            return Ok(());
        }
        Err(Error::Contended { operation: OPERATION })
    }

    /// One page of an operation's rows that were not plainly captured, with the outcomes that the log gives them by now. It reads as few pages as it can.
    ///
    /// # Errors
    /// [`Error`]; [`Error::PageToken`] for a token that is not this list's.
    pub async fn list_operation_rows(&self, operation: &Operation, list: &List, now: Timestamp) -> Result<Page<OperationRow>, Error> {
        const ROWS: &str = "rows of an operation";
        let page = self.rows_from(operation, &self.opened(list, ROWS).await?, now).await?;
        Ok(Page { next: self.sealed(list, ROWS, page.next).await?, ..page })
    }

    async fn rows_from(&self, operation: &Operation, list: &List, now: Timestamp) -> Result<Page<OperationRow>, Error> {
        let (from, position) = match &list.token {
            None => (0, 0),
            Some(token) => read_place(token).ok_or(Error::PageToken)?,
        };
        let limit = list.limit.clamp(1, 500);
        let (mut items, mut weight): (Vec<OperationRow>, usize) = (Vec::new(), 0);
        let mut pages = self.row_pages_from(&operation.id, from);
        let mut last = from;
        for _ in 0..LISTED_AT_ONCE {
            let Some((page, rows)) = pages.next().await? else { return Ok(Page { items, next: None }) };
            last = page;
            let rows = self.rows_as_they_stand(operation, rows, now).await?;
            for (place, row) in rows.into_iter().enumerate().skip(if page == from { position } else { 0 }) {
                if row.is_plain() {
                    continue;
                }
                weight += 300 + row.evidence.as_ref().map_or(0, String::len);
                if items.len() >= limit || (!items.is_empty() && weight > LIST_WEIGHT) {
                    return Ok(Page { items, next: Some(format!("{page}.{place}")) });
                }
                items.push(row);
            }
            if items.len() >= limit {
                break;
            }
        }
        let next = last.saturating_add(1);
        let more = self.has_row_page(&operation.id, next).await?;
        Ok(Page { items, next: more.then(|| format!("{next}.0")) })
    }

    /// The rows of one page, one for each order, settled by the log as it is by now, as far as a look at it reads.
    async fn rows_as_they_stand(&self, operation: &Operation, rows: Vec<OperationRow>, now: Timestamp) -> Result<Vec<OperationRow>, Error> {
        let mut rows = distinct(rows);
        let settling = Settling { operation, now, disconnected: false };
        let mut most = LOOKED_UP;
        self.settle_page(settling, &mut rows, &mut most).await?;
        Ok(rows)
    }

    async fn settle_rows(&self, stored: Stored<Operation>, now: Timestamp, most: usize, disconnected: bool) -> Result<Settled, Error> {
        const OPERATION: &str = "settle an operation";
        let Stored { value: mut operation, version } = stored;
        let unchanged = |operation| Settled { operation, not_processed: 0 };
        if operation.kind.spec().rows == RowsOf::OrdersLeftOut {
            operation = self.complete_day(operation, version, now).await?;
        }
        if operation.kind.spec().counts_itself() {
            // Their runs write the counts themselves: rows are those of what was left out or refused.
            return Ok(unchanged(operation));
        }
        let id = operation.id.clone();
        let mut rows = DistinctRows::default();
        let (mut left, mut not_processed) = (most, 0);
        let mut pages = self.row_pages(&id);
        while let Some((page, mut of_page)) = pages.next().await? {
            let open = |rows: &[OperationRow]| rows.iter().filter(|row| row.outcome.is_none()).count();
            let before = open(&of_page);
            self.settle_page(Settling { operation: &operation, now, disconnected }, &mut of_page, &mut left).await?;
            if open(&of_page) < before {
                self.put_items(OPERATION, vec![page_item(&id, page, &of_page)?]).await?;
            }
            for (position, row) in of_page.iter().enumerate() {
                not_processed += u64::from(row.reason == Some(Reason::NotProcessed));
                rows.add((page, position), row);
            }
        }
        let (operation, completes, is_final) = match Settlement::of(&operation, rows.counts(), !rows.superseded().is_empty(), now) {
            Settlement::Unchanged => return Ok(Settled { operation, not_processed }),
            Settlement::Forgotten(completed) => {
                self.forget_operation(&completed, version).await?;
                return Ok(Settled { operation: *completed, not_processed });
            }
            Settlement::Written { operation, completes, is_final } => (*operation, completes, is_final),
        };
        if completes {
            let written = rows.orders_with(&[Outcome::Captured, Outcome::Updated]);
            self.raise_stock_updates(&operation, &written).await?;
        }
        let mut item = operation_item(&operation)?;
        if is_final {
            self.drop_superseded(&id, &rows).await?;
            item.insert(SETTLED.to_owned(), AttributeValue::Bool(true));
        }
        // Another process that settles it writes the same sooner or later; a reader's copy need not win.
        self.put_if(OPERATION, item, Expected::Version(version)).await?;
        Ok(Settled { operation, not_processed })
    }

    /// Settles the rows of one page by the log, `left` queued orders at most.
    async fn settle_page(&self, settling: Settling<'_>, rows: &mut [OperationRow], left: &mut usize) -> Result<(), Error> {
        let open = rows.iter().filter(|row| row.outcome.is_none()).filter_map(|row| row.order_id).take(*left);
        let waiting: std::collections::HashSet<OrderId> = open.collect();
        *left -= waiting.len().min(*left);
        if waiting.is_empty() {
            return Ok(());
        }
        let own = self.of_account(settling.operation.account);
        let known: HashMap<OrderId, OrderRecord> = own.order_records_as(waiting.iter().copied(), settling.reads_now()).await?;
        // What still lies in the queue is set aside while another account is connected.
        let set_aside = settling.is_tried() && self.is_of_another_account(settling.operation).await?;
        for row in rows.iter_mut().filter(|row| row.outcome.is_none()) {
            if let Some(order) = row.order_id.filter(|order| waiting.contains(order)) {
                settling.settle(row, log_of(known.get(&order)));
                if set_aside {
                    row.set_aside();
                }
            }
        }
        Ok(())
    }

    /// Removes the rows that others have superseded: the operation is over, and no further row comes.
    async fn drop_superseded(&self, id: &OperationId, rows: &DistinctRows) -> Result<(), Error> {
        for (page, positions) in rows.superseded() {
            let Some((_, of_page)) = self.row_pages_from(id, *page).next().await?.filter(|(found, _)| found == page) else { continue };
            let kept: Vec<OperationRow> =
                of_page.into_iter().enumerate().filter(|(position, _)| !positions.contains(position)).map(|(_, row)| row).collect();
            self.put_items("remove rows of an operation", vec![page_item(id, *page, &kept)?]).await?;
        }
        Ok(())
    }
}

fn read_place(token: &str) -> Option<(u32, usize)> {
    let (page, position) = token.split_once('.')?;
    Some((page.parse().ok()?, position.parse().ok()?))
}
