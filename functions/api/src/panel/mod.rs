//! The admin panel: files that are part of the program, and how to sign in (decision 30).
//!
//! Everything that the panel does goes through the JSON API, with the token in the `Authorization` header; so there is no cookie, nothing to forge a
//! request with, and no data in these files. They are open to everybody.

mod files;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use stevedore_lambda::config::SignIn;
use utoipa::ToSchema;

use crate::Deps;
use crate::http::auth::seal;
use crate::http::problem::{Code, Problem};
use crate::http::router::{Routes, routes};

/// Nothing from other hosts, nothing inline, nothing framed; texts cannot become markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; connect-src 'self'";

/// The page and its files.
pub(crate) fn routes(sign_in: Option<&SignIn>) -> Router {
    // The panel exchanges the code for a token there; nothing else is asked of any other host.
    let policy = sign_in.map_or_else(|| POLICY.to_owned(), |sign_in| format!("{POLICY} {}", sign_in.token_url));
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(POLICY));
    Router::new().route("/", get(page)).route("/panel/{version}/{*name}", get(file)).with_state(policy)
}

async fn page(State(policy): State<HeaderValue>) -> Response {
    answer(files::page(), "text/html; charset=utf-8", "no-cache", policy)
}

async fn file(State(policy): State<HeaderValue>, Path((version, name)): Path<(String, String)>) -> Response {
    if let Some(file) = files::find(&version, &name) {
        // Another version has another address.
        return answer(file.text, file.media_type, "public, max-age=31536000, immutable", policy);
    }
    let mut response = Problem::with_detail(Code::NotFound, "There is no such file; reload the panel.").into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    seal(response.headers_mut());
    response
}

fn answer(text: &'static str, media_type: &'static str, caching: &'static str, policy: HeaderValue) -> Response {
    let mut response = ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, caching)], text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("permissions-policy", HeaderValue::from_static("camera=(), geolocation=(), microphone=()"));
    seal(headers);
    response
}

pub(crate) fn configuration<R: Routes>(into: R) -> R {
    into.routes(routes!(show))
}

/// Sign-in to the panel.
#[derive(Debug, Serialize, ToSchema)]
struct PanelConfiguration {
    /// Null: with a token, as the start-up of `cargo run` prints it.
    #[schema(required = true)]
    sign_in: Option<SignInView>,
    /// Of this program.
    version: &'static str,
}

/// OpenID Connect's authorization code flow with PKCE, by a public client.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignIn)]
struct SignInView {
    /// The authorization endpoint.
    url: String,
    /// The token endpoint.
    token_url: String,
    client_id: String,
    /// Separated by blanks.
    scopes: String,
}

/// Sign-in to the panel
#[utoipa::path(get, path = "/v1/panel-configuration", tag = "system", operation_id = "show_panel_configuration", security(()), responses(
    (status = 200, description = "How to sign in.", body = PanelConfiguration),
))]
async fn show(State(deps): State<Arc<Deps>>) -> ([(header::HeaderName, &'static str); 1], Json<PanelConfiguration>) {
    let sign_in = deps.sign_in.clone().map(|SignIn { url, token_url, client_id, scopes }| SignInView { url, token_url, client_id, scopes });
    // Open to anybody, and the same for everybody until another version is deployed.
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(PanelConfiguration { sign_in, version: env!("CARGO_PKG_VERSION") }))
}
