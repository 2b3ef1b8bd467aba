//! A request: its method, address and body.

use reqwest::Method;

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, String)],
    /// JSON.
    pub(super) body: Option<String>,
    /// Carried out twice it does no harm, so that it is sent again when its answer was lost.
    pub(super) repeatable: bool,
}

impl<'a> Request<'a> {
    /// A question.
    pub(super) fn get(path: &'a str, query: &'a [(&'a str, String)]) -> Self {
        Self { method: Method::GET, path, query, body: None, repeatable: true }
    }

    /// An instruction with a JSON body.
    pub(super) fn with_body(method: Method, path: &'a str, body: &serde_json::Value, repeatable: bool) -> Self {
        Self { method, path, query: &[], body: Some(body.to_string()), repeatable }
    }
}
