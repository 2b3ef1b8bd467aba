//! Tax rules of places of business (S64–S68, S70, N10).

use stevedore_domain::address::Address;
use stevedore_domain::ids::TaxRuleId;
use stevedore_domain::jurisdiction::{PlaceError, rules_of_place};
use stevedore_domain::money::Minor;
use stevedore_domain::order::Order;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{TaxPlace, TaxRule};
use stevedore_domain::sale::Sale;

use crate::merchant::{Merchant, then};
use crate::orders::{exact, line, order, taxed_line};

fn names(zip: &str, city: Option<&str>) -> Vec<String> {
    rules_of_place(zip, city).unwrap().into_iter().map(|rule| rule.name).collect()
}

/// S64, S65: a ZIP makes State; State, County; State, County, City, each with its place and a component for each part, of nothing yet.
#[test]
fn s64_s65_a_place_of_business_makes_three_rules() {
    let rules = rules_of_place("89501-1234", None).unwrap();
    let place = |county: Option<&str>, city: Option<&str>| TaxPlace {
        state: "NV".into(),
        county: county.map(str::to_owned),
        city: city.map(str::to_owned),
    };
    let expected = [
        ("Nevada", place(None, None), vec!["State"]),
        ("Nevada, Washoe County", place(Some("Washoe County"), None), vec!["State", "County"]),
        ("Nevada, Washoe County, Reno", place(Some("Washoe County"), Some("Reno")), vec!["State", "County", "City"]),
    ];
    assert_eq!(rules.len(), expected.len());
    for (rule, (name, place, components)) in rules.iter().zip(expected) {
        assert_eq!((rule.name.as_str(), &rule.place), (name, &place));
        assert!(rule.components.iter().map(|component| component.name.as_str()).eq(components));
        assert!(rule.components.iter().all(|component| component.percent.is_zero()));
    }
    let ids: std::collections::BTreeSet<TaxRuleId> = rules.iter().map(|rule| TaxRuleId::of_place(&rule.place)).collect();
    assert_eq!(ids.len(), 3);
}

/// S65: another name of the ZIP's may be the city; fewer rules where no county is known; no rules where there is no such place.
#[test]
fn s65_other_cities_fewer_rules_and_none() {
    assert_eq!(names("90210", Some("beverly hills")).last().unwrap(), "California, Los Angeles County, Beverly Hills");
    assert_eq!(names("70112", None), ["Louisiana", "Louisiana, Orleans Parish", "Louisiana, Orleans Parish, New Orleans"]);
    assert_eq!(names("96910", None), ["Guam"]);
    assert_eq!(names("20001", None)[1], "District of Columbia, District of Columbia");
    for zip in ["00000", "8950", "K1A 0B1", "", "96960"] {
        assert_eq!(rules_of_place(zip, None), Err(PlaceError::UnknownZip), "{zip}");
    }
    assert_eq!(rules_of_place("89501", Some("Las Vegas")), Err(PlaceError::UnknownCity(vec!["Reno"])));
}

fn to(city: &str, state: &str, zip: &str, country: &str) -> Address {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Address { city: text(city), state: text(state), postal_code: text(zip), country: text(country), ..Address::default() }
}

/// A merchant with the rules of these places, each part taking one percent of its own.
fn merchant(zips: &[&str]) -> Merchant {
    let mut merchant = Merchant::new();
    for rule in zips.iter().flat_map(|zip| rules_of_place(zip, None).unwrap()) {
        let id = TaxRuleId::of_place(&rule.place);
        if merchant.place_rules.iter().any(|known| known.id == id) {
            continue;
        }
        let mut components = rule.components;
        for (component, percent) in components.iter_mut().zip(["5", "2", "1"]) {
            component.percent = exact(percent);
        }
        merchant.place_rules.push(TaxRule {
            id,
            name: rule.name,
            components,
            place: Some(rule.place),
            addresses: Vec::new(),
            created_at: then(),
        });
    }
    merchant
}

fn sale(merchant: &Merchant, ship_to: Address) -> Sale {
    merchant.sale(&Order { ship_to, ..order(vec![line("MUG", 1, "100"), taxed_line("CUP", 1, "50", "4")], "12.34", "0") })
}

/// The rule's name, and whether the sale says that another may be due.
fn taken(merchant: &Merchant, ship_to: Address) -> (String, bool) {
    let sale = sale(merchant, ship_to);
    let [rule] = sale.tax_rules.as_slice() else { panic!("{:?}", sale.tax_rules) };
    assert!(sale.lines.iter().all(|line| line.tax_rule == rule.id));
    (rule.name.clone(), sale.warnings.iter().any(|warning| warning.reason == Reason::TaxPlaceUncertain))
}

const DEFAULT: &str = "Rule sales-tax";

/// S66, S67, N10: same city; same county; same state; else the default; another country has the default.
#[test]
fn s66_s67_n10_the_narrowest_that_holds() {
    let merchant = merchant(&["89501", "07102"]);
    for (ship_to, rule) in [
        (to("Reno", "NV", "89501", "US"), "Nevada, Washoe County, Reno"),
        (to("RENO", "Nevada", "89502-0012", "us"), "Nevada, Washoe County, Reno"),
        (to("", "", "89501", "US"), "Nevada, Washoe County, Reno"),
        (to("Sparks", "NV", "89431", "US"), "Nevada, Washoe County"),
        (to("Las Vegas", "NV", "89101", "US"), "Nevada"),
        (to("Newark", "NJ", "07102", "US"), "New Jersey, Essex County, Newark"),
        (to("Portland", "OR", "97201", "US"), DEFAULT),
        (to("Toronto", "ON", "M5V 2T6", "CA"), DEFAULT),
        // A German postcode that is a ZIP of Reno's.
        (to("Reno", "NV", "89501", "DE"), DEFAULT),
        (to("Reno", "NV", "89501", ""), "Nevada, Washoe County, Reno"),
        (to("Augsburg", "", "89501", ""), DEFAULT),
        (Address::default(), DEFAULT),
    ] {
        assert_eq!(taken(&merchant, ship_to.clone()), (rule.to_owned(), false), "{ship_to:?}");
    }
    // No place of business, no question.
    for ship_to in [to("Reno", "NV", "89501", "US"), to("Aurora", "CO", "80011", "US"), to("", "", "", "US")] {
        assert_eq!(taken(&Merchant::new(), ship_to), (DEFAULT.to_owned(), false));
    }
}

/// N10: a ZIP that lies in several counties is marked where that decides, and only there.
#[test]
fn n10_straddling_zips_are_marked() {
    // Aurora's 80011 lies in Arapahoe and Adams; 80017 in Arapahoe alone.
    let aurora = merchant(&["80017"]);
    assert_eq!(names("80017", None)[1], "Colorado, Arapahoe County");
    assert_eq!(taken(&aurora, to("Aurora", "CO", "80017", "US")), ("Colorado, Arapahoe County, Aurora".to_owned(), false));
    assert_eq!(taken(&aurora, to("Aurora", "CO", "80011", "US")), ("Colorado, Arapahoe County, Aurora".to_owned(), true));
    let message = sale(&aurora, to("Aurora", "CO", "80011", "US")).warnings.remove(0).message;
    let says = "The ship-to ZIP 80011 lies in Arapahoe County and Adams County. The rule Colorado, Arapahoe County, Aurora was taken. ";
    assert!(message.starts_with(says), "{message}");
    // Where only the state has a rule, the county decides nothing.
    let mut state_alone = merchant(&["80017"]);
    state_alone.place_rules.truncate(1);
    assert_eq!(taken(&state_alone, to("Aurora", "CO", "80011", "US")), ("Colorado".to_owned(), false));
}

/// N10: an address that contradicts its ZIP takes what is sure of it, and is marked.
#[test]
fn n10_contradictions_are_marked() {
    let merchant = merchant(&["89501", "07102", "80017"]);
    for (ship_to, rule, marked) in [
        // Another city: the county is sure.
        (to("Sparks", "NV", "89501", "US"), "Nevada, Washoe County", true),
        // ... and where no city of that county has a rule, it decides nothing.
        (to("Elsewhere", "NV", "89101", "US"), "Nevada", false),
        // Another state: nothing is sure.
        (to("Reno", "CA", "89501", "US"), DEFAULT, true),
        (to("Portland", "CA", "97201", "US"), DEFAULT, false),
        // An unknown ZIP: the state is sure.
        (to("Reno", "NV", "00000", "US"), "Nevada", true),
        (to("Reno", "OR", "00000", "US"), DEFAULT, false),
        (to("Reno", "", "", "US"), DEFAULT, true),
    ] {
        assert_eq!(taken(&merchant, ship_to.clone()), (rule.to_owned(), marked), "{ship_to:?}");
    }
}

/// S67: of two rules for one place the older is taken; the settings' default may have a place too.
#[test]
fn s67_two_rules_for_one_place() {
    let mut merchant = merchant(&["89501"]);
    let mut newer = merchant.place_rules[2].clone();
    newer.id = TaxRuleId::from("A-newer");
    newer.created_at = "2026-06-01T00:00:00Z".parse().unwrap();
    merchant.place_rules.insert(0, newer);
    assert_eq!(sale(&merchant, to("Reno", "NV", "89501", "US")).tax_rules[0].id, merchant.place_rules[3].id);
    merchant.settings.tax.default_rule = Some(merchant.place_rules[1].id.clone());
    assert_eq!(taken(&merchant, to("Toronto", "", "", "CA")).0, "Nevada");
}

/// S68, S69: ShipStation's amount is kept under the name of the place's rule, items' own taxes too, and is divided over its components exactly.
#[test]
fn s68_s69_the_amount_is_kept_under_the_places_rule() {
    let sale = sale(&merchant(&["89501"]), to("Reno", "NV", "89501", "US"));
    assert_eq!((sale.tax, sale.total, sale.tax_rules[0].name.as_str()), (Minor(1234), Minor(16_234), "Nevada, Washoe County, Reno"));
    assert_eq!(sale.lines.iter().map(|line| line.tax.0).collect::<Vec<_>>(), [834, 400]);
    let allocated = |index: usize| -> Vec<(String, i64)> {
        sale.tax_allocation(&sale.lines[index]).into_iter().map(|(component, amount)| (component.name.clone(), amount.0)).collect()
    };
    // 5 : 2 : 1 of 8.34 and of 4.00.
    assert_eq!(allocated(0), [("State".into(), 521), ("County".into(), 209), ("City".into(), 104)]);
    assert_eq!(allocated(1), [("State".into(), 250), ("County".into(), 100), ("City".into(), 50)]);
}

/// S70: recalculation takes the percent of the rule that holds: city, county, state, default.
#[test]
fn s70_recalculation_by_place() {
    let mut merchant = merchant(&["89501"]);
    let places = [("Reno", "89501", 1200, 1234), ("Sparks", "89431", 1050, 1234), ("Las Vegas", "89101", 750, 1234)];
    for (city, zip, recalculated, stated) in places {
        for (recalculate, expected) in [(true, recalculated), (false, stated)] {
            merchant.settings.tax.recalculate = recalculate;
            let sale = sale(&merchant, to(city, "NV", zip, "US"));
            assert_eq!((sale.tax.0, sale.total.0), (expected, 15_000 + expected), "{city} {recalculate}");
            for line in &sale.lines {
                assert_eq!(sale.tax_allocation(line).iter().map(|(_, amount)| *amount).sum::<Minor>(), line.tax);
            }
        }
    }
    merchant.settings.tax.recalculate = true;
    assert_eq!(sale(&merchant, to("Toronto", "ON", "M5V 2T6", "CA")).tax, Minor(1200));
}
