//! The OpenAPI document.

use serde_json::Value;
use stevedore_domain::settings::Settings;

use crate::world::{DOCUMENT, World};

/// `docs/openapi.json` is the document of this code. `UPDATE_OPENAPI=1 cargo test -p api` writes it anew.
#[test]
fn the_checked_in_document_is_this_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let text = format!("{}\n", api::openapi().to_pretty_json().unwrap());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert!(known == text, "docs/openapi.json is not up to date: UPDATE_OPENAPI=1 cargo test -p api");
}

#[tokio::test]
async fn the_served_document_is_this_one() {
    let world = World::new().await;
    let reply = world.get("/v1/openapi.json").await;
    assert!(reply.body == *DOCUMENT, "the program was compiled before docs/openapi.json was written anew; run the tests again");
}

#[test]
fn operations_have_names_of_their_own_and_references_lead_somewhere() {
    let mut names = Vec::new();
    for item in DOCUMENT["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            names.push(operation["operationId"].as_str().unwrap().to_owned());
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{operation}");
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    references_lead_somewhere(&DOCUMENT);
}

fn references_lead_somewhere(value: &Value) {
    if let Some(reference) = value["$ref"].as_str() {
        let name = reference.trim_start_matches("#/components/schemas/");
        assert!(DOCUMENT["components"]["schemas"][name].is_object(), "{reference}");
    }
    match value {
        Value::Object(members) => members.values().for_each(references_lead_somewhere),
        Value::Array(items) => items.iter().for_each(references_lead_somewhere),
        _ => {}
    }
}

#[test]
fn the_settings_schema_has_the_settings_of_the_domain() {
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>();
    let settings = serde_json::to_value(Settings::default()).unwrap();
    let schema = |name: &str| members(&DOCUMENT["components"]["schemas"][name]["properties"]);
    let mut documented = schema("Settings");
    assert!(documented.remove("acknowledge_shipstation_is_master") && documented.remove("warnings"));
    assert_eq!(documented, members(&settings));
    for (name, member) in [("LocationMap", "location_map"), ("TaxSettings", "tax"), ("PaymentSettings", "payment")] {
        assert_eq!(schema(name), members(&settings[member]), "{name}");
    }
}

/// Everything under `v1` that clients rely on.
#[test]
fn the_routes_are_there() {
    let paths = &DOCUMENT["paths"];
    for (path, methods) in [
        ("/v1/connection", "get post patch delete"),
        ("/v1/shipstation/stores", "get"),
        ("/v1/shipstation/warehouses", "get"),
        ("/v1/settings", "get put"),
        ("/v1/settings/history", "get"),
        ("/v1/operations", "get post"),
        ("/v1/operations/{id}", "get"),
        ("/v1/operations/{id}/rows", "get"),
        ("/v1/pending-orders", "get"),
        ("/v1/pending-orders/{order_id}", "get"),
        ("/v1/pending-orders/process", "post"),
        ("/v1/log", "get"),
        ("/v1/log/{order_id}", "get delete"),
        ("/v1/log/{order_id}/recreate", "post"),
        ("/v1/sales", "get"),
        ("/v1/sales/{id}", "get"),
        ("/v1/sales/{id}/orders", "get"),
        ("/v1/sales/{id}/void", "post"),
        ("/v1/sales/{id}/authorise_invoice", "post"),
        ("/v1/sales/{id}/retry_fulfilment", "post"),
        ("/v1/sales/{id}/payments", "post"),
        ("/v1/stock", "get"),
        ("/v1/stock/adjustments", "get post"),
        ("/v1/accounting-syncs", "get"),
        ("/v1/accounting-syncs/{id}/acknowledge", "post"),
        ("/v1/dead-letters", "get"),
        ("/v1/dead-letters/redrive", "post"),
        ("/v1/unreadable-orders", "get"),
        ("/v1/sales/{id}", "get patch"),
        ("/v1/products", "get post"),
        ("/v1/customers/{id}", "get put"),
        ("/v1/tax_rules/{id}", "get put"),
        ("/v1/tax_rules/places_of_business", "post"),
        ("/v1/price_tiers", "get post"),
        ("/v1/products/import", "post"),
    ] {
        for method in methods.split(' ') {
            assert!(paths[path][method].is_object(), "{method} {path}");
        }
    }
}
