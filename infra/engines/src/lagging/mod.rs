//! DynamoDB as it is under load, by a seed: index queries are answered by a replica that is behind, transactions and single writes meet conflicts,
//! batches are left half done, calls are throttled (developer guide, "Global secondary indexes", "Transactions: conflict handling",
//! `BatchWriteItem`, `BatchGetItem`, "Error handling").
//!
//! Reads of the table itself stay as they are. No request is disturbed more than twice in a row, so that a program which asks
//! again three times always gets on, and every write reaches the indexes at last.

mod disturbances;
mod replica;
mod split;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::limits::cancelled;
use crate::tables::Tables;
use crate::wire::{Refusal, Reply, Service};
use crate::writes::writes;
use crate::{Clock, EngineError};

use disturbances::{Disturbance, Disturbances};
use replica::Replica;

pub(crate) use split::in_part;

/// The engine's troubled side.
pub(crate) struct Lagging {
    disturbances: Mutex<Disturbances>,
    replica: Mutex<Replica>,
    /// Held while a write is made and noted down, so that the replica hears of writes in their order.
    writing: Mutex<()>,
    clock: Clock,
}

impl Lagging {
    /// Around tables that may hold something already: of that the indexes are up to date.
    pub(crate) fn open(tables: &Tables, seed: u64, clock: Clock) -> Result<Self, EngineError> {
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

    /// Keeps everything that is written from now on out of the indexes, or no longer.
    pub(crate) fn hold(&self, held: bool) {
        lock(&self.replica).held = held;
    }

    pub(crate) fn answer(&self, tables: &Tables, operation: &str, body: &str) -> Reply {
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

    fn carry_out(&self, tables: &Tables, operation: &str, body: &str, request: &Value) -> Reply {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number for each place of a sequence (SplitMix64).
pub(crate) struct Dice {
    seed: u64,
    place: u64,
}

impl Dice {
    /// `what` tells sequences of one seed apart.
    pub(crate) fn new(seed: u64, what: u64) -> Self {
        Self { seed: seed.wrapping_mul(0xd6e8_feb8_6659_fd93).wrapping_add(what), place: 0 }
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.place += 1;
        let mut z = self.seed.wrapping_add(self.place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `count`, and 0 where that is 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % count).unwrap_or_default()
    }

    /// True in so many of a hundred.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }
}

/// Opens the troubled side where there is a seed for it.
pub(crate) fn of_seed(tables: &Tables, seed: Option<u64>, clock: &Clock) -> Result<Option<Arc<Lagging>>, EngineError> {
    seed.map(|seed| Ok(Arc::new(Lagging::open(tables, seed, Arc::clone(clock))?))).transpose()
}
