//! Faults that can be switched on: the fault, its frequency, and the requests that it affects.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// A fault. In JSON: a word (`"server_error"`) or a word with its details
/// (`{"slow": {"millis": 1500}}`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// 401, as for a revoked key.
    Unauthorized,
    /// 402, as for a plan without API access.
    PaymentRequired,
    /// 403.
    Forbidden,
    /// 404 for every request.
    NotFound,
    /// 429 with `X-Rate-Limit-Remaining: 0` and the seconds to wait; by default the seconds to the
    /// end of the minute.
    TooManyRequests {
        /// `X-Rate-Limit-Reset`, seconds.
        #[serde(default)]
        reset_seconds: Option<u32>,
    },
    /// Throttling that only the body reports: "Too Many Requests" under this status (200 or 500).
    TooManyRequestsBody {
        /// HTTP status of the reply.
        status: u16,
        /// `X-Rate-Limit-Reset`, seconds; to the end of the minute where it is not given.
        #[serde(default)]
        reset_seconds: Option<u32>,
    },
    /// 500 with an ASP.NET error.
    ServerError,
    /// 500 for every page that holds this order, including a page of this order alone, and for the
    /// order itself.
    PoisonOrder {
        /// ShipStation order id.
        order_id: i64,
    },
    /// 503 with an HTML page.
    Unavailable,
    /// 200 with an HTML page.
    Html,
    /// 200 with JSON that ends in the middle; the length header agrees with what is sent.
    TruncatedJson,
    /// The connection is dropped in the middle of the body.
    BrokenTransfer,
    /// The connection is dropped without a reply.
    ConnectionReset,
    /// The correct reply, late.
    Slow {
        /// Delay in milliseconds of real time.
        millis: u64,
    },
    /// A page of orders with `"pages": 0`.
    PagesZero,
    /// A page without orders, although there are some.
    EmptyPage,
    /// One of the temporary faults (429 in its forms, 500, 503, HTML, truncated, broken, reset),
    /// drawn by the seed.
    Random,
    /// One order of an otherwise good page is malformed: this one, or the page's first.
    MalformedOrder {
        /// ShipStation order id.
        #[serde(default)]
        order_id: Option<i64>,
        /// The defect of the order.
        defect: Defect,
    },
    /// No answer that holds this order can be read, including a page of this order alone and the
    /// order itself. Every other answer is correct.
    UnreadableOrder {
        /// ShipStation order id.
        order_id: i64,
        /// The damage of those answers.
        damage: Damage,
    },
    /// Unknown fields in the page, its orders and their items.
    UnknownFields,
    /// The order that the next page would start with is edited right after this page is sent.
    EditWhileReading,
}

/// Damage of an answer that holds an unreadable order. All have status 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// A raw control character (0x01) is in one of the order's texts.
    ControlCharacter,
    /// `orderTotal` is `NaN`.
    NotANumber,
    /// The answer ends in the middle of the order; the length header agrees with what is sent.
    CutOff,
    /// The answer is an HTML page.
    Html,
}

/// Defect of a malformed order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// `items` is a text.
    ItemsAreText,
    /// `orderTotal` is `"abc"`.
    TotalIsText,
    /// There is no `orderId`.
    NoId,
    /// `modifyDate` is not a date.
    BadModifyDate,
    /// The order is a text instead of an object.
    NotAnObject,
}

/// A fault and the conditions under which it strikes. All conditions must hold. Without a condition
/// it strikes every time until it is switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The fault.
    pub fault: Fault,
    /// Maximum number of strikes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Strikes each n-th request that it could strike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// Percentage of the requests that it strikes, drawn by the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Strikes only paths that start with this (`/orders`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Rule {
    /// Strikes every time, until switched off.
    pub fn always(fault: Fault) -> Self {
        Self { fault, times: None, every: None, percent: None, path: None }
    }

    /// Strikes this many times.
    pub fn times(fault: Fault, times: u32) -> Self {
        Self { times: Some(times), ..Self::always(fault) }
    }

    /// Strikes each n-th request.
    pub fn every(fault: Fault, nth: u32) -> Self {
        Self { every: Some(nth), ..Self::always(fault) }
    }

    /// Strikes this percentage of the requests.
    pub fn percent(fault: Fault, percent: u8) -> Self {
        Self { percent: Some(percent), ..Self::always(fault) }
    }

    /// The same rule, only for paths that start with this.
    #[must_use]
    pub fn on(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }
}

/// A rule with its counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveFault {
    /// Its number, for [`Faults::remove`].
    pub id: u64,
    /// The rule.
    pub rule: Rule,
    /// Number of requests that it could have struck.
    pub seen: u32,
    /// Number of requests that it struck.
    pub struck: u32,
}

/// The request that a rule may strike.
pub(crate) struct Target<'a> {
    pub(crate) path: &'a str,
    /// The ids of the orders in the reply; `None` for a reply that is not a page of orders.
    pub(crate) page: Option<&'a [i64]>,
    /// True if more orders follow after that page.
    pub(crate) more: bool,
    /// The id of `GET /orders/{id}`.
    pub(crate) single: Option<i64>,
}

/// The list of active faults. Rules are applied in the order in which they were added.
#[derive(Debug)]
pub struct Faults {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    active: Vec<ActiveFault>,
    next_id: u64,
    rng: Rng,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { inner: Mutex::new(Inner { active: Vec::new(), next_id: 1, rng: Rng::new(seed, 23) }) }
    }

    /// Switches a fault on and returns its number.
    pub fn add(&self, rule: Rule) -> u64 {
        let mut inner = self.lock();
        let id = inner.next_id;
        inner.next_id += 1;
        inner.active.push(ActiveFault { id, rule, seen: 0, struck: 0 });
        id
    }

    /// Switches one fault off. Returns false if there is none with this number.
    pub fn remove(&self, id: u64) -> bool {
        let mut inner = self.lock();
        let before = inner.active.len();
        inner.active.retain(|active| active.id != id);
        inner.active.len() < before
    }

    /// Switches all faults off.
    pub fn clear(&self) {
        self.lock().active.clear();
    }

    /// All rules with their counts. Rules that are used up stay until they are cleared.
    pub fn list(&self) -> Vec<ActiveFault> {
        self.lock().active.clone()
    }

    /// The faults that strike this request.
    pub(crate) fn strike(&self, target: &Target<'_>) -> Vec<Fault> {
        let mut inner = self.lock();
        let Inner { active, rng, .. } = &mut *inner;
        let mut struck = Vec::new();
        for entry in active.iter_mut().filter(|entry| applies(&entry.rule, target)) {
            entry.seen = entry.seen.saturating_add(1);
            let run_out = entry.rule.times.is_some_and(|times| entry.struck >= times);
            let off_beat = entry.rule.every.is_some_and(|nth| nth == 0 || !entry.seen.is_multiple_of(nth));
            if run_out || off_beat || entry.rule.percent.is_some_and(|percent| rng.below(100) >= usize::from(percent)) {
                continue;
            }
            entry.struck = entry.struck.saturating_add(1);
            struck.push(match &entry.rule.fault {
                Fault::Random => passing(rng),
                fault => fault.clone(),
            });
        }
        struck
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn applies(rule: &Rule, target: &Target<'_>) -> bool {
    if rule.path.as_ref().is_some_and(|path| !target.path.starts_with(path.as_str())) {
        return false;
    }
    match &rule.fault {
        Fault::PoisonOrder { order_id } | Fault::UnreadableOrder { order_id, .. } => {
            target.single == Some(*order_id) || target.page.is_some_and(|page| page.contains(order_id))
        }
        Fault::MalformedOrder { order_id: Some(order_id), .. } => target.page.is_some_and(|page| page.contains(order_id)),
        Fault::MalformedOrder { order_id: None, .. } => target.page.is_some_and(|page| !page.is_empty()),
        Fault::EditWhileReading => target.more,
        Fault::PagesZero | Fault::EmptyPage | Fault::UnknownFields => target.page.is_some(),
        _ => true,
    }
}

/// One of the faults after which a repeated request helps.
fn passing(rng: &mut Rng) -> Fault {
    rng.pick(&[
        Fault::TooManyRequests { reset_seconds: Some(1) },
        Fault::TooManyRequestsBody { status: 500, reset_seconds: Some(1) },
        Fault::TooManyRequestsBody { status: 200, reset_seconds: Some(1) },
        Fault::ServerError,
        Fault::Unavailable,
        Fault::Html,
        Fault::TruncatedJson,
        Fault::BrokenTransfer,
        Fault::ConnectionReset,
    ])
    .clone()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ORDERS: Target<'_> = Target { path: "/orders", page: Some(&[1, 2]), more: true, single: None };
    const STORES: Target<'_> = Target { path: "/stores", page: None, more: false, single: None };

    #[test]
    fn rules_strike_by_count_beat_path_and_share() {
        let faults = Faults::new(1);
        faults.add(Rule::times(Fault::ServerError, 2).on("/orders"));
        assert_eq!(faults.strike(&STORES), []);
        assert_eq!(faults.strike(&ORDERS), [Fault::ServerError]);
        assert_eq!(faults.strike(&ORDERS), [Fault::ServerError]);
        assert_eq!(faults.strike(&ORDERS), []);
        faults.clear();

        faults.add(Rule::every(Fault::Html, 3));
        let struck: Vec<bool> = (0..6).map(|_| !faults.strike(&STORES).is_empty()).collect();
        assert_eq!(struck, [false, false, true, false, false, true]);
        faults.clear();

        let id = faults.add(Rule::percent(Fault::Html, 30));
        let count = (0..1000).filter(|_| !faults.strike(&STORES).is_empty()).count();
        assert!((230..370).contains(&count), "{count}");
        assert!(faults.remove(id));
        assert!(!faults.remove(id));
        assert_eq!(faults.strike(&STORES), []);
    }

    #[test]
    fn a_poison_order_strikes_only_where_it_is() {
        let faults = Faults::new(1);
        faults.add(Rule::always(Fault::PoisonOrder { order_id: 2 }));
        assert_eq!(faults.strike(&ORDERS).len(), 1);
        assert_eq!(faults.strike(&Target { page: Some(&[1, 3]), ..ORDERS }).len(), 0);
        assert_eq!(faults.strike(&Target { path: "/orders/2", page: None, more: false, single: Some(2) }).len(), 1);
    }

    #[test]
    fn random_faults_repeat_with_the_seed_and_vary() {
        let draw = |seed| {
            let faults = Faults::new(seed);
            faults.add(Rule::always(Fault::Random));
            (0..60).flat_map(|_| faults.strike(&ORDERS)).collect::<Vec<_>>()
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
        let mut kinds: Vec<String> = draw(5).iter().map(|fault| format!("{fault:?}")).collect();
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds.len(), 9);
    }

    #[test]
    fn rules_are_strict_json() {
        let rule: Rule = serde_json::from_str(r#"{"fault":{"poison_order":{"order_id":7}},"times":3,"path":"/orders"}"#).unwrap();
        assert_eq!(rule, Rule::times(Fault::PoisonOrder { order_id: 7 }, 3).on("/orders"));
        assert!(serde_json::from_str::<Rule>(r#"{"fault":"server_error","time":3}"#).is_err());
        assert!(serde_json::from_str::<Rule>(r#"{"fault":"sever_error"}"#).is_err());
        assert!(serde_json::from_str::<Rule>(r#"{"fault":{"too_many_requests":{}}}"#).is_ok());
    }
}
