//! The infrastructure template as a document, with CloudFormation's tags.
#![allow(clippy::missing_panics_doc, reason = "tests panic where they fail")]

use std::path::{Path, PathBuf};

use serde_norway::Value;

/// The repository's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `infra/template.yaml`.
pub fn template() -> Value {
    let text = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap()
}

/// A text, with or without one of CloudFormation's tags before it.
pub fn text(value: &Value) -> &str {
    let value = if let Value::Tagged(tagged) = value { &tagged.value } else { value };
    value.as_str().unwrap_or_else(|| panic!("not a text: {value:?}"))
}

/// The resource of a `!Ref Name` or `!GetAtt Name.Attribute`.
pub fn target(value: &Value) -> &str {
    let Value::Tagged(tagged) = value else { panic!("no reference: {value:?}") };
    assert!(tagged.tag == "Ref" || tagged.tag == "GetAtt", "no reference: {value:?}");
    text(value).split('.').next().unwrap()
}

/// One value or a list of them.
pub fn each(value: &Value) -> Vec<&Value> {
    value.as_sequence().map_or_else(|| vec![value], |list| list.iter().collect())
}

/// The members of a map.
pub fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_mapping().unwrap_or_else(|| panic!("not a map: {value:?}")).iter().map(|(name, value)| (text(name), value))
}

/// The properties of every resource of a type, by name. There must be at least one.
pub fn resources<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let found: Vec<_> = entries(&template["Resources"])
        .filter(|(_, resource)| text(&resource["Type"]) == kind)
        .map(|(name, resource)| (name, &resource["Properties"]))
        .collect();
    assert!(!found.is_empty(), "no {kind}");
    found
}

/// Every statement of every role: the role's name and the statement.
pub fn role_statements(template: &Value) -> Vec<(&str, &Value)> {
    resources(template, "AWS::IAM::Role")
        .into_iter()
        .flat_map(|(name, role)| each(&role["Policies"]).into_iter().map(move |policy| (name, policy)))
        .flat_map(|(name, policy)| each(&policy["PolicyDocument"]["Statement"]).into_iter().map(move |statement| (name, statement)))
        .collect()
}
