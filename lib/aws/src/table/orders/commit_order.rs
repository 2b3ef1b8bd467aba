//! The effect of an order: log entry, sale, stock, customer, accounting sync and events, together or not at all (P1).

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde_json::value::RawValue;
use stevedore_domain::event::EventKind;
use stevedore_domain::log::LogEntry;
use stevedore_domain::order::RevisionKey;
use stevedore_domain::sale::{CustomerChoice, Sale, StageStatus};
use stevedore_domain::stock::{Level, StockChange, StockKey};

use crate::Error;
use crate::table::item::versioned::{Condition, Expected, Transacted};
use crate::table::orders::beside::Beside;
use crate::table::orders::order_item::{OrderItem, OrderRecord, SalePlace, StoredEntry, order_item};
use crate::table::sales::sale_items::{Head, HeadState, SaleItems, sale_items};
use crate::table::sales::stock_saga::{SagaOutcome, shortages};
use crate::table::{RecordKind, StoredSale, Table};

/// Writes for one order.
#[derive(Clone, Copy, Debug)]
pub struct OrderCommit<'a> {
    /// The entry as it shall be.
    pub entry: &'a LogEntry,
    /// Record that was read of the order, where there was any.
    pub known: Option<&'a OrderRecord>,
    /// The order exactly as ShipStation sent it, of the entry's newest revision; none keeps what the known entry holds.
    pub order: Option<(&'a RevisionKey, &'a RawValue)>,
    /// The order's sale, where it gets one now.
    pub sale: Option<NewSale<'a>>,
    /// The sale that the entry names, with a payment that came later, and the version of it that was read. Only where the order gets no sale now.
    pub paid: Option<&'a StoredSale>,
    /// Orders that were looked at before this one was decided on.
    pub beside: &'a [Beside],
}

/// A sale that is to come into being.
#[derive(Clone, Copy, Debug)]
pub struct NewSale<'a> {
    /// The sale.
    pub sale: &'a Sale,
    /// Its customer.
    pub customer: &'a CustomerChoice,
    /// Changes of levels.
    pub stock: &'a [StockChange],
}

/// Outcome of the write.
#[derive(Debug)]
pub enum CommitOutcome {
    /// Written: all of it.
    Written,
    /// The order is not what was read: decide again.
    EntryChanged,
    /// The sale's id is given out; here is the sale that has it.
    SaleExists(Box<StoredSale>),
    /// Another order created the customer in the meantime: decide again.
    CustomerChanged,
    /// There is less stock than was thought: decide again with these levels.
    StockShort(Vec<(StockKey, Level)>),
}

/// Parts of the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Entry,
    Sale,
    Customer,
    Other,
}

const OPERATION: &str = "book an order";

impl Table {
    /// Writes what an order became, in one transaction, after whatever is too large for it.
    ///
    /// What is too large (older or large revisions, the chunks of a large sale) is written first under keys made from its content, where nothing
    /// looks for it until the transaction names it; cut off in between, the next delivery writes the same again. More levels of stock than
    /// the transaction holds are moved in steps before it.
    ///
    /// # Errors
    /// [`Error`]; nothing that anybody reads was written then.
    pub async fn commit_order(&self, write: OrderCommit<'_>, at: Timestamp) -> Result<CommitOutcome, Error> {
        let OrderCommit { entry, known, order, sale, paid, beside } = write;
        let known_entry = known.and_then(OrderRecord::entry);
        let mut beforehand = Vec::new();
        let kept = match (order, known_entry) {
            (Some((key, raw)), _) => Some((*key, raw)),
            (None, Some(known)) => known.inline_order(),
            (None, None) => None,
        };
        if let (Some((key, _)), Some((old_key, old_raw))) = (order, known_entry.and_then(StoredEntry::inline_order))
            && *key != old_key
        {
            beforehand.extend(crate::table::orders::revision::revision_items(entry.account, entry.order_id, &old_key, old_raw.get())?);
        }
        let mut events = sale.map(|new| events_of(new.sale)).unwrap_or_default();
        let paid_inside = paid.filter(|paid| known.and_then(OrderRecord::inline_sale).is_some_and(|sale| sale.id == paid.sale.id));
        events.extend(paid_inside.map(|_| EventKind::PaymentAdded));
        let large = sale.is_some_and(|new| new.stock.len() > self.levels_at_once);
        let place = match (sale, known) {
            (Some(new), _) if large => SalePlace::Beside(new.sale.created_at),
            (Some(new), _) => SalePlace::Here(new.sale),
            // The sale that the order has had stays with it, unless the entry has let go of it.
            (None, Some(known)) if known.sale_id().is_some() && known.sale_id() == entry.sale_id.as_ref() => {
                self.place(entry.sale_id.as_ref(), paid_inside.map(|paid| &paid.sale).or_else(|| known.inline_sale())).await?
            }
            (None, _) => SalePlace::Nowhere,
        };
        let own_events: &[EventKind] = if large { &[] } else { &events };
        let OrderItem { mut item, revision, sale_beside } = order_item(entry, kept, place, own_events)?;
        beforehand.extend(revision);
        let mut parts = vec![Part::Entry];
        let mut others = self.still_beside(OPERATION, beside)?;
        parts.extend(others.iter().map(|_| Part::Other));
        // A sale that the order leaves, or outgrows, gets items of its own.
        if let Some(old) = known.and_then(OrderRecord::inline_sale)
            && (sale.is_some_and(|new| new.sale.id != old.id)
                || (sale.is_none() && (entry.sale_id.as_ref() != Some(&old.id) || sale_beside)))
        {
            let listed = entry.sale_id.as_ref() != Some(&old.id);
            parts.push(Part::Other);
            match paid_inside {
                // What happened is told where the sale is.
                Some(paid) => {
                    crate::table::item::events::unname(&mut item);
                    others.push(self.paid_apart(OPERATION, &paid.sale).await?);
                }
                None => others.extend(self.move_out(OPERATION, old, listed).await?),
            }
        } else if let Some(old) = known.and_then(OrderRecord::sale_id)
            && old.order().is_some()
            && entry.sale_id.as_ref() != Some(old)
            && let Some(head) = self.head(old).await?.filter(|head| !head.is_listed())
        {
            // … or, where it has them already, stands in the list by itself from now on.
            parts.push(Part::Other);
            others.push(self.list_head(OPERATION, &head, known.and_then(OrderRecord::booked_revision)).await?);
        }
        if let Some(paid) = paid.filter(|_| paid_inside.is_none()) {
            let Some(write) = self.paid_head(OPERATION, paid).await? else { return Ok(CommitOutcome::EntryChanged) };
            parts.push(Part::Other);
            others.push(write);
        }
        for write in self
            .attention_writes(OPERATION, crate::table::orders::attention::of_entry(known_entry.map(|known| &known.entry), Some(entry))?)?
        {
            parts.push(Part::Other);
            others.push(write);
        }
        let mut created = None;
        let mut give_backs = None;
        let plan = self.plan_stock(sale.map(|new| new.stock).unwrap_or_default());
        if let Some(NewSale { sale, customer, .. }) = sale {
            if large || sale_beside {
                crate::table::item::events::unname(&mut item);
                // Apart from its log entry it says itself from which revision it was made.
                let apart = Sale { booked_revision: sale.booked_revision.or_else(|| entry.booked_revision()), ..sale.clone() };
                let expected = if plan.before.is_empty() {
                    Expected::Absent
                } else {
                    self.put_items(OPERATION, std::mem::take(&mut beforehand)).await?;
                    match self.run_for_new_sale(&apart, &plan.before, at).await? {
                        SagaOutcome::Done(version) => {
                            created = Some(&sale.id);
                            Expected::Version(version)
                        }
                        SagaOutcome::Short(levels) => return Ok(CommitOutcome::StockShort(levels)),
                        SagaOutcome::Exists(existing) => return Ok(CommitOutcome::SaleExists(existing)),
                        SagaOutcome::Changed => return Ok(CommitOutcome::EntryChanged),
                    }
                };
                give_backs = self.store_give_backs(&sale.id, &plan.after, at).await?.map(|saga| (&sale.id, saga));
                let saga = give_backs.as_ref().map(|(_, saga)| saga);
                let SaleItems { head, chunks } = sale_items(&apart, HeadState { events: &events, saga, ..HeadState::default() })?;
                if created.is_none() {
                    beforehand.extend(chunks);
                }
                parts.push(Part::Sale);
                others.push(self.put(OPERATION, head, expected)?);
            } else if let Some(free) = self.id_is_free(&sale.id).await? {
                parts.push(Part::Sale);
                others.push(free);
            }
            for (part, item, expected) in customer_items(entry.account, customer)? {
                parts.push(part);
                others.push(self.put(OPERATION, item, expected)?);
            }
            let cause = format!("sale {}", sale.id);
            for change in &plan.with {
                others.push(self.stock_update(OPERATION, change, &cause, at)?);
            }
        }
        if !beforehand.is_empty() {
            self.put_items(OPERATION, beforehand).await?;
        }
        let expected = known.map_or(Expected::Absent, |known| Expected::Version(known.version()));
        let outcome = self.write_parts(item, expected, others, &parts, &plan.with).await?;
        let written = matches!(outcome, CommitOutcome::Written);
        match created {
            None => {}
            Some(sale) if written => self.clear_steps(sale).await?,
            Some(sale) => self.recover_now(sale, at).await?,
        }
        match give_backs {
            None => {}
            Some((sale, saga)) if written => self.run_give_backs(sale, &saga).await?,
            Some((sale, saga)) => self.drop_give_backs(sale, &saga).await?,
        }
        Ok(outcome)
    }

    async fn write_parts(
        &self,
        item: crate::table::Item,
        expected: Expected,
        others: Vec<TransactWriteItem>,
        parts: &[Part],
        with: &[StockChange],
    ) -> Result<CommitOutcome, Error> {
        // Alone it needs no transaction, which would cost twice as much.
        if others.is_empty() {
            return Ok(match self.put_if(OPERATION, item, expected).await? {
                crate::table::item::versioned::Conditional::Written(_) => CommitOutcome::Written,
                crate::table::item::versioned::Conditional::Refused(_) => CommitOutcome::EntryChanged,
            });
        }
        let mut writes = vec![self.put(OPERATION, item, expected)?];
        writes.extend(others);
        let mut failed = match self.transact(OPERATION, writes).await? {
            Transacted::Done => return Ok(CommitOutcome::Written),
            Transacted::Refused(failed) => failed,
        };
        let stock = failed.split_off(parts.len().min(failed.len()));
        let mut outcome = None;
        for (part, old) in parts.iter().zip(failed) {
            match (part, old) {
                (_, Condition::Held) => {}
                (Part::Entry | Part::Other, Condition::Failed(_)) => return Ok(CommitOutcome::EntryChanged),
                (Part::Sale, Condition::Failed(old)) => {
                    let head = old.map(Head::new);
                    let Some(head) = head.filter(Head::is_live) else { return Ok(CommitOutcome::EntryChanged) };
                    let stored = StoredSale { sale: self.whole_sale(&head).await?, version: head.version() };
                    outcome = Some(CommitOutcome::SaleExists(Box::new(stored)));
                }
                (Part::Customer, Condition::Failed(_)) => {
                    outcome.get_or_insert(CommitOutcome::CustomerChanged);
                }
            }
        }
        if let Some(outcome) = outcome {
            return Ok(outcome);
        }
        let short = shortages(with, stock.into_iter());
        Ok(if short.is_empty() { CommitOutcome::EntryChanged } else { CommitOutcome::StockShort(short) })
    }

    /// The write of a sale that gets a head of its own, after its chunks. `listed`: no order's item stands among the sales for it.
    pub(crate) async fn move_out(&self, operation: &'static str, sale: &Sale, listed: bool) -> Result<Option<TransactWriteItem>, Error> {
        let SaleItems { head, chunks } = sale_items(sale, HeadState { listed, ..HeadState::default() })?;
        self.put_items(operation, chunks).await?;
        self.put(operation, head, Expected::Absent).map(Some)
    }

    /// The write of a head that stands in the list of sales by itself from now on. From then on no entry says from which revision it was made: a document of an
    /// earlier release that does not say it is written again with the one that is `booked`.
    async fn list_head(&self, operation: &'static str, head: &Head, booked: Option<RevisionKey>) -> Result<TransactWriteItem, Error> {
        let sale = self.whole_sale(head).await?;
        // Work on it goes on.
        let saga = head.saga();
        let state = HeadState { listed: true, saga: saga.as_ref(), ..HeadState::default() };
        let item = match booked.filter(|_| sale.booked_revision.is_none()) {
            None => head.again(&sale, state)?,
            Some(key) => {
                let SaleItems { head: item, chunks } = sale_items(&Sale { booked_revision: Some(key), ..sale }, state)?;
                self.put_items(operation, chunks).await?;
                item
            }
        };
        self.put(operation, item, Expected::Version(head.version()))
    }
}

/// Events of a new sale.
pub(crate) fn events_of(sale: &Sale) -> Vec<EventKind> {
    let authorised = sale.invoice.status == StageStatus::Authorised;
    std::iter::once(EventKind::SaleCreated).chain(authorised.then_some(EventKind::InvoiceAuthorised)).collect()
}

/// The writes that a sale's customer needs.
fn customer_items(
    account: stevedore_domain::ids::ShipstationAccount,
    choice: &CustomerChoice,
) -> Result<Vec<(Part, crate::table::Item, Expected)>, Error> {
    const OPERATION: &str = "encode a customer";
    Ok(match choice {
        CustomerChoice::Existing(_) => Vec::new(),
        // The same link may be written by two orders of one buyer at once: both say the same.
        CustomerChoice::Link(customer, link) => {
            vec![(
                Part::Customer,
                crate::table::reference::reference_data::customer_link_item(OPERATION, account, *link, &customer.id)?,
                Expected::Anything,
            )]
        }
        CustomerChoice::Create(new) => {
            let mut items = vec![(
                Part::Customer,
                crate::table::reference::reference_data::record_item(OPERATION, RecordKind::Customer, &new.customer)?,
                Expected::Absent,
            )];
            if let Some(link) = new.link {
                items.push((
                    Part::Customer,
                    crate::table::reference::reference_data::customer_link_item(OPERATION, account, link, &new.customer.id)?,
                    if new.replaces_link { Expected::Anything } else { Expected::Absent },
                ));
            }
            if let Some(item) = crate::table::reference::email::first_item(OPERATION, &new.customer)? {
                items.push((Part::Customer, item, Expected::Absent));
            }
            items
        }
    })
}
