//! "Is everything all right?": one call for the home page.

mod view;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use stevedore_aws::{Connection, ConnectionMode, Cursor, List, Tally};
use stevedore_domain::health::{ConnectionState, Facts, findings};
use stevedore_domain::operation::{Operation, OperationKind};
use stevedore_domain::schedule::next_download;
use stevedore_domain::settings::Settings;
use stevedore_domain::tally::{self, Activity};

use super::{Shared, zone};
use crate::Deps;
use crate::http::auth::Caller;
use crate::http::problem::Problem;
use crate::http::router::{Routes, routes};
use crate::resources::operations::view::OperationView;
use view::{CountView, FindingView, OverviewView, RequestsView};

pub(super) fn routes<R: Routes>(into: R) -> R {
    into.routes(routes!(show))
}

/// Operations that are looked through for the last download and for what runs.
const OPERATIONS: usize = 20;

/// Messages on their way.
struct Queued {
    orders: u64,
    commands: u64,
    dead: u64,
}

/// Is everything all right?
#[utoipa::path(get, path = "/v1/overview", tag = "system", operation_id = "show_overview",
    description = "The last run and the next, what waits and what failed, and what to do about it. Counts stop at a bound, and then say `more`. They are made anew after what a person or an operation did, and are six minutes old at most.",
    security(("bearer" = ["integration:shipstation:read"])),
    responses((status = 200, description = "The state of things.", body = OverviewView)))]
async fn show(State(deps): Shared, caller: Caller) -> Result<Json<OverviewView>, Problem> {
    let now = deps.now();
    let newest = List { limit: OPERATIONS, ..List::default() };
    let (home, operations, acts) =
        tokio::try_join!(deps.table.home(), deps.table.list_operations(&newest), deps.table.list_audit(1, None))?;
    let queued = deps.queued().await?;
    let settings = home.settings.value;
    let activity = activity(&operations.items, &queued).and(acts.items.first().map(|act| act.at));
    let Tally { today, pending, blocked, failed, skipped, unreadable, warnings, .. } =
        deps.tally(home.tally, &settings, activity, now).await?;
    let (connection, cursor) = (home.connection, home.cursor);
    let next_run_at = next_run(connection.as_ref(), &settings, &cursor, now);
    let (mut running, mut last_run) = (Vec::new(), None);
    for operation in operations.items {
        if last_run.is_none() && operation.kind == OperationKind::Download && operation.state.is_final() {
            last_run = Some(operation);
        } else if !operation.state.is_final() {
            running.push(OperationView::from(operation));
        }
    }
    let state = match &connection {
        None => ConnectionState::Absent,
        Some(connection) if connection.disconnecting => ConnectionState::Disconnecting,
        Some(_) => ConnectionState::Connected,
    };
    let findings = findings(&Facts {
        connection: state,
        settings: &settings,
        last_run: last_run.as_ref(),
        last_tick: cursor.last_tick,
        blocked,
        failed,
        dead_letters: queued.dead,
        unreadable,
        warnings: &warnings,
        now,
    });
    Ok(Json(OverviewView {
        now,
        by: caller.by,
        time_zone: settings.time_zone,
        currency: settings.currency.code().to_owned(),
        findings: findings.into_iter().map(FindingView::from).collect(),
        connection: connection.into(),
        last_run: last_run.map(OperationView::from),
        next_run_at,
        running,
        orders_today: CountView::from(today),
        pending: pending.into(),
        blocked: blocked.into(),
        failed: failed.into(),
        skipped: skipped.into(),
        dead_letters: queued.dead,
        queued_orders: queued.orders,
        queued_commands: queued.commands,
        requests: home.pacing.map(|pacing| RequestsView::at(pacing, now)),
    }))
}

impl Deps {
    async fn queued(&self) -> Result<Queued, Problem> {
        let urls = self.queues.urls();
        let (orders, commands, dead) =
            tokio::try_join!(self.queues.depth(&urls.orders), self.queues.depth(&urls.commands), self.queues.depth(&urls.dead_letters))?;
        Ok(Queued { orders: orders.total(), commands: commands.total(), dead: dead.total() })
    }

    /// The counts: those that are kept while they hold, else new ones.
    async fn tally(&self, kept: Option<Tally>, settings: &Settings, activity: Activity, now: Timestamp) -> Result<Tally, Problem> {
        let since = tally::midnight(&zone(settings), now);
        match kept.filter(|kept| kept.since == since && tally::holds(kept.made_at, activity, now)) {
            Some(kept) => Ok(kept),
            None => Ok(self.table.count_anew(since, now).await?),
        }
    }
}

/// What the operations and queues say of counts that may have changed.
fn activity(operations: &[Operation], queued: &Queued) -> Activity {
    let under_way = queued.orders + queued.commands > 0 || operations.iter().any(|operation| !operation.state.is_final());
    operations.iter().fold(Activity { under_way, last: None }, |activity, operation| {
        let written = operation.work.as_ref().map(|work| work.written_at);
        activity.and(Some(operation.started_at)).and(operation.read_at).and(operation.finished_at).and(written)
    })
}

/// Time of the schedule's next download; none while it does not run at all.
fn next_run(connection: Option<&Connection>, settings: &Settings, cursor: &Cursor, now: Timestamp) -> Option<Timestamp> {
    let connection = connection.filter(|connection| !connection.disconnecting && connection.modes.contains(&ConnectionMode::Store))?;
    if settings.paused {
        return None;
    }
    Some(next_download(cursor.last_tick, connection.integrated_at, settings, now))
}
