//! One JSON object with its members' own texts, in their order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Fault;

/// The members of an object. One that stands there twice is told apart, because which of the two counts must not depend on a parser.
pub(super) struct Object {
    members: Vec<(String, Box<RawValue>)>,
    repeated: Option<String>,
}

impl Object {
    pub(super) fn parse(raw: &RawValue) -> Result<Self, Fault> {
        let object: Self = serde_json::from_str(raw.get()).map_err(|_| Fault::wrong_type("An object"))?;
        match &object.repeated {
            Some(_) => Err(Fault::new("repeated_member", "A member stands here twice.")),
            None => Ok(object),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&RawValue> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, raw)| raw.as_ref())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object { members: Vec::new(), repeated: None };
        let mut seen = std::collections::HashSet::new();
        while let Some((name, raw)) = map.next_entry::<String, Box<RawValue>>()? {
            if seen.insert(name.clone()) {
                object.members.push((name, raw));
            } else {
                object.repeated = Some(name);
            }
        }
        Ok(object)
    }
}
