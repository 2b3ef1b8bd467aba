//! State of the simulated account, and its log of requests.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::arrivals::Arrivals;
use crate::faults::Fault;
use crate::limit_window::LimitWindow;
use crate::retail::Scheduled;
use crate::store::Store;

/// Number of requests that the log keeps.
const REQUESTS_KEPT: usize = 10_000;

/// Content of a sandbox at its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Orders that can be read from the start.
    pub orders: usize,
    /// Their lines, adjustments included.
    pub lines: usize,
    /// Changes of these orders that arrive later (the credit notes of a CSV file).
    pub revisions: usize,
}

/// A request to ShipStation's routes that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// Time by the sandbox's clock.
    pub at: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query string as it was sent.
    pub query: String,
    /// HTTP status of the reply.
    pub status: u16,
    /// The faults that affected it.
    pub faults: Vec<Fault>,
}

/// The mutable state.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) arrivals: Arrivals,
    /// Revisions that are known in advance, by time.
    pub(crate) scheduled: VecDeque<Scheduled>,
    pub(crate) window: LimitWindow,
    pub(crate) requests: VecDeque<RequestRecord>,
}

impl World {
    pub(crate) fn log(&mut self, record: RequestRecord) {
        if self.requests.len() == REQUESTS_KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(record);
    }
}

/// The account that answers.
#[derive(Debug)]
pub(crate) struct AccountNow {
    pub(crate) api_key: String,
    pub(crate) api_secret: String,
    /// Added to the stores' ids.
    pub(crate) stores_from: i64,
}
