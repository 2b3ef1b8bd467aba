//! A page of orders. Each is read on its own: one that cannot be read does not hold up the others.

use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny};
use serde_json::Error;

use super::convert::{revision, unreadable as unreadable_order};
use super::raw::{Malformed, RawJson, RawOrder};
use super::wire::order as take_order;
use crate::http::{Body, Broken, Fault};
use crate::json::{NotJson, Scanner};

/// The largest page that ShipStation gives (docs/shipstation.md, section 2.2).
pub(crate) const PAGE_SIZE: u32 = 500;

/// Answer of one list call.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) orders: Vec<RawOrder>,
    /// Orders that the whole window holds, over all its pages. (`pages` is not read: it is not reliable.)
    pub(crate) total: Option<u64>,
}

/// Required form of a list reply, for the words of an error.
#[derive(Deserialize)]
struct Expected {
    #[serde(rename = "orders")]
    _orders: Vec<IgnoredAny>,
}

/// Reads a list reply, in one pass.
pub(crate) fn parse(body: &Body<'_>) -> Result<Page, serde_json::Error> {
    match scan(body) {
        Ok(page) => Ok(page),
        // Whether the text is cut off, is no JSON or is something else, `serde_json` knows to say.
        Err(NotJson) => {
            Err(serde_json::from_str::<Expected>(body.text).map_or_else(|error| error, |_| Error::custom("`orders` is stated twice")))
        }
    }
}

fn scan(body: &Body<'_>) -> Result<Page, NotJson> {
    let mut scanner = Scanner::new(body.text);
    let (mut orders, mut total) = (None, None);
    if !scanner.take(b'{') {
        return Err(NotJson);
    }
    let mut first = true;
    while let Some((name, _)) = scanner.member(first)? {
        first = false;
        match name {
            "orders" if orders.is_none() => orders = Some(list(&mut scanner, body)?),
            "orders" => return Err(NotJson),
            "total" => total = scanner.value()?.parse().ok(),
            _ => scanner.skip()?,
        }
    }
    if !scanner.is_at_end() {
        return Err(NotJson);
    }
    Ok(Page { orders: orders.ok_or(NotJson)?, total })
}

fn list(scanner: &mut Scanner<'_>, body: &Body<'_>) -> Result<Vec<RawOrder>, NotJson> {
    let mut orders = Vec::new();
    if !scanner.take(b'[') {
        return Err(NotJson);
    }
    while scanner.element(orders.is_empty())? {
        orders.push(next(scanner, body)?);
    }
    Ok(orders)
}

/// The order that comes next, whatever it is as long as it is JSON.
fn next(scanner: &mut Scanner<'_>, body: &Body<'_>) -> Result<RawOrder, NotJson> {
    scanner.peek();
    let start = scanner.clone();
    let taken = take_order(scanner);
    if taken.is_err() {
        // It stopped somewhere inside.
        *scanner = start.clone();
        scanner.skip()?;
    }
    let raw = start.until(scanner);
    let mut parsed = revision(raw, taken, Some(body.asked_at)).ok_or(NotJson)?;
    if body.mended && raw.contains(char::REPLACEMENT_CHARACTER) {
        // Which text was meant is lost; a revision with a guess in it would be compared with the true one later.
        parsed = Err(match parsed {
            Ok(revision) => Malformed::of(&revision, String::new(), "the order's text is not UTF-8".to_owned()),
            Err(malformed) => malformed,
        });
    }
    Ok(RawOrder { raw: RawJson::of(raw), read_at: body.asked_at, parsed })
}

/// The order that an answer which cannot be read begins with, as far as its text goes: of a page of one order, the order that breaks it.
pub(crate) fn unreadable(broken: &Broken) -> Option<Malformed> {
    let problem = match &broken.fault {
        Fault::NotJson(error) => format!("the order's text is not JSON: {error}"),
        Fault::CutOff(error) => format!("ShipStation's answer ends in the middle of the order: {error}"),
        Fault::Status | Fault::TooLarge | Fault::Html | Fault::Shape(_) | Fault::Transfer(_) => return None,
    };
    let mut scanner = Scanner::new(&broken.excerpt);
    scanner.take(b'{').then_some(())?;
    let begins = matches!(scanner.member(true), Ok(Some(("orders", false)))) && scanner.take(b'[');
    let order = if begins { scanner } else { Scanner::new(&broken.excerpt) };
    Some(unreadable_order(order, problem)).filter(|order| order.order_id.is_some())
}

/// Reads the reply to a question for one order.
pub(crate) fn parse_single(body: &Body<'_>) -> Result<RawOrder, serde_json::Error> {
    let mut scanner = Scanner::new(body.text);
    let is_object = scanner.peek() == b'{';
    match next(&mut scanner, body) {
        Ok(order) if is_object && scanner.is_at_end() => Ok(order),
        _ => Err(serde_json::from_str::<IgnoredAny>(body.text).map_or_else(|error| error, |_| Error::custom("not an object"))),
    }
}
