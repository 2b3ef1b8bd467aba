//! A ShipStation V1 that runs here.
//!
//! It holds orders in memory and answers `GET /orders`, `/orders/{id}`, `/stores`, `/warehouses`, `/products`, `/customers` and
//! `/accounts/listtags` the way ShipStation's V1 API is known to: Basic authentication, 40 requests a minute in fixed windows with
//! `X-Rate-Limit-*` on every reply, US Pacific wall times without an offset, page envelopes, ASP.NET error bodies. It knows nothing of the
//! programs that read it, so that it can be a witness against them. Its orders come from a seeded generator or from files; time is
//! the clock it is given; every fault can be switched on ([`Faults`], or `/_sandbox/faults` over HTTP).
//!
//! # What is not certain about the real service
//!
//! Documented or recorded: the routes, parameters, envelope, time forms, limit headers (a window's first reply shows all 40: the request itself
//! is not counted yet), `pages: 0` of `/products`, `orderDateStart` exclusive, `orderNumber` as a prefix, the split of totals (not split).
//! Not established, and chosen here:
//! - whether `modifyDateStart` is inclusive ([`SandboxOptions::modify_start_inclusive`]); the starts of `createDate` and `paymentDate` are inclusive, all ends are;
//! - the order among equal sort values (here: ascending `orderId`, reversed by `DESC`), `pageSize` above 500 (here: cut to 500), a
//!   page below 1 or a date that cannot be read (here: 400);
//! - the bodies of 401, 402, 403 and 404; whether a refused key uses up quota (here: no);
//! - what a merge does to totals (here: they are added) and whether a poisoned order also breaks `GET /orders/{id}` (here: yes).
//!
//! `customsCountryCode` and the `tagId` filters are accepted and have no effect. Nothing can be written through ShipStation's own routes.

mod account;
mod admin_routes;
mod arrivals;
mod buyers;
mod customers;
mod damage;
mod faults;
mod generator;
mod json;
mod load;
mod order_builder;
mod pacific;
mod products;
mod query;
mod reference;
mod retail;
mod rng;
mod server;
mod store;
mod wire;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

pub use crate::account::Order;
pub use crate::faults::{ActiveFault, Damage, Defect, Fault, Faults, Rule};
pub use crate::json::{Json, JsonError};
pub use crate::load::LoadError;
pub use crate::order_builder::Draft;
pub use crate::reference::{AUCTIONS, COUNTER, DEFAULT_WAREHOUSE, MARKETPLACE, WEB_SHOP, WHOLESALE};
pub use crate::server::Serving;

use crate::arrivals::Arrivals;
use crate::retail::Scheduled;
use crate::store::Store;
use crate::wire::LimitWindow;

/// The time, as the sandbox sees it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Number of requests that the log keeps.
const REQUESTS_KEPT: usize = 10_000;

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

/// Content of a sandbox at its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Orders that can be read at once.
    pub orders: usize,
    /// Their lines, adjustments included.
    pub lines: usize,
    /// Changes of these orders that arrive later (the credit notes of a CSV file).
    pub revisions: usize,
}

/// A request that ShipStation's side of the sandbox has answered.
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
    /// The faults that struck it.
    pub faults: Vec<Fault>,
}

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) arrivals: Arrivals,
    /// Revisions known beforehand, by time.
    pub(crate) scheduled: VecDeque<Scheduled>,
    pub(crate) window: LimitWindow,
    requests: VecDeque<RequestRecord>,
}

impl World {
    fn log(&mut self, record: RequestRecord) {
        if self.requests.len() == REQUESTS_KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(record);
    }
}

/// The sandbox; clones share everything.
#[derive(Debug, Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: SandboxOptions,
    faults: Faults,
    report: Report,
    world: Mutex<World>,
    account: Mutex<AccountNow>,
}

/// The account as which it answers.
#[derive(Debug)]
pub(crate) struct AccountNow {
    pub(crate) api_key: String,
    pub(crate) api_secret: String,
    /// Added to the stores' ids.
    pub(crate) stores_from: i64,
}

impl Sandbox {
    fn new(options: SandboxOptions, store: Store, arrivals: Arrivals, scheduled: VecDeque<Scheduled>) -> Self {
        let lines = store.orders.values().map(|entry| entry.lines).sum();
        let report = Report { orders: store.orders.len(), lines, revisions: scheduled.len() };
        let faults = Faults::new(options.seed);
        let world = World { store, arrivals, scheduled, window: LimitWindow::default(), requests: VecDeque::new() };
        let account = AccountNow { api_key: options.api_key.clone(), api_secret: options.api_secret.clone(), stores_from: 0 };
        Self { shared: Arc::new(Shared { options, faults, report, world: Mutex::new(world), account: Mutex::new(account) }) }
    }

    /// Answers as another account from now on: with other credentials, and stores whose ids are larger by `stores_from`. Orders stay, as if two accounts had orders of
    /// the same ids; each keeps the store that it names.
    pub fn become_account(&self, api_key: &str, api_secret: &str, stores_from: i64) {
        *self.account() = AccountNow { api_key: api_key.to_owned(), api_secret: api_secret.to_owned(), stores_from };
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, AccountNow> {
        self.shared.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults' switchboard.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Returns the content at the start.
    pub fn report(&self) -> Report {
        self.shared.report
    }

    /// ShipStation's routes, and `/_sandbox/faults`, `/_sandbox/requests`, `/_sandbox/arrivals` for whoever runs it (no authentication,
    /// not counted against the limit). Cutting connections needs [`Sandbox::serve`]; here such a fault becomes a 500.
    pub fn router(&self) -> axum::Router {
        admin_routes::routes().fallback(wire::answer).with_state(self.clone())
    }

    /// Answers on 127.0.0.1 until the returned handle is dropped; port 0 takes a free one. Needs a tokio runtime with I/O.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn serve(&self, port: u16) -> std::io::Result<Serving> {
        server::serve(self.router(), port).await
    }

    pub(crate) fn options(&self) -> &SandboxOptions {
        &self.shared.options
    }

    fn now(&self) -> Timestamp {
        pacific::to_millis((self.shared.options.clock)())
    }

    /// Everything as of now: what is due has happened.
    pub(crate) fn world(&self) -> (MutexGuard<'_, World>, Timestamp) {
        let now = self.now();
        let mut world = self.shared.world.lock().unwrap_or_else(PoisonError::into_inner);
        while world.scheduled.front().is_some_and(|next| next.at <= now) {
            if let Some(next) = world.scheduled.pop_front() {
                next.happen(&mut world.store, next.at);
            }
        }
        let World { arrivals, store, .. } = &mut *world;
        arrivals.catch_up(store, now);
        (world, now)
    }
}
