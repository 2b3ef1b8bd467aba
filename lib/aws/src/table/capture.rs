//! The effect of an order: log entry, sale, customer and accounting sync, together or not at all (P1).

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde_json::value::RawValue;
use stevedore_domain::log::LogEntry;
use stevedore_domain::order::RevisionKey;
use stevedore_domain::sale::{CustomerChoice, Sale, StageStatus};

use super::log::StoredEntry;
use super::record::{Condition, Expected, Transacted};
use super::sales::{SaleItems, read_head};
use super::{RecordKind, StoredSale, Table};
use crate::Error;

/// What is to be written for one order.
#[derive(Clone, Copy, Debug)]
pub struct CaptureWrite<'a> {
    /// The entry as it shall be.
    pub entry: &'a LogEntry,
    /// The entry as it was read, where there was one.
    pub known: Option<&'a StoredEntry>,
    /// The order exactly as ShipStation sent it, of the entry's newest revision; none keeps what the known entry holds.
    pub order: Option<(&'a RevisionKey, &'a RawValue)>,
    /// The order's sale, where it gets one now.
    pub sale: Option<(&'a Sale, &'a CustomerChoice)>,
}

/// What became of it.
#[derive(Debug)]
pub enum CaptureOutcome {
    /// Written: all of it.
    Written,
    /// The log entry is not what was read: decide again.
    EntryChanged,
    /// The sale's id is taken; here is the sale that has it.
    SaleExists(Box<StoredSale>),
    /// Another order created the customer in the meantime: decide again.
    CustomerChanged,
}

/// Which write of the transaction is which.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Entry,
    Sale,
    Customer,
    Other,
}

impl Table {
    /// Writes what an order became, in one transaction, after whatever is too large for it.
    ///
    /// What is too large (older or large revisions, the chunks of a large sale) is written first under keys made from its content, where nothing
    /// looks for it until the transaction names it; cut off in between, the next delivery writes the same again.
    ///
    /// # Errors
    /// [`Error`]; nothing that anybody reads was written then.
    pub async fn capture(&self, write: CaptureWrite<'_>, at: Timestamp) -> Result<CaptureOutcome, Error> {
        const OPERATION: &str = "book an order";
        let CaptureWrite { entry, known, order, sale } = write;
        let mut beforehand = Vec::new();
        let kept = match (order, known) {
            (Some((key, raw)), _) => Some((*key, raw)),
            (None, Some(known)) => known.inline_order(),
            (None, None) => None,
        };
        if let (Some((key, _)), Some((old_key, old_raw))) = (order, known.and_then(StoredEntry::inline_order))
            && *key != old_key
        {
            beforehand.extend(super::revision::revision_items(entry.order_id, &old_key, old_raw.get())?);
        }
        let (entry_item, own_items) = super::log::entry_item(entry, kept)?;
        if order.is_some() {
            beforehand.extend(own_items);
        }
        let expected = known.map_or(Expected::Absent, |known| Expected::Version(known.version));
        let mut parts = vec![Part::Entry];
        let mut writes: Vec<TransactWriteItem> = vec![self.put(OPERATION, entry_item, expected)?];
        if let Some((sale, customer)) = sale {
            let SaleItems { head, chunks } = super::sales::sale_items(sale)?;
            beforehand.extend(chunks);
            parts.push(Part::Sale);
            writes.push(self.put(OPERATION, head, Expected::Absent)?);
            for (part, item, expected) in customer_items(customer)? {
                parts.push(part);
                writes.push(self.put(OPERATION, item, expected)?);
            }
            if sale.invoice.status == StageStatus::Authorised {
                parts.push(Part::Other);
                writes.push(self.put(OPERATION, super::syncs::pending_item(sale, at)?, Expected::Absent)?);
            }
        }
        if !beforehand.is_empty() {
            self.put_items(OPERATION, beforehand).await?;
        }
        let failed = match self.transact(OPERATION, writes).await? {
            Transacted::Done => return Ok(CaptureOutcome::Written),
            Transacted::Refused(failed) => failed,
        };
        let mut outcome = CaptureOutcome::EntryChanged;
        for (part, old) in parts.iter().zip(failed) {
            match (part, old) {
                (_, Condition::Held) => {}
                (Part::Entry, Condition::Failed(_)) => return Ok(CaptureOutcome::EntryChanged),
                (Part::Sale, Condition::Failed(old)) => {
                    if let Some(old) = old {
                        outcome = CaptureOutcome::SaleExists(Box::new(self.whole_sale(read_head(old)?).await?));
                    }
                }
                (Part::Customer | Part::Other, Condition::Failed(_)) => {
                    if matches!(outcome, CaptureOutcome::EntryChanged) {
                        outcome = CaptureOutcome::CustomerChanged;
                    }
                }
            }
        }
        Ok(outcome)
    }
}

/// The writes that a sale's customer needs.
fn customer_items(choice: &CustomerChoice) -> Result<Vec<(Part, super::Item, Expected)>, Error> {
    const OPERATION: &str = "encode a customer";
    Ok(match choice {
        CustomerChoice::Existing(_) => Vec::new(),
        // The same link may be written by two orders of one buyer at once: both say the same.
        CustomerChoice::Link(customer, link) => {
            vec![(Part::Other, super::records::customer_link_item(OPERATION, *link, &customer.id)?, Expected::Anything)]
        }
        CustomerChoice::Create(new) => {
            let mut items =
                vec![(Part::Customer, super::records::record_item(OPERATION, RecordKind::Customer, &new.customer)?, Expected::Absent)];
            if let Some(link) = new.link {
                items.push((Part::Customer, super::records::customer_link_item(OPERATION, link, &new.customer.id)?, Expected::Absent));
            }
            if let Some(item) = super::email::first_item(OPERATION, &new.customer)? {
                items.push((Part::Customer, item, Expected::Absent));
            }
            items
        }
    })
}
