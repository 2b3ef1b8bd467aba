//! Metrics of the function for CloudWatch.

use jiff::{SignedDuration, Timestamp};
use stevedore_aws::{Cursor, Settled};
use stevedore_domain::operation::{Operation, OperationKind, OperationState};
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

/// Orders of a run that was read so long ago have an outcome by now: the queue's own deliveries take an hour.
const ACCOUNTED_AFTER: SignedDuration = SignedDuration::from_mins(75);

/// Number of an open operation's orders that should have an outcome and have none, or were just given up because nothing processed them.
pub(crate) fn unaccounted(settled: &Settled, now: Timestamp) -> u64 {
    let Settled { operation, not_processed } = settled;
    // A day's run goes on until it is done.
    if operation.kind.is_run_of_a_day() {
        return 0;
    }
    let long_ago = operation.read_at.is_some_and(|read_at| now.duration_since(read_at) > ACCOUNTED_AFTER);
    if long_ago { not_processed + operation.counts.queued } else { *not_processed }
}

/// Metrics of every tick of a connected system: how old the newest order is that is safely queued, how late the next download is, and how many orders nobody
/// accounts for.
pub(crate) fn tick(cursor: &Cursor, settings: &Settings, unaccounted: u64, now: Timestamp) {
    let mut values = vec![(ORDERS_UNACCOUNTED, Unit::Count, unaccounted)];
    if let Some(reached) = cursor.reached {
        values.push((CURSOR_AGE, Unit::Seconds, seconds(now.duration_since(reached.instant(Some(now))))));
    }
    if let Some(last) = cursor.last_tick {
        let late = now.duration_since(last) - SignedDuration::from_mins(i64::from(settings.poll_minutes));
        values.push((DOWNLOAD_OVERDUE, Unit::Seconds, seconds(late)));
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
