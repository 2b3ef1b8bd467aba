//! The infrastructure template has the settings that the code needs, beyond the checks of the
//! linters.

mod functions;
mod guides;
mod queues;
mod reach;
mod roles;
mod schedules;
mod table;
mod watching;

use std::collections::BTreeSet;

use serde_norway::Value;
use stevedore_tests::template::{each, entries, resources, role_statements, root, target, template, text};

const FUNCTION: &str = "AWS::Serverless::Function";
const QUEUE: &str = "AWS::SQS::Queue";

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value:?}"))
}

fn names(value: &Value) -> BTreeSet<&str> {
    entries(value).map(|(name, _)| name).collect()
}

/// The events of one type of every function: the function's name, its properties, the event's
/// properties. There must be at least one.
fn events<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value, &'a Value)> {
    let found: Vec<_> = resources(template, FUNCTION)
        .into_iter()
        .flat_map(|(name, function)| {
            // A function that only the scheduler calls has no events.
            let events = function.get("Events").map(|events| entries(events).collect::<Vec<_>>()).unwrap_or_default();
            events
                .into_iter()
                .filter(|(_, event)| text(&event["Type"]) == kind)
                .map(move |(_, event)| (name, function, &event["Properties"]))
        })
        .collect();
    assert!(!found.is_empty(), "no {kind} event");
    found
}

/// The resource with a name.
fn resource<'a>(template: &'a Value, name: &str) -> &'a Value {
    let found = &template["Resources"][name];
    assert!(found.is_mapping(), "no resource {name}");
    found
}

/// CloudFormation reads no anchors and aliases, although every YAML reader of the tests would
/// (CloudFormation user guide, "Template formats": "YAML").
#[test]
fn the_template_has_no_anchors() {
    let text = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    for (number, line) in text.lines().enumerate() {
        let value = line.split_once(": ").map_or(line.trim_start(), |(_, value)| value).trim_start_matches("- ");
        assert!(!value.starts_with(['&', '*']), "line {}: {line}", number + 1);
    }
}
