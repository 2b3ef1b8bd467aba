//! Reference data that a settings document may name, loaded by the caller so that validation stays pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Settings, document};
use crate::ids::{AccountId, CustomerId, LocationId, TaxRuleId};
use crate::reference::{Account, AccountKind, Customer, Location, TaxRule};

/// The longest text that is taken for an id, in bytes: far above any of ours, far below what a key of the table holds (2,048).
const LONGEST_ID: usize = 256;

/// Facts about an account that the settings depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountUse {
    /// Its purpose; `revenue_account` takes revenue alone.
    pub kind: AccountKind,
    /// True if payments may go to it (S73).
    pub receives_payments: bool,
}

/// The reference data that exists, at least as far as the document names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Accounts.
    pub accounts: BTreeMap<AccountId, AccountUse>,
    /// Customers.
    pub customers: BTreeSet<CustomerId>,
    /// Locations, and whether each is active.
    pub locations: BTreeMap<LocationId, bool>,
    /// Tax rules.
    pub tax_rules: BTreeSet<TaxRuleId>,
}

impl References {
    /// Records that were found of the ids in a [`Named`].
    #[must_use]
    pub fn found<'a>(
        accounts: impl IntoIterator<Item = &'a Account>,
        customers: impl IntoIterator<Item = &'a Customer>,
        locations: impl IntoIterator<Item = &'a Location>,
        tax_rules: impl IntoIterator<Item = &'a TaxRule>,
    ) -> Self {
        let use_of = |account: &Account| AccountUse { kind: account.kind, receives_payments: account.receives_payments };
        Self {
            accounts: accounts.into_iter().map(|account| (account.id.clone(), use_of(account))).collect(),
            customers: customers.into_iter().map(|customer| customer.id.clone()).collect(),
            locations: locations.into_iter().map(|location| (location.id.clone(), location.active)).collect(),
            tax_rules: tax_rules.into_iter().map(|rule| rule.id.clone()).collect(),
        }
    }
}

/// The ids that a settings document names: what the caller loads before it asks for validation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// `revenue_account`, `default_revenue_account`, `payment.account` and the values of `payment.by_method`.
    pub accounts: BTreeSet<AccountId>,
    /// `customer_id`.
    pub customers: BTreeSet<CustomerId>,
    /// `location_map.default` and the values of `location_map.warehouses`.
    pub locations: BTreeSet<LocationId>,
    /// `tax.default_rule`.
    pub tax_rules: BTreeSet<TaxRuleId>,
}

/// The ids that a proposed document names, wherever it is otherwise at fault. A document that is not readable names none, and
/// neither do texts that cannot be ids (blank, or beyond 256 bytes): [`parse`](super::parse) refuses both.
#[must_use]
pub fn named_references(document: &str) -> Named {
    let Ok(root) = document::members(document) else {
        return Named::default();
    };
    let location_map = root.get("location_map").and_then(Value::as_object);
    let payment = root.get("payment").and_then(Value::as_object);
    Named {
        accounts: id(Some(&root), "revenue_account")
            .chain(id(Some(&root), "default_revenue_account"))
            .chain(id(payment, "account"))
            .chain(ids(payment, "by_method"))
            .map(AccountId::from)
            .collect(),
        customers: id(Some(&root), "customer_id").map(CustomerId::from).collect(),
        locations: id(location_map, "default").chain(ids(location_map, "warehouses")).map(LocationId::from).collect(),
        tax_rules: id(root.get("tax").and_then(Value::as_object), "default_rule").map(TaxRuleId::from).collect(),
    }
}

impl Settings {
    /// The ids that these settings name.
    #[must_use]
    pub fn named_references(&self) -> Named {
        let (map, payment) = (&self.location_map, &self.payment);
        let revenue = self.revenue_account.iter().chain(&self.default_revenue_account);
        Named {
            accounts: revenue.chain(&payment.account).chain(payment.by_method.values()).cloned().collect(),
            customers: self.customer_id.iter().cloned().collect(),
            locations: map.default.iter().chain(map.warehouses.values()).cloned().collect(),
            tax_rules: self.tax.default_rule.iter().cloned().collect(),
        }
    }
}

/// True if a text may be one of our ids, so that it is worth looking up.
pub(super) fn may_be_id(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST_ID
}

fn id<'a>(object: Option<&'a Map<String, Value>>, name: &str) -> impl Iterator<Item = &'a str> {
    object.and_then(|object| object.get(name)).and_then(Value::as_str).filter(|text| may_be_id(text)).into_iter()
}

fn ids<'a>(object: Option<&'a Map<String, Value>>, name: &str) -> impl Iterator<Item = &'a str> {
    let entries = object.and_then(|object| object.get(name)).and_then(Value::as_object);
    entries.into_iter().flat_map(Map::values).filter_map(Value::as_str).filter(|text| may_be_id(text))
}
