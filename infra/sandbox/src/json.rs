//! JSON whose numbers keep their text.
//!
//! `serde_json::Value` turns `16.990` into a binary float and prints `16.99`. The sandbox must send
//! exactly the digits that it was given. An order is therefore held as this small tree: numbers are
//! text, and members keep their order.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value with exact numbers and ordered members. `Display` writes compact JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as its exact JSON text (`120`, `16.990`, `1.2E2`).
    Number(String),
    /// A text, unescaped.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; members keep their order.
    Object(Vec<(String, Json)>),
}

/// The reason for which a text is not JSON.
#[derive(Debug, thiserror::Error)]
#[error("not valid JSON")]
pub struct JsonError(#[source] serde_json::Error);

impl Json {
    /// A text value.
    pub fn text(value: impl Into<String>) -> Self {
        Self::Text(value.into())
    }

    /// The text, or `null` for none.
    pub(crate) fn maybe_text(value: Option<impl Into<String>>) -> Self {
        value.map_or(Self::Null, |text| Self::Text(text.into()))
    }

    /// The number, or `null` for none.
    pub(crate) fn maybe_int(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Self::from)
    }

    /// A decimal without superfluous zeros: `120`, `16.99`, `-3`.
    pub fn decimal(value: Decimal) -> Self {
        Self::Number(plain_number(value))
    }

    /// A member of an object; `None` on anything else or where it is missing.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A member of an object, to be changed in place.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Json> {
        match self {
            Self::Object(members) => members.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Sets a member of an object, at its old place or else at the end. Does nothing on other
    /// values.
    pub fn set(&mut self, name: &str, value: impl Into<Json>) {
        if let Some(place) = self.get_mut(name) {
            *place = value.into();
        } else if let Self::Object(members) = self {
            members.push((name.to_owned(), value.into()));
        }
    }

    /// The text of a text value.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The exact value of a number; `None` on other values and on numbers beyond 28 digits.
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Self::Number(text) if text.contains(['e', 'E']) => Decimal::from_scientific(text).ok(),
            Self::Number(text) => Decimal::from_str_exact(text).ok(),
            _ => None,
        }
    }

    /// The value of a whole number that fits 64 bits.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The elements of an array; empty on anything else.
    pub fn elements(&self) -> &[Json] {
        match self {
            Self::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The elements of an array, to be changed in place; `None` on anything else.
    pub fn elements_mut(&mut self) -> Option<&mut Vec<Json>> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }
}

/// A decimal as ShipStation writes it: no trailing zeros, no exponent, no negative zero.
pub(crate) fn plain_number(value: Decimal) -> String {
    if value.is_zero() { "0".to_owned() } else { value.normalize().to_string() }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Number(value.to_string())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Decimal> for Json {
    fn from(value: Decimal) -> Self {
        Self::decimal(value)
    }
}

impl From<serde_json::Value> for Json {
    /// Converts a `serde_json` value. Fractions are binary floats by then (`16.990` is `16.99`).
    /// Parse text where the digits matter.
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => Self::Number(number.to_string()),
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(elements) => Self::Array(elements.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(members) => {
                Self::Object(members.into_iter().map(|(name, value)| (name, Self::from(value))).collect())
            }
        }
    }
}

impl FromStr for Json {
    type Err = JsonError;

    /// Parses JSON text. A leading byte-order mark is accepted.
    fn from_str(text: &str) -> Result<Self, JsonError> {
        let raw: Box<RawValue> = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(JsonError)?;
        tree(raw.get()).map_err(JsonError)
    }
}

/// The tree of a text that is known to be one JSON value.
fn tree(text: &str) -> Result<Json, serde_json::Error> {
    let text = text.trim();
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let members: Members = serde_json::from_str(text)?;
            let inner = members.0.into_iter().map(|(name, raw)| Ok((name, tree(raw.get())?)));
            Json::Object(inner.collect::<Result<_, serde_json::Error>>()?)
        }
        Some(b'[') => {
            let elements: Vec<Box<RawValue>> = serde_json::from_str(text)?;
            Json::Array(elements.iter().map(|raw| tree(raw.get())).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Json::Text(serde_json::from_str(text)?),
        Some(b'n') => Json::Null,
        Some(b't') => Json::Bool(true),
        Some(b'f') => Json::Bool(false),
        _ => Json::Number(text.to_owned()),
    })
}

/// An object's members in the order of the text, with unparsed values.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Number(text) => formatter.write_str(text),
            Self::Text(text) => write_text(formatter, text),
            Self::Array(elements) => {
                formatter.write_char('[')?;
                for (position, element) in elements.iter().enumerate() {
                    if position > 0 {
                        formatter.write_char(',')?;
                    }
                    write!(formatter, "{element}")?;
                }
                formatter.write_char(']')
            }
            Self::Object(members) => {
                formatter.write_char('{')?;
                for (position, (name, value)) in members.iter().enumerate() {
                    if position > 0 {
                        formatter.write_char(',')?;
                    }
                    write_text(formatter, name)?;
                    write!(formatter, ":{value}")?;
                }
                formatter.write_char('}')
            }
        }
    }
}

fn write_text(formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    formatter.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => formatter.write_str("\\\"")?,
            '\\' => formatter.write_str("\\\\")?,
            '\n' => formatter.write_str("\\n")?,
            '\r' => formatter.write_str("\\r")?,
            '\t' => formatter.write_str("\\t")?,
            control if control < ' ' => write!(formatter, "\\u{:04x}", u32::from(control))?,
            other => formatter.write_char(other)?,
        }
    }
    formatter.write_char('"')
}

/// `obj! { "name" => value, … }`: an object with its members in this order.
macro_rules! obj {
    ($($name:expr => $value:expr),* $(,)?) => {
        $crate::json::Json::Object(vec![$(($name.to_owned(), $crate::json::Json::from($value))),*])
    };
}
pub(crate) use obj;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_keep_their_exact_text() {
        let text = r#"{"a":120,"b":16.990,"c":1.2E2,"d":9007199254740993,"e":[0.001,-3],"f":"x\"\\\n\u0001é","g":null,"h":true}"#;
        let json: Json = text.parse().unwrap();
        assert_eq!(json.to_string(), text);
        assert_eq!(json.get("c").unwrap().as_decimal(), Some(Decimal::from(120)));
        assert_eq!(json.get("d").unwrap().as_int(), Some(9_007_199_254_740_993));
        assert_eq!(json.get("b").unwrap().as_decimal().unwrap().to_string(), "16.990");
    }

    #[test]
    fn broken_text_is_an_error_and_members_can_be_changed() {
        assert!("{\"a\":".parse::<Json>().is_err());
        assert!("{} x".parse::<Json>().is_err());
        let mut json: Json = "{\"a\":1}".parse().unwrap();
        json.set("a", "two");
        json.set("b", 3);
        assert_eq!(json.to_string(), r#"{"a":"two","b":3}"#);
    }

    #[test]
    fn decimals_are_written_plainly() {
        assert_eq!(plain_number(Decimal::new(12000, 2)), "120");
        assert_eq!(plain_number(Decimal::new(16990, 3)), "16.99");
        assert_eq!(plain_number(-Decimal::ZERO), "0");
        assert_eq!(plain_number(Decimal::new(-1, 3)), "-0.001");
    }
}
