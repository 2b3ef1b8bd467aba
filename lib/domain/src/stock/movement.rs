//! Movements of stock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::level::{Change, StockKey};

/// Cause of a movement of stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// A person counted, received or wrote off.
    Adjust,
    /// A sale claims.
    Allocate,
    /// A sale's goods are taken from the shelf.
    Pick,
    /// They leave.
    Ship,
    /// A product is made from its components.
    Assemble,
    /// A component goes into what is made.
    Consume,
    /// A voided sale gives up its claim.
    Release,
    /// A voided sale's goods go back to the shelf.
    Unpick,
    /// A voided sale's goods come back.
    Unship,
    /// Goods that were made for a voided sale are taken apart.
    Disassemble,
    /// Its components are free again.
    Recover,
}

impl MovementKind {
    /// Change that `quantity` units of such a movement make to a level.
    #[must_use]
    pub fn change(self, quantity: i64) -> Change {
        let change = match self {
            Self::Adjust | Self::Assemble | Self::Recover => Change { on_hand: quantity, allocated: 0, unpicked: quantity },
            Self::Allocate => Change { on_hand: 0, allocated: quantity, unpicked: 0 },
            Self::Pick => Change { on_hand: 0, allocated: 0, unpicked: -quantity },
            // Out of the picker's hands and out of the house: what lies unpicked is not touched.
            Self::Ship => Change { on_hand: -quantity, allocated: -quantity, unpicked: 0 },
            Self::Consume | Self::Disassemble => Change { on_hand: -quantity, allocated: 0, unpicked: -quantity },
            Self::Release | Self::Unpick | Self::Unship => return self.undone().change(quantity).inverse(),
        };
        debug_assert!(quantity >= 0 || self == Self::Adjust, "{self:?} of {quantity}");
        change
    }

    /// The movement that this one takes back; itself where it takes nothing back.
    fn undone(self) -> Self {
        match self {
            Self::Release => Self::Allocate,
            Self::Unpick => Self::Pick,
            Self::Unship => Self::Ship,
            Self::Disassemble => Self::Assemble,
            Self::Recover => Self::Consume,
            other => other,
        }
    }
}

/// One movement of stock. Levels are the sum of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Time of the movement.
    pub at: Timestamp,
    /// Kind of the movement.
    pub kind: MovementKind,
    /// Product and location.
    pub key: StockKey,
    /// Number of units: positive, but for an adjustment that takes away.
    pub quantity: i64,
}

impl Movement {
    /// Change that it makes to its level.
    #[must_use]
    pub fn change(&self) -> Change {
        self.kind.change(self.quantity)
    }
}

/// Sums of movements for each level, levels that they leave as they were left out.
#[must_use]
pub fn sum(movements: &[Movement]) -> BTreeMap<StockKey, Change> {
    let mut sums: BTreeMap<StockKey, Change> = BTreeMap::new();
    for movement in movements {
        let sum = sums.entry(movement.key.clone()).or_default();
        *sum = sum.plus(movement.change());
    }
    sums.retain(|_, change| *change != Change::default());
    sums
}
