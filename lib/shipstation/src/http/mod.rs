//! Requests to ShipStation over HTTP: credentials, pace, sending, faults and retries.

mod answer;
mod client;
mod connector;
mod credentials;
mod error;
mod limits;
mod pacing;
mod request;
mod send;
mod transport;

pub(crate) use answer::{Answer, Body, Broken, Fault};
pub use client::{Client, ClientOptions, Clock, Sleep};
pub use connector::{http_client, http_client_trusting};
pub use credentials::{Call, Credentials, Priority};
pub use error::Error;
pub use pacing::PacingState;
pub use send::Repetition;
