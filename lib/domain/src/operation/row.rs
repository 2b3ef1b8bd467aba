//! Rows of an operation: one for each order that it read, or for each refused line of a file.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Counts;
use crate::digest::Digest;
use crate::ids::OrderId;
use crate::import::{Line, RowFault};
use crate::log::{LogEntry, Outcome};
use crate::order::RevisionKey;
use crate::reason::Reason;

/// A revision that was queued: what the log must show before the order counts as processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedRevision {
    /// Digest of its content.
    pub digest: Digest,
    /// Time of the change by ShipStation.
    pub modified_at: Timestamp,
    /// Time at which it was read, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// The log held it already, without a sale: it was queued to be tried once more, so that its being there says nothing about whether that was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

impl QueuedRevision {
    /// The revision `key`, queued for an order that the log knows as `entry`.
    #[must_use]
    pub fn new(key: &RevisionKey, entry: Option<&LogEntry>) -> Self {
        let again = entry.is_some_and(|entry| entry.state.is_open() && entry.newest().is_some_and(|newest| newest.digest == key.digest));
        Self { digest: key.digest, modified_at: key.modified_at, read_at: key.read_at, again }
    }

    pub(super) fn key(&self) -> RevisionKey {
        RevisionKey { modified_at: self.modified_at, read_at: self.read_at, digest: self.digest }
    }
}

/// Row of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedRow {
    /// The line of the file where it begins, counted from 1.
    pub line: u64,
    /// Its SKU, where that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// The column or member at fault; none for the row as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// Outcome of one order in one operation, or of one row of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationRow {
    /// The order, where its id could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Its number, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_number: Option<String>,
    /// Its outcome; none while it is queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Reason, where it is not plain success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The sentence for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The text that could not be read, or what ShipStation answered instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The revision that was queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<QueuedRevision>,
    /// The row of the file, in an import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedRow>,
}

impl OperationRow {
    /// A row of an import that was refused.
    #[must_use]
    pub fn refused(line: &Line, fault: &RowFault) -> Self {
        Self {
            outcome: Some(Outcome::Failed),
            reason: Some(fault.reason()),
            message: Some(fault.message.clone()),
            imported: Some(ImportedRow { line: line.number, sku: line.sku.clone(), field: fault.field.clone() }),
            ..Self::default()
        }
    }

    /// True if the order simply became what it should, with nothing to say about it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.outcome == Some(Outcome::Captured) && self.reason.is_none()
    }

    /// A row with a decided outcome; the sentence is the reason's own.
    #[must_use]
    pub fn decided(order_id: OrderId, order_number: &str, outcome: Outcome, reason: Option<Reason>) -> Self {
        Self {
            order_id: Some(order_id),
            order_number: Some(order_number.to_owned()),
            outcome: Some(outcome),
            reason,
            message: reason.map(|reason| reason.advice().to_owned()),
            ..Self::default()
        }
    }
}

/// One row for each distinct order: of several for one order, one that is or was queued wins over one that was not, and the later wins else.
/// Unreadable orders without an id are told apart by their text. Poison orders have none: each row is one.
#[must_use]
pub fn distinct(rows: impl IntoIterator<Item = OperationRow>) -> Vec<OperationRow> {
    let mut result: Vec<OperationRow> = Vec::new();
    let mut places: HashMap<OrderId, usize> = HashMap::new();
    let mut texts: HashSet<Digest> = HashSet::new();
    for row in rows {
        let Some(order_id) = row.order_id else {
            let text = row.evidence.as_deref().filter(|_| row.reason == Some(Reason::MalformedOrder));
            if text.is_none_or(|text| texts.insert(Digest::of_bytes(text.as_bytes()))) {
                result.push(row);
            }
            continue;
        };
        if let Some(known) = places.get(&order_id).and_then(|place| result.get_mut(*place)) {
            if row.queued.is_some() || known.queued.is_none() {
                *known = row;
            }
        } else {
            places.insert(order_id, result.len());
            result.push(row);
        }
    }
    result
}

/// The counts of distinct rows.
#[must_use]
pub fn count<'a>(rows: impl IntoIterator<Item = &'a OperationRow>) -> Counts {
    let mut counts = Counts::default();
    rows.into_iter().for_each(|row| counts.add(row.outcome));
    counts
}
