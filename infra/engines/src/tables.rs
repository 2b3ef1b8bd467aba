//! DynamoDB: the embedded engine, with DynamoDB's limits and, if requested, with simulated load.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::embedded::Embedded;
use crate::lagging::Lagging;
use crate::wire::{Refusal, Reply, Service};
use crate::writes::{Schema, writes};
use crate::{Clock, EngineError, lagging, limits};

/// The tables.
#[derive(Clone)]
pub(crate) struct Tables {
    embedded: Embedded,
    schemas: Arc<Mutex<HashMap<String, Arc<Schema>>>>,
    /// Set where the tables behave as under load.
    lagging: Arc<OnceLock<Arc<Lagging>>>,
}

impl Tables {
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, EngineError> {
        Ok(Self { embedded: Embedded::open(path)?, schemas: Arc::default(), lagging: Arc::default() })
    }

    /// Makes the tables behave as under load from now on, if there is a seed.
    pub(crate) fn lag(&self, seed: Option<u64>, clock: &Clock) -> Result<(), EngineError> {
        if let Some(lagging) = lagging::of_seed(&self.embedded, seed, clock)? {
            let _ = self.lagging.set(lagging);
        }
        Ok(())
    }

    /// Brings lagging indexes up to date.
    pub(crate) fn catch_up(&self) {
        if let Some(lagging) = self.lagging.get() {
            lagging.catch_up();
        }
    }

    /// Hides later writes from lagging indexes, or stops hiding them.
    pub(crate) fn hold(&self, held: bool) {
        if let Some(lagging) = self.lagging.get() {
            lagging.hold(held);
        }
    }

    /// Records of a table's stream.
    pub(crate) fn stream_records(&self, table: &str, after: Option<&str>) -> Result<Vec<Value>, EngineError> {
        self.embedded.stream_records(table, after)
    }

    /// Answers one call. Blocks on SQLite.
    pub(crate) fn answer(&self, operation: &str, body: &[u8]) -> Reply {
        let Ok(body) = std::str::from_utf8(body) else {
            return Service::Tables.refuse(&Refusal::new("SerializationException", "The request is not UTF-8."));
        };
        if let Some(refused) = self.beyond_limits(operation, body) {
            return refused;
        }
        match self.lagging.get() {
            Some(lagging) => lagging.answer(&self.embedded, operation, body),
            None => self.embedded.plain(operation, body),
        }
    }

    /// Answers one call; if `most` is set, a batch is executed only for that many entries.
    pub(crate) fn answer_in_part(&self, operation: &str, body: &[u8], most: Option<usize>) -> Reply {
        let request = most.and_then(|_| serde_json::from_slice(body).ok());
        match request.and_then(|request| lagging::in_part(operation, &request, most.unwrap_or(1))) {
            Some(split) => split.carried_out(|now| self.answer(operation, now.as_bytes())),
            None => self.answer(operation, body),
        }
    }

    /// The refusal of a write that the embedded engine accepts and DynamoDB does not.
    fn beyond_limits(&self, operation: &str, body: &str) -> Option<Reply> {
        if matches!(operation, "CreateTable" | "UpdateTable" | "DeleteTable") {
            self.schemas.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        if body.len() <= limits::SHORTEST || !matches!(operation, "PutItem" | "UpdateItem" | "BatchWriteItem" | "TransactWriteItems") {
            return None;
        }
        let request: Value = serde_json::from_str(body).ok()?;
        limits::refuse(operation, &request, &writes(operation, &request), |table| self.schema(table))
    }

    /// The key attributes of a table, if there is one.
    fn schema(&self, table: &str) -> Option<Arc<Schema>> {
        let known = || self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known().get(table) {
            return Some(Arc::clone(schema));
        }
        let schema = Arc::new(Schema::read(&self.embedded.ask("DescribeTable", &json!({"TableName": table}))?)?);
        known().insert(table.to_owned(), Arc::clone(&schema));
        Some(schema)
    }
}
