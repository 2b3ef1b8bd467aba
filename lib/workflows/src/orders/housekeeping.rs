//! Work of a tick besides downloading.

use jiff::tz::TimeZone;
use stevedore_aws::{Recovered, Stored};
use stevedore_domain::settings::Settings;
use stevedore_domain::tally;
use stevedore_lambda::{Deadline, ErrorChain};

use super::{Deps, Error, MARGIN};

/// Number of open operations that one tick settles.
const SETTLED: usize = 20;

/// Work that follows every tick's own: operations are settled, and work on large sales that was cut off is brought to its end. A failure is logged with
/// what it is about and costs nothing else; the next tick tries again. Answers how many orders should have an outcome by now and have none.
pub(crate) async fn keep(deps: &Deps, deadline: Deadline) -> u64 {
    if deadline.is_near((deps.clock)(), MARGIN) {
        return 0;
    }
    let unaccounted = settle_open(deps, deadline).await.unwrap_or_else(|error| {
        tracing::error!(error = %ErrorChain(&error), "operations could not be settled");
        0
    });
    if deadline.is_near((deps.clock)(), MARGIN) {
        return unaccounted;
    }
    match deps.table.recover_abandoned((deps.clock)()).await {
        Ok(Recovered { sales, failed }) => {
            if sales > 0 {
                tracing::warn!(sales, "work on large sales was cut off and brought to its end");
            }
            for (sale_id, error) in failed {
                tracing::error!(%sale_id, error = %ErrorChain(&error), "work on a large sale was cut off and cannot be brought to its end yet");
            }
        }
        Err(error) => tracing::error!(error = %ErrorChain(&error), "work on large sales that was cut off could not be looked for"),
    }
    unaccounted
}

/// Removes what a disconnected account left in the log. A failure is logged; the next tick tries again.
pub(crate) async fn sweep(deps: &Deps) {
    match deps.table.sweep_disconnected((deps.clock)()).await {
        Ok(0) => {}
        Ok(entries) => tracing::info!(entries, "entries that a disconnect had left behind are removed"),
        Err(error) => tracing::error!(error = %ErrorChain(&error), "what a disconnect left behind could not be looked for"),
    }
}

/// Makes the home page's counts anew, once somebody has looked at them: who looks later finds them in one request. A failure is logged and costs nothing else.
pub(crate) async fn keep_counts(deps: &Deps, settings: &Settings) {
    let count = async || {
        if deps.table.tally().await?.is_some() {
            let now = (deps.clock)();
            let zone = TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC);
            deps.table.count_anew(tally::midnight(&zone, now), now).await?;
        }
        Ok::<(), Error>(())
    };
    if let Err(error) = count().await {
        tracing::error!(error = %ErrorChain(&error), "the home page's counts could not be made anew");
    }
}

/// Brings operations up to date whose orders were processed since, and ends those that were cut off. Answers how many orders should have an outcome by now
/// and have none.
async fn settle_open(deps: &Deps, deadline: Deadline) -> Result<u64, Error> {
    let now = (deps.clock)();
    let mut unaccounted = 0;
    let lease = deps.table.cursor().await?.value.lease;
    for id in deps.table.open_operations(SETTLED).await? {
        if deadline.is_near((deps.clock)(), MARGIN) {
            break;
        }
        let settled = match deps.table.settle(&id, now).await {
            Ok(Some(settled)) => settled,
            Ok(None) => continue,
            Err(error) => {
                tracing::error!(operation_id = %id, error = %ErrorChain(&error), "the operation could not be settled");
                continue;
            }
        };
        unaccounted += settled.operation.unaccounted(settled.not_processed, now);
        let held = lease.as_ref().is_some_and(|lease| lease.operation_id == id && lease.until > now);
        if held || !settled.operation.is_cut_off(now) {
            continue;
        }
        let Some(Stored { value: mut operation, version }) = deps.table.operation(&id).await? else { continue };
        if operation.is_cut_off(now) {
            tracing::warn!(operation_id = %id, "the operation was cut off");
            operation.cut_off(now);
            deps.table.put_operation(&operation, version).await?;
        }
    }
    Ok(unaccounted)
}
