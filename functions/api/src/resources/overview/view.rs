//! The home page's facts, and what they mean.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use stevedore_aws::{Connection, Count, Pacing};
use stevedore_domain::operation::{Operation, OperationState};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::Settings;
use utoipa::ToSchema;

use super::counted::counted;
use crate::resources::connection::view::ConnectionView;
use crate::resources::enums;
use crate::resources::operations::view::OperationView;

/// The state of things.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Overview)]
pub(crate) struct OverviewView {
    pub now: Timestamp,
    /// The caller.
    pub by: String,
    /// The merchant's zone.
    pub time_zone: String,
    /// ISO 4217.
    pub currency: String,
    /// Findings, the gravest first; empty when everything is right.
    pub findings: Vec<FindingView>,
    pub connection: ConnectionView,
    /// The last scheduled download that came to its end.
    #[schema(required = true)]
    pub last_run: Option<OperationView>,
    /// Null while nothing is downloaded by the schedule.
    #[schema(required = true)]
    pub next_run_at: Option<Timestamp>,
    /// Operations that are not finished, the newest first.
    pub running: Vec<OperationView>,
    /// Orders captured or booked since midnight in the merchant's zone.
    pub orders_today: CountView,
    pub pending: CountView,
    pub blocked: CountView,
    pub failed: CountView,
    pub skipped: CountView,
    pub dead_letters: u64,
    /// Order messages on their way.
    pub queued_orders: u64,
    /// Commands on their way.
    pub queued_commands: u64,
    /// ShipStation's limit as a run last saw it.
    #[schema(required = true)]
    pub requests: Option<RequestsView>,
}

/// Number of records.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Count)]
pub(crate) struct CountView {
    count: u64,
    /// There are more than were counted.
    more: bool,
}

impl From<Count> for CountView {
    fn from(Count { count, more }: Count) -> Self {
        Self { count, more }
    }
}

/// ShipStation's limit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Requests)]
pub(crate) struct RequestsView {
    /// Requests that a minute allows.
    limit: u32,
    /// Used in the present minute, by everybody who shares the key, as far as known.
    used: u32,
    /// Time at which the minute ends.
    resets_at: Timestamp,
}

impl RequestsView {
    pub(crate) fn at(pacing: Pacing, now: Timestamp) -> Self {
        let Pacing { limit, remaining, resets_at } = pacing;
        let used = if resets_at > now { limit.saturating_sub(remaining) } else { 0 };
        Self { limit, used, resets_at }
    }
}

/// Something that is not all right.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Finding)]
pub(crate) struct FindingView {
    #[schema(schema_with = enums::severity)]
    severity: &'static str,
    /// Stable, snake_case.
    #[schema(value_type = String, example = "orders_blocked")]
    code: &'static str,
    /// Its meaning and what to do.
    message: String,
    /// Number of orders, sales or messages that it concerns; null where it is no matter of number.
    #[schema(required = true)]
    count: Option<CountView>,
    /// The list that shows them, as a path of this API.
    #[schema(required = true, example = "/v1/log?state=failed")]
    list: Option<String>,
}

impl FindingView {
    /// Finding about so many records.
    pub(super) fn many(code: &'static str, message: String, count: Count, list: String) -> Self {
        Self { severity: "attention", code, message, count: Some(count.into()), list: Some(list) }
    }
}

/// Facts that the home page judges.
pub(crate) struct Facts<'a> {
    pub connection: Option<&'a Connection>,
    pub settings: &'a Settings,
    pub last_run: Option<&'a Operation>,
    pub last_tick: Option<Timestamp>,
    pub blocked: Count,
    pub failed: Count,
    pub dead_letters: u64,
    /// Orders that could not be read.
    pub unreadable: Count,
    /// Warnings that want attention, the gravest first.
    pub warnings: Vec<(Reason, Count)>,
    pub now: Timestamp,
}

/// The schedule counts as late when its last download began longer ago than twice its interval, and this.
const LATE: SignedDuration = SignedDuration::from_mins(20);

/// Findings, the gravest first.
pub(crate) fn findings(facts: &Facts<'_>) -> Vec<FindingView> {
    let mut found = Vec::new();
    let mut say = |severity, code, message: String| found.push(FindingView { severity, code, message, count: None, list: None });
    match facts.connection {
        None => say(
            "stopped",
            "not_connected",
            "No ShipStation account is connected, so nothing is downloaded. Connect one under Setup.".into(),
        ),
        Some(connection) if connection.disconnecting => {
            say(
                "stopped",
                "disconnecting",
                "The connection is being taken apart. Nothing is downloaded until an account is connected again.".into(),
            );
        }
        Some(_) => {}
    }
    if let Some(run) = facts.last_run.filter(|run| run.state == OperationState::Failed) {
        let why = run.message.clone().unwrap_or_else(|| "It says no reason.".to_owned());
        say("stopped", "last_run_failed", format!("The last download failed; the next one continues where it stopped. {why}"));
    }
    if facts.settings.paused {
        say(
            "attention",
            "paused",
            "Downloads are paused. Switch them on again under Setup, Orders, when you want orders to come in.".into(),
        );
    } else if let (Some(_), Some(last)) = (facts.connection, facts.last_tick) {
        let every = SignedDuration::from_mins(i64::from(facts.settings.poll_minutes));
        let late = facts.now.duration_since(last);
        if late > every.saturating_mul(2) && late > every + LATE {
            let minutes = late.as_mins();
            say(
                "attention",
                "schedule_late",
                format!(
                    "The last download began {minutes} minutes ago. Look whether the schedule and the function fetch-orders are switched on."
                ),
            );
        }
    }
    if facts.settings.tax.default_rule.is_none() {
        say("attention", "tax_mapping_unfinished", "There is no default tax rule, so orders are skipped and remembered. Choose one under Setup, Taxes; the orders then follow by themselves.".into());
    }
    if facts.settings.location_map.default.is_none() {
        say(
            "attention",
            "no_default_location",
            "There is no default location, so orders of warehouses that are not mapped are blocked. Choose one under Setup, Locations."
                .into(),
        );
    }
    found.extend(counted(facts));
    found.sort_by_key(|finding| finding.severity != "stopped");
    found
}
