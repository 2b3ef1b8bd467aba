//! Stores: a small list that settings refer to (docs/shipstation.md, section 5). Every account has it, so that it also shows if ShipStation answers at all.

use serde::{Deserialize, Deserializer, Serialize};
use stevedore_domain::ids::StoreId;

use super::list::{filled, parse_list};
use crate::http::{Call, Client, Error};

const STORES: &str = "/stores";

impl Client {
    /// Verifies the credentials by a cheap live call (S16).
    ///
    /// # Errors
    /// [`Error::Unauthorized`] and the rest of [`Error`].
    pub async fn verify_credentials(&self, call: &Call<'_>) -> Result<(), Error> {
        self.read(call, STORES, &[], &mut 0, |body| parse_list::<serde::de::IgnoredAny>(body.text)).await?.value().map(|_| ())
    }

    /// All stores, the inactive ones too. `GET /stores` answers with a bare array (docs/shipstation.md, section 2.2).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn stores(&self, call: &Call<'_>) -> Result<Vec<Store>, Error> {
        let query = [("showInactive", "true".to_owned())];
        self.read(call, STORES, &query, &mut 0, |body| parse_list(body.text)).await?.value()
    }

    /// True if ShipStation answers a question that no order has part in, asked once: it tells an order that a gateway breaks at from an outage.
    pub async fn answers(&self, call: &Call<'_>) -> bool {
        self.answers_at(call, STORES).await
    }
}

/// A selling channel inside the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Store {
    /// `storeId`
    pub store_id: StoreId,
    /// `storeName`
    pub name: String,
    /// `marketplaceName`: `ShipStation` for manual orders.
    pub marketplace: Option<String>,
    /// `active`
    pub active: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoreWire {
    store_id: StoreId,
    store_name: Option<String>,
    marketplace_name: Option<String>,
    active: Option<bool>,
}

impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = StoreWire::deserialize(deserializer)?;
        Ok(Self {
            store_id: wire.store_id,
            name: filled(wire.store_name).unwrap_or_else(|| wire.store_id.to_string()),
            marketplace: filled(wire.marketplace_name),
            active: wire.active.unwrap_or(true),
        })
    }
}
