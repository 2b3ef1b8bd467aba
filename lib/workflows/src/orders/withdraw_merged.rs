//! Orders that were combined into others vanish from ShipStation (N4; docs/shipstation.md, section 3.5). The survivor names them.

use std::collections::{BTreeSet, HashMap};

use stevedore_aws::StoredEntry;
use stevedore_domain::ids::OrderId;
use stevedore_domain::log::Gone;
use stevedore_shipstation::{Call, RawOrder};

use super::run::Run;
use super::stop::Stop;
use super::{Deps, one_order};

/// Withdraws pending orders that were merged into one that was just read. The same list names the children of a split, which still exist: only a
/// 404 tells the two apart.
///
/// # Errors
/// [`Stop::ShipStation`]: the run must not move on past a survivor whose orders could not be asked for, or one of them would be booked beside it.
pub(crate) async fn withdraw(
    deps: &Deps,
    run: &mut Run,
    call: &Call<'_>,
    orders: &[RawOrder],
    entries: &HashMap<OrderId, StoredEntry>,
) -> Result<(), Stop> {
    let mut asked = BTreeSet::new();
    for survivor in orders.iter().filter_map(|order| order.parsed.as_ref().ok()).map(|revision| &revision.order) {
        for id in survivor.merged_ids.iter().filter(|id| **id != survivor.id) {
            let Some(entry) = entries.get(id).map(|stored| &stored.entry) else { continue };
            if !entry.may_be_merged_away() || !asked.insert(*id) {
                continue;
            }
            run.count_requests(1);
            match deps.shipstation.order(call, *id).await {
                Ok(None) => {}
                // It exists; also where it breaks ShipStation, which must not hold up everything behind it.
                Ok(Some(_)) => continue,
                Err(error) if one_order::is_its_own(deps, call, &error).await => continue,
                Err(error) => {
                    tracing::warn!(order_id = %id, reason = error.code(), "could not ask whether the order was merged away");
                    return Err(error.into());
                }
            }
            let gone = Gone { at: (deps.clock)(), into: Some(survivor.id) };
            let by = run.operation.id.to_string();
            deps.table.change_log_entry(*id, |entry| entry.vanished(gone, Some(survivor), &by)).await?;
        }
    }
    Ok(())
}

/// Orders that one of these named as combined into it, and names no more: uncombined, they are back, whether or not their own `modifyDate` says so. Their entries join
/// the `entries`.
///
/// # Errors
/// As [`withdraw`].
pub(crate) async fn returned(
    deps: &Deps,
    run: &mut Run,
    call: &Call<'_>,
    orders: &[RawOrder],
    entries: &mut HashMap<OrderId, StoredEntry>,
) -> Result<Vec<RawOrder>, Stop> {
    let mut left = BTreeSet::new();
    for order in orders.iter().filter_map(|order| order.parsed.as_ref().ok()).map(|revision| &revision.order) {
        left.extend(entries.get(&order.id).into_iter().flat_map(|stored| stored.entry.no_longer_named(order)));
    }
    left.retain(|id| orders.iter().filter_map(|order| order.parsed.as_ref().ok()).all(|revision| revision.order.id != *id));
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let mut returned = Vec::new();
    for (id, stored) in deps.table.log_entries(left).await? {
        if stored.entry.gone().is_none() {
            continue;
        }
        run.count_requests(1);
        match deps.shipstation.order(call, id).await {
            Ok(Some(order)) => returned.push(order),
            Ok(None) => continue,
            Err(error) if one_order::is_its_own(deps, call, &error).await => continue,
            Err(error) => {
                tracing::warn!(order_id = %id, reason = error.code(), "could not ask whether the order is back");
                return Err(error.into());
            }
        }
        entries.insert(id, stored);
    }
    Ok(returned)
}
