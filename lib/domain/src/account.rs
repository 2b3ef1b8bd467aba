//! Identity of the connected ShipStation account.
//!
//! V1 names no account, so one is told by the stores that it has: an account that shares a store with one that was connected before is that account. What is kept of
//! each outlives its connection.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{ShipstationAccount, StoreId};

/// The most keys that are remembered of an account, the newest last.
const MOST_KEYS: usize = 20;

/// Facts that tell an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Its stores, the inactive ones too.
    pub stores: BTreeSet<StoreId>,
    /// A digest of its API key, where that is known.
    pub key: Option<String>,
}

impl Evidence {
    /// Takes the stores that an API key shows, and the key itself.
    #[must_use]
    pub fn new(stores: impl IntoIterator<Item = StoreId>, api_key: &str) -> Self {
        Self { stores: stores.into_iter().collect(), key: Some(format!("{:032x}", Digest::of_bytes(api_key.as_bytes()).value)) }
    }
}

/// An account that is or was connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAccount {
    /// Its number here.
    pub number: ShipstationAccount,
    /// Every store that it was seen with.
    #[serde(default)]
    pub stores: BTreeSet<StoreId>,
    /// Digests of the keys that it was connected with.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Time of the last connection, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<Timestamp>,
}

impl KnownAccount {
    /// An account of which nothing is known but that it was connected.
    #[must_use]
    pub fn new(number: ShipstationAccount) -> Self {
        Self { number, stores: BTreeSet::new(), keys: Vec::new(), connected_at: None }
    }

    fn shares_a_store(&self, evidence: &Evidence) -> bool {
        !self.stores.is_disjoint(&evidence.stores)
    }

    fn had_the_key(&self, evidence: &Evidence) -> bool {
        evidence.key.as_ref().is_some_and(|key| self.keys.contains(key))
    }

    /// An earlier release kept nothing of it, and no sale of it names a store.
    fn is_anybody(&self) -> bool {
        self.stores.is_empty() && self.keys.is_empty()
    }

    fn learn(&mut self, evidence: &Evidence) -> bool {
        let before = self.clone();
        self.stores.extend(&evidence.stores);
        if let Some(key) = &evidence.key {
            self.keys.retain(|known| known != key);
            self.keys.push(key.clone());
            let excess = self.keys.len().saturating_sub(MOST_KEYS);
            self.keys.drain(..excess);
        }
        *self != before
    }
}

/// Every account that is or was connected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// In the order of their numbers.
    pub known: Vec<KnownAccount>,
}

impl Accounts {
    /// The known account that this is; none for a new one. A shared store decides, then a key; of several the one that was connected last.
    #[must_use]
    pub fn identify(&self, evidence: &Evidence) -> Option<ShipstationAccount> {
        let latest = |told: &dyn Fn(&KnownAccount) -> bool| {
            self.known.iter().filter(|account| told(account)).max_by_key(|account| (account.connected_at, account.number))
        };
        let told = latest(&|account| account.shares_a_store(evidence))
            .or_else(|| latest(&|account| account.had_the_key(evidence)))
            .or_else(|| latest(&KnownAccount::is_anybody));
        told.map(|account| account.number)
    }

    /// The account that this is, which may be a new one, with what was seen of it.
    pub fn connect(&mut self, evidence: &Evidence, at: Timestamp) -> ShipstationAccount {
        let number = self.identify(evidence).unwrap_or_else(|| self.next());
        self.learn(number, evidence);
        for account in self.known.iter_mut().filter(|account| account.number == number) {
            account.connected_at = Some(at);
        }
        number
    }

    /// Adds what was seen of an account. Answers whether that is news.
    pub fn learn(&mut self, number: ShipstationAccount, evidence: &Evidence) -> bool {
        if let Some(account) = self.known.iter_mut().find(|account| account.number == number) {
            return account.learn(evidence);
        }
        let mut account = KnownAccount::new(number);
        account.learn(evidence);
        self.known.push(account);
        true
    }

    /// True if anything tells an account from others.
    #[must_use]
    pub fn is_told(&self, number: ShipstationAccount) -> bool {
        self.known.iter().any(|account| account.number == number && !account.stores.is_empty())
    }

    /// The account that is or was connected last.
    #[must_use]
    pub fn latest(&self) -> Option<ShipstationAccount> {
        self.known.iter().max_by_key(|account| (account.connected_at, account.number)).map(|account| account.number)
    }

    fn next(&self) -> ShipstationAccount {
        let last = self.known.iter().map(|account| account.number.0).max();
        last.map_or(ShipstationAccount::FIRST, |last| ShipstationAccount(last.saturating_add(1)))
    }
}
