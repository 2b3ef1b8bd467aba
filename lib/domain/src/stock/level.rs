//! Levels of stock, and writes to them.

use serde::{Deserialize, Serialize};

use crate::ids::{LocationId, ProductId};

/// The most units that one line, adjustment, kit or bill of materials may name. A million of these still fit the counters.
pub const LARGEST_QUANTITY: i64 = 1_000_000_000;

/// A product at a location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StockKey {
    /// The product.
    pub product_id: ProductId,
    /// Its location.
    pub location_id: LocationId,
}

impl StockKey {
    /// This product at this location.
    #[must_use]
    pub fn new(product_id: &ProductId, location_id: &LocationId) -> Self {
        Self { product_id: product_id.clone(), location_id: location_id.clone() }
    }
}

/// Quantities at a level, in units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Level {
    /// Quantity at the location, picked or not.
    pub on_hand: i64,
    /// Quantity that live sales have a claim on and have not shipped. May exceed what is on hand.
    pub allocated: i64,
    /// Quantity on hand and not picked.
    pub unpicked: i64,
}

impl Level {
    /// On hand − allocated: negative while more is sold than there is.
    #[must_use]
    pub fn available(self) -> i64 {
        self.on_hand.saturating_sub(self.allocated)
    }

    /// The level after a change.
    #[must_use]
    pub fn after(self, change: Change) -> Self {
        Self {
            on_hand: self.on_hand.saturating_add(change.on_hand),
            allocated: self.allocated.saturating_add(change.allocated),
            unpicked: self.unpicked.saturating_add(change.unpicked),
        }
    }
}

/// Change of a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Change {
    /// To what is on hand.
    pub on_hand: i64,
    /// To what is allocated.
    pub allocated: i64,
    /// To what is on hand and not picked.
    pub unpicked: i64,
}

impl Change {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            on_hand: self.on_hand.saturating_add(other.on_hand),
            allocated: self.allocated.saturating_add(other.allocated),
            unpicked: self.unpicked.saturating_add(other.unpicked),
        }
    }

    /// The change that undoes it.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { on_hand: -self.on_hand, allocated: -self.allocated, unpicked: -self.unpicked }
    }

    /// Its part in what is available.
    #[must_use]
    pub fn available(self) -> i64 {
        self.on_hand.saturating_sub(self.allocated)
    }
}

/// Quantity that must be there before a change may be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Floor {
    /// Nothing: a claim may exceed what there is.
    #[default]
    None,
    /// At least so much available: what is done by itself takes nothing that others have a claim on.
    Available(i64),
    /// At least so much unpicked: a person may take what lies there, whoever has a claim on it.
    Unpicked(i64),
}

impl Floor {
    /// True if `level` is enough.
    #[must_use]
    pub fn holds(self, level: Level) -> bool {
        match self {
            Self::None => true,
            Self::Available(least) => level.available() >= least,
            Self::Unpicked(least) => level.unpicked >= least,
        }
    }
}

/// One write to a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockChange {
    /// Key of the level.
    pub key: StockKey,
    /// Quantities that are added.
    pub change: Change,
    /// Quantity that must be there.
    pub floor: Floor,
}
