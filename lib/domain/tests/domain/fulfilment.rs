//! Claims, assemblies, pick, pack and ship, and what they do to stock.

use std::collections::BTreeMap;

use stevedore_domain::ids::{LocationId, ProductId};
use stevedore_domain::order::Order;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Component, Product, ProductKind};
use stevedore_domain::sale::{Actor, Booked, Fulfilment, Sale, StageStatus};
use stevedore_domain::settings::{AutoAssembly, PickPackShip};
use stevedore_domain::stock::{Change, Floor, Level, Levels, StockChange, StockKey};

use crate::merchant::{Merchant, now, product};
use crate::orders::{line, order};

pub(crate) fn key(product: &str) -> StockKey {
    StockKey::new(&ProductId::from(product), &LocationId::from("main"))
}

pub(crate) fn on_shelf(units: i64) -> Level {
    Level { on_hand: units, allocated: 0, unpicked: units }
}

pub(crate) fn made_of(id: &str, kind: ProductKind, parts: &[(&str, i64)]) -> Product {
    let components = parts.iter().map(|(part, quantity)| Component { product_id: ProductId::from(*part), quantity: *quantity }).collect();
    Product { kind, components, ..product(id, &id.to_uppercase()) }
}

/// A merchant with a mug and a lid in stock, a set of both, and a hamper that is made of mugs.
pub(crate) fn merchant(mode: PickPackShip, levels: &[(&str, Level)]) -> Merchant {
    let products = [
        product("mug", "MUG"),
        product("lid", "LID"),
        made_of("set", ProductKind::Kit, &[("mug", 2), ("lid", 1)]),
        made_of("pair", ProductKind::Kit, &[("mug", 2)]),
        made_of("hamper", ProductKind::Assembly, &[("mug", 4), ("lid", 1)]),
        Product { kind: ProductKind::DropShip, supplier: Some("Quarry Ltd".to_owned()), ..product("slab", "SLAB") },
        Product { kind: ProductKind::Service, ..product("wrap", "WRAP") },
    ];
    let mut merchant = Merchant::with_products(&products);
    merchant.settings.pick_pack_ship = mode;
    for (product, level) in levels {
        merchant.levels.learn(key(product), *level);
    }
    merchant
}

pub(crate) fn buying(lines: &[(&str, i64)]) -> Order {
    let mut order = order(lines.iter().map(|(sku, quantity)| line(sku, *quantity, "1")).collect(), "0", "0");
    order.total = lines.iter().map(|(_, quantity)| stevedore_domain::money::Decimal::from(*quantity)).sum();
    order
}

pub(crate) fn book(merchant: &Merchant, lines: &[(&str, i64)]) -> Booked {
    merchant.booked(&buying(lines))
}

pub(crate) fn statuses(sale: &Sale) -> [StageStatus; 3] {
    [sale.pick.status, sale.pack.status, sale.ship.status]
}

pub(crate) fn change(booked: &[StockChange], product: &str) -> Option<(Change, Floor)> {
    booked.iter().find(|change| change.key == key(product)).map(|change| (change.change, change.floor))
}

fn reasons(sale: &Sale) -> Vec<Reason> {
    sale.warnings.iter().map(|warning| warning.reason).collect()
}

use StageStatus::{Authorised, Draft, NotAvailable, Voided};

/// S30–S33: each mode goes as far as its name says; a claim is made in all of them.
#[test]
fn s30_s33_each_mode_goes_as_far_as_its_name_says() {
    let expected = [
        (PickPackShip::None, [Draft, NotAvailable, NotAvailable], Change { on_hand: 0, allocated: 3, unpicked: 0 }, Floor::None),
        (PickPackShip::Pick, [Authorised, Draft, NotAvailable], Change { on_hand: 0, allocated: 3, unpicked: -3 }, Floor::Available(3)),
        (PickPackShip::PickPack, [Authorised, Authorised, Draft], Change { on_hand: 0, allocated: 3, unpicked: -3 }, Floor::Available(3)),
        (
            PickPackShip::PickPackShip,
            [Authorised, Authorised, Authorised],
            Change { on_hand: -3, allocated: 0, unpicked: -3 },
            Floor::Available(3),
        ),
    ];
    for (mode, stages, moved, floor) in expected {
        let booked = book(&merchant(mode, &[("mug", on_shelf(3))]), &[("MUG", 1), ("MUG", 2), ("WRAP", 1)]);
        assert_eq!(statuses(&booked.sale), stages, "{mode:?}");
        assert_eq!(booked.stock.len(), 1, "{mode:?}");
        assert_eq!(change(&booked.stock, "mug"), Some((moved, floor)), "{mode:?}");
    }
}

/// S34: short of one unit, the pick stays a draft with what it found, and pack and ship are not done.
#[test]
fn s34_short_stock_leaves_the_pick_in_draft() {
    let booked = book(&merchant(PickPackShip::PickPackShip, &[("mug", on_shelf(2)), ("lid", on_shelf(9))]), &[("MUG", 3), ("LID", 4)]);
    assert_eq!(statuses(&booked.sale), [Draft, NotAvailable, NotAvailable]);
    let found: Vec<(&str, i64)> = booked
        .sale
        .allocations
        .iter()
        .zip(booked.sale.pick.found.as_ref().unwrap())
        .map(|(allocation, found)| (allocation.product_id.as_str(), *found))
        .collect();
    assert_eq!(found, [("lid", 4), ("mug", 2)]);
    assert_eq!(reasons(&booked.sale), [Reason::StockShort]);
    assert!(booked.sale.warnings[0].message.starts_with("Found 2 of 3 × MUG."), "{}", booked.sale.warnings[0].message);
    // It claims all the same, and needs nothing to be there for that.
    assert_eq!(change(&booked.stock, "mug"), Some((Change { on_hand: 0, allocated: 3, unpicked: 0 }, Floor::None)));
}

/// S34: stock that others have a claim on is not taken by itself, also when it still lies there; a person may take it.
#[test]
fn s34_claims_of_others_are_kept_until_a_person_decides() {
    let claimed = Level { on_hand: 5, allocated: 4, unpicked: 5 };
    let merchant = merchant(PickPackShip::Pick, &[("mug", claimed)]);
    let Booked { mut sale, stock, .. } = book(&merchant, &[("MUG", 3)]);
    assert_eq!(sale.pick.found, Some(vec![1]));
    let mut levels = Levels::default();
    levels.learn(key("mug"), claimed.after(stock[0].change));
    let before = sale.position();
    let with = Fulfilment {
        mode: PickPackShip::Pick,
        auto_assembly: AutoAssembly::OrderedQuantity,
        products: &merchant.products,
        levels: &levels,
        actor: Actor::Person,
        at: now(),
    };
    let stock = sale.fulfil(&before, with);
    assert_eq!(statuses(&sale), [Authorised, Draft, NotAvailable]);
    assert_eq!(change(&stock, "mug"), Some((Change { on_hand: 0, allocated: 0, unpicked: -3 }, Floor::Unpicked(3))));
    assert!(reasons(&sale).is_empty() && sale.pick.found.is_none());
    // Nothing is left to do, and nothing is done twice.
    let before = sale.position();
    assert!(sale.fulfil(&before, with).is_empty());
}

/// S106, N18: a kit is picked as its components, once; what two kits and a line of its own share adds up.
#[test]
fn n18_kits_become_their_components_once() {
    let booked = book(&merchant(PickPackShip::PickPackShip, &[]), &[("SET", 3), ("PAIR", 2), ("MUG", 1)]);
    let claims: Vec<(&str, i64)> = booked.sale.allocations.iter().map(|one| (one.product_id.as_str(), one.quantity)).collect();
    assert_eq!(claims, [("lid", 3), ("mug", 3 * 2 + 2 * 2 + 1)]);
    assert_eq!(change(&booked.stock, "set"), None);
    assert_eq!(booked.sale.lines[0].components.len(), 2);
    let skus: Vec<&str> = booked.sale.allocations.iter().map(|one| booked.sale.sku_of(one)).collect();
    assert_eq!(skus, ["LID", "MUG"]);
}

/// N18: giving a kit back does not depend on what the kit has become meanwhile.
#[test]
fn n18_kits_are_reversible() {
    let Booked { mut sale, stock, .. } = book(&merchant(PickPackShip::PickPackShip, &[]), &[("SET", 3)]);
    let back = sale.void(&Levels::default(), now());
    for (given, taken) in back.iter().zip(&stock) {
        assert_eq!((&given.key, given.change), (&taken.key, taken.change.inverse()));
    }
    assert_eq!(back.len(), stock.len());
}

/// S106: a drop-ship line makes a draft purchase for its supplier, and is neither claimed nor picked.
#[test]
fn s106_drop_ship_lines_make_a_draft_purchase() {
    let booked = book(&merchant(PickPackShip::PickPackShip, &[]), &[("SLAB", 2), ("MUG", 1), ("SLAB", 5)]);
    let [purchase] = booked.sale.purchases.as_slice() else { panic!("{:?}", booked.sale.purchases) };
    assert_eq!((purchase.supplier.as_str(), purchase.status), ("Quarry Ltd", Draft));
    assert_eq!(purchase.lines.iter().map(|line| (line.line_no, line.quantity)).collect::<Vec<_>>(), [(1, 2), (3, 5)]);
    assert_eq!(change(&booked.stock, "slab"), None);
    assert_eq!(statuses(&booked.sale), [Authorised, Authorised, Authorised]);
}

/// Marketplace warehouses send what never lay on our shelves.
#[test]
fn externally_fulfilled_orders_move_no_stock() {
    let mut order = buying(&[("MUG", 1), ("SLAB", 1)]);
    order.externally_fulfilled = true;
    let booked = merchant(PickPackShip::PickPackShip, &[]).booked(&order);
    assert_eq!((booked.stock.len(), booked.sale.allocations.len(), booked.sale.purchases.len()), (0, 0, 0));
    assert_eq!(statuses(&booked.sale), [NotAvailable; 3]);
}

fn hampers(auto_assembly: AutoAssembly, level: Level, ordered: i64) -> Booked {
    let mut merchant = merchant(PickPackShip::PickPackShip, &[("hamper", level), ("mug", on_shelf(1_000)), ("lid", on_shelf(1_000))]);
    merchant.settings.auto_assembly = auto_assembly;
    book(&merchant, &[("HAMPER", ordered)])
}

fn made(booked: &Booked) -> Vec<i64> {
    booked.sale.assemblies.iter().map(|assembly| assembly.quantity).collect()
}

/// S57: the ordered quantity, whatever is there, and it is this order's.
#[test]
fn s57_the_ordered_quantity_without_a_look_at_the_shelf() {
    for level in [on_shelf(0), on_shelf(50), Level { on_hand: 0, allocated: 7, unpicked: 0 }] {
        let booked = hampers(AutoAssembly::OrderedQuantity, level, 3);
        assert_eq!(made(&booked), [3], "{level:?}");
        assert_eq!(statuses(&booked.sale), [Authorised; 3], "{level:?}");
        assert_eq!(change(&booked.stock, "mug").unwrap(), (Change { on_hand: -12, allocated: 0, unpicked: -12 }, Floor::Available(12)));
        assert_eq!(change(&booked.stock, "lid").unwrap(), (Change { on_hand: -3, allocated: 0, unpicked: -3 }, Floor::Available(3)));
        // Made and sent.
        assert_eq!(change(&booked.stock, "hamper"), None);
    }
}

/// S58–S61: the table of the contract, with the availability before the order's own claim (S62).
#[test]
fn s58_s61_the_minimum_required_for_picking() {
    let available = |units: i64| Level { on_hand: 10, allocated: 10 - units, unpicked: 10 };
    for (there, expected) in [(5, vec![]), (3, vec![]), (2, vec![1]), (0, vec![3]), (-4, vec![7])] {
        let booked = hampers(AutoAssembly::MinimumForPicking, available(there), 3);
        assert_eq!(made(&booked), expected, "{there} available");
        assert_eq!(statuses(&booked.sale), [Authorised; 3], "{there} available");
    }
    // Unknown is taken for plenty, and the write finds out.
    let mut merchant = merchant(PickPackShip::None, &[]);
    merchant.settings.auto_assembly = AutoAssembly::MinimumForPicking;
    let booked = book(&merchant, &[("HAMPER", 3)]);
    assert!(made(&booked).is_empty());
    assert_eq!(change(&booked.stock, "hamper").unwrap().1, Floor::Available(3));
}

/// S62: availability is that of the sale's own location.
#[test]
fn s62_other_locations_do_not_count() {
    let mut merchant = merchant(PickPackShip::Pick, &[("hamper", on_shelf(0))]);
    merchant.settings.auto_assembly = AutoAssembly::MinimumForPicking;
    merchant.levels.learn(StockKey::new(&ProductId::from("hamper"), &LocationId::from("reno")), on_shelf(100));
    assert_eq!(made(&book(&merchant, &[("HAMPER", 3)])), [3]);
}

/// With components short, the assembly stays a draft and so does the pick (docs/requirements.md, section 6).
#[test]
fn s59_short_components_leave_assembly_and_pick_in_draft() {
    let merchant = merchant(PickPackShip::PickPackShip, &[("hamper", on_shelf(0)), ("mug", on_shelf(11)), ("lid", on_shelf(1_000))]);
    let booked = book(&merchant, &[("HAMPER", 3), ("LID", 1)]);
    assert_eq!(booked.sale.assemblies[0].status, Draft);
    assert_eq!(statuses(&booked.sale), [Draft, NotAvailable, NotAvailable]);
    assert_eq!(change(&booked.stock, "mug"), None);
    assert_eq!(reasons(&booked.sale), [Reason::ComponentsShort, Reason::StockShort]);
    assert!(booked.sale.warnings[0].message.starts_with("Needed 12 of MUG for HAMPER."), "{}", booked.sale.warnings[0].message);
}

/// Two assemblies, and a line, that share a component cannot all have the same units.
#[test]
fn shared_components_are_counted_once() {
    let mut merchant = merchant(PickPackShip::Pick, &[("hamper", on_shelf(0)), ("mug", on_shelf(13)), ("lid", on_shelf(99))]);
    let booked = book(&merchant, &[("HAMPER", 3), ("MUG", 1)]);
    assert_eq!(statuses(&booked.sale)[0], Authorised);
    assert_eq!(change(&booked.stock, "mug"), Some((Change { on_hand: -12, allocated: 1, unpicked: -13 }, Floor::Available(13))));
    merchant.levels.learn(key("mug"), on_shelf(12));
    let booked = book(&merchant, &[("HAMPER", 3), ("MUG", 1)]);
    assert_eq!((booked.sale.assemblies[0].status, booked.sale.pick.status), (Authorised, Draft));
}

/// S152: void keeps the record and its totals, and undoes payments, invoice, stock and what was made.
#[test]
fn s152_void_gives_everything_back_and_keeps_the_record() {
    let mut merchant = merchant(PickPackShip::PickPackShip, &[]);
    merchant.settings.payment.account = Some("bank".into());
    let mut order = buying(&[("HAMPER", 2), ("MUG", 1), ("SLAB", 1)]);
    order.amount_paid = order.total;
    let Booked { mut sale, stock, .. } = merchant.booked(&order);
    let record = sale.clone();
    let back = sale.void(&Levels::default(), now());
    assert_eq!((sale.total, &sale.lines, sale.tax), (record.total, &record.lines, record.tax));
    assert_eq!(statuses(&sale), [Voided; 3]);
    assert_eq!((sale.invoice.status, sale.invoice.payments.len()), (Voided, 0));
    assert_eq!(sale.invoice.voided_payments, record.invoice.payments);
    assert_eq!((sale.purchases[0].status, sale.assemblies[0].status), (Voided, Voided));
    assert!(sale.position().is_empty());
    let both = stock.iter().chain(&back).fold(BTreeMap::new(), |mut sums: BTreeMap<StockKey, Change>, change| {
        let sum = sums.entry(change.key.clone()).or_default();
        *sum = sum.plus(change.change);
        sums
    });
    assert!(both.values().all(|change| *change == Change::default()), "{both:?}");
}

/// Goods that were made for a voided sale and are in others' hands by now stay made, and the sale says so.
#[test]
fn what_others_have_taken_is_not_taken_apart() {
    let Booked { mut sale, .. } = hampers(AutoAssembly::MinimumForPicking, Level { on_hand: 0, allocated: 4, unpicked: 0 }, 3);
    assert_eq!(sale.assemblies[0].quantity, 7);
    // The other four were picked for those who waited for them.
    let mut levels = Levels::default();
    levels.learn(key("hamper"), Level { on_hand: 4, allocated: 4, unpicked: 0 });
    let back = sale.void(&levels, now());
    assert_eq!((sale.assemblies[0].status, reasons(&sale)), (Authorised, vec![Reason::AssemblyKept]));
    assert_eq!(change(&back, "hamper").unwrap().0, Change { on_hand: 3, allocated: 0, unpicked: 3 });
    assert_eq!(change(&back, "mug"), None);
}
