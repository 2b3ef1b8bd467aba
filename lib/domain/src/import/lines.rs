//! JSON Lines.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::row::{self, Part, Row};
use super::{Line, RowFault};

/// A member's own text, also where it is `null`.
type Raw = Option<Box<RawValue>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    #[serde(default, deserialize_with = "there")]
    sku: Raw,
    #[serde(default, deserialize_with = "there")]
    name: Raw,
    #[serde(default, deserialize_with = "there")]
    kind: Raw,
    #[serde(default, deserialize_with = "there")]
    aliases: Raw,
    #[serde(default, deserialize_with = "there")]
    components: Raw,
    #[serde(default, deserialize_with = "there")]
    supplier: Raw,
    #[serde(default, deserialize_with = "there")]
    revenue_account: Raw,
    #[serde(default, deserialize_with = "there")]
    prices: Raw,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartMembers {
    sku: String,
    quantity: i64,
}

fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

pub(super) fn read(text: &str) -> Vec<Line> {
    let lines = (1..).zip(text.split('\n')).map(|(number, line)| (number, line.strip_suffix('\r').unwrap_or(line)));
    lines.filter(|(_, line)| !line.trim().is_empty()).map(|(number, line)| line_of(number, line)).collect()
}

fn line_of(number: u64, line: &str) -> Line {
    // A list would be read by the members' places.
    let object = line.trim_start().starts_with('{');
    let members: Result<Members, _> = serde_json::from_str(line);
    match members {
        Ok(_) if !object => Line { number, sku: None, row: Err(RowFault::whole("malformed_json", "This line is not a JSON object.")) },
        Ok(members) => {
            let sku = members.sku.as_deref().and_then(|raw| string("sku", raw).ok()).and_then(|sku| row::sku(&sku).ok());
            Line { number, sku, row: row_of(&members) }
        }
        Err(error) => {
            let message = format!("This line is not a JSON object of a product: {error}.");
            Line { number, sku: None, row: Err(RowFault::whole("malformed_json", message)) }
        }
    }
}

fn value<'a, T: Deserialize<'a>>(field: &str, raw: &'a RawValue, wanted: &str) -> Result<T, RowFault> {
    serde_json::from_str(raw.get()).map_err(|_| RowFault::new(field, "wrong_type", format!("{wanted} belongs here.")))
}

fn string(field: &str, raw: &RawValue) -> Result<String, RowFault> {
    value(field, raw, "A text")
}

/// `read` on the member's value; nothing where the member is missing, and the default where it is `null`.
fn member<T: Default>(raw: &Raw, read: impl FnOnce(&RawValue) -> Result<T, RowFault>) -> Result<Option<T>, RowFault> {
    match raw {
        None => Ok(None),
        Some(raw) if raw.get() == "null" => Ok(Some(T::default())),
        Some(raw) => read(raw).map(Some),
    }
}

fn row_of(members: &Members) -> Result<Row, RowFault> {
    let sku = members.sku.as_deref().ok_or_else(|| RowFault::new("sku", "required", "This member is missing."))?;
    let optional = |field: &'static str| move |raw: &RawValue| row::optional(field, &string(field, raw)?);
    Ok(Row {
        sku: row::sku(&string("sku", sku)?)?,
        name: members.name.as_deref().map(|raw| row::name(&string("name", raw)?)).transpose()?,
        kind: member(&members.kind, |raw| row::kind(&string("kind", raw)?))?,
        aliases: member(&members.aliases, |raw| {
            let aliases: Vec<String> = value("aliases", raw, "A list of texts")?;
            row::aliases(aliases.iter().map(String::as_str))
        })?,
        components: member(&members.components, |raw| {
            let parts: Vec<PartMembers> = value("components", raw, "A list of objects with `sku` and a whole `quantity`")?;
            let part = |part: PartMembers| {
                Ok(Part { sku: row::text("components", &part.sku, crate::reference::LONGEST_CODE)?, quantity: part.quantity })
            };
            parts.into_iter().map(part).collect()
        })?,
        supplier: member(&members.supplier, optional("supplier"))?,
        revenue_account: member(&members.revenue_account, optional("revenue_account"))?,
        prices: member(&members.prices, prices)?,
        price: BTreeMap::new(),
    })
}

/// Prices by tier: decimals as texts, or JSON numbers, which are read from their own text.
fn prices(raw: &RawValue) -> Result<BTreeMap<u8, rust_decimal::Decimal>, RowFault> {
    let members: BTreeMap<String, Box<RawValue>> = value("prices", raw, "An object of prices by tier")?;
    let price = |(tier, raw): (String, Box<RawValue>)| {
        let field = format!("price_{tier}");
        let number = row::tier(&tier).ok_or_else(|| RowFault::new(&field, "unknown_tier", "The price tiers are 1 to 10."))?;
        let text = if raw.get().starts_with('"') { string(&field, &raw)? } else { raw.get().to_owned() };
        Ok((number, row::price(&field, &text)?))
    };
    members.into_iter().map(price).collect()
}
