//! The table, the queues and the secret: named operations with named outcomes.
//!
//! The only crate that names the AWS SDK. Every write that can race has a condition, and every failed condition is an
//! outcome that the caller decides on; what is left is an [`Error`].

mod clients;
mod codec;
mod connector;
mod dead;
mod dead_letters;
mod error;
mod event;
mod keys;
pub mod messages;
mod queues;
mod schema;
mod secrets;
mod sent;
mod spread;
mod table;

pub use clients::{ClientOptions, Clients, interceptors};
pub use dead::DeadReason;
pub use dead_letters::Redriven;
pub use error::Error;
pub use event::{Event, events_of};
pub use queues::{DeadLetter, Origin, QueueDepth, QueueUrls, Queues, ReceivedMessage};
pub use schema::{Index, QueueSettings, TABLE_INDEXES, TABLE_TTL, create_queues, create_table, enable_stream};
pub use secrets::{Secrets, StoredCredentials};
pub use sent::{Refusal, SendReport};
pub use spread::{FAMILIES, Family};
pub use table::*;
