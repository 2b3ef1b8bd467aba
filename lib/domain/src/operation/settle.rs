//! Settling an operation: its queued rows get their outcome from the log, and its counts follow.
//!
//! The log is the only record of what became of an order; an operation's counts are read from it, so that they can neither miss nor double one.

use jiff::{SignedDuration, Timestamp};

use super::{Counts, Operation, OperationRow, OperationState, QueuedRevision, RowsOf, Source};
use crate::ids::OperationId;
use crate::log::{Decision, LogEntry, LogState, Outcome, SeenRevision};
use crate::reason::Reason;

/// Time for which queued orders may stay unprocessed before they count as failed: longer than all of the queue's own deliveries.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(2);
/// Time after queueing from which a pending order that is still pending counts as tried in vain.
const TRIED_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// Orders of a run that was read so long ago have an outcome by now: the queue's own deliveries take an hour.
const ACCOUNTED_AFTER: SignedDuration = SignedDuration::from_mins(75);

/// Facts that settle the rows of an operation beside the log.
#[derive(Clone, Copy, Debug)]
pub struct Settling<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// Time of the decision.
    pub now: Timestamp,
    /// The connection is gone: what is not in the log by now will never be.
    pub disconnected: bool,
}

/// Record of the log about an order.
#[derive(Clone, Copy, Debug)]
pub enum LogOfOrder<'a> {
    /// There is none.
    Nothing,
    /// The order's entry.
    Entry(&'a LogEntry),
    /// The entry was removed, and the order's sale stays.
    SaleAlone,
}

impl Settling<'_> {
    fn waited(&self, time: SignedDuration) -> bool {
        self.operation.read_at.is_some_and(|read_at| self.now.duration_since(read_at) > time)
    }

    /// True if every queued order has been tried by now, as far as the queue delivers at once.
    #[must_use]
    pub fn is_tried(&self) -> bool {
        self.waited(TRIED_AFTER)
    }

    /// True if log entries must be read as they are now; else they may be read as they were a moment ago, while undecided ones are looked at again anyway.
    /// Not where the operation itself has just changed what it looks at: an entry that was let go and looks booked still would end it too early.
    #[must_use]
    pub fn reads_now(&self) -> bool {
        let read_many = self.operation.kind.spec().source == Source::Window;
        !read_many || self.disconnected || self.is_tried()
    }

    /// Settles a row by what the log says of its order.
    pub fn settle(&self, row: &mut OperationRow, known: LogOfOrder<'_>) {
        let entry = match known {
            LogOfOrder::Entry(entry) => Some(entry),
            LogOfOrder::SaleAlone | LogOfOrder::Nothing => None,
        };
        if self.operation.kind.spec().rows == RowsOf::OrdersTried {
            row.settle_pending(&self.operation.id, entry, self.disconnected || self.is_tried());
            return;
        }
        row.settle(&self.operation.id, entry, self.is_tried());
        if self.disconnected {
            if matches!(known, LogOfOrder::SaleAlone) && row.outcome.is_none() {
                row.outcome = Some(Outcome::Captured);
            }
            row.disconnected();
        }
        if self.waited(GIVEN_UP_AFTER) {
            row.give_up();
        }
    }
}

/// Decision on an operation whose rows were counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Nothing is to be written.
    Unchanged,
    /// Every order is accounted for and there is nothing to show: the operation, completed here, is removed.
    Forgotten(Box<Operation>),
    /// The operation is to be written.
    Written {
        /// With its present counts.
        operation: Box<Operation>,
        /// Every order is accounted for by this write, so that its events are due.
        completes: bool,
        /// No row will change any more.
        is_final: bool,
    },
}

impl Settlement {
    /// Decides on `operation`, whose distinct rows are `counts`. `superseded`: rows are stored that others have superseded.
    #[must_use]
    pub fn of(operation: &Operation, counts: Counts, superseded: bool, now: Timestamp) -> Self {
        let completes = operation.state == OperationState::Processing && counts.queued == 0;
        let is_final = completes || (operation.state.is_final() && counts.queued == 0);
        if counts == operation.counts && !completes && !(is_final && superseded) {
            return Self::Unchanged;
        }
        let mut operation = Box::new(Operation { counts, ..operation.clone() });
        if completes {
            operation.state = OperationState::Completed;
            operation.finished_at = Some(now);
            if operation.is_quiet() {
                return Self::Forgotten(operation);
            }
        }
        Self::Written { operation, completes, is_final }
    }
}

impl Operation {
    /// Number of its orders that should have an outcome and have none, with those that were just given up as `not_processed`.
    #[must_use]
    pub fn unaccounted(&self, not_processed: u64, now: Timestamp) -> u64 {
        // A day's run goes on until it is done.
        if self.kind.is_run_of_a_day() {
            return 0;
        }
        let long_ago = self.read_at.is_some_and(|read_at| now.duration_since(read_at) > ACCOUNTED_AFTER);
        if long_ago { not_processed + self.counts.queued } else { not_processed }
    }
}

impl QueuedRevision {
    /// The log's revision that this one is: as it was read here or by others, a later one that says the same, or the newest. An earlier one that says the
    /// same is another: the order was changed in between, and changed back.
    fn seen_in<'a>(&self, entry: &'a LogEntry, operation: &OperationId) -> Option<&'a SeenRevision> {
        let (queued, newest) = (self.key(), entry.newest());
        let same = || entry.revisions.iter().filter(|seen| seen.key.is_same_reading(&queued));
        let later = |seen: &&SeenRevision| {
            seen.key.digest == self.digest && (seen.key.modified_at >= self.modified_at || newest == Some(&seen.key))
        };
        let ours = same().find(|seen| seen.operation_id.as_ref() == Some(operation));
        ours.or_else(|| same().next()).or_else(|| entry.revisions.iter().find(later))
    }
}

impl OperationRow {
    /// Settles a queued row by what the log says now. Rows that are decided stay as they are.
    ///
    /// The log is the only record of what became of an order; an operation's counts are read from it, so that they can neither miss nor double one.
    /// `tried` says that queued orders have been tried by now: one that was tried once more in vain leaves no trace in the log.
    pub fn settle(&mut self, operation: &OperationId, entry: Option<&LogEntry>, tried: bool) {
        let (None, Some(queued)) = (self.outcome, self.queued) else { return };
        let Some(entry) = entry else { return };
        let brought_by_us = |seen: &&SeenRevision| seen.key.digest == queued.digest && seen.operation_id.as_ref() == Some(operation);
        let captured_by_us = entry.captured_by.as_ref() == Some(operation);
        if queued.again && entry.state.is_open() && !captured_by_us && !tried && !entry.revisions.iter().any(|seen| brought_by_us(&seen)) {
            return;
        }
        let newest = entry.newest().is_some_and(|newest| newest.digest == queued.digest);
        let seen = queued.seen_in(entry, operation);
        let ours = seen.is_some_and(|seen| brought_by_us(&seen));
        // It took the order into the log as skipped, and what kept it from being captured has gone away since.
        let first = entry.revisions.first();
        let brought = ours && entry.captured_by.is_some() && first.map(|first| first.key) == seen.map(|seen| seen.key);
        let (outcome, reason) = match (seen, entry.state) {
            (None, _) if entry.newest().is_some_and(|newest| !queued.key().supersedes(newest)) => {
                (Outcome::Unchanged, Some(Reason::OlderRevision))
            }
            // Read before ShipStation answered that the order is gone: it is not written down.
            (None, LogState::Withdrawn) if entry.gone().is_some_and(|gone| queued.read_at.is_some_and(|read_at| read_at <= gone.at)) => {
                (Outcome::Cancelled, entry.reason)
            }
            (None, _) => return,
            (Some(_), LogState::Withdrawn) if newest => (Outcome::Cancelled, entry.reason.or(Some(Reason::Withdrawn))),
            (Some(_), LogState::Skipped) if newest => {
                (entry.reason.map_or(Outcome::Skipped, |reason| Decision::Remember(reason).outcome()), entry.reason)
            }
            (Some(_), LogState::Failed) if newest => (Outcome::Failed, entry.reason),
            (Some(_), _) if captured_by_us || brought => (Outcome::Captured, entry.reason),
            (Some(seen), _) if ours && seen.unchanged => (Outcome::Unchanged, Some(entry.unchanged_as(seen))),
            (Some(_), LogState::Booked | LogState::Voided | LogState::Consolidating) if ours => {
                let changed = entry
                    .warnings
                    .iter()
                    .map(|warning| warning.reason)
                    .find(|reason| matches!(reason, Reason::CancelledAfterBooking | Reason::ChangedAfterBooking));
                (Outcome::Updated, changed)
            }
            (Some(_), _) if ours => (Outcome::Updated, entry.reason),
            (Some(_), _) => (Outcome::Unchanged, Some(Reason::AlreadyCaptured)),
        };
        self.outcome = Some(outcome);
        self.reason = reason;
        let own_words = entry.message.clone().filter(|_| entry.reason.is_some() && entry.reason == reason);
        self.message = own_words.or_else(|| reason.map(|reason| reason.advice().to_owned()));
    }

    /// Settles a queued row of an operation that processed pending orders once more. The revision is not new, so only the order's state tells, and for one
    /// that waits for its day by now, whether it was this operation that brought it there.
    pub fn settle_pending(&mut self, operation: &OperationId, entry: Option<&LogEntry>, expired: bool) {
        if self.outcome.is_some() {
            return;
        }
        let state = entry.map(|entry| entry.state);
        let reason = entry.and_then(|entry| entry.reason);
        let brought_here = entry.is_some_and(|entry| entry.timeline.iter().any(|event| event.by == operation.as_str()));
        let outcome = match state {
            Some(LogState::Pending) if brought_here => Outcome::Captured,
            Some(LogState::Booked | LogState::Consolidating | LogState::Voided) => Outcome::Captured,
            Some(LogState::Withdrawn) => Outcome::Cancelled,
            // Still open: tried and nothing came of it, or not tried yet.
            _ if !expired => return,
            Some(LogState::Failed) => Outcome::Failed,
            Some(LogState::Skipped) => reason.map_or(Outcome::Skipped, |reason| Decision::Remember(reason).outcome()),
            _ => Outcome::Unchanged,
        };
        self.outcome = Some(outcome);
        self.reason = reason;
        self.message = entry.and_then(|entry| entry.message.clone());
    }

    /// Settles a queued row whose connection was removed before it was processed.
    pub fn disconnected(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some(Outcome::Skipped);
            self.reason = Some(Reason::NotConnected);
            self.message = Some(Reason::NotConnected.advice().to_owned());
        }
    }

    /// Settles a queued row whose order was read from an account that is not connected any more: what still lies in the queue is set aside.
    pub fn set_aside(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some(Outcome::Skipped);
            self.reason = Some(Reason::OtherAccount);
            self.message = Some(Reason::OtherAccount.advice().to_owned());
        }
    }

    /// Settles a queued row that nothing has processed for too long.
    pub fn give_up(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some(Outcome::Failed);
            self.reason = Some(Reason::NotProcessed);
            self.message = Some(Reason::NotProcessed.advice().to_owned());
        }
    }
}
