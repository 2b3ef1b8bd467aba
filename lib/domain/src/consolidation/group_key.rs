//! Keys by which parts of a day are merged.

use std::ops::AddAssign;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::capped_totals::Name;
use crate::ids::{AccountId, LocationId, ProductId, TaxRuleId};
use crate::money::Minor;
use crate::reference::Component;
use crate::sale::{Charge, Payment, SaleLine};

/// Lines that are equal in this are one line of the day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct LineKey {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Of a line without a product: SKU and name as the channel wrote them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unknown: Option<(Option<String>, String)>,
    unit_price: Decimal,
    pub tax_rule: TaxRuleId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    pub location_id: LocationId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub service: bool,
    /// Prices that include tax are other prices than those without (N31).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tax_included: bool,
    /// True if another warehouse ships it: it takes nothing from stock here, so it is not one line with what we ship.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// Components of the kit: one that was changed during the day is two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

impl LineKey {
    pub(super) fn of(line: &SaleLine) -> Self {
        Self {
            product_id: line.product_id.clone(),
            unknown: line.product_id.is_none().then(|| (line.sku.clone(), line.name.clone())),
            unit_price: line.unit_price.normalize(),
            tax_rule: line.tax_rule.clone(),
            account: line.account.clone(),
            location_id: line.location_id.clone(),
            service: line.service,
            tax_included: line.tax_included,
            external: line.external,
            components: line.components.clone(),
        }
    }
}

/// Charges that are equal in this are one charge of the day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ChargeName {
    name: String,
    comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
}

impl ChargeName {
    pub(super) fn of(charge: &Charge) -> Self {
        Self { name: charge.name.clone(), comment: charge.comment.clone(), account: charge.account.clone() }
    }

    pub(super) fn with(self, sum: Taxed) -> Charge {
        Charge { name: self.name, comment: self.comment, amount: sum.amount, tax: sum.tax, account: self.account }
    }
}

impl Name for ChargeName {
    fn general(&self) -> Self {
        Self { name: self.name.clone(), comment: None, account: self.account.clone() }
    }
}

/// An amount and its tax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taxed {
    pub amount: Minor,
    pub tax: Minor,
}

impl AddAssign for Taxed {
    fn add_assign(&mut self, other: Self) {
        self.amount += other.amount;
        self.tax += other.tax;
    }
}

/// Discounts that are equal in this are one discount of the day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct DiscountName(pub String);

impl Name for DiscountName {
    fn general(&self) -> Self {
        Self("Other discounts".to_owned())
    }
}

/// Payments that are equal in this are one payment of the day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct PaymentName {
    date: Option<Date>,
    account: AccountId,
    method: Option<String>,
}

impl PaymentName {
    pub(super) fn of(payment: &Payment) -> Self {
        Self { date: payment.date, account: payment.account.clone(), method: payment.method.clone() }
    }

    pub(super) fn with(self, amount: Minor) -> Payment {
        Payment { amount, account: self.account, method: self.method, date: self.date, id: None, by: None }
    }
}

impl Name for PaymentName {
    fn general(&self) -> Self {
        Self { method: None, ..self.clone() }
    }
}
