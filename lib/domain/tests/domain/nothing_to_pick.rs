//! Sales with nothing to pick, and what must not be picked (S30–S34, S57, S106, N18).

use std::collections::BTreeMap;

use stevedore_domain::order::Order;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::ProductKind;
use stevedore_domain::sale::{Actor, Booked, Fulfilment, SaleStatus, StageStatus};
use stevedore_domain::settings::{AutoAssembly, PickPackShip};
use stevedore_domain::stock::{Floor, Level, Levels};

use crate::day::{daily_merchant, day_of};
use crate::fulfilment::{book, buying, change, made_of, merchant, on_shelf, statuses};
use crate::merchant::{Merchant, now, reasons};

use StageStatus::{Authorised, Draft, NotAvailable, Voided};

const MODES: [(PickPackShip, [StageStatus; 3]); 4] = [
    (PickPackShip::None, [NotAvailable, NotAvailable, NotAvailable]),
    (PickPackShip::Pick, [Authorised, Draft, NotAvailable]),
    (PickPackShip::PickPack, [Authorised, Authorised, Draft]),
    (PickPackShip::PickPackShip, [Authorised, Authorised, Authorised]),
];

/// The merchant of the fulfilment tests, with kits of services alone and of goods and a service.
fn shop(mode: PickPackShip) -> Merchant {
    let mut merchant = merchant(mode, &[]);
    for kit in [made_of("care", ProductKind::Kit, &[("wrap", 2)]), made_of("gift", ProductKind::Kit, &[("mug", 2), ("wrap", 1)])] {
        merchant.products.add(std::sync::Arc::new(kit));
    }
    merchant
}

/// S30–S33: services, drop-shipped lines, kits of services and lines of no product go as far as the setting says, and move no stock.
#[test]
fn s30_s33_nothing_to_pick_is_not_a_short_pick() {
    for (mode, expected) in MODES {
        for lines in [&[("WRAP", 1)][..], &[("SLAB", 2)], &[("SLAB", 2), ("WRAP", 1)], &[("CARE", 3)], &[("NOWHERE", 1)], &[("MUG", 0)]] {
            let booked = book(&shop(mode), lines);
            assert_eq!(statuses(&booked.sale), expected, "{mode:?} {lines:?}");
            assert_eq!((booked.stock.len(), booked.sale.allocations.len()), (0, 0), "{lines:?}");
            assert!(!reasons(&booked.sale).contains(&Reason::StockShort));
            let shipped = booked.sale.status() == SaleStatus::Shipped;
            assert_eq!(shipped, mode == PickPackShip::PickPackShip, "{mode:?} {lines:?}");
        }
        // What a marketplace's warehouse sends is neither picked nor shipped here.
        let external = Order { externally_fulfilled: true, ..buying(&[("MUG", 1), ("WRAP", 1)]) };
        assert_eq!(statuses(&shop(mode).booked(&external).sale), [NotAvailable; 3], "{mode:?}");
    }
}

/// S34: a service beside goods that are short ships nothing.
#[test]
fn s34_a_service_does_not_ship_goods_that_are_short() {
    let mut merchant = shop(PickPackShip::PickPackShip);
    merchant.levels.learn(crate::fulfilment::key("mug"), on_shelf(0));
    let booked = book(&merchant, &[("WRAP", 1), ("SLAB", 1), ("MUG", 1)]);
    assert_eq!(statuses(&booked.sale), [Draft, NotAvailable, NotAvailable]);
    merchant.levels.learn(crate::fulfilment::key("mug"), on_shelf(1));
    assert_eq!(statuses(&book(&merchant, &[("WRAP", 1), ("SLAB", 1), ("MUG", 1)]).sale), [Authorised; 3]);
}

/// S23: a day of services alone is shipped as far as the setting says.
#[test]
fn s23_a_day_of_services_is_shipped() {
    for (mode, expected) in MODES {
        let mut merchant = daily_merchant();
        merchant.settings.pick_pack_ship = mode;
        let mut day = day_of(&merchant, &[buying(&[("NOWHERE", 1)])]);
        day.claim(&merchant.products);
        let stock = day.fulfil(&BTreeMap::new(), with(&merchant, mode));
        assert_eq!((statuses(&day), stock.len()), (expected, 0), "{mode:?}");
    }
}

fn with(merchant: &Merchant, mode: PickPackShip) -> Fulfilment<'_> {
    let auto_assembly = AutoAssembly::OrderedQuantity;
    Fulfilment { mode, auto_assembly, products: &merchant.products, levels: &merchant.levels, actor: Actor::Person, at: now() }
}

/// Sales that were booked before are shipped by a person's retry, and voiding takes back stages without any stock.
#[test]
fn s152_a_shipped_service_can_be_retried_and_voided() {
    let merchant = shop(PickPackShip::None);
    let Booked { mut sale, .. } = book(&merchant, &[("WRAP", 1)]);
    assert_eq!(statuses(&sale), [NotAvailable; 3]);
    assert!(sale.fulfil(&BTreeMap::new(), with(&merchant, PickPackShip::PickPackShip)).is_empty());
    assert_eq!((statuses(&sale), sale.fulfilment_in_words()), ([Authorised; 3], "shipped"));
    let before = sale.clone();
    assert!(sale.fulfil(&BTreeMap::new(), with(&merchant, PickPackShip::PickPackShip)).is_empty());
    assert_eq!(sale, before);
    assert!(sale.void(&Levels::default(), now()).is_empty());
    assert_eq!((statuses(&sale), sale.movements().len()), ([Voided; 3], 0));
}

/// N18: a service in a kit is neither claimed nor picked: a service has no level.
#[test]
fn n18_a_service_in_a_kit_is_not_claimed() {
    let booked = book(&shop(PickPackShip::PickPackShip), &[("GIFT", 3)]);
    let claims: Vec<(&str, i64)> = booked.sale.allocations.iter().map(|one| (one.product_id.as_str(), one.quantity)).collect();
    assert_eq!((claims, change(&booked.stock, "wrap")), (vec![("mug", 6)], None));
    assert_eq!(booked.sale.lines[0].components.len(), 2);
}

/// S57: an assembly that waits for components holds up the pick, also where the shelf has the ordered quantity.
#[test]
fn s57_a_draft_assembly_holds_up_the_pick_of_what_is_there() {
    let levels = [("hamper", on_shelf(10)), ("mug", on_shelf(3)), ("lid", on_shelf(9))];
    let booked = book(&merchant(PickPackShip::PickPackShip, &levels), &[("HAMPER", 1), ("LID", 1)]);
    assert_eq!(booked.sale.assemblies[0].status, Draft);
    assert_eq!(statuses(&booked.sale), [Draft, NotAvailable, NotAvailable]);
    // Nothing is short on the shelf: the assembly alone holds it up.
    assert_eq!((reasons(&booked.sale), booked.sale.pick.found.as_deref()), (vec![Reason::ComponentsShort], Some(&[1, 1][..])));
    assert_eq!(change(&booked.stock, "hamper").map(|(change, _)| (change.allocated, change.unpicked)), Some((1, 0)));
}

/// S57: two assemblies of one sale take no unit of a component twice: where there is enough for one of them alone, the other is a draft and the pick waits.
#[test]
fn s57_two_assemblies_take_no_component_twice() {
    let mut merchant = merchant(PickPackShip::PickPackShip, &[("lid", on_shelf(9))]);
    merchant.products.add(std::sync::Arc::new(made_of("crate", ProductKind::Assembly, &[("mug", 4)])));
    for (mugs, hamper, stages, taken) in [(6, Draft, [Draft, NotAvailable, NotAvailable], -4), (8, Authorised, [Authorised; 3], -8)] {
        merchant.levels.learn(crate::fulfilment::key("mug"), on_shelf(mugs));
        let booked = book(&merchant, &[("HAMPER", 1), ("CRATE", 1)]);
        let made: Vec<(&str, StageStatus)> = booked.sale.assemblies.iter().map(|made| (made.product_id.as_str(), made.status)).collect();
        assert_eq!(made, [("crate", Authorised), ("hamper", hamper)], "{mugs} mugs");
        assert_eq!(statuses(&booked.sale), stages, "{mugs} mugs");
        assert_eq!(change(&booked.stock, "mug").map(|(change, _)| change.unpicked), Some(taken), "{mugs} mugs");
    }
}

/// P5: an adjustment that takes units away leaves those that are picked; one that adds units may always be written.
#[test]
fn p5_an_adjustment_leaves_what_is_picked() {
    let change = |quantity| {
        let (id, product_id, location_id) = ("a".to_owned(), "mug".into(), "main".into());
        stevedore_domain::stock::Adjustment { id, product_id, location_id, quantity, reason: None, at: now(), by: "avery".to_owned() }
            .stock_change()
    };
    assert_eq!((change(-3).floor, change(3).floor), (Floor::Unpicked(3), Floor::None));
    let picked = Level { on_hand: 5, allocated: 3, unpicked: 2 };
    assert!(change(-2).floor.holds(picked) && !change(-3).floor.holds(picked));
}
