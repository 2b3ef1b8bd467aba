//! Warnings for a person.

use serde::{Deserialize, Serialize};

use crate::reason::Reason;

/// Something a person should know, with its stable reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The stable code.
    pub reason: Reason,
    /// The sentence with this case's own numbers and names.
    pub message: String,
}

impl Warning {
    /// A warning whose sentence is `detail`, followed by what to do.
    #[must_use]
    pub fn new(reason: Reason, detail: &str) -> Self {
        let message = if detail.is_empty() { reason.advice().to_owned() } else { format!("{detail} {}", reason.advice()) };
        Self { reason, message }
    }
}
