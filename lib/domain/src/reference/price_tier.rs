//! Names of price tiers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::PriceTierId;

/// A merchant's name for a price tier (S29). A tier needs no record to be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTier {
    /// Ours, derived from the number.
    pub id: PriceTierId,
    /// 1 to 10, as the settings and the products' prices name it.
    pub tier: u8,
    /// Unique among price tiers.
    pub name: String,
    /// Time of its creation.
    pub created_at: Timestamp,
}
