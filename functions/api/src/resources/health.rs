//! Health of the parts.

use std::future::Future;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use stevedore_domain::digest::Digest;
use stevedore_lambda::ErrorChain;
use utoipa::ToSchema;

use super::Shared;
use crate::Deps;
use crate::http::router::{Routes, routes};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(health)).routes(routes!(openapi))
}

/// Health of the parts.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`, or `degraded` when a part does not answer.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
    /// Of this program.
    #[schema(value_type = String, example = "0.1.0")]
    version: &'static str,
    table: bool,
    queues: bool,
    secret: bool,
}

/// Time that a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

async fn answers(part: &'static str, ping: impl Future<Output = Result<(), stevedore_aws::Error>>) -> bool {
    match tokio::time::timeout(PATIENCE, ping).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(part, error = %ErrorChain(&error), "a part does not answer");
            false
        }
        Err(_) => {
            tracing::warn!(part, "a part does not answer in time");
            false
        }
    }
}

/// Health of the system
#[utoipa::path(get, path = "/v1/health", tag = "system", security(()), responses(
    (status = 200, description = "Every part answers.", body = Health),
    (status = 503, description = "A part does not answer; the body says which.", body = Health),
))]
async fn health(axum::extract::State(deps): Shared, Extension(last): Extension<Arc<LastHealth>>) -> Response {
    let now = deps.now();
    let (ok, view) = match last.known(now) {
        Some(known) => known,
        None => last.keep(now, Box::pin(look(&deps)).await),
    };
    (if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(view)).into_response()
}

async fn look(deps: &Deps) -> (bool, Health) {
    let (table, queues, secret) =
        tokio::join!(answers("table", deps.table.ping()), answers("queues", deps.queues.ping()), answers("secret", deps.secrets.ping()));
    let ok = table && queues && secret;
    let view = Health { status: if ok { "ok" } else { "degraded" }, version: env!("CARGO_PKG_VERSION"), table, queues, secret };
    (ok, view)
}

/// The last answer. Anybody may ask, and each look is three calls to AWS, one of them to Secrets Manager at $5 for a hundred thousand.
#[derive(Debug, Default)]
pub(crate) struct LastHealth(Mutex<Option<(Timestamp, bool, Health)>>);

/// Time for which an answer counts.
const KEPT: SignedDuration = SignedDuration::from_secs(5);

impl LastHealth {
    fn known(&self, now: Timestamp) -> Option<(bool, Health)> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, ok, view) = (*last)?;
        (now.duration_since(at).abs() < KEPT).then_some((ok, view))
    }

    fn keep(&self, now: Timestamp, (ok, view): (bool, Health)) -> (bool, Health) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, ok, view));
        (ok, view)
    }
}

/// The file of the document, which a test compares with the routes.
const DOCUMENT: &str = include_str!("../../../../docs/openapi.json");

/// This document
#[utoipa::path(get, path = "/v1/openapi.json", tag = "system", security(()), responses(
    (status = 200, description = "The OpenAPI document.", body = Object, content_type = "application/json"),
    (status = 304, description = "It has not changed: `If-None-Match` names it."),
))]
async fn openapi(headers: HeaderMap) -> Response {
    let tag = TAG.as_str();
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let caching = [(ETAG, tag), (CACHE_CONTROL, "public, max-age=300")];
    if known.map(|value| value.trim().trim_start_matches("W/")).any(|value| value == tag || value == "*") {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

static TAG: LazyLock<String> = LazyLock::new(|| format!("\"{}\"", Digest::of_bytes(DOCUMENT.as_bytes())));
