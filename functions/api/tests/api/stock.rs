//! Levels of stock, and the corrections that people make to them.

use api::Grade;
use axum::http::Method;
use serde_json::{Value, json};
use stevedore_domain::settings::PickPackShip;

use crate::captured::Shop;
use crate::world::{NOW, World};

const ADJUSTMENTS: &str = "/v1/stock/adjustments";

/// S106: goods that are brought in, claimed and picked are seen in the level of their product and location alone.
#[tokio::test]
async fn s106_levels_are_listed_by_product_and_location() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    assert_eq!(world.get("/v1/stock").await.ok(), json!({"items": [], "next_page_token": null}));
    for sku in ["MUG", "LID", "BOX"] {
        shop.product(sku, "stock", &[]).await;
    }
    let newark = world.post("/v1/locations", json!({"name": "Newark"})).await.ok()["id"].as_str().unwrap().to_owned();
    for (sku, quantity) in [("MUG", 7), ("LID", 2), ("BOX", 1)] {
        shop.adjust(sku, quantity).await;
    }
    let elsewhere = json!({"product_id": shop.id("MUG"), "location_id": newark, "quantity": 4});
    let level = world.post(ADJUSTMENTS, elsewhere).await;
    let expected = json!({"product_id": shop.id("MUG"), "sku": "MUG", "name": "MUG", "location_id": newark, "on_hand": 4, "allocated": 0, "available": 4, "unpicked": 4});
    assert_eq!((level.status.as_u16(), &level.body), (201, &expected));
    shop.sell(1, PickPackShip::Pick, &[("MUG", 2)]).await;
    shop.sell(2, PickPackShip::None, &[("MUG", 9)]).await;
    assert_eq!(shop.level("MUG").await, [7, 11, 5]);
    assert_eq!(shop.level("LID").await, [2, 0, 2]);

    let all = world.all("/v1/stock", 1).await;
    let mut places: Vec<(&str, &str)> = all.iter().map(place).collect();
    assert_eq!(places.len(), 4);
    let sorted = {
        places.sort_unstable();
        places
    };
    let found = world.get("/v1/stock").await;
    assert_eq!(found.items().iter().map(place).collect::<Vec<_>>(), sorted);
    for limit in 1..=2 {
        let mugs = world.all(&format!("/v1/stock?product_id={}", shop.id("MUG")), limit).await;
        assert_eq!(mugs.len(), 2);
        assert!(mugs.contains(&expected) && mugs.iter().all(|level| level["product_id"] == shop.id("MUG")));
        let here = world.all(&format!("/v1/stock?location_id={}", shop.location), limit).await;
        assert_eq!(here.len(), 3);
        assert!(here.iter().all(|level| level["location_id"] == shop.location.as_str()));
    }
    // A page is as full as the filter allows.
    assert_eq!(world.get(&format!("/v1/stock?location_id={newark}&limit=1")).await.items(), std::slice::from_ref(&expected));
    for nothing in ["product_id=nope", "location_id=nope", "product_id=", "location_id="] {
        assert_eq!(world.all(&format!("/v1/stock?{nothing}"), 2).await.len(), 0, "{nothing}");
    }
    let reply = world.get("/v1/stock?product=x&limit=0").await;
    assert_eq!((reply.code(400), reply.faults().len()), ("invalid_query", 2));
    // Tokens are of use to their own list alone, and to their own filter.
    let one = world.get("/v1/stock?limit=1").await.body["next_page_token"].as_str().unwrap().to_owned();
    let mugs = format!("/v1/stock?product_id={}", shop.id("MUG"));
    let other = world.get(&format!("{mugs}&limit=1")).await.body["next_page_token"].as_str().unwrap().to_owned();
    assert_eq!(world.get(&format!("{mugs}&page_token={one}")).await.code(400), "invalid_page_token");
    for path in ["/v1/stock?", &format!("/v1/stock?product_id={}&", shop.id("LID")), "/v1/stock/adjustments?", "/v1/log?"] {
        assert_eq!(world.get(&format!("{path}page_token={other}")).await.code(400), "invalid_page_token", "{path}");
    }
}

fn place(level: &Value) -> (&str, &str) {
    (level["product_id"].as_str().unwrap(), level["location_id"].as_str().unwrap())
}

/// S106: whoever stands before a shelf knows the SKU, not our id.
#[tokio::test]
async fn s106_a_sku_is_enough_to_find_and_to_correct() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    for sku in ["MUG", "mug", "LID"] {
        shop.product(sku, "stock", &[]).await;
    }
    let body = |sku: &str, quantity: i64| json!({"sku": sku, "location_id": shop.location, "quantity": quantity});
    let level = world.post(ADJUSTMENTS, body(" lid", 3)).await;
    assert_eq!((level.status.as_u16(), &level.body["sku"], &level.body["on_hand"]), (201, &json!("LID"), &json!(3)));
    assert_eq!(world.post(ADJUSTMENTS, body("mug", 5)).await.ok()["product_id"], json!(shop.id("mug")));
    assert_eq!(world.post(ADJUSTMENTS, body("MUG", 2)).await.ok()["product_id"], json!(shop.id("MUG")));

    let levels = |found: Vec<Value>| found.into_iter().map(|level| (level["sku"].clone(), level["on_hand"].clone())).collect::<Vec<_>>();
    assert_eq!(levels(world.all("/v1/stock?sku=Lid", 1).await), [(json!("LID"), json!(3))]);
    assert_eq!(levels(world.all("/v1/stock?sku=MUG", 1).await), [(json!("MUG"), json!(2)), (json!("mug"), json!(5))]);
    assert_eq!(levels(world.all(&format!("/v1/stock?sku=MUG&product_id={}", shop.id("mug")), 1).await), [(json!("mug"), json!(5))]);
    for nothing in ["sku=cup", "sku=", &format!("sku=lid&product_id={}", shop.id("MUG")), "sku=lid&location_id=nope"] {
        assert_eq!(world.all(&format!("/v1/stock?{nothing}"), 2).await.len(), 0, "{nothing}");
    }

    let both = json!({"sku": "LID", "product_id": shop.id("LID"), "location_id": shop.location, "quantity": 1});
    for (body, faults) in [
        (both, [("/sku", "ambiguous")]),
        (body("Mug", 1), [("/sku", "ambiguous")]),
        (body("cup", 1), [("/sku", "unknown_reference")]),
        (json!({"location_id": shop.location, "quantity": 1}), [("/product_id", "required")]),
    ] {
        let reply = world.post(ADJUSTMENTS, body.clone()).await;
        assert_eq!((reply.code(422), reply.faults()), ("validation_failed", faults.to_vec()), "{body}");
    }
    shop.product("SET", "kit", &[("LID", 2)]).await;
    let kit = json!({"sku": "set", "location_id": shop.location, "quantity": 1});
    assert_eq!(world.post(ADJUSTMENTS, kit).await.faults(), [("/sku", "no_stock")]);
}

/// An adjustment is made once for each key of a person's, and each is kept with who made it and why.
#[tokio::test]
async fn an_adjustment_is_made_once_for_its_key_and_is_kept() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    for sku in ["MUG", "LID"] {
        shop.product(sku, "stock", &[]).await;
    }
    world.hands.step_by(1);
    let body = |sku: &str, quantity: i64| json!({"id": "count-7", "product_id": shop.id(sku), "location_id": shop.location, "quantity": quantity, "reason": " counted "});
    for _ in 0..3 {
        let level = world.call(Grade::Operate, Method::POST, ADJUSTMENTS, &[], Some(&body("MUG", 5))).await;
        assert_eq!((level.status.as_u16(), &level.body["on_hand"]), (201, &json!(5)));
    }
    let other = world.post(ADJUSTMENTS, body("MUG", 6)).await;
    assert_eq!((other.code(409), other.faults()), ("taken", vec![("/id", "taken")]));
    // A key is one product's: a whole count may go under one.
    assert_eq!(world.post(ADJUSTMENTS, body("LID", 6)).await.status, 201);
    // Without a key each request is an adjustment of its own.
    for expected in [4, 3] {
        assert_eq!(shop.adjust("MUG", -1).await["on_hand"], expected);
    }
    let kept = world.all(ADJUSTMENTS, 2).await;
    let said: Vec<(&Value, &Value)> = kept.iter().map(|one| (&one["product_id"], &one["quantity"])).collect();
    let (mug, lid) = (json!(shop.id("MUG")), json!(shop.id("LID")));
    assert_eq!(said, [(&mug, &json!(-1)), (&mug, &json!(-1)), (&lid, &json!(6)), (&mug, &json!(5))]);
    let first = kept.last().unwrap();
    let expected = json!({"id": "count-7", "product_id": mug, "location_id": shop.location, "quantity": 5, "reason": "counted",
        "at": first["at"], "by": "local"});
    assert_eq!(first, &expected);
    assert_eq!((kept[0]["reason"].clone(), kept[0]["id"].as_str().unwrap().len()), (Value::Null, 16));
    // At the same moment under one key: once.
    let body = json!({"id": "race", "product_id": shop.id("LID"), "location_id": shop.location, "quantity": 10});
    let (a, b) = tokio::join!(world.post(ADJUSTMENTS, body.clone()), world.post(ADJUSTMENTS, body));
    assert_eq!((a.status.as_u16(), b.status.as_u16()), (201, 201));
    assert_eq!(shop.level("LID").await, [16, 0, 16]);
}

/// P5, S30: goods that are picked already cannot be written off; those that are only claimed can.
#[tokio::test]
async fn s30_what_is_picked_is_not_taken_away() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    shop.adjust("MUG", 5).await;
    shop.sell(1, PickPackShip::Pick, &[("MUG", 3)]).await;
    shop.sell(2, PickPackShip::None, &[("MUG", 2)]).await;
    let body = |quantity: i64| json!({"product_id": shop.id("MUG"), "location_id": shop.location, "quantity": quantity});
    let refused = world.post(ADJUSTMENTS, body(-3)).await;
    assert_eq!((refused.code(422), refused.faults()), ("validation_failed", vec![("/quantity", "not_there")]));
    assert!(refused.body["errors"][0]["message"].as_str().unwrap().starts_with("2 lie there"), "{}", refused.body);
    assert_eq!(world.post(ADJUSTMENTS, body(-2)).await.ok()["available"], -2);
    assert_eq!(shop.level("MUG").await, [3, 5, 0]);
    assert_eq!(world.all(ADJUSTMENTS, 10).await.len(), 2);
    // Where nothing was ever moved, nothing lies.
    shop.product("LID", "stock", &[]).await;
    let none = world.post(ADJUSTMENTS, json!({"product_id": shop.id("LID"), "location_id": shop.location, "quantity": -1})).await;
    assert_eq!(none.faults(), [("/quantity", "not_there")]);
    assert_eq!(world.all("/v1/stock", 10).await.len(), 1);
}

/// Bad input: each fault with its pointer, and no level.
#[tokio::test]
async fn wrong_adjustments_change_nothing() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    shop.product("WORK", "service", &[]).await;
    shop.product("SLAB", "drop_ship", &[]).await;
    shop.product("SET", "kit", &[("MUG", 2)]).await;
    shop.product("HAMPER", "assembly", &[("MUG", 2)]).await;
    let (mug, place) = (json!(shop.id("MUG")), json!(shop.location));
    let body = |product: &Value, quantity: Value| json!({"product_id": product, "location_id": place, "quantity": quantity});
    let good = |members: Value| {
        let mut body = body(&mug, json!(1));
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    for (body, faults) in [
        (json!({}), vec![("/product_id", "required"), ("/location_id", "required"), ("/quantity", "required")]),
        (body(&mug, json!(0)), vec![("/quantity", "out_of_range")]),
        (body(&mug, json!(1_000_000_001)), vec![("/quantity", "out_of_range")]),
        (body(&mug, json!(-1_000_000_001)), vec![("/quantity", "out_of_range")]),
        (body(&mug, json!(u64::MAX)), vec![("/quantity", "wrong_type")]),
        (body(&mug, json!(1.5)), vec![("/quantity", "wrong_type")]),
        (body(&mug, json!("5")), vec![("/quantity", "wrong_type")]),
        (body(&mug, Value::Null), vec![("/quantity", "required")]),
        (body(&json!("nope"), json!(1)), vec![("/product_id", "unknown_reference")]),
        (body(&json!(shop.id("SET")), json!(1)), vec![("/product_id", "no_stock")]),
        (body(&json!(shop.id("WORK")), json!(1)), vec![("/product_id", "no_stock")]),
        (body(&json!(shop.id("SLAB")), json!(1)), vec![("/product_id", "no_stock")]),
        (
            json!({"product_id": "nope", "location_id": "nowhere", "quantity": 1}),
            vec![("/product_id", "unknown_reference"), ("/location_id", "unknown_reference")],
        ),
        (good(json!({"id": "x".repeat(257)})), vec![("/id", "too_long")]),
        (good(json!({"id": ""})), vec![("/id", "blank")]),
        (good(json!({"reason": "x".repeat(2_001), "at": NOW})), vec![("/reason", "too_long"), ("/at", "unknown_member")]),
    ] {
        let reply = world.post(ADJUSTMENTS, body.clone()).await;
        assert_eq!((reply.code(422), reply.faults()), ("validation_failed", faults), "{body}");
    }
    assert_eq!(world.all("/v1/stock", 10).await.len() + world.all(ADJUSTMENTS, 10).await.len(), 0);
    assert_eq!(world.call(Grade::Read, Method::POST, ADJUSTMENTS, &[], Some(&good(json!({})))).await.code(403), "forbidden");
    // What is made of components has stock of its own.
    assert_eq!(shop.adjust("HAMPER", 1_000_000_000).await["on_hand"], 1_000_000_000);
}
