//! Orders that wait, tried again without anybody's word: with every download, and when a setting or record was completed (N2, U22).
//!
//! What is booked by that belongs to an operation of its own. While nothing comes of it nobody sees it, and it is taken away again in the end: an order that
//! stays blocked is tried with every download.

use std::collections::BTreeSet;

use stevedore_aws::StoredEntry;
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::log::Trigger;
use stevedore_domain::operation::{Operation, OperationKind, OperationState, SYSTEM, Work};
use stevedore_domain::settings::Settings;
use stevedore_lambda::Deadline;

use super::presence::{self, Presence};
use super::run::Run;
use super::{Deps, Error, requeue};

/// Number of open orders of each state that one tick tries again by itself.
const PER_TICK: usize = 200;
/// Operations of one millisecond are told apart by trying the next.
const ATTEMPTS: u32 = 20;

/// Orders that something here keeps from being booked are tried again with every download: the command that should have done it may have been lost.
/// Not those that this download has just `queued`: of two revisions on their way at once the older could be booked.
pub(crate) async fn with_a_download(deps: &Deps, settings: &Settings, queued: &BTreeSet<OrderId>, deadline: Deadline) -> Result<(), Error> {
    every(deps, settings, PER_TICK, queued, presence::PER_TICK, deadline).await
}

/// Requests the orders that a setting or record was completed for: these orders, or all.
pub(crate) async fn after_a_change(deps: &Deps, orders: Option<&[OrderId]>, deadline: Deadline) -> Result<(), Error> {
    let settings = deps.table.settings().await?.value;
    let Some(orders) = orders else {
        return every(deps, &settings, requeue::PER_COMMAND, &BTreeSet::new(), presence::PER_COMMAND, deadline).await;
    };
    let mut healing = None;
    let mut open = requeue::open_among(deps, orders).await?;
    if let Some(credentials) = presence::credentials(deps).await? {
        Presence::new(deps, &credentials, presence::PER_COMMAND, SYSTEM, deadline).retain(deps, &mut open).await?;
    }
    queue(deps, &settings, &mut healing, &open).await?;
    end(deps, healing).await
}

async fn every(
    deps: &Deps,
    settings: &Settings,
    limit: usize,
    but: &BTreeSet<OrderId>,
    requests: u32,
    deadline: Deadline,
) -> Result<(), Error> {
    let mut healing = None;
    let credentials = presence::credentials(deps).await?;
    let mut presence = credentials.as_ref().map(|credentials| Presence::new(deps, credentials, requests, SYSTEM, deadline));
    let mut open = requeue::OpenOrders::new(settings, limit);
    while let Some(mut page) = open.next(deps).await? {
        page.retain(|stored| !but.contains(&stored.entry.order_id));
        if let Some(presence) = &mut presence {
            presence.retain(deps, &mut page).await?;
        }
        queue(deps, settings, &mut healing, &page).await?;
    }
    end(deps, healing).await
}

/// Queues open orders, of whose rows the operation knows before the first of them can be booked.
async fn queue(deps: &Deps, settings: &Settings, healing: &mut Option<Run>, open: &[StoredEntry]) -> Result<(), Error> {
    if open.is_empty() {
        return Ok(());
    }
    let run = match healing {
        Some(run) => run,
        None => healing.insert(begin(deps, settings).await?),
    };
    let id = run.operation.id.clone();
    let mut ready = requeue::ready(deps, &id, open).await?;
    let first = run.operation.pages;
    run.operation.pages = deps.table.put_operation_rows(&id, first, &ready.rows).await?;
    if requeue::send(deps, &mut ready).await? {
        run.operation.pages = deps.table.put_operation_rows(&id, first, &ready.rows).await?;
    }
    Ok(())
}

async fn begin(deps: &Deps, settings: &Settings) -> Result<Run, Error> {
    let now = (deps.clock)();
    for attempt in 1..=ATTEMPTS {
        let kind = OperationKind::ProcessPending { order_ids: None };
        let operation = Operation {
            id: OperationId::at(now, "healing", attempt),
            trigger: Trigger::Schedule,
            state: OperationState::Running,
            work: Some(Work { by: stevedore_aws::invocation_id(now), written_at: now, held_until: None }),
            ..Operation::new(kind, deps.table.account(), SYSTEM, now)
        };
        if let Some(version) = deps.table.create_operation(&operation).await? {
            return Ok(Run::new(operation, version, settings.clone()));
        }
    }
    Err(Error::Aws(stevedore_aws::Error::Contended { operation: "begin a healing" }))
}

/// Everything is queued: the log tells what comes of it.
async fn end(deps: &Deps, healing: Option<Run>) -> Result<(), Error> {
    let Some(mut run) = healing else { return Ok(()) };
    run.finish(deps).await?;
    tracing::info!(operation_id = %run.operation.id, "open orders queued again");
    Ok(())
}
