//! Fulfilment of a sale: claims, assemblies, pick, pack and ship, and the stock that each of them moves (S30–S34, S57–S62, N18).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Products, Sale, Stage, StageStatus, Warning};
use crate::ids::{LocationId, ProductId};
use crate::reason::Reason;
use crate::reference::ProductKind;
use crate::settings::{AutoAssembly, PickPackShip};
use crate::stock::{Change, Floor, Levels, Movement, MovementKind, StockChange, StockKey, sum};

/// Claim of a sale: one entry for each product and location, however many lines and kits ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The product.
    pub product_id: ProductId,
    /// Its location.
    pub location_id: LocationId,
    /// Number of units: 1 or more.
    pub quantity: i64,
    /// The product's own SKU, where it is only part of a kit and no line names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
}

/// Units of a product that are made for a sale from its bill of materials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assembly {
    /// The product that is made.
    pub product_id: ProductId,
    /// Its location; its components come from there too.
    pub location_id: LocationId,
    /// Number of units.
    pub quantity: i64,
    /// Draft while components are short.
    pub status: StageStatus,
    /// Components that it takes in all.
    pub components: Vec<AssemblyPart>,
    /// Time at which it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// Quantity that an assembly takes of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssemblyPart {
    /// The component.
    pub product_id: ProductId,
    /// Number of units for the whole assembly.
    pub quantity: i64,
}

/// A draft purchase: what a supplier shall send to the buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// Supplier that sends it.
    pub supplier: String,
    /// Draft, or voided with the sale.
    pub status: StageStatus,
    /// Products that are bought.
    pub lines: Vec<PurchaseLine>,
}

/// One line of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseLine {
    /// The sale's line.
    pub line_no: u32,
    /// The product.
    pub product_id: ProductId,
    /// Number of units.
    pub quantity: i64,
}

/// Actor that moves stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The system by itself: it takes nothing that other sales have a claim on.
    System,
    /// A person who says so: whatever lies there unpicked may be taken.
    Person,
}

/// Extent of a sale's fulfilment, and its inputs.
#[derive(Clone, Copy, Debug)]
pub struct Fulfilment<'a> {
    /// Extent of the fulfilment.
    pub mode: PickPackShip,
    /// Quantity of a product with a bill of materials that is made.
    pub auto_assembly: AutoAssembly,
    /// The sale's products and their components.
    pub products: &'a Products,
    /// Known levels of the products.
    pub levels: &'a Levels,
    /// Actor that does it.
    pub actor: Actor,
    /// Time of the fulfilment.
    pub at: Timestamp,
}

impl Fulfilment<'_> {
    /// Quantity that may be taken at a level. Nothing where it is not known, which means enough.
    fn within_reach(&self, key: &StockKey) -> Option<i64> {
        let level = self.levels.get(key)?;
        Some(match self.actor {
            Actor::System => level.available(),
            Actor::Person => level.unpicked,
        })
    }

    fn is_assembly(&self, product: &ProductId) -> bool {
        self.products.get(product).is_some_and(|product| product.kind == ProductKind::Assembly)
    }
}

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

    /// Makes, picks, packs and ships as far as the mode says and stock allows. Answers what that, and whatever the sale claims beyond `before`, adds to levels.
    ///
    /// `before` is what the sale had moved already: nothing for a new one.
    pub fn fulfil(&mut self, before: &BTreeMap<StockKey, Change>, with: Fulfilment<'_>) -> Vec<StockChange> {
        self.warnings.retain(|warning| !matches!(warning.reason, Reason::StockShort | Reason::ComponentsShort));
        let mut step = Step::default();
        // For what is picked already nothing is made any more.
        if self.pick.status != StageStatus::Authorised {
            self.assemble(with, &mut step);
            self.pick(with, &mut step);
        }
        if self.pick.status == StageStatus::Authorised {
            let packed = !matches!(with.mode, PickPackShip::None | PickPackShip::Pick);
            self.pack.reach(packed, with.at);
        }
        if self.pack.status == StageStatus::Authorised {
            self.ship.reach(with.mode == PickPackShip::PickPackShip, with.at);
        }
        self.changes(before, |key, change| match with.actor {
            Actor::System => step.floors.get(key).map_or(Floor::None, |least| Floor::Available(*least)),
            Actor::Person if change.unpicked < 0 => Floor::Unpicked(-change.unpicked),
            Actor::Person => Floor::None,
        })
    }

    /// Makes what is to be made (S57–S62): the availability that decides is that of the sale's location, before the sale's own claim.
    fn assemble(&mut self, with: Fulfilment<'_>, step: &mut Step) {
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
                step.raise(key, least);
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
                with.within_reach(&key).is_some_and(|there| there - step.consumed(&key) < part.quantity)
            };
            let lacking: Vec<&AssemblyPart> = components.iter().filter(lacking).collect();
            let done = lacking.is_empty();
            if done {
                for part in &components {
                    *step.consumed.entry(part_key(part)).or_default() += part.quantity;
                }
                if with.auto_assembly == AutoAssembly::MinimumForPicking {
                    step.raise(key.clone(), least);
                }
                step.made.insert(key, quantity);
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
        for (key, consumed) in &step.consumed {
            let floor = step.floors.entry(key.clone()).or_insert(i64::MIN);
            *floor = (*floor).max(*consumed);
        }
        if !short.is_empty() {
            self.warnings.push(Warning::new(Reason::ComponentsShort, &listed("Needed", &short)));
        }
    }

    /// Picks everything or nothing: short of anything, the pick stays a draft with what it found (S34).
    fn pick(&mut self, with: Fulfilment<'_>, step: &mut Step) {
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
            let made = step.made.get(&key).copied().unwrap_or(0);
            let shelf = with.within_reach(&key).map(|there| there.saturating_sub(step.consumed(&key)).max(0));
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
                let made = step.made.get(&key).copied().unwrap_or(0);
                let shelf = allocation.quantity.saturating_sub(made).max(0).saturating_add(step.consumed(&key));
                if shelf > 0 {
                    step.raise(key, shelf);
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

    /// Undoes the sale and keeps it as a record (S152): its totals stay, its stock goes back, payments and invoice are void.
    ///
    /// What was made for it is taken apart again, unless others have taken it meanwhile; then it stays, with a warning.
    pub fn void(&mut self, levels: &Levels, at: Timestamp) -> Vec<StockChange> {
        let before = self.position();
        self.voided_at = Some(at);
        self.invoice.void(at);
        for stage in [&mut self.pick, &mut self.pack, &mut self.ship] {
            if stage.status != StageStatus::NotAvailable {
                stage.status = StageStatus::Voided;
            }
        }
        for purchase in &mut self.purchases {
            purchase.status = StageStatus::Voided;
        }
        for assembly in &mut self.assemblies {
            assembly.status = StageStatus::Voided;
        }
        loop {
            let changes = self.changes(&before, |_, change| match change.unpicked {
                less if less < 0 => Floor::Unpicked(-less),
                _ => Floor::None,
            });
            let lacking = changes.iter().find(|change| levels.get(&change.key).is_some_and(|level| !change.floor.holds(level)));
            let Some(lacking) = lacking else { return changes };
            let kept = |made: &&mut Assembly| made.status == StageStatus::Voided && made.at.is_some() && made.key() == lacking.key;
            let Some(assembly) = self.assemblies.iter_mut().find(kept) else { return changes };
            assembly.status = StageStatus::Authorised;
            let what = format!("{} × {} at {}.", assembly.quantity, assembly.product_id, assembly.location_id);
            self.warnings.push(Warning::new(Reason::AssemblyKept, &what));
        }
    }

    /// Every movement of stock that the sale has caused, in the order in which they happened. Levels are the sum of these and of adjustments.
    #[must_use]
    pub fn movements(&self) -> Vec<Movement> {
        let mut movements = Vec::new();
        let mut note = |at, kind, key: StockKey, quantity| movements.push(Movement { at, kind, key, quantity });
        for assembly in &self.assemblies {
            let Some(at) = assembly.at else { continue };
            for part in &assembly.components {
                note(at, MovementKind::Consume, assembly.part_key(part), part.quantity);
            }
            note(at, MovementKind::Assemble, assembly.key(), assembly.quantity);
        }
        let stages = [(&self.pick, MovementKind::Pick, MovementKind::Unpick), (&self.ship, MovementKind::Ship, MovementKind::Unship)];
        for allocation in &self.allocations {
            note(self.created_at, MovementKind::Allocate, allocation.key(), allocation.quantity);
            for (stage, done, _) in stages {
                if let Some(at) = stage.at {
                    note(at, done, allocation.key(), allocation.quantity);
                }
            }
        }
        let Some(voided_at) = self.voided_at else { return in_order(movements) };
        for allocation in &self.allocations {
            for (stage, _, undone) in stages.into_iter().rev() {
                if stage.at.is_some() {
                    note(voided_at, undone, allocation.key(), allocation.quantity);
                }
            }
            note(voided_at, MovementKind::Release, allocation.key(), allocation.quantity);
        }
        for assembly in self.assemblies.iter().filter(|assembly| assembly.at.is_some() && assembly.status == StageStatus::Voided) {
            note(voided_at, MovementKind::Disassemble, assembly.key(), assembly.quantity);
            for part in &assembly.components {
                note(voided_at, MovementKind::Recover, assembly.part_key(part), part.quantity);
            }
        }
        in_order(movements)
    }

    /// Sum that the sale has added to each level up to now.
    #[must_use]
    pub fn position(&self) -> BTreeMap<StockKey, Change> {
        sum(&self.movements())
    }

    /// The levels that the sale looks at or moves: its claims, and the components of what may be made for it.
    #[must_use]
    pub fn stock_keys(&self, products: &Products) -> Vec<StockKey> {
        let mut keys: Vec<StockKey> = Vec::new();
        for allocation in &self.allocations {
            keys.push(allocation.key());
            let parts = products.get(&allocation.product_id).filter(|product| product.kind == ProductKind::Assembly);
            let parts = parts.map(|product| product.components.as_slice()).unwrap_or_default();
            keys.extend(parts.iter().map(|part| StockKey::new(&part.product_id, &allocation.location_id)));
        }
        for assembly in &self.assemblies {
            keys.extend(assembly.components.iter().map(|part| assembly.part_key(part)));
        }
        keys.sort();
        keys.dedup();
        keys
    }

    /// Extent of fulfilment in a few words.
    #[must_use]
    pub fn fulfilment_in_words(&self) -> &'static str {
        match (self.pick.status, self.pack.status, self.ship.status) {
            (_, _, StageStatus::Authorised) => "shipped",
            (_, StageStatus::Authorised, _) => "packed",
            (StageStatus::Authorised, ..) => "picked",
            _ => "not picked",
        }
    }

    /// The SKU under which a claim is shown.
    #[must_use]
    pub fn sku_of<'a>(&'a self, allocation: &'a Allocation) -> &'a str {
        let own = || {
            let line = self.lines.iter().find(|line| line.product_id.as_ref() == Some(&allocation.product_id))?;
            line.sku.as_deref()
        };
        allocation.sku.as_deref().or_else(own).unwrap_or(allocation.product_id.as_str())
    }

    /// Changes that the sale makes to levels beyond `before`.
    fn changes(&self, before: &BTreeMap<StockKey, Change>, floor: impl Fn(&StockKey, Change) -> Floor) -> Vec<StockChange> {
        let mut position = self.position();
        for (key, change) in before {
            let now = position.entry(key.clone()).or_default();
            *now = now.plus(change.inverse());
        }
        position.retain(|_, change| *change != Change::default());
        let change = |(key, change): (StockKey, Change)| StockChange { floor: floor(&key, change), key, change };
        position.into_iter().map(change).collect()
    }
}

/// Movements by their time; those of one moment stay as they stand.
fn in_order(mut movements: Vec<Movement>) -> Vec<Movement> {
    movements.sort_by_key(|movement| movement.at);
    movements
}

/// Movements of one step of fulfilment.
#[derive(Default)]
struct Step {
    made: BTreeMap<StockKey, i64>,
    consumed: BTreeMap<StockKey, i64>,
    /// Quantities that must be available.
    floors: BTreeMap<StockKey, i64>,
}

impl Step {
    fn consumed(&self, key: &StockKey) -> i64 {
        self.consumed.get(key).copied().unwrap_or(0)
    }

    fn raise(&mut self, key: StockKey, least: i64) {
        let floor = self.floors.entry(key).or_insert(least);
        *floor = (*floor).max(least);
    }
}

impl Allocation {
    /// Its level.
    #[must_use]
    pub fn key(&self) -> StockKey {
        StockKey::new(&self.product_id, &self.location_id)
    }
}

impl Assembly {
    /// The level of what is made.
    #[must_use]
    pub fn key(&self) -> StockKey {
        StockKey::new(&self.product_id, &self.location_id)
    }

    fn part_key(&self, part: &AssemblyPart) -> StockKey {
        StockKey::new(&part.product_id, &self.location_id)
    }
}

impl Stage {
    /// Done, or waiting for a person now that the stage before it is done. What is done stays done.
    fn reach(&mut self, done: bool, at: Timestamp) {
        if self.status == StageStatus::Authorised {
            return;
        }
        self.status = if done { StageStatus::Authorised } else { StageStatus::Draft };
        self.at = done.then_some(at);
    }
}

/// At most five of what is short, so that an order of a thousand lines does not fill the log.
fn listed(verb: &str, short: &[String]) -> String {
    let shown = short.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    match short.len().saturating_sub(5) {
        0 => format!("{verb} {shown}."),
        more => format!("{verb} {shown} and {more} more."),
    }
}
