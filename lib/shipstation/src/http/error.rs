//! Errors of calls to ShipStation.

use std::error::Error as StdError;
use std::sync::Arc;

use jiff::Timestamp;

/// Error of a call to ShipStation. [`Error::code`] is stable, [`Error::advice`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 401: the API key or the secret is not valid.
    #[error("ShipStation refused the API key and secret")]
    Unauthorized,
    /// 402: the account's plan does not include the API (docs/shipstation.md, section 1).
    #[error("the ShipStation plan of this account does not include the API")]
    PlanWithoutApi,
    /// 403: the key is valid and may not do this.
    #[error("ShipStation does not allow this to the API key")]
    Forbidden,
    /// 404 for something that every account has; the address is probably not ShipStation's.
    #[error("ShipStation knows nothing at this address")]
    NotFound,
    /// The request limit is used up, and waiting for the next window would pass the call's deadline.
    #[error("ShipStation's request limit is used up until {retry_at}")]
    Throttled {
        /// Time at which the next window of requests begins.
        retry_at: Timestamp,
    },
    /// 5xx, time-out, reset or no connection, and still so after the retries.
    #[error("ShipStation is not available{}", status.map(|status| format!(" (status {status})")).unwrap_or_default())]
    Unavailable {
        /// The HTTP status, where there was an answer.
        status: Option<u16>,
        /// Error of the transport, where the connection failed.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// The answer is not JSON: an HTML page with status 200, for example.
    #[error("ShipStation's answer is not JSON")]
    NotJson {
        /// Error of the JSON reader, where it was asked.
        #[source]
        source: Option<Arc<serde_json::Error>>,
    },
    /// The answer's JSON ends in the middle, twice in a row.
    #[error("ShipStation's answer was cut off")]
    Truncated {
        /// Error with the place at which the text ends.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// An answer that V1 does not document: another status, or JSON of another shape.
    #[error("ShipStation gave an answer that is not understood (status {status})")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// Error of the JSON reader, where the shape was wrong.
        #[source]
        source: Option<Arc<serde_json::Error>>,
    },
    /// The call's deadline has come; nothing was lost, ask again.
    #[error("the time for this call is over")]
    DeadlineReached,
    /// The base URL cannot be used, or no HTTP client could be built.
    #[error("ShipStation's address cannot be used")]
    Address {
        /// The cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl Error {
    /// The stable reason code, the same in the API, the panel and the logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => "shipstation_refused_credentials",
            Self::PlanWithoutApi => "shipstation_plan_without_api",
            Self::Forbidden => "shipstation_forbidden",
            Self::NotFound => "shipstation_not_found",
            Self::Throttled { .. } => "shipstation_throttled",
            Self::Unavailable { .. } => "shipstation_unavailable",
            Self::NotJson { .. } => "shipstation_not_json",
            Self::Truncated { .. } => "shipstation_truncated",
            Self::Unexpected { .. } => "shipstation_unexpected_reply",
            Self::DeadlineReached => "shipstation_deadline_reached",
            Self::Address { .. } => "shipstation_address_unusable",
        }
    }

    /// One sentence that says what to do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unauthorized => {
                "Create or copy the API key and secret in ShipStation under Settings, Account, API Settings, and connect again."
            }
            Self::PlanWithoutApi => "Change to a ShipStation plan that includes API access, then connect again.",
            Self::Forbidden => "Use an API key of an account that may read orders, stores and warehouses.",
            Self::NotFound => "Check ShipStation's base URL; https://ssapi.shipstation.com is the usual one.",
            Self::Throttled { .. } => "Nothing to do: the run continues by itself when the next window of requests begins.",
            Self::Unavailable { .. } => {
                "Nothing to do unless it lasts: the next run continues where this one stopped. ShipStation's status page tells about outages."
            }
            Self::NotJson { .. } | Self::Truncated { .. } => {
                "Nothing to do unless it lasts: the next run continues where this one stopped. If it lasts, look for a proxy between here and ShipStation."
            }
            Self::Unexpected { .. } => "The next run tries again. If it lasts, check ShipStation's base URL and its release notes.",
            Self::DeadlineReached => "Nothing to do: the run continues by itself.",
            Self::Address { .. } => "Correct ShipStation's base URL; https://ssapi.shipstation.com is the usual one.",
        }
    }

    /// True if the answer was ShipStation's and only cannot be read or given, so that it may be the fault of the one order that was asked for.
    #[must_use]
    pub fn is_one_answers(&self) -> bool {
        match self {
            Self::Unavailable { status, .. } => *status == Some(500),
            Self::Unexpected { status, .. } => (200..300).contains(status),
            Self::NotJson { .. } | Self::Truncated { .. } => true,
            _ => false,
        }
    }

    /// True if a gateway answered in ShipStation's place. The order that was asked for may be to blame if ShipStation answers other questions.
    #[must_use]
    pub fn is_gateways(&self) -> bool {
        matches!(self, Self::Unavailable { status: Some(502..=504), .. })
    }

    /// True if asking again later, with nothing changed, can succeed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        !matches!(self, Self::Unauthorized | Self::PlanWithoutApi | Self::Forbidden | Self::NotFound | Self::Address { .. })
    }
}
