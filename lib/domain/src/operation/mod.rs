//! Operations: one run of a download, with what became of every order that it read (P2, S153, S154).

mod kind;

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{OperationId, OrderId, ShipstationAccount};
use crate::import::{Line, RowFault};
use crate::log::{Decision, LogEntry, LogState, Outcome, SeenRevision, Trigger};
use crate::order::RevisionKey;
use crate::pacific::PacificTime;
use crate::reason::Reason;

pub use kind::{KINDS, KindSpec, OperationKind, RowsOf, RunQueue, Source, StartedBy};

/// Progress of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Asked for, not begun.
    Queued,
    /// Reading.
    Running,
    /// Everything is read; queued orders are being processed.
    Processing,
    /// Every order is accounted for.
    Completed,
    /// Reading stopped with an error; what was read before is accounted for.
    Failed,
}

impl OperationState {
    /// True once nothing will change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// The part of ShipStation's time that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// From this wall time of ShipStation's.
    pub from: PacificTime,
    /// Up to this one; none means up to now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<PacificTime>,
}

/// Numbers of orders by outcome. The counts add up to the distinct orders read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// By outcome; an outcome without orders may be absent.
    pub by_outcome: BTreeMap<Outcome, u64>,
    /// Queued and not processed yet.
    pub queued: u64,
}

impl Counts {
    /// Orders with this outcome.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.by_outcome.get(&outcome).copied().unwrap_or(0)
    }

    /// Adds one order; without an outcome it is queued.
    pub fn add(&mut self, outcome: Option<Outcome>) {
        match outcome {
            Some(outcome) => *self.by_outcome.entry(outcome).or_default() += 1,
            None => self.queued += 1,
        }
    }

    /// All distinct orders read.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_outcome.values().sum::<u64>() + self.queued
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Time-sortable.
    pub id: OperationId,
    /// Kind of the operation.
    #[serde(flatten)]
    pub kind: OperationKind,
    /// The account that its orders are of.
    #[serde(default, skip_serializing_if = "ShipstationAccount::is_first")]
    pub account: ShipstationAccount,
    /// Starter of the operation.
    pub trigger: Trigger,
    /// Its author: `schedule`, or a person.
    pub by: String,
    /// Part of ShipStation's time that it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Progress of the operation.
    pub state: OperationState,
    /// Reason of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The sentence for it, with what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Outcomes of the orders.
    #[serde(default)]
    pub counts: Counts,
    /// Requests to ShipStation.
    pub requests: u32,
    /// Pages of rows written.
    pub pages: u32,
    /// Up to where everything is safely queued: where the next invocation goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<PacificTime>,
    /// Time at which it was asked for or began.
    pub started_at: Timestamp,
    /// Time at which reading ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// Time at which every order was accounted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The last sign of life of the process that works on it, and how long it holds the operation; none before the first, and in what earlier releases wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Work>,
}

/// A process at work on an operation. Only one is at a time: of two deliveries of one command the second waits until the first is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Tells one invocation from another.
    pub by: String,
    /// Time at which it last wrote the operation.
    pub written_at: Timestamp,
    /// Until then no other process works on it; none once it has handed on or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
}

/// Time for which a running operation may be silent before it counts as cut off: its command is delivered five times, 90 minutes apart, and each delivery writes.
const SILENT: SignedDuration = SignedDuration::from_hours(8);
/// Time for which a scheduled download may be silent. It loses nothing by being cut off: the next one begins at the cursor.
const DOWNLOAD_SILENT: SignedDuration = SignedDuration::from_mins(20);
/// Time for which an operation may wait for its command: the queue keeps a message for four days.
const NEVER_BEGUN: SignedDuration = SignedDuration::from_hours(4 * 24 + 1);

/// The reason of an operation whose process ended without a word.
pub const CUT_OFF: &str = "cut_off";

impl Operation {
    /// An operation that a person asked for and nothing has begun; its id is the first that its kind has at `now`.
    #[must_use]
    pub fn new(kind: OperationKind, account: ShipstationAccount, by: &str, now: Timestamp) -> Self {
        Self {
            id: kind.spec().id(now, 1),
            kind,
            account,
            trigger: Trigger::Manual,
            by: by.to_owned(),
            window: None,
            state: OperationState::Queued,
            reason: None,
            message: None,
            counts: Counts::default(),
            requests: 0,
            pages: 0,
            position: None,
            started_at: now,
            read_at: None,
            finished_at: None,
            work: None,
        }
    }

    /// True if another process than `by` is at work on it.
    #[must_use]
    pub fn is_held_by_another(&self, by: &str, now: Timestamp) -> bool {
        self.work.as_ref().is_some_and(|work| work.by != by && work.held_until.is_some_and(|until| until > now))
    }

    /// True if its process and every further delivery of its command are gone. Measured from the last sign of life, never from the start: a run that works
    /// or waits for long is not dead, and neither is one that is queued.
    #[must_use]
    pub fn is_cut_off(&self, now: Timestamp) -> bool {
        // A day's run goes on until it is done; its own marker says which process has it.
        if self.kind.is_run_of_a_day() || self.is_held_by_another("", now) {
            return false;
        }
        let limit = match (self.state, &self.kind) {
            (OperationState::Queued, _) => NEVER_BEGUN,
            (OperationState::Running, OperationKind::Download) => DOWNLOAD_SILENT,
            (OperationState::Running, _) => SILENT,
            _ => return false,
        };
        let alive = self.work.as_ref().map_or(self.started_at, |work| work.written_at.max(self.started_at));
        now.duration_since(alive) > limit
    }

    /// True if a command that arrives has something to do: also for an operation that was given up as cut off, whose command came late or from the dead
    /// letters. A download is left to the next one.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        match self.state {
            OperationState::Queued | OperationState::Running => true,
            OperationState::Failed => self.reason.as_deref() == Some(CUT_OFF) && self.kind != OperationKind::Download,
            OperationState::Processing | OperationState::Completed => false,
        }
    }

    /// Ends it as cut off.
    pub fn cut_off(&mut self, now: Timestamp) {
        self.fail(
            CUT_OFF,
            "The run was cut off. Scheduled downloads go on by themselves where it stopped; start it again if a person did.",
            now,
        );
    }

    /// Ends it with an error: what was read before is accounted for.
    pub fn fail(&mut self, reason: &str, message: &str, now: Timestamp) {
        self.state = OperationState::Failed;
        self.read_at = Some(self.read_at.unwrap_or(now));
        self.finished_at = Some(now);
        self.reason = Some(reason.to_owned());
        self.message = Some(message.to_owned());
        if let Some(work) = &mut self.work {
            work.held_until = None;
        }
    }
}

/// The author of what the schedule began.
pub const SCHEDULE: &str = "schedule";

/// The author of what nobody asked for: the healing of orders that waited.
pub const SYSTEM: &str = "system";

impl Operation {
    /// Healing: orders that waited are tried again without anybody's word.
    #[must_use]
    pub fn is_healing(&self) -> bool {
        matches!(self.kind, OperationKind::ProcessPending { .. }) && self.by == SYSTEM
    }

    /// Healing of which nothing has come so far. As long as orders stay as they are, there is nothing to show.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.is_healing() && [Outcome::Captured, Outcome::Cancelled].into_iter().all(|outcome| self.counts.of(outcome) == 0)
    }
}

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

    fn key(&self) -> RevisionKey {
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
