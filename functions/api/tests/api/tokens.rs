//! Page tokens and texts that become keys: nothing that a client sends reaches DynamoDB's own validation.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::captured::capture;
use crate::world::{DOCUMENT, World};

async fn first_token(world: &World, path: &str) -> String {
    let page = world.get(path).await.ok();
    page["next_page_token"].as_str().unwrap_or_else(|| panic!("{path} has one page: {page}")).to_owned()
}

async fn world() -> World {
    let world = World::new().await;
    for order in 1..=6 {
        capture(&world, order, if order < 4 { "booked" } else { "blocked" }).await;
    }
    world
}

/// The paths of lists that have a second page in [`world`].
const LISTS: [&str; 5] = ["/v1/sales", "/v1/log", "/v1/log?state=blocked", "/v1/pending-orders", "/v1/customers"];

fn joined(path: &str, parameters: &str) -> String {
    format!("{path}{}{parameters}", if path.contains('?') { '&' } else { '?' })
}

/// A genuine token goes on with its own list, whatever the limit, and with no other.
#[tokio::test]
async fn a_token_is_of_use_to_its_own_query_alone() {
    let world = world().await;
    for path in LISTS {
        let token = first_token(&world, &joined(path, "limit=1")).await;
        let page = world.get(&joined(path, &format!("limit=200&page_token={token}"))).await;
        assert!(!page.items().is_empty(), "{path}: {}", page.body);
        for other in LISTS.iter().filter(|other| **other != path) {
            let reply = world.get(&joined(other, &format!("page_token={token}"))).await;
            assert_eq!(reply.code(400), "invalid_page_token", "{path} for {other}");
        }
    }
    for path in ["/v1/sales", "/v1/log", "/v1/log?state=blocked"] {
        let token = first_token(&world, &joined(path, "limit=1")).await;
        for window in ["from=2020-01-01&to=2020-01-02", "from=2026-01-01", "to=2030-01-01", "from=2029-01-01&to=2030-01-01"] {
            let reply = world.get(&joined(path, &format!("limit=1&page_token={token}&{window}"))).await;
            assert_eq!(reply.code(400), "invalid_page_token", "{path} {window}");
            assert_eq!(reply.faults(), [("/page_token", "unknown_token")]);
        }
    }
}

/// The window of a token is the one that its days meant: another time zone is another window.
#[tokio::test]
async fn a_token_of_days_does_not_outlive_the_time_zone() {
    let world = world().await;
    let path = "/v1/sales?limit=1&from=2026-01-30&to=2026-02-02";
    let token = first_token(&world, path).await;
    let next = format!("{path}&page_token={token}");
    assert_eq!(world.get(&next).await.items().len(), 1);
    let settings = world.table.settings().await.unwrap();
    let zoned = stevedore_domain::settings::Settings { time_zone: "Asia/Tokyo".into(), ..settings.value };
    let now = crate::world::NOW.parse().unwrap();
    world.table.put_settings(&zoned, settings.version, now, "test", Vec::new()).await.unwrap();
    assert_eq!(world.get(&next).await.code(400), "invalid_page_token");
}

/// A token that is changed in any place, made up, or as an earlier release gave it, is refused; never an error of ours.
#[tokio::test]
async fn forged_tokens_are_refused() {
    let world = world().await;
    for path in LISTS {
        let token = first_token(&world, &joined(path, "limit=1")).await;
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let forged = URL_SAFE_NO_PAD.encode(&changed);
            let reply = world.get(&joined(path, &format!("page_token={forged}"))).await;
            assert_eq!(reply.code(400), "invalid_page_token", "{path}: byte {place}");
        }
        let key = |sort: &str| URL_SAFE_NO_PAD.encode(["by_time", "SALE", sort, "ORDER#1", "LOG"].join("\u{1f}"));
        for forged in [
            key("0"),
            key("20300101T000000.000000#SO-1"),
            key(&"x".repeat(3_000)),
            String::new(),
            "AAAA".repeat(100),
            "-.-".into(),
            "1.0".into(),
        ] {
            let reply = world.get(&joined(path, &format!("page_token={forged}"))).await;
            assert!(reply.status.as_u16() == 400, "{path} {forged}: {} {}", reply.status, reply.body);
        }
    }
    let reply = world.get(&format!("/v1/sales?page_token={}", "A".repeat(20_000))).await;
    assert_eq!(reply.faults(), [("/page_token", "too_long")]);
}

/// The longest ids and parameters that are taken, in letters of two bytes that are three when they are folded.
#[tokio::test]
async fn the_longest_texts_are_no_error_of_ours_on_any_route() {
    let world = world().await;
    let long = "%C4%B0".repeat(512);
    let mut calls = 0;
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        let mut filled = path.clone();
        while let (Some(start), Some(end)) = (filled.find('{'), filled.find('}')) {
            filled.replace_range(start..=end, &long);
        }
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_query =
                parameters.iter().filter(|parameter| parameter["in"] == "query").map(|parameter| parameter["name"].as_str().unwrap());
            let mut targets = vec![filled.clone()];
            targets.extend(in_query.map(|name| format!("{filled}?{name}={long}")));
            for target in targets {
                let body = (method != Method::GET).then(|| json!({}));
                let reply = world.call(api::Grade::Configure, method.clone(), &target, &[], body.as_ref()).await;
                assert!(reply.status.as_u16() < 500, "{method} {path}: {} {}", reply.status, reply.body);
                calls += 1;
            }
        }
    }
    assert!(calls > 100, "{calls}");
}

/// Texts of bodies that become keys, at their longest.
#[tokio::test]
async fn the_longest_texts_of_bodies_are_taken_or_refused_by_name() {
    let world = world().await;
    for size in [256, 1_024, 4_096] {
        let long = "\u{130}".repeat(size / 2);
        for (path, body) in [
            ("/v1/products", json!({"sku": long, "name": long})),
            ("/v1/products", json!({"sku": "s", "name": "n", "aliases": [long]})),
            ("/v1/customers", json!({"name": long, "email": format!("{long}@example.com")})),
            ("/v1/locations", json!({"name": long})),
            ("/v1/accounts", json!({"name": long, "kind": "revenue"})),
            ("/v1/tax_rules", json!({"name": long, "components": []})),
            ("/v1/stock/adjustments", json!({"id": long, "sku": long, "location_id": long, "quantity": 1})),
            ("/v1/stock/adjustments", json!({"product_id": long, "location_id": "l", "quantity": 1})),
            ("/v1/operations", json!({"kind": "load_order", "order_number": long})),
        ] {
            let reply = world.post(path, body).await;
            let status = reply.status.as_u16();
            assert!(status < 500, "{path} with {size} bytes: {} {}", reply.status, reply.body);
            let named = reply.faults().iter().all(|(pointer, code)| !pointer.is_empty() && !code.is_empty());
            assert!(status < 400 || status == 409 || (named && reply.body["errors"] != Value::Null), "{path}: {}", reply.body);
        }
    }
}
