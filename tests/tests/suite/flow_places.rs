//! The address of an order decides its location and its tax rule, through the whole flow (S56, S66,
//! N9, N10).

use stevedore_domain::address::Address;
use stevedore_domain::ids::TaxRuleId;
use stevedore_domain::jurisdiction::rules_of_place;
use stevedore_domain::log::LogState;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Location, TaxRule};
use stevedore_sandbox::{Draft, Json};

use crate::flow::{member, with};
use crate::world::{LOCATION, Options, TAX_RULE, World, dec, order_id};

fn shipped_to(number: &str, city: &str, state: &str, zip: &str, country: &str) -> Json {
    with(&Draft::new(number).line("SKU-1", 1, dec("100.00")).tax(dec("8.00")), |order| {
        let ship_to = member(order, "shipTo");
        for (name, text) in [("city", city), ("state", state), ("postalCode", zip), ("country", country)] {
            ship_to.set(name, text);
        }
    })
}

async fn add_location(world: &World, id: &str, zip: &str) -> Location {
    let address = Address { postal_code: Some(zip.to_owned()), country: Some("US".to_owned()), ..Address::default() };
    let location = Location { id: id.into(), name: id.to_owned(), address, priority: 0, active: true, created_at: world.clock.now() };
    world.table.put_record(&location, None).await.unwrap();
    location
}

/// S56, N9: with routing on, every location is a candidate, also one that no setting names. The
/// reason is on the sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s56_n9_orders_go_to_the_nearest_location() {
    let world = World::new(Options::default()).await;
    add_location(&world, "Sparks", "89431").await;
    add_location(&world, "Newark", "07102").await;
    world.settings(|settings| settings.order_routing = true).await;
    let orders = [
        (shipped_to("1", "San Francisco", "CA", "94110", "US"), "Sparks"),
        (shipped_to("2", "Boston", "MA", "02139-4307", "US"), "Newark"),
        (shipped_to("3", "Anywhere", "NY", "", "US"), "Newark"),
        (shipped_to("4", "Toronto", "ON", "M5V 2T6", "CA"), LOCATION),
    ];
    let ids: Vec<_> = orders.iter().map(|(order, location)| (world.sandbox.upsert_order(order.clone()), *location)).collect();
    world.download().await;
    for (id, location) in ids {
        let sale = world.sale(id).await;
        assert_eq!(sale.location_id.as_str(), location, "{}", sale.location_reason);
        let says = if location == LOCATION { "not routed, since" } else { " mi; " };
        assert!(sale.location_reason.contains(says), "{}", sale.location_reason);
    }
}

/// S63: an order whose location is not active waits, and is booked once the location is active.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s63_a_location_that_is_not_active_blocks() {
    let world = World::new(Options::default()).await;
    let stored = world.table.record::<Location>(LOCATION).await.unwrap().unwrap();
    world.table.put_record(&Location { active: false, ..stored.value.clone() }, Some(&stored)).await.unwrap();
    let id = world.sandbox.upsert_order(shipped_to("1", "Reno", "NV", "89501", "US"));
    world.download().await;
    let entry = world.table.log_entry(order_id(id)).await.unwrap().unwrap().entry;
    assert_eq!((entry.state, entry.reason), (LogState::Blocked, Some(Reason::MissingReference)));
    assert!(entry.message.unwrap().contains("is not active"));
    let stored = world.table.record::<Location>(LOCATION).await.unwrap().unwrap();
    world.table.put_record(&Location { active: true, ..stored.value.clone() }, Some(&stored)).await.unwrap();
    world.next_hour().await;
    assert_eq!(world.sale(id).await.location_id.as_str(), LOCATION);
}

/// S66, S67, S68, S70, N10: the rule of the place, ShipStation's amount under its name or the
/// rule's own percentage, and a mark where the ZIP is in two counties.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s66_n10_the_rule_of_the_place_is_taken() {
    for (recalculate, city, county) in [(false, 800, 800), (true, 475, 425)] {
        let world = World::new(Options::default()).await;
        // Aurora's 80017 is in Arapahoe County only; its 80011 is in Adams County too.
        for rule in rules_of_place("80017", None).unwrap() {
            let mut components = rule.components;
            for (component, percent) in components.iter_mut().zip(["4", "0.25", "0.5"]) {
                component.percent = dec(percent);
            }
            let id = TaxRuleId::of_place(&rule.place);
            let rule =
                TaxRule { id, name: rule.name, components, place: Some(rule.place), addresses: Vec::new(), created_at: world.clock.now() };
            world.table.put_record(&rule, None).await.unwrap();
        }
        world.settings(|settings| settings.tax.recalculate = recalculate).await;
        let aurora = "Colorado, Arapahoe County, Aurora";
        let orders = [
            (shipped_to("1", "Aurora", "CO", "80017", "US"), aurora, city, false),
            (shipped_to("2", "Aurora", "CO", "80011", "US"), aurora, city, true),
            (shipped_to("3", "Centennial", "CO", "80122", "US"), "Colorado, Arapahoe County", county, false),
            (shipped_to("4", "Toronto", "ON", "M5V 2T6", "CA"), "Sales tax", if recalculate { 725 } else { 800 }, false),
        ];
        let ids: Vec<_> =
            orders.into_iter().map(|(order, rule, tax, marked)| (world.sandbox.upsert_order(order), rule, tax, marked)).collect();
        world.download().await;
        for (id, rule, tax, marked) in ids {
            let sale = world.sale(id).await;
            assert_eq!((sale.tax_rules[0].name.as_str(), sale.tax.0, sale.total.0), (rule, tax, 10_000 + tax), "{recalculate}");
            assert_eq!(sale.lines[0].tax_rule == TaxRuleId::from(TAX_RULE), rule == "Sales tax");
            let allocated: i64 = sale.tax_allocation(&sale.lines[0]).iter().map(|(_, amount)| amount.0).sum();
            assert_eq!(allocated, tax);
            let entry = world.table.log_entry(order_id(id)).await.unwrap().unwrap().entry;
            assert_eq!(entry.warnings.iter().any(|warning| warning.reason == Reason::TaxPlaceUncertain), marked, "{:?}", entry.warnings);
        }
    }
}
