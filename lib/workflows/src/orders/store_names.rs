//! The stores' names, which sales show.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use stevedore_domain::ids::StoreId;
use stevedore_shipstation::{Call, RawOrder};

use super::Deps;
use super::run::Run;
use super::stop::{Stop, is_time};

/// Age that the stores' names may have.
const STORES_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Reads the stores' names before orders of a store are queued whose name is not known, and once a day; before anything else where no name is known at all,
/// since later the orders may need all of the time.
///
/// Sales name their store, so a failure costs the name and nothing else, unless the name is the sale's representative.
///
/// # Errors
/// [`Stop::ShipStation`] then, as where there is no time to ask: the orders are to be read once more.
pub(crate) async fn refresh(deps: &Deps, run: &mut Run, call: &Call<'_>, orders: &[RawOrder]) -> Result<(), Stop> {
    if run.stores_read {
        return Ok(());
    }
    let stores = orders.iter().filter_map(|order| order.parsed.as_ref().ok()?.order.store_id);
    let wanted: BTreeSet<StoreId> = stores.collect();
    let now = (deps.clock)();
    if let Some((names, read_at)) = deps.table.store_names().await? {
        let fresh = now.duration_since(read_at) < STORES_AGE && wanted.iter().all(|store| names.contains_key(store));
        if wanted.is_empty() || fresh {
            return Ok(());
        }
    }
    run.count_requests(1);
    match deps.shipstation.stores(call).await {
        Ok(stores) => {
            let names = stores.into_iter().map(|store| (store.store_id, store.name)).collect();
            deps.table.put_store_names(names, now).await?;
        }
        Err(error) if is_time(&error) || run.settings.store_name_as_sales_rep => return Err(error.into()),
        Err(error) => tracing::warn!(reason = error.code(), "the stores' names could not be read"),
    }
    // Once a run: a store that ShipStation does not name will not be named by asking again.
    run.stores_read = true;
    Ok(())
}
