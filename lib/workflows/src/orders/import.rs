//! Products from a file, batch by batch.
//!
//! Delivered twice, cut off anywhere or carried out by two at once, it ends the same: a new product's id comes from its SKU, each product keeps what this
//! import made of it, and the operation's counts move with its position in one write.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use stevedore_aws::messages::Command;
use stevedore_aws::{List, ProductFound, RecordOutcome, Stored};
use stevedore_domain::ids::{OperationId, ProductId};
use stevedore_domain::import::{Batch, Known, Line, Row, RowFault, batches, read};
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::{Operation, OperationKind, OperationRow, OperationState, Work};
use stevedore_domain::reference::{Account, AccountKind, folded_name};
use stevedore_lambda::Deadline;

use super::{Deps, Error, MARGIN};

/// Rows between two writes of the position. Also where each waits for the one before it, that many fit the margin before the deadline several times.
const BATCH: usize = 100;
/// Rows that are carried out at a time. Those with components are one at a time: they would only make each other decide again.
const AT_ONCE: usize = 8;
/// Number of times that a row is decided again because others changed what it is about.
const ATTEMPTS: u32 = 16;

/// State that the rows of one invocation share.
struct Import<'a> {
    deps: &'a Deps,
    operation: &'a Operation,
    known: Known,
}

/// End of one row.
enum RowEnd {
    /// It is carried out.
    Done(Outcome),
    /// It cannot be carried out as it is written.
    Refused(RowFault),
}

impl RowEnd {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Done(outcome) => *outcome,
            Self::Refused(_) => Outcome::Failed,
        }
    }

    fn fault(&self) -> Option<&RowFault> {
        match self {
            Self::Done(_) => None,
            Self::Refused(fault) => Some(fault),
        }
    }
}

/// Carries out an import from where it stands; hands the rest on when the time is over.
pub(crate) async fn products(deps: &Deps, mut stored: Stored<Operation>, deadline: Deadline) -> Result<(), Error> {
    let id = stored.value.id.clone();
    let OperationKind::ImportProducts { format, chunks, .. } = stored.value.kind else { return Ok(()) };
    if stored.value.can_go_on() {
        let file = deps.table.import_input(&id, chunks).await?;
        let Some(Ok(mut lines)) = file.map(|file| read(format, &file)) else {
            return end_without_file(deps, stored).await;
        };
        let batches = batches(&mut lines, BATCH);
        let accounts = accounts(deps, &lines).await?;
        while let Some((done, batch)) = next_batch(&stored.value, &batches) {
            if deadline.is_near((deps.clock)(), MARGIN) {
                deps.queues.send_command(&Command::Run { operation_id: id.clone() }).await?;
                tracing::info!(operation_id = %id, batches = done, "out of time; the next invocation goes on");
                return Ok(());
            }
            let import = Import { deps, operation: &stored.value, known: Known { accounts: accounts.clone(), ..Known::default() } };
            let ends = import.carry_out(batch, &lines).await?;
            let refused: Vec<OperationRow> =
                ends.iter().filter_map(|(line, end)| Some(OperationRow::refused(line, end.fault()?))).collect();
            let page = done.saturating_add(1);
            deps.table.put_operation_page(&id, page, &refused).await?;
            let mut operation = stored.value.clone();
            moved(&mut operation, page, (deps.clock)(), ends.iter().map(|(_, end)| end.outcome()));
            if usize::try_from(page).is_ok_and(|page| page == batches.len()) {
                operation.state = OperationState::Completed;
                operation.finished_at = Some((deps.clock)());
            }
            stored = match deps.table.put_operation(&operation, stored.version).await? {
                Some(version) => Stored { value: operation, version },
                // Somebody else is at it too, and what is done need not be done again.
                None => deps.table.operation(&id).await?.ok_or_else(|| Error::NoOperation(id.clone()))?,
            };
        }
        tracing::info!(operation_id = %id, rows = lines.len(), state = ?stored.value.state, "products imported");
    }
    deps.table.delete_import_input(&id, chunks).await?;
    Ok(())
}

/// The batch that comes next, and how many are done.
fn next_batch<'a>(operation: &Operation, batches: &'a [Batch]) -> Option<(u32, &'a Batch)> {
    let OperationKind::ImportProducts { done, .. } = operation.kind else { return None };
    if !operation.can_go_on() {
        return None;
    }
    Some((done, batches.get(usize::try_from(done).ok()?)?))
}

/// The operation with one more batch behind it.
fn moved(operation: &mut Operation, page: u32, now: Timestamp, outcomes: impl Iterator<Item = Outcome>) {
    operation.state = OperationState::Running;
    // Also where it was given up while its command was still on its way.
    (operation.reason, operation.message, operation.read_at, operation.finished_at) = (None, None, None, None);
    operation.work = Some(Work { by: operation.id.0.clone(), written_at: now, held_until: None });
    operation.pages = page;
    if let OperationKind::ImportProducts { done, .. } = &mut operation.kind {
        *done = page;
    }
    for outcome in outcomes {
        *operation.counts.by_outcome.entry(outcome).or_default() += 1;
        operation.counts.queued = operation.counts.queued.saturating_sub(1);
    }
}

/// The file was read when it came, so a part of it is missing: whoever sent it was cut off before all of it was kept.
async fn end_without_file(deps: &Deps, stored: Stored<Operation>) -> Result<(), Error> {
    let mut operation = stored.value;
    operation.state = OperationState::Failed;
    operation.finished_at = Some((deps.clock)());
    operation.reason = Some("file_missing".to_owned());
    operation.message =
        Some("The file was not kept as a whole. Send it again; rows that are carried out already change nothing.".to_owned());
    deps.table.put_operation(&operation, stored.version).await?;
    Ok(())
}

/// Accounts of revenue kind by id and by folded name, where a row names one.
async fn accounts(deps: &Deps, lines: &[Line]) -> Result<std::collections::HashMap<String, stevedore_domain::ids::AccountId>, Error> {
    let mut found = std::collections::HashMap::new();
    let named = lines.iter().filter_map(|line| line.row.as_ref().ok()).any(|row| matches!(row.revenue_account, Some(Some(_))));
    if !named {
        return Ok(found);
    }
    let mut list = List { limit: 200, ..List::default() };
    loop {
        let page = deps.table.list_records::<Account>(&list).await?;
        for account in page.items.into_iter().map(|stored| stored.value).filter(|account| account.kind == AccountKind::Revenue) {
            // An id is what it is; a name gives way to it.
            found.entry(folded_name(&account.name)).or_insert_with(|| account.id.clone());
            found.insert(account.id.0.clone(), account.id);
        }
        list.token = page.next;
        if list.token.is_none() {
            return Ok(found);
        }
    }
}

impl Import<'_> {
    /// End of each row of a batch.
    async fn carry_out<'l>(mut self, batch: &Batch, lines: &'l [Line]) -> Result<Vec<(&'l Line, RowEnd)>, Error> {
        let lines: Vec<&Line> = batch.lines.iter().filter_map(|index| lines.get(*index)).collect();
        let rows = || lines.iter().filter_map(|line| line.row.as_ref().ok());
        let parts = rows().flat_map(|row| row.components.iter().flatten()).map(|part| &part.sku);
        let skus: BTreeSet<String> = rows().map(|row| &row.sku).chain(parts).cloned().collect();
        let found: BTreeMap<String, ProductFound> = self.deps.table.products_by_sku(&skus).await?.into_iter().collect();
        self.known.products = found.iter().map(|(sku, found)| (sku.clone(), found.stored.value.id.clone())).collect();
        let at_once = if batch.composed { 1 } else { AT_ONCE };
        // Made one by one, not by a closure: the compiler does not see through a closure of borrowed lines that what it makes may be sent.
        let mut work = Vec::new();
        for line in lines {
            work.push(self.line(line, line.sku.as_ref().and_then(|sku| found.get(sku)).cloned()));
        }
        stream::iter(work).buffered(at_once).try_collect().await
    }

    async fn line<'l>(&self, line: &'l Line, found: Option<ProductFound>) -> Result<(&'l Line, RowEnd), Error> {
        let end = match &line.row {
            Ok(row) => self.row(line, row, found).await?,
            Err(fault) => RowEnd::Refused(fault.clone()),
        };
        Ok((line, end))
    }

    async fn row(&self, line: &Line, row: &Row, mut found: Option<ProductFound>) -> Result<RowEnd, Error> {
        // An id from the SKU may belong to a product whose SKU was changed since.
        let mut id_attempt = 1;
        for _ in 0..ATTEMPTS {
            let known = found.as_ref().map(|found| &found.stored);
            let id = known.map_or_else(|| ProductId::of_sku(&row.sku, id_attempt), |known| known.value.id.clone());
            let product = match row.applied(known.map(|known| &known.value), id, self.operation.started_at, &self.known) {
                Ok(product) => product,
                Err(fault) => return Ok(RowEnd::Refused(fault)),
            };
            let before = found.as_ref().and_then(|found| of_this(found, &self.operation.id));
            if known.is_some_and(|known| known.value == product) {
                return Ok(RowEnd::Done(before.unwrap_or(Outcome::Unchanged)));
            }
            let outcome = before.unwrap_or(if known.is_some() { Outcome::Updated } else { Outcome::Captured });
            match self.deps.table.import_product(&product, known, &self.operation.id, outcome).await? {
                RecordOutcome::Written(_) => return Ok(RowEnd::Done(outcome)),
                RecordOutcome::Wrong(faults) => {
                    if let Some(error) = faults.into_iter().next() {
                        return Ok(RowEnd::Refused(row.named(error)));
                    }
                }
                RecordOutcome::Taken(member, value) if member != "sku" || found.is_some() => {
                    return Ok(RowEnd::Refused(taken(member, &value)));
                }
                // Somebody made or changed it at this moment.
                RecordOutcome::Taken(member, value) => {
                    found = self.find(row).await?;
                    if found.is_none() {
                        return Ok(RowEnd::Refused(taken(member, &value)));
                    }
                }
                RecordOutcome::Stale(_) => {
                    found = self.find(row).await?;
                    id_attempt += u32::from(found.is_none());
                }
            }
        }
        Err(Error::RowContended { line: line.number })
    }

    async fn find(&self, row: &Row) -> Result<Option<ProductFound>, Error> {
        Ok(self.deps.table.products_by_sku(&BTreeSet::from([row.sku.clone()])).await?.remove(&row.sku))
    }
}

/// Outcome that this import has made of the product already.
fn of_this(found: &ProductFound, operation: &OperationId) -> Option<Outcome> {
    found.imported.as_ref().filter(|imported| imported.by == *operation).map(|imported| imported.outcome)
}

fn taken(member: &str, value: &str) -> RowFault {
    RowFault::new(member, "taken", format!("`{value}` belongs to another product."))
}
