//! Fulfilment as far as the settings say: assemblies, pick, pack and ship (S30–S34).

use std::collections::BTreeMap;

use super::super::record::Sale;
use super::super::stage::StageStatus;
use super::inputs::{Actor, Fulfilment};
use super::stock_use::StockUse;
use crate::reason::Reason;
use crate::settings::PickPackShip;
use crate::stock::{Change, Floor, StockChange, StockKey};

impl Sale {
    /// Makes, picks, packs and ships as far as the mode says and stock allows. Answers what that, and whatever the sale claims beyond `before`, adds to levels.
    ///
    /// `before` is what the sale had moved already: nothing for a new one.
    pub fn fulfil(&mut self, before: &BTreeMap<StockKey, Change>, with: Fulfilment<'_>) -> Vec<StockChange> {
        self.warnings.retain(|warning| !matches!(warning.reason, Reason::StockShort | Reason::ComponentsShort));
        let mut used = StockUse::default();
        // For what is picked already nothing is made any more.
        if self.pick.status != StageStatus::Authorised {
            self.assemble(with, &mut used);
            self.pick(with, &mut used);
        }
        if self.pick.status == StageStatus::Authorised {
            let packed = !matches!(with.mode, PickPackShip::None | PickPackShip::Pick);
            self.pack.reach(packed, with.at);
        }
        if self.pack.status == StageStatus::Authorised {
            self.ship.reach(with.mode == PickPackShip::PickPackShip, with.at);
        }
        self.changes(before, |key, change| match with.actor {
            Actor::System => used.floors.get(key).map_or(Floor::None, |least| Floor::Available(*least)),
            Actor::Person if change.unpicked < 0 => Floor::Unpicked(-change.unpicked),
            Actor::Person => Floor::None,
        })
    }
}
