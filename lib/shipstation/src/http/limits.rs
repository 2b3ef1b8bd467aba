//! Request limits as an answer states them: its headers, and the text of one that is throttled.

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::pacing::Limits;

/// No stated wait is believed beyond this.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// No stated limit is believed beyond this: documented are 40 requests a minute.
const LARGEST_LIMIT: u32 = 10_000;
/// Text of a throttled answer, whatever its status.
const TOO_MANY: &str = "Too Many Requests";

/// A whole number, brought into the range of what can be meant: less than nothing is nothing, and more than fits is the most.
fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if text.starts_with('-') { 0 } else { text.parse().unwrap_or(u32::MAX) })
}

/// Limits that the headers state.
pub(super) fn limits(headers: &HeaderMap) -> Limits {
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

/// The wait that a throttled answer states.
pub(super) fn stated_wait(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    number(headers, "x-rate-limit-reset").map(|seconds| wait_of(seconds.into())).or_else(|| retry_after(headers, now))
}

/// `Retry-After`: seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
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
pub(super) fn is_throttled(status: StatusCode, body: &[u8]) -> bool {
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
