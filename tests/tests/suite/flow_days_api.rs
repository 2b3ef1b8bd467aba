//! A day over the API: requested, observed, and traced from the sale to its orders and back.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use stevedore_sandbox::Draft;

use crate::bound::Bound;
use crate::http::Http;
use crate::world::{Options, World, dec};

const DAY: &str = "/v1/sales/DAY-2026-01-15";

/// N5, S27, S105, S154: a person requests the due day, observes it, and follows the day's sale to
/// its orders and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n5_a_day_over_the_api() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    for number in 1..=5 {
        let draft = Draft::new(format!("N-{number}")).buyer(Some(900 + number), Some("casey@example.com")).shipping(dec("1.25"));
        world.sandbox.upsert_order(draft.line("MUG", number, dec("3.10")).tax(dec("0.13")));
    }
    let left_out = world.sandbox.upsert_order(crate::flow_days::inexact(Draft::new("HALF").line("MUG", 1, dec("1.00"))));
    world.download().await;
    let api = Http::of(&world, Vec::new());

    let early = asked(&api, &world).await;
    assert_eq!(early["state"], "completed");
    assert!(early["message"].as_str().unwrap().starts_with("Nothing is due."), "{early}");
    assert_eq!(api.call(Method::GET, DAY, None, None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.call(Method::GET, &format!("{DAY}/orders"), None, None).await.0, StatusCode::NOT_FOUND);

    world.at("2026-01-15T23:00:00Z");
    let run = asked(&api, &world).await;
    assert_eq!((&run["kind"], &run["state"], &run["local_date"]), (&json!("consolidate"), &json!("completed"), &json!("2026-01-15")));
    assert_eq!((&run["counts"]["captured"], &run["counts"]["failed"]), (&json!(5), &json!(1)), "{run}");
    let (rows, _) = api.get(&format!("/v1/operations/{}/rows", run["id"].as_str().unwrap())).await;
    assert_eq!(rows["items"].as_array().unwrap().len(), 1);
    assert_eq!((&rows["items"][0]["order_number"], &rows["items"][0]["reason"]), (&json!("HALF"), &json!("amount_not_exact")), "{rows}");

    let (sale, _) = api.get(DAY).await;
    assert_eq!(
        (&sale["kind"], &sale["source"]["local_date"], &sale["source"]["order_count"]),
        (&json!("consolidated"), &json!("2026-01-15"), &json!(5))
    );
    assert_eq!(sale["customer"]["name"], "Counter", "S105");
    assert!(!sale.to_string().contains("casey"), "S105: nobody's name is in it: {sale}");
    let mut orders: Vec<Value> = Vec::new();
    let mut token = String::new();
    let mut bound = Bound::of("a list of a day's orders");
    loop {
        bound.turn();
        let (page, _) = api.get(&format!("{DAY}/orders?limit=2{token}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        orders.extend(items.iter().cloned());
        let Some(next) = page["next_page_token"].as_str() else { break };
        token = format!("&page_token={next}");
    }
    assert_eq!(orders.len(), 5);
    let mut total = dec("0");
    for order in &orders {
        total += order["sale_total"].as_str().unwrap_or_else(|| panic!("{order}")).parse::<stevedore_domain::money::Decimal>().unwrap();
        let (entry, _) = api.get(&format!("/v1/log/{}", order["order_id"])).await;
        assert_eq!(
            (&entry["state"], &entry["sale_id"], &order["linked"]),
            (&json!("booked"), &json!("DAY-2026-01-15"), &json!(true)),
            "{entry}"
        );
    }
    assert_eq!(total.normalize().to_string(), sale["total"].as_str().unwrap().trim_end_matches('0').trim_end_matches('.'));
    let (entry, _) = api.get(&format!("/v1/log/{left_out}")).await;
    assert_eq!((&entry["state"], &entry["sale_id"]), (&json!("failed"), &Value::Null));
    let again = asked(&api, &world).await;
    assert!(again["message"].as_str().unwrap().starts_with("Nothing is due."), "once: {again}");
}

/// The final state of a person's request.
async fn asked(api: &Http, world: &World) -> Value {
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    let queued = api.send(Method::POST, "/v1/operations", json!({"kind": "consolidate"})).await;
    world.drain().await;
    api.get(&format!("/v1/operations/{}", queued["id"].as_str().unwrap())).await.0
}
