//! The infrastructure template holds what the code needs, as far as the linters do not see it.

pub mod calls;
mod functions;
mod queues;
mod roles;
mod schedules;
mod table;
mod watching;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_norway::Value;

const FUNCTION: &str = "AWS::Serverless::Function";
const QUEUE: &str = "AWS::SQS::Queue";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn template() -> Value {
    let text = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap()
}

/// A text, with or without one of CloudFormation's tags before it.
fn text(value: &Value) -> &str {
    let value = if let Value::Tagged(tagged) = value { &tagged.value } else { value };
    value.as_str().unwrap_or_else(|| panic!("not a text: {value:?}"))
}

/// The resource that a `!Ref Name` or `!GetAtt Name.Attribute` means.
fn target(value: &Value) -> &str {
    let Value::Tagged(tagged) = value else { panic!("no reference: {value:?}") };
    assert!(tagged.tag == "Ref" || tagged.tag == "GetAtt", "no reference: {value:?}");
    text(value).split('.').next().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value:?}"))
}

/// One value or a list of them.
fn each(value: &Value) -> Vec<&Value> {
    value.as_sequence().map_or_else(|| vec![value], |list| list.iter().collect())
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_mapping().unwrap_or_else(|| panic!("not a map: {value:?}")).iter().map(|(name, value)| (text(name), value))
}

fn names(value: &Value) -> BTreeSet<&str> {
    entries(value).map(|(name, _)| name).collect()
}

/// The properties of every resource of a type, by name; there is at least one.
fn resources<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let found: Vec<_> = entries(&template["Resources"])
        .filter(|(_, resource)| text(&resource["Type"]) == kind)
        .map(|(name, resource)| (name, &resource["Properties"]))
        .collect();
    assert!(!found.is_empty(), "no {kind}");
    found
}

/// The events of a type of every function: function's name, its properties, the event's properties. There is at least one.
fn events<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value, &'a Value)> {
    let found: Vec<_> = resources(template, FUNCTION)
        .into_iter()
        .flat_map(|(name, function)| {
            entries(&function["Events"])
                .filter(|(_, event)| text(&event["Type"]) == kind)
                .map(move |(_, event)| (name, function, &event["Properties"]))
        })
        .collect();
    assert!(!found.is_empty(), "no {kind} event");
    found
}

/// The resource of a name.
fn resource<'a>(template: &'a Value, name: &str) -> &'a Value {
    let found = &template["Resources"][name];
    assert!(found.is_mapping(), "no resource {name}");
    found
}

/// Every statement of every role: the role's name and the statement.
fn role_statements(template: &Value) -> Vec<(&str, &Value)> {
    resources(template, "AWS::IAM::Role")
        .into_iter()
        .flat_map(|(name, role)| each(&role["Policies"]).into_iter().map(move |policy| (name, policy)))
        .flat_map(|(name, policy)| each(&policy["PolicyDocument"]["Statement"]).into_iter().map(move |statement| (name, statement)))
        .collect()
}

/// CloudFormation reads no anchors and aliases, although every YAML reader here would (CloudFormation user guide, "Template
/// formats": "YAML").
#[test]
fn the_template_has_no_anchors() {
    let text = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    for (number, line) in text.lines().enumerate() {
        let value = line.split_once(": ").map_or(line.trim_start(), |(_, value)| value).trim_start_matches("- ");
        assert!(!value.starts_with(['&', '*']), "line {}: {line}", number + 1);
    }
}
