//! The table, the queues and the secret: named operations with named outcomes.
//!
//! The only crate that names the AWS SDK. Every write that can race has a condition, and every failed condition is an
//! outcome that the caller decides on; what is left is an [`Error`].

mod queues;
mod sdk;
mod secrets;
mod table;

pub use queues::client::{DeadLetter, Origin, QueueDepth, QueueUrls, Queues, ReceivedMessage};
pub use queues::dead_letters::Redriven;
pub use queues::dead_reason::DeadReason;
pub use queues::messages;
pub use queues::sent::{Refusal, SendReport};
pub use sdk::clients::{ClientOptions, Clients, interceptors};
pub use sdk::error::Error;
pub use secrets::{Secrets, StoredCredentials};
pub use table::*;
