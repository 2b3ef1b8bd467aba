//! Outcomes of a question: an answer that was read, none, or one that is broken.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};

use super::error::Error;

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
    pub(super) fn too_large(status: StatusCode, most: usize) -> Self {
        Self { status: status.as_u16(), excerpt: format!("The answer is larger than {most} bytes."), fault: Fault::TooLarge }
    }

    /// An answer of a good status that `parse` refused.
    pub(super) fn unreadable(status: StatusCode, headers: &HeaderMap, text: &str, error: serde_json::Error) -> Self {
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

fn is_html(headers: &HeaderMap, text: &str) -> bool {
    let typed = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("html"));
    typed || text.trim_start().starts_with('<')
}

/// The beginning of an error's text.
pub(super) fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(EXCERPT).collect()
}
