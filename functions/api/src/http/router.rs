//! Collects a list of handlers into the router that serves them, and the document that describes them.
//!
//! Which of the two is told apart when it is compiled, so the program that serves carries nothing of what makes the document, which was most of what it did
//! at its start.

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodFilter, MethodRouter};
use utoipa::openapi::path::HttpMethod;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::Deps;

/// Collector of routes.
pub(crate) trait Routes: Sized {
    /// With one more path. `serve` answers the path and the methods that serve it, `describe` what the document says of them.
    fn routes(self, handlers: (impl FnOnce() -> (String, MethodRouter<Arc<Deps>>), impl FnOnce() -> UtoipaMethodRouter<Arc<Deps>>))
    -> Self;
}

impl Routes for Router<Arc<Deps>> {
    fn routes(
        self,
        (serve, _): (impl FnOnce() -> (String, MethodRouter<Arc<Deps>>), impl FnOnce() -> UtoipaMethodRouter<Arc<Deps>>),
    ) -> Self {
        let (path, methods) = serve();
        self.route(&path, methods)
    }
}

impl Routes for OpenApiRouter<Arc<Deps>> {
    fn routes(
        self,
        (_, describe): (impl FnOnce() -> (String, MethodRouter<Arc<Deps>>), impl FnOnce() -> UtoipaMethodRouter<Arc<Deps>>),
    ) -> Self {
        self.routes(describe())
    }
}

/// The method as axum names it.
pub(crate) fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
    }
}

/// The handlers of one path, each with its `utoipa::path`.
macro_rules! routes {
    ($first:ident $(, $handler:ident)* $(,)?) => {
        (
            || {
                let (path, methods) = $crate::http::router::routes!(@of $first);
                let router = axum::routing::MethodRouter::new();
                let router = methods.iter().fold(router, |router, method| router.on($crate::http::router::filter(method), $first));
                $(
                    let (_, methods) = $crate::http::router::routes!(@of $handler);
                    let router = methods.iter().fold(router, |router, method| router.on($crate::http::router::filter(method), $handler));
                )*
                (path, router)
            },
            || utoipa_axum::routes!($first $(, $handler)*),
        )
    };
    (@of $handler:ident) => {
        utoipa_axum::paste! {
            (<[<__path_ $handler>] as utoipa::Path>::path(), <[<__path_ $handler>] as utoipa::Path>::methods())
        }
    };
}

pub(crate) use routes;
