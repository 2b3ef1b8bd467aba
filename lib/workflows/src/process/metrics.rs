//! Metrics of the function for CloudWatch.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp;
use stevedore_domain::log::Outcome;
use stevedore_lambda::metrics::{self, Unit};

const BATCH_TIME: &str = "BatchTime";
const MESSAGES_RETURNED: &str = "MessagesReturned";

/// The names of the metrics that this function emits; alarms and the dashboard show no others.
pub const METRICS: [&str; 10] = [
    "OrdersCaptured",
    "OrdersUpdated",
    "OrdersUnchanged",
    "OrdersSkipped",
    "OrdersWaiting",
    "OrdersCancelled",
    "OrdersRefunded",
    "OrdersFailed",
    MESSAGES_RETURNED,
    BATCH_TIME,
];

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Captured => "OrdersCaptured",
        Outcome::Updated => "OrdersUpdated",
        Outcome::Unchanged => "OrdersUnchanged",
        Outcome::Skipped => "OrdersSkipped",
        Outcome::Waiting => "OrdersWaiting",
        Outcome::Cancelled => "OrdersCancelled",
        Outcome::Refunded => "OrdersRefunded",
        Outcome::Failed => "OrdersFailed",
    }
}

/// The outcomes of one batch.
#[derive(Default)]
pub struct Outcomes(Mutex<BTreeMap<Outcome, u64>>);

impl Outcomes {
    /// Counts one.
    pub fn add(&self, outcome: Outcome) {
        let mut outcomes = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *outcomes.entry(outcome).or_default() += 1;
    }

    /// Tells what became of the batch.
    pub fn emit(&self, returned: usize, began: Timestamp, now: Timestamp) {
        let outcomes = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut values: Vec<_> = outcomes.iter().map(|(outcome, count)| (name(*outcome), Unit::Count, *count)).collect();
        values.push((MESSAGES_RETURNED, Unit::Count, returned as u64));
        values.push((BATCH_TIME, Unit::Milliseconds, u64::try_from(now.duration_since(began).as_millis()).unwrap_or(0)));
        metrics::emit(&values, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_metric_of_its_own() {
        let all = [
            Outcome::Captured,
            Outcome::Updated,
            Outcome::Unchanged,
            Outcome::Skipped,
            Outcome::Waiting,
            Outcome::Cancelled,
            Outcome::Refunded,
            Outcome::Failed,
        ];
        let names: std::collections::BTreeSet<&str> = all.into_iter().map(name).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.iter().all(|name| METRICS.contains(name)));
    }
}
