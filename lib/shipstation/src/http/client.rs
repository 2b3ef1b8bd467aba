//! The client: its options, and the pace of each API key.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::connector::TOTAL_TIMEOUT;
use super::credentials::Call;
use super::pacing::{Pace, PacingState};

/// Source of the present time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Waits as long as the clock takes to move on by the duration.
pub type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Options of a client.
#[derive(Clone)]
pub struct ClientOptions {
    /// `https://ssapi.shipstation.com`, or where a sandbox listens.
    pub base_url: String,
    /// Sends the requests; [`crate::http_client`] builds one.
    pub http: reqwest::Client,
    /// Source of the present time.
    pub clock: Clock,
    /// Waits; by default in real time. A clock that runs faster brings its own.
    pub sleep: Sleep,
    /// Real time that one request may take. 60 seconds by default.
    pub timeout: Duration,
    /// Requests of each window that the background leaves to the operator. 4 by default, never more than a quarter of the limit.
    pub reserve: u32,
    /// Bytes of the largest answer that is taken; a larger page is asked for in smaller ones. 32 MiB by default, so that a page and its orders fit a
    /// function of 256 MB.
    pub largest_answer: usize,
}

impl ClientOptions {
    /// The usual options.
    #[must_use]
    pub fn new(base_url: impl Into<String>, http: reqwest::Client, clock: Clock) -> Self {
        Self {
            base_url: base_url.into(),
            http,
            clock,
            sleep: Arc::new(|duration| Box::pin(tokio::time::sleep(duration))),
            timeout: TOTAL_TIMEOUT,
            reserve: 4,
            largest_answer: 32 * 1024 * 1024,
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// ShipStation's V1 API. Cheap to clone; clones share their pace.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) options: ClientOptions,
    pub(crate) requests: AtomicU64,
    paces: Mutex<Paces>,
}

#[derive(Default)]
struct Paces {
    by_key: HashMap<u64, Pace>,
    latest: Option<u64>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has asked nothing yet.
    #[must_use]
    pub fn new(mut options: ClientOptions) -> Self {
        options.base_url.truncate(options.base_url.trim_end_matches('/').len());
        Self { inner: Arc::new(Inner { options, requests: AtomicU64::new(0), paces: Mutex::default() }) }
    }

    /// Requests sent by this client and its clones since it was built, failed ones included.
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// The request window of the key that was used last (N19); nothing before ShipStation has stated one.
    pub fn pacing(&self) -> Option<PacingState> {
        let now = (self.inner.options.clock)();
        let paces = self.inner.paces.lock().unwrap_or_else(PoisonError::into_inner);
        paces.by_key.get(&paces.latest?)?.state(now)
    }

    /// Works on the pace of the call's key. Only a hash of the key is kept.
    pub(crate) fn pace<T>(&self, call: &Call<'_>, work: impl FnOnce(&mut Pace) -> T) -> T {
        let mut hasher = DefaultHasher::new();
        call.credentials.api_key.expose_secret().hash(&mut hasher);
        let key = hasher.finish();
        let mut paces = self.inner.paces.lock().unwrap_or_else(PoisonError::into_inner);
        paces.latest = Some(key);
        work(paces.by_key.entry(key).or_default())
    }
}
