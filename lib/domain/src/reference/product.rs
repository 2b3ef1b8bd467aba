//! Products and their components.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{AccountId, ProductId, ShipstationProductId};

/// Aliases of one product: product, SKU, aliases before and after and both links fit one transaction of a hundred writes.
pub const MOST_ALIASES: usize = 40;

/// Kind of a product (docs/requirements.md, section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductKind {
    /// Kept in stock.
    #[default]
    Stock,
    /// No stock.
    Service,
    /// Sold as one, picked as its components; no stock of its own (N18).
    Kit,
    /// Kept in stock, and made from its components (its bill of materials) when orders need it (S57–S62).
    Assembly,
    /// Sent to the buyer by its supplier; no stock here, and not picked.
    DropShip,
}

impl ProductKind {
    /// Every kind, the default first.
    pub const ALL: [Self; 5] = [Self::Stock, Self::Service, Self::Kit, Self::Assembly, Self::DropShip];

    /// The text of the API and of the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Service => "service",
            Self::Kit => "kit",
            Self::Assembly => "assembly",
            Self::DropShip => "drop_ship",
        }
    }

    /// True if units of it lie on our shelves.
    #[must_use]
    pub fn has_stock(self) -> bool {
        matches!(self, Self::Stock | Self::Assembly)
    }

    /// True if it consists of other products.
    #[must_use]
    pub fn has_components(self) -> bool {
        matches!(self, Self::Kit | Self::Assembly)
    }
}

/// A part of a kit, or of the bill of materials of an assembly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The product.
    pub product_id: ProductId,
    /// Quantity of it that one unit takes: 1 or more.
    pub quantity: i64,
}

/// A product of the merchant's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Ours.
    pub id: ProductId,
    /// Unique among products, as written.
    pub sku: String,
    /// As shown on sales.
    pub name: String,
    /// Kind of the product.
    #[serde(default)]
    pub kind: ProductKind,
    /// Other codes under which orders name it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The ShipStation product that it is linked to; wins over SKU (S82).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipstation_product_id: Option<ShipstationProductId>,
    /// The account of its sales, unless the settings name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue_account: Option<AccountId>,
    /// Components of a kit or an assembly; empty for every other kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Supplier that sends a drop-ship product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    /// Its price in each price tier that has one, in the settings' currency, exact (S29).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<u8, Decimal>,
    /// Time of its creation.
    pub created_at: Timestamp,
}

impl Product {
    /// A stock product with nothing but its names.
    #[must_use]
    pub fn new(id: impl Into<ProductId>, sku: impl Into<String>, name: impl Into<String>, created_at: Timestamp) -> Self {
        Self {
            id: id.into(),
            sku: sku.into(),
            name: name.into(),
            kind: ProductKind::Stock,
            aliases: Vec::new(),
            shipstation_product_id: None,
            revenue_account: None,
            components: Vec::new(),
            supplier: None,
            prices: BTreeMap::new(),
            created_at,
        }
    }
}

impl ProductId {
    /// The id of the product that an import makes for `sku`: derived, so that two imports at once make one. `attempt` counts from 1: the first id may
    /// belong to a product whose SKU was changed since.
    #[must_use]
    pub fn of_sku(sku: &str, attempt: u32) -> Self {
        let digest = Digest::of_bytes(format!("{sku}\n{attempt}").as_bytes()).to_string();
        Self(format!("PRD-{}", digest.get(..16).unwrap_or(&digest)))
    }
}
