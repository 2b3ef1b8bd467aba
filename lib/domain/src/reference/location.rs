//! Locations of stock.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::ids::LocationId;

/// A place that holds stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Ours.
    pub id: LocationId,
    /// Unique among locations.
    pub name: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Address::is_blank")]
    pub address: Address,
    /// Lower comes first among equals.
    #[serde(default)]
    pub priority: i32,
    /// Not taken for new sales when false.
    #[serde(default = "yes")]
    pub active: bool,
    /// Time of its creation.
    pub created_at: Timestamp,
}

fn yes() -> bool {
    true
}
