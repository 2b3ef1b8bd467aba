//! Postal addresses.

use serde::{Deserialize, Serialize};

/// An address. Every member may be absent: marketplaces blank them (docs/shipstation.md, sections 3.2 and 10).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// `name`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `company`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// `street1`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street1: Option<String>,
    /// `street2`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street2: Option<String>,
    /// `street3`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street3: Option<String>,
    /// `city`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// `state`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `postalCode`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// `country`: two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// `phone`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl Address {
    /// True if nothing is stated.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }
}
