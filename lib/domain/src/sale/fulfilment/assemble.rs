//! Assemblies that a sale needs (S57–S62).

use super::super::assembly::{Assembly, AssemblyPart};
use super::super::record::Sale;
use super::super::stage::StageStatus;
use super::inputs::Fulfilment;
use super::shortage::listed;
use super::stock_use::StockUse;
use crate::reason::Reason;
use crate::settings::AutoAssembly;
use crate::stock::StockKey;
use crate::warning::Warning;

impl Sale {
    /// Makes what is to be made (S57–S62): the availability that decides is that of the sale's location, before the sale's own claim.
    pub(super) fn assemble(&mut self, with: Fulfilment<'_>, used: &mut StockUse) {
        self.assemblies.retain(|assembly| assembly.status == StageStatus::Authorised);
        let mut short = Vec::new();
        for allocation in &self.allocations {
            let made = |made: &Assembly| made.product_id == allocation.product_id && made.location_id == allocation.location_id;
            if !with.is_assembly(&allocation.product_id) || self.assemblies.iter().any(made) {
                continue;
            }
            let Some(product) = with.products.get(&allocation.product_id) else { continue };
            let key = allocation.key();
            let quantity = match (with.auto_assembly, with.within_reach(&key)) {
                (AutoAssembly::OrderedQuantity, _) => allocation.quantity,
                (AutoAssembly::MinimumForPicking, Some(there)) if there < allocation.quantity => allocation.quantity.saturating_sub(there),
                (AutoAssembly::MinimumForPicking, _) => 0,
            };
            // Should there turn out to be less than was thought, more must be made.
            let least = allocation.quantity.saturating_sub(quantity);
            if quantity == 0 {
                used.raise(key, least);
                continue;
            }
            let components: Vec<AssemblyPart> = product
                .components
                .iter()
                .map(|part| AssemblyPart { product_id: part.product_id.clone(), quantity: part.quantity.saturating_mul(quantity) })
                .collect();
            let part_key = |part: &AssemblyPart| StockKey::new(&part.product_id, &allocation.location_id);
            let lacking = |part: &&AssemblyPart| {
                let key = part_key(part);
                with.within_reach(&key).is_some_and(|there| there - used.consumed(&key) < part.quantity)
            };
            let lacking: Vec<&AssemblyPart> = components.iter().filter(lacking).collect();
            let done = lacking.is_empty();
            if done {
                for part in &components {
                    *used.consumed.entry(part_key(part)).or_default() += part.quantity;
                }
                if with.auto_assembly == AutoAssembly::MinimumForPicking {
                    used.raise(key.clone(), least);
                }
                used.made.insert(key, quantity);
            } else {
                let sku =
                    |part: &AssemblyPart| with.products.get(&part.product_id).map_or(part.product_id.to_string(), |one| one.sku.clone());
                short.extend(lacking.into_iter().map(|part| format!("{} of {} for {}", part.quantity, sku(part), product.sku)));
            }
            self.assemblies.push(Assembly {
                product_id: allocation.product_id.clone(),
                location_id: allocation.location_id.clone(),
                quantity,
                status: if done { StageStatus::Authorised } else { StageStatus::Draft },
                components,
                at: done.then_some(with.at),
            });
        }
        for (key, consumed) in &used.consumed {
            let floor = used.floors.entry(key.clone()).or_insert(i64::MIN);
            *floor = (*floor).max(*consumed);
        }
        if !short.is_empty() {
            self.warnings.push(Warning::new(Reason::ComponentsShort, &listed("Needed", &short)));
        }
    }
}
