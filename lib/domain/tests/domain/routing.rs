//! Order routing: the nearest location, and what is taken where none is (S56, S63, N9).

use proptest::prelude::*;
use stevedore_domain::address::Address;
use stevedore_domain::ids::{LocationId, WarehouseId};
use stevedore_domain::order::Order;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::Location;
use stevedore_domain::sale::{Sale, Unbookable};
use stevedore_geography::{State, Zip};

use crate::merchant::{Merchant, blocked, location};
use crate::orders::{line, order};

fn at(id: &str, name: &str, zip: &str) -> Location {
    Location { address: Address { postal_code: Some(zip.to_owned()), ..Address::default() }, ..location(id, name) }
}

fn to(city: &str, state: &str, zip: &str) -> Address {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Address { city: text(city), state: text(state), postal_code: text(zip), country: text("US"), ..Address::default() }
}

/// Routing is on; warehouse 7 is mapped to `mapped`, everything else goes to `main`.
fn router(locations: Vec<Location>) -> Merchant {
    let mut merchant = Merchant::with_settings(|settings| {
        settings.order_routing = true;
        settings.location_map.warehouses.insert(WarehouseId(7), LocationId::from("mapped"));
    });
    merchant.locations = locations;
    merchant.locations.extend([location("main", "Main"), location("mapped", "Mapped")]);
    merchant
}

fn two() -> Vec<Location> {
    vec![at("newark", "Newark", "07102"), at("reno", "Reno", "89501-0001")]
}

fn sale(merchant: &Merchant, ship_to: Address, warehouse: Option<u64>) -> Sale {
    merchant.sale(&Order { ship_to, warehouse_id: warehouse.map(WarehouseId), ..order(vec![line("MUG", 1, "10")], "0", "0") })
}

/// S56, N9: the nearest is taken, whatever warehouse the order names, and the sale says how far it is.
#[test]
fn s56_n9_the_nearest_with_its_reason() {
    let mut merchant = router(two());
    merchant.locations.retain(|location| location.id.as_str() != "main" && location.id.as_str() != "mapped");
    for (ship_to, id, reason) in [
        // San Francisco, Boston, Reno itself, San Juan in Puerto Rico.
        (to("San Francisco", "CA", "94110"), "reno", "Reno, 187 mi; Newark, 2,557 mi"),
        (to("Boston", "MA", "02139"), "newark", "Newark, 195 mi; Reno, 2,515 mi"),
        (to("Reno", "NV", "89501"), "reno", "Reno, 0 mi; Newark, 2,385 mi"),
        (Address { country: Some("PR".into()), ..to("San Juan", "", "00901") }, "newark", "Newark, 1,611 mi; Reno, 3,497 mi"),
    ] {
        let sale = sale(&merchant, ship_to, Some(7));
        assert_eq!((sale.location_id.as_str(), sale.location_reason.as_str()), (id, reason));
        assert!(sale.lines.iter().all(|line| line.location_id == sale.location_id));
    }
}

/// S56: with routing off nothing is measured.
#[test]
fn s56_off_is_off() {
    let mut merchant = router(two());
    merchant.settings.order_routing = false;
    assert_eq!(sale(&merchant, to("Reno", "NV", "89501"), None).location_id.as_str(), "main");
}

/// S56: two at the same place: the priority decides, then the name.
#[test]
fn s56_ties_by_priority() {
    let mut merchant = router(vec![at("a", "Alpha", "89501"), at("b", "Beta", "89501"), at("c", "Gamma", "07102")]);
    let taken = |merchant: &Merchant| sale(merchant, to("Sparks", "NV", "89431"), None).location_id.to_string();
    assert_eq!(taken(&merchant), "a");
    merchant.locations[0].priority = 5;
    assert_eq!(taken(&merchant), "b");
    // A priority moves nothing nearer.
    merchant.locations[2].priority = -100;
    assert_eq!(taken(&merchant), "b");
    merchant.locations[1].priority = 9;
    assert_eq!(taken(&merchant), "a");
}

/// S56, N9: locations that are not active are not asked; those without a known ZIP are left out and named.
#[test]
fn s56_n9_only_what_is_active_and_somewhere() {
    let mut merchant = router(two());
    merchant.locations.push(at("nowhere", "Nowhere", "00000"));
    merchant.locations.push(Location {
        address: Address { country: Some("CA".into()), ..at("", "", "89501").address },
        ..location("toronto", "Toronto")
    });
    merchant.locations[1].active = false;
    let sale = sale(&merchant, to("San Francisco", "CA", "94110"), None);
    assert_eq!(sale.location_id.as_str(), "newark");
    assert_eq!(sale.location_reason, "Newark, 2,557 mi; left out for want of a known ZIP: Main, Mapped, Nowhere, Toronto");
}

/// S56: of many, the nearest five are named.
#[test]
fn s56_a_long_reason_is_cut() {
    let zips = ["89501", "89502", "89503", "89431", "94110", "90001", "07102"];
    let merchant = router(zips.iter().map(|zip| at(zip, zip, zip)).collect());
    let reason = sale(&merchant, to("Reno", "NV", "89501"), None).location_reason;
    assert!(reason.starts_with("89501, 0 mi; ") && reason.contains("; 94110, 187 mi; 2 more are farther; left out"), "{reason}");
}

/// S56: an unknown ZIP falls to the middle of the state; without one, to the mapped warehouse, then to the default.
#[test]
fn s56_fallbacks() {
    let merchant = router(two());
    let middle = "measured from the middle of";
    for (ship_to, warehouse, id, says) in [
        (to("Anywhere", "CA", "00000"), Some(7), "reno", "measured from the middle of California, since the ship-to ZIP is not known"),
        (to("Anywhere", "new york", ""), Some(7), "newark", "the middle of New York"),
        // ZIPs that exist without coordinates: one of Washington, and the army's.
        (to("", "", "56908"), Some(7), "newark", "the middle of District of Columbia"),
        (to("APO", "AE", "09001"), Some(7), "mapped", "not known where in Armed Forces Europe"),
        (to("Anywhere", "", "00000"), Some(7), "mapped", "mapped from ShipStation warehouse 7; not routed, since neither ZIP nor state"),
        (to("Anywhere", "", "00000"), None, "main", "names no warehouse; not routed"),
        (to("Anywhere", "", "00000"), Some(8), "main", "warehouse 8 is not mapped; not routed"),
        // Not in the United States, or not known to be: a German ZIP has five digits too.
        (Address { country: Some("DE".into()), ..to("Berlin", "", "10115") }, Some(7), "mapped", "not known to be in the United States"),
        (Address { country: None, ..to("Berlin", "", "10115") }, None, "main", "not known to be in the United States"),
        (Address { country: None, ..to("New York", "NY", "10001") }, None, "newark", "Newark, 9 mi"),
        (Address::default(), None, "main", "not known to be in the United States"),
    ] {
        let sale = sale(&merchant, ship_to.clone(), warehouse);
        assert_eq!(sale.location_id.as_str(), id, "{ship_to:?}: {}", sale.location_reason);
        assert!(sale.location_reason.contains(says), "{ship_to:?}: {}", sale.location_reason);
        assert!(!sale.location_reason.contains(middle) || says.contains("the middle of"), "{}", sale.location_reason);
    }
}

/// S56: without a location that has an address, the mapped one is taken; without that and a default, the order is blocked.
#[test]
fn s56_no_location_with_an_address() {
    let mut merchant = router(Vec::new());
    let taken = sale(&merchant, to("Reno", "NV", "89501"), Some(7));
    assert_eq!(taken.location_id.as_str(), "mapped");
    assert!(taken.location_reason.ends_with("not routed, since no active location has an address with a known ZIP"));
    merchant.settings.location_map.default = None;
    let plain = Order { ship_to: to("Reno", "NV", "89501"), ..order(vec![line("MUG", 1, "10")], "0", "0") };
    assert_eq!(blocked(&merchant.refusal(&plain)), Reason::NoDefaultLocation);
    // Routing needs no map at all where it finds one.
    merchant.locations.extend(two());
    assert_eq!(merchant.sale(&plain).location_id.as_str(), "reno");
}

/// S63: a mapped or default location that is not active is not taken silently: the order waits and says why.
#[test]
fn s63_not_active_is_not_taken() {
    for routing in [false, true] {
        for warehouse in [None, Some(WarehouseId(7))] {
            let mut merchant = router(Vec::new());
            merchant.settings.order_routing = routing;
            for location in &mut merchant.locations {
                location.active = false;
            }
            let plain = Order { warehouse_id: warehouse, ..order(vec![line("MUG", 1, "10")], "0", "0") };
            let refusal = merchant.refusal(&plain);
            assert_eq!(blocked(&refusal), Reason::MissingReference);
            let Unbookable::Blocked(warning) = refusal else { panic!() };
            let name = if warehouse.is_some() { "Location Mapped (mapped) is not active." } else { "Location Main (main) is not active." };
            assert!(warning.message.starts_with(name), "{}", warning.message);
        }
    }
}

/// ZIPs all over the country.
fn zips() -> impl Strategy<Value = String> {
    (501_u32..99_951)
        .prop_map(|number| format!("{number:05}"))
        .prop_filter("a ZIP with coordinates", |zip| Zip::parse(zip).and_then(Zip::place).is_some_and(|place| place.point.is_some()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_local_rejects: 1_000_000, max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    /// S56, N9: no active location lies nearer than the one that is taken, and of those as near none has a lower priority.
    #[test]
    fn s56_n9_the_chosen_is_the_nearest(ship_to in zips(), places in prop::collection::vec((zips(), any::<bool>(), -2_i32..3), 1..12)) {
        let mut merchant = router(Vec::new());
        for (index, (zip, active, priority)) in places.iter().enumerate() {
            let id = format!("L{index}");
            merchant.locations.push(Location { active: *active, priority: *priority, ..at(&id, &id, zip) });
        }
        let point = |zip: &str| Zip::parse(zip).unwrap().place().unwrap().point.unwrap();
        let state: State = Zip::parse(&ship_to).unwrap().place().unwrap().state;
        let country = if ["FM", "MH", "PW"].contains(&state.code()) { None } else { Some("US".to_owned()) };
        prop_assume!(country.is_some());
        let sale = sale(&merchant, to("", state.code(), &ship_to), None);
        let best = places.iter().filter(|(_, active, _)| *active).map(|(zip, _, priority)| (point(zip).distance(point(&ship_to)), *priority)).min();
        match best {
            None => prop_assert_eq!(sale.location_id.as_str(), "main"),
            Some(best) => {
                let chosen = merchant.locations.iter().find(|location| location.id == sale.location_id).unwrap();
                prop_assert!(chosen.active);
                let distance = point(chosen.address.postal_code.as_deref().unwrap()).distance(point(&ship_to));
                prop_assert_eq!((distance, chosen.priority), best);
                let said = format!("{}, {distance}", chosen.name);
                prop_assert!(sale.location_reason.starts_with(&said));
            }
        }
    }
}
