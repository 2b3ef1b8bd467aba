//! A test for each setting that chooses how orders are treated (docs/requirements.md, section 4).

use serde_json::json;

use super::{accepted, assert_refused, assert_switch, assert_takes, message, references};
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
    let document =
        |time| json!({"consolidation": "daily", "customer_id": "C-1", "consolidation_time": time, "time_zone": "America/New_York"});
    for (text, hour, minute) in [("00:00", 0, 0), ("18:30", 18, 30), ("23:59", 23, 59)] {
        assert_eq!(accepted(&document(json!(text))).consolidation_time, Some(LocalTime { hour, minute }));
    }
    for wrong in ["24:00", "23:60", "7:30", "07:3", "07:30:00", "0730", "+7:30", "07:30Z", " 07:30", "", "half past seven", "07:３0"] {
        assert_refused(&document(json!(wrong)), "/consolidation_time", "invalid_time");
    }
    assert_refused(&document(json!(1830)), "/consolidation_time", "wrong_type");
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
    assert_refused(
        &json!({"shipstation_is_master": true, "acknowledge_shipstation_is_master": false}),
        acknowledgement,
        "acknowledgement_required",
    );
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
