//! The home page's facts and findings, as the API shows them.

use jiff::Timestamp;
use serde::Serialize;
use stevedore_aws::Pacing;
use stevedore_domain::health::{Count, Finding, FindingList};
use utoipa::ToSchema;

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

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let Finding { severity, code, message, records } = finding;
        let (count, list) = records.unzip();
        Self { severity: severity.as_str(), code, message, count: count.map(CountView::from), list: list.map(path) }
    }
}

/// The list that shows the records of a finding, as a path of this API.
fn path(list: FindingList) -> String {
    match list {
        FindingList::Blocked => "/v1/pending-orders?state=blocked".to_owned(),
        FindingList::Failed => "/v1/log?state=failed".to_owned(),
        FindingList::Unreadable => "/v1/unreadable-orders".to_owned(),
        FindingList::WarnedOrders(reason) => format!("/v1/log?warning={reason}"),
        FindingList::WarnedSales(reason) => format!("/v1/sales?warning={reason}"),
        FindingList::DeadLetters => "/v1/dead-letters".to_owned(),
    }
}
