//! Reading bodies: every fault of a body in one answer, each with a pointer to its member.
//!
//! A derived `Deserialize` stops at the first fault. Here each member is read by itself, from its own text, so that numbers are exact and one
//! faulty member does not hide the next.

mod object;
mod values;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde_json::value::RawValue;

use crate::http::problem::{Code, FieldFault, Problem};
use object::Object;

pub(crate) use values::{boolean, choice, date, decimal, integer, number_id, other_than_zero, text, verbatim};

/// The largest body that is read, in bytes: twice the largest settings.
pub(crate) const LARGEST_BODY: usize = 256 * 1024;

/// A request's body as text; its media type is checked.
pub(crate) struct Body(String);

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let called_json = is_json(request.headers());
        let bytes: Bytes = axum::body::to_bytes(request.into_body(), LARGEST_BODY).await.map_err(|_| Problem::new(Code::BodyTooLarge))?;
        if !bytes.is_empty() && !called_json {
            return Err(Problem::new(Code::UnsupportedMediaType));
        }
        let text = String::from_utf8(bytes.into()).map_err(|_| malformed("It is not UTF-8."))?;
        Ok(Self(text))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn malformed(message: &str) -> Problem {
    let fault = FieldFault { pointer: String::new(), code: "malformed_json", message: message.to_owned() };
    Problem::with_errors(Code::MalformedJson, vec![fault])
}

impl Body {
    /// The body as it was sent.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Reads the body as an object. Every member that `read` does not ask for is a fault.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Problem> {
        let parsed: Result<&RawValue, _> = serde_json::from_str(&self.0);
        let raw = parsed.map_err(|error| malformed(&format!("The text cannot be read as JSON: {error}.")))?;
        let mut faults = Vec::new();
        let value = read_object(raw, String::new(), &mut faults, read);
        match value {
            Some(value) if faults.is_empty() => Ok(value),
            _ => Err(Problem::with_errors(Code::ValidationFailed, faults)),
        }
    }

    /// The same, where no body at all is an empty object.
    pub(crate) fn read_optional<T>(&self, read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Problem> {
        if self.0.trim().is_empty() { Self("{}".to_owned()).read(read) } else { self.read(read) }
    }
}

fn read_object<T>(raw: &RawValue, pointer: String, faults: &mut Vec<FieldFault>, read: impl FnOnce(&mut Fields<'_>) -> T) -> Option<T> {
    let object = match Object::parse(raw) {
        Ok(object) => object,
        Err(fault) => {
            faults.push(fault.at(pointer));
            return None;
        }
    };
    let mut fields = Fields { object, pointer, asked: Vec::new(), forgiving: false, faults };
    let value = read(&mut fields);
    fields.refuse_the_rest();
    Some(value)
}

/// A fault that does not know yet where it is.
pub(crate) struct Fault {
    code: &'static str,
    message: String,
}

impl Fault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn wrong_type(wanted: &str) -> Self {
        Self::new("wrong_type", format!("{wanted} belongs here."))
    }

    fn at(self, pointer: String) -> FieldFault {
        FieldFault { pointer, code: self.code, message: self.message }
    }
}

/// The members of one object. A faulty member is noted and reads as nothing.
pub(crate) struct Fields<'a> {
    object: Object,
    pointer: String,
    asked: Vec<&'static str>,
    forgiving: bool,
    faults: &'a mut Vec<FieldFault>,
}

impl Fields<'_> {
    /// A member that may be missing or `null`.
    pub(crate) fn optional<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        let raw = self.find(name)?;
        read(raw.get()).map_err(|fault| self.note(name, fault)).ok()
    }

    /// A member that must be there.
    pub(crate) fn required<T: Default>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Fault>) -> T {
        if self.find(name).is_none() {
            self.note(name, Fault::new("required", "This member is missing."));
        }
        self.optional(name, read).unwrap_or_default()
    }

    /// A list of values, of `most` at most; nothing when any of them is faulty.
    pub(crate) fn list<T>(&mut self, name: &'static str, most: usize, read: impl Fn(&str) -> Result<T, Fault>) -> Option<Vec<T>> {
        let items = self.items(name, most)?;
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match read(item.get()) {
                Ok(value) => values.push(value),
                Err(fault) => self.note_at(name, index, fault),
            }
        }
        (values.len() == items.len()).then_some(values)
    }

    /// A list of objects, of `most` at most; a missing one is empty.
    pub(crate) fn objects<T>(&mut self, name: &'static str, most: usize, read: impl Fn(&mut Fields<'_>) -> T) -> Vec<T> {
        let items = self.items(name, most).unwrap_or_default();
        let pointer = child(&self.pointer, name);
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate() {
            values.extend(read_object(item, format!("{pointer}/{index}"), self.faults, &read));
        }
        values
    }

    /// An object.
    pub(crate) fn object<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Fields<'_>) -> T) -> Option<T> {
        let raw = self.find(name)?;
        read_object(&raw, child(&self.pointer, name), self.faults, read)
    }

    /// Notes a fault that only members together show.
    pub(crate) fn refuse(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.note(name, Fault::new(code, message));
    }

    /// True if a member is there and not `null`.
    pub(crate) fn has(&mut self, name: &'static str) -> bool {
        self.find(name).is_some()
    }

    /// True if a member is there and is `null`.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|raw| raw.get() == "null")
    }

    /// Notes those of these members that are `null`: they have a default, and none is not it.
    pub(crate) fn refuse_null(&mut self, names: &[&str]) {
        for name in names {
            if self.object.get(name).is_some_and(|raw| raw.get() == "null") {
                self.refuse(name, "wrong_type", "null does not belong here; leave the member out for its default.");
            }
        }
    }

    /// Takes every other member for granted.
    pub(crate) fn forgive_the_rest(&mut self) {
        self.forgiving = true;
    }

    fn items(&mut self, name: &'static str, most: usize) -> Option<Vec<Box<RawValue>>> {
        let raw = self.find(name)?;
        let items: Result<Vec<Box<RawValue>>, _> = serde_json::from_str(raw.get());
        match items {
            Ok(items) if items.len() <= most => return Some(items),
            Ok(_) => self.note(name, Fault::new("too_many", format!("At most {most} belong here."))),
            Err(_) => self.note(name, Fault::wrong_type("A list")),
        }
        None
    }

    fn find(&mut self, name: &'static str) -> Option<Box<RawValue>> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        self.object.get(name).filter(|raw| raw.get() != "null").map(ToOwned::to_owned)
    }

    fn note(&mut self, name: &str, fault: Fault) {
        self.faults.push(fault.at(child(&self.pointer, name)));
    }

    fn note_at(&mut self, name: &str, index: usize, fault: Fault) {
        self.faults.push(fault.at(format!("{}/{index}", child(&self.pointer, name))));
    }

    fn refuse_the_rest(&mut self) {
        if self.forgiving {
            return;
        }
        let unknown: Vec<String> =
            self.object.names().filter(|name| !self.asked.contains(name)).map(|name| child(&self.pointer, name)).collect();
        for pointer in unknown {
            let message = format!("There is no such member; known here: {}.", self.asked.join(", "));
            self.faults.push(Fault::new("unknown_member", message).at(pointer));
        }
    }
}

/// `pointer` extended by one member name, escaped as RFC 6901 asks.
fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_answer_names_every_fault() {
        let mut faults = Vec::new();
        let raw = RawValue::from_string(
            r#"{"name": 7, "priority": 1.5, "colour": "red", "address": {"city": [], "a/b": 1}, "tags": ["x", 2]}"#.to_owned(),
        );
        read_object(&raw.unwrap(), String::new(), &mut faults, |fields| {
            fields.required("name", text(10));
            fields.required::<i64>("priority", integer(0..=9));
            fields.required("kind", text(10));
            fields.object("address", |fields| fields.optional("city", text(10)));
            fields.list("tags", 5, text(10));
        });
        let found: Vec<(&str, &str)> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        let expected = [
            ("/name", "wrong_type"),
            ("/priority", "wrong_type"),
            ("/kind", "required"),
            ("/address/city", "wrong_type"),
            ("/address/a~1b", "unknown_member"),
            ("/tags/1", "wrong_type"),
            ("/colour", "unknown_member"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_member_that_stands_there_twice_is_refused() {
        let mut faults = Vec::new();
        let raw = RawValue::from_string(r#"{"name": "a", "name": "b"}"#.to_owned()).unwrap();
        assert!(read_object(&raw, String::new(), &mut faults, |_| ()).is_none());
        assert_eq!(faults.first().map(|fault| fault.code), Some("repeated_member"));
    }
}
