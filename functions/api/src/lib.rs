//! The JSON API: everything that a person or the panel does goes through it.
//!
//! `http` has what every route shares, `resources` one module for each resource, `panel` the files of the admin panel. Each route's documentation
//! names the permission that it needs, and that documentation, as `docs/openapi.json` has it, lets callers in: see `http::auth`.

mod http;
mod panel;
mod resources;

use std::sync::Arc;

use axum::Router;
use stevedore_aws::messages::Command;
use stevedore_aws::{Queues, Secrets, Table};
use stevedore_lambda::config::SignIn;
use stevedore_lambda::{Clock, ErrorChain};

pub use http::auth::{Access, Grade, PERMISSION};
pub use http::openapi::openapi;
pub use http::problem::{Code, FieldFault};

use http::auth::Gate;
use http::problem::Problem;

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
    let router = resources::all(Router::new())
        .fallback(|| async { Problem::with_detail(Code::NotFound, "There is no such route.") })
        .layer(axum::middleware::from_fn_with_state(gate, http::auth::guard))
        .layer(axum::Extension(Arc::<resources::LastHealth>::default()))
        .with_state(Arc::clone(&deps));
    router.merge(panel::routes(deps.sign_in.as_ref()))
}
