//! HTTP without the resources: who is let in, the record of each act, bodies, lists, versions, problems, the OpenAPI document.

pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod etag;
pub(crate) mod openapi;
pub(crate) mod paging;
pub(crate) mod problem;
pub(crate) mod router;
