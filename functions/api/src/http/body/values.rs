//! Reading single values from their JSON text.

use std::ops::RangeInclusive;

use jiff::civil::Date;
use stevedore_domain::money::{self, Decimal};

use super::Fault;

fn string(json: &str) -> Result<String, Fault> {
    serde_json::from_str(json).map_err(|_| Fault::wrong_type("A text"))
}

/// A text that is not blank, of `most` bytes at most, without blanks at its ends and without control characters.
pub(crate) fn text(most: usize) -> impl Fn(&str) -> Result<String, Fault> {
    move |json| {
        let text = string(json)?;
        let text = text.trim();
        if text.is_empty() {
            return Err(Fault::new("blank", "This must not be blank; leave it out or write null for none."));
        }
        if text.len() > most {
            return Err(Fault::new("too_long", format!("This has {} bytes; at most {most} are taken.", text.len())));
        }
        if text.chars().any(char::is_control) {
            return Err(Fault::new("control_character", "Control characters do not belong here."));
        }
        Ok(text.to_owned())
    }
}

/// The same with the blanks at its ends, for what is compared as it is written.
pub(crate) fn verbatim(most: usize) -> impl Fn(&str) -> Result<String, Fault> {
    move |json| {
        text(most)(json)?;
        let text = string(json)?;
        if text.len() > most {
            Err(Fault::new("too_long", format!("This has {} bytes; at most {most} are taken.", text.len())))
        } else {
            Ok(text)
        }
    }
}

/// `true` or `false`.
pub(crate) fn boolean(json: &str) -> Result<bool, Fault> {
    serde_json::from_str(json).map_err(|_| Fault::wrong_type("true or false"))
}

/// A whole number.
pub(crate) fn integer(range: RangeInclusive<i64>) -> impl Fn(&str) -> Result<i64, Fault> {
    move |json| {
        let number: i64 = serde_json::from_str(json).map_err(|_| Fault::wrong_type("A whole number"))?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(Fault::new("out_of_range", format!("{} to {} are taken.", range.start(), range.end())))
        }
    }
}

/// The same, and not zero, for which `why` says what is meant instead.
pub(crate) fn other_than_zero<T: PartialEq + Default>(
    read: impl Fn(&str) -> Result<T, Fault>,
    why: &'static str,
) -> impl Fn(&str) -> Result<T, Fault> {
    move |json| match read(json)? {
        zero if zero == T::default() => Err(Fault::new("out_of_range", why)),
        value => Ok(value),
    }
}

/// One of ShipStation's ids: a whole number, which may exceed 2^53.
pub(crate) fn number_id(json: &str) -> Result<u64, Fault> {
    serde_json::from_str(json).map_err(|_| Fault::wrong_type("A whole number"))
}

/// An exact decimal: `"7.25"`, or the JSON number 7.25, which is read from its text.
pub(crate) fn decimal(range: RangeInclusive<Decimal>) -> impl Fn(&str) -> Result<Decimal, Fault> {
    move |json| {
        let text = if json.starts_with('"') { string(json)? } else { json.to_owned() };
        let number = money::decimal(&text).ok_or_else(|| Fault::wrong_type("A decimal number, such as \"7.25\","))?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(Fault::new("out_of_range", format!("{} to {} are taken.", range.start(), range.end())))
        }
    }
}

/// A day, `YYYY-MM-DD`.
pub(crate) fn date(json: &str) -> Result<Date, Fault> {
    let text = string(json)?;
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let date = plain.then(|| text.parse().ok()).flatten();
    date.ok_or_else(|| Fault::new("invalid_date", "A day belongs here, such as 2026-01-31."))
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(choices: &'static [(&'static str, T)]) -> impl Fn(&str) -> Result<T, Fault> {
    move |json| {
        let text = string(json)?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            Fault::new("not_one_of", format!("One of these belongs here: {}.", words.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn decimals_are_exact_and_days_are_whole() {
        let percent = decimal(Decimal::ZERO..=Decimal::ONE_HUNDRED);
        for json in ["7.25", "\"7.25\"", "725e-2"] {
            assert_eq!(percent(json).ok().unwrap().to_string(), "7.25", "{json}");
        }
        for json in ["-1", "101", "\"x\"", "true", "[]"] {
            assert!(percent(json).is_err(), "{json}");
        }
        assert!(date("\"2026-02-29\"").is_err() && date("\"2026-01-31T10:00\"").is_err() && date("20260131").is_err());
        assert!(date("\"2028-02-29\"").is_ok());
    }
}
