//! "Is everything all right?": one call for the home page.

mod counted;
mod view;

use axum::Json;
use axum::extract::State;
use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use stevedore_aws::{Connection, ConnectionMode, Cursor, List};
use stevedore_domain::log::LogState;
use stevedore_domain::operation::OperationKind;
use stevedore_domain::settings::Settings;

use super::{Shared, zone};
use crate::http::auth::Caller;
use crate::http::problem::Problem;
use crate::http::router::{Routes, routes};
use crate::resources::operations::view::OperationView;
use view::{CountView, Facts, OverviewView, RequestsView, findings};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(show))
}

/// Log entries in a state are counted up to this.
const MOST_WAITING: u32 = 1_000;
/// Orders of the day are counted up to this.
const MOST_TODAY: u32 = 5_000;
/// Operations that are looked through for the last download and for what runs.
const OPERATIONS: usize = 20;
/// Interval of the schedule: a download begins with the first tick from its time on.
const TICK: SignedDuration = SignedDuration::from_mins(5);

/// Is everything all right?
#[utoipa::path(get, path = "/v1/overview", tag = "system", operation_id = "show_overview",
    description = "The last run and the next, what waits and what failed, and what to do about it. Counts stop at a bound, and then say `more`.",
    security(("bearer" = ["integration:shipstation:read"])),
    responses((status = 200, description = "The state of things.", body = OverviewView)))]
async fn show(State(deps): Shared, caller: Caller) -> Result<Json<OverviewView>, Problem> {
    let now = deps.now();
    let settings = deps.table.settings().await?.value;
    let local = now.to_zoned(zone(&settings));
    let midnight = local.date().to_datetime(Time::midnight()).to_zoned(zone(&settings)).map_or(now, |midnight| midnight.timestamp());
    let waiting = |state| deps.table.count_log_state(state, MOST_WAITING);
    let newest = List { limit: OPERATIONS, ..List::default() };
    let (connection, cursor, operations, today, pending, blocked, failed, skipped, pacing, unreadable, warnings) = tokio::try_join!(
        deps.table.connection(),
        deps.table.cursor(),
        deps.table.list_operations(&newest),
        deps.table.count_log_since(midnight, MOST_TODAY),
        waiting(LogState::Pending),
        waiting(LogState::Blocked),
        waiting(LogState::Failed),
        waiting(LogState::Skipped),
        deps.table.pacing(),
        deps.table.count_unreadable(MOST_WAITING),
        deps.table.counted_attention(MOST_WAITING),
    )?;
    let urls = deps.queues.urls();
    let (orders, commands, dead) =
        tokio::try_join!(deps.queues.depth(&urls.orders), deps.queues.depth(&urls.commands), deps.queues.depth(&urls.dead_letters))?;
    let connection = connection.map(|stored| stored.value);
    let next_run_at = next_run(connection.as_ref(), &settings, &cursor.value, now);
    let (mut running, mut last_run) = (Vec::new(), None);
    for operation in operations.items {
        if last_run.is_none() && operation.kind == OperationKind::Download && operation.state.is_final() {
            last_run = Some(operation);
        } else if !operation.state.is_final() {
            running.push(OperationView::from(operation));
        }
    }
    let facts = Facts {
        connection: connection.as_ref(),
        settings: &settings,
        last_run: last_run.as_ref(),
        last_tick: cursor.value.last_tick,
        blocked,
        failed,
        dead_letters: dead.total(),
        unreadable,
        warnings,
        now,
    };
    let findings = findings(&facts);
    Ok(Json(OverviewView {
        now,
        by: caller.by,
        time_zone: settings.time_zone,
        currency: settings.currency.code().to_owned(),
        findings,
        connection: connection.into(),
        last_run: last_run.map(OperationView::from),
        next_run_at,
        running,
        orders_today: CountView::from(today),
        pending: pending.into(),
        blocked: blocked.into(),
        failed: failed.into(),
        skipped: skipped.into(),
        dead_letters: dead.total(),
        queued_orders: orders.total(),
        queued_commands: commands.total(),
        requests: pacing.map(|pacing| RequestsView::at(pacing, now)),
    }))
}

/// Time of the schedule's next download; none while it does not run at all.
fn next_run(connection: Option<&Connection>, settings: &Settings, cursor: &Cursor, now: Timestamp) -> Option<Timestamp> {
    let connection = connection.filter(|connection| !connection.disconnecting && connection.modes.contains(&ConnectionMode::Store))?;
    if settings.paused {
        return None;
    }
    let from = cursor.last_tick.unwrap_or(connection.integrated_at);
    let every = SignedDuration::from_mins(i64::from(settings.poll_minutes));
    let due = if cursor.last_tick.is_some() { from.saturating_add(every).unwrap_or(from) } else { from };
    // Overdue: with the next tick.
    Some(if due > now { due } else { now.saturating_add(TICK).unwrap_or(now) })
}
