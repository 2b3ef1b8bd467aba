//! Claims of a sale on stock.

use serde::{Deserialize, Serialize};

use crate::ids::{LocationId, ProductId};
use crate::stock::StockKey;

/// Claim of a sale: one entry for each product and location, however many lines and kits ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The product.
    pub product_id: ProductId,
    /// Its location.
    pub location_id: LocationId,
    /// Number of units: 1 or more.
    pub quantity: i64,
    /// The product's own SKU, where it is only part of a kit and no line names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
}

impl Allocation {
    /// Its level.
    #[must_use]
    pub fn key(&self) -> StockKey {
        StockKey::new(&self.product_id, &self.location_id)
    }
}
