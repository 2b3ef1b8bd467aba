//! The process that works on an operation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A process at work on an operation. Only one is at a time: of two deliveries of one command the second waits until the first is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Tells one invocation from another.
    pub by: String,
    /// Time at which it last wrote the operation.
    pub written_at: Timestamp,
    /// Until then no other process works on it; none once it has handed on or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
}
