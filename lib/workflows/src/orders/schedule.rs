//! The schedule's tick.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stevedore_aws::{Connection, ConnectionMode, Cursor, Lease, Stored};
use stevedore_domain::ids::OperationId;
use stevedore_domain::log::Trigger;
use stevedore_domain::operation::{Operation, OperationKind, OperationState, SCHEDULE, Window, Work};
use stevedore_domain::schedule::{is_due, window_end};
use stevedore_domain::settings::Settings;
use stevedore_lambda::Deadline;

use super::run::Run;
use super::{Deps, Error, MARGIN, download, heal, housekeeping, metrics, position, presence};

/// Longer than an invocation can last.
const LEASE: SignedDuration = SignedDuration::from_mins(16);

/// One tick: first the download, if it is due, then housekeeping, which neither delays nor fails it.
pub(crate) async fn tick(deps: &Deps, at: Timestamp, deadline: Deadline) -> Result<Value, Error> {
    let Some(connection) = deps.table.connection().await? else {
        housekeeping::sweep(deps).await;
        return Ok(not_run("not_connected"));
    };
    if connection.value.disconnecting {
        return Ok(not_run("not_connected"));
    }
    if !connection.value.modes.contains(&ConnectionMode::Store) {
        housekeeping::sweep(deps).await;
        return Ok(not_run("not_connected"));
    }
    let settings = deps.table.settings().await?.value;
    let cursor = deps.table.cursor().await?;
    let began = (deps.clock)();
    let place = cursor.value.clone();
    let answer = Box::pin(download(deps, &settings, &connection.value, cursor, at, deadline)).await;
    if !settings.paused {
        presence::before_the_day(deps, &settings, deadline).await;
    }
    let unaccounted = housekeeping::keep(deps, deadline).await;
    if !deadline.is_near((deps.clock)(), MARGIN) {
        housekeeping::sweep(deps).await;
        housekeeping::keep_counts(deps, &settings).await;
    }
    if !settings.paused {
        metrics::tick(&place, &settings, unaccounted, began);
    }
    answer
}

fn not_run(reason: &str) -> Value {
    tracing::info!(reason, "no download");
    json!({"ran": false, "reason": reason})
}

async fn download(
    deps: &Deps,
    settings: &Settings,
    connection: &Connection,
    cursor: Stored<Cursor>,
    at: Timestamp,
    deadline: Deadline,
) -> Result<Value, Error> {
    if settings.paused {
        return Ok(not_run("paused"));
    }
    let Stored { value: cursor, version } = cursor;
    let now = (deps.clock)();
    if cursor.lease.as_ref().is_some_and(|lease| lease.until > now) {
        return Ok(not_run("already_running"));
    }
    // A lease that ran out belongs to a download that was cut off: what it left is due at once.
    if cursor.lease.is_none() && !is_due(at, cursor.last_tick, settings) {
        return Ok(not_run("not_due"));
    }
    let Some(run) = begin(deps, settings, connection, cursor, version, at).await? else { return Ok(not_run("already_running")) };
    let id = run.operation.id.clone();
    let Run { operation, queued, .. } = match Box::pin(download::read(deps, run, deadline)).await {
        Ok(run) => run,
        Err(error) => {
            // Lambda delivers the tick again: it must not find itself locked out.
            release_lease(deps, &id).await;
            return Err(error);
        }
    };
    heal::with_a_download(deps, settings, &queued, deadline).await?;
    Ok(json!({"ran": true, "operation_id": operation.id, "state": operation.state, "counts": operation.counts}))
}

/// Takes the lease and makes the operation.
async fn begin(
    deps: &Deps,
    settings: &Settings,
    connection: &Connection,
    mut cursor: Cursor,
    version: u64,
    at: Timestamp,
) -> Result<Option<Run>, Error> {
    let now = (deps.clock)();
    let from = position::begin_at(deps, &mut cursor, connection, now).await?;
    let mut operation = Operation {
        trigger: Trigger::Schedule,
        window: Some(Window { from, until: window_end(settings, now) }),
        state: OperationState::Running,
        work: Some(Work { by: stevedore_aws::invocation_id(now), written_at: now, held_until: None }),
        ..Operation::new(OperationKind::Download, deps.table.account(), SCHEDULE, now)
    };
    operation.id = free_id(deps, now).await?;
    let lease = Lease { operation_id: operation.id.clone(), until: now.saturating_add(LEASE).unwrap_or(now) };
    let cursor = Cursor { lease: Some(lease), last_tick: Some(cursor.last_tick.map_or(at, |last| last.max(at))), ..cursor };
    let Some(cursor_version) = deps.table.put_cursor(&cursor, version).await? else { return Ok(None) };
    let Some(version) = deps.table.create_operation(&operation).await? else { return Ok(None) };
    Ok(Some(Run { cursor: Some((cursor, cursor_version)), ..Run::new(operation, version, settings.clone()) }))
}

/// Gives the lease of a failed run back, as far as that works; else it runs out.
async fn release_lease(deps: &Deps, id: &OperationId) {
    let Ok(Stored { value: cursor, version }) = deps.table.cursor().await else { return };
    if cursor.lease.as_ref().is_some_and(|lease| lease.operation_id == *id) {
        let cursor = Cursor { lease: None, last_tick: None, ..cursor };
        if let Err(error) = deps.table.put_cursor(&cursor, version).await {
            tracing::warn!(error = %stevedore_lambda::ErrorChain(&error), "the lease could not be given back; it runs out by itself");
        }
    }
}

/// Takes the lease for an operation that goes on. Nothing while another download holds it.
pub(crate) async fn resume_lease(deps: &Deps, id: &OperationId) -> Result<Option<(Cursor, u64)>, Error> {
    let now = (deps.clock)();
    let Stored { value: cursor, version } = deps.table.cursor().await?;
    if cursor.lease.as_ref().is_some_and(|lease| lease.until > now && lease.operation_id != *id) {
        return Ok(None);
    }
    let cursor = Cursor { lease: Some(Lease { operation_id: id.clone(), until: now.saturating_add(LEASE).unwrap_or(now) }), ..cursor };
    Ok(deps.table.put_cursor(&cursor, version).await?.map(|version| (cursor, version)))
}

/// An id that no operation has.
async fn free_id(deps: &Deps, now: Timestamp) -> Result<OperationId, Error> {
    let mut at = now;
    loop {
        let id = OperationKind::Download.spec().id(at, 1);
        if deps.table.operation(&id).await?.is_none() {
            return Ok(id);
        }
        at = at.saturating_add(SignedDuration::from_millis(1)).unwrap_or(at);
    }
}
