//! An order is booked again, as by a person: over the API, with every function behind it.

use axum::http::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use stevedore_local::{ApiClient, Options, Source, Stack};
use stevedore_sandbox::Draft;

use crate::harness::{PATIENCE, all, options};

/// A shop that ships four of its ten mugs: its stack and the order's id.
async fn shop() -> (Stack, i64) {
    let options = Options { source: Source::Generated { seed: Some(5), orders: Some(1) }, ..options(None) };
    let stack = Stack::start(options).await.unwrap();
    let api = stack.api();
    settings(&api, json!({"pick_pack_ship": "pick_pack_ship"})).await;
    let mug = good(api.post("/v1/products", &json!({"sku": "MUG", "name": "Mug"})).await.unwrap());
    for location in all(&api, "/v1/locations").await {
        let adjustment = json!({"product_id": mug["id"], "location_id": location["id"], "quantity": 10});
        good(api.post("/v1/stock/adjustments", &adjustment).await.unwrap());
    }
    let order = stack.sandbox().unwrap().upsert_order(Draft::new("R-1").line("MUG", 4, Decimal::ONE));
    run(&stack, "/v1/operations", json!({"kind": "load_order", "order_number": "R-1"})).await;
    (stack, order)
}

fn good(reply: stevedore_local::Reply) -> Value {
    assert!(reply.is_success(), "{} {}", reply.status, reply.body);
    reply.body
}

async fn settings(api: &ApiClient, changes: Value) {
    let stored = api.get("/v1/settings").await.unwrap();
    let mut document = stored.body.clone();
    document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    good(api.put("/v1/settings", &document, stored.etag().unwrap()).await.unwrap());
}

/// Starts an operation and waits for its end; one order was captured.
async fn run(stack: &Stack, path: &str, body: Value) {
    let api = stack.api();
    let started = good(api.post(path, &body).await.unwrap());
    stack.wait_until_idle(PATIENCE).await.unwrap();
    let operation = good(api.get(&format!("/v1/operations/{}", started["id"].as_str().unwrap())).await.unwrap());
    assert_eq!(operation["state"], "completed", "{operation}");
}

/// The order's live sale, the ids of all of its sales, and the number of mugs at the sale's
/// location.
async fn state(stack: &Stack, order: i64) -> (Value, Vec<String>, i64) {
    let api = stack.api();
    let entry = good(api.get(&format!("/v1/log/{order}")).await.unwrap());
    assert_eq!(entry["state"], "booked", "{entry}");
    let sale = good(api.get(&format!("/v1/sales/{}", entry["sale_id"].as_str().unwrap())).await.unwrap());
    let sales = all(&api, "/v1/sales").await;
    let own = sales.iter().filter(|sale| sale["source"]["order_id"] == order);
    let mut ids: Vec<String> = own.map(|sale| sale["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    let levels = all(&api, &format!("/v1/stock?location_id={}", sale["location_id"].as_str().unwrap())).await;
    assert_eq!(levels.len(), 1);
    assert_eq!((&levels[0]["allocated"], &levels[0]["unpicked"]), (&json!(0), &levels[0]["on_hand"]));
    (sale, ids, levels[0]["on_hand"].as_i64().unwrap())
}

/// S151, S152: void, delete the entry (no live sale remains), load the orders of the day: booked
/// again, and the voided sale stays as a record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s151_s152_void_delete_and_load_books_anew() {
    let (stack, order) = Box::pin(shop()).await;
    let api = stack.api();
    let first = format!("SO-{order}");
    let (sale, ids, on_hand) = state(&stack, order).await;
    assert_eq!((&sale["ship"]["status"], ids, on_hand), (&json!("authorised"), vec![first.clone()], 6));
    let voided = good(api.post(&format!("/v1/sales/{first}/void"), &json!({})).await.unwrap());
    assert_eq!((&voided["status"], &voided["total"]), (&json!("voided"), &sale["total"]));
    let deleted = good(api.call(Method::DELETE, &format!("/v1/log/{order}"), None, None).await.unwrap());
    assert_eq!((&deleted["order_id"], &deleted["live_sale_id"]), (&json!(order), &Value::Null));
    assert_eq!(api.get(&format!("/v1/log/{order}")).await.unwrap().status, 404);
    let yesterday = (stack.clock())().to_zoned(jiff::tz::TimeZone::UTC).date().yesterday().unwrap();
    run(&stack, "/v1/operations", json!({"kind": "load_orders", "from": yesterday.yesterday().unwrap()})).await;
    let (sale, ids, on_hand) = state(&stack, order).await;
    let second = format!("SO-{order}-2");
    assert_eq!((&sale["id"], &sale["ship"]["status"], on_hand), (&json!(second), &json!("authorised"), 6));
    assert_eq!(ids, [first.clone(), second]);
    // The record is unchanged since the void.
    assert_eq!(good(api.get(&format!("/v1/sales/{first}")).await.unwrap()), voided);
    stack.stop().await;
}

/// N6: the same in one call, with the changes in ShipStation and in the settings since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_recreate_books_anew_in_one_call() {
    let (stack, order) = Box::pin(shop()).await;
    let recreate = format!("/v1/log/{order}/recreate");
    stack.sandbox().unwrap().edit_order(order, |order| {
        order.get_mut("items").unwrap().elements_mut().unwrap()[0].set("quantity", 3);
        order.set("orderTotal", 3);
    });
    run(&stack, &recreate, json!({})).await;
    let (sale, ids, on_hand) = state(&stack, order).await;
    assert_eq!((&sale["total"], on_hand), (&json!("3.00"), 7));
    assert_eq!((ids.len(), &sale["id"]), (2, &json!(format!("SO-{order}-2"))));
    // Nothing changed in ShipStation, and under the settings people do the fulfilment.
    settings(&stack.api(), json!({"pick_pack_ship": "none", "store_name_as_sales_rep": false})).await;
    // A sale that a person has voided is re-created too.
    good(stack.api().post(&format!("/v1/sales/SO-{order}-2/void"), &json!({})).await.unwrap());
    run(&stack, &recreate, json!({})).await;
    let api = stack.api();
    let third = good(api.get(&format!("/v1/sales/SO-{order}-3")).await.unwrap());
    assert_eq!(
        (&third["status"], &third["pick"]["status"], &third["sales_representative"]),
        (&json!("draft"), &json!("draft"), &Value::Null)
    );
    let entry = good(api.get(&format!("/v1/log/{order}")).await.unwrap());
    assert_eq!((&entry["sale_id"], &entry["state"]), (&third["id"], &json!("booked")));
    // A person picks it, and has it shipped.
    let shipped = good(api.post(&format!("/v1/sales/SO-{order}-3/retry_fulfilment"), &json!({"to": "pick_pack_ship"})).await.unwrap());
    assert_eq!(shipped["ship"]["status"], "authorised");
    assert_eq!(state(&stack, order).await.2, 7);
    stack.stop().await;
}
