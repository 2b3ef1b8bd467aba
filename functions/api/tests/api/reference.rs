//! Reference data: made, read, replaced, unique.

use serde_json::{Value, json};
use stevedore_aws::messages::Command;

use crate::world::{NOW, World};

/// Each kind: its list, what makes one, the same changed, and what the record shows of it.
fn kinds() -> [(&'static str, Value, Value); 6] {
    [
        (
            "/v1/products",
            json!({"sku": "85123A", "name": "Heart", "kind": "stock", "aliases": ["HEART"], "shipstation_product_id": 9_007_199_254_740_993_u64, "revenue_account": null, "components": [], "supplier": null,
                "prices": {"1": "12.340", "10": "0.0005"}}),
            json!({"sku": "85123B", "name": "Heart", "kind": "drop_ship", "aliases": [], "shipstation_product_id": null, "revenue_account": null, "components": [],
                "supplier": "Acme", "prices": {}}),
        ),
        (
            "/v1/customers",
            json!({"name": "Ann", "email": "Ann@Example.com", "phone": null, "company": "A & Co", "revenue_account": null, "billing_address": address(), "business_address": address()}),
            json!({"name": "Ann", "email": null, "phone": "1", "company": null, "revenue_account": null, "billing_address": address(), "business_address": address()}),
        ),
        (
            "/v1/locations",
            json!({"name": "Reno", "priority": 2, "active": true, "address": address()}),
            json!({"name": "Reno", "priority": -1, "active": false, "address": address()}),
        ),
        (
            "/v1/accounts",
            json!({"name": "Bank", "kind": "asset", "receives_payments": true}),
            json!({"name": "Savings", "kind": "asset", "receives_payments": false}),
        ),
        ("/v1/price_tiers", json!({"tier": 3, "name": "Wholesale"}), json!({"tier": 3, "name": "Trade"})),
        (
            "/v1/tax_rules",
            json!({"name": "California", "components": [{"name": "State", "percent": "7.25", "account": null}], "place": null}),
            json!({"name": "California", "components": [{"name": "State", "percent": "6.00", "account": null}, {"name": "County", "percent": "1.25", "account": null}], "place": null}),
        ),
    ]
}

fn address() -> Value {
    json!({"name": null, "company": null, "street1": "1 Main St", "street2": null, "street3": null, "city": "Reno", "state": "NV",
        "postal_code": "89501", "country": "US", "phone": null})
}

fn without_own(mut record: Value) -> Value {
    let members = record.as_object_mut().unwrap();
    assert!(members.remove("id").is_some());
    assert_eq!(members.remove("created_at"), Some(json!(NOW)));
    // Only tax rules have these, and no rule that is written by hand has any.
    assert!(members.remove("addresses").is_none_or(|addresses| addresses == json!([])));
    record
}

#[tokio::test]
async fn each_kind_is_made_read_and_replaced_with_its_etag() {
    let world = World::new().await;
    for (list, first, second) in kinds() {
        let made = world.post(list, first.clone()).await;
        assert_eq!(made.status, 201, "{list}: {}", made.body);
        assert_eq!(made.header("etag"), "\"1\"");
        let path = format!("{list}/{}", made.body["id"].as_str().unwrap());
        assert_eq!(made.header("location"), path);
        assert_eq!(without_own(made.body.clone()), first);
        let read = world.get(&path).await;
        assert_eq!((read.header("etag"), &read.body), ("\"1\"", &made.body));
        let missing = world.call(api::Grade::Configure, axum::http::Method::PUT, &path, &[], Some(&second)).await;
        assert_eq!(missing.code(428), "precondition_required");
        let stale = world.put(&path, "\"7\"", second.clone()).await;
        assert_eq!((stale.code(412), stale.header("etag")), ("stale_version", "\"1\""));
        let replaced = world.put(&path, "\"1\"", second.clone()).await;
        assert_eq!((replaced.header("etag"), without_own(replaced.body.clone())), ("\"2\"", second));
        // What was read may be sent back as it is; its id may not be another one.
        assert_eq!(world.put(&path, "\"2\"", replaced.body.clone()).await.header("etag"), "\"3\"");
        let mut other = replaced.body;
        other["id"] = json!("another");
        assert_eq!(world.put(&path, "\"3\"", other).await.faults(), [("/id", "read_only")]);
        assert_eq!(world.get(&format!("{list}/nope")).await.code(404), "not_found");
        assert_eq!(world.put(&format!("{list}/nope"), "\"1\"", first).await.code(404), "not_found");
        assert_eq!(world.all(list, 1).await.len(), 1);
    }
}

/// Records that orders may wait for have these looked at again; products never do.
#[tokio::test]
async fn new_reference_data_has_blocked_orders_looked_at_again() {
    let world = World::new().await;
    for (list, first, second) in kinds() {
        let made = world.post(list, first).await.ok();
        world.put(&format!("{list}/{}", made["id"].as_str().unwrap()), "\"1\"", second).await.ok();
        let expected = if ["/v1/products", "/v1/price_tiers"].contains(&list) { 0 } else { 2 };
        let again = Command::ProcessPending { operation_id: None, order_ids: None };
        assert_eq!(world.commands().await, vec![again; expected], "{list}");
    }
}

#[tokio::test]
async fn what_must_be_unique_is() {
    let world = World::new().await;
    for (list, first, _) in kinds() {
        world.post(list, first.clone()).await.ok();
        let again = world.post(list, first).await;
        match list {
            // Two customers may share a name and an e-mail address.
            "/v1/customers" => assert_eq!(again.status, 201),
            "/v1/products" => assert_eq!((again.code(409), again.faults()), ("taken", vec![("/sku", "taken")])),
            "/v1/price_tiers" => assert_eq!((again.code(409), again.faults()), ("taken", vec![("/tier", "taken")])),
            _ => assert_eq!((again.code(409), again.faults()), ("taken", vec![("/name", "taken")]), "{list}"),
        }
    }
    assert_eq!(world.post("/v1/locations", json!({"name": " reno "})).await.code(409), "taken");
    let product = |sku: &str| json!({"sku": sku, "name": "x"});
    let with = |sku: &str, member: &str, value: Value| json!({"sku": sku, "name": "x", member: value});
    assert_eq!(world.post("/v1/products", with("A", "aliases", json!(["HEART"]))).await.faults(), [("/aliases", "taken")]);
    let link = world.post("/v1/products", with("A", "shipstation_product_id", json!(9_007_199_254_740_993_u64))).await;
    assert_eq!((link.code(409), link.faults()), ("taken", vec![("/shipstation_product_id", "taken")]));
    // The same letters in another case are another SKU; orders tell the two apart by the exact one.
    assert_eq!(world.post("/v1/products", product("85123a")).await.status, 201);
    let (a, b) = tokio::join!(world.post("/v1/products", product("RACE")), world.post("/v1/products", product("RACE")));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn faults_are_named_member_by_member() {
    let world = World::new().await;
    let income = world.post("/v1/accounts", json!({"name": "Sales", "kind": "revenue"})).await.ok()["id"].clone();
    let bank = world.post("/v1/accounts", json!({"name": "Bank", "kind": "asset"})).await.ok()["id"].clone();
    for (list, body, faults) in [
        (
            "/v1/products",
            json!({"kind": "set", "id": "x"}),
            vec![("/sku", "required"), ("/name", "required"), ("/kind", "not_one_of"), ("/id", "unknown_member")],
        ),
        ("/v1/products", json!({"sku": "A", "name": "x", "aliases": ["B", "B"]}), vec![("/aliases", "repeated")]),
        ("/v1/products", json!({"sku": "A", "name": "x", "aliases": ["A"]}), vec![("/aliases", "repeated")]),
        ("/v1/products", json!({"sku": "x".repeat(2_100), "name": "x"}), vec![("/sku", "too_long")]),
        ("/v1/products", json!({"sku": "A", "name": "x", "revenue_account": "nope"}), vec![("/revenue_account", "unknown_reference")]),
        ("/v1/products", json!({"sku": "A", "name": "x", "revenue_account": bank}), vec![("/revenue_account", "wrong_kind")]),
        ("/v1/customers", json!({"name": "", "email": "nobody"}), vec![("/email", "invalid_email"), ("/name", "blank")]),
        (
            "/v1/customers",
            json!({"name": "A\u{0}", "billing_address": {"town": "x"}}),
            vec![("/name", "control_character"), ("/billing_address/town", "unknown_member")],
        ),
        (
            "/v1/locations",
            json!({"name": 7, "priority": 1e3, "active": "yes", "address": []}),
            vec![("/priority", "wrong_type"), ("/name", "wrong_type"), ("/address", "wrong_type"), ("/active", "wrong_type")],
        ),
        ("/v1/locations", json!({"name": "x", "priority": 3_000_000_000_u64}), vec![("/priority", "out_of_range")]),
        ("/v1/accounts", json!({"name": "x"}), vec![("/kind", "required")]),
        ("/v1/accounts", json!({"name": "x", "kind": "asset", "receives_payments": null}), vec![("/receives_payments", "wrong_type")]),
        (
            "/v1/tax_rules",
            json!({"name": "x", "components": [{"name": "a", "percent": "-1"}, {"percent": "x", "account": 5}, 7]}),
            vec![
                ("/components/0/percent", "out_of_range"),
                ("/components/1/name", "required"),
                ("/components/1/percent", "wrong_type"),
                ("/components/1/account", "wrong_type"),
                ("/components/2", "wrong_type"),
            ],
        ),
        (
            "/v1/tax_rules",
            json!({"name": "x", "components": [{"name": "a", "percent": "1", "account": "nope"}]}),
            vec![("/components/0/account", "unknown_reference")],
        ),
    ] {
        let reply = world.post(list, body.clone()).await;
        assert_eq!(reply.code(422), "validation_failed", "{body}");
        assert_eq!(reply.faults(), faults, "{body}");
    }
    // A percentage may be written as a JSON number, and is exact all the same.
    let rule = world.post("/v1/tax_rules", json!({"name": "x", "components": [{"name": "a", "percent": 8.875}]})).await.ok();
    assert_eq!(rule["components"][0]["percent"], "8.875");
    let product = world.post("/v1/products", json!({"sku": "A", "name": "x", "revenue_account": income})).await.ok();
    assert_eq!(product["revenue_account"], income);
}

#[tokio::test]
async fn lists_are_newest_first_and_paged() {
    let world = World::new().await;
    world.hands.step_by(1);
    for number in 0..7 {
        world.post("/v1/locations", json!({"name": format!("L{number}")})).await.ok();
    }
    let names: Vec<Value> = world.all("/v1/locations", 3).await.into_iter().map(|location| location["name"].clone()).collect();
    assert_eq!(names, ["L6", "L5", "L4", "L3", "L2", "L1", "L0"]);
}

/// A product is found by its SKU and by each of its aliases, a customer by the e-mail address, however long the lists are.
#[tokio::test]
async fn products_and_customers_are_found_by_what_people_know() {
    let world = World::new().await;
    let ids = |found: Vec<Value>| found.into_iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    let mut made = Vec::new();
    for (path, body) in [
        ("/v1/products", json!({"sku": "Tea 01", "name": "Tea", "aliases": ["OLD-TEA"]})),
        ("/v1/products", json!({"sku": "TEA01", "name": "Another tea"})),
        ("/v1/customers", json!({"name": "Ann", "email": "Ann@Example.com"})),
        ("/v1/customers", json!({"name": "Ann's office", "email": "ann@example.com"})),
        ("/v1/customers", json!({"name": "Bob", "email": "bob@example.com"})),
    ] {
        made.push(world.post(path, body).await.ok()["id"].clone());
    }
    for (path, found) in [
        ("/v1/products?sku=old-tea", &made[..1]),
        ("/v1/products?sku=tea%2001", &made[..1]),
        ("/v1/products?sku=", &[]),
        ("/v1/products?sku=coffee", &[]),
        ("/v1/customers?email=ANN@example.com", &made[2..4]),
        ("/v1/customers?email=bob@example.com", &made[4..]),
        ("/v1/customers?email=", &[]),
        ("/v1/customers?email=nobody", &[]),
    ] {
        for limit in [1, 10] {
            assert_eq!(ids(world.all(path, limit).await), found, "{path}");
        }
    }
    assert_eq!(world.get("/v1/locations?sku=x").await.code(400), "invalid_query");
    let token = world.get("/v1/customers?email=ann@example.com&limit=1").await.body["next_page_token"].as_str().unwrap().to_owned();
    for path in ["/v1/customers?", "/v1/customers?email=bob@example.com&"] {
        assert_eq!(world.get(&format!("{path}page_token={token}")).await.code(400), "invalid_page_token", "{path}");
    }
}
