//! Versions as ETags: a write names the version that it replaces (docs/requirements.md, section 4).

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::http::problem::{Code, Problem};

/// The ETag of a version.
pub(crate) fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// Statement of a write about the version that it replaces.
#[derive(Clone, Debug)]
pub(crate) struct IfMatch(String);

impl IfMatch {
    /// The request's `If-Match`; without one the write is refused with 428.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        Self::given(headers).ok_or_else(|| Problem::new(Code::PreconditionRequired))
    }

    /// The request's `If-Match`, where it has one. A header that is no text is one all the same, and matches nothing.
    pub(crate) fn given(headers: &HeaderMap) -> Option<Self> {
        let values: Vec<&str> = headers.get_all(header::IF_MATCH).iter().map(|value| value.to_str().unwrap_or_default()).collect();
        if values.is_empty() { None } else { Some(Self(values.join(","))) }
    }

    /// Refuses with 412 unless `version` is named. `*` names any; a weak tag names none (RFC 9110, section 13.1.1).
    pub(crate) fn check(&self, version: u64) -> Result<(), Problem> {
        let current = etag(version);
        let named = self.0.split(',').map(str::trim).any(|tag| tag == "*" || tag == current);
        if named { Ok(()) } else { Err(Problem::stale(&current)) }
    }
}

/// `response` with the ETag of `version`.
pub(crate) fn tagged(version: u64, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    // Digits between quotes are always a header value.
    if let Ok(value) = HeaderValue::from_str(&etag(version)) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_strong_tag_of_the_version_matches() {
        let says = |text: &str| IfMatch(text.to_owned()).check(3).is_ok();
        assert!(says("\"3\"") && says("*") && says("\"1\", \"3\""));
        assert!(!says("\"2\"") && !says("W/\"3\"") && !says("3") && !says(""));
    }

    #[test]
    fn several_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        assert!(IfMatch::of(&headers).is_err());
        headers.append(header::IF_MATCH, "\"1\"".parse().unwrap());
        headers.append(header::IF_MATCH, "\"2\"".parse().unwrap());
        assert!(IfMatch::of(&headers).unwrap().check(2).is_ok());
    }

    #[test]
    fn a_header_that_is_no_text_is_not_passed_over() {
        let mut headers = HeaderMap::new();
        assert!(IfMatch::given(&headers).is_none());
        headers.append(header::IF_MATCH, HeaderValue::from_bytes(b"\"\xff\"").unwrap());
        assert!(IfMatch::given(&headers).unwrap().check(1).is_err());
    }
}
