//! Schedules.

use serde_norway::Value;
use stevedore_domain::settings::POLL_MINUTES;

use super::{each, resource, resources, role_statements, root, target, template, text};

/// EventBridge accepts `rate(1 hour)` and `rate(2 hours)`, and neither `rate(1 hours)` nor
/// `rate(2 hour)` (EventBridge user guide, "Rate expressions").
fn is_rate(expression: &str) -> bool {
    let inner = expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')'));
    let Some((count, unit)) = inner.and_then(|inner| inner.split_once(' ')) else { return false };
    match count.parse::<u32>() {
        Ok(1) => ["minute", "hour", "day"].contains(&unit),
        Ok(2..) => ["minutes", "hours", "days"].contains(&unit),
        Ok(0) | Err(_) => false,
    }
}

#[test]
fn a_rate_is_singular_only_for_one() {
    for good in ["rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(12 hours)", "rate(2 days)"] {
        assert!(is_rate(good), "{good}");
    }
    for bad in [
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        "rate(5)",
        "rate(5 weeks)",
        "rate(5  minutes)",
        "5 minutes",
        "rate(five minutes)",
    ] {
        assert!(!is_rate(bad), "{bad}");
    }
}

/// Name and properties of every schedule.
fn schedules(template: &Value) -> Vec<(&str, &Value)> {
    resources(template, "AWS::Scheduler::Schedule")
}

#[test]
fn every_schedule_is_a_rate_that_eventbridge_takes() {
    let template = template();
    for (name, schedule) in schedules(&template) {
        assert!(is_rate(text(&schedule["ScheduleExpression"])), "{name}: {schedule:?}");
    }
}

/// S104: hourly unless `poll_minutes` sets another interval, so the tick comes at least as often as
/// the shortest `poll_minutes`.
#[test]
fn s104_fetch_orders_is_ticked_as_often_as_the_shortest_setting() {
    let template = template();
    let tick = &resource(&template, "FetchOrdersTick")["Properties"];
    assert_eq!(target(&tick["Target"]["Arn"]), "FetchOrders");
    assert_eq!(text(&tick["ScheduleExpression"]), format!("rate({} minutes)", POLL_MINUTES.start()));
}

/// S23: a run that is due at a time of the day begins within a quarter of an hour.
#[test]
fn s23_consolidate_is_ticked_every_quarter_of_an_hour() {
    let template = template();
    let tick = &resource(&template, "ConsolidateTick")["Properties"];
    assert_eq!((target(&tick["Target"]["Arn"]), text(&tick["ScheduleExpression"])), ("Consolidate", "rate(15 minutes)"));
}

/// The scheduler's event has no time of its own: the tick's time comes from the schedule's input
/// (EventBridge Scheduler user guide, "Adding context attributes").
#[test]
fn a_tick_is_what_its_function_reads() {
    let template = template();
    for (name, schedule) in schedules(&template) {
        let input: serde_json::Value = serde_json::from_str(text(&schedule["Target"]["Input"])).unwrap();
        assert_eq!(input, serde_json::json!({"source": "aws.scheduler", "time": "<aws.scheduler.scheduled-time>"}), "{name}");
        let event = std::fs::read_to_string(root().join(format!("events/{}.tick.json", package(&template, schedule)))).unwrap();
        let event: serde_json::Value = serde_json::from_str(&event).unwrap();
        assert_eq!(event["source"], input["source"], "{name}");
        assert_eq!(event.as_object().unwrap().len(), 2, "{name}");
    }
}

/// The package of the function that a schedule invokes.
fn package<'a>(template: &'a Value, schedule: &Value) -> &'a str {
    let function = &resource(template, target(&schedule["Target"]["Arn"]))["Properties"];
    text(&function["FunctionName"]).strip_prefix("${AWS::StackName}-").unwrap()
}

/// The role of the schedules may invoke the functions that they name, and no other.
#[test]
fn the_schedules_may_invoke_what_they_name() {
    let template = template();
    let named: std::collections::BTreeSet<&str> =
        schedules(&template).into_iter().map(|(_, schedule)| target(&schedule["Target"]["Arn"])).collect();
    for (name, schedule) in schedules(&template) {
        assert_eq!(target(&schedule["Target"]["RoleArn"]), "SchedulerRole", "{name}");
    }
    let statements: Vec<&Value> =
        role_statements(&template).into_iter().filter(|(role, _)| *role == "SchedulerRole").map(|(_, statement)| statement).collect();
    assert_eq!(statements.len(), 1);
    assert_eq!(text(&statements[0]["Action"]), "lambda:InvokeFunction");
    let allowed: std::collections::BTreeSet<&str> = each(&statements[0]["Resource"]).into_iter().map(target).collect();
    assert_eq!(allowed, named);
}
