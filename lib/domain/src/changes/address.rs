//! Changes of an address.

use super::change::{Change, ChangeKind};
use crate::address::Address;

/// Differences between two addresses for a carrier or an invoice. Case, blanks and punctuation make none, nor does the extension of a ZIP, which the
/// validation of addresses adds; nor does an address that the marketplace takes back when its time is over.
pub(super) fn changes(path: &str, booked: &Address, newest: &Address) -> Vec<Change> {
    let taken_back = newest.is_blank() || (booked.street1.is_some() && newest.street1.is_none());
    if taken_back {
        return Vec::new();
    }
    let Address { name, company, street1, street2, street3, city, state, postal_code, country, phone: _ } = booked;
    let fields = [
        ("name", name, &newest.name),
        ("company", company, &newest.company),
        ("street1", street1, &newest.street1),
        ("street2", street2, &newest.street2),
        ("street3", street3, &newest.street3),
        ("city", city, &newest.city),
        ("state", state, &newest.state),
        ("postal_code", postal_code, &newest.postal_code),
        ("country", country, &newest.country),
    ];
    let differs = |name: &str, from: Option<&str>, to: Option<&str>| match name {
        // A name alone is taken back too.
        "name" if to.is_none() => false,
        "postal_code" => postal(from) != postal(to),
        _ => folded(from) != folded(to),
    };
    fields
        .into_iter()
        .filter(|(name, from, to)| differs(name, from.as_deref(), to.as_deref()))
        .map(|(name, from, to)| Change::new(ChangeKind::AddressChanged, format!("{path}.{name}"), from.clone(), to.clone()))
        .collect()
}

/// Letters and digits alone, in one case.
fn folded(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A postal code; of a ZIP with its extension the first five digits.
fn postal(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    match text.split_once('-') {
        Some((zip, extension)) if zip.len() == 5 && extension.len() == 4 && extension.bytes().all(|b| b.is_ascii_digit()) => {
            folded(Some(zip))
        }
        _ => folded(Some(text)),
    }
}
