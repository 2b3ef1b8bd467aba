//! The document as a whole: its members, what is no document, and that one answer names every fault.

use serde_json::json;

use super::{accepted, references, refused};
use crate::settings::{LARGEST_DOCUMENT, MALFORMED_JSON, Named, Settings, named_references, parse};

/// The names of docs/requirements.md, section 4, with those of the compound settings, and what each is by default.
#[test]
fn every_setting_of_the_contract_exists() {
    let contract = json!({
        "capture_order_when": "paid",
        "consolidation": "none",
        "consolidation_time": null,
        "time_zone": "UTC",
        "currency": "USD",
        "customer_id": null,
        "price_tier": 1,
        "pick_pack_ship": "none",
        "ignore_restock_for_unfulfilled": false,
        "invoice_status": "draft",
        "revenue_account": null,
        "default_revenue_account": null,
        "dimension_units": "in",
        "store_name_as_sales_rep": false,
        "match_products": "by_sku",
        "create_missing_products": false,
        "shipstation_is_master": false,
        "shipment_is_taxable": false,
        "order_routing": false,
        "auto_assembly": "ordered_quantity",
        "location_map": {"default": null, "warehouses": {}},
        "tax": {"default_rule": null, "recalculate": false, "by_store": {}},
        "payment": {"account": null, "by_method": {}},
        "paused": false,
        "order_lock_date": null,
        "exclude_tags": [],
        "exclude_stores": [],
        "download_delay_minutes": 0,
        "poll_minutes": 60,
    });
    assert_eq!(serde_json::to_value(Settings::default()).unwrap(), contract);
    assert_eq!(accepted(&contract), Settings::default());
    // Each name is known by itself too: a wrong type there is no unknown setting.
    for name in contract.as_object().unwrap().keys() {
        assert_eq!(
            refused(&json!({ name: {"?": 0} })).iter().filter(|(_, code)| *code == "unknown_setting").count(),
            usize::from(contract[name].is_object())
        );
    }
}

#[test]
fn missing_members_take_their_defaults_and_not_the_current_values() {
    let current = Settings { paused: true, poll_minutes: 15, ..Settings::default() };
    assert_eq!(parse("{}", &current, &references()), Ok(Settings::default()));
    assert_eq!(parse(r#"{"location_map": {}, "tax": {}, "payment": {}}"#, &current, &references()), Ok(Settings::default()));
}

/// Unknown settings and wrong types have a pointer each, and one answer holds them all (docs/requirements.md, section 13).
#[test]
fn one_answer_names_every_fault() {
    let document = json!({
        "capture_order_when": "payed",
        "colour": "red",
        "consolidation": "daily",
        "pick_pack_ship": "pick",
        "ignore_restock_for_unfulfilled": true,
        "location_map": {"default": "MARS", "warehouses": {"x": "RENO", "12": 5}, "extra": 1},
        "payment": [],
        "shipstation_is_master": true,
        "time_zone": "local",
        "poll_minutes": 4,
        "exclude_tags": [1, "a"],
    });
    let mut faults = refused(&document);
    faults.sort();
    let expected = [
        ("/acknowledge_shipstation_is_master", "acknowledgement_required"),
        ("/capture_order_when", "not_one_of"),
        ("/colour", "unknown_setting"),
        ("/consolidation_time", "required"),
        ("/customer_id", "required"),
        ("/exclude_tags/1", "wrong_type"),
        ("/ignore_restock_for_unfulfilled", "not_allowed"),
        ("/location_map/default", "unknown_reference"),
        ("/location_map/extra", "unknown_setting"),
        ("/location_map/warehouses/12", "wrong_type"),
        ("/location_map/warehouses/x", "invalid_key"),
        ("/payment", "wrong_type"),
        ("/poll_minutes", "out_of_range"),
        ("/time_zone", "invalid_time_zone"),
    ];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
}

/// Malformed JSON is told apart from wrong settings, with its position (docs/requirements.md, section 13).
#[test]
fn malformed_json_is_its_own_error() {
    let deep = "[".repeat(5_000);
    let cases =
        ["", "{", "{\"paused\": tru}", "{\"paused\": true} x", "{'paused': true}", "{\"paused\": NaN}", "{\"a\": \"\\ud800\"}", &deep];
    for text in cases {
        let errors = parse(text, &Settings::default(), &references()).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!((errors[0].pointer.as_str(), errors[0].code), ("", MALFORMED_JSON), "{text}");
        assert!(errors[0].message.contains("line 1 column"), "{}", errors[0].message);
    }
    let errors = parse("{\n  \"paused\": true,\n  \"poll_minutes\": 0x3c\n}", &Settings::default(), &references()).unwrap_err();
    assert!(errors[0].message.contains("line 3 column 20"), "{}", errors[0].message);
}

#[test]
fn a_member_that_stands_there_twice_is_refused() {
    for text in [
        r#"{"paused": true, "paused": false}"#,
        r#"{"location_map": {"warehouses": {"12": "RENO", "12": "NEWARK"}}}"#,
        r#"{"a": [{"b": 1, "\u0062": [2]}]}"#,
    ] {
        let errors = parse(text, &Settings::default(), &references()).unwrap_err();
        assert_eq!(errors[0].code, MALFORMED_JSON);
        assert!(errors[0].message.contains("twice") && errors[0].message.contains("line 1 column"), "{}", errors[0].message);
    }
}

#[test]
fn what_is_no_object_is_no_document() {
    for document in [json!(null), json!([]), json!("{}"), json!(1)] {
        assert_eq!(refused(&document), [(String::new(), "wrong_type")]);
    }
    let long = json!({"payment": {"by_method": {"x".repeat(LARGEST_DOCUMENT): "BANK"}}});
    assert_eq!(refused(&long), [(String::new(), "too_large")]);
}

#[test]
fn messages_quote_no_more_than_they_need() {
    let long = "ä".repeat(15_000);
    let errors =
        parse(&json!({&long: 1, "currency": long, "customer_id": long}).to_string(), &Settings::default(), &references()).unwrap_err();
    assert_eq!(errors.len(), 3);
    assert!(errors.iter().all(|error| error.message.chars().count() < 1_000), "{errors:?}");
}

#[test]
fn named_references_are_those_that_validation_asks_for() {
    let document = json!({
        "customer_id": "C-1", "revenue_account": "SALES", "default_revenue_account": "INCOME", "tax": {"default_rule": "CA"},
        "location_map": {"default": "RENO", "warehouses": {"1": "NEWARK", "2": "RENO", "x": "MARS"}},
        "payment": {"account": "BANK", "by_method": {"Visa": "STRIPE", "": "BANK"}},
        "paused": "broken",
    });
    let expected = Named {
        accounts: ["SALES", "INCOME", "BANK", "STRIPE"].map(Into::into).into(),
        customers: ["C-1".into()].into(),
        locations: ["RENO", "NEWARK", "MARS"].map(Into::into).into(),
        tax_rules: ["CA".into()].into(),
    };
    assert_eq!(named_references(&document.to_string()), expected);
    for text in ["", "[]", "{", r#"{"customer_id": null, "location_map": 5, "payment": {"by_method": []}}"#] {
        assert_eq!(named_references(text), Named::default(), "{text}");
    }
    // What cannot be an id is not worth asking the table for, which refuses keys that are empty or too long.
    let hopeless = json!({"customer_id": "", "revenue_account": "  ", "tax": {"default_rule": "x".repeat(3_000)}});
    assert_eq!(named_references(&hopeless.to_string()), Named::default());
    assert!(refused(&hopeless).iter().all(|(_, code)| *code == "unknown_reference"));
}
