//! Inputs of a fulfilment.

use jiff::Timestamp;

use super::super::product::Products;
use crate::ids::ProductId;
use crate::reference::ProductKind;
use crate::settings::{AutoAssembly, PickPackShip};
use crate::stock::{Levels, StockKey};

/// Actor that moves stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The system by itself: it takes nothing that other sales have a claim on.
    System,
    /// A person who says so: whatever lies there unpicked may be taken.
    Person,
}

/// Extent of a sale's fulfilment, and its inputs.
#[derive(Clone, Copy, Debug)]
pub struct Fulfilment<'a> {
    /// Extent of the fulfilment.
    pub mode: PickPackShip,
    /// Quantity of a product with a bill of materials that is made.
    pub auto_assembly: AutoAssembly,
    /// The sale's products and their components.
    pub products: &'a Products,
    /// Known levels of the products.
    pub levels: &'a Levels,
    /// Actor that does it.
    pub actor: Actor,
    /// Time of the fulfilment.
    pub at: Timestamp,
}

impl Fulfilment<'_> {
    /// Quantity that may be taken at a level. Nothing where it is not known, which means enough.
    pub(super) fn within_reach(&self, key: &StockKey) -> Option<i64> {
        let level = self.levels.get(key)?;
        Some(match self.actor {
            Actor::System => level.available(),
            Actor::Person => level.unpicked,
        })
    }

    pub(super) fn is_assembly(&self, product: &ProductId) -> bool {
        self.products.get(product).is_some_and(|product| product.kind == ProductKind::Assembly)
    }
}
