//! Components of products, price tiers, and addresses of locations.

use serde_json::{Value, json};

use crate::world::World;

async fn make(world: &World, body: Value) -> String {
    let made = world.post("/v1/products", body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.body["id"].as_str().unwrap().to_owned()
}

async fn stock(world: &World, sku: &str) -> String {
    make(world, json!({"sku": sku, "name": sku})).await
}

fn whole(sku: &str, kind: &str, parts: &[(&str, i64)]) -> Value {
    let parts: Vec<Value> = parts.iter().map(|(id, quantity)| json!({"product_id": id, "quantity": quantity})).collect();
    json!({"sku": sku, "name": sku, "kind": kind, "components": parts})
}

/// N18: kits and assemblies are kept as they are written, and each rule has its pointer.
#[tokio::test]
async fn n18_components_are_checked_at_the_door() {
    let world = World::new().await;
    let (bolt, frame) = (stock(&world, "BOLT").await, stock(&world, "FRAME").await);
    let work = make(&world, json!({"sku": "WORK", "name": "x", "kind": "service"})).await;
    let sofa = make(&world, json!({"sku": "SOFA", "name": "x", "kind": "drop_ship", "supplier": "Acme"})).await;
    let bike = make(&world, whole("BIKE", "assembly", &[(&bolt, 8), (&frame, 1)])).await;
    let set = make(&world, whole("SET", "kit", &[(&bike, 1), (&work, 1), (&bolt, 1_000_000)])).await;
    let shown = world.get(&format!("/v1/products/{set}")).await;
    assert_eq!((&shown.body["kind"], &shown.body["components"][2]), (&json!("kit"), &json!({"product_id": bolt, "quantity": 1_000_000})));
    let many: Vec<(&str, i64)> = std::iter::repeat_n((bolt.as_str(), 1), 51).collect();
    for (body, faults) in [
        (whole("X", "kit", &[(&bolt, 1), ("nope", 1)]), vec![("/components/1/product_id", "unknown_reference")]),
        (whole("X", "kit", &[(&set, 1)]), vec![("/components/0/product_id", "wrong_kind")]),
        (whole("X", "kit", &[(&sofa, 1)]), vec![("/components/0/product_id", "wrong_kind")]),
        (whole("X", "assembly", &[(&bolt, 1), (&work, 1)]), vec![("/components/1/product_id", "wrong_kind")]),
        (whole("X", "kit", &[(&bolt, 1), (&bolt, 1)]), vec![("/components/1/product_id", "repeated")]),
        (whole("X", "kit", &[(&bolt, 0)]), vec![("/components/0/quantity", "out_of_range")]),
        (
            whole("X", "kit", &[(&bolt, -1), (&bike, 1_000_001)]),
            vec![("/components/0/quantity", "out_of_range"), ("/components/1/quantity", "out_of_range")],
        ),
        (whole("X", "kit", &[]), vec![("/components", "required")]),
        (whole("X", "stock", &[(&bolt, 1)]), vec![("/components", "not_allowed")]),
        (whole("X", "kit", &many), vec![("/components", "too_many")]),
        (json!({"sku": "X", "name": "x", "kind": "drop_ship"}), vec![("/supplier", "required")]),
        (json!({"sku": "X", "name": "x", "supplier": "Acme"}), vec![("/supplier", "not_allowed")]),
        (json!({"sku": "X", "name": "x", "prices": {"1": "-1"}}), vec![("/prices/1", "out_of_range")]),
        (
            json!({"sku": "X", "name": "x", "prices": {"11": "1", "2": "dear"}}),
            vec![("/prices/2", "wrong_type"), ("/prices/11", "unknown_member")],
        ),
        (
            json!({"sku": "X", "name": "x", "kind": "kit", "components": [{"quantity": 1.5}, 7]}),
            vec![("/components/0/product_id", "required"), ("/components/0/quantity", "wrong_type"), ("/components/1", "wrong_type")],
        ),
    ] {
        let reply = world.post("/v1/products", body.clone()).await;
        assert_eq!((reply.code(422), reply.faults()), ("validation_failed", faults), "{body}");
    }
    // What is used keeps a kind that may be used so; what closes a circle is refused, and says how it goes round.
    let put = async |id: &str, body: Value| world.put(&format!("/v1/products/{id}"), "\"1\"", body).await;
    assert_eq!(put(&bolt, json!({"sku": "BOLT", "name": "x", "kind": "service"})).await.faults(), [("/kind", "used_as_component")]);
    assert_eq!(put(&bike, whole("BIKE", "kit", &[(&bolt, 8)])).await.faults(), [("/kind", "used_as_component")]);
    let circle = put(&bolt, whole("BOLT", "assembly", &[(&frame, 1), (&bike, 1)])).await;
    assert_eq!(circle.faults(), [("/components/1/product_id", "cycle")]);
    assert!(circle.body["errors"][0]["message"].as_str().unwrap().contains("BOLT → BIKE → BOLT"), "{}", circle.body);
    assert_eq!(put(&bike, whole("BIKE", "assembly", &[(&bike, 1)])).await.faults(), [("/components/0/product_id", "itself")]);
    // Taken out of what held it, it is free.
    assert_eq!(put(&set, whole("SET", "kit", &[(&bolt, 1)])).await.header("etag"), "\"2\"");
    assert_eq!(put(&work, json!({"sku": "WORK", "name": "x", "kind": "drop_ship", "supplier": "Acme"})).await.header("etag"), "\"2\"");
    assert_eq!(put(&bike, json!({"sku": "BIKE", "name": "x"})).await.header("etag"), "\"2\"");
    assert_eq!(put(&frame, json!({"sku": "FRAME", "name": "x", "kind": "service"})).await.header("etag"), "\"2\"");
}

/// Two writes at once that would close a circle together: one of them is made.
#[tokio::test]
async fn n18_two_at_once_make_no_circle() {
    let world = World::new().await;
    for round in 0..8 {
        let (a, b) = (stock(&world, &format!("A{round}")).await, stock(&world, &format!("B{round}")).await);
        let (path_a, path_b) = (format!("/v1/products/{a}"), format!("/v1/products/{b}"));
        let (one, other) = tokio::join!(
            world.put(&path_a, "\"1\"", whole(&format!("A{round}"), "assembly", &[(&b, 1)])),
            world.put(&path_b, "\"1\"", whole(&format!("B{round}"), "assembly", &[(&a, 1)]))
        );
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422], "{} {}", one.body, other.body);
        // One becomes part of a kit while it becomes a kit itself.
        let (c, d) = (stock(&world, &format!("C{round}")).await, stock(&world, &format!("D{round}")).await);
        let path = format!("/v1/products/{c}");
        let (one, other) = tokio::join!(
            world.put(&path, "\"1\"", whole(&format!("C{round}"), "kit", &[(&d, 1)])),
            world.post("/v1/products", whole(&format!("K{round}"), "kit", &[(&c, 1)]))
        );
        assert!(one.status.is_success() != other.status.is_success(), "{} {}", one.body, other.body);
    }
}

/// S29: a tier has one record at most, and keeps its number.
#[tokio::test]
async fn s29_price_tiers_are_named_once() {
    let world = World::new().await;
    let made = world.post("/v1/price_tiers", json!({"tier": 1, "name": "Retail"})).await;
    assert_eq!((made.status.as_u16(), made.header("etag")), (201, "\"1\""));
    let path = format!("/v1/price_tiers/{}", made.body["id"].as_str().unwrap());
    assert_eq!(world.post("/v1/price_tiers", json!({"tier": 1, "name": "Other"})).await.faults(), [("/tier", "taken")]);
    assert_eq!(world.post("/v1/price_tiers", json!({"tier": 2, "name": " retail "})).await.faults(), [("/name", "taken")]);
    assert_eq!(world.put(&path, "\"1\"", json!({"tier": 2, "name": "Retail"})).await.faults(), [("/tier", "read_only")]);
    for (body, faults) in [
        (json!({"tier": 0, "name": "x"}), vec![("/tier", "out_of_range")]),
        (json!({"tier": 11, "name": "x"}), vec![("/tier", "out_of_range")]),
        (json!({"tier": "1"}), vec![("/tier", "wrong_type"), ("/name", "required")]),
    ] {
        assert_eq!(world.post("/v1/price_tiers", body).await.faults(), faults);
    }
    let (a, b) = tokio::join!(
        world.post("/v1/price_tiers", json!({"tier": 5, "name": "A"})),
        world.post("/v1/price_tiers", json!({"tier": 5, "name": "B"}))
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

/// S56: a location is somewhere, as far as routing needs it.
#[tokio::test]
async fn s56_where_a_location_cannot_be() {
    let world = World::new().await;
    let at = |zip: &str, country: &str| json!({"name": zip, "address": {"postal_code": zip, "state": "NV", "country": country}});
    let refused = world.post("/v1/locations", at("00000", "US")).await;
    assert_eq!((refused.code(422), refused.faults()), ("validation_failed", vec![("/address/postal_code", "unknown_zip")]));
    assert_eq!(world.post("/v1/locations", at("00000", "GB")).await.status, 201);
    let made = world.post("/v1/locations", at("89501", "US")).await;
    let path = format!("/v1/locations/{}", made.body["id"].as_str().unwrap());
    assert_eq!(world.put(&path, "\"1\"", at("00001", "US")).await.faults(), [("/address/postal_code", "unknown_zip")]);
    assert_eq!(world.post("/v1/locations", json!({"name": "Nowhere"})).await.status, 201);
    let etag = world.get("/v1/settings").await.header("etag").to_owned();
    world.put("/v1/settings", &etag, json!({"order_routing": true})).await.ok();
    assert_eq!(world.post("/v1/locations", json!({"name": "Elsewhere"})).await.faults(), [("/address", "required")]);
    assert_eq!(world.post("/v1/locations", json!({"name": "Elsewhere", "active": false})).await.status, 201);
}
