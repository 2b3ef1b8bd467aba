//! The lines of a sale that is booked: their products, taxes and accounts.

use std::sync::Arc;

use super::booking::Unbookable;
use super::comment::options_comment;
use super::line::SaleLine;
use super::product::{ProductMatch, Products};
use super::taxation::Taxed;
use crate::ids::{AccountId, LocationId, TaxRuleId};
use crate::money::Minor;
use crate::order::Item;
use crate::reason::Reason;
use crate::reference::{Product, ProductKind};
use crate::settings::Settings;
use crate::stock::LARGEST_QUANTITY;
use crate::warning::Warning;

/// Terms that all lines and charges of an order share.
pub(super) struct LineTerms<'a> {
    pub(super) settings: &'a Settings,
    pub(super) products: &'a Products,
    pub(super) tax_rule: &'a TaxRuleId,
    pub(super) location: &'a LocationId,
    pub(super) customer_account: Option<&'a AccountId>,
    /// A marketplace's warehouse ships the order.
    pub(super) external: bool,
}

impl LineTerms<'_> {
    /// The account that revenue goes to: the settings', else the product's, else the customer's, else the default (S41). A charge has no product.
    pub(super) fn revenue_account(&self, of_product: Option<&AccountId>) -> Option<AccountId> {
        let settings = self.settings;
        settings.revenue_account.as_ref().or(of_product).or(self.customer_account).or(settings.default_revenue_account.as_ref()).cloned()
    }

    /// The lines of a sale. Products that are missing, ambiguous or found only by their normalized SKU are noted in `warnings`.
    ///
    /// # Errors
    /// [`Unbookable::Failed`] for a quantity of a product that cannot be counted.
    pub(super) fn lines(&self, items: &[(&Item, Minor)], taxed: &Taxed, warnings: &mut Vec<Warning>) -> Result<Vec<SaleLine>, Unbookable> {
        let mut lines = Vec::with_capacity(items.len());
        let mut matches = Matches::default();
        for (index, ((item, total), tax)) in items.iter().zip(&taxed.lines).enumerate() {
            let product = matches.product(item, self.products);
            // Stock is counted, and a number of pieces that nobody could count is a mistake.
            if product.is_some() && item.quantity.unsigned_abs() > LARGEST_QUANTITY.unsigned_abs() {
                return Err(Unbookable::Failed(Warning::new(Reason::QuantityTooLarge, &format!("The quantity is {}.", item.quantity))));
            }
            let of_product = product.and_then(|product| product.revenue_account.as_ref());
            lines.push(SaleLine {
                line_no: u32::try_from(index + 1).unwrap_or(u32::MAX),
                product_id: product.map(|product| product.id.clone()),
                service: product.is_none_or(|product| product.kind == ProductKind::Service),
                components: product
                    .filter(|product| product.kind == ProductKind::Kit)
                    .map(|product| product.components.clone())
                    .unwrap_or_default(),
                external: self.external,
                sku: item.sku.clone(),
                name: name(item, product),
                comment: options_comment(&item.options),
                quantity: item.quantity,
                unit_price: item.unit_price,
                total: taxed.net(*total, *tax),
                tax: *tax,
                tax_included: taxed.included,
                tax_rule: self.tax_rule.clone(),
                account: self.revenue_account(of_product),
                location_id: self.location.clone(),
            });
        }
        matches.warn(warnings);
        Ok(lines)
    }
}

/// As ShipStation wrote it, else the product's name, else the SKU.
fn name(item: &Item, product: Option<&Arc<Product>>) -> String {
    let of_product = || product.map(|product| product.name.clone());
    item.name.clone().or_else(of_product).or_else(|| item.sku.clone()).unwrap_or_else(|| "Item".to_owned())
}

/// SKUs whose match is worth a warning.
#[derive(Default)]
struct Matches<'a> {
    service: Vec<&'a str>,
    ambiguous: Vec<&'a str>,
    normalized: Vec<&'a str>,
}

impl<'a> Matches<'a> {
    /// The product of a line, if there is exactly one.
    fn product<'p>(&mut self, item: &'a Item, products: &'p Products) -> Option<&'p Arc<Product>> {
        match products.find(item) {
            ProductMatch::Found(product) => {
                self.normalized.extend(item.sku.as_deref().filter(|_| products.is_found_normalized(item)));
                Some(product)
            }
            ProductMatch::Ambiguous => {
                self.ambiguous.push(item.sku.as_deref().unwrap_or_default());
                None
            }
            ProductMatch::Unknown => {
                self.service.push(item.sku.as_deref().unwrap_or("no SKU"));
                None
            }
        }
    }

    fn warn(&self, warnings: &mut Vec<Warning>) {
        let by_reason =
            [(Reason::ServiceLine, &self.service), (Reason::AmbiguousSku, &self.ambiguous), (Reason::SkuNormalized, &self.normalized)];
        for (reason, skus) in by_reason {
            if !skus.is_empty() {
                warnings.push(Warning::new(reason, &named(skus)));
            }
        }
    }
}

/// Names at most three SKUs, so that an order of a thousand unknown ones does not fill the log.
fn named(skus: &[&str]) -> String {
    let shown = skus.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    match skus.len().saturating_sub(3) {
        0 => format!("{shown}."),
        more => format!("{shown} and {more} more."),
    }
}
