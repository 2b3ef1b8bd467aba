//! A page of orders. Each is read on its own: one that cannot be read does not hold up the others.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::order::{Malformed, RawOrder, parse_order};
use crate::transport::Body;

/// The largest page that ShipStation gives (facts sheet, section 2.2).
pub(crate) const PAGE_SIZE: u32 = 500;

/// What one list call answered.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) orders: Vec<RawOrder>,
    /// Orders that the whole window holds, over all its pages. (`pages` is not read: it is not reliable.)
    pub(crate) total: Option<u64>,
}

#[derive(Deserialize)]
struct PageWire<'a> {
    #[serde(borrow)]
    orders: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    total: Option<&'a RawValue>,
}

/// Reads a list reply.
pub(crate) fn parse(body: &Body<'_>) -> Result<Page, serde_json::Error> {
    let wire: PageWire<'_> = serde_json::from_str(body.text)?;
    let total = wire.total.and_then(|total| total.get().parse().ok());
    Ok(Page { orders: wire.orders.into_iter().map(|raw| read(raw, body)).collect(), total })
}

/// Reads the reply to a question for one order.
pub(crate) fn parse_single(body: &Body<'_>) -> Result<RawOrder, serde_json::Error> {
    let raw: &RawValue = serde_json::from_str(body.text)?;
    if !raw.get().starts_with('{') {
        return Err(serde::de::Error::custom("not an object"));
    }
    Ok(read(raw, body))
}

fn read(raw: &RawValue, body: &Body<'_>) -> RawOrder {
    let mut parsed = parse_order(raw.get(), Some(body.asked_at));
    if body.mended && raw.get().contains(char::REPLACEMENT_CHARACTER) {
        // Which text was meant is lost; a revision with a guess in it would be compared with the true one later.
        parsed = Err(match parsed {
            Ok(revision) => Malformed::of(&revision, String::new(), "the order's text is not UTF-8".to_owned()),
            Err(malformed) => malformed,
        });
    }
    RawOrder { raw: raw.to_owned(), read_at: body.asked_at, parsed }
}
