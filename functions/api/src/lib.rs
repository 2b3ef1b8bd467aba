//! The JSON API: everything that a person or the panel does goes through it.
//!
//! Routes are in `routes`, one module for each resource; what they show is in `views`. Each route's documentation says which grade of the permission it
//! needs, and that documentation, as `docs/openapi.json` has it, is what lets callers in: see `access`.

mod access;
mod audit;
mod document;
mod etag;
mod input;
mod paging;
mod panel;
mod problem;
mod routes;
mod routing;
mod views;

use std::sync::Arc;

use axum::Router;
use stevedore_aws::messages::Command;
use stevedore_aws::{Queues, Secrets, Table};
use stevedore_lambda::config::SignIn;
use stevedore_lambda::{Clock, ErrorChain};

pub use access::{Access, Grade, PERMISSION};
pub use document::openapi;
pub use problem::{Code, FieldFault};

use access::Gate;
use problem::Problem;

/// Parts that the API works with; built once for each process.
pub struct Deps {
    /// The table.
    pub table: Table,
    /// The queues.
    pub queues: Queues,
    /// ShipStation's credentials.
    pub secrets: Secrets,
    /// ShipStation.
    pub shipstation: stevedore_shipstation::Client,
    /// Source of the present time.
    pub clock: Clock,
    /// Access of callers.
    pub access: Access,
    /// Issuer with which people sign in to the panel; none where it asks for a token.
    pub sign_in: Option<SignIn>,
}

impl Deps {
    fn now(&self) -> jiff::Timestamp {
        (self.clock)()
    }

    /// Has blocked and skipped orders looked at again, because what they waited for may have come. What made this necessary is written
    /// already, so a queue that does not answer is no reason to refuse it: a person can still process pending orders by hand.
    async fn look_again(&self) {
        let command = Command::ProcessPending { operation_id: None, order_ids: None };
        if let Err(error) = self.queues.send_command(&command).await {
            tracing::error!(error = %ErrorChain(&error), "pending orders are not looked at again by themselves");
        }
    }
}

/// The service: for `lambda_http::run`, and for a server on one machine.
pub fn router(deps: Arc<Deps>) -> Router {
    let gate = Arc::new(Gate::new(Arc::clone(&deps)));
    let router = routes::all(Router::new())
        .fallback(|| async { Problem::with_detail(Code::NotFound, "There is no such route.") })
        .layer(axum::middleware::from_fn_with_state(gate, access::guard))
        .layer(axum::Extension(Arc::<routes::LastHealth>::default()))
        .with_state(Arc::clone(&deps));
    router.merge(panel::routes(deps.sign_in.as_ref()))
}
