//! Places where the settings name an account or a location, so that neither is changed behind their back into what they could not name (S41, S63, S73).

use super::{FieldError, Settings};
use crate::reference::{Account, AccountKind, Location};

/// Number of places that a message names: a shop of fifty payment methods needs no list of them.
const SHOWN: usize = 5;

impl Settings {
    /// Faults of an account in the places where these settings name it
    #[must_use]
    pub fn account_faults(&self, account: &Account) -> Vec<FieldError> {
        let mut faults = Vec::new();
        if account.kind != AccountKind::Revenue {
            let revenue = [("revenue_account", &self.revenue_account), ("default_revenue_account", &self.default_revenue_account)];
            let named = revenue.into_iter().filter(|(_, id)| id.as_ref() == Some(&account.id));
            let places: Vec<String> = named.map(|(name, _)| name.to_owned()).collect();
            if !places.is_empty() {
                faults.push(in_use("/kind", "account", &places, "its kind must stay revenue"));
            }
        }
        if !account.receives_payments {
            let payment = &self.payment;
            let general = payment.account.iter().filter(|id| **id == account.id).map(|_| "payment.account".to_owned());
            let methods = payment.by_method.iter().filter(|(_, id)| **id == account.id);
            let places: Vec<String> = general.chain(methods.map(|(method, _)| format!("payment.by_method.{method}"))).collect();
            if !places.is_empty() {
                faults.push(in_use("/receives_payments", "account", &places, "it must go on receiving payments"));
            }
        }
        faults
    }

    /// Faults of a location in the places where these settings name it.
    #[must_use]
    pub fn location_faults(&self, location: &Location) -> Vec<FieldError> {
        if location.active {
            return Vec::new();
        }
        let map = &self.location_map;
        let default = map.default.iter().filter(|id| **id == location.id).map(|_| "location_map.default".to_owned());
        let warehouses = map.warehouses.iter().filter(|(_, id)| **id == location.id);
        let places: Vec<String> = default.chain(warehouses.map(|(warehouse, _)| format!("location_map.warehouses.{warehouse}"))).collect();
        if places.is_empty() { Vec::new() } else { vec![in_use("/active", "location", &places, "it must stay active")] }
    }
}

fn in_use(pointer: &str, what: &str, places: &[String], so: &str) -> FieldError {
    let shown = places.iter().take(SHOWN).map(|place| format!("`{place}`")).collect::<Vec<_>>().join(", ");
    let more = match places.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more places"),
    };
    let message = format!("The settings name this {what} as {shown}{more}, so {so}. Name another {what} there first.");
    FieldError { pointer: pointer.to_owned(), code: "in_use", message }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::ids::WarehouseId;

    fn account(id: &str, kind: AccountKind, receives_payments: bool) -> Account {
        let created_at = jiff::Timestamp::UNIX_EPOCH;
        Account { id: id.into(), name: id.to_owned(), kind, receives_payments, created_at }
    }

    fn pointers(faults: &[FieldError]) -> Vec<&str> {
        faults.iter().map(|fault| fault.pointer.as_str()).collect()
    }

    /// S41, S73: an account goes on fitting the places where it is named, and only these.
    #[test]
    fn s73_an_account_stays_what_the_settings_need() {
        let mut settings = Settings::default();
        assert!(settings.account_faults(&account("a", AccountKind::Asset, false)).is_empty());
        settings.revenue_account = Some("a".into());
        settings.payment.by_method.insert("PayPal".to_owned(), "a".into());
        assert_eq!(pointers(&settings.account_faults(&account("a", AccountKind::Asset, false))), ["/kind", "/receives_payments"]);
        assert_eq!(pointers(&settings.account_faults(&account("a", AccountKind::Asset, true))), ["/kind"]);
        assert!(settings.account_faults(&account("a", AccountKind::Revenue, true)).is_empty());
        assert!(settings.account_faults(&account("b", AccountKind::Asset, false)).is_empty());
        settings.default_revenue_account = Some("c".into());
        let faults = settings.account_faults(&account("c", AccountKind::Asset, false));
        assert_eq!((pointers(&faults), faults[0].message.contains("`default_revenue_account`")), (vec!["/kind"], true));
        settings.payment.account = Some("b".into());
        assert_eq!(pointers(&settings.account_faults(&account("b", AccountKind::Asset, false))), ["/receives_payments"]);
    }

    /// S63: a location that orders are mapped to stays active.
    #[test]
    fn s63_a_location_stays_active_while_it_is_named() {
        let mut settings = Settings::default();
        let mut location = Location {
            id: "l".into(),
            name: "l".to_owned(),
            address: crate::address::Address::default(),
            priority: 0,
            active: false,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        assert!(settings.location_faults(&location).is_empty());
        settings.location_map.default = Some("l".into());
        settings.location_map.warehouses.extend((1..=6).map(|warehouse| (WarehouseId(warehouse), "l".into())));
        let faults = settings.location_faults(&location);
        assert_eq!(pointers(&faults), ["/active"]);
        assert!(faults.first().unwrap().message.contains("`location_map.warehouses.4` and 2 more places"), "{faults:?}");
        location.active = true;
        assert!(settings.location_faults(&location).is_empty());
    }
}
