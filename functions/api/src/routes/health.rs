//! Whether it works.

use std::future::Future;
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stevedore_lambda::ErrorChain;
use utoipa::ToSchema;

use super::Shared;
use crate::routing::{Routes, routes};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(health)).routes(routes!(openapi))
}

/// Whether the parts answer.
#[derive(Debug, Serialize, ToSchema)]
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

/// How long a part may take to answer.
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

/// Whether the system works
#[utoipa::path(get, path = "/v1/health", tag = "system", security(()), responses(
    (status = 200, description = "Every part answers.", body = Health),
    (status = 503, description = "A part does not answer; the body says which.", body = Health),
))]
async fn health(axum::extract::State(deps): Shared) -> Response {
    let (table, queues, secret) =
        tokio::join!(answers("table", deps.table.ping()), answers("queues", deps.queues.ping()), answers("secret", deps.secrets.ping()));
    let ok = table && queues && secret;
    let view = Health { status: if ok { "ok" } else { "degraded" }, version: env!("CARGO_PKG_VERSION"), table, queues, secret };
    (if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(view)).into_response()
}

/// The file of the document, which a test compares with the routes.
const DOCUMENT: &str = include_str!("../../../../docs/openapi.json");

/// This document
#[utoipa::path(get, path = "/v1/openapi.json", tag = "system", security(()), responses(
    (status = 200, description = "The OpenAPI document.", body = Object, content_type = "application/json"),
))]
async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}
