//! Logs and figures of a function, as lines on standard output: the one place of a function that prints.

use std::io::Write;
use std::panic::{Location, PanicHookInfo};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::metrics;

/// A filter of logs in full, for whoever looks into one function: `info,stevedore_shipstation=debug`.
pub const RUST_LOG: &str = "RUST_LOG";

/// The level that Lambda hands over when its log format is JSON (AWS Lambda developer guide, "Configuring advanced logging
/// controls"): `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`.
pub const AWS_LAMBDA_LOG_LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// The function's own name as deployed; Lambda always sets it (AWS Lambda developer guide, "Using Lambda environment variables").
pub const AWS_LAMBDA_FUNCTION_NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// The beginnings of our packages' names in a log line's target.
const OURS: [&str; 5] = ["stevedore", "fetch_orders", "process_orders", "consolidate", "api"];

/// Filter of the log lines that are written.
struct LogFilter {
    filter: Targets,
    /// The filter that was asked for, where it cannot be read.
    rejected: Option<String>,
}

impl LogFilter {
    /// The filter that the environment asks for: `RUST_LOG`, else `AWS_LAMBDA_LOG_LEVEL`, else `info`. (Lambda always sets
    /// its own variable, so the one that a person set goes first.) An unreadable one is `info`, and the log says so.
    fn from_vars(vars: &[(String, String)]) -> Self {
        let asked =
            |name: &str| vars.iter().find(|(variable, value)| variable == name && !value.trim().is_empty()).map(|(_, value)| value.trim());
        let level = match asked(RUST_LOG).or_else(|| asked(AWS_LAMBDA_LOG_LEVEL)) {
            Some(level) if level.eq_ignore_ascii_case("fatal") => "error",
            Some(level) => level,
            None => "info",
        };
        // A part without a name or a level would stand for errors alone, and one in brackets (a span or a field, which `Targets` does not know) for a target
        // that is called so.
        let parts: Vec<&str> = level.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        let read = if parts.iter().any(|part| part.contains('[')) { None } else { parts.join(",").parse().ok() };
        let info = || Targets::new().with_default(LevelFilter::INFO);
        Self { rejected: read.is_none().then(|| level.to_owned()), filter: read.unwrap_or_else(info) }
    }
}

/// Telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Something else in this process takes the logs already.
    #[error("the logs of this process are taken already")]
    Taken(#[source] TryInitError),
}

/// Starts the logs and the figures of this process; called once, by `main.rs`, with the environment's variables.
///
/// From here on log events are JSON lines on standard output, with `timestamp` (RFC 3339, UTC) and `level` where Lambda looks
/// for them; the events of [`crate::metrics`] are CloudWatch's own lines; and a panic is a log line that says where, never
/// what: a panic's text may quote the data that it choked on.
///
/// [`RUST_LOG`] decides what is logged, else [`AWS_LAMBDA_LOG_LEVEL`], else `info`. Below `info` only our own packages speak,
/// whatever is asked for: the HTTP and AWS libraries would show headers and bodies there, and with them credentials and the
/// buyers' names.
///
/// # Errors
/// [`TelemetryError::Taken`] when called twice.
pub fn init(vars: impl IntoIterator<Item = (String, String)>) -> Result<(), TelemetryError> {
    let vars: Vec<(String, String)> = vars.into_iter().collect();
    let LogFilter { filter, rejected } = LogFilter::from_vars(&vars);
    written_by(filter, function_name(&vars), std::io::stdout).try_init().map_err(TelemetryError::Taken)?;
    std::panic::set_hook(Box::new(log_panic));
    if let Some(filter) = rejected {
        tracing::warn!(filter, "the log filter cannot be read; logging at info");
    }
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let file = panic.location().map(Location::file);
    let line = panic.location().map(Location::line);
    tracing::error!(file, line, "panicked");
}

/// The subscriber that [`init`] starts, for a test that reads what would be written.
pub fn subscriber<W>(vars: &[(String, String)], writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    written_by(LogFilter::from_vars(vars).filter, function_name(vars), writer)
}

fn function_name(vars: &[(String, String)]) -> String {
    let name = vars.iter().find(|(variable, _)| variable == AWS_LAMBDA_FUNCTION_NAME).map(|(_, value)| value.clone());
    name.unwrap_or_else(|| "local".to_owned())
}

fn written_by<W>(filter: Targets, function: String, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    let logs = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true)
        .with_writer(writer.clone())
        .with_filter(filter.and(filter_fn(may_be_logged)));
    let figures = FigureLayer { function, writer }.with_filter(filter_fn(is_figure));
    tracing_subscriber::registry().with(logs).with(figures)
}

fn is_figure(metadata: &Metadata<'_>) -> bool {
    metadata.target() == metrics::TARGET
}

fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    if is_figure(metadata) {
        return false;
    }
    let package = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || OURS.iter().any(|ours| package == *ours || package.starts_with("stevedore_"))
}

/// Writes the figures of [`crate::metrics`] as CloudWatch reads them: a JSON log line around them would hide them from it.
struct FigureLayer<W> {
    function: String,
    writer: W,
}

impl<S, W> Layer<S> for FigureLayer<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut said = Figures::default();
        event.record(&mut said);
        if said.figures.is_empty() {
            return;
        }
        let line = format!("{}\n", metrics::line(&self.function, &said.figures, said.at));
        // One write, so that no log line comes between; and a figure that cannot be written is no reason to fail an order.
        let _ = self.writer.make_writer().write_all(line.as_bytes());
    }
}

#[derive(Default)]
struct Figures {
    at: i64,
    figures: Vec<(String, String, u64)>,
}

impl Visit for Figures {
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == metrics::AT {
            self.at = value;
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == metrics::FIGURES {
            self.figures = serde_json::from_str(&format!("{value:?}")).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;
    use crate::metrics::Unit;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn parsed(&self) -> Vec<Value> {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        }
    }

    fn written(vars: &[(&str, &str)], speak: impl FnOnce()) -> Vec<Value> {
        let vars: Vec<(String, String)> = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let lines = Lines::default();
        let writer = {
            let lines = lines.clone();
            move || lines.clone()
        };
        let subscriber = subscriber(&vars, writer);
        tracing::subscriber::with_default(subscriber, speak);
        lines.parsed()
    }

    fn messages(lines: &[Value]) -> Vec<&str> {
        lines.iter().filter_map(|line| line["message"].as_str()).collect()
    }

    fn one_at_each_level() {
        tracing::error!("at error");
        tracing::warn!("at warn");
        tracing::info!("at info");
        tracing::debug!("at debug");
    }

    #[test]
    fn a_log_line_has_what_lambda_looks_for_and_the_spans_around_it() {
        let lines = written(&[], || {
            let span = tracing::info_span!("record", message_id = "m-1", attempt = 2);
            let _inside = span.enter();
            tracing::info!(order_id = 7, "captured");
        });

        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["level"], "INFO");
        assert_eq!(lines[0]["message"], "captured");
        assert_eq!(lines[0]["order_id"], 7);
        assert_eq!(lines[0]["spans"][0]["message_id"], "m-1");
        assert_eq!(lines[0]["spans"][0]["attempt"], 2);
        let time: jiff::Timestamp = lines[0]["timestamp"].as_str().unwrap().parse().unwrap();
        assert!(time > jiff::Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn the_level_is_info_unless_the_environment_says_otherwise() {
        let at = |vars: &[(&str, &str)]| written(vars, one_at_each_level).len();

        assert_eq!(at(&[]), 3);
        assert_eq!(at(&[(AWS_LAMBDA_LOG_LEVEL, "WARN")]), 2);
        assert_eq!(at(&[(AWS_LAMBDA_LOG_LEVEL, "FATAL")]), 1);
        assert_eq!(at(&[(AWS_LAMBDA_LOG_LEVEL, "WARN"), (RUST_LOG, "debug")]), 4);
        assert_eq!(at(&[(AWS_LAMBDA_LOG_LEVEL, "WARN"), (RUST_LOG, " ")]), 2);
    }

    #[test]
    fn an_unreadable_filter_is_info() {
        for unreadable in ["stevedore=loud=er", "[record]=debug", "info,stevedore_aws[call{order=1}]=debug"] {
            let vars = [(RUST_LOG.to_owned(), unreadable.to_owned())];
            assert!(LogFilter::from_vars(&vars).rejected.is_some(), "{unreadable}");
            assert_eq!(written(&[(RUST_LOG, unreadable)], one_at_each_level).len(), 3, "{unreadable}");
        }
    }

    #[test]
    fn blanks_and_empty_parts_of_a_filter_mean_nothing() {
        for filter in ["info, stevedore_lambda=debug", " info,stevedore_lambda=debug,", ",stevedore_lambda=debug,,info"] {
            assert_eq!(written(&[(RUST_LOG, filter)], one_at_each_level).len(), 4, "{filter}");
        }
    }

    #[test]
    fn below_info_only_our_own_packages_speak() {
        let lines = written(&[(RUST_LOG, "trace,hyper=trace")], || {
            tracing::debug!(target: "aws_smithy_runtime::client::orchestrator", "a request with its headers");
            tracing::trace!(target: "hyper::proto::h1", "a body");
            tracing::debug!(target: "api_of_others", "not ours either");
            tracing::info!(target: "aws_config", "which region");
            tracing::debug!(target: "process_orders::capture", "ours");
            tracing::debug!(target: "stevedore_aws::table", "ours too");
        });

        assert_eq!(messages(&lines), ["which region", "ours", "ours too"]);
    }

    #[test]
    fn a_figure_is_a_line_of_its_own_at_every_level() {
        let at: jiff::Timestamp = "2026-01-31T10:00:00Z".parse().unwrap();

        let lines = written(&[(RUST_LOG, "error"), (AWS_LAMBDA_FUNCTION_NAME, "shop-process-orders")], || {
            metrics::emit(&[("Captured", Unit::Count, 10)], at);
            tracing::info!("not written");
        });

        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["Captured"], 10);
        assert_eq!(lines[0]["FunctionName"], "shop-process-orders");
        assert_eq!(lines[0]["_aws"]["Timestamp"], 1_769_853_600_000_i64);
    }

    #[test]
    fn more_figures_than_a_line_takes_are_several_lines() {
        let names: Vec<String> = (0..101).map(|n| format!("F{n}")).collect();
        let figures: Vec<(&str, Unit, u64)> = names.iter().map(|name| (name.as_str(), Unit::Count, 1)).collect();

        let lines = written(&[], || {
            metrics::emit(&figures, jiff::Timestamp::UNIX_EPOCH);
        });

        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["F99"], 1);
        assert_eq!(lines[1]["F100"], 1);
    }
}
