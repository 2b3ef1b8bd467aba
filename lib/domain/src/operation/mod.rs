//! Operations: one run of a download, with what became of every order that it read (P2, S153, S154).

mod kind;
mod life;
mod row;
mod settle;
mod work;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{OperationId, ShipstationAccount};
use crate::log::{Outcome, Trigger};
use crate::pacific::PacificTime;

pub use kind::{KINDS, KindSpec, OperationKind, RowsOf, RunQueue, Source, StartedBy};
pub use life::CUT_OFF;
pub use row::{ImportedRow, OperationRow, QueuedRevision, count, distinct};
pub use settle::{LogOfOrder, Settlement, Settling};
pub use work::Work;

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
