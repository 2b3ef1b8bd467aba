//! One question and its answer: admission, sending, faults and retries.
//!
//! What a status means is in docs/shipstation.md, section 2: 401, 402 and 403 are final; 429, or a body that says so, waits for the next window; 500 is left to the
//! caller, since one poison order makes a whole page answer it (docs/shipstation.md, section 10); other 5xx, time-outs and broken connections are tried again.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use secrecy::ExposeSecret as _;

use super::answer::{Answer, Body, Broken, Fault, excerpt};
use super::client::Client;
use super::credentials::Call;
use super::error::Error;
use super::limits::{is_throttled, limits, retry_after, stated_wait};
use super::pacing::{Admission, later};
use super::request::Request;

/// Number of times that a passing fault is tried again.
const RETRIES: u32 = 3;
/// Number of times in a row that ShipStation may say "too many requests" to one question before the caller is sent away.
const THROTTLED: u32 = 10;
/// The wait after a 429 that does not say how long (docs/shipstation.md, section 2).
const USUAL_WAIT: SignedDuration = SignedDuration::from_secs(60);
enum Received {
    Answer {
        status: StatusCode,
        headers: HeaderMap,
        body: Vec<u8>,
        complete: bool,
    },
    /// The connection broke in the middle of a good answer.
    Cut(StatusCode, reqwest::Error),
    Failed(reqwest::Error),
}

impl Client {
    /// Asks, and reads the answer with `parse`. `used` counts requests. A 500, and what cannot be read, are asked for once more.
    pub(crate) async fn read<T>(
        &self,
        call: &Call<'_>,
        path: &str,
        query: &[(&str, String)],
        used: &mut u32,
        parse: impl Fn(&Body<'_>) -> Result<T, serde_json::Error>,
    ) -> Result<Answer<T>, Error> {
        let request = Request::get(path, query);
        match self.answer_to(call, &request, used, &parse).await? {
            Answer::Broken(broken) if !broken.is_too_large() && !broken.is_gateway() => self.answer_to(call, &request, used, parse).await,
            answer => Ok(answer),
        }
    }

    /// Like [`Client::read`], but nothing that was answered is asked for again.
    pub(crate) async fn read_once<T>(
        &self,
        call: &Call<'_>,
        path: &str,
        query: &[(&str, String)],
        used: &mut u32,
        parse: impl Fn(&Body<'_>) -> Result<T, serde_json::Error>,
    ) -> Result<Answer<T>, Error> {
        self.answer_to(call, &Request::get(path, query), used, parse).await
    }

    /// Sends a request and reads the answer with `parse`.
    pub(super) async fn answer_to<T>(
        &self,
        call: &Call<'_>,
        request: &Request<'_>,
        used: &mut u32,
        parse: impl Fn(&Body<'_>) -> Result<T, serde_json::Error>,
    ) -> Result<Answer<T>, Error> {
        let (status, headers, bytes, asked_at) = match self.ask(call, request, used).await? {
            Asked::Answer { status, headers, bytes, asked_at } => (status, headers, bytes, asked_at),
            Asked::Missing => return Ok(Answer::Missing),
            Asked::Broken(broken) => return Ok(Answer::Broken(broken)),
        };
        let text = String::from_utf8_lossy(&bytes);
        let body = Body { text: text.trim_start_matches('\u{feff}'), asked_at, mended: matches!(text, Cow::Owned(_)) };
        Ok(match parse(&body) {
            Ok(value) => Answer::Value(value),
            Err(error) => {
                tracing::debug!(%error, "the answer cannot be read");
                Answer::Broken(Broken::unreadable(status, &headers, body.text, error))
            }
        })
    }

    /// True if ShipStation answers at `path`, asked once.
    pub(crate) async fn answers_at(&self, call: &Call<'_>, path: &str) -> bool {
        let Ok(place) = self.admit(call).await else { return false };
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        match self.send_once(call, &Request::get(path, &[]), self.now()).await {
            Received::Answer { status, headers, complete, .. } => {
                let now = self.now();
                self.pace(call, |pace| pace.answered(now, place, limits(&headers)));
                complete && status.is_success()
            }
            Received::Cut(..) | Received::Failed(_) => false,
        }
    }

    async fn ask(&self, call: &Call<'_>, request: &Request<'_>, used: &mut u32) -> Result<Asked, Error> {
        let (mut failures, mut throttled) = (0, 0);
        loop {
            let place = self.admit(call).await?;
            let asked_at = self.now();
            *used = used.saturating_add(1);
            self.inner.requests.fetch_add(1, Ordering::Relaxed);
            let received = self.send_once(call, request, asked_at).await;
            let now = self.now();
            let failure = match received {
                Received::Failed(source) => Failure::of_connection(source)?,
                Received::Cut(status, source) => Failure::of_transfer(status, source),
                Received::Answer { status, headers, body, complete } => {
                    self.pace(call, |pace| pace.answered(now, place, limits(&headers)));
                    tracing::debug!(status = status.as_u16(), bytes = body.len(), "ShipStation answered");
                    if is_throttled(status, &body) {
                        let until = later(now, stated_wait(&headers, now).unwrap_or(USUAL_WAIT));
                        self.pace(call, |pace| pace.close(until));
                        throttled += 1;
                        tracing::info!(%until, "ShipStation's request limit is used up");
                        if throttled >= THROTTLED {
                            return Err(Error::Throttled { retry_at: until });
                        }
                        continue;
                    }
                    if !complete {
                        return Ok(Asked::Broken(Broken::too_large(status, self.inner.options.largest_answer)));
                    }
                    match judge(status, headers, body, asked_at, now)? {
                        Judged::Final(asked) => return Ok(asked),
                        Judged::Passing(failure) => failure,
                    }
                }
            };
            if !request.repeatable && !failure.unsent {
                return Err(failure.error);
            }
            if now >= call.deadline {
                return Err(Error::DeadlineReached);
            }
            failures += 1;
            let wait = self.backoff(failures, now).max(failure.wait.unwrap_or_default());
            if failures > RETRIES || later(now, wait) >= call.deadline {
                return failure.broken.filter(|_| failures > RETRIES).map(Asked::Broken).ok_or(failure.error);
            }
            tracing::info!(failures, code = failure.error.code(), "trying again");
            self.sleep(wait).await;
        }
    }

    /// Waits until a request may be sent, and takes it out of the window.
    async fn admit(&self, call: &Call<'_>) -> Result<u64, Error> {
        loop {
            let now = self.now();
            if now >= call.deadline {
                return Err(Error::DeadlineReached);
            }
            match self.pace(call, |pace| pace.admit(now, call.priority, self.inner.options.reserve)) {
                Admission::Go(place) => return Ok(place),
                Admission::At(retry_at) if retry_at >= call.deadline => return Err(Error::Throttled { retry_at }),
                Admission::At(retry_at) => {
                    tracing::debug!(%retry_at, "waiting for the next window of requests");
                    self.sleep(retry_at.duration_since(now)).await;
                }
            }
        }
    }

    async fn send_once(&self, call: &Call<'_>, request: &Request<'_>, now: Timestamp) -> Received {
        let options = &self.inner.options;
        let left = Duration::try_from(call.deadline.duration_since(now)).unwrap_or_default();
        let mut sent = options
            .http
            .request(request.method.clone(), format!("{}{}", options.base_url, request.path))
            .query(request.query)
            .header(ACCEPT, "application/json")
            .basic_auth(call.credentials.api_key.expose_secret(), Some(call.credentials.api_secret.expose_secret()))
            .timeout(options.timeout.min(left));
        if let Some(body) = &request.body {
            sent = sent.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let mut response = match sent.send().await {
            Ok(response) => response,
            Err(error) => return Received::Failed(error),
        };
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Received::Answer { status, headers, body, complete: true },
                Err(error) if status.is_success() && !error.is_timeout() => return Received::Cut(status, error),
                Err(error) => return Received::Failed(error),
            }
            if body.len() > options.largest_answer {
                return Received::Answer { status, headers, body: Vec::new(), complete: false };
            }
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.options.clock)()
    }

    async fn sleep(&self, duration: SignedDuration) {
        (self.inner.options.sleep)(Duration::try_from(duration).unwrap_or_default()).await;
    }

    /// 1, 2, 4 seconds, each cut by up to a half so that clients that failed together do not come back together.
    fn backoff(&self, failures: u32, now: Timestamp) -> SignedDuration {
        let whole = 1000_i64.saturating_mul(1_i64.checked_shl(failures.saturating_sub(1)).unwrap_or(i64::MAX));
        let half = whole / 2;
        let mut hasher = DefaultHasher::new();
        (now.as_nanosecond(), self.requests(), failures).hash(&mut hasher);
        let cut = i64::try_from(hasher.finish() % half.cast_unsigned().max(1)).unwrap_or(0);
        SignedDuration::from_millis(whole.saturating_sub(cut))
    }
}

enum Asked {
    Answer { status: StatusCode, headers: HeaderMap, bytes: Vec<u8>, asked_at: Timestamp },
    Missing,
    Broken(Broken),
}

/// Meaning of a whole answer that is not throttled.
enum Judged {
    Final(Asked),
    /// Another attempt may succeed.
    Passing(Failure),
}

/// An attempt that failed and may succeed later.
struct Failure {
    error: Error,
    /// The wait that ShipStation asks for.
    wait: Option<SignedDuration>,
    /// Result for a caller that can narrow down what it asks for, when every attempt failed.
    broken: Option<Broken>,
    /// ShipStation certainly has not received the request.
    unsent: bool,
}

impl Failure {
    fn of_connection(source: reqwest::Error) -> Result<Self, Error> {
        if source.is_builder() {
            return Err(Error::Address { source: Box::new(source.without_url()) });
        }
        let unsent = source.is_connect();
        let source: Box<dyn std::error::Error + Send + Sync> = Box::new(source.without_url());
        Ok(Self { error: Error::Unavailable { status: None, source: Some(source) }, wait: None, broken: None, unsent })
    }

    fn of_transfer(status: StatusCode, source: reqwest::Error) -> Self {
        let source: Arc<dyn std::error::Error + Send + Sync> = Arc::new(source.without_url());
        let broken = Broken { status: status.as_u16(), excerpt: String::new(), fault: Fault::Transfer(Arc::clone(&source)) };
        let error = Error::Unavailable { status: None, source: Some(Box::new(source)) };
        Self { error, wait: None, broken: Some(broken), unsent: false }
    }
}

fn judge(status: StatusCode, headers: HeaderMap, body: Vec<u8>, asked_at: Timestamp, now: Timestamp) -> Result<Judged, Error> {
    let broken = |code, body: &[u8]| Broken { status: code, excerpt: excerpt(body), fault: Fault::Status };
    Ok(match status.as_u16() {
        200..=299 => Judged::Final(Asked::Answer { status, headers, bytes: body, asked_at }),
        401 => return Err(Error::Unauthorized),
        402 => return Err(Error::PlanWithoutApi),
        403 => return Err(Error::Forbidden),
        404 => Judged::Final(Asked::Missing),
        500 => Judged::Final(Asked::Broken(broken(500, &body))),
        code @ (408 | 501..=599) => Judged::Passing(Failure {
            error: Error::Unavailable { status: Some(code), source: None },
            wait: retry_after(&headers, now),
            broken: (502..=504).contains(&code).then(|| broken(code, &body)),
            unsent: false,
        }),
        status => return Err(Error::Unexpected { status, source: None }),
    })
}
