//! Scalars of an order: text, numbers, times. Each is read exactly, or the problem quotes it.

use std::fmt::Write as _;

use stevedore_domain::money::{Decimal, decimal};
use stevedore_domain::pacific::{PacificTime, wall_time};

use crate::json::Scanner;

/// Characters of an offending text that a problem quotes.
const QUOTE: usize = 100;

/// A scalar: the text of any JSON value; `null` and absent are nothing.
pub(super) type Scalar<'a> = Option<&'a str>;

/// Fault of a scalar and its place, seen from the object that was being read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(super) pointer: String,
    pub(super) text: String,
}

impl Problem {
    /// The text is not what is wanted.
    pub(super) fn quoting(wanted: &str, offending: &str) -> Self {
        let mut text = format!("not {wanted}: ");
        text.extend(offending.chars().take(QUOTE));
        if offending.chars().nth(QUOTE).is_some() {
            text.push('…');
        }
        Self { pointer: String::new(), text }
    }

    /// A member occurs more than once, and nothing says which is meant.
    pub(super) fn twice() -> Self {
        Self { pointer: String::new(), text: "stated twice".to_owned() }
    }

    /// Something about the whole.
    pub(super) fn saying(text: String) -> Self {
        Self { pointer: String::new(), text }
    }

    pub(super) fn missing() -> Self {
        Self { pointer: String::new(), text: "missing".to_owned() }
    }

    /// The same problem, seen from one level up.
    pub(super) fn under(mut self, step: impl std::fmt::Display) -> Self {
        let mut pointer = String::new();
        let _ = write!(pointer, "/{step}{}", self.pointer);
        self.pointer = pointer;
        self
    }
}

/// Says where a problem is.
pub(super) trait At<T> {
    fn at(self, step: &str) -> Result<T, Problem>;
}

impl<T> At<T> for Result<T, Problem> {
    fn at(self, step: &str) -> Self {
        self.map_err(|problem| problem.under(step))
    }
}

/// Text as written; blank text is nothing. A number or a truth value stands for its own text, since nothing is lost by that.
pub(super) fn text(scalar: Scalar<'_>) -> Result<Option<String>, Problem> {
    let Some(raw) = scalar else { return Ok(None) };
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return if is_number(raw) || raw == "true" || raw == "false" {
            Ok(Some(raw.to_owned()))
        } else {
            Err(Problem::quoting("text", raw))
        };
    };
    if inner.contains('\\') {
        let text = unescaped(raw).ok_or_else(|| Problem::quoting("text", raw))?;
        return Ok(Some(text).filter(|text| !text.trim().is_empty()));
    }
    Ok(if inner.trim().is_empty() { None } else { Some(inner.to_owned()) })
}

/// Text that must be there.
pub(super) fn required(scalar: Scalar<'_>) -> Result<String, Problem> {
    text(scalar)?.ok_or_else(Problem::missing)
}

/// Resolves escapes. Half of a surrogate pair (an emoji cut by a length limit) becomes U+FFFD: a buyer's name must not stop an order.
fn unescaped(raw: &str) -> Option<String> {
    struct Bytes(Vec<u8>);
    impl<'de> serde::Deserialize<'de> for Bytes {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl serde::de::Visitor<'_> for Visitor {
                type Value = Bytes;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("text")
                }
                fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                    Ok(Bytes(bytes.to_owned()))
                }
            }
            deserializer.deserialize_bytes(Visitor)
        }
    }
    let Bytes(bytes) = serde_json::from_str(raw).ok()?;
    Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn is_number(json: &str) -> bool {
    json.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// The text of a JSON number; a number that was sent as text counts too. Blank text is nothing.
fn number(raw: &str) -> Result<Option<&str>, Problem> {
    if is_number(raw) {
        return Ok(Some(raw));
    }
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map(str::trim) else {
        return Err(Problem::quoting("a number", raw));
    };
    if inner.is_empty() {
        return Ok(None);
    }
    let valid = is_number(inner) && Scanner::new(inner).value() == Ok(inner);
    if valid { Ok(Some(inner)) } else { Err(Problem::quoting("a number", raw)) }
}

/// An exact decimal.
pub(super) fn amount(scalar: Scalar<'_>) -> Result<Option<Decimal>, Problem> {
    let Some(raw) = scalar else { return Ok(None) };
    let Some(text) = number(raw)? else { return Ok(None) };
    decimal(text).map(Some).ok_or_else(|| Problem::quoting("a number that can be kept exactly", raw))
}

/// A whole number: `10`, `10.0`, `1e1`.
pub(super) fn whole(scalar: Scalar<'_>) -> Result<Option<i64>, Problem> {
    let Some(raw) = scalar else { return Ok(None) };
    let Some(text) = number(raw)? else { return Ok(None) };
    if let Ok(whole) = text.parse() {
        return Ok(Some(whole));
    }
    let whole = decimal(text).filter(|value| value.fract().is_zero()).and_then(|value| i64::try_from(value).ok());
    whole.map(Some).ok_or_else(|| Problem::quoting("a whole number", raw))
}

/// An id. ShipStation's ids are positive whole numbers; those of lines have 13 digits and more.
pub(super) fn id(scalar: Scalar<'_>) -> Result<Option<u64>, Problem> {
    let Some(raw) = scalar else { return Ok(None) };
    let Some(text) = number(raw)? else { return Ok(None) };
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    let id = decimal(text).filter(|value| value.fract().is_zero() && !value.is_sign_negative()).and_then(|value| u64::try_from(value).ok());
    id.map(Some).ok_or_else(|| Problem::quoting("an id", raw))
}

/// A reference to something: 0 refers to nothing. Taken as an id it would tie all orders that lack one to each other.
pub(super) fn reference(scalar: Scalar<'_>) -> Result<Option<u64>, Problem> {
    Ok(id(scalar)?.filter(|id| *id != 0))
}

/// A list of references; nulls in it are left out.
pub(super) fn references(list: Option<&Vec<&str>>) -> Result<Vec<u64>, Problem> {
    let mut ids = Vec::new();
    for (index, raw) in list.into_iter().flatten().enumerate() {
        let scalar = Some(*raw).filter(|raw| *raw != "null");
        ids.extend(reference(scalar).map_err(|problem| problem.under(index))?);
    }
    Ok(ids)
}

/// True or false; absent is false.
pub(super) fn flag(scalar: Scalar<'_>) -> Result<bool, Problem> {
    match scalar {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) if other.eq_ignore_ascii_case("\"true\"") || other == "1" => Ok(true),
        Some(other) if other.eq_ignore_ascii_case("\"false\"") || other == "0" || other == "\"\"" => Ok(false),
        Some(other) => Err(Problem::quoting("true or false", other)),
    }
}

/// A date of the channel's, which decides no amount: one that cannot be read costs itself and not the order.
pub(super) fn channels_date(scalar: Scalar<'_>) -> Option<jiff::civil::DateTime> {
    time(scalar).unwrap_or(Some(stevedore_domain::order::UNREADABLE))
}

/// A wall time, or a date. One with an offset is an instant, and told as Pacific clocks show it.
pub(super) fn time(scalar: Scalar<'_>) -> Result<Option<jiff::civil::DateTime>, Problem> {
    let Some(raw) = scalar else { return Ok(None) };
    let not = || Problem::quoting("a time such as 2015-06-29T08:46:27.0000000", raw);
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(not)?;
    if inner.trim().is_empty() {
        return Ok(None);
    }
    wall_time(inner).or_else(|| other_form(inner)).map(Some).ok_or_else(not)
}

/// Forms of a time that ShipStation does not write and channels do: `2026-11-20T08:00:00Z`, with an offset, `11/20/2026 8:00:00 AM`, `11/20/2026`.
#[cold]
fn other_form(text: &str) -> Option<jiff::civil::DateTime> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(PacificTime::at(instant).0);
    }
    let of = |format| jiff::civil::DateTime::strptime(format, text).ok();
    let date = || jiff::civil::Date::strptime("%m/%d/%Y", text).ok().map(|date| date.at(0, 0, 0, 0));
    of("%m/%d/%Y %I:%M:%S %p").or_else(|| of("%m/%d/%Y %H:%M:%S")).or_else(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_other_forms_are_read_and_impossible_ones_are_not() {
        for (text, read) in [
            ("\"2026-11-20T16:00:00.000Z\"", Some("2026-11-20T08:00:00")),
            ("\"2026-11-20T11:00:00-05:00\"", Some("2026-11-20T08:00:00")),
            ("\"11/20/2026 8:00:00 AM\"", Some("2026-11-20T08:00:00")),
            ("\"11/20/2026 8:00:00 PM\"", Some("2026-11-20T20:00:00")),
            ("\"11/20/2026\"", Some("2026-11-20T00:00:00")),
            ("\"2026-11-20T08:00:00.0000000\"", Some("2026-11-20T08:00:00")),
            ("\"2026-02-30\"", None),
            ("\"31/31/2026\"", None),
            ("\"soon\"", None),
            ("12", None),
        ] {
            let found = time(Some(text)).ok().flatten().map(|time| time.to_string());
            assert_eq!(found.as_deref(), read, "{text}");
        }
        assert_eq!(channels_date(Some("\"soon\"")), Some(stevedore_domain::order::UNREADABLE));
        assert_eq!(channels_date(None), None);
    }
}
