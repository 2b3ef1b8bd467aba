//! Connecting, rotating, disconnecting.

use api::Grade;
use axum::http::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use stevedore_aws::messages::Command;
use stevedore_sandbox::{Fault, Rule};

use crate::captured::capture;
use crate::world::{KEY, NOW, ROTATED, SECRET, World};

async fn kept_key(world: &World) -> Option<String> {
    world.secrets.read().await.unwrap().map(|kept| kept.api_key.expose_secret().to_owned())
}

/// S15, S16: connected after a live call, with what may be shown of the credentials.
#[tokio::test]
async fn s15_s16_connect_proves_and_keeps() {
    let world = World::new().await;
    assert_eq!(world.get("/v1/connection").await.ok()["state"], "disconnected");
    let reply = world.post("/v1/connection", json!({"api_key": KEY, "api_secret": SECRET})).await;
    assert_eq!(reply.status, 201);
    let expected = json!({
        "state": "connected", "modes": ["store"], "integrated_at": NOW, "credentials_set_at": NOW, "api_key_last_four": "-key", "warnings": [],
    });
    assert_eq!(reply.body, expected);
    assert_eq!(world.get("/v1/connection").await.ok(), expected);
    assert_eq!(world.sandbox.requests_to("/stores"), 1);
    assert_eq!(kept_key(&world).await.as_deref(), Some(KEY));
}

/// S16: refused credentials keep nothing.
#[tokio::test]
async fn s16_refused_credentials_keep_nothing() {
    let world = World::new().await;
    let reply = world.post("/v1/connection", json!({"api_key": "wrong-key", "api_secret": "wrong-secret"})).await;
    assert_eq!(reply.code(422), "shipstation_refused_credentials");
    for (fault, status, code) in [
        (Fault::PaymentRequired, 422, "shipstation_plan_without_api"),
        (Fault::Forbidden, 422, "shipstation_forbidden"),
        (Fault::Html, 502, "shipstation_not_json"),
        (Fault::Unavailable, 503, "shipstation_unavailable"),
        (Fault::TooManyRequests { reset_seconds: Some(50) }, 503, "shipstation_throttled"),
    ] {
        world.sandbox.faults().add(Rule::always(fault));
        let reply = world.post("/v1/connection", json!({"api_key": KEY, "api_secret": SECRET})).await;
        assert_eq!(reply.code(status), code);
        assert_eq!(reply.headers.contains_key("retry-after"), status == 503);
        world.sandbox.faults().clear();
    }
    assert_eq!(kept_key(&world).await, None);
    assert_eq!(world.get("/v1/connection").await.ok()["state"], "disconnected");
}

/// S12: one account at a time, also when two connect at the same moment.
#[tokio::test]
async fn s12_a_second_account_is_a_conflict() {
    let world = World::new().await;
    let body = json!({"api_key": KEY, "api_secret": SECRET});
    let (first, second) = tokio::join!(world.post("/v1/connection", body.clone()), world.post("/v1/connection", body.clone()));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let reply = world.post("/v1/connection", body).await;
    assert_eq!(reply.code(409), "already_connected");
}

#[tokio::test]
async fn modes_that_exclude_each_other_are_refused_and_confusing_ones_warned() {
    let world = World::new().await;
    let connect = |modes: Value| world.post("/v1/connection", json!({"api_key": KEY, "api_secret": SECRET, "modes": modes}));
    for (modes, fault) in [
        (json!(["custom_store", "shipping_service"]), ("/modes", "not_allowed")),
        (json!(["store", "shop"]), ("/modes/1", "not_one_of")),
        (json!([]), ("/modes", "required")),
        (json!("store"), ("/modes", "wrong_type")),
    ] {
        let reply = connect(modes).await;
        assert_eq!(reply.code(422), "validation_failed");
        assert_eq!(reply.faults(), [fault]);
    }
    assert_eq!(world.sandbox.requests_to("/stores"), 0);
    let reply = connect(json!(["custom_store", "store", "store"])).await.ok();
    assert_eq!(reply["modes"], json!(["store", "custom_store"]));
    assert_eq!(reply["warnings"][0]["code"], "store_with_custom_store");
    // It promises no protection that nothing gives.
    assert!(reply["warnings"][0]["message"].as_str().unwrap().contains("does not tell orders"), "{reply}");
    let reply = world.patch("/v1/connection", json!({"modes": ["store", "shipping_service"]})).await.ok();
    assert_eq!((&reply["modes"], &reply["warnings"]), (&json!(["store", "shipping_service"]), &json!([])));
    assert_eq!(reply["api_key_last_four"], "-key");
}

#[tokio::test]
async fn what_connecting_needs_is_named_member_by_member() {
    let world = World::new().await;
    let reply = world.post("/v1/connection", json!({"api_key": " ", "key": "x"})).await;
    assert_eq!(reply.code(422), "validation_failed");
    assert_eq!(reply.faults(), [("/api_key", "blank"), ("/api_secret", "required"), ("/key", "unknown_member")]);
}

#[tokio::test]
async fn rotation_proves_the_new_credentials_first() {
    let world = World::new().await;
    let rotation = json!({"api_key": ROTATED[0], "api_secret": ROTATED[1]});
    assert_eq!(world.patch("/v1/connection", rotation.clone()).await.code(409), "not_connected");
    world.connect().await;
    assert_eq!(world.patch("/v1/connection", rotation).await.code(422), "shipstation_refused_credentials");
    assert_eq!(kept_key(&world).await.as_deref(), Some(KEY));
    assert_eq!(world.patch("/v1/connection", json!({"api_key": KEY})).await.faults(), [("/api_secret", "required")]);
    assert_eq!(world.patch("/v1/connection", json!({})).await.faults(), [("/modes", "required")]);
    world.hands.step_by(1);
    let reply = world.patch("/v1/connection", json!({"api_key": KEY, "api_secret": SECRET})).await.ok();
    assert_eq!(reply["integrated_at"], NOW);
    assert_ne!(reply["credentials_set_at"], NOW);
}

/// N29: a rotation that is at work while another person disconnects leaves no secret behind, and says that nothing is connected.
#[tokio::test]
async fn n29_a_rotation_during_a_disconnect_leaves_no_secret_behind() {
    let world = World::new().await;
    world.connect().await;
    world.engines.faults().fail_next("PutSecretValue", 1, stevedore_engines::Fault::Delay(std::time::Duration::from_millis(700)));
    let rotation = world.patch("/v1/connection", json!({"api_key": KEY, "api_secret": SECRET}));
    let disconnect = async {
        // The rotation is writing the secret by now.
        while world.engines.faults().calls().get("PutSecretValue").copied().unwrap_or(0) < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        world.delete("/v1/connection", Some(json!({"confirm": "disconnect"}))).await
    };
    let (rotated, disconnected) = tokio::join!(rotation, disconnect);
    assert_eq!(disconnected.body["state"], "disconnected", "{}", disconnected.body);
    assert_eq!(rotated.status.as_u16(), 409, "{}", rotated.body);
    assert_eq!(kept_key(&world).await, None);
}

/// S76: disconnecting removes the log and the secret, and can be repeated.
#[tokio::test]
async fn s76_disconnect_removes_what_ties_us_to_shipstation() {
    let world = World::new().await;
    world.connect().await;
    for order in 1..=3 {
        capture(&world, order, "booked").await;
    }
    assert_eq!(world.delete("/v1/connection", Some(json!({"confirm": "yes"}))).await.faults(), [("/confirm", "not_confirmed")]);
    assert_eq!(world.delete("/v1/connection", Some(json!({}))).await.faults(), [("/confirm", "not_confirmed")]);
    assert_eq!(world.delete("/v1/connection", None).await.code(400), "malformed_json");
    assert_eq!(world.get("/v1/log").await.items().len(), 3);
    for _ in 0..2 {
        let reply = world.delete("/v1/connection", Some(json!({"confirm": "disconnect"}))).await;
        assert_eq!((reply.status.as_u16(), &reply.body["state"]), (200, &json!("disconnected")));
    }
    assert_eq!(kept_key(&world).await, None);
    assert_eq!(world.get("/v1/connection").await.ok()["state"], "disconnected");
    assert_eq!(world.get("/v1/log").await.items().len(), 0);
    assert_eq!(world.get("/v1/sales").await.items().len(), 3);
    world.connect().await;
}

/// S76: a disconnect that does not fit one request goes to the background, and asking again goes on.
#[tokio::test]
async fn s76_a_long_disconnect_goes_on_in_the_background() {
    let world = World::new().await;
    world.connect().await;
    for order in 1..=2 {
        capture(&world, order, "booked").await;
    }
    world.hands.step_by(20_000);
    let reply = world.delete("/v1/connection", Some(json!({"confirm": "disconnect"}))).await;
    world.hands.step_by(0);
    assert_eq!((reply.status.as_u16(), &reply.body["state"]), (202, &json!("disconnecting")));
    assert_eq!(world.commands().await, [Command::Disconnect]);
    assert_eq!(world.get("/v1/connection").await.ok()["state"], "disconnecting");
    for (method, path, body) in [
        (Method::POST, "/v1/connection", json!({"api_key": KEY, "api_secret": SECRET})),
        (Method::PATCH, "/v1/connection", json!({"modes": ["store"]})),
        (Method::POST, "/v1/operations", json!({"kind": "load_order", "order_number": "1"})),
    ] {
        assert_eq!(world.call(Grade::Configure, method, path, &[], Some(&body)).await.code(409), "disconnecting");
    }
    assert_eq!(world.get("/v1/shipstation/stores").await.code(409), "disconnecting");
    assert_eq!(world.delete("/v1/connection", Some(json!({"confirm": "disconnect"}))).await.status, 200);
    assert_eq!(world.get("/v1/connection").await.ok()["state"], "disconnected");
}

/// S76: cut off at any call to AWS, asking again ends in the same state.
#[tokio::test]
async fn s76_a_disconnect_that_is_cut_off_can_be_repeated() {
    for operation in ["PutItem", "PutSecretValue", "Query", "BatchWriteItem"] {
        for nth in 0..6 {
            let world = World::new().await;
            world.connect().await;
            capture(&world, 1, "booked").await;
            let error = stevedore_engines::Fault::Error { status: 400, code: "AccessDeniedException".to_owned() };
            // No wait at all: these calls pass, and the one after them fails.
            world.engines.faults().fail_next(operation, nth, stevedore_engines::Fault::Delay(std::time::Duration::ZERO));
            world.engines.faults().fail_next(operation, 1, error);
            let first = world.delete("/v1/connection", Some(json!({"confirm": "disconnect"}))).await;
            world.engines.faults().clear();
            assert!([200, 500].contains(&first.status.as_u16()), "{operation} {nth}: {}", first.body);
            assert_eq!(world.delete("/v1/connection", Some(json!({"confirm": "disconnect"}))).await.status, 200);
            assert_eq!(kept_key(&world).await, None);
            assert_eq!(world.get("/v1/connection").await.ok()["state"], "disconnected");
            assert_eq!(world.get("/v1/log").await.items().len(), 0);
        }
    }
}

/// Cut off between the secret and the connection, nothing is connected; connecting again, or disconnecting, mends it.
#[tokio::test]
async fn a_connect_that_is_cut_off_can_be_repeated() {
    let world = World::new().await;
    let refused = stevedore_engines::Fault::Error { status: 400, code: "AccessDeniedException".to_owned() };
    let body = json!({"api_key": KEY, "api_secret": SECRET});
    // The act's record cannot be written: nothing is done.
    world.engines.faults().fail_next("BatchWriteItem", 1, refused.clone());
    assert_eq!(world.post("/v1/connection", body.clone()).await.code(500), "internal_error");
    assert_eq!(kept_key(&world).await, None);
    world.engines.faults().fail_next("PutItem", 1, refused.clone());
    assert_eq!(world.post("/v1/connection", body.clone()).await.code(500), "internal_error");
    assert_eq!(world.get("/v1/connection").await.ok()["state"], "disconnected");
    assert_eq!(world.post("/v1/connection", body.clone()).await.status, 201);
    world.delete("/v1/connection", Some(json!({"confirm": "disconnect"}))).await.ok();
    world.engines.faults().fail_next("PutItem", 1, refused);
    world.post("/v1/connection", body).await;
    assert!(kept_key(&world).await.is_some());
    world.delete("/v1/connection", Some(json!({"confirm": "disconnect"}))).await.ok();
    assert_eq!(kept_key(&world).await, None);
}

#[tokio::test]
async fn stores_and_warehouses_are_read_through() {
    let world = World::new().await;
    assert_eq!(world.get("/v1/shipstation/stores").await.code(409), "not_connected");
    world.connect().await;
    let stores = world.all("/v1/shipstation/stores", 2).await;
    assert!(stores.len() > 2 && stores.iter().all(|store| store["store_id"].is_u64() && store["active"].is_boolean()));
    let warehouses = world.all("/v1/shipstation/warehouses", 1).await;
    assert!(!warehouses.is_empty() && warehouses[0]["origin_address"]["postal_code"].is_string());
    // Our own credentials no longer hold: that is nothing that the caller did wrong.
    world.sandbox.faults().add(Rule::always(Fault::Unauthorized));
    assert_eq!(world.get("/v1/shipstation/stores").await.code(502), "shipstation_refused_credentials");
    assert_eq!(world.get("/v1/shipstation/warehouses?page_token=x").await.code(502), "shipstation_refused_credentials");
    world.sandbox.faults().clear();
    assert_eq!(world.get("/v1/shipstation/warehouses?page_token=x").await.code(400), "invalid_page_token");
}

/// Rotation keeps the account (docs/requirements.md, section 3); credentials of another one are refused before they are kept, and those of the same are taken, whatever the key is.
#[tokio::test]
async fn rotation_to_another_account_is_refused() {
    let world = World::new().await;
    world.connect().await;
    let rotation = json!({"api_key": ROTATED[0], "api_secret": ROTATED[1]});
    world.sandbox.become_account(ROTATED[0], ROTATED[1], 1_000_000);
    assert_eq!(world.patch("/v1/connection", rotation.clone()).await.code(409), "another_account");
    assert_eq!(kept_key(&world).await.as_deref(), Some(KEY));
    world.sandbox.become_account(ROTATED[0], ROTATED[1], 0);
    world.patch("/v1/connection", rotation).await.ok();
    assert_eq!(kept_key(&world).await.as_deref(), Some(ROTATED[0]));
    assert_eq!(world.table.connection().await.unwrap().unwrap().value.account.0, 1);
}
