//! Tax rules and their places.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::digest::Digest;
use crate::ids::{AccountId, TaxRuleId};

/// A part of a tax rule: `{name: "California", percent: 7.25}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxComponent {
    /// As shown.
    pub name: String,
    /// Percent of the taxed amount, exact.
    pub percent: Decimal,
    /// The account that collects it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
}

/// Place where a tax is due. Names are those of the bundled data (`stevedore-geography`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxPlace {
    /// The state's two letters.
    pub state: String,
    /// The county with its kind, `Washoe County`; none: the whole state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub county: Option<String>,
    /// The city, inside the county; none: the whole county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
}

/// A tax rule (S67).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRule {
    /// Ours.
    pub id: TaxRuleId,
    /// Unique among tax rules; shown on sales.
    pub name: String,
    /// Its components. May be empty: a rule that names an amount without stating a rate.
    #[serde(default)]
    pub components: Vec<TaxComponent>,
    /// Place where it is due: the rule of a place of business (S65). None: taken only where the settings name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<TaxPlace>,
    /// The merchant's places of business of which it is the narrowest rule (S64); at most [`Self::MOST_ADDRESSES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Time of its creation.
    pub created_at: Timestamp,
}

impl TaxRule {
    /// Rules are read with every batch of orders, so what they carry along is bounded.
    pub const MOST_ADDRESSES: usize = 20;

    /// The percent of all components together.
    #[must_use]
    pub fn percent(&self) -> Decimal {
        self.components.iter().map(|component| component.percent).sum()
    }
}

impl TaxRuleId {
    /// The id of the rule of a place: derived, so that adding a place of business twice makes its rules once.
    #[must_use]
    pub fn of_place(place: &TaxPlace) -> Self {
        let name = |part: &Option<String>| part.as_deref().unwrap_or_default().to_lowercase();
        let text = format!("{}\n{}\n{}", place.state, name(&place.county), name(&place.city));
        let digest = Digest::of_bytes(text.as_bytes()).to_string();
        Self(format!("TAX-{}", digest.get(..12).unwrap_or(&digest)))
    }
}
