//! The API in a world, called like a panel or a script.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::Value as Json;
use stevedore_aws::interceptors::SharedInterceptor;
use stevedore_aws::{ClientOptions, Clients, Queues, Secrets, Table};
use stevedore_engines::Indexes;
use stevedore_shipstation::{Client, ClientOptions as ShipStationOptions, http_client};
use stevedore_tests::last_calls::{LastCalls, beginning};
use tower::ServiceExt as _;

use crate::world::World;

/// The API with a caller of the highest grade.
pub struct Http {
    router: axum::Router,
    /// Printed when a test fails.
    last_calls: LastCalls,
    indexes: Indexes,
    /// True if lists are read when the indexes are up to date.
    patient: bool,
}

impl Http {
    /// The API of a world, under its role; `interceptors` see its calls too.
    pub fn of(world: &World, interceptors: Vec<SharedInterceptor>) -> Self {
        let interceptors = crate::role_of("Api").into_iter().chain(interceptors).collect();
        let clients = &Clients::at_endpoint(world.engines.endpoint(), ClientOptions { interceptors, ..ClientOptions::default() });
        let shipstation = ShipStationOptions::new(world.sandbox_url(), http_client().unwrap(), world.clock.clock());
        let deps = api::Deps {
            table: Table::new(clients, "stevedore"),
            queues: Queues::new(clients, world.queues.urls().clone()),
            secrets: Secrets::new(clients, "stevedore"),
            shipstation: Client::new(shipstation),
            clock: world.clock.clock(),
            access: api::Access::Tokens(vec![("token-of-the-test".to_owned().into(), api::Grade::Configure)]),
            sign_in: None,
        };
        Self { router: api::router(Arc::new(deps)), last_calls: LastCalls::default(), indexes: world.engines.indexes(), patient: true }
    }

    /// The same for a person who reads at once.
    pub fn at_once(self) -> Self {
        Self { patient: false, ..self }
    }

    /// Any call: its status, its body, and the answer's version.
    pub async fn call(&self, method: Method, path: &str, etag: Option<&str>, body: Option<Json>) -> (StatusCode, Json, Option<String>) {
        if self.patient && method == Method::GET {
            self.indexes.catch_up();
        }
        let mut request = Request::builder().method(method.clone()).uri(path).header(header::AUTHORIZATION, "Bearer token-of-the-test");
        if let Some(etag) = etag {
            request = request.header(header::IF_MATCH, etag);
        }
        let asked = format!("{method} {path}");
        let sent = body.map(|body| body.to_string()).unwrap_or_default();
        if !sent.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let response = self.router.clone().oneshot(request.body(Body::from(sent.clone())).unwrap()).await.unwrap();
        let status = response.status();
        let etag = response.headers().get(header::ETAG).map(|etag| etag.to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        self.last_calls.note(&asked, &sent, status, &String::from_utf8_lossy(&body));
        (status, serde_json::from_slice(&body).unwrap_or_default(), etag)
    }

    /// A read that must succeed.
    pub async fn get(&self, path: &str) -> (Json, Option<String>) {
        let (status, body, etag) = self.call(Method::GET, path, None, None).await;
        assert!(status.is_success(), "GET {path}: {status} {}", beginning(&body.to_string()));
        (body, etag)
    }

    /// A write that must be accepted.
    pub async fn send(&self, method: Method, path: &str, body: Json) -> Json {
        let (status, body, _) = self.call(method.clone(), path, None, Some(body)).await;
        assert!(status.is_success(), "{method} {path}: {status} {}", beginning(&body.to_string()));
        body
    }
}

impl World {
    /// Re-creates an order of another account than the first.
    pub async fn start_in(&self, account: stevedore_domain::ids::ShipstationAccount, order: i64) {
        let http = Http::of(self, Vec::new());
        assert_eq!(self.table.connection().await.unwrap().unwrap().value.account, account);
        self.clock.advance(jiff::SignedDuration::from_secs(1));
        http.send(Method::POST, &format!("/v1/log/{order}/recreate"), serde_json::json!({})).await;
        self.drain().await;
    }
}
