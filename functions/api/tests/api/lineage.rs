//! Orders that are held for the sake of others, and loads while the store mode is off.

use serde_json::json;
use stevedore_aws::messages::Command;
use stevedore_domain::ids::OrderId;
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::warning::Warning;

use crate::captured::capture;
use crate::world::{NOW, World};

/// Writes an entry that is held beside order 9.
pub(crate) async fn held(world: &World, order: u64) {
    capture(world, order, "blocked").await;
    let hold = |entry: &mut stevedore_domain::log::LogEntry| {
        entry.hold(Warning::new(Reason::MergedAfterBooking, "See order N9 (9)."), vec![OrderId(9)], NOW.parse().unwrap(), "op")
    };
    world.table.change_log_entry(OrderId(order), hold).await.unwrap();
}

/// N4: a held order is booked all the same at a person's word, once, and its timeline says whose; any other order is left alone.
#[tokio::test]
async fn n4_a_held_order_is_booked_at_a_persons_word() {
    let world = World::new().await;
    held(&world, 1).await;
    capture(&world, 2, "blocked").await;
    assert_eq!(world.post("/v1/log/2/book-anyway", json!({})).await.code(409), "not_held");
    assert_eq!(world.post("/v1/log/7/book-anyway", json!({})).await.code(404), "not_found");
    world.post("/v1/log/1/book-anyway", json!({})).await.ok();
    let entry = world.get("/v1/log/1").await.ok();
    assert_eq!((&entry["state"], &entry["reason"]), (&json!("pending"), &json!(null)));
    let last = entry["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["what"], "to be booked all the same (merged_after_booking)");
    let by = world.get("/v1/me").await.ok()["subject"].clone();
    assert!(by.is_null() || last["by"] == by, "{last} {by}");
    let commands = world.commands().await;
    let [Command::Run { operation_id }] = commands.as_slice() else { panic!("{commands:?}") };
    let stored = world.table.operation(operation_id).await.unwrap().unwrap().value;
    assert_eq!(stored.kind, OperationKind::ProcessPending { order_ids: Some(vec![OrderId(1)]) });
    assert_eq!(world.post("/v1/log/1/book-anyway", json!({})).await.code(409), "not_held");
}

/// S3, S114: while the store mode is off nothing is loaded from ShipStation, and nothing is queued.
#[tokio::test]
async fn s114_nothing_is_loaded_while_the_store_mode_is_off() {
    let world = World::new().await;
    world.connect().await;
    world.patch("/v1/connection", json!({"modes": ["custom_store"]})).await.ok();
    for body in [json!({"kind": "load_orders", "from": "2026-01-30"}), json!({"kind": "load_order", "order_number": "1"})] {
        assert_eq!(world.post("/v1/operations", body).await.code(409), "store_mode_off");
    }
    assert_eq!(world.commands().await, []);
    world.patch("/v1/connection", json!({"modes": ["store"]})).await.ok();
    world.post("/v1/operations", json!({"kind": "load_order", "order_number": "1"})).await.ok();
}
