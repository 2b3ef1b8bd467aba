//! Customers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::digest::Digest;
use crate::ids::{AccountId, CustomerId};

/// A customer of the merchant's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// Ours.
    pub id: CustomerId,
    /// As shown on sales.
    pub name: String,
    /// As written; compared without case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Contact's phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Address for invoices.
    #[serde(default, skip_serializing_if = "Address::is_blank")]
    pub billing_address: Address,
    /// Address of the business: the ship-to of the first order, for a customer made from one.
    #[serde(default, skip_serializing_if = "Address::is_blank")]
    pub business_address: Address,
    /// The account of this customer's sales, unless product or settings name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue_account: Option<AccountId>,
    /// Time of its creation.
    pub created_at: Timestamp,
}

impl CustomerId {
    /// The id of the customer that is created for an e-mail address (folded): the address itself while it is as short as addresses are, else a digest of it.
    #[must_use]
    pub fn of_email(folded: &str) -> Self {
        const LONGEST: usize = 254;
        if folded.len() <= LONGEST {
            return Self(format!("C-{folded}"));
        }
        Self(format!("C-email-{:032x}", Digest::of_bytes(folded.as_bytes()).value))
    }
}

/// An e-mail address as it is compared.
#[must_use]
pub fn folded_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The address by which a customer is found, folded. Nothing for a text that cannot be an address, such as `N/A`, `none` or `-`: channels fill it in for every
/// buyer, so that it identifies none of them.
#[must_use]
pub fn identifying_email(text: &str) -> Option<String> {
    let folded = folded_email(text);
    let (local, domain) = folded.rsplit_once('@')?;
    let is_domain = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    let is_plain = !folded.chars().any(|letter| letter.is_whitespace() || letter.is_control()) && !local.contains('@');
    (is_domain && is_plain && !local.is_empty()).then_some(folded)
}
