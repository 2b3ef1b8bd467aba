//! The whole system on one machine.
//!
//! [`Stack::start`] brings up what a deployment has: a table, queues and a secret (embedded engines that the real AWS clients speak to), the functions' own
//! handlers behind queue pollers and a schedule, the HTTP API, and a ShipStation sandbox to read from. The functions get the events that AWS would send them and know
//! nothing of all this. Tests and benchmarks drive the same stack by its verbs.
//!
//! Time is an input: the stack's clock may run faster than the real one ([`Options::speed`]), and everything that counts time counts by it.

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
