//! An order as ShipStation sent it, and the order that it was read as.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use stevedore_domain::ids::OrderId;
use stevedore_domain::order::Revision;
use stevedore_domain::pacific::PacificTime;

/// An order as ShipStation sent it, and what could be made of it.
#[derive(Clone, Debug)]
pub struct RawOrder {
    /// Exactly what ShipStation sent.
    pub raw: RawJson,
    /// Time at which the question was sent that this answers: the order is at least as new.
    pub read_at: Timestamp,
    /// The revision, or why there is none.
    pub parsed: Result<Revision, Malformed>,
}

/// A JSON text, kept as it was written and known to be JSON. Serialized, it stands as it is in the JSON around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawJson(Box<str>);

impl RawJson {
    /// A piece of a text that was read as JSON.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.into())
    }

    /// A text that is no JSON, as a JSON text that quotes it.
    pub(crate) fn quoting(text: &str) -> Self {
        Self(serde_json::Value::from(text).to_string().into())
    }

    /// The text.
    #[must_use]
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl From<RawJson> for Box<RawValue> {
    fn from(raw: RawJson) -> Self {
        // It is JSON, so the second arm is never taken.
        RawValue::from_string(raw.0.into()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl RawOrder {
    /// The order's id, where it can be read.
    #[must_use]
    pub fn order_id(&self) -> Option<OrderId> {
        match &self.parsed {
            Ok(revision) => Some(revision.order.id),
            Err(malformed) => malformed.order_id,
        }
    }

    /// The order's number, where it can be read.
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        match &self.parsed {
            Ok(revision) => Some(&revision.order.number),
            Err(malformed) => malformed.order_number.as_deref(),
        }
    }

    /// `modifyDate`, where it can be read.
    #[must_use]
    pub fn modified_at(&self) -> Option<PacificTime> {
        match &self.parsed {
            Ok(revision) => Some(revision.order.modified_at),
            Err(malformed) => malformed.modified_at,
        }
    }

    /// `createDate`, where it can be read.
    #[must_use]
    pub fn created_at(&self) -> Option<PacificTime> {
        match &self.parsed {
            Ok(revision) => revision.order.created_at,
            Err(malformed) => malformed.created_at,
        }
    }
}

/// An order that cannot be read. What identifies it is given as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("order {}: {pointer}: {problem}", order_number.as_deref().unwrap_or("?"))]
pub struct Malformed {
    /// `orderId`
    pub order_id: Option<OrderId>,
    /// `orderNumber`
    pub order_number: Option<String>,
    /// `modifyDate`
    pub modified_at: Option<PacificTime>,
    /// `createDate`
    pub created_at: Option<PacificTime>,
    /// A JSON pointer (RFC 6901) to what cannot be read: `/items/3/unitPrice`; empty for the order as a whole.
    pub pointer: String,
    /// The fault, quoting it. Holds the buyer's data where the offending text does: keep it, do not log it.
    pub problem: String,
}

impl Malformed {
    /// A problem with an order whose fields can all be read.
    pub(crate) fn of(revision: &Revision, pointer: String, problem: String) -> Self {
        let order = &revision.order;
        Self {
            order_id: Some(order.id),
            order_number: Some(order.number.clone()),
            modified_at: Some(order.modified_at),
            created_at: order.created_at,
            pointer,
            problem,
        }
    }
}
