//! Lines of many orders as one.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::group_key::LineKey;
use super::options::Options;
use crate::money::Minor;
use crate::sale::SaleLine;

/// Sum of the lines with one [`LineKey`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LineSum {
    /// The first by order of those that the lines have: channels spell one product's SKU and name differently.
    pub sku: Option<String>,
    pub name: String,
    /// The lines' comment, where all have the same: only in a sum that an earlier version put away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// Chosen options with their counts.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    options: Options,
    quantity: i64,
    /// With the most decimals that any of the lines writes it with.
    unit_price: Decimal,
    total: Minor,
    tax: Minor,
}

impl LineSum {
    pub(super) fn of(line: &SaleLine) -> Self {
        Self {
            sku: line.sku.clone(),
            name: line.name.clone(),
            comment: None,
            options: Options::of(line),
            quantity: line.quantity,
            unit_price: unsigned_zero(line.unit_price),
            total: line.total,
            tax: line.tax,
        }
    }

    /// Adds a line with the same key. The caller has made sure that nothing overflows.
    pub(super) fn add(&mut self, line: &SaleLine) {
        if (&line.sku, &line.name) < (&self.sku, &self.name) {
            self.sku.clone_from(&line.sku);
            self.name.clone_from(&line.name);
        }
        self.take_over();
        self.options.add(line);
        if line.unit_price.scale() > self.unit_price.scale() {
            self.unit_price = unsigned_zero(line.unit_price);
        }
        self.quantity = self.quantity.saturating_add(line.quantity);
        self.total += line.total;
        self.tax += line.tax;
    }

    /// Takes over what an earlier version knew of the lines so far.
    fn take_over(&mut self) {
        if let Some(comment) = self.comment.take() {
            self.options.take_over(comment, self.quantity);
        }
    }

    pub(super) fn line(&self, line_no: u32, key: &LineKey) -> SaleLine {
        SaleLine {
            line_no,
            product_id: key.product_id.clone(),
            service: key.service,
            external: key.external,
            components: key.components.clone(),
            sku: self.sku.clone(),
            name: self.name.clone(),
            comment: self.comment.clone().or_else(|| self.options.in_words(self.quantity)),
            quantity: self.quantity,
            unit_price: self.unit_price,
            total: self.total,
            tax: self.tax,
            tax_included: key.tax_included,
            tax_rule: key.tax_rule.clone(),
            account: key.account.clone(),
            location_id: key.location_id.clone(),
        }
    }
}

/// A price of nothing may come with a minus sign, which says nothing.
fn unsigned_zero(mut price: Decimal) -> Decimal {
    if price.is_zero() {
        price.set_sign_positive(true);
    }
    price
}
