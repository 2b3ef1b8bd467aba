//! Figures for CloudWatch, as lines of its embedded metric format.
//!
//! A figure is a `tracing` event of its own target, so that whoever runs the code decides what becomes of it: in Lambda
//! [`crate::telemetry::init`] writes it to standard output as the line that CloudWatch reads, under the function's own name; on one machine nobody
//! listens.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace of all figures.
pub const NAMESPACE: &str = "Stevedore";

/// The one dimension of all figures: the function's name as deployed. CloudWatch bills each value of a dimension as a metric of its own, so there is none
/// for orders, stores or operations.
pub const DIMENSION: &str = "FunctionName";

/// The target of the events that carry figures; log subscribers leave it out.
pub const TARGET: &str = "stevedore_metrics";

/// The field of such an event that holds the moment, in milliseconds since 1970.
pub(crate) const AT: &str = "at";

/// The field of such an event that holds the figures.
pub(crate) const FIGURES: &str = "figures";

/// CloudWatch takes so many figures in one line (CloudWatch user guide, "Specification: Embedded metric format").
const METRICS_A_LINE: usize = 100;

/// Unit of a figure, named as CloudWatch names it (CloudWatch API reference, `MetricDatum`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Thousandths of a second.
    Milliseconds,
    /// Seconds.
    Seconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
        }
    }
}

/// Hands figures to whoever listens, as of `at`. Never an order, a customer or an operation in a name.
pub fn emit(figures: &[(&str, Unit, u64)], at: Timestamp) {
    for some in figures.chunks(METRICS_A_LINE) {
        let figures: Vec<Value> = some.iter().map(|(name, unit, value)| json!([name, unit.name(), value])).collect();
        tracing::info!(target: TARGET, at = at.as_millisecond(), figures = %serde_json::Value::from(figures));
    }
}

/// The line that CloudWatch reads.
pub(crate) fn line(function: &str, figures: &[(String, String, u64)], at: i64) -> Value {
    let definitions: Vec<Value> = figures.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut line = Map::new();
    let metrics = json!([{"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": definitions}]);
    line.insert("_aws".to_owned(), json!({"Timestamp": at, "CloudWatchMetrics": metrics}));
    line.insert(DIMENSION.to_owned(), Value::from(function));
    line.extend(figures.iter().map(|(name, _, value)| (name.clone(), Value::from(*value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_the_specification_asks_for() {
        let figures = [("OrdersRead".to_owned(), "Count".to_owned(), 500), ("Took".to_owned(), "Milliseconds".to_owned(), 1_250)];

        assert_eq!(
            line("stevedore-fetch-orders", &figures, 1_769_853_600_250),
            json!({
                "_aws": {
                    "Timestamp": 1_769_853_600_250_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Stevedore",
                        "Dimensions": [["FunctionName"]],
                        "Metrics": [
                            {"Name": "OrdersRead", "Unit": "Count"},
                            {"Name": "Took", "Unit": "Milliseconds"},
                        ],
                    }],
                },
                "FunctionName": "stevedore-fetch-orders",
                "OrdersRead": 500,
                "Took": 1_250,
            })
        );
    }
}
