//! Lists: their query, their pages, their tokens.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use stevedore_aws::{Error, List, Page};
use utoipa::{IntoParams, ToSchema};

use crate::http::problem::{Code, FieldFault, Problem};

/// Records on a page where the query does not say.
const DEFAULT_LIMIT: usize = 50;
/// Records on a page at most.
const LARGEST_LIMIT: usize = 200;
/// The longest value that a query parameter may have, in bytes: far below what a key of the table holds (2,048).
const LONGEST_VALUE: usize = 1_024;
/// The longest page token, in bytes: two places in an index, encoded twice.
const LONGEST_TOKEN: usize = 16 * 1_024;
/// Bytes that a page may weigh: Lambda answers with 6 MB at most.
const LARGEST_PAGE: usize = 4_000_000;

/// Reads of the table that one filtered page takes at most; then it ends early, and its token goes on.
const MOST_READS: usize = 20;

/// One page of what `keep` leaves of a list. Where no index holds exactly that, pages are read until this one is full.
pub(crate) async fn filtered<R, F>(mut list: List, mut read: impl FnMut(List) -> F, keep: impl Fn(&R) -> bool) -> Result<Page<R>, Error>
where
    F: Future<Output = Result<Page<R>, Error>>,
{
    let limit = list.limit;
    let mut items: Vec<R> = Vec::new();
    for _ in 0..MOST_READS {
        list.limit = limit - items.len();
        let page = read(list.clone()).await?;
        items.extend(page.items.into_iter().filter(&keep));
        list.token = page.next;
        if list.token.is_none() || items.len() >= limit {
            break;
        }
    }
    Ok(Page { items, next: list.token })
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListView<T> {
    /// The records.
    pub items: Vec<T>,
    /// Continues the list as `page_token`; null on the last page.
    #[schema(required = true)]
    pub next_page_token: Option<String>,
}

impl<T> ListView<T> {
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next_page_token: None }
    }

    pub(crate) fn of<R>(page: Page<R>, view: impl FnMut(R) -> T) -> Self {
        Self { items: page.items.into_iter().map(view).collect(), next_page_token: page.next }
    }

    /// A list that is in memory as a whole; its token is a place in it. A page ends early rather than grow too large to be answered.
    pub(crate) fn cut(all: impl IntoIterator<Item = T>, name: &str, list: &List) -> Result<Self, Problem>
    where
        T: Serialize,
    {
        let start = list.token.as_deref().map_or(Ok(0), |token| read_number(name, token))?;
        let mut rest = all.into_iter().skip(usize::try_from(start).unwrap_or(usize::MAX)).peekable();
        let (mut items, mut weight) = (Vec::new(), 0);
        while let Some(item) = rest.next_if(|item| {
            weight += serde_json::to_vec(item).map_or(0, |text| text.len());
            items.is_empty() || (items.len() < list.limit && weight <= LARGEST_PAGE)
        }) {
            items.push(item);
        }
        let end = start + u64::try_from(items.len()).unwrap_or(0);
        Ok(Self { next_page_token: rest.peek().map(|_| write_number(name, end)), items })
    }

    /// True if the page is light enough to be answered.
    pub(crate) fn fits(&self) -> bool
    where
        T: Serialize,
    {
        let mut weight = 0;
        self.items.iter().all(|item| {
            weight += serde_json::to_vec(item).map_or(0, |text| text.len());
            weight <= LARGEST_PAGE
        })
    }
}

/// Parameters that every list takes; stands for [`Parameters::list`] in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "only its schema is used")]
pub(crate) struct ListQuery {
    /// Records on the page; 50 where it is left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_page_token` of the page before.
    page_token: Option<String>,
}

/// A token of a list whose place is a number: opaque, and of no use to another list.
pub(crate) fn write_number(name: &str, number: u64) -> String {
    write_token(name, &number.to_string())
}

pub(crate) fn read_number(name: &str, token: &str) -> Result<u64, Problem> {
    read_token(name, token).and_then(|text| text.parse().ok()).ok_or_else(|| Error::PageToken.into())
}

/// A token that is `inner`, marked as this list's.
pub(crate) fn write_token(name: &str, inner: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{name}\u{1f}{inner}"))
}

pub(crate) fn read_token(name: &str, token: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix(name)?.strip_prefix('\u{1f}').map(str::to_owned)
}

/// A request's query, parameter by parameter. What is not asked for is refused: a misspelt filter must not answer with everything.
pub(crate) struct Parameters {
    /// The path and every parameter that says what is listed: what a page token is bound to.
    bound: String,
    values: BTreeMap<String, String>,
    asked: Vec<&'static str>,
    faults: Vec<FieldFault>,
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) = pairs.map_err(|_| Problem::new(Code::InvalidQuery))?;
        let mut parameters = Self { bound: String::new(), values: BTreeMap::new(), asked: Vec::new(), faults: Vec::new() };
        for (name, value) in pairs {
            let longest = if name == "page_token" { LONGEST_TOKEN } else { LONGEST_VALUE };
            if value.len() > longest {
                parameters.refuse(&name, "too_long", format!("At most {longest} bytes are taken."));
            } else if parameters.values.insert(name.clone(), value).is_some() {
                parameters.refuse(&name, "repeated", "This parameter stands there twice.");
            }
        }
        let says_what = parameters.values.iter().filter(|(name, _)| !["limit", "page_token"].contains(&name.as_str()));
        parameters.bound = format!("{} {:?}", parts.uri.path(), says_what.collect::<Vec<_>>());
        Ok(parameters)
    }
}

impl Parameters {
    /// A parameter's text.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.asked.push(name);
        self.values.get(name).cloned()
    }

    /// A parameter that `read` understands.
    pub(crate) fn value<T>(&mut self, name: &'static str, expected: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let value = read(&text);
        if value.is_none() {
            self.refuse(name, "not_understood", format!("{expected} belongs here."));
        }
        value
    }

    /// `limit` and `page_token`.
    pub(crate) fn list(&mut self) -> List {
        let in_range = |text: &str| text.parse().ok().filter(|limit| (1..=LARGEST_LIMIT).contains(limit));
        let limit = self.value("limit", "A number from 1 to 200", in_range).unwrap_or(DEFAULT_LIMIT);
        List { limit, token: self.text("page_token"), bound: Some(self.bound.clone()), ..List::default() }
    }

    /// `from` and `to`: instants, or days of the merchant's own, the last one included.
    pub(crate) fn window(&mut self, list: &mut List, zone: &TimeZone) {
        const EXPECTED: &str = "A day such as 2026-01-31 or a time such as 2026-01-31T10:00:00Z";
        list.from = self.value("from", EXPECTED, |text| instant(text, zone, 0));
        list.to = self.value("to", EXPECTED, |text| instant(text, zone, 1));
        if list.from.zip(list.to).is_some_and(|(from, to)| from > to) {
            self.refuse("to", "before_from", "The end of the window lies before its beginning.");
        }
    }

    /// Ends the reading; refuses what was wrong and what nobody asked for.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        let unknown: Vec<String> = self.values.keys().filter(|name| !self.asked.contains(&name.as_str())).cloned().collect();
        let known = self.asked.join(", ");
        for name in unknown {
            self.refuse(&name, "unknown_parameter", format!("There is no such parameter; known here: {known}."));
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::with_errors(Code::InvalidQuery, self.faults)) }
    }

    pub(crate) fn refuse(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        self.faults.push(FieldFault { pointer, code, message: message.into() });
    }
}

fn instant(text: &str, zone: &TimeZone, days: i64) -> Option<Timestamp> {
    let instant = if text.len() == 10 {
        let date: jiff::civil::Date = text.parse().ok()?;
        let date = date.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        date.to_zoned(zone.clone()).ok()?.timestamp()
    } else {
        text.parse().ok()?
    };
    // Times outside are slips of the hand, and the table's keys sort years of four digits alone.
    let year = instant.to_zoned(TimeZone::UTC).year();
    (1970..3000).contains(&year).then_some(instant)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_is_of_use_to_its_own_list_alone() {
        let token = write_number("rows", 7);
        assert_eq!(read_number("rows", &token).unwrap(), 7);
        assert!(read_number("history", &token).is_err() && read_number("rows", "7").is_err() && read_number("rows", "").is_err());
    }

    #[test]
    fn a_list_in_memory_is_cut_by_count_and_by_weight() {
        let list = |limit, token| List { limit, token, ..List::default() };
        let first = ListView::cut(1..=5, "numbers", &list(2, None)).unwrap();
        assert_eq!(first.items, [1, 2]);
        let second = ListView::cut(1..=5, "numbers", &list(3, first.next_page_token)).unwrap();
        assert_eq!((second.items, second.next_page_token), (vec![3, 4, 5], None));
        let heavy = ListView::cut(vec!["x".repeat(3_000_000); 3], "texts", &list(10, None)).unwrap();
        assert_eq!(heavy.items.len(), 1);
        assert!(heavy.next_page_token.is_some());
    }

    #[test]
    fn days_are_the_merchants_own() {
        let zone = TimeZone::get("America/New_York").unwrap();
        assert_eq!(instant("2026-01-31", &zone, 0), "2026-01-31T05:00:00Z".parse().ok());
        assert_eq!(instant("2026-01-31", &zone, 1), "2026-02-01T05:00:00Z".parse().ok());
        assert_eq!(instant("2026-01-31T10:00:00Z", &zone, 1), "2026-01-31T10:00:00Z".parse().ok());
        for text in ["tomorrow", "9999-12-31", "0001-01-01", "2026-02-30"] {
            assert_eq!(instant(text, &zone, 0), None, "{text}");
        }
    }
}
