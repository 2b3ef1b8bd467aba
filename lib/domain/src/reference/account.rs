//! Accounts of the merchant's books.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::AccountId;

/// Purpose of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Income of sales.
    Revenue,
    /// Money held.
    Asset,
    /// Money owed, taxes collected among it.
    Liability,
    /// Costs and fees.
    Expense,
    /// The owners' part.
    Equity,
}

/// An account of the merchant's books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Ours.
    pub id: AccountId,
    /// Unique among accounts.
    pub name: String,
    /// Its purpose.
    pub kind: AccountKind,
    /// True if payments may go to it (S73).
    #[serde(default)]
    pub receives_payments: bool,
    /// Time of its creation.
    pub created_at: Timestamp,
}
