//! Readers of single values of a settings document, each with the fault that says what to write instead.

use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::tz::TimeZoneDatabase;
use serde_json::Value;

use super::LocalTime;
use super::document::{Fault, quoted_text};
use super::references::{References, may_be_id};
use crate::ids::{AccountId, CustomerId, LocationId, StoreId, TaxRuleId, WarehouseId};
use crate::money::Currency;
use crate::reference::AccountKind;

/// `true` or `false`.
pub(super) fn boolean(value: &Value) -> Result<bool, Fault> {
    value.as_bool().ok_or_else(|| Fault::wrong_type("`true` or `false`", value))
}

/// A text.
pub(super) fn text(value: &Value) -> Result<&str, Fault> {
    value.as_str().ok_or_else(|| Fault::wrong_type("a text", value))
}

/// One of `values`.
pub(super) fn choice<T>(values: &'static [&'static str], from_text: fn(&str) -> Option<T>) -> impl Fn(&Value) -> Result<T, Fault> {
    move |value| {
        let allowed = || values.join(", ");
        let text = value.as_str().ok_or_else(|| Fault::wrong_type(&format!("one of {}", allowed()), value))?;
        from_text(text).ok_or_else(|| Fault::new("not_one_of", format!("{} is none of the values: {}.", quoted_text(text), allowed())))
    }
}

/// A whole number in `range`. Numbers written with a fraction or an exponent are no whole numbers, whatever they amount to.
pub(super) fn integer<T: TryFrom<u64>>(range: RangeInclusive<u64>) -> impl Fn(&Value) -> Result<T, Fault> {
    move |value| {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let out = || Fault::new("out_of_range", format!("{value} is not {wanted}."));
        match value.as_u64() {
            Some(number) if range.contains(&number) => T::try_from(number).map_err(|_| out()),
            Some(_) => Err(out()),
            None if value.as_i64().is_some() => Err(out()),
            None => Err(Fault::wrong_type(&wanted, value)),
        }
    }
}

/// One of ShipStation's ids: an integer that never passes through a float.
pub(super) fn number_id<T>(wrap: fn(u64) -> T) -> impl Fn(&Value) -> Result<T, Fault> {
    move |value| value.as_u64().map(wrap).ok_or_else(|| Fault::wrong_type("an id of ShipStation's, a whole number", value))
}

/// `HH:MM`.
pub(super) fn local_time(value: &Value) -> Result<LocalTime, Fault> {
    let text = text(value)?;
    LocalTime::parse(text)
        .ok_or_else(|| Fault::new("invalid_time", format!("{} is not a local time; write HH:MM, 00:00 to 23:59.", quoted_text(text))))
}

/// The name of a zone in the database that is built into the program, spelt as there: no abbreviations of offsets and rules,
/// and nothing that depends on the machine.
pub(super) fn time_zone(value: &Value) -> Result<String, Fault> {
    let text = text(value)?;
    let invalid =
        |advice: &str| Fault::new("invalid_time_zone", format!("{} is not the name of a time zone; {advice}.", quoted_text(text)));
    let zone = TimeZoneDatabase::bundled().get(text).ok();
    match zone.as_ref().and_then(|zone| zone.iana_name()) {
        // The database's own name for a clock that was never set.
        None | Some("Factory") => Err(invalid("write an IANA name such as America/New_York")),
        Some(name) if name == text => Ok(name.to_owned()),
        Some(name) => Err(invalid(&format!("write {name}"))),
    }
}

/// A currency by its code.
pub(super) fn currency(value: &Value) -> Result<Currency, Fault> {
    let text = text(value)?;
    let invalid =
        || Fault::new("invalid_currency", format!("{} is not an ISO 4217 currency code in capitals, such as USD.", quoted_text(text)));
    Currency::from_code(text).ok_or_else(invalid)
}

/// `YYYY-MM-DD` and nothing else, although the date's own parser takes more.
pub(super) fn date(value: &Value) -> Result<Date, Fault> {
    let text = text(value)?;
    let shaped =
        text.len() == 10 && text.bytes().enumerate().all(|(i, byte)| if i == 4 || i == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    let date = shaped.then(|| text.parse().ok()).flatten();
    date.ok_or_else(|| Fault::new("invalid_date", format!("{} is not a date; write YYYY-MM-DD.", quoted_text(text))))
}

/// A ShipStation warehouse id as a member name. One spelling for each, so that `7` and `07` are not two warehouses.
pub(super) fn warehouse(key: &str) -> Result<WarehouseId, Fault> {
    let id = key.parse::<WarehouseId>().ok().filter(|id| id.to_string() == key);
    id.ok_or_else(|| {
        Fault::new(
            "invalid_key",
            format!("{} is not a ShipStation warehouse id; the ids are whole numbers, such as 2841.", quoted_text(key)),
        )
    })
}

/// A ShipStation store id as a member name, in one spelling like that of a warehouse.
pub(super) fn store(key: &str) -> Result<StoreId, Fault> {
    let id = key.parse::<StoreId>().ok().filter(|id| id.to_string() == key);
    id.ok_or_else(|| {
        let message = format!("{} is not a ShipStation store id; the ids are whole numbers, such as 2841.", quoted_text(key));
        Fault::new("invalid_key", message)
    })
}

/// A payment method as orders write it. Methods are free text in ShipStation, so only blank ones are refused: no order has those.
pub(super) fn payment_method(key: &str) -> Result<String, Fault> {
    if key.trim().is_empty() {
        return Err(Fault::new("invalid_key", "A payment method is blank; name it as the orders' paymentMethod does."));
    }
    Ok(key.to_owned())
}

fn unknown(what: &str, id: &str) -> Fault {
    Fault::new("unknown_reference", format!("There is no {what} {}; name the id of an existing one.", quoted_text(id)))
}

/// A customer who exists (S26).
pub(super) fn customer(value: &Value, references: &References) -> Result<CustomerId, Fault> {
    let id = CustomerId::from(text(value)?);
    if may_be_id(id.as_str()) && references.customers.contains(&id) { Ok(id) } else { Err(unknown("customer", id.as_str())) }
}

/// A tax rule that exists.
pub(super) fn tax_rule(value: &Value, references: &References) -> Result<TaxRuleId, Fault> {
    let id = TaxRuleId::from(text(value)?);
    if may_be_id(id.as_str()) && references.tax_rules.contains(&id) { Ok(id) } else { Err(unknown("tax rule", id.as_str())) }
}

/// A location that exists and takes new sales (S63).
pub(super) fn location(value: &Value, references: &References) -> Result<LocationId, Fault> {
    let id = LocationId::from(text(value)?);
    match references.locations.get(&id).filter(|_| may_be_id(id.as_str())) {
        Some(true) => Ok(id),
        Some(false) => {
            let message =
                format!("The location {} is not active and takes no new sales; make it active or name another.", quoted_text(id.as_str()));
            Err(Fault::new("inactive_location", message))
        }
        None => Err(unknown("location", id.as_str())),
    }
}

/// An account that exists and is of revenue kind (S41).
pub(super) fn revenue_account(value: &Value, references: &References) -> Result<AccountId, Fault> {
    let id = AccountId::from(text(value)?);
    match references.accounts.get(&id).filter(|_| may_be_id(id.as_str())) {
        Some(account) if account.kind == AccountKind::Revenue => Ok(id),
        Some(_) => {
            Err(Fault::new("wrong_kind", format!("The account {} is not of kind revenue; name one that is.", quoted_text(id.as_str()))))
        }
        None => Err(unknown("account", id.as_str())),
    }
}

/// An account that exists and receives payments (S73).
pub(super) fn payment_account(value: &Value, references: &References) -> Result<AccountId, Fault> {
    let id = AccountId::from(text(value)?);
    match references.accounts.get(&id).filter(|_| may_be_id(id.as_str())) {
        Some(account) if account.receives_payments => Ok(id),
        Some(_) => {
            let message =
                format!("The account {} does not receive payments; name one that does, or let this one.", quoted_text(id.as_str()));
            Err(Fault::new("wrong_kind", message))
        }
        None => Err(unknown("account", id.as_str())),
    }
}
