//! Metrics of the function for CloudWatch.

use jiff::{SignedDuration, Timestamp};
use stevedore_aws::Cursor;
use stevedore_domain::operation::{Operation, OperationKind, OperationState};
use stevedore_domain::schedule::overdue;
use stevedore_domain::settings::Settings;
use stevedore_lambda::metrics::{self, Unit};

const CURSOR_AGE: &str = "CursorAge";
const DOWNLOAD_OVERDUE: &str = "DownloadOverdue";
const DOWNLOADS_COMPLETED: &str = "DownloadsCompleted";
const DOWNLOADS_FAILED: &str = "DownloadsFailed";
const ORDERS_QUEUED: &str = "OrdersQueued";
const ORDERS_UNACCOUNTED: &str = "OrdersUnaccounted";
const READING_TIME: &str = "ReadingTime";
const SHIPSTATION_REQUESTS: &str = "ShipStationRequests";

/// The names of the metrics that this function emits; alarms and the dashboard show no others.
pub const METRICS: [&str; 8] = [
    CURSOR_AGE,
    DOWNLOAD_OVERDUE,
    DOWNLOADS_COMPLETED,
    DOWNLOADS_FAILED,
    ORDERS_QUEUED,
    ORDERS_UNACCOUNTED,
    READING_TIME,
    SHIPSTATION_REQUESTS,
];

/// Those of them that a run tells, whoever began it.
pub const RUN_METRICS: [&str; 5] = [DOWNLOADS_COMPLETED, DOWNLOADS_FAILED, ORDERS_QUEUED, READING_TIME, SHIPSTATION_REQUESTS];

/// Metrics of every tick of a connected system: how old the newest order is that is safely queued, how late the next download is, and how many orders nobody
/// accounts for.
pub(crate) fn tick(cursor: &Cursor, settings: &Settings, unaccounted: u64, now: Timestamp) {
    let mut values = vec![(ORDERS_UNACCOUNTED, Unit::Count, unaccounted)];
    if let Some(reached) = cursor.reached {
        values.push((CURSOR_AGE, Unit::Seconds, seconds(now.duration_since(reached.instant(Some(now))))));
    }
    if let Some(last) = cursor.last_tick {
        values.push((DOWNLOAD_OVERDUE, Unit::Seconds, seconds(overdue(last, settings, now))));
    }
    metrics::emit(&values, now);
}

/// Metrics of one invocation's part of an operation.
pub(crate) fn reading(operation: &Operation, requests: u32, queued: usize, took: SignedDuration, now: Timestamp) {
    let mut values = vec![
        (SHIPSTATION_REQUESTS, Unit::Count, u64::from(requests)),
        (ORDERS_QUEUED, Unit::Count, queued as u64),
        (READING_TIME, Unit::Milliseconds, u64::try_from(took.as_millis()).unwrap_or(0)),
    ];
    if operation.kind == OperationKind::Download {
        match operation.state {
            OperationState::Failed => values.push((DOWNLOADS_FAILED, Unit::Count, 1)),
            OperationState::Processing | OperationState::Completed => values.push((DOWNLOADS_COMPLETED, Unit::Count, 1)),
            _ => {}
        }
    }
    metrics::emit(&values, now);
}

fn seconds(duration: SignedDuration) -> u64 {
    u64::try_from(duration.as_secs()).unwrap_or(0)
}
