//! Operations.

use jiff::civil::Date;
use jiff::{Timestamp, Unit};
use serde::Serialize;
use stevedore_domain::log::{Outcome, Trigger};
use stevedore_domain::operation::{Counts, Operation, OperationRow, OperationState, Window};
use stevedore_domain::reason::Reason;
use utoipa::ToSchema;

use crate::resources::enums;

/// One run: by the schedule, or by a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Operation)]
pub(crate) struct OperationView {
    /// Sorts by time.
    #[schema(example = "20260131T101500123-load-orders")]
    id: String,
    #[schema(schema_with = enums::operation_kind)]
    kind: &'static str,
    /// Of `load_orders`: the first day, in the merchant's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Date>,
    /// Of `consolidate`: the day, in the merchant's zone; left out while nothing was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    local_date: Option<Date>,
    /// Of `load_order`.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_number: Option<String>,
    #[schema(schema_with = enums::trigger)]
    trigger: Trigger,
    /// `schedule`, who asked for it, or `system` where orders that waited were booked because a setting or record was completed.
    by: String,
    #[schema(required = true)]
    window: Option<WindowView>,
    #[schema(schema_with = enums::operation_state)]
    state: OperationState,
    counts: CountsView,
    /// Requests to ShipStation.
    requests_used: u32,
    started_at: Timestamp,
    #[schema(required = true)]
    finished_at: Option<Timestamp>,
    /// Null until it is finished.
    #[schema(required = true)]
    duration_ms: Option<i64>,
    /// Reason of its failure.
    #[schema(required = true)]
    reason: Option<String>,
    /// The sentence for it, with what to do.
    #[schema(required = true)]
    message: Option<String>,
}

/// The part of ShipStation's time that was read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationWindow)]
pub(crate) struct WindowView {
    from: Timestamp,
    /// Null: up to now.
    #[schema(required = true)]
    until: Option<Timestamp>,
}

/// Numbers of orders by outcome. They add up to `total`, the distinct orders read; of `import_products`, the rows of the file, where `captured` are the products
/// that were made and `queued` the rows to come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationCounts)]
pub(crate) struct CountsView {
    captured: u64,
    updated: u64,
    unchanged: u64,
    skipped: u64,
    waiting: u64,
    cancelled: u64,
    refunded: u64,
    failed: u64,
    /// Read, and not processed yet.
    queued: u64,
    total: u64,
}

/// An order that was not plainly captured, or a row of an import that was refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationRow)]
pub(crate) struct RowView {
    /// ShipStation's id, where it could be read.
    #[schema(required = true)]
    order_id: Option<u64>,
    #[schema(required = true)]
    order_number: Option<String>,
    /// Null while it is queued.
    #[schema(schema_with = enums::outcome_or_null, required = true)]
    outcome: Option<Outcome>,
    #[schema(schema_with = enums::reason_or_null, required = true)]
    reason: Option<Reason>,
    /// The sentence for it, with what to do.
    #[schema(required = true)]
    message: Option<String>,
    /// Text that could not be read, or ShipStation's answer.
    #[schema(required = true)]
    evidence: Option<String>,
    /// Of `import_products`: the line of the file where the row begins, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// Of `import_products`: the row's SKU, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    /// Of `import_products`: the column or member at fault, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl From<Operation> for OperationView {
    fn from(operation: Operation) -> Self {
        let duration = operation.finished_at.map(|end| end.duration_since(operation.started_at));
        let milliseconds = |duration: jiff::SignedDuration| {
            let rounded = duration.round(Unit::Millisecond).unwrap_or(duration);
            i64::try_from(rounded.as_millis()).unwrap_or(i64::MAX)
        };
        Self {
            id: operation.id.0,
            kind: operation.kind.spec().name,
            from: operation.kind.from(),
            local_date: operation.kind.local_date(),
            order_number: operation.kind.order(),
            trigger: operation.trigger,
            by: operation.by,
            window: operation.window.map(WindowView::from),
            state: operation.state,
            counts: CountsView::from(&operation.counts),
            requests_used: operation.requests,
            started_at: operation.started_at,
            finished_at: operation.finished_at,
            duration_ms: duration.map(milliseconds),
            reason: operation.reason,
            message: operation.message,
        }
    }
}

impl From<Window> for WindowView {
    fn from(window: Window) -> Self {
        // In the hour that happens twice the window is shown at its widest.
        Self { from: window.from.instant(None), until: window.until.map(|until| until.instant(Some(Timestamp::MAX))) }
    }
}

impl From<&Counts> for CountsView {
    fn from(counts: &Counts) -> Self {
        Self {
            captured: counts.of(Outcome::Captured),
            updated: counts.of(Outcome::Updated),
            unchanged: counts.of(Outcome::Unchanged),
            skipped: counts.of(Outcome::Skipped),
            waiting: counts.of(Outcome::Waiting),
            cancelled: counts.of(Outcome::Cancelled),
            refunded: counts.of(Outcome::Refunded),
            failed: counts.of(Outcome::Failed),
            queued: counts.queued,
            total: counts.total(),
        }
    }
}

impl From<OperationRow> for RowView {
    fn from(row: OperationRow) -> Self {
        let (line, sku, field) = row.imported.map_or((None, None, None), |row| (Some(row.line), row.sku, row.field));
        Self {
            order_id: row.order_id.map(|id| id.0),
            order_number: row.order_number,
            outcome: row.outcome,
            reason: row.reason,
            message: row.message,
            evidence: row.evidence,
            line,
            sku,
            field,
        }
    }
}
