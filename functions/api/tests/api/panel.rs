//! The panel's files: open, without data, and sealed.

use std::sync::Arc;

use api::{Access, Deps};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use stevedore_lambda::config::SignIn;
use tower::ServiceExt as _;

use crate::world::{KEY, SECRET, World};

async fn fetch(router: &axum::Router, path: &str) -> (StatusCode, HeaderMap, String) {
    let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

/// N29: nothing inline, nothing from elsewhere, nothing framed; the files are kept for good under their version, the page is not.
#[tokio::test]
async fn the_page_and_its_files_are_sealed() {
    let world = World::new().await;
    let (status, headers, page) = fetch(&world.router, "/").await;
    assert_eq!((status, headers["cache-control"].to_str().unwrap()), (StatusCode::OK, "no-cache"));
    let mut seen = 0;
    let mut waiting: Vec<String> = page.split('"').filter(|text| text.starts_with("/panel/")).map(str::to_owned).collect();
    assert!(waiting.len() >= 4, "{page}");
    let folder = waiting[0].rsplit_once('/').unwrap().0.to_owned();
    let mut known = waiting.clone();
    while let Some(path) = waiting.pop() {
        let (status, headers, text) = fetch(&world.router, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
        sealed(&headers);
        assert!(!text.contains(KEY) && !text.contains(SECRET));
        let here = path.rsplit_once('/').unwrap().0;
        let beside = text.split("\"./").skip(1).map(|rest| format!("{here}/{}", rest.split('"').next().unwrap()));
        let above = text.split("\"../").skip(1).map(|rest| format!("{folder}/{}", rest.split('"').next().unwrap()));
        for module in beside.chain(above) {
            if !known.contains(&module) {
                known.push(module.clone());
                waiting.push(module);
            }
        }
        seen += 1;
    }
    assert!(seen > 25, "{seen}");
    sealed(&headers);
    for path in
        ["/panel/other/main.js", &format!("{folder}/nothing.js"), &format!("{folder}/index.html"), &format!("{folder}/%2e%2e%2fCargo.toml")]
    {
        let (status, headers, text) = fetch(&world.router, path).await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::NOT_FOUND, "application/problem+json"), "{path}");
        assert!(!text.contains("Cargo") && headers["cache-control"] == "no-store");
    }
    // The answers of the API cannot be taken for a page either.
    let (_, headers, _) = fetch(&world.router, "/v1/settings").await;
    assert_eq!(headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(headers["x-content-type-options"], "nosniff");
}

fn sealed(headers: &HeaderMap) {
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("data:"));
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("strict-transport-security", "max-age=31536000")]
    {
        assert_eq!(headers[name], value);
    }
}

#[tokio::test]
async fn the_panel_is_told_how_to_sign_in() {
    let world = World::new().await;
    let (status, _, text) = fetch(&world.router, "/v1/panel-configuration").await;
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &body["sign_in"]), (StatusCode::OK, &Value::Null));

    let http = stevedore_shipstation::http_client().unwrap();
    let clock: stevedore_lambda::Clock = Arc::new(jiff::Timestamp::now);
    let shipstation = stevedore_shipstation::ClientOptions::new("http://127.0.0.1:1/", http, Arc::clone(&clock));
    let sign_in = SignIn {
        url: "https://id.example/authorize".to_owned(),
        token_url: "https://id.example/token".to_owned(),
        client_id: "panel".to_owned(),
        scopes: "openid integration:shipstation/read".to_owned(),
    };
    let deps = Deps {
        table: world.table.clone(),
        queues: world.queues.clone(),
        secrets: world.secrets.clone(),
        shipstation: stevedore_shipstation::Client::new(shipstation),
        clock,
        access: Access::Claims { also: None },
        sign_in: Some(sign_in),
    };
    let router = api::router(Arc::new(deps));
    let (_, headers, _) = fetch(&router, "/").await;
    // The token endpoint is the one other address that the panel may call.
    assert!(headers["content-security-policy"].to_str().unwrap().ends_with("connect-src 'self' https://id.example/token"));
    let (_, headers, text) = fetch(&router, "/v1/panel-configuration").await;
    assert_eq!(headers["cache-control"], "public, max-age=300");
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        body["sign_in"],
        json!({"url": "https://id.example/authorize", "token_url": "https://id.example/token", "client_id": "panel",
        "scopes": "openid integration:shipstation/read"})
    );
}
