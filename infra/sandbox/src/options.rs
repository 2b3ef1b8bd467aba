//! Options of a sandbox.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// The time, as the sandbox sees it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Options of a sandbox.
#[derive(Clone)]
pub struct SandboxOptions {
    /// Decides everything random. The same seed, options and start time give the same orders.
    pub seed: u64,
    /// Number of orders that the generator makes at the start.
    pub orders: usize,
    /// The time before the start over which they are spread; denser towards the start, a quarter of them in the last 1/64.
    pub history: SignedDuration,
    /// Gives every generated order so many lines; `None` for the shapes of retail (half below five lines, a few with hundreds).
    pub lines_per_order: Option<usize>,
    /// Number of products that the generated orders draw from, rounded up to the next dozen.
    pub products: usize,
    /// Gives every generated order this status and leaves splits and merges out; `None` for all statuses.
    pub only_status: Option<String>,
    /// Gives so many of a thousand generated orders a buyer who has not bought before; `None` for 400
    /// buyers who come again.
    pub new_buyers_per_mille: Option<usize>,
    /// The time.
    pub clock: Clock,
    /// User name of Basic authentication.
    pub api_key: String,
    /// Password of Basic authentication.
    pub api_secret: String,
    /// Requests in each minute of the clock; `None` lifts the limit.
    pub requests_per_minute: Option<u32>,
    /// New orders and edits in each hour of the clock while it runs. They are made when somebody asks; of a long silence only the newest
    /// 2,000 happen.
    pub arrivals_per_hour: u32,
    /// Lets `modifyDateStart` let orders of exactly that time through.
    pub modify_start_inclusive: bool,
    /// Leaves the times of loaded files as they are. Otherwise they are moved so that the newest is a few minutes before the start:
    /// all times of a CSV file; of JSON orders `createDate` and `modifyDate`, as if they had been imported just now.
    pub keep_times: bool,
}

impl SandboxOptions {
    /// 200 lifelike orders over three days, 40 requests a minute, nothing arriving, key `sandbox-key` and secret `sandbox-secret`.
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
