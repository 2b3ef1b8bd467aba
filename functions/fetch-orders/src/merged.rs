//! Orders that were combined into others vanish from ShipStation (N4; facts sheet, section 3.5). The survivor names them.

use std::collections::{BTreeSet, HashMap};

use stevedore_aws::StoredEntry;
use stevedore_domain::ids::OrderId;
use stevedore_domain::log::LogState;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::Warning;
use stevedore_shipstation::{Call, Error as ShipStationError, RawOrder};

use crate::run::Run;
use crate::{Deps, Error};

/// Withdraws pending orders that were merged into one that was just read. The same list names the children of a split, which still exist: only a
/// 404 tells the two apart.
///
/// The inner result is ShipStation's: nobody may move on past a survivor whose orders could not be asked for, or one of them would be booked beside it.
pub(crate) async fn withdraw(
    deps: &Deps,
    run: &mut Run,
    call: &Call<'_>,
    orders: &[RawOrder],
    entries: &HashMap<OrderId, StoredEntry>,
) -> Result<Result<(), ShipStationError>, Error> {
    let mut asked = BTreeSet::new();
    for survivor in orders.iter().filter_map(|order| order.parsed.as_ref().ok()).map(|revision| &revision.order) {
        for id in survivor.merged_ids.iter().filter(|id| **id != survivor.id) {
            let Some(entry) = entries.get(id).map(|stored| &stored.entry) else { continue };
            let known =
                entry.state == LogState::Withdrawn || entry.warnings.iter().any(|warning| warning.reason == Reason::MergedAfterBooking);
            if known || !asked.insert(*id) {
                continue;
            }
            run.operation.requests = run.operation.requests.saturating_add(1);
            match deps.shipstation.order(call, *id).await {
                Ok(None) => {}
                // It exists; also where it breaks ShipStation, which must not hold up everything behind it.
                Ok(Some(_)) | Err(ShipStationError::Unavailable { status: Some(500), .. }) => continue,
                Err(error) => {
                    tracing::warn!(order_id = %id, reason = error.code(), "could not ask whether the order was merged away");
                    return Ok(Err(error));
                }
            }
            let now = (deps.clock)();
            let by = run.operation.id.to_string();
            let detail = format!("Combined into order {} ({}).", survivor.number, survivor.id);
            deps.table
                .change_log_entry(*id, |entry| {
                    if entry.state.is_open() {
                        let warning = Warning::new(Reason::MergedAway, &detail);
                        entry.state = LogState::Withdrawn;
                        entry.reason = Some(warning.reason);
                        entry.message = Some(warning.message);
                        entry.note(now, format!("combined into order {} in ShipStation and withdrawn", survivor.id), &by);
                        return true;
                    }
                    if matches!(entry.state, LogState::Booked | LogState::Consolidating) {
                        entry.warn(Warning::new(Reason::MergedAfterBooking, &detail));
                        entry.note(now, format!("combined into order {} in ShipStation after booking", survivor.id), &by);
                        return true;
                    }
                    false
                })
                .await?;
        }
    }
    Ok(Ok(()))
}
