//! The work of API Gateway before a function gets a request: it reads the whole body, and refuses a
//! body that is too large.
//!
//! An answer that is sent while the client is still sending closes the connection, and the client
//! may never get the answer.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::middleware::{Next, from_fn};
use http_body_util::BodyExt as _;

/// The largest body that a function gets, in bytes (API Gateway developer guide, "Quotas": payload
/// size).
const LARGEST: usize = 10 * 1024 * 1024;
/// Bytes that are read of a larger one before the connection is closed.
const READ_AND_DROPPED: usize = 64 * 1024 * 1024;

/// `router`, whose handlers get bodies that were read completely.
pub(crate) fn whole_bodies(router: Router) -> Router {
    router.layer(from_fn(whole_body))
}

async fn whole_body(request: Request, next: Next) -> Response<Body> {
    let (head, mut body) = request.into_parts();
    let (mut kept, mut read) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        // The client is gone, or sends an invalid body. It cannot be answered on this connection.
        let Ok(frame) = frame else { return refused(StatusCode::BAD_REQUEST, "malformed_body", "The body was not sent to its end.") };
        let Some(data) = frame.data_ref() else { continue };
        read = read.saturating_add(data.len());
        if read <= LARGEST {
            kept.extend_from_slice(data);
        } else if read > READ_AND_DROPPED {
            break;
        }
    }
    if read > LARGEST {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is larger than 10 MiB.");
    }
    next.run(Request::from_parts(head, Body::from(kept))).await
}

fn refused(status: StatusCode, code: &str, detail: &str) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or("Problem");
    let problem = serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail });
    let mut response = Response::new(Body::from(problem.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    // A rest of the body may be unread.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
