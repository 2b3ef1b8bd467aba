//! The history of settings: which one changed, from which value to which.

use serde_json::{Value, json};

use super::accepted;
use crate::settings::{Settings, changes};

fn between(old: &Value, new: &Value) -> Vec<(String, Value, Value)> {
    changes(&accepted(old), &accepted(new)).into_iter().map(|change| (change.pointer, change.from, change.to)).collect()
}

#[test]
fn nothing_changed_is_no_change() {
    assert_eq!(changes(&Settings::default(), &Settings::default()), []);
}

#[test]
fn n29_a_change_names_the_setting_and_both_values() {
    let old = json!({"poll_minutes": 60});
    let new =
        json!({"consolidation": "daily", "consolidation_time": "18:30", "customer_id": "C-1", "poll_minutes": 15, "exclude_tags": [4, 5]});
    let expected = [
        ("/consolidation", json!("none"), json!("daily")),
        ("/consolidation_time", json!(null), json!("18:30")),
        ("/customer_id", json!(null), json!("C-1")),
        ("/exclude_tags", json!([]), json!([4, 5])),
        ("/poll_minutes", json!(60), json!(15)),
    ];
    assert_eq!(between(&old, &new), expected.map(|(pointer, from, to)| (pointer.to_owned(), from, to)));
}

#[test]
fn compound_settings_change_member_by_member() {
    let old = json!({"location_map": {"default": "RENO", "warehouses": {"1": "RENO", "2": "RENO", "3": "RENO"}}, "payment": {"by_method": {"a/b": "BANK"}}});
    let new = json!({"location_map": {"default": "RENO", "warehouses": {"1": "RENO", "2": "NEWARK", "4": "RENO"}}, "tax": {"default_rule": "CA"}});
    let expected = [
        ("/location_map/warehouses/2", json!("RENO"), json!("NEWARK")),
        ("/location_map/warehouses/3", json!("RENO"), json!(null)),
        ("/location_map/warehouses/4", json!(null), json!("RENO")),
        ("/payment/by_method/a~1b", json!("BANK"), json!(null)),
        ("/tax/default_rule", json!(null), json!("CA")),
    ];
    assert_eq!(between(&old, &new), expected.map(|(pointer, from, to)| (pointer.to_owned(), from, to)));
}
