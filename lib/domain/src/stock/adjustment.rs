//! Corrections of levels.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::level::{Floor, StockChange, StockKey};
use super::movement::{Movement, MovementKind};
use crate::ids::{LocationId, ProductId};

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
