//! Orders from a CSV in the layout of the Online Retail data set: one row for each line of an
//! invoice.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::address::Address;
use crate::buyers::country_code;
use crate::goods::goods;
use crate::json::Json;
use crate::load_error::{COLUMNS, LoadError, NEWEST_BEFORE_START};
use crate::order_builder::{Draft, Line, retotal};
use crate::store::{Stamp, Store};

/// Time from the start to the first credit.
const FIRST_CREDIT: SignedDuration = SignedDuration::from_mins(10);
/// Time from one credit to the next.
const CREDIT_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Age of the invented orders that unmatched credits reduce.
const OLD_ORDER: SignedDuration = SignedDuration::from_hours(60 * 24);

/// A revision that is known in advance: credits of one invoice on one order.
#[derive(Debug, Clone)]
pub(crate) struct Scheduled {
    pub(crate) at: Timestamp,
    pub(crate) order_id: i64,
    changes: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    /// A lower quantity of the line with this key.
    Fewer { line: String, by: i64 },
    /// A lower shipping amount.
    LessShipping(Decimal),
    /// A new adjustment line.
    Adjustment(Line),
}

impl Scheduled {
    /// Applies the revision. The total follows; `amountPaid` does not, as with channels' own
    /// partial refunds. Returns false if the order is gone.
    pub(crate) fn happen(&self, store: &mut Store, at: Timestamp) -> bool {
        let item_id = store.next_item_id();
        store.edit(self.order_id, at, |order| {
            for change in &self.changes {
                match change {
                    Change::Fewer { line, by } => {
                        let same = |item: &&mut Json| item.get("lineItemKey").and_then(Json::as_text) == Some(line);
                        if let Some(item) = goods(order).find(same) {
                            let quantity = item.get("quantity").and_then(Json::as_int).unwrap_or(0);
                            item.set("quantity", quantity.saturating_sub(*by));
                        }
                    }
                    Change::LessShipping(by) => {
                        let shipping = order.get("shippingAmount").and_then(Json::as_decimal).unwrap_or_default();
                        order.set("shippingAmount", shipping - by);
                    }
                    Change::Adjustment(line) => {
                        let mut one = Draft::new("");
                        one.lines.push(Line { item_id: Some(item_id), ..line.clone() });
                        let added = one.json().get("items").map(|items| items.elements().to_vec()).unwrap_or_default();
                        if let Some(items) = order.get_mut("items").and_then(Json::elements_mut) {
                            items.extend(added);
                        }
                    }
                }
            }
            retotal(order);
        })
    }
}

struct Row {
    line: u64,
    code: String,
    description: String,
    quantity: i64,
    at: Timestamp,
    price: Decimal,
    customer: Option<i64>,
    country: String,
}

impl Row {
    fn value(&self) -> Decimal {
        Decimal::from(self.quantity) * self.price
    }

    fn is_postage(&self) -> bool {
        matches!(self.code.as_str(), "POST" | "DOT")
    }
}

/// Quantities of an order that credits may still reduce.
struct Open {
    order_id: i64,
    customer: Option<i64>,
    at: Timestamp,
    shipping: Decimal,
    lines: Vec<OpenLine>,
}

struct OpenLine {
    key: String,
    /// In upper case, because credits do not always write a code like the sale.
    code: String,
    price: Decimal,
    left: i64,
}

/// Stores the file's sales and returns the credits as later revisions.
pub(crate) fn load(path: &Path, text: &[u8], store: &mut Store, start: Timestamp, keep: bool) -> Result<VecDeque<Scheduled>, LoadError> {
    let (sales, credits) = invoices(rows(path, text)?);
    let newest = sales.iter().filter_map(|(_, rows)| rows.iter().map(|row| row.at).max()).max().unwrap_or(start);
    let shift = if keep { SignedDuration::ZERO } else { start.duration_since(newest) - NEWEST_BEFORE_START };
    let moved = |at: Timestamp| at.checked_add(shift).unwrap_or(at);
    let mut products = HashMap::new();
    let mut open = Vec::new();
    for (number, rows) in &sales {
        let Some(at) = rows.iter().map(|row| row.at).min() else { continue };
        let draft = sale(number, rows, moved(at), &mut products);
        let lines = draft.lines.iter().filter(|line| !line.adjustment).filter_map(|line| {
            let code = line.sku.as_ref()?.trim().to_uppercase();
            Some(OpenLine { key: line.key.clone()?, code, price: line.unit_price, left: line.quantity })
        });
        let left = Open { order_id: 0, customer: draft.customer_id, at, shipping: draft.shipping, lines: lines.collect() };
        let order_id = store.put(draft.json(), Some(Stamp { created: moved(at), modified: moved(at) }), start);
        open.push(Open { order_id, ..left });
    }
    let mut scheduled = Vec::new();
    let mut due = start.checked_add(FIRST_CREDIT).unwrap_or(start);
    for (number, rows) in &credits {
        let Some(at) = rows.iter().map(|row| row.at).min() else { continue };
        let due_now = if keep { at } else { due };
        due = due.checked_add(CREDIT_EVERY).unwrap_or(due);
        let mut changes: BTreeMap<i64, Vec<Change>> = BTreeMap::new();
        let mut unmatched = Vec::new();
        for row in rows {
            take_off(row, at, &mut open, &mut changes, &mut unmatched);
        }
        if !unmatched.is_empty() {
            let (order_id, taken) = old_order(store, number, &unmatched, moved(at), start, &mut products);
            changes.entry(order_id).or_default().extend(taken);
        }
        scheduled.extend(changes.into_iter().map(|(order_id, changes)| Scheduled { at: due_now, order_id, changes }));
    }
    scheduled.sort_by_key(|revision| revision.at);
    Ok(scheduled.into())
}

/// Finds the orders that a credit row reduces: earlier orders of the same customer, the newest
/// first. Later rows are later in time, so the list is searched from its end.
fn take_off<'a>(
    row: &'a Row,
    at: Timestamp,
    open: &mut [Open],
    changes: &mut BTreeMap<i64, Vec<Change>>,
    unmatched: &mut Vec<(&'a Row, i64)>,
) {
    let earlier = open.iter_mut().rev().filter(|order| row.customer.is_some() && order.customer == row.customer && order.at < at);
    let mut left = row.quantity.saturating_neg();
    if row.code == "D" || left <= 0 {
        // A later discount (or charge) is a new adjustment on the newest order of that customer.
        match earlier.into_iter().next() {
            Some(order) => {
                changes.entry(order.order_id).or_default().push(Change::Adjustment(adjustment(row, format!("credit-{}", row.line))));
            }
            None => unmatched.push((row, left)),
        }
        return;
    }
    if row.is_postage() {
        match earlier.into_iter().find(|order| order.shipping >= -row.value()) {
            Some(order) => {
                order.shipping += row.value();
                changes.entry(order.order_id).or_default().push(Change::LessShipping(-row.value()));
            }
            None => unmatched.push((row, left)),
        }
        return;
    }
    let code = row.code.trim().to_uppercase();
    let mut orders: Vec<&mut Open> = earlier.collect();
    // Lines of the credit's own price come first. A line of another price gives back the amount
    // that was paid for it.
    for same_price in [true, false] {
        for order in &mut orders {
            for line in order.lines.iter_mut().filter(|line| line.code == code && (line.price == row.price) == same_price) {
                let by = left.min(line.left);
                if by > 0 {
                    (line.left, left) = (line.left - by, left - by);
                    changes.entry(order.order_id).or_default().push(Change::Fewer { line: line.key.clone(), by });
                }
            }
        }
    }
    if left > 0 {
        unmatched.push((row, left));
    }
}

/// Makes an order from before the file with the units of an unmatched credit, and the changes that
/// remove them.
fn old_order(
    store: &mut Store,
    number: &str,
    unmatched: &[(&Row, i64)],
    credited: Timestamp,
    start: Timestamp,
    products: &mut HashMap<String, i64>,
) -> (i64, Vec<Change>) {
    let at = credited.checked_sub(OLD_ORDER).unwrap_or(credited);
    let mut draft = blank(number, unmatched.iter().map(|(row, _)| *row).next(), at);
    let mut changes = Vec::new();
    for (row, left) in unmatched {
        let key = format!("{number}-{}", row.line);
        if row.is_postage() && *left > 0 {
            let shipping = Decimal::from(*left) * row.price;
            draft.shipping += shipping;
            changes.push(Change::LessShipping(shipping));
        } else if row.code == "D" || *left <= 0 {
            changes.push(Change::Adjustment(adjustment(row, key)));
        } else {
            draft.lines.push(Line { quantity: *left, ..goods_line(row, key.clone(), products) });
            changes.push(Change::Fewer { line: key, by: *left });
        }
    }
    (store.put(draft.json(), Some(Stamp { created: at, modified: at }), start), changes)
}

fn sale(number: &str, rows: &[Row], at: Timestamp, products: &mut HashMap<String, i64>) -> Draft {
    let mut draft = blank(number, rows.first(), at);
    for (position, row) in (1..).zip(rows) {
        let key = format!("{number}-{position}");
        if row.is_postage() && row.value() >= Decimal::ZERO {
            draft.shipping += row.value();
        } else if row.code == "D" || row.quantity < 0 || row.price < Decimal::ZERO {
            draft.lines.push(adjustment(row, key));
        } else {
            draft.lines.push(goods_line(row, key, products));
        }
    }
    draft
}

fn goods_line(row: &Row, key: String, products: &mut HashMap<String, i64>) -> Line {
    // The same code in another case, or with blanks around it, is the same product.
    let next = 61_000_000 + i64::try_from(products.len()).unwrap_or(0);
    let product = row.code.starts_with(|first: char| first.is_ascii_digit());
    let product_id = product.then(|| *products.entry(row.code.trim().to_uppercase()).or_insert(next));
    Line {
        key: Some(key),
        sku: Some(row.code.clone()),
        name: row.description.clone(),
        quantity: row.quantity,
        unit_price: row.price,
        product_id,
        ..Line::default()
    }
}

/// A row below zero, or a discount: a quantity of an amount that has the sign.
fn adjustment(row: &Row, key: String) -> Line {
    let unit_price = if row.quantity < 0 { -row.price } else { row.price };
    let quantity = row.quantity.saturating_abs();
    Line {
        key: Some(key),
        sku: Some(row.code.clone()),
        name: row.description.clone(),
        quantity,
        unit_price,
        adjustment: true,
        ..Line::default()
    }
}

fn blank(number: &str, row: Option<&Row>, at: Timestamp) -> Draft {
    let mut draft = Draft::new(number);
    let customer = row.and_then(|row| row.customer);
    let country = row.map(|row| row.country.as_str()).unwrap_or_default();
    draft.key = format!("retail-{number}");
    (draft.ordered, draft.paid_at) = (Some(at), Some(at));
    draft.customer_id = customer;
    draft.username = customer.map(|id| id.to_string());
    draft.email = customer.map(|id| format!("buyer-{id}@example.com"));
    let name = customer.map(|id| format!("Customer {id}"));
    draft.bill_to = Address { name: name.clone(), ..Address::default() };
    draft.ship_to = Address { name, country: country_code(country).map(str::to_owned), ..Address::default() };
    draft
}

/// Rows by invoice, in the order in which the invoices first occur: sales and credits.
type Invoices = Vec<(String, Vec<Row>)>;

fn invoices(rows: Vec<(String, Row)>) -> (Invoices, Invoices) {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut all: Invoices = Vec::new();
    for (number, row) in rows {
        let place = *places.entry(number.clone()).or_insert(all.len());
        match all.get_mut(place) {
            Some((_, rows)) => rows.push(row),
            None => all.push((number, vec![row])),
        }
    }
    all.into_iter().partition(|(number, _)| !number.starts_with(['C', 'c']))
}

fn rows(path: &Path, text: &[u8]) -> Result<Vec<(String, Row)>, LoadError> {
    let broken = |source| LoadError::Csv { path: path.to_owned(), source };
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers().map_err(broken)?.clone();
    let mut places = HashMap::new();
    for column in COLUMNS {
        let place = header.iter().position(|name| name.trim().eq_ignore_ascii_case(column));
        places.insert(column, place.ok_or_else(|| LoadError::Column { path: path.to_owned(), column })?);
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: &'static str| places.get(column).and_then(|place| record.get(*place)).unwrap_or_default();
        let wrong = |column, expected| LoadError::Row { path: path.to_owned(), line, column, value: field(column).to_owned(), expected };
        let number = field("InvoiceNo").trim();
        if number.is_empty() {
            return Err(wrong("InvoiceNo", "an invoice number"));
        }
        let customer = match field("CustomerID").trim() {
            "" => None,
            text => Some(whole(text).ok_or_else(|| wrong("CustomerID", "a whole number or blank"))?),
        };
        let row = Row {
            line,
            code: field("StockCode").to_owned(),
            description: field("Description").to_owned(),
            quantity: whole(field("Quantity").trim()).ok_or_else(|| wrong("Quantity", "a whole number"))?,
            at: time(field("InvoiceDate").trim()).ok_or_else(|| wrong("InvoiceDate", "a time like 2010-12-01 08:26:00"))?,
            price: Decimal::from_str_exact(field("UnitPrice").trim()).map_err(|_| wrong("UnitPrice", "a decimal number like 2.55"))?,
            customer,
            country: field("Country").trim().to_owned(),
        };
        rows.push((number.to_owned(), row));
    }
    Ok(rows)
}

/// A whole number, also in a spreadsheet's form `17850.0`.
fn whole(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.bytes().all(|digit| digit == b'0') { whole.parse().ok() } else { None }
}

/// `2010-12-01 08:26:00`, or the original's `12/1/2010 8:26`: Europe/London.
fn time(text: &str) -> Option<Timestamp> {
    let wall = text.parse::<DateTime>().or_else(|_| DateTime::strptime("%m/%d/%Y %H:%M", text)).ok()?;
    TimeZone::get("Europe/London").ok()?.to_timestamp(wall).ok()
}
