//! The writes of each key, counted by an interceptor in the clients as DynamoDB counts them. A key
//! takes 1,000 write units a second (DynamoDB developer guide, "Best practices for designing and
//! using partition keys effectively"), in the table and in each index.
#![allow(clippy::missing_panics_doc, clippy::float_arithmetic, reason = "tests panic where they fail, and read units come in halves")]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use stevedore_aws::interceptors::{
    BeforeTransmitInterceptorContextRef, BoxError, ConfigBag, FinalizerInterceptorContextRef, Intercept, RuntimeComponents,
    SharedInterceptor,
};

use crate::write_units::{Key, Places, TABLE, index_writes, key_of_item, places_of, size, units};

/// Write units by table or index, and partition key.
pub type Written = BTreeMap<(&'static str, String), u64>;

/// Reads of the table and its indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reads {
    pub requests: u64,
    /// Units, if the table requests them (`Table::counting_capacity`).
    pub units: f64,
}

/// One running write.
#[derive(Debug)]
enum Write {
    Put(Value),
    /// An update has its new places among its values, and keeps places that it does not name.
    Update(Key, Option<Key>),
    Delete(Key),
}

#[derive(Debug, Default)]
struct State {
    written: Written,
    read: Reads,
    /// By the address of the call's configuration, which is the only value that both hooks of one
    /// call receive; with the factor of a transaction.
    attempts: HashMap<usize, (u64, Vec<Write>)>,
    places: HashMap<Key, Places>,
}

/// The counter; clones share it.
#[derive(Clone, Debug, Default)]
pub struct KeyWrites(Arc<Mutex<State>>);

impl KeyWrites {
    /// Interceptor for the clients whose calls are counted.
    pub fn interceptor(&self) -> SharedInterceptor {
        SharedInterceptor::new(self.clone())
    }

    /// Returns the writes since the last call.
    pub fn take(&self) -> Written {
        std::mem::take(&mut self.state().written)
    }

    /// Returns the reads since the last call.
    pub fn take_reads(&self) -> Reads {
        std::mem::take(&mut self.state().read)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Intercept for KeyWrites {
    fn name(&self) -> &'static str {
        "key writes"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        call: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        let Some(operation) = target.strip_prefix("DynamoDB_20120810.") else { return Ok(()) };
        let body: Value = serde_json::from_slice(context.request().body().bytes().unwrap_or_default())?;
        let factor = if operation == "TransactWriteItems" { 2 } else { 1 };
        self.state().attempts.insert(std::ptr::from_mut(call) as usize, (factor, writes_of(operation, &body)));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        call: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut state = self.state();
        let attempt = state.attempts.remove(&(std::ptr::from_mut(call) as usize));
        if let (Some((factor, writes)), true) = (attempt, context.response().is_some_and(|response| response.status().is_success())) {
            if writes.is_empty() {
                let body = context.response().and_then(|response| response.body().bytes()).unwrap_or_default();
                let reply: Value = serde_json::from_slice(body).unwrap_or_default();
                let consumed = &reply["ConsumedCapacity"];
                let tables = consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice);
                state.read.requests += 1;
                state.read.units += tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum::<f64>();
            }
            for write in writes {
                state.wrote(write, factor);
            }
        }
        Ok(())
    }
}

impl State {
    /// Counts one write. A transaction costs twice in the table and once in an index. A move within
    /// an index is a removal and a write. An unchanged index entry costs nothing, because entries
    /// hold keys only.
    fn wrote(&mut self, write: Write, factor: u64) {
        let old = |state: &Self, key: &Key| state.places.get(key).cloned().unwrap_or_default();
        let (key, size, new) = match write {
            Write::Put(item) => (key_of_item(&item), size(&item), places_of(&item)),
            Write::Update(key, by_time) => {
                let mut new = old(self, &key);
                if let (Some(place), Some(by_time)) = (new.first_mut(), by_time) {
                    *place = Some(by_time);
                }
                (key, 1, new)
            }
            Write::Delete(key) => (key, 1, Places::default()),
        };
        *self.written.entry((TABLE, key.0.clone())).or_default() += factor * units(size);
        for (index, partition) in index_writes(&new, &old(self, &key)) {
            *self.written.entry((index, partition.to_owned())).or_default() += 1;
        }
        self.places.insert(key, new);
    }
}

fn writes_of(operation: &str, body: &Value) -> Vec<Write> {
    match operation {
        "PutItem" => body.get("Item").cloned().map(Write::Put).into_iter().collect(),
        "DeleteItem" => vec![Write::Delete(key_of(body))],
        "UpdateItem" => vec![update_of(body)],
        "BatchWriteItem" => {
            let tables = body.get("RequestItems").and_then(Value::as_object).into_iter().flat_map(|tables| tables.values());
            let writes = tables.filter_map(Value::as_array).flatten().map(|write| match write.get("PutRequest") {
                Some(put) => Write::Put(put["Item"].clone()),
                None => Write::Delete(key_of(&write["DeleteRequest"])),
            });
            writes.collect()
        }
        "TransactWriteItems" => {
            let items = body.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
            let writes = items.filter_map(|write| match write.as_object()?.iter().next()? {
                (kind, put) if kind == "Put" => Some(Write::Put(put["Item"].clone())),
                (kind, delete) if kind == "Delete" => Some(Write::Delete(key_of(delete))),
                (kind, update) if kind == "Update" => Some(update_of(update)),
                _ => None,
            });
            writes.collect()
        }
        _ => Vec::new(),
    }
}

fn key_of(request: &Value) -> Key {
    let part = |name: &str| request["Key"][name]["S"].as_str().unwrap_or_default().to_owned();
    (part("pk"), part("sk"))
}

/// A level of stock is in `by_time`; see `stock_update` in `lib/aws`.
fn update_of(update: &Value) -> Write {
    let value = |name: &str| update["ExpressionAttributeValues"][name]["S"].as_str().map(str::to_owned);
    Write::Update(key_of(update), value(":tp").zip(value(":ts")))
}
