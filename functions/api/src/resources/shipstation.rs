//! ShipStation's own lists, read through for the mapping screens.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use stevedore_shipstation::{Credentials, Store, Warehouse};
use utoipa::ToSchema;

use super::Shared;
use crate::Deps;
use crate::http::paging::{ListQuery, ListView, Parameters};
use crate::http::problem::{Code, Problem};
use crate::http::router::{Routes, routes};
use crate::resources::reference::view::AddressView;

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(stores)).routes(routes!(warehouses))
}

/// A selling channel inside the ShipStation account.
#[derive(Serialize, ToSchema)]
#[schema(as = ShipstationStore)]
struct StoreView {
    store_id: u64,
    name: String,
    #[schema(required = true)]
    marketplace: Option<String>,
    active: bool,
}

/// A place that ShipStation ships from.
#[derive(Serialize, ToSchema)]
#[schema(as = ShipstationWarehouse)]
struct WarehouseView {
    warehouse_id: u64,
    name: String,
    is_default: bool,
    origin_address: AddressView,
}

impl From<Store> for StoreView {
    fn from(store: Store) -> Self {
        let Store { store_id, name, marketplace, active } = store;
        Self { store_id: store_id.0, name, marketplace, active }
    }
}

impl From<Warehouse> for WarehouseView {
    fn from(warehouse: Warehouse) -> Self {
        let Warehouse { warehouse_id, name, is_default, origin_address } = warehouse;
        Self { warehouse_id: warehouse_id.0, name, is_default, origin_address: origin_address.into() }
    }
}

impl Deps {
    async fn credentials(&self) -> Result<Credentials, Problem> {
        self.connected().await?;
        let kept = self.secrets.read().await?.ok_or_else(|| Problem::new(Code::NotConnected))?;
        Ok(Credentials { api_key: kept.api_key, api_secret: kept.api_secret })
    }
}

fn refused(error: &stevedore_shipstation::Error) -> Problem {
    Problem::shipstation(error, false)
}

/// The account's stores
#[utoipa::path(get, path = "/v1/shipstation/stores", tag = "connection", operation_id = "list_shipstation_stores",
    security(("bearer" = ["integration:shipstation:read"])), params(ListQuery),
    responses(
        (status = 200, description = "All stores, the inactive ones too.", body = ListView<StoreView>),
        (status = 409, description = "`not_connected` or `disconnecting`."),
        (status = 502, description = "ShipStation refused, or its answer was not understood; the code begins with `shipstation_`."),
        (status = 503, description = "`shipstation_unavailable`, `shipstation_throttled`, or `unavailable`."),
    ))]
async fn stores(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<StoreView>>, Problem> {
    let list = query.list();
    query.finish()?;
    let credentials = deps.credentials().await?;
    let stores = deps.shipstation.stores(&deps.call(&credentials)).await.map_err(|error| refused(&error))?;
    Ok(Json(ListView::cut(stores.into_iter().map(StoreView::from), "stores", &list)?))
}

/// The account's warehouses
#[utoipa::path(get, path = "/v1/shipstation/warehouses", tag = "connection", operation_id = "list_shipstation_warehouses",
    security(("bearer" = ["integration:shipstation:read"])), params(ListQuery),
    responses(
        (status = 200, description = "All places that it ships from.", body = ListView<WarehouseView>),
        (status = 409, description = "`not_connected` or `disconnecting`."),
        (status = 502, description = "ShipStation refused, or its answer was not understood; the code begins with `shipstation_`."),
        (status = 503, description = "`shipstation_unavailable`, `shipstation_throttled`, or `unavailable`."),
    ))]
async fn warehouses(State(deps): Shared, mut query: Parameters) -> Result<Json<ListView<WarehouseView>>, Problem> {
    let list = query.list();
    query.finish()?;
    let credentials = deps.credentials().await?;
    let warehouses = deps.shipstation.warehouses(&deps.call(&credentials)).await.map_err(|error| refused(&error))?;
    Ok(Json(ListView::cut(warehouses.into_iter().map(WarehouseView::from), "warehouses", &list)?))
}
