//! The key of a call, its priority and its deadline.

use jiff::Timestamp;
use secrecy::SecretString;

/// The API key and secret of ShipStation's API settings (S16): user and password of HTTP Basic.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The key.
    pub api_key: SecretString,
    /// The secret.
    pub api_secret: SecretString,
}

/// Caller that waits for the answer. Near the limit a person goes before the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A person pressed a button.
    Operator,
    /// The schedule; leaves the last requests of each window to the operator.
    Background,
}

/// Parameters of every call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// As whom.
    pub credentials: &'a Credentials,
    /// For whom.
    pub priority: Priority,
    /// Nothing waits or runs beyond this instant of the client's clock.
    pub deadline: Timestamp,
}
