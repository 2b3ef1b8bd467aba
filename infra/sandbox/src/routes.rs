//! The sandbox's routes and its server.

use crate::sandbox::Sandbox;
use crate::server::{self, Serving};
use crate::{admin_routes, wire};

impl Sandbox {
    /// ShipStation's routes, and `/_sandbox/faults`, `/_sandbox/requests`, `/_sandbox/arrivals` for
    /// the operator (without authentication, and not counted against the limit). Cutting
    /// connections needs [`Sandbox::serve`]; in this router such a fault becomes a 500.
    pub fn router(&self) -> axum::Router {
        admin_routes::routes().fallback(wire::answer).with_state(self.clone())
    }

    /// Answers on 127.0.0.1 until the returned handle is dropped; port 0 takes a free one. Needs a
    /// tokio runtime with I/O.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn serve(&self, port: u16) -> std::io::Result<Serving> {
        server::serve(self.router(), port).await
    }
}
