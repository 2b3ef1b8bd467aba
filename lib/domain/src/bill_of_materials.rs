//! Rules of the components of products (N18, S57): kits, bills of materials, and what each kind of product must state.
//!
//! A kit is exploded once, so it holds no kit. An assembly is made from what lies on shelves, so it holds stock and assemblies. What is drop-shipped never
//! comes here, so it is part of nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use rust_decimal::Decimal;

use crate::ids::ProductId;
use crate::reference::{Product, ProductKind};
use crate::settings::FieldError;

/// Components of one product.
pub const MOST_COMPONENTS: usize = 50;
/// Quantity of a component that one unit may take.
pub const QUANTITIES: RangeInclusive<i64> = 1..=1_000_000;
/// The price tiers (S29).
pub const TIERS: RangeInclusive<u8> = 1..=10;
/// Products that a bill of materials may reach, over all of its levels.
pub const MOST_REACHED: usize = 500;
/// Levels of a bill of materials.
pub const MOST_LEVELS: usize = 20;
/// The largest price.
const LARGEST_PRICE: i64 = 1_000_000_000_000;
/// Decimals of a price: more than any currency or unit price has.
const MOST_DECIMALS: u32 = 10;

/// True if a product of kind `whole` may have one of kind `part` as a component.
#[must_use]
pub fn may_contain(whole: ProductKind, part: ProductKind) -> bool {
    match whole {
        ProductKind::Kit => matches!(part, ProductKind::Stock | ProductKind::Assembly | ProductKind::Service),
        ProductKind::Assembly => part.has_stock(),
        ProductKind::Stock | ProductKind::Service | ProductKind::DropShip => false,
    }
}

fn fault(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> FieldError {
    FieldError { pointer: pointer.into(), code, message: message.into() }
}

fn at(index: usize, member: &str) -> String {
    format!("/components/{index}/{member}")
}

/// Faults of a product in itself, whatever other products there are.
#[must_use]
pub fn own_faults(product: &Product) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let kind = product.kind.as_str();
    match (product.kind.has_components(), product.components.len()) {
        (true, 0) => faults.push(fault("/components", "required", "A kit or an assembly consists of components: name at least one.")),
        (true, count) if count > MOST_COMPONENTS => {
            faults.push(fault("/components", "too_many", format!("At most {MOST_COMPONENTS} components belong here.")));
        }
        (false, 1..) => {
            faults.push(fault(
                "/components",
                "not_allowed",
                format!("A product of kind `{kind}` has no components; a kit or an assembly has."),
            ));
        }
        _ => {}
    }
    for (index, component) in product.components.iter().enumerate() {
        if component.product_id == product.id {
            faults.push(fault(at(index, "product_id"), "itself", "A product cannot be a component of itself."));
        } else if product.components.iter().take(index).any(|other| other.product_id == component.product_id) {
            faults.push(fault(at(index, "product_id"), "repeated", "This component stands here already; add the quantities up."));
        }
        if !QUANTITIES.contains(&component.quantity) {
            let message = format!("{} to {} are taken.", QUANTITIES.start(), QUANTITIES.end());
            faults.push(fault(at(index, "quantity"), "out_of_range", message));
        }
    }
    match (product.kind == ProductKind::DropShip, &product.supplier) {
        (true, None) => faults.push(fault("/supplier", "required", "A drop-ship product needs the supplier who sends it.")),
        (false, Some(_)) => {
            faults.push(fault("/supplier", "not_allowed", format!("A product of kind `{kind}` has no supplier; a drop-ship product has.")));
        }
        _ => {}
    }
    for (tier, price) in &product.prices {
        let pointer = format!("/prices/{tier}");
        if !TIERS.contains(tier) {
            faults.push(fault(pointer, "unknown_tier", "The price tiers are 1 to 10."));
        } else if price.is_sign_negative() && !price.is_zero() || *price > Decimal::from(LARGEST_PRICE) {
            faults.push(fault(pointer, "out_of_range", format!("0 to {LARGEST_PRICE} are taken.")));
        } else if price.normalize().scale() > MOST_DECIMALS {
            faults.push(fault(pointer, "too_precise", format!("At most {MOST_DECIMALS} decimals are taken.")));
        }
    }
    faults
}

/// Products of which a product is a component, as far as its kind matters there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// One of the kits that hold it.
    pub kit: Option<ProductId>,
    /// One of the assemblies that are made from it.
    pub assembly: Option<ProductId>,
}

impl Uses {
    /// Faults of `kind` where the product is a component.
    #[must_use]
    pub fn faults(&self, kind: ProductKind) -> Vec<FieldError> {
        let users = [(ProductKind::Kit, &self.kit), (ProductKind::Assembly, &self.assembly)];
        let wrong = users.into_iter().find_map(|(user, id)| Some((user, id.as_ref()?)).filter(|(user, _)| !may_contain(*user, kind)));
        let message = |(user, id): (ProductKind, &ProductId)| {
            format!(
                "It is a component of the {} `{id}`, which may not hold a product of kind `{}`. Take it out there first.",
                user.as_str(),
                kind.as_str()
            )
        };
        wrong.map(|wrong| fault("/kind", "used_as_component", message(wrong))).into_iter().collect()
    }
}

/// A walk through everything that a product consists of. Whoever walks reads what is [`wanted`](Walk::wanted) and hands it in, until nothing is.
#[derive(Debug)]
pub struct Walk<'a> {
    product: &'a Product,
    known: BTreeMap<ProductId, Product>,
    asked: BTreeSet<ProductId>,
    levels: usize,
}

impl<'a> Walk<'a> {
    /// A walk that begins at `product`, as it is to be written.
    #[must_use]
    pub fn new(product: &'a Product) -> Self {
        Self { product, known: BTreeMap::new(), asked: BTreeSet::new(), levels: 0 }
    }

    /// The products of the next level that have not been met yet. Empty at the walk's end, and where it has gone too far.
    pub fn wanted(&mut self) -> Vec<ProductId> {
        if self.levels > MOST_LEVELS || self.asked.len() > MOST_REACHED {
            return Vec::new();
        }
        let parts = std::iter::once(self.product).chain(self.known.values()).flat_map(|product| &product.components);
        let new = |id: &&ProductId| **id != self.product.id && !self.asked.contains(*id);
        let wanted: BTreeSet<ProductId> = parts.map(|part| &part.product_id).filter(new).cloned().collect();
        if !wanted.is_empty() {
            self.levels += 1;
        }
        self.asked.extend(wanted.iter().cloned());
        if self.levels > MOST_LEVELS || self.asked.len() > MOST_REACHED { Vec::new() } else { wanted.into_iter().collect() }
    }

    /// Takes the products that were found of the wanted ones.
    pub fn found(&mut self, products: impl IntoIterator<Item = Product>) {
        self.known.extend(products.into_iter().map(|product| (product.id.clone(), product)));
    }

    /// Faults of the product's components, by everything that was found.
    #[must_use]
    pub fn faults(&self) -> Vec<FieldError> {
        if self.levels > MOST_LEVELS || self.asked.len() > MOST_REACHED {
            let message = format!("The components reach further than {MOST_LEVELS} levels or {MOST_REACHED} products.");
            return vec![fault("/components", "too_deep", message)];
        }
        let mut faults = Vec::new();
        for (index, component) in self.product.components.iter().enumerate() {
            let pointer = at(index, "product_id");
            let id = &component.product_id;
            let Some(part) = self.known.get(id) else {
                if *id != self.product.id {
                    faults.push(fault(pointer, "unknown_reference", format!("There is no product `{id}`.")));
                }
                continue;
            };
            let (whole, kind) = (self.product.kind, part.kind);
            if !may_contain(whole, kind) {
                let taken = ProductKind::ALL.into_iter().filter(|kind| may_contain(whole, *kind)).map(ProductKind::as_str);
                let taken = taken.collect::<Vec<_>>().join(", ");
                let message = format!(
                    "`{}` is a product of kind `{}`; one of kind `{}` holds these kinds: {taken}.",
                    part.sku,
                    kind.as_str(),
                    whole.as_str()
                );
                faults.push(fault(pointer, "wrong_kind", message));
            } else if let Some(way) = self.way_back(part) {
                let message = format!("`{}` consists of this product itself: {}.", part.sku, way.join(" → "));
                faults.push(fault(pointer, "cycle", message));
            }
        }
        faults
    }

    /// The SKUs on a way from `from` to the product itself, where there is one.
    fn way_back(&self, from: &Product) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<&ProductId, &ProductId> = BTreeMap::new();
        let mut next = vec![from];
        let sku = |id: &ProductId| self.known.get(id).map_or_else(|| self.product.sku.clone(), |product| product.sku.clone());
        while let Some(product) = next.pop() {
            for part in &product.components {
                if part.product_id == self.product.id {
                    let mut way = vec![self.product.sku.clone(), product.sku.clone()];
                    let mut at = &product.id;
                    while let Some(before) = came_from.get(at) {
                        way.push(sku(before));
                        at = before;
                    }
                    way.push(self.product.sku.clone());
                    way.reverse();
                    return Some(way);
                }
                if part.product_id != from.id
                    && let Some(known) = self.known.get(&part.product_id)
                    && !came_from.contains_key(&part.product_id)
                {
                    came_from.insert(&part.product_id, &product.id);
                    next.push(known);
                }
            }
        }
        None
    }
}
