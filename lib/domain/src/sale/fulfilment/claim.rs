//! Claims of a sale's lines on stock, and purchases from suppliers (N18).

use std::collections::BTreeMap;

use super::super::allocation::Allocation;
use super::super::product::Products;
use super::super::purchase::{Purchase, PurchaseLine};
use super::super::record::Sale;
use super::super::stage::StageStatus;
use crate::ids::ProductId;
use crate::reference::ProductKind;
use crate::stock::StockKey;

impl Sale {
    /// Notes what the sale's lines have a claim on and what suppliers shall send. Kits become their components, once; what two of them share adds up.
    /// What a marketplace's warehouse sends never lay on our shelves.
    pub fn claim(&mut self, products: &Products) {
        let mut claims: BTreeMap<StockKey, (i64, Option<String>)> = BTreeMap::new();
        let mut purchases: Vec<Purchase> = Vec::new();
        for line in self.lines.iter().filter(|line| line.quantity > 0 && !line.external) {
            let Some(product) = line.product_id.as_ref().and_then(|id| products.get(id)) else { continue };
            let mut add = |id: &ProductId, quantity: i64, sku: Option<&str>| {
                let claim = claims.entry(StockKey::new(id, &line.location_id)).or_insert_with(|| (0, sku.map(str::to_owned)));
                claim.0 = claim.0.saturating_add(quantity);
                if sku.is_none() {
                    claim.1 = None;
                }
            };
            match product.kind {
                ProductKind::Stock | ProductKind::Assembly => add(&product.id, line.quantity, None),
                ProductKind::Kit => {
                    for component in &line.components {
                        let part = products.get(&component.product_id);
                        if part.is_none_or(|part| part.kind.has_stock()) {
                            let sku = part.map_or(component.product_id.as_str(), |part| part.sku.as_str());
                            add(&component.product_id, line.quantity.saturating_mul(component.quantity), Some(sku));
                        }
                    }
                }
                ProductKind::DropShip => {
                    let wanted = PurchaseLine { line_no: line.line_no, product_id: product.id.clone(), quantity: line.quantity };
                    let supplier = product.supplier.clone().unwrap_or_default();
                    match purchases.iter_mut().find(|purchase| purchase.supplier == supplier) {
                        Some(purchase) => purchase.lines.push(wanted),
                        None => purchases.push(Purchase { supplier, status: StageStatus::Draft, lines: vec![wanted] }),
                    }
                }
                ProductKind::Service => {}
            }
        }
        let allocation = |(key, (quantity, sku)): (StockKey, (i64, Option<String>))| {
            let StockKey { product_id, location_id } = key;
            Allocation { product_id, location_id, quantity, sku }
        };
        self.allocations = claims.into_iter().map(allocation).collect();
        self.purchases = purchases;
    }
}
