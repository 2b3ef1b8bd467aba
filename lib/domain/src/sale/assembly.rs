//! Assemblies that are made for a sale.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::stage::StageStatus;
use crate::ids::{LocationId, ProductId};
use crate::stock::StockKey;

/// Units of a product that are made for a sale from its bill of materials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assembly {
    /// The product that is made.
    pub product_id: ProductId,
    /// Its location; its components come from there too.
    pub location_id: LocationId,
    /// Number of units.
    pub quantity: i64,
    /// Draft while components are short.
    pub status: StageStatus,
    /// Components that it takes in all.
    pub components: Vec<AssemblyPart>,
    /// Time at which it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// Quantity that an assembly takes of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssemblyPart {
    /// The component.
    pub product_id: ProductId,
    /// Number of units for the whole assembly.
    pub quantity: i64,
}

impl Assembly {
    /// The level of what is made.
    #[must_use]
    pub fn key(&self) -> StockKey {
        StockKey::new(&self.product_id, &self.location_id)
    }

    /// The level of one of its components.
    pub(super) fn part_key(&self, part: &AssemblyPart) -> StockKey {
        StockKey::new(&part.product_id, &self.location_id)
    }
}
