//! Stock: how much of a product is at a location, and what moves it.
//!
//! Three counters describe a level, and every movement adds to them. `available` is what nobody has a claim on; `unpicked` is what lies on the shelf and
//! is in nobody's hands yet, and never falls below zero: nothing is picked that is not there (P5).

use std::collections::BTreeMap;

use jiff::Timestamp;
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

/// Changes of stock that one write cannot hold, divided by when they are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Made before the write that they belong to: they may be refused, and undoing one is always possible.
    pub takes: Vec<StockChange>,
    /// Made after it: they are never refused, and undoing one may be impossible, because another sale has picked the units.
    pub gives: Vec<StockChange>,
}

impl Phases {
    /// Divides changes. One that adds units is made after the write; its floor, where it has one, is checked before.
    #[must_use]
    pub fn of(changes: &[StockChange]) -> Self {
        let mut phases = Self::default();
        for change in changes {
            if change.change.on_hand <= 0 && change.change.unpicked <= 0 {
                phases.takes.push(change.clone());
                continue;
            }
            if change.floor != Floor::None {
                phases.takes.push(StockChange { change: Change::default(), ..change.clone() });
            }
            phases.gives.push(StockChange { floor: Floor::None, ..change.clone() });
        }
        phases
    }
}

/// Levels as far as they are known. What is not known is taken for plenty: the write's own condition finds out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels(BTreeMap<StockKey, Level>);

impl Levels {
    /// Notes a level.
    pub fn learn(&mut self, key: StockKey, level: Level) {
        self.0.insert(key, level);
    }

    /// A level, where it is known.
    #[must_use]
    pub fn get(&self, key: &StockKey) -> Option<Level> {
        self.0.get(key).copied()
    }

    /// Applies a change that was written.
    pub fn apply(&mut self, change: &StockChange) {
        if let Some(level) = self.0.get_mut(&change.key) {
            *level = level.after(change.change);
        }
    }
}

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

/// A correction of a level by a person, kept as the cause of its movement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// The person's own key against writing it twice, else made from what it says and when.
    pub id: String,
    /// The product.
    pub product_id: ProductId,
    /// Its location.
    pub location_id: LocationId,
    /// Units that are added; negative takes away.
    pub quantity: i64,
    /// Reason that the person gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Time of the correction.
    pub at: Timestamp,
    /// Its author.
    pub by: String,
}

impl Adjustment {
    /// Its movement.
    #[must_use]
    pub fn movement(&self) -> Movement {
        let key = StockKey::new(&self.product_id, &self.location_id);
        Movement { at: self.at, kind: MovementKind::Adjust, key, quantity: self.quantity }
    }

    /// The write that it asks for: what is picked already cannot be taken away.
    #[must_use]
    pub fn stock_change(&self) -> StockChange {
        let movement = self.movement();
        let floor = if self.quantity < 0 { Floor::Unpicked(-self.quantity) } else { Floor::None };
        StockChange { change: movement.change(), key: movement.key, floor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(on_hand: i64, allocated: i64, unpicked: i64, floor: Floor) -> StockChange {
        let key = StockKey { product_id: "p".into(), location_id: "l".into() };
        StockChange { key, change: Change { on_hand, allocated, unpicked }, floor }
    }

    /// P4: whatever was moved before the write can be undone, and whatever follows it can be done, on any level.
    #[test]
    fn p4_takes_can_be_undone_and_gives_can_be_done_on_any_level() {
        let all: Vec<StockChange> = [-2, 0, 2]
            .into_iter()
            .flat_map(|on_hand| [-2, 0, 2].map(|unpicked| (on_hand, unpicked)))
            .flat_map(|(on_hand, unpicked)| [-1, 0, 1].map(|allocated| (on_hand, allocated, unpicked)))
            .flat_map(|(o, a, u)| [Floor::None, Floor::Available(3), Floor::Unpicked(3)].map(|floor| change(o, a, u, floor)))
            .collect();
        for one in &all {
            let Phases { takes, gives } = Phases::of(std::slice::from_ref(one));
            let total = takes.iter().chain(&gives).fold(Change::default(), |sum, part| sum.plus(part.change));
            assert_eq!(total, one.change, "{one:?}");
            for take in &takes {
                let undone = take.change.inverse();
                assert!(undone.unpicked >= 0 && undone.on_hand >= 0, "{take:?} cannot always be undone");
            }
            assert!(gives.iter().all(|give| give.floor == Floor::None), "{one:?} may be refused after the write");
            // What must be there is asked before the write.
            assert!(one.floor == Floor::None || takes.iter().any(|take| take.floor == one.floor), "{one:?}");
        }
    }
}
