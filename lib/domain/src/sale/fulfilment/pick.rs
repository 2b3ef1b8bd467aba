//! Picking: everything or nothing (S34).

use super::super::record::Sale;
use super::super::stage::{Stage, StageStatus};
use super::inputs::Fulfilment;
use super::shortage::listed;
use super::stock_use::StockUse;
use crate::reason::Reason;
use crate::settings::PickPackShip;
use crate::warning::Warning;

impl Sale {
    /// Picks everything or nothing: short of anything, the pick stays a draft with what it found (S34).
    pub(super) fn pick(&mut self, with: Fulfilment<'_>, used: &mut StockUse) {
        if self.allocations.is_empty() {
            // Services, and what suppliers send: nothing to pick is not a short pick.
            if with.mode != PickPackShip::None && !self.is_sent_by_others() {
                self.pick = Stage { status: StageStatus::Authorised, at: Some(with.at), found: None };
            }
            return;
        }
        self.pick.status = StageStatus::Draft;
        if with.mode == PickPackShip::None {
            return;
        }
        let mut found = Vec::with_capacity(self.allocations.len());
        let mut short = Vec::new();
        for allocation in &self.allocations {
            let key = allocation.key();
            let made = used.made.get(&key).copied().unwrap_or(0);
            let shelf = with.within_reach(&key).map(|there| there.saturating_sub(used.consumed(&key)).max(0));
            let there = shelf.map_or(allocation.quantity, |shelf| made.saturating_add(shelf).min(allocation.quantity));
            if there < allocation.quantity {
                short.push(format!("{there} of {} × {}", allocation.quantity, self.sku_of(allocation)));
            }
            found.push(there);
        }
        let waits = self.assemblies.iter().any(|assembly| assembly.status == StageStatus::Draft);
        if short.is_empty() && !waits {
            for allocation in &self.allocations {
                let key = allocation.key();
                let made = used.made.get(&key).copied().unwrap_or(0);
                let shelf = allocation.quantity.saturating_sub(made).max(0).saturating_add(used.consumed(&key));
                if shelf > 0 {
                    used.raise(key, shelf);
                }
            }
            self.pick = Stage { status: StageStatus::Authorised, at: Some(with.at), found: None };
            return;
        }
        if !short.is_empty() {
            self.warnings.push(Warning::new(Reason::StockShort, &listed("Found", &short)));
        }
        self.pick.found = Some(found);
    }

    /// True if a marketplace's warehouse sends all of it: nothing of that is done here.
    #[must_use]
    pub fn is_sent_by_others(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(|line| line.external)
    }
}
