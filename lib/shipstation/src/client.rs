//! The client: which calls there are.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use stevedore_domain::ids::OrderId;

use crate::error::Error;
use crate::order::{RawJson, RawOrder};
use crate::pacing::{Pace, PacingState};
use crate::page::{self, PAGE_SIZE};
use crate::reading::sizes;
use crate::reference::{self, Store, Warehouse};
use crate::transport::Answer;

/// Source of the present time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Waits as long as the clock takes to move on by the duration.
pub type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The API key and secret of ShipStation's API settings (S16): user and password of HTTP Basic.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The key.
    pub api_key: SecretString,
    /// The secret.
    pub api_secret: SecretString,
}

/// Caller that waits for the answer. Near the limit a person goes before the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A person pressed a button.
    Operator,
    /// The schedule; leaves the last requests of each window to the operator.
    Background,
}

/// Parameters of every call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// As whom.
    pub credentials: &'a Credentials,
    /// For whom.
    pub priority: Priority,
    /// Nothing waits or runs beyond this instant of the client's clock.
    pub deadline: Timestamp,
}

/// Options of a client.
#[derive(Clone)]
pub struct ClientOptions {
    /// `https://ssapi.shipstation.com`, or where a sandbox listens.
    pub base_url: String,
    /// Sends the requests; [`http_client`] builds one.
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

/// Number of unreadable orders that a search by number steps over.
const UNREADABLE_BY_NUMBER: u32 = 20;
const TOTAL_TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The HTTP client for [`ClientOptions::http`]: 5 seconds to connect, 60 in all, rustls, no proxy from the environment, and no redirect away from where it was sent,
/// since a redirect to another host would hand it the buyer's data or ours.
///
/// # Errors
/// [`Error::Address`] when TLS cannot be set up.
pub fn http_client() -> Result<reqwest::Client, Error> {
    http_client_trusting(&[])
}

/// The same, which also trusts the certificates in this PEM text: for a ShipStation that stands behind somebody's own.
///
/// The roots are Mozilla's, which are in the program as constants: the operating system's would be read and parsed at each cold start. Which of them vouches
/// for ShipStation is ShipStation's to change, so all of them are there.
///
/// # Errors
/// [`Error::Address`] when the client cannot be built or the PEM text cannot be read.
pub fn http_client_trusting(pem: &[u8]) -> Result<reqwest::Client, Error> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Address { source };
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| failed(error.to_string().into()))?;
        roots.add(certificate).map_err(|error| failed(error.into()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.map_err(|error| failed(error.into()))?.with_root_certificates(roots).with_no_client_auth();
    let same_origin = reqwest::redirect::Policy::custom(|attempt| {
        let target = attempt.url();
        let same = attempt.previous().last().is_some_and(|from| from.origin() == target.origin());
        if same && attempt.previous().len() < 4 { attempt.follow() } else { attempt.stop() }
    });
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("stevedore/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(same_origin)
        .no_proxy()
        .build()
        .map_err(|source| Error::Address { source: Box::new(source) })
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

    /// Proves the credentials by a cheap live call (S16).
    ///
    /// # Errors
    /// [`Error::Refused`] and the rest of [`Error`].
    pub async fn prove(&self, call: &Call<'_>) -> Result<(), Error> {
        let path = "/stores";
        self.read(call, path, &[], &mut 0, |body| reference::parse::<serde::de::IgnoredAny>(body.text)).await?.value().map(|_| ())
    }

    /// All stores, the inactive ones too. `GET /stores` answers with a bare array (docs/shipstation.md, section 2.2).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn stores(&self, call: &Call<'_>) -> Result<Vec<Store>, Error> {
        let query = [("showInactive", "true".to_owned())];
        self.read(call, "/stores", &query, &mut 0, |body| reference::parse(body.text)).await?.value()
    }

    /// All warehouses ("ship from locations").
    ///
    /// # Errors
    /// [`Error`].
    pub async fn warehouses(&self, call: &Call<'_>) -> Result<Vec<Warehouse>, Error> {
        self.read(call, "/warehouses", &[], &mut 0, |body| reference::parse(body.text)).await?.value()
    }

    /// One order as it is now; nothing when ShipStation has none of that id (any more: a merged-away order answers 404).
    ///
    /// # Errors
    /// [`Error`]. An order that cannot be read is no error here: see [`RawOrder::parsed`].
    pub async fn order(&self, call: &Call<'_>, id: OrderId) -> Result<Option<RawOrder>, Error> {
        match self.read(call, &format!("/orders/{id}"), &[], &mut 0, page::parse_single).await? {
            Answer::Missing => Ok(None),
            answer => answer.value().map(Some),
        }
    }

    /// Every order whose number is exactly `number`: a split leaves several. ShipStation's filter finds all numbers that begin with it
    /// (docs/shipstation.md, section 3.1), so all its pages are read and compared.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn orders_by_number(&self, call: &Call<'_>, number: &str) -> Result<Vec<RawOrder>, Error> {
        self.orders_numbered(call, number, &|other: &str| other == number).await
    }

    /// Every order whose number begins with `number`, as ShipStation's filter compares it, and is the `same`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn orders_numbered(
        &self,
        call: &Call<'_>,
        number: &str,
        same: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Vec<RawOrder>, Error> {
        let mut found: Vec<RawOrder> = Vec::new();
        // A blank filter would list the whole account.
        if number.trim().is_empty() {
            return Ok(found);
        }
        // Orders before this place were read, or cannot be.
        let (sizes, mut smaller, mut place) = (sizes(PAGE_SIZE), 0, 0_u32);
        let mut unreadable = 0;
        loop {
            let size = sizes.iter().skip(smaller).copied().find(|size| place.is_multiple_of(*size)).unwrap_or(1);
            // The creation date never changes, so edits do not move orders between these pages.
            let query = [
                ("orderNumber", number.to_owned()),
                ("sortBy", "CreateDate".to_owned()),
                ("sortDir", "ASC".to_owned()),
                ("page", (place / size + 1).to_string()),
                ("pageSize", size.to_string()),
            ];
            let reply = match self.read(call, "/orders", &query, &mut 0, page::parse).await? {
                Answer::Broken(broken) if broken.is_gateway() && !self.answers(call).await => return Err(broken.error()),
                Answer::Broken(_) if size > 1 => {
                    smaller = sizes.iter().position(|other| *other < size).unwrap_or(smaller);
                    continue;
                }
                Answer::Broken(broken) => {
                    let order = page::unreadable(&broken);
                    unreadable += 1;
                    // One order may be broken; several in a row that do not even show themselves are ShipStation's own trouble.
                    if unreadable > UNREADABLE_BY_NUMBER || order.is_none() {
                        return Err(broken.error());
                    }
                    found.extend(order.filter(|order| order.order_number.as_deref().is_none_or(same)).map(|order| RawOrder {
                        raw: RawJson::quoting(&broken.excerpt),
                        read_at: self.now(),
                        parsed: Err(order),
                    }));
                    place += 1;
                    continue;
                }
                answer => answer.value()?,
            };
            let rows = reply.orders.len();
            for order in reply.orders {
                let known = found.iter().any(|other| other.order_id() == order.order_id());
                if order.number().is_some_and(same) && !known {
                    found.push(order);
                }
            }
            if rows < size as usize {
                break;
            }
            place += size;
            smaller = smaller.saturating_sub(1);
        }
        Ok(found)
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
