//! Distinct orders of an operation, counted row by row, so that neither its rows nor their evidence have to be held.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::digest::Digest;
use crate::ids::OrderId;
use crate::log::Outcome;
use crate::operation::{Counts, OperationRow};
use crate::reason::Reason;

/// Place of a row: its page, and its position there from 0.
pub type RowPlace = (u32, usize);

/// Rows of an operation's pages by the distinct orders that they are about. It holds a few dozen bytes for each order.
///
/// Of several rows for one order, one that is or was queued wins over one that was not, and the later wins else. Unreadable orders without an id are told
/// apart by their text; of rows without either, each is one.
#[derive(Debug, Default)]
pub struct DistinctRows {
    orders: HashMap<OrderId, Counted>,
    texts: HashSet<Digest>,
    others: Counts,
    superseded: BTreeMap<u32, BTreeSet<usize>>,
}

#[derive(Debug)]
struct Counted {
    page: u32,
    position: usize,
    queued: bool,
    outcome: Option<Outcome>,
}

impl DistinctRows {
    /// Adds the next row; pages are added in order.
    pub fn add(&mut self, (page, position): RowPlace, row: &OperationRow) {
        let Some(order) = row.order_id else {
            let text = row.evidence.as_deref().filter(|_| row.reason == Some(Reason::MalformedOrder));
            if text.is_some_and(|text| !self.texts.insert(Digest::of_bytes(text.as_bytes()))) {
                self.superseded.entry(page).or_default().insert(position);
                return;
            }
            self.others.add(row.outcome);
            return;
        };
        let next = Counted { page, position, queued: row.queued.is_some(), outcome: row.outcome };
        let lost = match self.orders.get_mut(&order) {
            None => {
                self.orders.insert(order, next);
                return;
            }
            Some(known) if next.queued || !known.queued => {
                let lost = (known.page, known.position);
                *known = next;
                lost
            }
            Some(_) => (page, position),
        };
        self.superseded.entry(lost.0).or_default().insert(lost.1);
    }

    /// Counts of the distinct rows.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self.others.clone();
        self.orders.values().for_each(|counted| counts.add(counted.outcome));
        counts
    }

    /// Positions of the rows that others have superseded, by page.
    #[must_use]
    pub fn superseded(&self) -> &BTreeMap<u32, BTreeSet<usize>> {
        &self.superseded
    }

    /// Orders with one of these outcomes.
    pub fn orders_with(&self, outcomes: &[Outcome]) -> Vec<OrderId> {
        let with = |counted: &Counted| counted.outcome.is_some_and(|outcome| outcomes.contains(&outcome));
        self.orders.iter().filter(|(_, counted)| with(counted)).map(|(order, _)| *order).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{QueuedRevision, count, distinct};

    fn row(order: u64, queued: bool, outcome: Option<Outcome>) -> OperationRow {
        let queued = queued.then(|| QueuedRevision {
            digest: Digest::of_bytes(b"x"),
            modified_at: jiff::Timestamp::UNIX_EPOCH,
            read_at: None,
            again: false,
        });
        OperationRow { order_id: Some(OrderId(order)), queued, outcome, ..OperationRow::default() }
    }

    fn unreadable(text: &str) -> OperationRow {
        OperationRow {
            outcome: Some(Outcome::Failed),
            reason: Some(Reason::MalformedOrder),
            evidence: Some(text.to_owned()),
            ..OperationRow::default()
        }
    }

    /// P2: counting page by page comes to what counting all rows at once comes to, and what it leaves of the pages is one row for each order.
    #[test]
    fn p2_rows_counted_page_by_page_are_those_counted_at_once() {
        let pages = [
            vec![row(1, true, None), row(2, false, Some(Outcome::Waiting)), unreadable("a"), row(1, false, Some(Outcome::Unchanged))],
            vec![row(2, true, Some(Outcome::Captured)), unreadable("a"), unreadable("b"), OperationRow::default()],
            vec![row(3, false, Some(Outcome::Unchanged)), row(3, false, Some(Outcome::Waiting)), OperationRow::default()],
        ];
        let mut rows = DistinctRows::default();
        for (page, of_page) in pages.iter().enumerate() {
            for (position, row) in of_page.iter().enumerate() {
                rows.add((u32::try_from(page).unwrap_or(0), position), row);
            }
        }
        let all = distinct(pages.iter().flatten().cloned());
        assert_eq!(rows.counts(), count(&all));
        let left = pages.iter().enumerate().flat_map(|(page, of_page)| {
            let gone = rows.superseded().get(&u32::try_from(page).unwrap_or(0)).cloned().unwrap_or_default();
            of_page.iter().enumerate().filter(move |(position, _)| !gone.contains(position)).map(|(_, row)| row.clone())
        });
        let (mut left, mut all): (Vec<_>, Vec<_>) =
            (left.map(|row| format!("{row:?}")).collect(), all.iter().map(|row| format!("{row:?}")).collect());
        left.sort();
        all.sort();
        assert_eq!(left, all);
        assert_eq!(rows.orders_with(&[Outcome::Captured]), [OrderId(2)]);
    }
}
