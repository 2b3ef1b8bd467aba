//! Records that the settings may name: one call for the screens that edit them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use stevedore_aws::{Error, List, Record};
use stevedore_domain::reference::{Account, AccountKind, Customer, Location, TaxRule};
use utoipa::ToSchema;

use super::Shared;
use crate::Deps;
use crate::http::problem::Problem;
use crate::http::router::{Routes, routes};
use crate::resources::enums::account_kind;

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(choices))
}

/// Records of each kind that are offered; a setting may name any other.
const MOST: usize = 200;

/// Records that the settings may name.
#[derive(Debug, Serialize, ToSchema)]
struct Choices {
    accounts: Vec<AccountChoice>,
    /// The newest; the one that the settings name is among them.
    customers: Vec<Choice>,
    locations: Vec<Choice>,
    tax_rules: Vec<Choice>,
    /// Names of the time-zone database.
    time_zones: Vec<String>,
    /// The stores as the last download knew them.
    stores: Vec<StoreChoice>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Choice {
    id: String,
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct AccountChoice {
    id: String,
    name: String,
    #[schema(schema_with = account_kind)]
    kind: AccountKind,
    receives_payments: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct StoreChoice {
    store_id: u64,
    name: String,
}

async fn newest<T: Record>(deps: &Deps) -> Result<Vec<T>, Error> {
    let page = deps.table.list_records::<T>(&List { limit: MOST, ..List::default() }).await?;
    Ok(page.items.into_iter().map(|stored| stored.value).collect())
}

/// Records that the settings may name
#[utoipa::path(get, path = "/v1/settings/choices", tag = "settings", operation_id = "list_settings_choices",
    description = "The newest 200 of each kind.",
    security(("bearer" = ["integration:shipstation:read"])),
    responses((status = 200, description = "Records by name.", body = Choices)))]
async fn choices(State(deps): Shared) -> Result<Json<Choices>, Problem> {
    let (accounts, mut customers, locations, rules, stores, settings) = tokio::try_join!(
        newest::<Account>(&deps),
        newest::<Customer>(&deps),
        newest::<Location>(&deps),
        newest::<TaxRule>(&deps),
        deps.table.store_names(),
        deps.table.settings(),
    )?;
    let named = settings.value.customer_id.filter(|id| !customers.iter().any(|known| known.id == *id));
    customers.extend(deps.table.records::<Customer>(named.map(|id| id.0)).await?);
    let accounts = accounts.into_iter().map(|account| AccountChoice {
        id: account.id.0,
        name: account.name,
        kind: account.kind,
        receives_payments: account.receives_payments,
    });
    let stores = stores.map(|(names, _)| names).unwrap_or_default();
    Ok(Json(Choices {
        accounts: accounts.collect(),
        customers: customers.into_iter().map(|record| Choice { id: record.id.0, name: record.name }).collect(),
        locations: locations.into_iter().map(|record| Choice { id: record.id.0, name: record.name }).collect(),
        tax_rules: rules.into_iter().map(|record| Choice { id: record.id.0, name: record.name }).collect(),
        time_zones: jiff::tz::db().available().map(|name| name.to_string()).collect(),
        stores: stores.into_iter().map(|(id, name)| StoreChoice { store_id: id.0, name }).collect(),
    }))
}
