//! Requests that are wrong in themselves, what answers when AWS does not, and that each code can be had.

use std::collections::BTreeSet;

use api::{Code, Grade};
use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::json;
use stevedore_domain::sale::Sale;
use stevedore_domain::settings::PickPackShip;
use stevedore_engines::Fault;

use crate::captured::{Shop, book, capture, sale};
use crate::world::{DOCUMENT, KEY, SECRET, World, token};

fn raw(method: &str, path: &str, content_type: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header(header::AUTHORIZATION, format!("bearer {}", token(Grade::Configure))).header(header::IF_MATCH, "*");
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    request.body(body.into()).unwrap()
}

fn bodies() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // A file of products is no JSON; `import.rs` sees to it.
            if operation["requestBody"]["content"]["application/json"].is_object() {
                found.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    found
}

#[tokio::test]
async fn malformed_bodies_are_the_callers_fault_everywhere() {
    let world = World::new().await;
    let bodies = bodies();
    assert!(bodies.len() >= 16, "{}", bodies.len());
    let made = json!({"/v1/products": {"sku": "A", "name": "a"}, "/v1/customers": {"name": "a"}, "/v1/locations": {"name": "a"},
        "/v1/accounts": {"name": "a", "kind": "asset"}, "/v1/tax_rules": {"name": "a"}, "/v1/price_tiers": {"tier": 1, "name": "a"}});
    for (method, path) in bodies {
        let mut real = path.clone();
        if path == "/v1/sales/{id}" {
            book(&world, sale(2), &[]).await;
            real = "/v1/sales/SO-2".to_owned();
        } else if let Some(list) = path.strip_suffix("/{id}") {
            let record = world.post(list, made[list].clone()).await.ok();
            real = format!("{list}/{}", record["id"].as_str().unwrap());
        }
        let send = |content_type: Option<&'static str>, body: Vec<u8>| world.send(raw(&method, &real, content_type, body));
        let json = Some("application/json");
        for text in ["{", "nonsense", "{\"a\":1,}", "\u{feff}{}", "{} {}", "{\"a\":\u{1}}"] {
            assert_eq!(send(json, text.into()).await.code(400), "malformed_json", "{method} {path} {text}");
        }
        assert_eq!(send(json, vec![0xff, b'{', b'}']).await.code(400), "malformed_json", "{method} {path}");
        assert_eq!(send(json, "[".repeat(100_000).into()).await.code(400), "malformed_json", "{method} {path}");
        for text in ["[]", "7", "null", "\"text\""] {
            assert_eq!(send(json, text.into()).await.code(422), "validation_failed", "{method} {path} {text}");
        }
        let unknown = send(json, b"{\"no_such_member\": {\"deep\": [1, 2]}}".to_vec()).await;
        assert_eq!(unknown.status, 422, "{method} {path}");
        if path != "/v1/operations" {
            assert!(unknown.faults().iter().any(|(pointer, _)| *pointer == "/no_such_member"), "{method} {path}: {}", unknown.body);
        }
        assert_eq!(send(Some("text/plain"), b"{}".to_vec()).await.code(415), "unsupported_media_type", "{method} {path}");
        assert_eq!(send(None, b"{}".to_vec()).await.code(415), "unsupported_media_type", "{method} {path}");
        assert_eq!(send(json, vec![b' '; 300_000]).await.code(413), "body_too_large", "{method} {path}");
        let named = send(Some("application/JSON; charset=utf-8"), b"[]".to_vec()).await;
        assert_eq!(named.code(422), "validation_failed", "{method} {path}");
    }
}

#[tokio::test]
async fn health_says_which_part_does_not_answer() {
    let world = World::new().await;
    let healthy = world.send(Request::get("/v1/health").body(Body::empty()).unwrap()).await.ok();
    assert_eq!(healthy, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "table": true, "queues": true, "secret": true}));
    // Anybody may ask, and however often they do, AWS is asked once in five seconds.
    let before = world.engines.faults().calls();
    for _ in 0..20 {
        assert_eq!(world.send(Request::get("/v1/health").body(Body::empty()).unwrap()).await.status, 200);
    }
    assert_eq!(world.engines.faults().calls(), before);
    world.hands.step_by(6_000);
    // The reading that finds the kept answer is the last before the clock moves on.
    world.send(Request::get("/v1/health").body(Body::empty()).unwrap()).await.ok();
    for (operation, part) in [("GetItem", "table"), ("GetQueueAttributes", "queues"), ("GetSecretValue", "secret")] {
        world.engines.faults().fail_next(operation, 1, Fault::Error { status: 400, code: "AccessDeniedException".to_owned() });
        let reply = world.send(Request::get("/v1/health").body(Body::empty()).unwrap()).await;
        assert_eq!((reply.status.as_u16(), &reply.body["status"], &reply.body[part]), (503, &json!("degraded"), &json!(false)));
    }
}

#[tokio::test]
async fn the_document_is_cached_and_not_sent_again_to_those_who_have_it() {
    let world = World::new().await;
    let get = || Request::get("/v1/openapi.json");
    let first = world.send(get().body(Body::empty()).unwrap()).await;
    assert_eq!(first.status, 200);
    let tag = first.header("etag").to_owned();
    let again = world.send(get().header("if-none-match", format!("\"other\", W/{tag}")).body(Body::empty()).unwrap()).await;
    assert_eq!((again.status.as_u16(), again.header("etag"), &again.body), (304, tag.as_str(), &serde_json::Value::Null));
    assert_eq!(world.send(get().header("if-none-match", "\"other\"").body(Body::empty()).unwrap()).await.status, 200);
}

#[tokio::test]
async fn a_refused_call_is_500_and_a_throttled_one_503() {
    let world = World::new().await;
    world.engines.faults().fail_next("GetItem", 1, Fault::Error { status: 400, code: "AccessDeniedException".to_owned() });
    let reply = world.get("/v1/settings").await;
    assert_eq!(reply.code(500), "internal_error");
    assert!(!reply.body.to_string().contains("AccessDenied"), "{}", reply.body);
    world.engines.faults().fail_next("GetItem", 5, Fault::Throttle);
    let reply = world.get("/v1/settings").await;
    assert_eq!(reply.code(503), "unavailable");
    assert_eq!(reply.header("retry-after"), "2");
}

/// Each code of [`Code::ALL`] is had by a request, with the status that goes with it.
#[tokio::test]
async fn every_code_can_be_had() {
    let world = World::new().await;
    let mut seen = BTreeSet::new();
    let mut note = |reply: crate::world::Reply| {
        let code = reply.body["code"].as_str().unwrap().to_owned();
        let known = Code::ALL.iter().find(|known| known.as_str() == code).unwrap_or_else(|| panic!("{code}"));
        assert_eq!(known.status(), reply.status, "{code}");
        seen.insert(code);
    };
    let json = Some("application/json");
    note(world.get("/v1/nowhere").await);
    note(world.send(Request::get("/v1/settings").body(Body::empty()).unwrap()).await);
    note(world.call(Grade::Read, Method::POST, "/v1/operations", &[], Some(&json!({}))).await);
    note(world.patch("/v1/settings", json!({})).await);
    note(world.send(raw("POST", "/v1/locations", json, "{")).await);
    note(world.send(raw("POST", "/v1/locations", json, vec![b' '; 300_000])).await);
    note(world.send(raw("POST", "/v1/locations", None, "{}")).await);
    note(world.post("/v1/locations", json!({})).await);
    note(world.get("/v1/log?limit=0").await);
    note(world.get("/v1/log?page_token=x").await);
    note(world.post("/v1/operations", json!({"kind": "dance"})).await);
    note(world.post("/v1/operations", json!({"kind": "load_order", "order_number": "1"})).await);
    note(world.call(Grade::Configure, Method::PUT, "/v1/settings", &[], Some(&json!({}))).await);
    note(world.put("/v1/settings", "\"9\"", json!({})).await);
    world.post("/v1/locations", json!({"name": "Newark"})).await.ok();
    note(world.post("/v1/locations", json!({"name": "newark"})).await);
    capture(&world, 1, "consolidating").await;
    note(world.delete("/v1/log/1", None).await);
    note(world.post("/v1/log/1/recreate", json!({})).await);
    let mut external = sale(2);
    external.lines.iter_mut().for_each(|line| line.external = true);
    book(&world, external, &[]).await;
    note(world.post("/v1/sales/SO-2/retry_fulfilment", json!({})).await);
    let (any, nothing) = (&[("if-match", "*")], json!({}));
    note(world.call(Grade::Operate, Method::PATCH, "/v1/sales/SO-2", any, Some(&nothing)).await);
    world.post("/v1/sales/SO-2/void", json!({})).await.ok();
    note(world.post("/v1/sales/SO-2/authorise_invoice", json!({})).await);
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    let sold = shop.sell(3, PickPackShip::None, &[("MUG", 1)]).await;
    note(world.post(&format!("{sold}/retry_fulfilment"), json!({})).await);
    book(&world, Sale { id: "DAY-2026-01-30".into(), ..sale(4) }, &[]).await;
    note(world.post("/v1/log/4/recreate", json!({})).await);
    world.connect().await;
    note(world.post("/v1/connection", json!({"api_key": KEY, "api_secret": SECRET})).await);
    world.patch("/v1/connection", json!({"modes": ["custom_store"]})).await.ok();
    note(world.post("/v1/operations", json!({"kind": "load_order", "order_number": "1"})).await);
    world.patch("/v1/connection", json!({"modes": ["store"]})).await.ok();
    world.sandbox.become_account("another-key", "another-secret", 1_000_000);
    note(world.patch("/v1/connection", json!({"api_key": "another-key", "api_secret": "another-secret"})).await);
    world.sandbox.become_account(KEY, SECRET, 0);
    capture(&world, 9, "blocked").await;
    note(world.post("/v1/log/9/book-anyway", json!({})).await);
    let customer = world.post("/v1/customers", json!({"name": "Counter"})).await.ok()["id"].clone();
    let daily = json!({"consolidation": "daily", "consolidation_time": "18:30", "customer_id": customer});
    world.put("/v1/settings", "\"0\"", daily).await.ok();
    note(world.post("/v1/pending-orders/process", json!({})).await);
    world.hands.step_by(20_000);
    assert_eq!(world.delete("/v1/connection", Some(json!({"confirm": "disconnect"}))).await.status, 202);
    world.hands.step_by(0);
    note(world.post("/v1/connection", json!({"api_key": KEY, "api_secret": SECRET})).await);
    world.engines.faults().fail_next("GetItem", 1, Fault::Error { status: 400, code: "AccessDeniedException".to_owned() });
    note(world.get("/v1/settings").await);
    world.engines.faults().fail_next("GetItem", 5, Fault::Throttle);
    note(world.get("/v1/settings").await);
    let all: BTreeSet<String> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    assert_eq!(seen, all);
}
