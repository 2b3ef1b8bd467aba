//! Activity (N29): every act leaves its record.

use std::collections::BTreeSet;

use api::Grade;
use axum::http::Method;
use serde_json::{Value, json};
use stevedore_engines::Fault;

use crate::captured::capture;
use crate::world::{DOCUMENT, KEY, ROTATED, SECRET, World};

async fn newest(world: &World) -> Value {
    world.get("/v1/audit?limit=1").await.items()[0].clone()
}

/// N29: every operation that needs more than the grade of a reader leaves a record, with who, when, what, before and after. A new route that is not done
/// here fails the test.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "every action once, in one list")]
async fn n29_every_act_leaves_its_record() {
    let world = World::new().await;
    world.hands.step_by(1);
    let mut acts: BTreeSet<String> = DOCUMENT["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .filter(|operation| operation["security"][0]["bearer"][0].as_str().is_some_and(|scope| scope != Grade::Read.permission()))
        .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    let count = world.get("/v1/audit").await.items().len();
    assert_eq!(count, 0);
    let mut check = async |act: &str, has_before: bool| {
        let record = newest(&world).await;
        assert_eq!((record["act"].as_str(), record["by"].as_str()), (Some(act), Some("local")), "{record}");
        assert!(record["status"].as_u64().is_some_and(|status| (200..300).contains(&status)), "{record}");
        assert!(record["at"].is_string() && record["target"].as_str().unwrap().starts_with("/v1/"), "{record}");
        assert_eq!((record["before"].is_null(), record["after"].is_null()), (!has_before, false), "{record}");
        assert!(acts.remove(act), "{act}");
    };
    world.connect().await;
    check("connect", false).await;
    world.patch("/v1/connection", json!({"modes": ["store"]})).await.ok();
    check("change_connection", true).await;
    let current = world.get("/v1/settings").await.body;
    let mut document = current.clone();
    document["time_zone"] = json!("Europe/London");
    world.put("/v1/settings", "\"0\"", document).await.ok();
    check("replace_settings", true).await;
    let record = newest(&world).await;
    assert_eq!((&record["before"], &record["after"]), (&json!({"/time_zone": "UTC"}), &json!({"/time_zone": "Europe/London"})));
    for (list, one, body) in [
        ("products", "product", json!({"sku": "A", "name": "a"})),
        ("customers", "customer", json!({"name": "a"})),
        ("locations", "location", json!({"name": "a"})),
        ("accounts", "account", json!({"name": "a", "kind": "asset"})),
        ("tax_rules", "tax_rule", json!({"name": "a"})),
        ("price_tiers", "price_tier", json!({"tier": 1, "name": "a"})),
    ] {
        let made = world.post(&format!("/v1/{list}"), body).await.ok();
        check(&format!("create_{one}"), false).await;
        let mut changed = made.clone();
        changed["name"] = json!("b");
        world.put(&format!("/v1/{list}/{}", made["id"].as_str().unwrap()), "*", changed).await.ok();
        check(&format!("replace_{one}"), true).await;
        let record = newest(&world).await;
        assert_eq!((&record["before"]["name"], &record["after"]["name"]), (&json!("a"), &json!("b")));
    }
    world.post("/v1/tax_rules/places_of_business", json!({"zip": "89501"})).await.ok();
    check("add_place_of_business", false).await;
    world.post("/v1/operations", json!({"kind": "load_order", "order_number": "1"})).await.ok();
    check("start_operation", false).await;
    world.post("/v1/pending-orders/process", json!({})).await.ok();
    check("process_pending_orders", false).await;
    world.post("/v1/dead-letters/redrive", json!({})).await.ok();
    check("redrive_dead_letters", false).await;
    capture(&world, 1, "blocked").await;
    world.delete("/v1/log/1", None).await.ok();
    check("delete_log_entry", true).await;
    capture(&world, 2, "booked").await;
    let sale = world.get("/v1/sales?limit=1").await.items()[0]["id"].as_str().unwrap().to_owned();
    for (route, act) in [("authorise_invoice", "authorise_invoice"), ("void", "void_sale")] {
        world.post(&format!("/v1/sales/{sale}/{route}"), json!({})).await.ok();
        check(act, false).await;
    }
    crate::lineage::held(&world, 3).await;
    world.post("/v1/log/3/book-anyway", json!({})).await.ok();
    check("book_order_anyway", true).await;
    world.post("/v1/log/2/recreate", json!({})).await.ok();
    check("recreate_sale", true).await;
    let first = async |list: &str| world.get(&format!("/v1/{list}?limit=1")).await.items()[0]["id"].clone();
    let adjustment =
        json!({"product_id": first("products").await, "location_id": first("locations").await, "quantity": 5, "reason": "counted"});
    world.post("/v1/stock/adjustments", adjustment).await.ok();
    check("adjust_stock", false).await;
    assert_eq!(newest(&world).await["after"]["level"]["on_hand"], 5);
    world.delete("/v1/connection", Some(json!({"confirm": "disconnect"}))).await.ok();
    check("disconnect", true).await;
    // The rest has a test of its own beside its routes; here only that nobody forgets the record.
    let elsewhere: BTreeSet<String> =
        ["acknowledge_accounting_sync", "retry_fulfilment", "add_payment", "adjust_sale", "import_products"].map(str::to_owned).into();
    let forgotten: Vec<_> = acts.difference(&elsewhere).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
    // Page by page, and nothing of the credentials.
    let all = world.all("/v1/audit", 5).await;
    assert!(all.len() > 15 && all.is_sorted_by(|a, b| a["id"].as_str() > b["id"].as_str()));
    let text = json!(all).to_string();
    for secret in [KEY, SECRET, ROTATED[0], ROTATED[1]] {
        assert!(!text.contains(secret));
    }
    assert_eq!(world.get("/v1/audit?page_token=x").await.code(400), "invalid_page_token");
}

/// An act that was refused was none; one whose end is not known says so; and without its record nothing is done.
#[tokio::test]
async fn n29_records_tell_the_truth() {
    let world = World::new().await;
    world.post("/v1/locations", json!({})).await.code(422);
    world.put("/v1/settings", "\"9\"", json!({})).await.code(412);
    world.call(Grade::Read, Method::POST, "/v1/locations", &[], Some(&json!({"name": "a"}))).await.code(403);
    assert_eq!(world.get("/v1/audit").await.items().len(), 0);
    let refused = Fault::Error { status: 400, code: "AccessDeniedException".to_owned() };
    world.engines.faults().fail_next("BatchWriteItem", 1, refused.clone());
    world.post("/v1/locations", json!({"name": "a"})).await.code(500);
    assert_eq!(world.get("/v1/locations").await.items().len(), 0);
    world.engines.faults().fail_next("TransactWriteItems", 1, refused);
    world.post("/v1/locations", json!({"name": "a"})).await.code(500);
    assert_eq!(newest(&world).await["status"], 500);
}
