//! Addresses that a location may have.

use stevedore_domain::address::Address;
use stevedore_domain::reference::Location;
use stevedore_domain::settings::Settings;

fn faults(order_routing: bool, active: bool, parts: Option<(&str, &str, &str)>) -> Vec<(String, &'static str)> {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let address = parts.map_or_else(Address::default, |(postal_code, state, country)| Address {
        postal_code: text(postal_code),
        state: text(state),
        country: text(country),
        ..Address::default()
    });
    let created_at = "2026-01-31T10:00:00Z".parse().unwrap();
    let location = Location { id: "l".into(), name: "L".into(), address, priority: 0, active, created_at };
    let settings = Settings { order_routing, ..Settings::default() };
    location.faults(&settings).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn s56_a_zip_that_does_not_exist_is_refused_in_the_united_states_alone() {
    let unknown = vec![("/address/postal_code".to_owned(), "unknown_zip")];
    for (parts, expected) in [
        (("89501", "NV", "US"), vec![]),
        (("89501-1234", "NV", "usa"), vec![]),
        (("", "NV", "US"), vec![]),
        (("00000", "NV", "US"), unknown.clone()),
        (("8950", "", "US"), unknown.clone()),
        (("SW1A 1AA", "", "United States"), unknown.clone()),
        (("00000", "", "PR"), unknown),
        (("SW1A 1AA", "", "GB"), vec![]),
        (("00000", "NV", ""), vec![]),
        (("00000", "NV", "Atlantis"), vec![]),
    ] {
        assert_eq!(faults(false, true, Some(parts)), expected, "{parts:?}");
    }
}

#[test]
fn s56_without_an_address_only_while_nothing_is_routed() {
    assert!(faults(false, true, None).is_empty() && faults(true, false, None).is_empty());
    assert_eq!(faults(true, true, None), [("/address".to_owned(), "required")]);
    assert!(faults(true, true, Some(("SW1A 1AA", "", "GB"))).is_empty());
}
