//! Lines, charges and discounts of a sale.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, LocationId, ProductId, TaxRuleId};
use crate::money::Minor;
use crate::reference::{Component, TaxComponent};

/// One line of a sale; order and invoice have the same lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleLine {
    /// From 1, in the order's sequence.
    pub line_no: u32,
    /// The product; none on a service line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Not a product of ours, or one without stock.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub service: bool,
    /// Components of one of it when it was sold, for a kit: giving it back does not depend on what the kit becomes later (N18).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Shipped by others, such as a marketplace's warehouse: stock here is not touched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// As ShipStation wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// As ShipStation wrote it, else the product's name.
    pub name: String,
    /// The chosen options, in full (S80).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// 0 is legal.
    pub quantity: i64,
    /// Exact, with ShipStation's own decimals: as the store states it, with tax where that is included.
    pub unit_price: Decimal,
    /// Quantity × unit price in whole minor units (see [`crate::allocate::round_to`]), less the tax where the unit price includes it.
    pub total: Minor,
    /// Its part of the order's tax.
    pub tax: Minor,
    /// The unit price includes the tax (N31): total and tax together are what the store states.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tax_included: bool,
    /// The rule under whose name the tax stands.
    pub tax_rule: TaxRuleId,
    /// The revenue account; none until the merchant's books decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Location of this line's goods.
    pub location_id: LocationId,
}

/// A tax rule as a sale remembers it (S68): what the rule becomes later does not change what was booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleTaxRule {
    /// Ours.
    pub id: TaxRuleId,
    /// Its name at the time.
    pub name: String,
    /// Its components at the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<TaxComponent>,
}

/// An additional charge on the whole order (S120, S121).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// `Shipping`, or `Adjustment` for a difference that ShipStation's own numbers leave.
    pub name: String,
    /// The adjustment's own name, or the shipping service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Negative only for an adjustment that lowers the total.
    pub amount: Minor,
    /// Its part of the order's tax.
    #[serde(default)]
    pub tax: Minor,
    /// The revenue account; none until the merchant's books decide, and on charges that were booked before they had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
}

/// A discount on the whole order (S120).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// As ShipStation named it.
    pub name: String,
    /// Amount that it takes off: zero or more.
    pub amount: Minor,
}

impl SaleLine {
    /// True if its quantity has a claim on stock here, or on a supplier.
    #[must_use]
    pub fn moves_goods(&self) -> bool {
        self.product_id.is_some() && !self.service && !self.external
    }
}
