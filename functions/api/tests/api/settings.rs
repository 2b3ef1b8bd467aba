//! The settings document over the API.

use serde_json::{Value, json};
use stevedore_aws::messages::Command;

use crate::world::{NOW, World};

async fn write(world: &World, body: Value) -> crate::world::Reply {
    let etag = world.get("/v1/settings").await.header("etag").to_owned();
    world.put("/v1/settings", &etag, body).await
}

/// S17–S20, S22: the defaults, and a write with its ETag.
#[tokio::test]
async fn s17_settings_are_read_and_replaced_with_their_etag() {
    let world = World::new().await;
    let reply = world.get("/v1/settings").await;
    assert_eq!(reply.header("etag"), "\"0\"");
    let mut settings = reply.ok();
    assert_eq!((&settings["capture_order_when"], &settings["consolidation"]), (&json!("paid"), &json!("none")));
    for (version, stage) in ["created", "not_on_hold", "shipped", "paid"].into_iter().enumerate() {
        settings["capture_order_when"] = json!(stage);
        let reply = world.put("/v1/settings", &format!("\"{version}\""), settings.clone()).await;
        assert_eq!(reply.header("etag"), format!("\"{}\"", version + 1));
        assert_eq!(reply.ok(), settings);
        assert_eq!(world.get("/v1/settings").await.ok(), settings);
    }
}

#[tokio::test]
async fn a_write_without_its_etag_is_428_and_a_stale_one_412() {
    let world = World::new().await;
    let body = json!({"poll_minutes": 30});
    let reply = world.call(api::Grade::Configure, axum::http::Method::PUT, "/v1/settings", &[], Some(&body)).await;
    assert_eq!(reply.code(428), "precondition_required");
    assert_eq!(write(&world, body.clone()).await.status, 200);
    for stale in ["\"0\"", "\"2\"", "W/\"1\"", "1", "nonsense"] {
        let reply = world.put("/v1/settings", stale, body.clone()).await;
        assert_eq!(reply.code(412), "stale_version", "{stale}");
        assert_eq!(reply.header("etag"), "\"1\"");
    }
    // Two who read the same: one wins.
    let (a, b) = (json!({"poll_minutes": 31}), json!({"poll_minutes": 32}));
    let (a, b) = tokio::join!(world.put("/v1/settings", "\"1\"", a), world.put("/v1/settings", "\"1\"", b));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let lost = if a.status == 412 { a } else { b };
    assert_eq!(lost.header("etag"), "\"2\"");
}

#[tokio::test]
async fn every_fault_is_named_and_nothing_is_changed() {
    let world = World::new().await;
    let body = json!({
        "capture_order_when": "sometimes", "poll_minutes": 4, "colour": "red", "customer_id": "nobody",
        "tax": {"default_rule": "no-rule"}, "location_map": {"warehouses": {"x": "nowhere"}}, "consolidation": "daily",
    });
    let reply = write(&world, body).await;
    assert_eq!(reply.code(422), "validation_failed");
    for fault in [
        ("/capture_order_when", "not_one_of"),
        ("/poll_minutes", "out_of_range"),
        ("/colour", "unknown_setting"),
        ("/customer_id", "unknown_reference"),
        ("/tax/default_rule", "unknown_reference"),
        ("/location_map/warehouses/x", "invalid_key"),
        ("/consolidation_time", "required"),
    ] {
        assert!(reply.faults().contains(&fault), "{fault:?} is not in {:?}", reply.faults());
    }
    assert_eq!(world.get("/v1/settings").await.header("etag"), "\"0\"");
    assert_eq!(world.commands().await, []);
}

#[tokio::test]
async fn references_to_what_exists_are_taken() {
    let world = World::new().await;
    let id = |reply: Value| reply["id"].as_str().unwrap().to_owned();
    let rule =
        id(world.post("/v1/tax_rules", json!({"name": "California", "components": [{"name": "State", "percent": "7.25"}]})).await.ok());
    let location = id(world.post("/v1/locations", json!({"name": "Reno"})).await.ok());
    let bank = id(world.post("/v1/accounts", json!({"name": "Bank", "kind": "asset", "receives_payments": true})).await.ok());
    let income = id(world.post("/v1/accounts", json!({"name": "Sales", "kind": "revenue"})).await.ok());
    let customer = id(world.post("/v1/customers", json!({"name": "Counter"})).await.ok());
    let body = json!({
        "tax": {"default_rule": rule}, "location_map": {"default": location, "warehouses": {"12": location}},
        "payment": {"account": bank, "by_method": {"PayPal": bank}}, "revenue_account": income, "customer_id": customer,
    });
    assert_eq!(write(&world, body.clone()).await.status, 200);
    let mut swapped = body;
    swapped["payment"]["account"] = json!(income);
    swapped["revenue_account"] = json!(bank);
    let reply = write(&world, swapped).await;
    assert_eq!(reply.code(422), "validation_failed");
    let pointers: Vec<&str> = reply.faults().iter().map(|(pointer, _)| *pointer).collect();
    assert!(pointers.contains(&"/payment/account") && pointers.contains(&"/revenue_account"), "{pointers:?}");
}

/// S50, S52: turning it on takes the acknowledgement of its warning.
#[tokio::test]
async fn s50_shipstation_is_master_needs_its_acknowledgement() {
    let world = World::new().await;
    let reply = write(&world, json!({"shipstation_is_master": true})).await;
    assert_eq!(reply.faults(), [("/acknowledge_shipstation_is_master", "acknowledgement_required")]);
    let reply = write(&world, json!({"shipstation_is_master": true, "acknowledge_shipstation_is_master": true})).await;
    assert_eq!(reply.body["shipstation_is_master"], true);
    assert!(reply.body.get("acknowledge_shipstation_is_master").is_none());
}

#[tokio::test]
async fn an_accepted_write_has_blocked_orders_looked_at_again() {
    let world = World::new().await;
    assert_eq!(write(&world, json!({"poll_minutes": 30})).await.status, 200);
    assert_eq!(world.commands().await, [Command::ProcessPending { operation_id: None, order_ids: None }]);
    // The same again changes nothing, so nothing is kept and nothing is sent.
    assert_eq!(write(&world, json!({"poll_minutes": 30})).await.header("etag"), "\"1\"");
    assert_eq!(world.commands().await, []);
    // The write stands although the queue does not answer.
    world.engines.faults().fail_next("SendMessage", 1, stevedore_engines::Fault::Error { status: 400, code: "AccessDenied".to_owned() });
    assert_eq!(write(&world, json!({"poll_minutes": 31})).await.header("etag"), "\"2\"");
}

#[tokio::test]
async fn the_history_says_who_changed_what() {
    let world = World::new().await;
    for minutes in 10..15 {
        assert_eq!(write(&world, json!({"poll_minutes": minutes})).await.status, 200);
    }
    let all = world.all("/v1/settings/history", 2).await;
    assert_eq!(all.iter().map(|change| change["version"].as_u64().unwrap()).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    let expected = json!({"version": 5, "at": NOW, "by": "local", "changes": [{"pointer": "/poll_minutes", "from": 13, "to": 14}]});
    assert_eq!(all[0], expected);
    for token in ["4", "eA", "%00", ""] {
        assert_eq!(world.get(&format!("/v1/settings/history?page_token={token}")).await.code(400), "invalid_page_token");
    }
}

/// S41: the default revenue account must exist and be of revenue kind, and stays so while the settings name it.
#[tokio::test]
async fn s41_the_default_revenue_account_is_one_of_revenue() {
    let world = World::new().await;
    let made = async |name: &str, kind: &str| {
        world.post("/v1/accounts", json!({"name": name, "kind": kind})).await.ok()["id"].as_str().unwrap().to_owned()
    };
    let (income, costs) = (made("Income", "revenue").await, made("Costs", "expense").await);
    for (account, code) in [(costs.as_str(), "wrong_kind"), ("nowhere", "unknown_reference")] {
        let reply = write(&world, json!({"default_revenue_account": account})).await;
        assert_eq!(reply.faults(), [("/default_revenue_account", code)]);
    }
    assert_eq!(write(&world, json!({"default_revenue_account": income})).await.ok()["default_revenue_account"], income.as_str());
    let path = format!("/v1/accounts/{income}");
    let etag = world.get(&path).await.header("etag").to_owned();
    let reply = world.put(&path, &etag, json!({"name": "Income", "kind": "expense"})).await;
    assert_eq!(reply.faults(), [("/kind", "in_use")]);
}

/// N17, N31: form in which each store states tax, entry by entry in the history.
#[tokio::test]
async fn n17_n31_tax_by_store_is_kept_and_its_history_too() {
    let world = World::new().await;
    let by_store = |stores: Value| json!({"tax": {"by_store": stores}});
    assert_eq!(write(&world, by_store(json!({"12": "gross"}))).await.faults(), [("/tax/by_store/12", "not_one_of")]);
    let stores = json!({"12": "included", "13": "withheld", "14": "added"});
    assert_eq!(write(&world, by_store(stores.clone())).await.ok()["tax"]["by_store"], stores);
    assert_eq!(world.get("/v1/settings").await.ok()["tax"]["by_store"], stores);
    write(&world, by_store(json!({"12": "included"}))).await.ok();
    let newest = &world.all("/v1/settings/history", 1).await[0];
    let gone = |store: &str, from: &str| json!({"pointer": format!("/tax/by_store/{store}"), "from": from, "to": null});
    assert_eq!(newest["changes"], json!([gone("13", "withheld"), gone("14", "added")]));
}

/// S70: settings that recalculate tax by a rule without percentages are taken, and answered with a warning until that is mended; what is answered may be sent back.
#[tokio::test]
async fn s70_recalculation_by_a_rule_without_percent_is_answered_with_a_warning() {
    let world = World::new().await;
    let rule = world.post("/v1/tax_rules", json!({"name": "Empty", "components": [{"name": "State", "percent": "0"}]})).await.ok();
    let id = rule["id"].as_str().unwrap();
    let kept = write(&world, json!({"tax": {"default_rule": id}})).await.ok();
    assert!(kept.get("warnings").is_none(), "{kept}");
    let mut settings = kept.clone();
    settings["tax"]["recalculate"] = json!(true);
    let written = write(&world, settings.clone()).await.ok();
    let [warning] = written["warnings"].as_array().unwrap().as_slice() else { panic!("{written}") };
    assert_eq!(warning["code"], "tax_rule_without_percent");
    assert!(warning["message"].as_str().unwrap().starts_with(&format!("Rules: Empty ({id}). ")), "{warning}");
    assert_eq!(world.get("/v1/settings").await.ok(), written);
    // Sent back as it was answered, it changes nothing and is warned of again.
    let again = write(&world, written.clone()).await;
    assert_eq!((again.header("etag"), &again.body), ("\"2\"", &written));
    let path = format!("/v1/tax_rules/{id}");
    let etag = world.get(&path).await.header("etag").to_owned();
    world.put(&path, &etag, json!({"name": "Full", "components": [{"name": "State", "percent": "7.25"}]})).await.ok();
    assert!(world.get("/v1/settings").await.ok().get("warnings").is_none());
}
