//! Product of ours that a line names (S82, S123, S125).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::ids::{ProductId, ShipstationProductId};
use crate::order::Item;
use crate::reference::{Product, normalize_sku, visible_sku};

/// The products that an order's lines may name, loaded by their keys.
#[derive(Clone, Debug, Default)]
pub struct Products {
    linked: HashMap<ShipstationProductId, Arc<Product>>,
    coded: HashMap<String, Vec<Arc<Product>>>,
    known: HashMap<ProductId, Arc<Product>>,
}

/// Match of a line's product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProductMatch<'a> {
    /// This product.
    Found(&'a Arc<Product>),
    /// Several products, none of them exactly.
    Ambiguous,
    /// None.
    Unknown,
}

impl Products {
    /// Adds a product that lines do not name by themselves: a component of one that they do.
    pub fn add_component(&mut self, product: Arc<Product>) {
        self.known.insert(product.id.clone(), product);
    }

    /// A product by its id.
    #[must_use]
    pub fn get(&self, id: &ProductId) -> Option<&Arc<Product>> {
        self.known.get(id)
    }

    /// The components of those that are here and are not here themselves.
    #[must_use]
    pub fn missing_components(&self) -> BTreeSet<ProductId> {
        let parts = self.known.values().flat_map(|product| &product.components).map(|part| &part.product_id);
        parts.filter(|id| !self.known.contains_key(*id)).cloned().collect()
    }

    /// Adds a product under its link, its SKU and its aliases.
    pub fn add(&mut self, product: Arc<Product>) {
        self.known.insert(product.id.clone(), Arc::clone(&product));
        if let Some(id) = product.shipstation_product_id {
            self.linked.insert(id, Arc::clone(&product));
        }
        for code in std::iter::once(&product.sku).chain(&product.aliases) {
            let known = self.coded.entry(normalize_sku(code)).or_default();
            if !known.iter().any(|other| other.id == product.id) {
                known.push(Arc::clone(&product));
            }
        }
    }

    /// True if a line's product is found only because characters that cannot be seen are left out of its SKU.
    #[must_use]
    pub fn is_found_normalized(&self, item: &Item) -> bool {
        let is_linked = item.product_id.is_some_and(|id| self.linked.contains_key(&id));
        let as_written = |sku: &str, product: &Product| {
            let same = |code: &String| code.trim().to_lowercase() == sku.trim().to_lowercase();
            same(&product.sku) || product.aliases.iter().any(same)
        };
        match (item.sku.as_deref(), self.find(item)) {
            (Some(sku), ProductMatch::Found(product)) if !is_linked && !sku.is_ascii() => {
                visible_sku(sku) != sku && !as_written(sku, product)
            }
            _ => false,
        }
    }

    /// The product of a line: by link, else by the SKU as written, else by the only SKU that is equal without case and blanks at its ends, else by alias.
    #[must_use]
    pub fn find(&self, item: &Item) -> ProductMatch<'_> {
        if let Some(product) = item.product_id.and_then(|id| self.linked.get(&id)) {
            return ProductMatch::Found(product);
        }
        let Some(sku) = item.sku.as_deref() else { return ProductMatch::Unknown };
        let folded = normalize_sku(sku);
        let Some(candidates) = self.coded.get(&folded) else { return ProductMatch::Unknown };
        if let Some(product) = candidates.iter().find(|product| product.sku == sku) {
            return ProductMatch::Found(product);
        }
        let mut same: Vec<_> = candidates.iter().filter(|product| normalize_sku(&product.sku) == folded).collect();
        if same.is_empty() {
            // An alias as written decides among several; else the only one.
            if let Some(product) = candidates.iter().find(|product| product.aliases.iter().any(|alias| alias == sku)) {
                return ProductMatch::Found(product);
            }
            same = candidates.iter().collect();
        }
        match same.as_slice() {
            [product] => ProductMatch::Found(product),
            [] => ProductMatch::Unknown,
            _ => ProductMatch::Ambiguous,
        }
    }
}
