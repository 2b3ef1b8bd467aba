//! Tables that behave as under load.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::disturbances::{Disturbance, Disturbances};
use super::replica::Replica;
use crate::embedded::Embedded;
use crate::limits::cancelled;
use crate::wire::{Refusal, Reply, Service};
use crate::writes::writes;
use crate::{Clock, EngineError};

/// The state of tables that behave as under load.
pub(crate) struct Lagging {
    disturbances: Mutex<Disturbances>,
    replica: Mutex<Replica>,
    /// Held while a write is made and recorded, so that the replica receives writes in their order.
    writing: Mutex<()>,
    clock: Clock,
}

impl Lagging {
    /// Opens it over tables that may have items. The indexes are up to date with these.
    pub(crate) fn open(tables: &Embedded, seed: u64, clock: Clock) -> Result<Self, EngineError> {
        let mut replica = Replica::new(seed)?;
        for name in tables.names() {
            replica.adopt(tables, &name);
        }
        Ok(Self { disturbances: Mutex::new(Disturbances::new(seed)), replica: Mutex::new(replica), writing: Mutex::new(()), clock })
    }

    /// Brings the indexes up to date, as the passing of time does.
    pub(crate) fn catch_up(&self) {
        lock(&self.replica).catch_up();
    }

    /// Hides all later writes from the indexes, or stops hiding them.
    pub(crate) fn hold(&self, held: bool) {
        lock(&self.replica).held = held;
    }

    pub(crate) fn answer(&self, tables: &Embedded, operation: &str, body: &str) -> Reply {
        lock(&self.replica).pass((self.clock)());
        let Ok(request) = serde_json::from_str::<Value>(body) else { return tables.plain(operation, body) };
        let actions = || request.get("TransactItems").and_then(Value::as_array).map_or(0, Vec::len);
        let drawn = lock(&self.disturbances).draw(operation, &request);
        match drawn {
            Some(Disturbance::Throttled(code)) => {
                Service::Tables.refuse(&Refusal::new(code, "The level of configured provisioned throughput for the table was exceeded."))
            }
            Some(Disturbance::Conflict { place }) if operation == "TransactWriteItems" => {
                cancelled(actions(), place, "TransactionConflict", "Transaction is ongoing for the item")
            }
            Some(Disturbance::CancelledByThrottling { place }) => {
                cancelled(actions(), place, "ThrottlingError", "Throughput exceeds the current capacity of your table or index.")
            }
            Some(Disturbance::Conflict { .. }) => {
                Service::Tables.refuse(&Refusal::new("TransactionConflictException", "Transaction is ongoing for the item"))
            }
            Some(Disturbance::Partial(split)) => {
                let now = split.now.clone();
                split.carried_out(|body| self.carry_out(tables, operation, body, &now))
            }
            None => self.carry_out(tables, operation, body, &request),
        }
    }

    fn carry_out(&self, tables: &Embedded, operation: &str, body: &str, request: &Value) -> Reply {
        match operation {
            "Query" | "Scan" if request.get("IndexName").is_some() => lock(&self.replica).answer(operation, body),
            "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems" => {
                let _order = lock(&self.writing);
                let reply = tables.plain(operation, body);
                if reply.status == 200 {
                    lock(&self.replica).note(tables, &writes(operation, request), (self.clock)());
                }
                reply
            }
            "CreateTable" | "UpdateTable" | "DeleteTable" => {
                let reply = tables.plain(operation, body);
                if let (200, Some(name)) = (reply.status, request.get("TableName").and_then(Value::as_str)) {
                    lock(&self.replica).adopt(tables, name);
                }
                reply
            }
            _ => tables.plain(operation, body),
        }
    }
}

/// Opens the simulation of load if there is a seed.
pub(crate) fn of_seed(tables: &Embedded, seed: Option<u64>, clock: &Clock) -> Result<Option<Arc<Lagging>>, EngineError> {
    seed.map(|seed| Ok(Arc::new(Lagging::open(tables, seed, Arc::clone(clock))?))).transpose()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
