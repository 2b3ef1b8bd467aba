//! Draft purchases from suppliers that ship to the buyer.

use serde::{Deserialize, Serialize};

use super::stage::StageStatus;
use crate::ids::ProductId;

/// A draft purchase: what a supplier shall send to the buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// Supplier that sends it.
    pub supplier: String,
    /// Draft, or voided with the sale.
    pub status: StageStatus,
    /// Products that are bought.
    pub lines: Vec<PurchaseLine>,
}

/// One line of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseLine {
    /// The sale's line.
    pub line_no: u32,
    /// The product.
    pub product_id: ProductId,
    /// Number of units.
    pub quantity: i64,
}
