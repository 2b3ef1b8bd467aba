//! Behaviour, section 4: a test for each setting.

use serde_json::json;

use super::{accepted, assert_refused, assert_switch, assert_takes, message, references, refused};
use crate::ids::{AccountId, LocationId, WarehouseId};
use crate::settings::{LocalTime, Settings, parse};

#[test]
fn s17_s18_s19_s20_capture_order_when() {
    assert_takes("capture_order_when", &["paid", "created", "not_on_hold", "shipped"]);
}

/// S22, S24: there is a time with daily consolidation, and only then.
#[test]
fn s22_s24_consolidation_and_its_time() {
    assert_takes("consolidation", &["none", "daily"]);
    assert_refused(&json!({"consolidation": "daily", "customer_id": "C-1"}), "/consolidation_time", "required");
    assert_refused(&json!({"consolidation": "daily", "customer_id": "C-1", "consolidation_time": null}), "/consolidation_time", "required");
    assert_refused(&json!({"consolidation": "none", "consolidation_time": "18:30"}), "/consolidation_time", "not_allowed");
    assert_refused(&json!({"consolidation_time": "18:30"}), "/consolidation_time", "not_allowed");
    // With a consolidation that cannot be read nobody knows whether a time belongs there.
    assert_refused(&json!({"consolidation": "weekly", "consolidation_time": "18:30"}), "/consolidation", "not_one_of");
    assert_eq!(accepted(&json!({"consolidation": "none", "consolidation_time": null})), Settings::default());
}

/// S25: the time is the merchant's local one.
#[test]
fn s25_consolidation_time_is_a_local_time() {
    let document = |time| json!({"consolidation": "daily", "customer_id": "C-1", "consolidation_time": time, "time_zone": "America/New_York"});
    for (text, hour, minute) in [("00:00", 0, 0), ("18:30", 18, 30), ("23:59", 23, 59)] {
        assert_eq!(accepted(&document(json!(text))).consolidation_time, Some(LocalTime { hour, minute }));
    }
    for wrong in ["24:00", "23:60", "7:30", "07:3", "07:30:00", "0730", "+7:30", "07:30Z", " 07:30", "", "half past seven", "07:３0"] {
        assert_refused(&document(json!(wrong)), "/consolidation_time", "invalid_time");
    }
    assert_refused(&document(json!(1830)), "/consolidation_time", "wrong_type");
}

/// S25: the zone is one of the bundled database, spelt as there.
#[test]
fn s25_time_zone_is_an_iana_name() {
    for zone in ["UTC", "Etc/UTC", "America/New_York", "Europe/London", "America/Argentina/Buenos_Aires", "Asia/Kathmandu", "Etc/GMT+5", "US/Pacific"] {
        assert_eq!(accepted(&json!({"time_zone": zone})).time_zone, zone);
    }
    let wrong = ["", "local", "Local", "EST5EDT,M3.2.0,M11.1.0", "<-03>3", "+02:00", "GMT+2", "America/Gotham", "America", "../etc/localtime", " UTC", "Factory", "Etc/Unknown", "localtime", "posixrules"];
    for wrong in wrong {
        assert_refused(&json!({"time_zone": wrong}), "/time_zone", "invalid_time_zone");
    }
    // Another spelling would be another key wherever zones are compared; the answer names the right one.
    assert_refused(&json!({"time_zone": "america/new_york"}), "/time_zone", "invalid_time_zone");
    assert!(message(&json!({"time_zone": "america/new_york"})).contains("America/New_York"));
    for wrong in [json!(null), json!(-5)] {
        assert_refused(&json!({ "time_zone": wrong }), "/time_zone", "wrong_type");
    }
}

#[test]
fn currency_is_one_of_iso_4217() {
    assert_eq!(accepted(&json!({})).currency.code(), "USD");
    for (code, digits) in [("USD", 2), ("JPY", 0), ("KWD", 3)] {
        assert_eq!(accepted(&json!({"currency": code})).currency.digits(), digits);
    }
    for wrong in ["usd", "US", "USDT", "ZZZ", "", "$"] {
        assert_refused(&json!({"currency": wrong}), "/currency", "invalid_currency");
    }
    assert_refused(&json!({"currency": 840}), "/currency", "wrong_type");
}

/// S26: an existing customer, and required with daily consolidation.
#[test]
fn s26_customer_exists_and_is_required_with_daily() {
    assert_eq!(accepted(&json!({"customer_id": "C-1"})).customer_id, Some("C-1".into()));
    assert_eq!(accepted(&json!({"customer_id": null})).customer_id, None);
    for unknown in ["C-2", "", " ", "c-1"] {
        assert_refused(&json!({"customer_id": unknown}), "/customer_id", "unknown_reference");
    }
    assert_refused(&json!({"customer_id": 1}), "/customer_id", "wrong_type");
    let daily = |customer| json!({"consolidation": "daily", "consolidation_time": "18:30", "customer_id": customer});
    accepted(&daily(json!("C-1")));
    assert_refused(&daily(json!(null)), "/customer_id", "required");
    assert_refused(&json!({"consolidation": "daily", "consolidation_time": "18:30"}), "/customer_id", "required");
    assert_refused(&daily(json!("C-2")), "/customer_id", "unknown_reference");
}

#[test]
fn s29_price_tier_is_one_of_ten() {
    for tier in 1..=10 {
        assert_eq!(accepted(&json!({"price_tier": tier})).price_tier, tier);
    }
    for wrong in [json!(0), json!(11), json!(-1), json!(257), json!(u64::MAX)] {
        assert_refused(&json!({ "price_tier": wrong }), "/price_tier", "out_of_range");
    }
    for wrong in [json!("1"), json!(1.0), json!(1.5), json!(null), json!(true)] {
        assert_refused(&json!({ "price_tier": wrong }), "/price_tier", "wrong_type");
    }
}

#[test]
fn s30_s31_s32_s33_pick_pack_ship() {
    assert_takes("pick_pack_ship", &["none", "pick", "pick_pack", "pick_pack_ship"]);
}

/// S35, S38: off by default, on only where everything is shipped by itself.
#[test]
fn s35_s38_ignore_restock_only_with_pick_pack_ship() {
    let document = |mode| json!({"pick_pack_ship": mode, "ignore_restock_for_unfulfilled": true});
    assert!(!accepted(&json!({"pick_pack_ship": "pick_pack_ship"})).ignore_restock_for_unfulfilled);
    assert!(accepted(&document("pick_pack_ship")).ignore_restock_for_unfulfilled);
    for mode in ["none", "pick", "pick_pack"] {
        assert_refused(&document(mode), "/ignore_restock_for_unfulfilled", "not_allowed");
    }
    assert_refused(&json!({"ignore_restock_for_unfulfilled": true}), "/ignore_restock_for_unfulfilled", "not_allowed");
    assert_refused(&json!({"ignore_restock_for_unfulfilled": "yes"}), "/ignore_restock_for_unfulfilled", "wrong_type");
}

#[test]
fn s39_s40_invoice_status() {
    assert_takes("invoice_status", &["draft", "authorised"]);
}

#[test]
fn s41_revenue_account_exists_and_is_of_revenue_kind() {
    assert_eq!(accepted(&json!({})).revenue_account, None);
    assert_eq!(accepted(&json!({"revenue_account": "SALES"})).revenue_account, Some(AccountId::from("SALES")));
    for wrong in ["BANK", "STRIPE", "COSTS"] {
        assert_refused(&json!({"revenue_account": wrong}), "/revenue_account", "wrong_kind");
    }
    assert_refused(&json!({"revenue_account": "NOWHERE"}), "/revenue_account", "unknown_reference");
    assert_refused(&json!({"revenue_account": 400}), "/revenue_account", "wrong_type");
}

#[test]
fn s42_dimension_units() {
    assert_takes("dimension_units", &["in", "cm"]);
}

#[test]
fn s43_store_name_as_sales_rep() {
    assert_switch("store_name_as_sales_rep");
}

#[test]
fn s44_s45_match_products() {
    assert_takes("match_products", &["by_sku", "manual"]);
}

#[test]
fn s47_s48_create_missing_products_only_by_sku() {
    assert_switch("create_missing_products");
    assert!(accepted(&json!({"match_products": "by_sku", "create_missing_products": true})).create_missing_products);
    assert_refused(&json!({"match_products": "manual", "create_missing_products": true}), "/create_missing_products", "not_allowed");
    accepted(&json!({"match_products": "manual", "create_missing_products": false}));
}

/// S50, S52: the write that turns it on carries the acknowledgement of the warning; no other needs it, and it is never kept.
#[test]
fn s50_s52_shipstation_is_master_is_turned_on_with_an_acknowledgement() {
    let acknowledgement = "/acknowledge_shipstation_is_master";
    assert!(!accepted(&json!({})).shipstation_is_master);
    assert_refused(&json!({"shipstation_is_master": true}), acknowledgement, "acknowledgement_required");
    assert_refused(&json!({"shipstation_is_master": true, "acknowledge_shipstation_is_master": false}), acknowledgement, "acknowledgement_required");
    assert_refused(&json!({"shipstation_is_master": true, "acknowledge_shipstation_is_master": "yes"}), acknowledgement, "wrong_type");
    let warning = message(&json!({"shipstation_is_master": true}));
    assert!(warning.contains("overwrites") && warning.contains("SKU"), "{warning}");

    let on = accepted(&json!({"shipstation_is_master": true, "acknowledge_shipstation_is_master": true}));
    assert!(on.shipstation_is_master);
    let kept = serde_json::to_value(&on).unwrap();
    assert!(kept.get("acknowledge_shipstation_is_master").is_none());

    // On already, or turned off: nothing to acknowledge. Off and on again: asked once more.
    assert_eq!(parse(&kept.to_string(), &on, &references()).unwrap(), on);
    assert!(!parse(r#"{"shipstation_is_master": false}"#, &on, &references()).unwrap().shipstation_is_master);
    assert!(parse(&kept.to_string(), &Settings::default(), &references()).is_err());
    // The form may send it along at any time.
    assert_eq!(accepted(&json!({"acknowledge_shipstation_is_master": true})), Settings::default());
}

#[test]
fn s54_s55_shipment_is_taxable() {
    assert_switch("shipment_is_taxable");
}

#[test]
fn s56_order_routing() {
    assert_switch("order_routing");
}

#[test]
fn s57_s58_auto_assembly() {
    assert_takes("auto_assembly", &["ordered_quantity", "minimum_for_picking"]);
}

#[test]
fn s63_location_map() {
    let map = |map| json!({ "location_map": map });
    let settings = accepted(&map(json!({"default": "RENO", "warehouses": {"2841": "NEWARK", "9007199254740993": "RENO"}})));
    let (reno, newark) = (LocationId::from("RENO"), LocationId::from("NEWARK"));
    assert_eq!(settings.location_for(Some(WarehouseId(2841))), Some((&newark, true)));
    assert_eq!(settings.location_for(Some(WarehouseId(9_007_199_254_740_993))), Some((&reno, true)));
    assert_eq!(settings.location_for(Some(WarehouseId(9_007_199_254_740_992))), Some((&reno, false)));
    assert_eq!(settings.location_for(None), Some((&reno, false)));
    assert_eq!(accepted(&map(json!({"default": null, "warehouses": {}}))), Settings::default());

    assert_refused(&map(json!({"default": "MARS"})), "/location_map/default", "unknown_reference");
    assert_refused(&map(json!({"default": "CLOSED"})), "/location_map/default", "inactive_location");
    assert_refused(&map(json!({"warehouses": {"12": "CLOSED"}})), "/location_map/warehouses/12", "inactive_location");
    assert_refused(&map(json!({"warehouses": {"12": "MARS"}})), "/location_map/warehouses/12", "unknown_reference");
    assert_refused(&map(json!({"warehouses": {"12": null}})), "/location_map/warehouses/12", "wrong_type");
    for key in ["", "main", "012", "+12", "-12", "12.0", "1e2", " 12", "18446744073709551616"] {
        assert_refused(&map(json!({"warehouses": {key: "RENO"}})), &format!("/location_map/warehouses/{key}"), "invalid_key");
    }
    assert_refused(&map(json!({"warehouses": [["12", "RENO"]]})), "/location_map/warehouses", "wrong_type");
    assert_refused(&map(json!({"fallback": "RENO"})), "/location_map/fallback", "unknown_setting");
    for wrong in [json!(null), json!("RENO"), json!([])] {
        assert_refused(&map(wrong), "/location_map", "wrong_type");
    }
}

/// S68, S70: recalculation is off unless asked for. S71: without a default rule the mapping is unfinished, and that is no fault.
#[test]
fn s68_s70_s71_tax() {
    let tax = |tax| json!({ "tax": tax });
    assert!(!accepted(&json!({})).tax.recalculate);
    assert!(!accepted(&tax(json!({"recalculate": true}))).tax_mapping_finished());
    let finished = accepted(&tax(json!({"default_rule": "CA", "recalculate": true})));
    assert!(finished.tax_mapping_finished() && finished.tax.recalculate);
    assert_refused(&tax(json!({"default_rule": "NV"})), "/tax/default_rule", "unknown_reference");
    assert_refused(&tax(json!({"recalculate": "no"})), "/tax/recalculate", "wrong_type");
    assert_refused(&tax(json!({"rules": {}})), "/tax/rules", "unknown_setting");
    assert_refused(&tax(json!(null)), "/tax", "wrong_type");
}

/// S72–S75: accounts that receive payments, by method where wanted, optional as a whole.
#[test]
fn s72_s73_s74_s75_payment() {
    let payment = |payment| json!({ "payment": payment });
    assert_eq!(accepted(&json!({})).payment_account(Some("Visa")), None);
    let settings = accepted(&payment(json!({"account": "BANK", "by_method": {"Stripe / card": "STRIPE"}})));
    assert_eq!(settings.payment_account(Some("Stripe / card")), Some(&AccountId::from("STRIPE")));
    assert_eq!(settings.payment_account(None), Some(&AccountId::from("BANK")));
    assert_eq!(accepted(&payment(json!({"by_method": {"PayPal": "BANK"}}))).payment.account, None);

    for (account, code) in [("SALES", "wrong_kind"), ("COSTS", "wrong_kind"), ("NOWHERE", "unknown_reference")] {
        assert_refused(&payment(json!({"account": account})), "/payment/account", code);
        assert_refused(&payment(json!({"by_method": {"Visa": account}})), "/payment/by_method/Visa", code);
    }
    for blank in ["", " ", "\t\n"] {
        assert_refused(&payment(json!({"by_method": {blank: "BANK"}})), &format!("/payment/by_method/{blank}"), "invalid_key");
    }
    // A pointer into a name with a slash and a tilde.
    assert_refused(&payment(json!({"by_method": {"a/b~c": "SALES"}})), "/payment/by_method/a~1b~0c", "wrong_kind");
    assert_eq!(refused(&payment(json!({"by_method": {" ": 1}}))).len(), 2, "key and value are two faults");
    assert_refused(&payment(json!(false)), "/payment", "wrong_type");
}

#[test]
fn paused() {
    assert_switch("paused");
}

#[test]
fn order_lock_date_is_a_date() {
    let settings = accepted(&json!({"order_lock_date": "2026-02-28"}));
    assert_eq!(settings.order_lock_date.unwrap().to_string(), "2026-02-28");
    assert_eq!(accepted(&json!({"order_lock_date": null})).order_lock_date, None);
    for wrong in ["2026-02-29", "2026-13-01", "20260228", "2026-2-28", "2026-02-28T00:00:00", "28.02.2026", "", "yesterday", "+002026-02"] {
        assert_refused(&json!({"order_lock_date": wrong}), "/order_lock_date", "invalid_date");
    }
    assert_refused(&json!({"order_lock_date": 20_260_228}), "/order_lock_date", "wrong_type");
}

#[test]
fn exclude_lists_hold_each_id_once() {
    for name in ["exclude_tags", "exclude_stores"] {
        let kept = serde_json::to_value(accepted(&json!({name: [7, 3, 7, 9_007_199_254_740_993_u64, 3]}))).unwrap();
        assert_eq!(kept[name], json!([7, 3, 9_007_199_254_740_993_u64]));
        let faults = refused(&json!({name: [1, "2", 3.0, -4, null, 1]}));
        let expected: Vec<_> = (1..=4).map(|index| (format!("/{name}/{index}"), "wrong_type")).collect();
        assert_eq!(faults, expected);
        for wrong in [json!(null), json!(1), json!("1"), json!({})] {
            assert_refused(&json!({ name: wrong }), &format!("/{name}"), "wrong_type");
        }
    }
}

#[test]
fn minutes_are_whole_and_in_range() {
    for (name, default, least, most) in [("poll_minutes", 60, 5_u64, 1440_u64), ("download_delay_minutes", 0, 0, 1440)] {
        let kept = |document| serde_json::to_value(accepted(&document)).unwrap()[name].clone();
        assert_eq!(kept(json!({})), default);
        for value in [least, most] {
            assert_eq!(kept(json!({ name: value })), value);
        }
        let below = i64::try_from(least).unwrap() - 1;
        for wrong in [json!(below), json!(most + 1), json!(u64::MAX), json!(i64::MIN)] {
            assert_refused(&json!({ name: wrong }), &format!("/{name}"), "out_of_range");
        }
        for wrong in [json!(60.5), json!(60.0), json!("60"), json!(null), json!(1e300)] {
            assert_refused(&json!({ name: wrong }), &format!("/{name}"), "wrong_type");
        }
        let errors = parse(&format!(r#"{{"{name}": 6e1}}"#), &Settings::default(), &references()).unwrap_err();
        assert_eq!((errors[0].pointer.as_str(), errors[0].code), (format!("/{name}").as_str(), "wrong_type"));
        assert!(message(&json!({ name: 100_000 })).contains(&format!("from {least} to {most}")));
    }
}
