//! Customers of an e-mail address: finds the oldest one with it.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stevedore_domain::ids::CustomerId;
use stevedore_domain::reference::{Customer, identifying_email};

use crate::Error;
use crate::table::item::keys;
use crate::table::item::versioned::Expected;
use crate::table::{Item, Table, item_of, value_of, version_of};

/// The customers with one address, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners(Vec<Owner>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Owner {
    since: Timestamp,
    id: String,
}

/// The address's item. Matching reads `target` and `shared` alone.
#[derive(Serialize, Deserialize)]
struct EmailItem {
    target: String,
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    owners: Vec<Owner>,
}

/// Number of customers of one address that are remembered: far more than share one.
const KEPT: usize = 1_000;

impl Owners {
    pub(crate) fn with(self, customer: &Customer) -> Self {
        let mut owners = self.without(&customer.id).0;
        owners.push(Owner { since: customer.created_at, id: customer.id.to_string() });
        owners.sort();
        owners.truncate(KEPT);
        Self(owners)
    }

    pub(crate) fn without(mut self, customer: &CustomerId) -> Self {
        self.0.retain(|owner| owner.id != customer.as_str());
        self
    }

    fn item(self, operation: &'static str, email: &str) -> Result<Option<Item>, Error> {
        let Some(target) = self.0.first().map(|owner| owner.id.clone()) else { return Ok(None) };
        let entry = EmailItem { target, shared: self.0.len() > 1, owners: self.0 };
        item_of(operation, &keys::email(email), "email", &entry).map(Some)
    }
}

/// The item of the address of a customer who is new; none where he has no address.
pub(crate) fn first_item(operation: &'static str, customer: &Customer) -> Result<Option<Item>, Error> {
    let Some(email) = customer.email.as_deref().and_then(identifying_email) else { return Ok(None) };
    Owners::default().with(customer).item(operation, &email)
}

impl Table {
    /// The write that changes who has an address (folded).
    pub(crate) async fn email_write(
        &self,
        operation: &'static str,
        email: &str,
        change: impl FnOnce(Owners) -> Owners,
    ) -> Result<TransactWriteItem, Error> {
        let key = keys::email(email);
        let (expected, known) = match self.get_item(operation, &key).await? {
            Some(item) => (Expected::Version(version_of(&item)), Owners(value_of::<EmailItem>(operation, item)?.owners)),
            None => (Expected::Absent, Owners::default()),
        };
        match (change(known).item(operation, email)?, expected) {
            (Some(item), _) => self.put(operation, item, expected),
            (None, Expected::Version(version)) => self.delete(operation, &key, Some(version)),
            (None, _) => self.delete(operation, &key, None),
        }
    }

    /// The customers with an e-mail address, whatever its case, the oldest first; at most the first thousand.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn customers_with(&self, email: &str) -> Result<Vec<Customer>, Error> {
        const OPERATION: &str = "find customers by e-mail address";
        let Some(folded) = identifying_email(email) else { return Ok(Vec::new()) };
        let Some(item) = self.get_item(OPERATION, &keys::email(&folded)).await? else { return Ok(Vec::new()) };
        let EmailItem { target, owners, .. } = value_of(OPERATION, item)?;
        let ids: BTreeSet<String> = owners.into_iter().map(|owner| owner.id).chain([target]).collect();
        let mut customers = self.records::<Customer>(ids).await?;
        customers.sort_by_key(|customer| (customer.created_at, customer.id.clone()));
        Ok(customers)
    }
}
