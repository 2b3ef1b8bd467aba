//! Dead letters: listed with what is wrong with them, and put back.

use serde_json::{Value, json};
use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{ClientOptions, Clients, QueueUrls, Queues};
use stevedore_domain::log::Trigger;

use crate::world::{NOW, World};

/// Puts messages among the dead letters as they are: by queues whose orders go there.
async fn bury(world: &World, bodies: &[&str]) {
    let dead = world.queues.urls().dead_letters.clone();
    let clients = Clients::at_endpoint(world.engines.endpoint(), ClientOptions::default());
    let urls = QueueUrls { orders: dead.clone(), commands: dead.clone(), consolidation: dead.clone(), dead_letters: dead };
    let bodies: Vec<String> = bodies.iter().map(|body| (*body).to_owned()).collect();
    let report = Queues::new(&clients, urls).send_orders(&bodies).await.unwrap();
    assert_eq!(report.refused, []);
}

fn order_message() -> String {
    let order = serde_json::value::RawValue::from_string(r#"{"orderId":9007199254740993,"orderNumber":"1001"}"#.to_owned()).unwrap();
    let message = OrderMessage {
        operation_id: "op-1".into(),
        account: stevedore_domain::ids::ShipstationAccount::FIRST,
        trigger: Trigger::Manual,
        read_at: None,
        order,
        alike: Vec::new(),
    };
    message.encode().unwrap().unwrap()
}

#[tokio::test]
async fn dead_letters_say_what_is_wrong_with_them() {
    let world = World::new().await;
    assert_eq!(world.get("/v1/dead-letters").await.items(), [] as [Value; 0]);
    bury(&world, &[&order_message(), "hello", r#"{"v":3}"#, r#"{"v":1,"command":"disconnect"}"#, r#"{"v":1,"x":1e2}"#]).await;
    let reply = world.get("/v1/dead-letters").await;
    let find = |text: &str| {
        let found = reply.items().iter().find(|item| item["body"].to_string().contains(text));
        found.unwrap_or_else(|| panic!("{text} is not in {}", reply.body))
    };
    let order = find("orderNumber");
    assert_eq!(
        (&order["kind"], &order["order_id"], &order["order_number"]),
        (&json!("order"), &json!(9_007_199_254_740_993_u64), &json!("1001"))
    );
    assert_eq!((&order["operation_id"], &order["sent_at"]), (&json!("op-1"), &json!(NOW)));
    let text = find("hello");
    assert_eq!((&text["kind"], &text["body"], &text["order_id"]), (&json!("unknown"), &json!("hello"), &Value::Null));
    assert!(text["why"].as_str().unwrap().starts_with("The message is not JSON"));
    assert!(find("\"v\":3")["why"].as_str().unwrap().contains("version 3"));
    assert_eq!(find("disconnect")["kind"], "command");
    assert_eq!(find("\"x\"")["kind"], "unknown");
    // Listing gives them back: they are there again at once.
    assert_eq!(world.get("/v1/dead-letters").await.items().len(), 5);
}

#[tokio::test]
async fn dead_letters_go_back_one_by_one_or_all() {
    let world = World::new().await;
    bury(&world, &[&order_message(), "hello", r#"{"v":1,"command":"disconnect"}"#]).await;
    let reply = world.get("/v1/dead-letters").await;
    let command = reply.items().iter().find(|item| item["kind"] == "command").unwrap()["message_id"].clone();
    let redriven = world.post("/v1/dead-letters/redrive", json!({"message_ids": [command, "gone"]})).await.ok();
    assert_eq!(redriven, json!({"moved": 1, "missing": 1, "left": 2}));
    assert_eq!(world.commands().await, [stevedore_aws::messages::Command::Disconnect]);
    assert_eq!(world.get("/v1/dead-letters").await.items().len(), 2);
    let redriven = world.call(api::Grade::Operate, axum::http::Method::POST, "/v1/dead-letters/redrive", &[], None).await.ok();
    assert_eq!(redriven, json!({"moved": 2, "missing": 0, "left": 0}));
    assert_eq!(world.get("/v1/dead-letters").await.items().len(), 0);
    assert_eq!(world.queues.receive(&world.queues.urls().orders, 0).await.unwrap().len(), 2);
    for (body, fault) in [
        (json!({"message_ids": []}), ("/message_ids", "required")),
        (json!({"message_ids": [7]}), ("/message_ids/0", "wrong_type")),
        (json!({"messages": []}), ("/messages", "unknown_member")),
    ] {
        assert_eq!(world.post("/v1/dead-letters/redrive", body).await.faults(), [fault]);
    }
}
