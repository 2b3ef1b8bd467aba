//! Metrics of the function for CloudWatch.

use jiff::Timestamp;
use stevedore_lambda::metrics::{self, Unit};

const CONSOLIDATION_OVERDUE: &str = "ConsolidationOverdue";
const DAYS_CONSOLIDATED: &str = "DaysConsolidated";
const ORDERS_CONSOLIDATED: &str = "OrdersConsolidated";
const ORDERS_LEFT_OUT: &str = "OrdersLeftOut";

/// The names of the metrics that this function emits; alarms and the dashboard show no others.
pub const METRICS: [&str; 4] = [CONSOLIDATION_OVERDUE, DAYS_CONSOLIDATED, ORDERS_CONSOLIDATED, ORDERS_LEFT_OUT];

/// Metrics of every invocation: how long ago the day ended whose sale is not there yet; 0 where none is missing.
pub(crate) fn record_overdue(unfinished: Option<Timestamp>, now: Timestamp) {
    let late = unfinished.map_or(0, |boundary| u64::try_from(now.duration_since(boundary).as_secs()).unwrap_or(0));
    metrics::emit(&[(CONSOLIDATION_OVERDUE, Unit::Seconds, late)], now);
}

/// Metrics of a day that is done.
pub(crate) fn record_day(orders: u64, left_out: u64, now: Timestamp) {
    let values =
        [(DAYS_CONSOLIDATED, Unit::Count, 1), (ORDERS_CONSOLIDATED, Unit::Count, orders), (ORDERS_LEFT_OUT, Unit::Count, left_out)];
    metrics::emit(&values, now);
}
