//! Warehouses: a small list that settings refer to (docs/shipstation.md, section 5).

use serde::{Deserialize, Deserializer, Serialize};
use stevedore_domain::address::Address;
use stevedore_domain::ids::WarehouseId;

use super::list::{filled, parse_list};
use crate::http::{Call, Client, Error};

impl Client {
    /// All warehouses ("ship from locations").
    ///
    /// # Errors
    /// [`Error`].
    pub async fn warehouses(&self, call: &Call<'_>) -> Result<Vec<Warehouse>, Error> {
        self.read(call, "/warehouses", &[], &mut 0, |body| parse_list(body.text)).await?.value()
    }
}

/// A "ship from" location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warehouse {
    /// `warehouseId`
    pub warehouse_id: WarehouseId,
    /// `warehouseName`
    pub name: String,
    /// `isDefault`
    pub is_default: bool,
    /// `originAddress`
    pub origin_address: Address,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WarehouseWire {
    warehouse_id: WarehouseId,
    warehouse_name: Option<String>,
    is_default: Option<bool>,
    origin_address: Option<AddressWire>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddressWire {
    name: Option<String>,
    company: Option<String>,
    street1: Option<String>,
    street2: Option<String>,
    street3: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
    phone: Option<String>,
}

impl<'de> Deserialize<'de> for Warehouse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = WarehouseWire::deserialize(deserializer)?;
        let origin = wire.origin_address.unwrap_or_default();
        Ok(Self {
            warehouse_id: wire.warehouse_id,
            name: filled(wire.warehouse_name).unwrap_or_else(|| wire.warehouse_id.to_string()),
            is_default: wire.is_default.unwrap_or(false),
            origin_address: Address {
                name: filled(origin.name),
                company: filled(origin.company),
                street1: filled(origin.street1),
                street2: filled(origin.street2),
                street3: filled(origin.street3),
                city: filled(origin.city),
                state: filled(origin.state),
                postal_code: filled(origin.postal_code),
                country: filled(origin.country),
                phone: filled(origin.phone),
            },
        })
    }
}
