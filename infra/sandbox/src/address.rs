//! Addresses as ShipStation shows them.

use crate::json::{Json, obj};

/// A postal address as ShipStation shows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Address {
    pub(crate) name: Option<String>,
    pub(crate) company: Option<String>,
    pub(crate) street1: Option<String>,
    pub(crate) street2: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) residential: Option<bool>,
    pub(crate) verified: Option<&'static str>,
}

impl Address {
    pub(crate) fn json(&self) -> Json {
        obj! {
            "name" => Json::maybe_text(self.name.as_deref()),
            "company" => Json::maybe_text(self.company.as_deref()),
            "street1" => Json::maybe_text(self.street1.as_deref()),
            "street2" => Json::maybe_text(self.street2.as_deref()),
            "street3" => Json::Null,
            "city" => Json::maybe_text(self.city.as_deref()),
            "state" => Json::maybe_text(self.state.as_deref()),
            "postalCode" => Json::maybe_text(self.postal_code.as_deref()),
            "country" => Json::maybe_text(self.country.as_deref()),
            "phone" => Json::maybe_text(self.phone.as_deref()),
            "residential" => self.residential.map_or(Json::Null, Json::Bool),
            "addressVerified" => Json::maybe_text(self.verified),
        }
    }
}
