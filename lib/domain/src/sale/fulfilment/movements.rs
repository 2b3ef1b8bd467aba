//! Movements of stock that a sale has caused, and the levels that it touches.

use std::collections::BTreeMap;

use super::super::product::Products;
use super::super::record::Sale;
use super::super::stage::StageStatus;
use crate::reference::ProductKind;
use crate::stock::{Change, Floor, Movement, MovementKind, StockChange, StockKey, sum};

impl Sale {
    /// Every movement of stock that the sale has caused, in the order in which they happened. Levels are the sum of these and of adjustments.
    #[must_use]
    pub fn movements(&self) -> Vec<Movement> {
        let mut movements = Vec::new();
        let mut note = |at, kind, key: StockKey, quantity| movements.push(Movement { at, kind, key, quantity });
        for assembly in &self.assemblies {
            let Some(at) = assembly.at else { continue };
            for part in &assembly.components {
                note(at, MovementKind::Consume, assembly.part_key(part), part.quantity);
            }
            note(at, MovementKind::Assemble, assembly.key(), assembly.quantity);
        }
        let stages = [(&self.pick, MovementKind::Pick, MovementKind::Unpick), (&self.ship, MovementKind::Ship, MovementKind::Unship)];
        for allocation in &self.allocations {
            note(self.created_at, MovementKind::Allocate, allocation.key(), allocation.quantity);
            for (stage, done, _) in stages {
                if let Some(at) = stage.at {
                    note(at, done, allocation.key(), allocation.quantity);
                }
            }
        }
        let Some(voided_at) = self.voided_at else { return in_order(movements) };
        for allocation in &self.allocations {
            for (stage, _, undone) in stages.into_iter().rev() {
                if stage.at.is_some() {
                    note(voided_at, undone, allocation.key(), allocation.quantity);
                }
            }
            note(voided_at, MovementKind::Release, allocation.key(), allocation.quantity);
        }
        for assembly in self.assemblies.iter().filter(|assembly| assembly.at.is_some() && assembly.status == StageStatus::Voided) {
            note(voided_at, MovementKind::Disassemble, assembly.key(), assembly.quantity);
            for part in &assembly.components {
                note(voided_at, MovementKind::Recover, assembly.part_key(part), part.quantity);
            }
        }
        in_order(movements)
    }

    /// Sum that the sale has added to each level up to now.
    #[must_use]
    pub fn position(&self) -> BTreeMap<StockKey, Change> {
        sum(&self.movements())
    }

    /// The levels that the sale looks at or moves: its claims, and the components of what may be made for it.
    #[must_use]
    pub fn stock_keys(&self, products: &Products) -> Vec<StockKey> {
        let mut keys: Vec<StockKey> = Vec::new();
        for allocation in &self.allocations {
            keys.push(allocation.key());
            let parts = products.get(&allocation.product_id).filter(|product| product.kind == ProductKind::Assembly);
            let parts = parts.map(|product| product.components.as_slice()).unwrap_or_default();
            keys.extend(parts.iter().map(|part| StockKey::new(&part.product_id, &allocation.location_id)));
        }
        for assembly in &self.assemblies {
            keys.extend(assembly.components.iter().map(|part| assembly.part_key(part)));
        }
        keys.sort();
        keys.dedup();
        keys
    }

    /// Changes that the sale makes to levels beyond `before`.
    pub(super) fn changes(&self, before: &BTreeMap<StockKey, Change>, floor: impl Fn(&StockKey, Change) -> Floor) -> Vec<StockChange> {
        let mut position = self.position();
        for (key, change) in before {
            let now = position.entry(key.clone()).or_default();
            *now = now.plus(change.inverse());
        }
        position.retain(|_, change| *change != Change::default());
        let change = |(key, change): (StockKey, Change)| StockChange { floor: floor(&key, change), key, change };
        position.into_iter().map(change).collect()
    }
}

/// Movements by their time; those of one moment stay as they stand.
fn in_order(mut movements: Vec<Movement>) -> Vec<Movement> {
    movements.sort_by_key(|movement| movement.at);
    movements
}
