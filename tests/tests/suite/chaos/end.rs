//! The final state, without values that may differ: times, operations, versions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stevedore_aws::{List, Table};
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::operation::{Operation, OperationRow};
use stevedore_domain::reference::Customer;

use super::process::Shop;

/// The final state of a shop.
#[derive(Debug, PartialEq)]
pub struct End {
    /// Sales by id, with their lines and totals.
    pub sales: BTreeMap<String, Value>,
    /// Log entries by order: state, reason, sale, totals, revisions, warnings.
    pub log: BTreeMap<u64, Value>,
    /// The newest revision that each order's entry keeps, as ShipStation sent it.
    pub kept: BTreeMap<u64, Option<String>>,
    /// Customers by id.
    pub customers: BTreeMap<String, Value>,
    /// Pending syncs, by the sale.
    pub syncs: Vec<String>,
    /// Levels of stock, by product and location.
    pub stock: BTreeMap<String, Value>,
    /// Position up to which the schedule has read.
    pub reached: Option<String>,
    /// Places that could not be read.
    pub unreadable_orders: Vec<String>,
    /// Number of unfinished messages.
    pub undone: u64,
}

fn without(mut value: Value, names: &[&str]) -> Value {
    for name in names {
        value.as_object_mut().unwrap().remove(*name);
    }
    value
}

pub async fn end(shop: &Shop) -> End {
    let table = &shop.world.table;
    let mut sales = BTreeMap::new();
    for stored in shop.world.sales().await {
        let mut value = without(serde_json::to_value(&stored.sale).unwrap(), &["created_at"]);
        if let Some(voided) = value.get_mut("voided_at") {
            *voided = json!(true);
        }
        for part in ["/invoice/sync", "/pick", "/pack", "/ship"] {
            if let Some(part) = value.pointer_mut(part).and_then(Value::as_object_mut) {
                part.remove("created_at");
                part.remove("at");
            }
        }
        if let Some(booked) = value.get_mut("booked_revision").and_then(Value::as_object_mut) {
            booked.remove("read_at");
        }
        for assembly in value.get_mut("assemblies").and_then(Value::as_array_mut).into_iter().flatten() {
            assembly.as_object_mut().unwrap().remove("at");
        }
        assert_eq!(sales.insert(stored.sale.id.to_string(), value), None, "a sale is listed twice");
    }
    let (mut log, mut kept) = (BTreeMap::new(), BTreeMap::new());
    for stored in shop.world.log().await {
        let mut value = without(serde_json::to_value(&stored.entry).unwrap(), &["timeline", "captured_at", "captured_by"]);
        if let Some(booked) = value.get_mut("booked_revision").and_then(Value::as_object_mut) {
            booked.remove("read_at");
        }
        for seen in value["revisions"].as_array_mut().unwrap() {
            for name in ["operation_id", "read_at"] {
                seen.as_object_mut().unwrap().remove(name);
            }
        }
        if let Some(gone) = value.pointer_mut("/kin/gone").and_then(Value::as_object_mut) {
            gone.remove("at");
        }
        let id = stored.entry.order_id.0;
        kept.insert(id, table.newest_order(&stored).await.unwrap().map(|raw| raw.get().to_owned()));
        assert_eq!(log.insert(id, value), None, "an order is listed twice");
    }
    End {
        sales,
        log,
        kept,
        customers: customers(table).await,
        syncs: syncs(table).await,
        stock: stock(table).await,
        reached: table.cursor().await.unwrap().value.reached.map(|reached| reached.to_string()),
        unreadable_orders: table.unreadable_orders().await.unwrap().into_iter().map(|unreadable_order| unreadable_order.position).collect(),
        undone: shop.undone().await,
    }
}

async fn customers(table: &Table) -> BTreeMap<String, Value> {
    let page = table.list_records::<Customer>(&List { limit: 100, ..List::default() }).await.unwrap();
    assert!(page.next.is_none());
    page.items
        .into_iter()
        .map(|stored| (stored.value.id.to_string(), without(serde_json::to_value(&stored.value).unwrap(), &["created_at"])))
        .collect()
}

/// Every level; each is the sum of its movements.
async fn stock(table: &Table) -> BTreeMap<String, Value> {
    let levels = crate::stock::levels(table).await;
    crate::stock::check(table, &levels).await;
    levels
        .into_iter()
        .map(|(key, level)| (format!("{} {}", key.product_id, key.location_id), serde_json::to_value(level).unwrap()))
        .collect()
}

async fn syncs(table: &Table) -> Vec<String> {
    let page = table.list_pending_syncs(&List { limit: 100, ..List::default() }).await.unwrap();
    let mut sales: Vec<String> = page.items.into_iter().map(|sync| sync.sale_id.to_string()).collect();
    sales.sort();
    sales
}

impl End {
    /// Rules for every final state: every sale belongs to one order, and no order has two (P1);
    /// each total is ShipStation's (P3).
    pub fn check(&self) {
        let mut orders: Vec<&Value> = self.sales.values().map(|sale| &sale["source"]["order_id"]).collect();
        let sales = orders.len();
        orders.sort_by_key(ToString::to_string);
        orders.dedup();
        assert_eq!(orders.len(), sales, "an order has two sales");
        for (id, entry) in &self.log {
            let sale = entry["sale_id"].as_str().map(|sale| &self.sales[sale]);
            assert_eq!(entry["state"] == "booked", sale.is_some(), "{id}: {entry}");
            if let Some(sale) = sale {
                assert_eq!(sale["total"], entry["sale_total"], "{id}");
            }
        }
        assert_eq!(self.log.values().filter(|entry| entry["state"] == "booked").count(), sales, "a sale has no entry in the log");
        assert_eq!(self.undone, 0, "messages are left");
    }

    /// Panics with the differences.
    pub fn compare(&self, undisturbed: &Self, what: &str) {
        if self == undisturbed {
            return;
        }
        let mut differences = Vec::new();
        differ("", &self.json(), &undisturbed.json(), &mut differences);
        panic!("{what}\n{}", differences.join("\n"));
    }

    fn json(&self) -> Value {
        json!({"sales": self.sales, "log": self.log, "kept": self.kept, "customers": self.customers, "syncs": self.syncs, "stock": self.stock, "reached": self.reached,
            "troubles": self.unreadable_orders, "undone": self.undone})
    }
}

/// The places where two values differ, with the values.
fn differ(path: &str, is: &Value, should: &Value, found: &mut Vec<String>) {
    match (is, should) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                differ(&format!("{path}/{name}"), &is[name], &should[name], found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differ(&format!("{path}/{index}"), a, b, found);
            }
        }
        _ if is == should => {}
        _ => found.push(format!("{path} is {is:.300} and should be {should:.300}")),
    }
}

/// Every operation, settled, with its rows.
pub async fn operations(shop: &Shop) -> Vec<(Operation, Vec<OperationRow>)> {
    let mut settled = Vec::new();
    for id in operation_ids(shop).await {
        settled.push(shop.world.table.settle_operation(&id, shop.now()).await.unwrap().unwrap());
    }
    settled
}

async fn operation_ids(shop: &Shop) -> Vec<OperationId> {
    let page = shop.world.table.list_operations(&List { limit: 100, ..List::default() }).await.unwrap();
    assert!(page.next.is_none());
    page.items.into_iter().map(|operation| operation.id).collect()
}

/// P2: the counts are those of the rows, one row for each order, each with its outcome.
pub fn check_counts(operation: &Operation, rows: &[OperationRow], what: &str) {
    assert_eq!(operation.counts.total(), u64::try_from(rows.len()).unwrap(), "{what}: {operation:?}");
    let mut orders: Vec<OrderId> = rows.iter().filter_map(|row| row.order_id).collect();
    orders.sort_unstable();
    let all = orders.len();
    orders.dedup();
    assert_eq!(orders.len(), all, "{what}: an order has two rows");
    for row in rows {
        assert!(row.outcome.is_some(), "{what}: {row:?}");
    }
}
