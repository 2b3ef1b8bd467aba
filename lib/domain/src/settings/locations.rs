//! Faults of a location, as far as the settings decide them.

use super::{FieldError, Settings};
use crate::jurisdiction::{AddressPlace, address_place};
use crate::reference::Location;

impl Location {
    /// Faults of its address: an address in the United States whose ZIP does not exist; or none at all, while orders are routed by distance. An
    /// address elsewhere, or with a country that is not known, is taken as it is: routing leaves it out and says so.
    #[must_use]
    pub fn faults(&self, settings: &Settings) -> Vec<FieldError> {
        let fault = |pointer: &str, code, message: String| vec![FieldError { pointer: pointer.to_owned(), code, message }];
        if settings.order_routing && self.active && self.address.is_blank() {
            let message = "Orders are routed to the nearest location, so an active one needs an address. Give it one, or make it inactive.";
            return fault("/address", "required", message.to_owned());
        }
        match (self.address.postal_code.as_deref(), address_place(&self.address)) {
            (Some(zip), Some(AddressPlace { place: None, .. })) => {
                let message = format!("There is no ZIP code `{zip}` in the United States; 89501 is one.");
                fault("/address/postal_code", "unknown_zip", message)
            }
            _ => Vec::new(),
        }
    }
}
