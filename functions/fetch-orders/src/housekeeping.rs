//! What a tick does besides downloading.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use stevedore_domain::ids::StoreId;
use stevedore_domain::operation::{OperationKind, OperationState};
use stevedore_domain::settings::Settings;
use stevedore_shipstation::{Call, Error as ShipStationError, RawOrder};

use crate::run::{Run, error_is_time};
use crate::{Deps, Error, figures};

/// How many open operations one tick settles.
const SETTLED: usize = 20;
/// A run that has not written for this long was cut off: an invocation lasts 15 minutes at most and hands on what is left.
const CUT_OFF: SignedDuration = SignedDuration::from_hours(2);
/// How old the stores' names may be.
const STORES_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Brings operations up to date whose orders were processed since, and ends those that were cut off. Answers how many orders should have an outcome by now
/// and have none.
pub(crate) async fn settle_open(deps: &Deps) -> Result<u64, Error> {
    let now = (deps.clock)();
    let mut unaccounted = 0;
    let lease = deps.table.cursor().await?.value.lease;
    for id in deps.table.open_operations(SETTLED).await? {
        let Some((operation, rows)) = deps.table.settle_operation(&id, now).await? else { continue };
        // A day's run goes on until it is done, whoever is cut off meanwhile.
        if matches!(operation.kind, OperationKind::Consolidate { local_date: Some(_) }) {
            continue;
        }
        unaccounted += figures::unaccounted(&operation, &rows, now);
        let held = lease.as_ref().is_some_and(|lease| lease.operation_id == id && lease.until > now);
        let reading = matches!(operation.state, OperationState::Running | OperationState::Queued);
        // A download loses nothing by being cut off: the next one begins at the cursor.
        let limit = if operation.kind == OperationKind::Download { SignedDuration::from_mins(20) } else { CUT_OFF };
        if reading && !held && now.duration_since(operation.started_at) > limit {
            let Some(stored) = deps.table.operation(&id).await? else { continue };
            let mut operation = stored.value;
            operation.state = OperationState::Failed;
            operation.read_at = Some(now);
            operation.finished_at = Some(now);
            operation.reason = Some("cut_off".to_owned());
            operation.message = Some(
                "The run was cut off. Scheduled downloads go on by themselves where it stopped; start it again if a person did.".to_owned(),
            );
            deps.table.put_operation(&operation, stored.version).await?;
        }
    }
    Ok(unaccounted)
}

/// Keeps what ShipStation said about its limit, for the people who look on (N19). Nothing depends on it, so a failure costs nothing else.
pub(crate) async fn keep_pace(deps: &Deps) {
    let Some(state) = deps.shipstation.pacing() else { return };
    let pacing = stevedore_aws::Pacing { limit: state.limit, remaining: state.remaining, resets_at: state.resets_at };
    if let Err(error) = deps.table.put_pacing(&pacing).await {
        tracing::debug!(error = %stevedore_lambda::ErrorChain(&error), "the pace was not kept");
    }
}

/// Reads the stores' names before orders of a store are queued whose name is not known, and once a day; before anything else where no name is known at all,
/// since later the orders may need all of the time.
///
/// Sales name their store, so a failure costs the name and nothing else, unless the name is the sale's representative: then, as where there is no time to ask,
/// the inner result says so, and the orders are to be read once more.
pub(crate) async fn refresh_stores(
    deps: &Deps,
    run: &mut Run,
    call: &Call<'_>,
    orders: &[RawOrder],
    settings: &Settings,
) -> Result<Result<(), ShipStationError>, Error> {
    let stores = orders.iter().filter_map(|order| order.parsed.as_ref().ok()?.order.store_id);
    let wanted: BTreeSet<StoreId> = stores.collect();
    if run.stores_read {
        return Ok(Ok(()));
    }
    let now = (deps.clock)();
    if let Some((names, read_at)) = deps.table.store_names().await? {
        let fresh = now.duration_since(read_at) < STORES_AGE && wanted.iter().all(|store| names.contains_key(store));
        if wanted.is_empty() || fresh {
            return Ok(Ok(()));
        }
    }
    run.operation.requests = run.operation.requests.saturating_add(1);
    match deps.shipstation.stores(call).await {
        Ok(stores) => {
            let names = stores.into_iter().map(|store| (store.store_id, store.name)).collect();
            deps.table.put_store_names(names, now).await?;
        }
        Err(error) if error_is_time(&error) || settings.store_name_as_sales_rep => return Ok(Err(error)),
        Err(error) => tracing::warn!(reason = error.code(), "the stores' names could not be read"),
    }
    // Once a run: a store that ShipStation does not name will not be named by asking again.
    run.stores_read = true;
    Ok(Ok(()))
}
