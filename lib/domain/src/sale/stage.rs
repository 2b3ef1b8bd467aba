//! Stages of a sale: invoice, pick, pack, ship.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A stage of fulfilment. What it handles are the sale's allocations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// State of the stage.
    pub status: StageStatus,
    /// Time at which it was done; stays when the sale is voided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Quantities that a draft pick found of each allocation; none: it has not looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Vec<i64>>,
}

impl Stage {
    pub(super) fn is_untouched(&self) -> bool {
        *self == Self::default()
    }
}

/// State of a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    /// Nothing to do here yet.
    #[default]
    NotAvailable,
    /// Waits for a person.
    Draft,
    /// Done.
    Authorised,
    /// Undone.
    Voided,
}

impl Stage {
    /// Done, or waiting for a person now that the stage before it is done. What is done stays done.
    pub(super) fn reach(&mut self, done: bool, at: Timestamp) {
        if self.status == StageStatus::Authorised {
            return;
        }
        self.status = if done { StageStatus::Authorised } else { StageStatus::Draft };
        self.at = done.then_some(at);
    }
}
