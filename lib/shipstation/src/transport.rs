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
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use secrecy::ExposeSecret as _;

use crate::client::{Call, Client};
use crate::error::Error;
use crate::pacing::{Admission, Limits, later};

/// Number of times that a passing fault is tried again.
const RETRIES: u32 = 3;
/// Number of times in a row that ShipStation may say "too many requests" to one question before the caller is sent away.
const THROTTLED: u32 = 10;
/// The wait after a 429 that does not say how long (docs/shipstation.md, section 2).
const USUAL_WAIT: SignedDuration = SignedDuration::from_secs(60);
/// No stated wait is believed beyond this.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// No stated limit is believed beyond this: documented are 40 requests a minute.
const LARGEST_LIMIT: u32 = 10_000;
/// Text of a throttled answer, whatever its status.
const TOO_MANY: &str = "Too Many Requests";
/// Characters of an error's text that are kept as evidence.
const EXCERPT: usize = 500;
/// Bytes of an answer with data that cannot be read that are kept as evidence: more than most orders have.
const EVIDENCE: usize = 16 * 1024;

/// The text of an answer.
pub(crate) struct Body<'a> {
    pub(crate) text: &'a str,
    /// Time at which the question was sent: what the answer says is at least as new.
    pub(crate) asked_at: Timestamp,
    /// The answer was not all UTF-8, and what was not is U+FFFD now.
    pub(crate) mended: bool,
}

/// Outcome of a question.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// An answer that was understood.
    Value(T),
    /// 404
    Missing,
    /// 500, or an answer that is too large to take or cannot be read.
    Broken(Broken),
}

/// A question that ShipStation cannot answer.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) status: u16,
    /// The beginning of the answer.
    pub(crate) excerpt: String,
    pub(crate) fault: Fault,
}

/// Fault of an answer. Each of these may be one order's own fault, which a smaller page without it does not show.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// 500
    Status,
    /// The answer was larger than is taken.
    TooLarge,
    /// A page for people.
    Html,
    /// The text is no JSON: a raw control character, `NaN`.
    NotJson(Arc<serde_json::Error>),
    /// The JSON ends in the middle.
    CutOff(Arc<serde_json::Error>),
    /// JSON of another shape.
    Shape(Arc<serde_json::Error>),
    /// The connection broke in the middle of the answer, each time.
    Transfer(Arc<dyn std::error::Error + Send + Sync>),
}

impl Broken {
    /// The answer is larger than `most` bytes.
    fn too_large(status: StatusCode, most: usize) -> Self {
        Self { status: status.as_u16(), excerpt: format!("The answer is larger than {most} bytes."), fault: Fault::TooLarge }
    }

    /// An answer of a good status that `parse` refused.
    fn unreadable(status: StatusCode, headers: &HeaderMap, text: &str, error: serde_json::Error) -> Self {
        let fault = if is_html(headers, text) {
            Fault::Html
        } else if error.is_eof() {
            Fault::CutOff(Arc::new(error))
        } else if error.is_syntax() {
            Fault::NotJson(Arc::new(error))
        } else {
            Fault::Shape(Arc::new(error))
        };
        let end = (0..=EVIDENCE.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        Self { status: status.as_u16(), excerpt: text.get(..end).unwrap_or_default().to_owned(), fault }
    }

    /// True if a gateway answered in ShipStation's place, after its retries. One order may be to blame, or all of ShipStation.
    pub(crate) fn is_gateway(&self) -> bool {
        matches!(self.fault, Fault::Status) && (502..=504).contains(&self.status)
    }

    pub(crate) fn is_too_large(&self) -> bool {
        matches!(self.fault, Fault::TooLarge)
    }

    /// The error, where the fault concerns everything that is asked.
    pub(crate) fn error(self) -> Error {
        match self.fault {
            Fault::Status | Fault::TooLarge => Error::Unavailable { status: Some(self.status), source: None },
            Fault::Html => Error::NotJson { source: None },
            Fault::NotJson(source) => Error::NotJson { source: Some(source) },
            Fault::CutOff(source) => Error::Truncated { source },
            Fault::Shape(source) => Error::Unexpected { status: self.status, source: Some(source) },
            Fault::Transfer(source) => Error::Unavailable { status: None, source: Some(Box::new(source)) },
        }
    }
}

impl<T> Answer<T> {
    /// The value, where anything else is an error.
    pub(crate) fn value(self) -> Result<T, Error> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Missing => Err(Error::NotFound),
            Self::Broken(broken) => Err(broken.error()),
        }
    }
}

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
        match self.read_once(call, path, query, used, &parse).await? {
            Answer::Broken(broken) if !broken.is_too_large() && !broken.is_gateway() => {
                self.read_once(call, path, query, used, parse).await
            }
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
        let (status, headers, bytes, asked_at) = match self.ask(call, path, query, used).await? {
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

    /// True if ShipStation answers a question that no order has part in, asked once: it tells an order that a gateway breaks at from an outage.
    pub async fn answers(&self, call: &Call<'_>) -> bool {
        let Ok(place) = self.admit(call).await else { return false };
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        match self.send(call, "/stores", &[], self.now()).await {
            Received::Answer { status, headers, complete, .. } => {
                let now = self.now();
                self.pace(call, |pace| pace.answered(now, place, limits(&headers)));
                complete && status.is_success()
            }
            Received::Cut(..) | Received::Failed(_) => false,
        }
    }

    async fn ask(&self, call: &Call<'_>, path: &str, query: &[(&str, String)], used: &mut u32) -> Result<Asked, Error> {
        let (mut failures, mut throttled) = (0, 0);
        loop {
            let mut cut = None;
            let place = self.admit(call).await?;
            let asked_at = self.now();
            *used = used.saturating_add(1);
            self.inner.requests.fetch_add(1, Ordering::Relaxed);
            let received = self.send(call, path, query, asked_at).await;
            let now = self.now();
            let (problem, wait) = match received {
                Received::Failed(source) if source.is_builder() => return Err(Error::Address { source: Box::new(source.without_url()) }),
                Received::Failed(source) => {
                    let source: Box<dyn std::error::Error + Send + Sync> = Box::new(source.without_url());
                    (Error::Unavailable { status: None, source: Some(source) }, None)
                }
                Received::Cut(status, source) => {
                    let source: Arc<dyn std::error::Error + Send + Sync> = Arc::new(source.without_url());
                    cut = Some(Broken { status: status.as_u16(), excerpt: String::new(), fault: Fault::Transfer(Arc::clone(&source)) });
                    (Error::Unavailable { status: None, source: Some(Box::new(source)) }, None)
                }
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
                    match status.as_u16() {
                        200..=299 => return Ok(Asked::Answer { status, headers, bytes: body, asked_at }),
                        401 => return Err(Error::Refused),
                        402 => return Err(Error::PlanWithoutApi),
                        403 => return Err(Error::Forbidden),
                        404 => return Ok(Asked::Missing),
                        500 => return Ok(Asked::Broken(Broken { status: 500, excerpt: excerpt(&body), fault: Fault::Status })),
                        code @ (408 | 501..=599) => {
                            if (502..=504).contains(&code) {
                                cut = Some(Broken { status: code, excerpt: excerpt(&body), fault: Fault::Status });
                            }
                            (Error::Unavailable { status: Some(code), source: None }, retry_after(&headers, now))
                        }
                        status => return Err(Error::Unexpected { status, source: None }),
                    }
                }
            };
            if now >= call.deadline {
                return Err(Error::DeadlineReached);
            }
            failures += 1;
            let wait = self.backoff(failures, now).max(wait.unwrap_or_default());
            if failures > RETRIES || later(now, wait) >= call.deadline {
                return cut.filter(|_| failures > RETRIES).map(Asked::Broken).ok_or(problem);
            }
            tracing::info!(failures, code = problem.code(), "trying again");
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

    async fn send(&self, call: &Call<'_>, path: &str, query: &[(&str, String)], now: Timestamp) -> Received {
        let options = &self.inner.options;
        let left = Duration::try_from(call.deadline.duration_since(now)).unwrap_or_default();
        let request = options
            .http
            .get(format!("{}{path}", options.base_url))
            .query(query)
            .header(ACCEPT, "application/json")
            .basic_auth(call.credentials.api_key.expose_secret(), Some(call.credentials.api_secret.expose_secret()))
            .timeout(options.timeout.min(left));
        let mut response = match request.send().await {
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

/// A whole number, brought into the range of what can be meant: less than nothing is nothing, and more than fits is the most.
fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if text.starts_with('-') { 0 } else { text.parse().unwrap_or(u32::MAX) })
}

fn limits(headers: &HeaderMap) -> Limits {
    Limits {
        limit: number(headers, "x-rate-limit-limit").filter(|limit| *limit > 0).map(|limit| limit.min(LARGEST_LIMIT)),
        remaining: number(headers, "x-rate-limit-remaining").map(|remaining| remaining.min(LARGEST_LIMIT)),
        resets_in: number(headers, "x-rate-limit-reset").map(|seconds| wait_of(seconds.into())),
    }
}

/// A stated wait, not shorter than a second (a window that ends "in 0 seconds" has not ended) and not longer than is believed.
fn wait_of(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds).clamp(SignedDuration::from_secs(1), LONGEST_WAIT)
}

fn stated_wait(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    number(headers, "x-rate-limit-reset").map(|seconds| wait_of(seconds.into())).or_else(|| retry_after(headers, now))
}

/// `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(seconds) = number(headers, RETRY_AFTER.as_str()) {
        return Some(wait_of(seconds.into()));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(wait_of(date.timestamp().duration_since(now).as_secs()))
}

/// Marks that tell data from a message.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default)]
    orders: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    order_id: Option<serde::de::IgnoredAny>,
}

/// 429, or an answer of any status that says so instead of holding data. A customer's note with these words throttles nobody.
fn is_throttled(status: StatusCode, body: &[u8]) -> bool {
    if status == StatusCode::TOO_MANY_REQUESTS {
        return true;
    }
    let text = String::from_utf8_lossy(body);
    if !text.contains(TOO_MANY) {
        return false;
    }
    let text = text.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace());
    let has_data =
        text.starts_with('[') || serde_json::from_str::<Data>(text).is_ok_and(|data| data.orders.is_some() || data.order_id.is_some());
    // Data that is cut off in the middle is data all the same.
    !(has_data || (status.is_success() && text.starts_with("{\"order")))
}

fn is_html(headers: &HeaderMap, text: &str) -> bool {
    let typed = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("html"));
    typed || text.trim_start().starts_with('<')
}

fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(EXCERPT).collect()
}
