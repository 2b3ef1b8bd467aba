//! Access to every route of the document, with every kind of caller.

use api::{Access, Grade};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use lambda_http::request::RequestContext;
use serde_json::json;

use crate::world::{DOCUMENT, World, token};

/// Every operation: its method, its path with something in place of parameters, and the permission that its documentation names.
fn operations() -> Vec<(Method, String, Option<Grade>)> {
    let mut found = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path.replace("{order_id}", "1").replace("{id}", "x");
            let scope = operation["security"][0]["bearer"][0].as_str();
            let grade = scope.map(|scope| Grade::ALL.into_iter().find(|grade| grade.permission() == scope).unwrap());
            found.push((method, path, grade));
        }
    }
    found
}

/// The grades of docs/requirements.md, section 3: reading, operating, configuring.
fn expected(method: &Method, path: &str) -> Option<Grade> {
    let open = ["/v1/health", "/v1/openapi.json", "/v1/panel-configuration"];
    let operate = [
        "/v1/operations",
        "/v1/pending-orders/process",
        "/v1/dead-letters/redrive",
        "/v1/log/1",
        "/v1/log/1/recreate",
        "/v1/accounting-syncs/x/acknowledge",
        "/v1/log/1/book-anyway",
        "/v1/sales/x/void",
        "/v1/sales/x/authorise_invoice",
        "/v1/sales/x/retry_fulfilment",
        "/v1/sales/x/payments",
        "/v1/stock/adjustments",
    ];
    match *method {
        Method::GET if open.contains(&path) => None,
        Method::GET => Some(Grade::Read),
        Method::PATCH if path == "/v1/sales/x" => Some(Grade::Operate),
        _ if operate.contains(&path) => Some(Grade::Operate),
        _ => Some(Grade::Configure),
    }
}

fn request(method: &Method, path: &str, authorization: Option<&str>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    request.body(Body::from("{}")).unwrap()
}

#[test]
fn every_route_documents_the_grade_that_it_should_have() {
    let operations = operations();
    assert!(operations.len() > 40, "{}", operations.len());
    for (method, path, grade) in operations {
        assert_eq!(grade, expected(&method, &path), "{method} {path}");
    }
}

#[tokio::test]
async fn no_or_a_bad_token_is_401_and_a_lower_grade_is_403() {
    let world = World::new().await;
    for (method, path, grade) in operations() {
        let bearer = |token: &str| format!("Bearer {token}");
        for bad in
            [None, Some("Bearer wrong-token".to_owned()), Some(format!("Basic {}", token(Grade::Configure))), Some("Bearer".to_owned())]
        {
            let reply = world.send(request(&method, &path, bad.as_deref())).await;
            if grade.is_none() {
                assert!(reply.status.is_success(), "{method} {path}");
            } else {
                assert_eq!(reply.code(401), "unauthenticated", "{method} {path}");
                assert!(reply.header("www-authenticate").starts_with("Bearer"));
            }
        }
        for held in Grade::ALL {
            let reply = world.send(request(&method, &path, Some(&bearer(token(held))))).await;
            if grade.is_some_and(|needed| held < needed) {
                assert_eq!(reply.code(403), "forbidden", "{method} {path} with {held:?}");
            } else {
                assert!(![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&reply.status), "{method} {path} with {held:?}");
            }
        }
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_say_nothing_to_strangers() {
    let world = World::new().await;
    assert_eq!(world.send(request(&Method::GET, "/v1/nowhere", None)).await.code(401), "unauthenticated");
    assert_eq!(world.send(request(&Method::PATCH, "/v1/settings", None)).await.code(401), "unauthenticated");
    assert_eq!(world.get("/v1/nowhere").await.code(404), "not_found");
    let reply = world.patch("/v1/settings", json!({})).await;
    assert_eq!(reply.code(405), "method_not_allowed");
    assert_eq!(reply.header("allow"), "GET, PUT, HEAD");
    let head = world.call(Grade::Read, Method::HEAD, "/v1/settings", &[], None).await;
    assert_eq!(head.status, 200);
}

/// A request as API Gateway hands it over, with the authorizer's claims.
fn with_claims(path: &str, claims: Option<serde_json::Value>) -> Request<Body> {
    let mut context = json!({
        "accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "d", "requestId": "r", "routeKey": "$default", "stage": "$default",
        "time": "31/Jan/2026:10:15:00 +0000", "timeEpoch": 1_769_854_500_000_i64,
        "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
    });
    if let Some(claims) = claims {
        context["authorizer"] = json!({"jwt": {"claims": claims, "scopes": null}});
    }
    let context = serde_json::from_value(context).unwrap();
    let mut request = request(&Method::GET, path, Some("Bearer whatever-the-gateway-checked"));
    request.extensions_mut().insert(RequestContext::ApiGatewayV2(context));
    request
}

#[tokio::test]
async fn behind_the_gateway_the_claims_carry_the_permission() {
    let world = World::with(Access::Claims { also: None }).await;
    let status = |claims| world.send(with_claims("/v1/settings", claims));
    for claims in [
        json!({"sub": "u", "permissions": "[integration:shipstation:read other:thing]"}),
        json!({"sub": "u", "permissions": "integration:shipstation:configure"}),
        json!({"sub": "u", "scope": "openid integration:shipstation:operate"}),
        json!({"sub": "u", "permissions": "[\"a\",\"integration:shipstation:read\"]"}),
        json!({"sub": "u", "scp": "integration:shipstation:read"}),
        // Cognito: groups, and scopes behind their resource server.
        json!({"sub": "u", "cognito:groups": "[clerks integration:shipstation:operate]"}),
        json!({"sub": "u", "scope": "openid integration:shipstation/read"}),
    ] {
        assert_eq!(status(Some(claims.clone())).await.status, 200, "{claims}");
    }
    for claims in [
        json!({"sub": "u"}),
        json!({"sub": "u", "permissions": "integration:shipstation"}),
        json!({"sub": "u", "permissions": "integration:shipstation:readx"}),
        json!({"sub": "u", "scope": "xintegration:shipstation:read"}),
        json!({"sub": "u", "scope": "integration/shipstation/read x:integration:shipstation/read"}),
        json!({"sub": "u", "https://shop.example/grades": "integration:shipstation:configure"}),
        json!({"sub": "u", "permissions": "[]", "roles": "integration:shipstation:configure"}),
    ] {
        assert_eq!(status(Some(claims.clone())).await.code(403), "forbidden", "{claims}");
    }
    assert_eq!(status(None).await.code(401), "unauthenticated");
    // No gateway in front: nobody has checked the token.
    let bare = request(&Method::GET, "/v1/settings", Some("Bearer whatever"));
    assert_eq!(world.send(bare).await.code(401), "unauthenticated");
}

/// An event from `events/`, invoked by hand on one machine, where requests come with tokens.
#[tokio::test]
async fn beside_tokens_an_events_claims_are_believed() {
    let world = World::new().await;
    let mut event = with_claims("/v1/settings", Some(json!({"sub": "u", "permissions": "integration:shipstation:read"})));
    event.headers_mut().remove(header::AUTHORIZATION);
    assert_eq!(world.send(event).await.status, 200);
    let mut event = with_claims("/v1/settings", Some(json!({"sub": "u"})));
    event.headers_mut().remove(header::AUTHORIZATION);
    assert_eq!(world.send(event).await.code(403), "forbidden");
    assert_eq!(world.send(request(&Method::GET, "/v1/settings", None)).await.code(401), "unauthenticated");
}

/// An issuer that names the claim in its own way: the configuration says how.
#[tokio::test]
async fn another_claim_may_carry_the_permission() {
    let world = World::with(Access::Claims { also: Some("https://shop.example/grades".to_owned()) }).await;
    let allowed = json!({"sub": "u", "https://shop.example/grades": "[integration:shipstation:read]"});
    assert_eq!(world.send(with_claims("/v1/settings", Some(allowed))).await.status, 200);
    let other = json!({"sub": "u", "grades": "integration:shipstation:read"});
    assert_eq!(world.send(with_claims("/v1/settings", Some(other))).await.code(403), "forbidden");
}
