//! The settings' rules, one test each, and properties over every document that can be written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod changed;
mod document;
mod properties;
mod rules;
mod values;

use serde_json::{Value, json};

use super::{FieldError, References, Settings, parse};
use crate::ids::{AccountId, CustomerId, LocationId, TaxRuleId};
use crate::reference::AccountKind;
use crate::settings::AccountUse;

/// A merchant with one of each: accounts `SALES` (revenue), `BANK` (receives payments), `STRIPE` (likewise), `COSTS` (neither).
fn references() -> References {
    let account = |id: &str, kind, receives_payments| (AccountId::from(id), AccountUse { kind, receives_payments });
    References {
        accounts: [
            account("SALES", AccountKind::Revenue, false),
            account("BANK", AccountKind::Asset, true),
            account("STRIPE", AccountKind::Liability, true),
            account("COSTS", AccountKind::Expense, false),
        ]
        .into(),
        customers: [CustomerId::from("C-1")].into(),
        locations: [(LocationId::from("RENO"), true), (LocationId::from("NEWARK"), true), (LocationId::from("CLOSED"), false)].into(),
        tax_rules: [TaxRuleId::from("CA")].into(),
    }
}

/// Parses over default settings.
fn read(document: &Value) -> Result<Settings, Vec<FieldError>> {
    parse(&document.to_string(), &Settings::default(), &references())
}

fn accepted(document: &Value) -> Settings {
    read(document).unwrap_or_else(|errors| panic!("{document} was refused: {errors:?}"))
}

/// Pointers and codes of a refusal.
fn refused(document: &Value) -> Vec<(String, &'static str)> {
    let errors = read(document).expect_err(&document.to_string());
    assert!(errors.iter().all(|error| error.message.len() > 20 && error.message.ends_with('.')), "{errors:?}");
    errors.into_iter().map(|error| (error.pointer, error.code)).collect()
}

#[track_caller]
fn assert_refused(document: &Value, pointer: &str, code: &str) {
    assert_eq!(refused(document), [(pointer.to_owned(), code)], "{document}");
}

/// The message of the only fault.
fn message(document: &Value) -> String {
    let errors = read(document).expect_err(&document.to_string());
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].message.clone()
}

/// Every text that a setting with fixed values takes, its default first, and none else.
#[track_caller]
fn assert_takes(name: &str, values: &[&str]) {
    assert_eq!(serde_json::to_value(accepted(&json!({}))).unwrap()[name], values[0], "{name} by default");
    for value in values {
        let mut document = json!({ name: value });
        if *value == "daily" {
            document["consolidation_time"] = json!("18:30");
            document["customer_id"] = json!("C-1");
        }
        assert_eq!(serde_json::to_value(accepted(&document)).unwrap()[name], *value);
    }
    let pointer = format!("/{name}");
    for wrong in [values[0].to_uppercase(), format!("{} ", values[0]), String::new(), "other".to_owned()] {
        assert_refused(&json!({ name: wrong }), &pointer, "not_one_of");
    }
    let message = message(&json!({ name: "other" }));
    assert!(values.iter().all(|value| message.contains(value)), "{message}");
    for wrong in [json!(null), json!(true), json!(1), json!([values[0]]), json!({})] {
        assert_refused(&json!({ name: wrong }), &pointer, "wrong_type");
    }
}

#[track_caller]
fn assert_switch(name: &str) {
    let document = |value: Value| json!({ name: value });
    assert_eq!(serde_json::to_value(accepted(&json!({}))).unwrap()[name], false, "{name} by default");
    for value in [true, false] {
        assert_eq!(serde_json::to_value(accepted(&document(json!(value)))).unwrap()[name], value);
    }
    for wrong in [json!("true"), json!(1), json!(null), json!([])] {
        assert_refused(&document(wrong), &format!("/{name}"), "wrong_type");
    }
}
