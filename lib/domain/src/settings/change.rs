//! Changes that a write of the settings made: the history keeps them with author and time.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Settings, document};

/// One setting that a write changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingChange {
    /// JSON pointer to the setting: `/poll_minutes`, `/location_map/warehouses/12`.
    pub pointer: String,
    /// The value before; `null` for none.
    pub from: Value,
    /// The value after; `null` for none.
    pub to: Value,
}

/// Every setting that differs between `old` and `new`, in the order of their pointers.
///
/// Compound settings are compared member by member, so that mapping one more warehouse is one change. The two lists
/// (`exclude_tags`, `exclude_stores`) are one setting each: a position in them means nothing.
#[must_use]
pub fn changes(old: &Settings, new: &Settings) -> Vec<SettingChange> {
    let mut found = Vec::new();
    compare(String::new(), &value(old), &value(new), &mut found);
    found.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    found
}

/// The settings as JSON. Settings hold texts, integers and maps with textual keys alone, which always have a JSON form.
fn value(settings: &Settings) -> Value {
    serde_json::to_value(settings).unwrap_or_default()
}

fn compare(pointer: String, from: &Value, to: &Value, found: &mut Vec<SettingChange>) {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => {
            let added = to.keys().filter(|name| !from.contains_key(*name));
            for name in from.keys().chain(added) {
                compare(document::child(&pointer, name), member(from, name), member(to, name), found);
            }
        }
        _ if from == to => {}
        _ => found.push(SettingChange { pointer, from: from.clone(), to: to.clone() }),
    }
}

fn member<'a>(object: &'a Map<String, Value>, name: &str) -> &'a Value {
    object.get(name).unwrap_or(&Value::Null)
}
