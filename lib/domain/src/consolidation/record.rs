//! Records of runs: one marker for each local date, and what the next decision needs.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{OperationId, SaleId};

/// A run and its snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRun {
    /// The merchant's date whose sale this is.
    pub local_date: Date,
    /// Time at which it falls due. Orders captured up to here are in, whenever the run really begins.
    pub boundary: Timestamp,
}

/// The run of one local date: the marker that is written once, with a condition, and then moves from step to step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The date: the key.
    pub local_date: Date,
    /// Orders captured up to this moment are in; later ones are the next run's.
    pub boundary: Timestamp,
    /// The version of the settings that the whole run uses, whatever they become meanwhile.
    pub settings_version: u64,
    /// The operation that tells people about it.
    pub operation_id: OperationId,
    /// Next step of the run.
    pub step: RunStep,
    /// Orders in the sale; counted when everything was claimed.
    #[serde(default)]
    pub orders: u64,
    /// Orders that were left out, each with a reason in its log entry.
    #[serde(default)]
    pub left_out: u64,
    /// Time at which the marker was written.
    pub begun_at: Timestamp,
    /// Time at which the last step was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Time at which a person voided the sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voided_at: Option<Timestamp>,
}

/// Next step of a run. Each step can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStep {
    /// Open orders get the day's sale id and are added up, page by page; then the sale is written. Nobody sees it yet.
    Gathering,
    /// There is a sale, or there was nothing to sell.
    Done,
}

impl RunRecord {
    /// The marker of a run that begins.
    #[must_use]
    pub fn new(run: DueRun, settings_version: u64, operation_id: OperationId, now: Timestamp) -> Self {
        Self {
            local_date: run.local_date,
            boundary: run.boundary,
            settings_version,
            operation_id,
            step: RunStep::Gathering,
            orders: 0,
            left_out: 0,
            begun_at: now,
            finished_at: None,
            voided_at: None,
        }
    }

    /// True if an order that was captured at `captured_at` may be in this run. One that was captured later never is.
    #[must_use]
    pub fn takes(&self, captured_at: Timestamp) -> bool {
        captured_at <= self.boundary
    }

    /// The id of the day's sale.
    #[must_use]
    pub fn sale_id(&self) -> SaleId {
        SaleId::of_day(self.local_date)
    }
}

/// The newest run, as far as the next decision needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// Its date. No run is ever due for this date or an earlier one.
    pub local_date: Date,
    /// Its boundary.
    pub boundary: Timestamp,
    /// True once it came to its end.
    pub finished: bool,
}

impl From<&RunRecord> for LastRun {
    fn from(run: &RunRecord) -> Self {
        Self { local_date: run.local_date, boundary: run.boundary, finished: run.step == RunStep::Done }
    }
}

/// All that [`due`](super::due) needs to know about the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHistory {
    /// Time at which daily consolidation was last turned on. There are no runs for dates that ended before.
    pub since: Timestamp,
    /// The newest run, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRun>,
}
