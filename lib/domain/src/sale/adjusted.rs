//! Adjustments that a sale keeps.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::money::Minor;

/// Adjustments that a sale keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    /// The total before the first of them: what ShipStation stated.
    pub stated_total: Minor,
    /// The adjustments, the oldest first; at most [`Adjusted::KEPT`], the first always among them.
    pub changes: Vec<AdjustedBy>,
}

/// One adjustment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustedBy {
    /// Time of the adjustment.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// The changes in a few words.
    pub what: String,
    /// The total since then.
    pub total: Minor,
}

impl Adjusted {
    /// Number of adjustments that a sale keeps: one that is adjusted every day must not outgrow its item.
    pub const KEPT: usize = 40;
}
