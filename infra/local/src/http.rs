//! A small HTTP client of the API, for the set-up and the tests.

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// A call that got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The request cannot be sent.
    #[error("{path} cannot be asked for")]
    Request {
        /// Path of the request that failed.
        path: String,
        /// The cause.
        #[source]
        source: axum::http::Error,
    },
    /// There was no answer.
    #[error("no answer from {path}")]
    Connection {
        /// Path of the request.
        path: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as JSON; null where it is not JSON.
    pub body: Value,
}

impl Reply {
    /// The `ETag`, where there is one.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.headers.get(ETAG)?.to_str().ok()
    }

    /// True for a status of success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The API at one address, as one person.
#[derive(Clone)]
pub struct ApiClient {
    base_url: String,
    token: SecretString,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl std::fmt::Debug for ApiClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiClient").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl ApiClient {
    /// A client of `http://127.0.0.1:PORT`, with the bearer token.
    #[must_use]
    pub fn new(base_url: impl Into<String>, token: SecretString) -> Self {
        Self { base_url: base_url.into(), token, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// `GET`.
    ///
    /// # Errors
    /// [`HttpError`]; an answer of any status is none.
    pub async fn get(&self, path: &str) -> Result<Reply, HttpError> {
        self.call(Method::GET, path, None, None).await
    }

    /// `POST` with a body.
    ///
    /// # Errors
    /// [`HttpError`]; an answer of any status is none.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Reply, HttpError> {
        self.call(Method::POST, path, Some(body), None).await
    }

    /// `PUT` with a body, over the version that `etag` names.
    ///
    /// # Errors
    /// [`HttpError`]; an answer of any status is none.
    pub async fn put(&self, path: &str, body: &Value, etag: &str) -> Result<Reply, HttpError> {
        self.call(Method::PUT, path, Some(body), Some(etag)).await
    }

    /// Any call.
    ///
    /// # Errors
    /// [`HttpError`]; an answer of any status is none.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>, if_match: Option<&str>) -> Result<Reply, HttpError> {
        let request = || -> Result<_, axum::http::Error> {
            let mut authorization = HeaderValue::try_from(format!("Bearer {}", self.token.expose_secret()))?;
            authorization.set_sensitive(true);
            let mut request =
                Request::builder().method(method).uri(format!("{}{path}", self.base_url)).header(AUTHORIZATION, authorization);
            if body.is_some() {
                request = request.header(CONTENT_TYPE, "application/json");
            }
            if let Some(etag) = if_match {
                request = request.header(IF_MATCH, etag);
            }
            request.body(Full::from(body.map(Value::to_string).unwrap_or_default()))
        };
        let request = request().map_err(|source| HttpError::Request { path: path.to_owned(), source })?;
        let lost = |source: Box<dyn std::error::Error + Send + Sync>| HttpError::Connection { path: path.to_owned(), source };
        let reply = self.client.request(request).await.map_err(|error| lost(error.into()))?;
        let (head, body) = reply.into_parts();
        let body = body.collect().await.map_err(|error| lost(error.into()))?.to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, body })
    }
}
