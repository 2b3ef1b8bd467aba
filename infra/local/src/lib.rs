//! The whole system on one machine.
//!
//! [`Stack::start`] starts the parts of a deployment: a table, queues and a secret (embedded
//! engines for the real AWS clients), the functions' own handlers behind queue pollers and a
//! schedule, the HTTP API, and a ShipStation sandbox. The functions get the events that AWS would
//! send, and contain nothing of this stack. Tests and benchmarks use the same stack.
//!
//! Time is an input: the stack's clock may run faster than the real one ([`Options::speed`]), and
//! all times follow it.

mod clock;
mod error;
mod events;
mod functions;
mod gateway;
mod http;
mod options;
mod poller;
mod progress;
mod reach;
mod sandbox_account;
mod setup;
mod stack;
mod state_file;
mod wiring;

pub use error::StackError;
pub use http::{ApiClient, HttpError, Reply};
pub use options::{Options, Source};
pub use progress::{Addresses, OperationLine, OrderLine, Progress};
pub use stack::Stack;
