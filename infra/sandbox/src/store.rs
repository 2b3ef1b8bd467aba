//! The orders of the sandbox, and the records that are derived from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::customers::Customer;
use crate::json::Json;
use crate::pacific;
use crate::products::Product;
use crate::query::{OrderQuery, OrderSort};

/// One stored order: its text, and the values that requests filter by.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) text: Arc<str>,
    pub(crate) number: String,
    pub(crate) status: String,
    pub(crate) store: Option<i64>,
    pub(crate) lines: usize,
    /// True instants. The wall times below cannot distinguish the two autumn hours.
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    create_wall: DateTime,
    modify_wall: DateTime,
    order_wall: Option<DateTime>,
    payment_wall: Option<DateTime>,
    /// Names, SKUs, descriptions and options in lower case.
    names: String,
    keywords: String,
}

/// A page of orders, sorted.
#[derive(Debug)]
pub(crate) struct OrderPage {
    pub(crate) orders: Vec<(i64, Arc<str>)>,
    /// The order that the next page starts with.
    pub(crate) next: Option<i64>,
    pub(crate) total: usize,
}

/// All orders, the customers and products seen in them, and the next free ids.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) orders: BTreeMap<i64, Entry>,
    pub(crate) customers: BTreeMap<i64, Customer>,
    pub(crate) products: BTreeMap<i64, Product>,
    last_order: i64,
    last_item: i64,
}

/// Times at which an order was created and last modified.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
}

impl Store {
    /// An empty store whose ids start at ShipStation's present ranges: nine digits for orders,
    /// thirteen for items.
    pub(crate) fn new() -> Self {
        Self { last_order: 480_100_200, last_item: 1_204_500_300_000, ..Self::default() }
    }

    /// The next free item id.
    pub(crate) fn next_item_id(&mut self) -> i64 {
        self.last_item += 1;
        self.last_item
    }

    /// Stores an order, or replaces the one with its id. Without a stamp the body's own dates are
    /// used, and `now` where it has none. Missing or `null` order and item ids are assigned.
    pub(crate) fn put(&mut self, mut order: Json, stamp: Option<Stamp>, now: Timestamp) -> i64 {
        let id = order.get("orderId").and_then(Json::as_int).unwrap_or(self.last_order + 1);
        self.last_order = self.last_order.max(id);
        order.set("orderId", id);
        for item in order.get_mut("items").and_then(Json::elements_mut).into_iter().flatten() {
            if item.get("orderItemId") == Some(&Json::Null) {
                let item_id = self.next_item_id();
                item.set("orderItemId", item_id);
            }
        }
        let created = stamped(&mut order, "createDate", stamp.map(|stamp| stamp.created), now);
        let modified = stamped(&mut order, "modifyDate", stamp.map(|stamp| stamp.modified), now);
        let field = |name: &str| order.get(name).and_then(Json::as_text);
        let wall_of = |name: &str| field(name).and_then(pacific::parse);
        let entry = Entry {
            text: order.to_string().into(),
            number: field("orderNumber").unwrap_or_default().to_owned(),
            status: field("orderStatus").unwrap_or_default().to_owned(),
            store: order.get("advancedOptions").and_then(|options| options.get("storeId")).and_then(Json::as_int),
            lines: order.get("items").map_or(0, |items| items.elements().len()),
            created,
            modified,
            create_wall: wall_of("createDate").unwrap_or_else(|| pacific::wall(created)),
            modify_wall: wall_of("modifyDate").unwrap_or_else(|| pacific::wall(modified)),
            order_wall: wall_of("orderDate"),
            payment_wall: wall_of("paymentDate"),
            names: names(&order),
            keywords: keywords(&order),
        };
        Customer::learn(&mut self.customers, &order);
        Product::learn(&mut self.products, &order);
        self.orders.insert(id, entry);
        id
    }

    /// The orders that a request selects.
    pub(crate) fn page(&self, query: &OrderQuery) -> OrderPage {
        let mut found: Vec<(&i64, &Entry)> = self.orders.iter().filter(|(_, entry)| entry.matches(query)).collect();
        // The sort is stable, so orders with equal times stay in the order of their ids.
        match query.sort {
            OrderSort::Id => {}
            OrderSort::OrderDate => found.sort_by_key(|(_, entry)| entry.order_wall),
            OrderSort::ModifyDate => found.sort_by_key(|(_, entry)| entry.modify_wall),
            OrderSort::CreateDate => found.sort_by_key(|(_, entry)| entry.create_wall),
        }
        if query.descending {
            found.reverse();
        }
        let end = query.paging.skip().saturating_add(query.paging.size);
        OrderPage {
            total: found.len(),
            next: found.get(end).map(|(id, _)| **id),
            orders: found
                .into_iter()
                .skip(query.paging.skip())
                .take(query.paging.size)
                .map(|(id, entry)| (*id, Arc::clone(&entry.text)))
                .collect(),
        }
    }

    /// An order's body as a tree.
    pub(crate) fn body(&self, id: i64) -> Option<Json> {
        self.orders.get(&id)?.text.parse().ok()
    }

    /// Changes an order's body and moves its `modifyDate` to `now`. Returns false if there is no
    /// such order.
    pub(crate) fn edit(&mut self, id: i64, now: Timestamp, change: impl FnOnce(&mut Json)) -> bool {
        let (Some(mut order), Some(entry)) = (self.body(id), self.orders.get(&id)) else { return false };
        let stamp = Stamp { created: entry.created, modified: now };
        change(&mut order);
        order.set("orderId", id);
        self.put(order, Some(stamp), now);
        true
    }
}

impl Entry {
    fn matches(&self, query: &OrderQuery) -> bool {
        let contains = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|wanted| text.contains(wanted.as_str()));
        query.modified.holds(Some(self.modify_wall))
            && query.created.holds(Some(self.create_wall))
            && query.ordered.holds(self.order_wall)
            && query.paid.holds(self.payment_wall)
            && query.number_prefix.as_ref().is_none_or(|prefix| self.number.to_lowercase().starts_with(prefix.as_str()))
            && query.status.as_ref().is_none_or(|status| self.status.eq_ignore_ascii_case(status))
            && query.store.is_none_or(|store| self.store == Some(store))
            && contains(&query.customer, &self.names)
            && contains(&query.keyword, &self.keywords)
    }
}

/// Writes a date of the body, or reads its own.
fn stamped(order: &mut Json, name: &str, stamp: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let own = order.get(name).and_then(Json::as_text).and_then(pacific::parse).and_then(pacific::instant);
    if let (None, Some(own)) = (stamp, own) {
        return own;
    }
    let wanted = stamp.unwrap_or(now);
    // An unchanged instant keeps its text.
    if own == Some(wanted) {
        return wanted;
    }
    let at = pacific::to_millis(wanted);
    order.set(name, pacific::long_text(pacific::wall(at)));
    at
}

fn names(order: &Json) -> String {
    let name = |address: &str| order.get(address).and_then(|address| address.get("name")).and_then(Json::as_text);
    [name("shipTo"), name("billTo")].into_iter().flatten().collect::<Vec<_>>().join("\n").to_lowercase()
}

fn keywords(order: &Json) -> String {
    let mut words = Vec::new();
    for item in order.get("items").map(Json::elements).unwrap_or_default() {
        words.extend(["sku", "name"].into_iter().filter_map(|field| item.get(field).and_then(Json::as_text)));
        for option in item.get("options").map(Json::elements).unwrap_or_default() {
            words.extend(["name", "value"].into_iter().filter_map(|field| option.get(field).and_then(Json::as_text)));
        }
    }
    words.join("\n").to_lowercase()
}
