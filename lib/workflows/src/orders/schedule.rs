//! The schedule's tick.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stevedore_aws::{Connection, ConnectionMode, Cursor, Lease, Stored};
use stevedore_domain::ids::OperationId;
use stevedore_domain::log::Trigger;
use stevedore_domain::operation::{Operation, OperationKind, OperationState, SCHEDULE, Window, Work};
use stevedore_domain::pacific::PacificTime;
use stevedore_domain::settings::Settings;
use stevedore_lambda::Deadline;

use super::alike::Queued;
use super::download::{self, Run};
use super::{Deps, Error, MARGIN, housekeeping, metrics, position, presence};

/// A tick counts as due this much early: schedules are not exact.
const SLACK: SignedDuration = SignedDuration::from_secs(150);
/// Longer than an invocation can last.
const LEASE: SignedDuration = SignedDuration::from_mins(16);

/// True if a tick at `at` begins a download (`poll_minutes`). A tick that is not later than the last is one that a person sent, or one that came again.
fn is_due(at: Timestamp, last: Option<Timestamp>, settings: &Settings) -> bool {
    let Some(last) = last else { return true };
    let elapsed = at.duration_since(last);
    elapsed <= SignedDuration::ZERO || elapsed >= SignedDuration::from_mins(i64::from(settings.poll_minutes)) - SLACK
}

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
    let Run { operation, queued, .. } = match download::read(deps, run, deadline).await {
        Ok(run) => run,
        Err(error) => {
            // Lambda delivers the tick again: it must not find itself locked out.
            give_back(deps, &id).await;
            return Err(error);
        }
    };
    super::heal::with_a_download(deps, &queued, deadline).await?;
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
    let delay = SignedDuration::from_mins(i64::from(settings.download_delay_minutes));
    let until = (settings.download_delay_minutes > 0).then(|| PacificTime::at(now.saturating_sub(delay).unwrap_or(now)));
    let mut operation = Operation {
        trigger: Trigger::Schedule,
        window: Some(Window { from, until }),
        state: OperationState::Running,
        work: Some(Work { by: stevedore_aws::invocation_id(now), written_at: now, held_until: None }),
        ..Operation::new(OperationKind::Download, deps.table.account(), SCHEDULE, now)
    };
    operation.id = free_id(deps, now).await?;
    let lease = Lease { operation_id: operation.id.clone(), until: now.saturating_add(LEASE).unwrap_or(now) };
    let cursor = Cursor { lease: Some(lease), last_tick: Some(cursor.last_tick.map_or(at, |last| last.max(at))), ..cursor };
    let Some(cursor_version) = deps.table.put_cursor(&cursor, version).await? else { return Ok(None) };
    let Some(version) = deps.table.create_operation(&operation).await? else { return Ok(None) };
    let cursor = Some((cursor, cursor_version));
    Ok(Some(Run { operation, version, cursor, queued: BTreeSet::new(), alike: Queued::default(), stores_read: false }))
}

/// Gives the lease of a failed run back, as far as that works; else it runs out.
async fn give_back(deps: &Deps, id: &OperationId) {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// S104: once an hour by default, however often the schedule ticks.
    #[test]
    fn s104_a_download_is_due_once_an_hour_by_default() {
        let settings = Settings::default();
        let last: Timestamp = "2026-01-15T09:00:00Z".parse().unwrap();
        let after = |minutes| is_due(last.saturating_add(SignedDuration::from_mins(minutes)).unwrap(), Some(last), &settings);
        assert!(is_due(last, None, &settings));
        assert!(!after(5) && !after(30) && !after(55));
        assert!(after(60) && after(58) && after(600));
        // The same tick again, or an old event sent by hand.
        assert!(after(0) && after(-60));
    }

    #[test]
    fn polling_may_be_shortened_to_five_minutes() {
        let settings = Settings { poll_minutes: 5, ..Settings::default() };
        let last: Timestamp = "2026-01-15T09:00:00Z".parse().unwrap();
        assert!(is_due("2026-01-15T09:05:00Z".parse().unwrap(), Some(last), &settings));
        assert!(!is_due("2026-01-15T09:01:00Z".parse().unwrap(), Some(last), &settings));
    }
}
