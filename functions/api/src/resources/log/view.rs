//! Log entries and pending orders.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use stevedore_domain::log::{LogEntry, LogState, SeenRevision, TimelineEvent};
use stevedore_domain::order::RevisionKey;
use stevedore_domain::reason::Reason;
use stevedore_domain::warning::Warning;
use utoipa::ToSchema;

use crate::resources::enums;

/// The permanent record of one captured order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogEntry)]
pub(crate) struct LogEntryView {
    /// ShipStation's id.
    order_id: u64,
    order_number: String,
    #[schema(required = true)]
    store_id: Option<u64>,
    #[schema(schema_with = enums::log_state)]
    state: LogState,
    /// Reason, where the order is not plainly booked.
    #[schema(schema_with = enums::reason_or_null, required = true)]
    reason: Option<Reason>,
    /// The sentence for it, with what to do.
    #[schema(required = true)]
    message: Option<String>,
    #[schema(required = true)]
    sale_id: Option<String>,
    /// The revision that its sale was made from; null while there is none.
    #[schema(required = true)]
    booked_revision: Option<RevisionView>,
    /// The newest last.
    revisions: Vec<RevisionView>,
    /// ShipStation's total of the newest revision, in `currency`.
    #[schema(required = true)]
    order_total: Option<String>,
    #[schema(required = true)]
    sale_total: Option<String>,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    warnings: Vec<WarningView>,
    /// The oldest first.
    timeline: Vec<TimelineEventView>,
    captured_at: Timestamp,
    /// The operation that captured it.
    #[schema(required = true)]
    captured_by: Option<String>,
}

/// One state of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub(crate) struct RevisionView {
    /// Time of the order's change by ShipStation.
    modified_at: Timestamp,
    /// Names the content: two revisions with one digest say the same. Digests of different schemes (`<scheme>.<digits>`; none is named by the first) cannot be
    /// compared.
    digest: String,
}

/// Something a person should know.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Warning)]
pub(crate) struct WarningView {
    /// The stable code.
    #[schema(schema_with = enums::reason)]
    code: Reason,
    /// The sentence, with what to do.
    message: String,
}

/// One thing that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineEvent)]
pub(crate) struct TimelineEventView {
    at: Timestamp,
    what: String,
    /// An operation's id, a person, or `system`.
    by: String,
}

/// A pending order with what ShipStation sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingOrder)]
pub(crate) struct PendingOrderView {
    #[serde(flatten)]
    entry: LogEntryView,
    /// The newest revision exactly as ShipStation sent it.
    #[schema(value_type = Option<Object>, required = true)]
    order: Option<Box<RawValue>>,
}

impl PendingOrderView {
    pub(crate) fn of(entry: LogEntry, order: Option<Box<RawValue>>) -> Self {
        Self { entry: entry.into(), order }
    }
}

impl From<LogEntry> for LogEntryView {
    fn from(entry: LogEntry) -> Self {
        let currency = entry.currency;
        let booked_revision = entry.booked_revision().map(RevisionView::from);
        Self {
            order_id: entry.order_id.0,
            order_number: entry.order_number,
            store_id: entry.store_id.map(|id| id.0),
            state: entry.state,
            reason: entry.reason,
            message: entry.message,
            booked_revision,
            // A day's sale comes into being when all of its orders are in.
            sale_id: entry.sale_id.filter(|_| entry.state != LogState::Consolidating).map(|id| id.0),
            revisions: entry.revisions.into_iter().map(RevisionView::from).collect(),
            order_total: entry.order_total.map(|total| currency.text(total)),
            sale_total: entry.sale_total.map(|total| currency.text(total)),
            currency: currency.code().to_owned(),
            warnings: entry.warnings.into_iter().map(WarningView::from).collect(),
            timeline: entry.timeline.into_iter().map(TimelineEventView::from).collect(),
            captured_at: entry.captured_at,
            captured_by: entry.captured_by.map(|id| id.0),
        }
    }
}

impl From<SeenRevision> for RevisionView {
    fn from(seen: SeenRevision) -> Self {
        seen.key.into()
    }
}

impl From<RevisionKey> for RevisionView {
    fn from(key: RevisionKey) -> Self {
        Self { modified_at: key.modified_at, digest: key.digest.to_string() }
    }
}

impl From<Warning> for WarningView {
    fn from(warning: Warning) -> Self {
        Self { code: warning.reason, message: warning.message }
    }
}

impl From<TimelineEvent> for TimelineEventView {
    fn from(event: TimelineEvent) -> Self {
        Self { at: event.at, what: event.what, by: event.by }
    }
}
