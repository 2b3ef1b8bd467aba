//! Alarms, the dashboard, logs.

use std::collections::BTreeSet;

use serde_norway::Value;

use super::{FUNCTION, each, events, number, resources, root, target, template, text};

#[test]
fn every_alarm_says_what_to_do() {
    let template = template();
    for (name, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let (_, runbook) = text(&alarm["AlarmDescription"]).split_once("Runbook: ").unwrap_or_else(|| panic!("{name}"));
        assert!(runbook.len() > 20, "{name}");
    }
}

/// The metrics that an alarm watches: one, or those of its expression.
fn metrics(alarm: &Value) -> Vec<&Value> {
    match alarm.get("Metrics") {
        Some(metrics) => each(metrics).into_iter().filter_map(|metric| Some(&metric.get("MetricStat")?["Metric"])).collect(),
        None => vec![alarm],
    }
}

#[test]
fn every_function_and_queue_is_watched() {
    let template = template();
    let watched: BTreeSet<(&str, &str)> = resources(&template, "AWS::CloudWatch::Alarm")
        .into_iter()
        .flat_map(|(_, alarm)| metrics(alarm))
        .flat_map(|metric| {
            let values = each(&metric["Dimensions"]).into_iter().map(|dimension| &dimension["Value"]);
            let plain = values.filter(|value| value.is_string() || matches!(value, Value::Tagged(tagged) if tagged.value.is_string()));
            plain.map(|value| (text(&metric["MetricName"]), text(value).split('.').next().unwrap())).collect::<Vec<_>>()
        })
        .collect();
    for (function, _) in resources(&template, FUNCTION) {
        assert!(watched.contains(&("Errors", function)), "{function}");
        assert!(watched.contains(&("Throttles", function)), "{function}");
    }
    for (_, _, mapping) in events(&template, "SQS") {
        let queue = target(&mapping["Queue"]);
        assert!(watched.contains(&("ApproximateAgeOfOldestMessage", queue)), "{queue}");
    }
    for queue in ["DeadLetterQueue", "EventDeadLetterQueue"] {
        assert!(watched.contains(&("ApproximateNumberOfMessagesVisible", queue)), "{queue}");
    }
    for (metric, resource) in [
        ("5xx", "Http"),
        ("ExecutionFailed", "EventPipe"),
        ("ExecutionThrottled", "EventPipe"),
        ("ReturnedRecordsCount", "Table"),
        ("WriteThrottleEvents", "Table"),
        ("ReadThrottleEvents", "Table"),
    ] {
        assert!(watched.contains(&(metric, resource)), "{metric} of {resource}");
    }
    // The table's own metrics do not include its indexes.
    for index in stevedore_aws::TABLE_INDEXES {
        for metric in ["WriteThrottleEvents", "ReadThrottleEvents"] {
            assert!(watched.contains(&(metric, index.name)), "{metric} of {}", index.name);
        }
    }
    assert!(watched.contains(&("ConsolidationOverdue", "Consolidate")));
    // A run that did not start, one that failed, and orders without an outcome.
    for metric in ["DownloadOverdue", "DownloadsFailed", "OrdersUnaccounted"] {
        assert!(watched.contains(&(metric, "FetchOrders")), "{metric}");
    }
}

/// Lambda counts an event as received if it is sent asynchronously (Lambda developer guide,
/// "Asynchronous invocation metrics"), as the scheduler does and a queue does not. Running commands
/// therefore do not hide missing ticks.
#[test]
fn a_schedule_that_stopped_is_heard_while_commands_are_carried_out() {
    let template = template();
    for (name, schedule) in resources(&template, "AWS::Scheduler::Schedule") {
        let function = target(&schedule["Target"]["Arn"]);
        let listening = |alarm: &Value| {
            alarm["MetricName"].as_str() == Some("AsyncEventsReceived")
                && text(&alarm["Namespace"]) == "AWS/Lambda"
                && text(&alarm["TreatMissingData"]) == "breaching"
                && text(&alarm["ComparisonOperator"]) == "LessThanThreshold"
                && target(&each(&alarm["Dimensions"])[0]["Value"]) == function
        };
        let alarms: Vec<_> = resources(&template, "AWS::CloudWatch::Alarm").into_iter().filter(|(_, alarm)| listening(alarm)).collect();
        assert_eq!(alarms.len(), 1, "{name}");
        // The period has more than one tick, so that a late one raises no alarm.
        let minutes: u64 = text(&schedule["ScheduleExpression"]).split(['(', ' ']).nth(1).unwrap().parse().unwrap();
        assert!(number(&alarms[0].1["Period"]) > 60 * minutes, "{name}");
    }
    for (name, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        assert_ne!(alarm["MetricName"].as_str(), Some("Invocations"), "{name}: commands hide what this listens for");
    }
}

#[test]
fn every_function_keeps_its_logs_for_a_limited_time() {
    let template = template();
    let groups = resources(&template, "AWS::Logs::LogGroup");
    for (name, group) in &groups {
        assert_eq!(target(&group["RetentionInDays"]), "LogRetentionDays", "{name}");
    }
    for (name, function) in resources(&template, FUNCTION) {
        let group = target(&function["LoggingConfig"]["LogGroup"]);
        assert!(groups.iter().any(|(each, _)| *each == group), "{name}");
        assert_eq!(text(&function["LoggingConfig"]["LogFormat"]), "JSON", "{name}");
    }
}

/// The custom metrics of the code: name and function.
fn emitted() -> BTreeSet<(&'static str, &'static str)> {
    let fetch = fetch_orders::METRICS.iter().map(|metric| (*metric, "FetchOrders"));
    let process = process_orders::METRICS.iter().map(|metric| (*metric, "ProcessOrders"));
    let consolidate = consolidate::METRICS.iter().map(|metric| (*metric, "Consolidate"));
    let run = run_operations::METRICS.iter().map(|metric| (*metric, "RunOperations"));
    fetch.chain(process).chain(consolidate).chain(run).collect()
}

#[test]
fn alarms_of_our_own_metrics_watch_what_is_emitted() {
    let template = template();
    let mut found = 0;
    for (name, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        for watched in metrics(alarm) {
            let (namespace, metric) = (text(&watched["Namespace"]), text(&watched["MetricName"]));
            if namespace == stevedore_lambda::metrics::NAMESPACE {
                let dimensions = each(&watched["Dimensions"]);
                assert_eq!(dimensions.len(), 1, "{name}");
                assert_eq!(text(&dimensions[0]["Name"]), stevedore_lambda::metrics::DIMENSION, "{name}");
                assert!(emitted().contains(&(metric, target(&dimensions[0]["Value"]))), "{name}: nobody emits {metric}");
                found += 1;
            }
        }
    }
    assert!(found >= 3);
}

/// An alarm over several metrics has one expression that names each of them, and only that is
/// compared with the threshold.
#[test]
fn an_alarm_of_several_metrics_names_each_in_its_expression() {
    let template = template();
    let mut found = 0;
    for (name, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let Some(parts) = alarm.get("Metrics").map(each) else { continue };
        let expressions: Vec<&&Value> = parts.iter().filter(|part| part.get("Expression").is_some()).collect();
        assert_eq!(expressions.len(), 1, "{name}");
        let words: BTreeSet<&str> = text(&expressions[0]["Expression"]).split(|sign: char| !sign.is_alphanumeric()).collect();
        let mut periods = BTreeSet::new();
        for part in &parts {
            let is_compared = part.get("Expression").is_some();
            assert_eq!(part["ReturnData"].as_bool(), Some(is_compared), "{name}");
            if !is_compared {
                assert!(words.contains(text(&part["Id"])), "{name} leaves out {}", text(&part["Id"]));
                periods.insert(part["MetricStat"]["Period"].as_u64().unwrap());
            }
        }
        assert_eq!(periods.len(), 1, "{name}");
        found += 1;
    }
    assert!(found >= 4);
}

/// The runbook has a section for each alarm, and none for removed alarms.
#[test]
fn every_alarm_has_its_section_in_the_runbook() {
    let template = template();
    let alarms: BTreeSet<&str> = resources(&template, "AWS::CloudWatch::Alarm").into_iter().map(|(name, _)| name).collect();
    let runbook = std::fs::read_to_string(root().join("docs/runbook.md")).unwrap();
    let mut sections = BTreeSet::new();
    let mut words = 0;
    for line in runbook.lines() {
        if let Some(name) = line.strip_prefix("## ").filter(|name| name.ends_with("Alarm")) {
            assert!(sections.is_empty() || words > 20, "the section before {name} says nothing");
            assert!(sections.insert(name), "{name} is there twice");
            words = 0;
        } else {
            words += line.split_whitespace().count();
        }
    }
    assert_eq!(sections, alarms);
}

/// N28: the dashboard is valid JSON for CloudWatch, and shows existing metrics.
#[test]
fn n28_the_dashboard_shows_metrics_that_exist() {
    let template = template();
    let (_, dashboard) = resources(&template, "AWS::CloudWatch::Dashboard")[0];
    let mut body = text(&dashboard["DashboardBody"]).to_owned();
    // The values that `!Sub` inserts: a resource of the template or a pseudo parameter of AWS.
    while let Some(start) = body.find("${") {
        let end = start + body[start..].find('}').unwrap();
        let name = body[start + 2..end].to_owned();
        let known = name.starts_with("AWS::") || template["Resources"].get(name.split('.').next().unwrap()).is_some();
        assert!(known, "{name}");
        body.replace_range(start..=end, &name);
    }
    let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}"));
    let widgets = body["widgets"].as_array().unwrap();
    assert!(widgets.len() >= 8);
    let mut taken = BTreeSet::new();
    for widget in widgets {
        let title = &widget["properties"]["title"];
        let [x, y, width, height] = ["x", "y", "width", "height"].map(|member| widget[member].as_u64().unwrap());
        assert!(x + width <= 24, "{title}");
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{title} lies over another");
        }
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            let word = |index: usize| metric[index].as_str().unwrap_or_else(|| panic!("{title}: {metric}"));
            let (namespace, name, dimension, value) = (word(0), word(1), word(2), word(3));
            if namespace == stevedore_lambda::metrics::NAMESPACE {
                assert_eq!(dimension, stevedore_lambda::metrics::DIMENSION, "{title}");
                assert!(emitted().contains(&(name, value)), "{title}: nobody emits {name} as {value}");
            } else {
                let dimensions = [("AWS/SQS", "QueueName"), ("AWS/Lambda", "FunctionName"), ("AWS/DynamoDB", "TableName")];
                assert!(dimensions.contains(&(namespace, dimension)), "{title}: {metric}");
            }
        }
    }
    for (name, _) in resources(&template, FUNCTION) {
        assert!(text(&dashboard["DashboardBody"]).contains(&format!("\"Errors\", \"FunctionName\", \"${{{name}}}\"")), "{name}");
    }
}
