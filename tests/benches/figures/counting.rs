//! Counts every call to AWS and adds up its cost.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use stevedore_aws::interceptors::{
    BeforeTransmitInterceptorContextRef, BoxError, ConfigBag, FinalizerInterceptorContextRef, Intercept, RuntimeComponents,
    SharedInterceptor,
};
use stevedore_tests::write_units::{Key, Places, TABLE, index_writes, key_of_item, places_of, size, units};

/// Bytes that count as one SQS request (Amazon SQS pricing).
const SQS_REQUEST: usize = 64 * 1024;

/// Counts so far.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Requests by service and operation, retries included.
    pub requests: BTreeMap<(&'static str, String), u64>,
    /// Units that DynamoDB says it consumed.
    pub write_units: f64,
    /// Units that DynamoDB says it consumed.
    pub read_units: f64,
    /// Write units by entity and by table or index, computed from the written items. DynamoDB's own
    /// figure decides; this one shows the cause.
    pub written: BTreeMap<(String, &'static str), u64>,
    /// Bytes of each item written, by entity.
    pub sizes: BTreeMap<String, Vec<usize>>,
    /// SQS requests as they are billed: each 64 KB of a call's messages.
    pub sqs_billed: u64,
    /// Transactions that were refused.
    pub refused: u64,
}

impl Counts {
    /// Requests to a service.
    pub fn to(&self, service: &str) -> u64 {
        self.requests.iter().filter(|((name, _), _)| *name == service).map(|(_, count)| count).sum()
    }

    /// Write units of entities, in the table and all its indexes.
    pub fn units_of(&self, entities: &[&str]) -> u64 {
        self.written.iter().filter(|((entity, _), _)| entities.contains(&entity.as_str())).map(|(_, units)| units).sum()
    }

    /// Write units of entities in the table, or in one index.
    pub fn units_in(&self, entities: &[&str], place: &str) -> u64 {
        self.written.iter().filter(|((entity, at), _)| entities.contains(&entity.as_str()) && *at == place).map(|(_, units)| units).sum()
    }

    /// All write units of what was sent.
    pub fn units(&self) -> u64 {
        self.written.values().sum()
    }
}

/// One attempt on its way.
#[derive(Debug)]
struct Attempt {
    operation: String,
    /// The written items.
    items: Vec<Value>,
}

#[derive(Debug, Default)]
struct State {
    counts: Counts,
    /// Running attempts, by the address of the call's configuration, which is the only value that
    /// both hooks of one call receive.
    attempts: HashMap<usize, Attempt>,
    /// Entries of each item in the indexes. A write that leaves an entry unchanged costs nothing
    /// there.
    indexed: HashMap<Key, Places>,
}

/// The counter; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<Mutex<State>>);

impl Counter {
    /// Interceptor that the clients are built with.
    pub fn interceptor(&self) -> SharedInterceptor {
        SharedInterceptor::new(self.clone())
    }

    /// Counts since the last call.
    pub fn take(&self) -> Counts {
        std::mem::take(&mut self.state().counts)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        call: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        let (service, operation) = target.split_once('.').unwrap_or((target, ""));
        let service = match service {
            "DynamoDB_20120810" => "DynamoDB",
            "AmazonSQS" => "SQS",
            _ => "other",
        };
        let body = context.request().body().bytes().unwrap_or_default();
        let mut state = self.state();
        *state.counts.requests.entry((service, operation.to_owned())).or_default() += 1;
        if service == "SQS" && operation != "ReceiveMessage" {
            state.counts.sqs_billed += billed(body);
        }
        let items = if service == "DynamoDB" { items_of(&serde_json::from_slice(body)?) } else { Vec::new() };
        state.attempts.insert(std::ptr::from_mut(call) as usize, Attempt { operation: operation.to_owned(), items });
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
        let (Some(attempt), Some(response)) = (attempt, context.response()) else { return Ok(()) };
        let body = response.body().bytes().unwrap_or_default();
        if attempt.operation == "ReceiveMessage" {
            // A received batch is billed by its own size.
            state.counts.sqs_billed += billed(body);
            return Ok(());
        }
        let Ok(reply) = serde_json::from_slice::<Value>(body) else { return Ok(()) };
        if !response.status().is_success() {
            state.counts.refused += 1;
            return Ok(());
        }
        let consumed = match reply.get("ConsumedCapacity") {
            Some(Value::Array(tables)) => tables.as_slice(),
            Some(table) => std::slice::from_ref(table),
            None => &[],
        };
        let units: f64 = consumed.iter().filter_map(|table| table.get("CapacityUnits")?.as_f64()).sum();
        match attempt.operation.as_str() {
            "GetItem" | "BatchGetItem" | "Query" | "Scan" => state.counts.read_units += units,
            _ => state.counts.write_units += units,
        }
        let factor = if attempt.operation == "TransactWriteItems" { 2 } else { 1 };
        for item in &attempt.items {
            state.wrote(item, factor);
        }
        Ok(())
    }
}

impl State {
    /// Counts an item that was put. Transactions cost twice in the table and once in the indexes.
    fn wrote(&mut self, item: &Value, factor: u64) {
        let entity = item["entity"]["S"].as_str().unwrap_or_default().to_owned();
        let size = size(item);
        self.counts.sizes.entry(entity.clone()).or_default().push(size);
        *self.counts.written.entry((entity.clone(), TABLE)).or_default() += factor * units(size);
        let places = places_of(item);
        let known = self.indexed.insert(key_of_item(item), places.clone()).unwrap_or_default();
        for (index, _) in index_writes(&places, &known) {
            *self.counts.written.entry((entity.clone(), index)).or_default() += 1;
        }
    }
}

/// The items that a request puts.
fn items_of(request: &Value) -> Vec<Value> {
    let listed = |name: &str| request.get(name).and_then(Value::as_array).into_iter().flatten();
    let tables = request.get("RequestItems").and_then(Value::as_object).into_iter().flat_map(|tables| tables.values());
    let batch = tables.filter_map(Value::as_array).flatten().filter_map(|write| write.get("PutRequest")?.get("Item"));
    let transaction = listed("TransactItems").filter_map(|write| write.get("Put")?.get("Item"));
    let updated = listed("TransactItems").filter_map(|write| write.get("Update")).map(level_of);
    request.get("Item").into_iter().chain(batch).chain(transaction).cloned().chain(updated).collect()
}

/// A level of stock as far as an update shows it: its key, its places in the indexes, and its
/// approximate size.
fn level_of(update: &Value) -> Value {
    let mut item = update.get("Key").and_then(Value::as_object).cloned().unwrap_or_default();
    let value = |name: &str| update.get("ExpressionAttributeValues").and_then(|values| values.get(name)).cloned();
    for (name, value) in
        [("entity", value(":e")), ("t_pk", value(":tp")), ("t_sk", value(":ts")), ("cause", value(":c")), ("changed_at", value(":t"))]
    {
        item.extend(value.map(|value| (name.to_owned(), value)));
    }
    Value::Object(item)
}

/// Requests that SQS bills for a call of this size.
fn billed(body: &[u8]) -> u64 {
    u64::try_from(body.len().div_ceil(SQS_REQUEST).max(1)).unwrap_or(u64::MAX)
}
