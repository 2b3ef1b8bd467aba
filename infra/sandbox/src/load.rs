//! Accounts from files: ShipStation JSON, or a CSV in the Online Retail layout.

use std::collections::VecDeque;
use std::path::Path;

use crate::arrivals::Arrivals;
use crate::generator::Generator;
use crate::json::Json;
use crate::load_error::{LoadError, NEWEST_BEFORE_START};
use crate::store::{Stamp, Store};
use crate::{Sandbox, SandboxOptions, pacific, retail};

impl Sandbox {
    /// An account of the orders of a file, by its ending:
    ///
    /// - `.json`: one order, an array of orders, or a page `{"orders": […]}`; every number keeps
    ///   its text.
    /// - `.csv`: the Online Retail layout, a row for each line of an invoice:
    ///   `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country`, with
    ///   times in Europe/London. An invoice becomes an order, `POST` and `DOT` rows its shipping,
    ///   and `D` rows and rows below zero its adjustments. Credit invoices (`C…`) become revisions
    ///   that arrive after the start, the first after ten minutes and then one each minute (or by
    ///   [`Sandbox::arrive`]). They lower quantities of the customer's earlier orders of the same
    ///   code, the newest first. An unmatched rest is taken off an invented order, 60 days old.
    ///
    /// Unless [`SandboxOptions::keep_times`] is set, times move so that the newest sale is three
    /// minutes old.
    ///
    /// # Errors
    /// [`LoadError`] names the file, the line or order, and what to do.
    pub fn from_file(options: SandboxOptions, path: &Path) -> Result<Self, LoadError> {
        let start = pacific::to_millis((options.clock)());
        let text = std::fs::read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        let mut store = Store::new();
        let scheduled = match ending.as_deref() {
            Some("csv") => retail::load(path, &text, &mut store, start, options.keep_times)?,
            Some("json") => {
                for (order, stamp) in stamped(json_orders(path, &text)?, start, options.keep_times) {
                    store.put(order, stamp, start);
                }
                VecDeque::new()
            }
            _ => return Err(LoadError::Kind { path: path.to_owned() }),
        };
        let arrivals = Arrivals::new(&options, Generator::new(&options), start);
        Ok(Self::new(options, store, arrivals, scheduled))
    }
}

fn json_orders(path: &Path, text: &[u8]) -> Result<Vec<Json>, LoadError> {
    let wrong = |what: String, problem: &str| LoadError::Order { path: path.to_owned(), what, problem: problem.to_owned() };
    let text = std::str::from_utf8(text).map_err(|_| wrong("the file".to_owned(), "it is not UTF-8 text"))?;
    let json: Json = text.parse().map_err(|source| LoadError::Json { path: path.to_owned(), source })?;
    let orders = match json {
        Json::Array(orders) => orders,
        page if page.get("orders").is_some() => match page.get("orders") {
            Some(Json::Array(orders)) => orders.clone(),
            _ => return Err(wrong("the file".to_owned(), "its orders are not an array")),
        },
        order => vec![order],
    };
    for (position, order) in orders.iter().enumerate() {
        let what = || format!("order {}", position + 1);
        match (order, order.get("orderId")) {
            (Json::Object(_), _) if order.get("orderNumber").is_none() => return Err(wrong(what(), "it has no orderNumber")),
            (Json::Object(_), None | Some(Json::Null)) => {}
            (Json::Object(_), Some(id)) if id.as_int().is_some() => {}
            (Json::Object(_), Some(_)) => return Err(wrong(what(), "its orderId is not a whole number")),
            _ => return Err(wrong(what(), "it is not an object")),
        }
    }
    Ok(orders)
}

/// Moves ShipStation's own two times, unless they are to be kept; the channel's times stay as they
/// are.
fn stamped(orders: Vec<Json>, start: jiff::Timestamp, keep: bool) -> Vec<(Json, Option<Stamp>)> {
    let time = |order: &Json, name: &str| pacific::parse(order.get(name)?.as_text()?).and_then(pacific::instant);
    let newest = orders.iter().filter_map(|order| time(order, "modifyDate").or_else(|| time(order, "createDate"))).max();
    let shift = newest.map(|newest| start.duration_since(newest) - NEWEST_BEFORE_START).filter(|_| !keep);
    let moved = |order: &Json| {
        let shift = shift?;
        let modified = time(order, "modifyDate").or_else(|| time(order, "createDate"))?;
        let created = time(order, "createDate").unwrap_or(modified);
        Some(Stamp { created: created.checked_add(shift).ok()?, modified: modified.checked_add(shift).ok()? })
    };
    orders.into_iter().map(|order| (moved(&order), order)).map(|(stamp, order)| (order, stamp)).collect()
}
