//! Reading a settings document member by member, so that one answer names every fault in it.
//!
//! A derived `Deserialize` stops at the first fault, and whoever fills in the form would learn of them one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The code of a text that is no JSON at all. It is the only error of its answer, and its message names line and column.
pub const MALFORMED_JSON: &str = "malformed_json";

/// The largest document in bytes: a third of what one DynamoDB item holds (400 KB), and room for thousands of warehouses.
pub const LARGEST_DOCUMENT: usize = 128 * 1024;

/// Number of characters of a refused value that a message quotes.
const QUOTED: usize = 60;

/// One fault of a settings document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the member at fault; empty for the document as a whole.
    pub pointer: String,
    /// Stable, `snake_case`.
    pub code: &'static str,
    /// The fault, and what to write instead.
    pub message: String,
}

/// A fault that does not know yet where it is.
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn wrong_type(wanted: &str, found: &Value) -> Self {
        Self::new("wrong_type", format!("{} stands where {wanted} belongs.", quoted(found)))
    }

    pub(super) fn at(self, pointer: impl Into<String>) -> FieldError {
        FieldError { pointer: pointer.into(), code: self.code, message: self.message }
    }
}

/// A value as a message quotes it.
pub(super) fn quoted(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => quoted_text(text),
        other => other.to_string(),
    }
}

/// A text as a message quotes it, cut where it is long.
pub(super) fn quoted_text(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}

/// `pointer` extended by one member name, escaped as RFC 6901 asks.
pub(super) fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The members of the document.
pub(super) fn members(document: &str) -> Result<Map<String, Value>, FieldError> {
    if document.len() > LARGEST_DOCUMENT {
        let message = format!("The document has {} bytes; settings have at most {LARGEST_DOCUMENT}.", document.len());
        return Err(Fault::new("too_large", message).at(""));
    }
    let malformed = |error: serde_json::Error| Fault::new(MALFORMED_JSON, format!("The text cannot be read as JSON: {error}.")).at("");
    let value: Value = serde_json::from_str(document).map_err(malformed)?;
    let NoMemberTwice = serde_json::from_str(document).map_err(malformed)?;
    match value {
        Value::Object(members) => Ok(members),
        other => Err(Fault::wrong_type("an object with the settings", &other).at("")),
    }
}

/// Reads any JSON and refuses objects that name a member twice: the parser would silently keep the last one, and
/// which of two locations a warehouse has must not depend on that.
struct NoMemberTwice;

impl<'de> Deserialize<'de> for NoMemberTwice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for NoMemberTwice {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(name) = object.next_key::<String>()? {
            if seen.contains(&name) {
                object.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom(format!("the member {} stands there twice", quoted_text(&name))));
            }
            seen.insert(name);
            object.next_value::<Self>()?;
        }
        Ok(self)
    }
}

/// The members of one object and what was wrong with those read so far.
///
/// Every reading method returns nothing after it noted a fault, and the default where the member is missing.
pub(super) struct Members<'doc, 'errors> {
    object: Option<&'doc Map<String, Value>>,
    pointer: String,
    asked: Vec<&'static str>,
    errors: &'errors mut Vec<FieldError>,
}

impl<'doc, 'errors> Members<'doc, 'errors> {
    pub(super) fn of(object: &'doc Map<String, Value>, errors: &'errors mut Vec<FieldError>) -> Self {
        Self { object: Some(object), pointer: String::new(), asked: Vec::new(), errors }
    }

    fn find(&mut self, name: &'static str) -> Option<&'doc Value> {
        self.asked.push(name);
        self.object.and_then(|object| object.get(name))
    }

    fn note(&mut self, name: &str, fault: Fault) {
        self.errors.push(fault.at(child(&self.pointer, name)));
    }

    /// One value.
    pub(super) fn read<T>(&mut self, name: &'static str, default: T, read: impl FnOnce(&Value) -> Result<T, Fault>) -> Option<T> {
        let Some(value) = self.find(name) else {
            return Some(default);
        };
        read(value).map_err(|fault| self.note(name, fault)).ok()
    }

    /// One value that `null` takes away.
    #[allow(clippy::option_option, reason = "the outer tells whether the member could be read, the inner is its value")]
    pub(super) fn optional<T>(&mut self, name: &'static str, read: impl FnOnce(&Value) -> Result<T, Fault>) -> Option<Option<T>> {
        self.read(name, None, |value| if value.is_null() { Ok(None) } else { read(value).map(Some) })
    }

    /// A list of different values; one that stands there again is dropped, since it says nothing new.
    pub(super) fn set<T: Ord + Clone>(&mut self, name: &'static str, read: impl Fn(&Value) -> Result<T, Fault>) -> Option<Vec<T>> {
        let items = self.read(name, Vec::new(), |value| value.as_array().cloned().ok_or_else(|| Fault::wrong_type("a list", value)))?;
        let pointer = child(&self.pointer, name);
        let (mut seen, mut values, mut sound) = (BTreeSet::new(), Vec::new(), true);
        for (index, item) in items.iter().enumerate() {
            match read(item) {
                Ok(value) if seen.insert(value.clone()) => values.push(value),
                Ok(_) => {}
                Err(fault) => {
                    sound = false;
                    self.errors.push(fault.at(format!("{pointer}/{index}")));
                }
            }
        }
        sound.then_some(values)
    }

    /// An object whose member names are data.
    pub(super) fn entries<K: Ord, V>(
        &mut self,
        name: &'static str,
        read_key: impl Fn(&str) -> Result<K, Fault>,
        read_value: impl Fn(&Value) -> Result<V, Fault>,
    ) -> Option<BTreeMap<K, V>> {
        let Some(value) = self.find(name) else {
            return Some(BTreeMap::new());
        };
        let Value::Object(object) = value else {
            self.note(name, Fault::wrong_type("an object", value));
            return None;
        };
        let pointer = child(&self.pointer, name);
        let (mut entries, mut sound) = (BTreeMap::new(), true);
        for (key, value) in object {
            let (read_key, read_value) = (read_key(key), read_value(value));
            match (read_key, read_value) {
                (Ok(key), Ok(value)) => {
                    entries.insert(key, value);
                }
                (read_key, read_value) => {
                    sound = false;
                    let faults = read_key.err().into_iter().chain(read_value.err());
                    self.errors.extend(faults.map(|fault| fault.at(child(&pointer, key))));
                }
            }
        }
        sound.then_some(entries)
    }

    /// An object with members of its own, read by `read`; a missing one is an empty one.
    pub(super) fn compound<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Members<'doc, '_>) -> Option<T>) -> Option<T> {
        let value = self.find(name);
        let object = value.and_then(Value::as_object);
        if let (Some(value), None) = (value, object) {
            self.note(name, Fault::wrong_type("an object", value));
            return None;
        }
        let mut members = Members { object, pointer: child(&self.pointer, name), asked: Vec::new(), errors: &mut *self.errors };
        let value = read(&mut members);
        members.refuse_the_rest();
        value
    }

    /// Takes a member that is no setting, whatever it says.
    pub(super) fn passed_over(&mut self, name: &'static str) {
        self.find(name);
    }

    /// Notes a fault that only the members together show.
    pub(super) fn refuse(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.note(name, Fault::new(code, message));
    }

    /// Notes every member that was never asked for.
    pub(super) fn refuse_the_rest(&mut self) {
        let unknown = self.object.into_iter().flat_map(Map::keys).filter(|name| !self.asked.contains(&name.as_str()));
        for name in unknown {
            let message = format!("There is no setting {}; known here: {}.", quoted_text(name), self.asked.join(", "));
            self.errors.push(Fault::new("unknown_setting", message).at(child(&self.pointer, name)));
        }
    }
}
