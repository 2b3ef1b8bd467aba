//! Figures for CloudWatch, as lines of its embedded metric format.
//!
//! A figure is a `tracing` event of its own target, so that whoever runs the code decides what becomes of it: in Lambda
//! [`crate::telemetry::init`] writes it to standard output as the line that CloudWatch reads, on one machine nobody listens.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The target of the events that carry figures; log subscribers leave it out.
pub const TARGET: &str = "stevedore_metrics";

/// The field of such an event that holds the line.
pub(crate) const FIELD: &str = "emf";

/// CloudWatch takes so many figures in one line (CloudWatch user guide, "Specification: Embedded metric format").
const METRICS_A_LINE: usize = 100;

/// What a figure counts, named as CloudWatch names it (CloudWatch API reference, `MetricDatum`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Thousandths of a second.
    Milliseconds,
    /// Bytes.
    Bytes,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Bytes => "Bytes",
        }
    }
}

/// Hands figures to CloudWatch under a namespace, for one combination of dimensions, as of `at`.
///
/// Dimensions are stored by CloudWatch as they stand and each new value of one is billed as a metric of its own: never an
/// order, a customer or an operation.
pub fn emit(namespace: &str, dimensions: &[(&str, &str)], metrics: &[(&str, Unit, u64)], at: Timestamp) {
    for some in metrics.chunks(METRICS_A_LINE) {
        let emf = line(namespace, dimensions, some, at);
        tracing::info!(target: TARGET, emf = %emf);
    }
}

fn line(namespace: &str, dimensions: &[(&str, &str)], metrics: &[(&str, Unit, u64)], at: Timestamp) -> Value {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let definitions: Vec<Value> = metrics.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit.name()})).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [names],
                "Metrics": definitions,
            }],
        }),
    );
    line.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
    line.extend(metrics.iter().map(|(name, _, value)| ((*name).to_owned(), Value::from(*value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_line_is_what_the_specification_asks_for() {
        let at: Timestamp = "2026-01-31T10:00:00.250Z".parse().unwrap();

        let line = line(
            "Stevedore",
            &[("Function", "fetch-orders")],
            &[("OrdersRead", Unit::Count, 500), ("Took", Unit::Milliseconds, 1_250)],
            at,
        );

        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 1_769_853_600_250_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Stevedore",
                        "Dimensions": [["Function"]],
                        "Metrics": [
                            {"Name": "OrdersRead", "Unit": "Count"},
                            {"Name": "Took", "Unit": "Milliseconds"},
                        ],
                    }],
                },
                "Function": "fetch-orders",
                "OrdersRead": 500,
                "Took": 1_250,
            })
        );
    }
}
