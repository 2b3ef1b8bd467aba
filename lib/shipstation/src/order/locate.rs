//! Where an order's shape is wrong. Only runs for orders that could not be taken apart, so it may take its time.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::leaf::Problem;
use super::wire::{AddressWire, AdvancedWire, ItemWire, Object, OptionWire, OrderWire};
use super::{Malformed, convert};

/// The members of an object, in order, repeats included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Any)
    }
}

/// The order that `error` stopped, with the place and as much of what identifies it as can be read.
pub(super) fn malformed(raw: &str, error: &serde_json::Error) -> Malformed {
    let Ok(Members(members)) = serde_json::from_str(raw) else {
        return Malformed {
            order_id: None,
            order_number: None,
            modified_at: None,
            created_at: None,
            pointer: String::new(),
            problem: Problem::quoting("a JSON object", raw).text,
        };
    };
    let problem = object(&members, order_member).unwrap_or_else(|| Problem { pointer: String::new(), text: error.to_string() });
    // The leaves that say which order it is, without the members that could not be taken apart. Of a repeated member, the first.
    let leaf = |name: &str| members.iter().find(|(member, _)| member == name).map(|(_, value)| *value).filter(|value| value.get() != "null");
    let identity = OrderWire {
        order_id: leaf("orderId"),
        order_number: leaf("orderNumber"),
        create_date: leaf("createDate"),
        modify_date: leaf("modifyDate"),
        ..OrderWire::default()
    };
    convert::malformed(&identity, problem)
}

type Check = fn(&str, &RawValue) -> Option<Problem>;

/// The first problem among an object's members: one that occurs twice, or one whose value `check` finds fault with.
fn object(members: &[(String, &RawValue)], check: Check) -> Option<Problem> {
    for (index, (name, value)) in members.iter().enumerate() {
        if members.iter().take(index).any(|(earlier, _)| earlier == name) {
            return Some(Problem { pointer: String::new(), text: "stated twice".to_owned() }.under(name));
        }
        if let Some(problem) = check(name, value) {
            return Some(problem.under(name));
        }
    }
    None
}

fn order_member(name: &str, value: &RawValue) -> Option<Problem> {
    match name {
        "billTo" | "shipTo" => shape::<Option<Object<AddressWire<'_>>>>(value, |_, _| None),
        "advancedOptions" => shape::<Option<Object<AdvancedWire<'_>>>>(value, |name, value| match name {
            "mergedIds" => list(value, |_| None),
            _ => None,
        }),
        "tagIds" => list(value, |_| None),
        "items" => list(value, |item| {
            shape::<Object<ItemWire<'_>>>(item, |name, value| match name {
                "options" => list(value, |option| shape::<Option<Object<OptionWire<'_>>>>(option, |_, _| None)),
                _ => None,
            })
        }),
        _ => None,
    }
}

/// What is wrong with `value`, which should be an object that reads as `T`.
fn shape<'a, T: Deserialize<'a>>(value: &'a RawValue, check: Check) -> Option<Problem> {
    let error = T::deserialize(value).err()?;
    let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(value.get()) else {
        return Some(Problem::quoting("an object", value.get()));
    };
    object(&members, check).or_else(|| Some(Problem { pointer: String::new(), text: error.to_string() }))
}

/// What is wrong with `value`, which should be a list or nothing.
fn list(value: &RawValue, check: fn(&RawValue) -> Option<Problem>) -> Option<Problem> {
    match serde_json::from_str::<Option<Vec<&RawValue>>>(value.get()) {
        Err(_) => Some(Problem::quoting("a list", value.get())),
        Ok(values) => values.unwrap_or_default().into_iter().enumerate().find_map(|(index, value)| check(value).map(|problem| problem.under(index))),
    }
}
