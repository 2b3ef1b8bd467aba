//! Components that products may have (N18, S57).

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use stevedore_domain::bill_of_materials::{MOST_COMPONENTS, MOST_LEVELS, MOST_REACHED, Uses, Walk, may_contain, own_faults};
use stevedore_domain::ids::ProductId;
use stevedore_domain::reference::{Component, Product, ProductKind};
use stevedore_domain::settings::FieldError;

type Shop = BTreeMap<ProductId, Product>;

fn product(id: &str, kind: ProductKind, components: &[(&str, i64)]) -> Product {
    let component = |(id, quantity): &(&str, i64)| Component { product_id: (*id).into(), quantity: *quantity };
    let supplier = (kind == ProductKind::DropShip).then(|| "Acme".to_owned());
    let components = components.iter().map(component).collect();
    Product { kind, components, supplier, ..Product::new(id, id, id, "2026-01-31T10:00:00Z".parse().unwrap()) }
}

/// The table's treatment of a write, one after the other.
fn write(shop: &mut Shop, product: Product) -> Result<(), Vec<FieldError>> {
    let mut faults = own_faults(&product);
    if faults.is_empty() {
        let mut walk = Walk::new(&product);
        loop {
            let wanted = walk.wanted();
            if wanted.is_empty() {
                break;
            }
            walk.found(wanted.iter().filter_map(|id| shop.get(id).cloned()));
        }
        faults = walk.faults();
        let mut uses = Uses::default();
        for user in shop.values().filter(|user| user.components.iter().any(|part| part.product_id == product.id)) {
            match user.kind {
                ProductKind::Kit => uses.kit = Some(user.id.clone()),
                _ => uses.assembly = Some(user.id.clone()),
            }
        }
        if shop.get(&product.id).is_some_and(|known| known.kind != product.kind) {
            faults.extend(uses.faults(product.kind));
        }
    }
    if faults.is_empty() {
        shop.insert(product.id.clone(), product);
        Ok(())
    } else {
        Err(faults)
    }
}

fn refused(shop: &mut Shop, product: Product) -> Vec<(String, &'static str)> {
    write(shop, product).unwrap_err().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn one(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), code)]
}

use ProductKind::{Assembly, DropShip, Kit, Service, Stock};

#[test]
fn n18_each_rule_names_the_member_at_fault() {
    let mut shop = Shop::new();
    for (id, kind) in [("bolt", Stock), ("work", Service), ("sofa", DropShip)] {
        write(&mut shop, product(id, kind, &[])).unwrap();
    }
    write(&mut shop, product("bike", Assembly, &[("bolt", 8)])).unwrap();
    write(&mut shop, product("set", Kit, &[("bike", 1), ("bolt", 2), ("work", 1)])).unwrap();
    let shop = &mut shop;
    for (wrong, fault) in [
        (product("x", Kit, &[("bolt", 1), ("gone", 1)]), one("/components/1/product_id", "unknown_reference")),
        (product("x", Kit, &[("set", 1)]), one("/components/0/product_id", "wrong_kind")),
        (product("x", Kit, &[("sofa", 1)]), one("/components/0/product_id", "wrong_kind")),
        (product("x", Assembly, &[("bolt", 1), ("work", 1)]), one("/components/1/product_id", "wrong_kind")),
        (product("x", Assembly, &[("set", 1)]), one("/components/0/product_id", "wrong_kind")),
        (product("x", Assembly, &[("x", 1)]), one("/components/0/product_id", "itself")),
        (product("x", Kit, &[("bolt", 1), ("bolt", 2)]), one("/components/1/product_id", "repeated")),
        (product("x", Kit, &[("bolt", 0)]), one("/components/0/quantity", "out_of_range")),
        (product("x", Kit, &[("bolt", 1_000_001)]), one("/components/0/quantity", "out_of_range")),
        (product("x", Kit, &[]), one("/components", "required")),
        (product("x", Stock, &[("bolt", 1)]), one("/components", "not_allowed")),
        (Product { supplier: None, ..product("x", DropShip, &[]) }, one("/supplier", "required")),
        (Product { supplier: Some("Acme".into()), ..product("x", Stock, &[]) }, one("/supplier", "not_allowed")),
        // What others hold keeps a kind that they may hold.
        (product("bike", Kit, &[("bolt", 8)]), one("/kind", "used_as_component")),
        (product("bolt", Service, &[]), one("/kind", "used_as_component")),
        (product("work", DropShip, &[]), one("/kind", "used_as_component")),
    ] {
        assert_eq!(refused(shop, wrong.clone()), fault, "{wrong:?}");
    }
    // A kit may hold a service as well as stock, and one that only assemblies use may become one.
    write(shop, product("work", Stock, &[])).unwrap();
    write(shop, product("bolt", Assembly, &[("work", 1)])).unwrap();
    let price = |tier, text: &str| Product { prices: [(tier, text.parse().unwrap())].into(), ..product("p", Stock, &[]) };
    for (tier, text, code) in
        [(0, "1", "unknown_tier"), (11, "1", "unknown_tier"), (1, "-0.01", "out_of_range"), (1, "0.12345678901", "too_precise")]
    {
        assert_eq!(refused(shop, price(tier, text)), one(&format!("/prices/{tier}"), code));
    }
    write(shop, price(10, "0.0001")).unwrap();
}

/// However long it is; and the message shows the way.
#[test]
fn n18_cycles_are_refused_however_long() {
    for length in 1..MOST_LEVELS {
        let mut shop = Shop::new();
        write(&mut shop, product("p0", Stock, &[])).unwrap();
        for number in 1..=length {
            write(&mut shop, product(&format!("p{number}"), Assembly, &[(&format!("p{}", number - 1), 1)])).unwrap();
        }
        let last = format!("p{length}");
        let faults = write(&mut shop, product("p0", Assembly, &[(&last, 1)])).unwrap_err();
        assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/components/0/product_id", "cycle"));
        if length == 2 {
            assert_eq!(faults[0].message, "`p2` consists of this product itself: p0 → p2 → p1 → p0.");
        }
    }
}

#[test]
fn n18_bills_of_materials_have_bounds() {
    let mut shop = Shop::new();
    write(&mut shop, product("p0", Stock, &[])).unwrap();
    for number in 1..=MOST_LEVELS {
        write(&mut shop, product(&format!("p{number}"), Assembly, &[(&format!("p{}", number - 1), 1)])).unwrap();
    }
    let last = format!("p{MOST_LEVELS}");
    assert_eq!(refused(&mut shop, product("top", Assembly, &[(&last, 1)])), one("/components", "too_deep"));
    let mut shop = Shop::new();
    let mut wholes = Vec::new();
    for whole in 0..=MOST_REACHED / MOST_COMPONENTS {
        let parts: Vec<String> = (0..MOST_COMPONENTS).map(|part| format!("{whole}-{part}")).collect();
        for part in &parts {
            write(&mut shop, product(part, Stock, &[])).unwrap();
        }
        let parts: Vec<(&str, i64)> = parts.iter().map(|part| (part.as_str(), 1)).collect();
        write(&mut shop, product(&format!("w{whole}"), Assembly, &parts)).unwrap();
        wholes.push(format!("w{whole}"));
    }
    let all: Vec<(&str, i64)> = wholes.iter().map(|whole| (whole.as_str(), 1)).collect();
    assert_eq!(refused(&mut shop, product("all", Assembly, &all)), one("/components", "too_deep"));
    write(&mut shop, product("some", Assembly, &all[..5])).unwrap();
}

/// True if a product is reached from its own components, found another way than the rules find it.
fn reaches_itself(shop: &Shop, id: &ProductId) -> bool {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&ProductId> = shop[id].components.iter().map(|part| &part.product_id).collect();
    while let Some(part) = next.pop() {
        if reached.insert(part.clone()) {
            next.extend(shop[part].components.iter().map(|part| &part.product_id));
        }
    }
    reached.contains(id)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever sequence of writes is accepted, there is never a circle, nor a kit in a kit, nor anything else that may not be where it is.
    #[test]
    fn n18_what_is_accepted_is_sound(writes in prop::collection::vec((0..7_usize, 0..5_usize, prop::collection::vec(0..7_usize, 0..4)), 1..60)) {
        let mut shop = Shop::new();
        let name = |number: usize| format!("p{number}");
        for (id, kind, parts) in writes {
            let names: Vec<String> = parts.into_iter().map(name).collect();
            let parts: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
            let kind = ProductKind::ALL[kind];
            let parts = if kind.has_components() { parts } else { Vec::new() };
            let _ = write(&mut shop, product(&name(id), kind, &parts));
            for (id, whole) in &shop {
                prop_assert!(!reaches_itself(&shop, id), "{id} of {shop:?}");
                for part in &whole.components {
                    prop_assert!(may_contain(whole.kind, shop[&part.product_id].kind), "{id} of {shop:?}");
                }
            }
        }
    }
}
