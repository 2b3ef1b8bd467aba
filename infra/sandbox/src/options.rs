//! Options of a sandbox.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// The time, as the sandbox sees it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Options of a sandbox.
#[derive(Clone)]
pub struct SandboxOptions {
    /// The seed of all random choices. The same seed, options and start time give the same orders.
    pub seed: u64,
    /// Number of orders that the generator makes at the start.
    pub orders: usize,
    /// The time before the start over which they are spread. They are denser near the start, with a
    /// quarter of them in the last 1/64.
    pub history: SignedDuration,
    /// Number of lines of every generated order; `None` for the shapes of retail (half below five
    /// lines, a few with hundreds).
    pub lines_per_order: Option<usize>,
    /// Number of products of the generated orders, rounded up to the next dozen.
    pub products: usize,
    /// Status of every generated order, without splits and merges; `None` for all statuses.
    pub only_status: Option<String>,
    /// Number of generated orders in a thousand with a buyer who has not bought before; `None` for
    /// 400 buyers who order repeatedly.
    pub new_buyers_per_mille: Option<usize>,
    /// The time.
    pub clock: Clock,
    /// User name of Basic authentication.
    pub api_key: String,
    /// Password of Basic authentication.
    pub api_secret: String,
    /// Requests in each minute of the clock; `None` lifts the limit.
    pub requests_per_minute: Option<u32>,
    /// New orders and edits in each hour of the clock while it runs. They are made when a request
    /// arrives. After a long silence only the newest 2,000 happen.
    pub arrivals_per_hour: u32,
    /// Makes `modifyDateStart` include orders of exactly that time.
    pub modify_start_inclusive: bool,
    /// Keeps the times of loaded files. Otherwise they are moved so that the newest is a few
    /// minutes before the start: all times of a CSV file, and `createDate` and `modifyDate` of JSON
    /// orders, as if they had been imported just now.
    pub keep_times: bool,
}

impl SandboxOptions {
    /// 200 realistic orders over three days, 40 requests a minute, no arrivals, key `sandbox-key`
    /// and secret `sandbox-secret`.
    pub fn new(clock: Clock) -> Self {
        Self {
            seed: 1,
            orders: 200,
            history: SignedDuration::from_hours(72),
            lines_per_order: None,
            products: 216,
            only_status: None,
            new_buyers_per_mille: None,
            clock,
            api_key: "sandbox-key".to_owned(),
            api_secret: "sandbox-secret".to_owned(),
            requests_per_minute: Some(40),
            arrivals_per_hour: 0,
            modify_start_inclusive: true,
            keep_times: false,
        }
    }
}

impl std::fmt::Debug for SandboxOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SandboxOptions")
            .field("seed", &self.seed)
            .field("orders", &self.orders)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("arrivals_per_hour", &self.arrivals_per_hour)
            .finish_non_exhaustive()
    }
}
