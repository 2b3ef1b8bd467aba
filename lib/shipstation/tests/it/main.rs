//! The client at the wire: ShipStation's answers and faults, its clock, and orders that change while they are read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    missing_docs,
    clippy::print_stderr
)]

mod calls;
mod drift;
mod faults;
mod parsing;
mod poison;
mod reading;
mod samples;
mod sending;
mod shop;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use stevedore_domain::pacific::PacificTime;
use stevedore_shipstation::{Call, Client, ClientOptions, Credentials, Priority, http_client};

/// A clock that only moves when somebody waits by it.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn at(text: &str) -> Self {
        Self(Arc::new(AtomicI64::new(text.parse::<Timestamp>().unwrap().as_millisecond())))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub(crate) fn move_on(&self, duration: SignedDuration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

pub(crate) fn credentials() -> Credentials {
    Credentials { api_key: "the-key".to_owned().into(), api_secret: "the-secret".to_owned().into() }
}

pub(crate) fn options(base_url: &str, clock: &TestClock) -> ClientOptions {
    let (reads, sleeps) = (clock.clone(), clock.clone());
    let mut options = ClientOptions::new(base_url, http_client().unwrap(), Arc::new(move || reads.now()));
    options.sleep = Arc::new(move |duration| {
        sleeps.move_on(SignedDuration::try_from(duration).unwrap());
        Box::pin(std::future::ready(()))
    });
    options
}

pub(crate) fn client(base_url: &str, clock: &TestClock) -> Client {
    Client::new(options(base_url, clock))
}

/// A call of the background's with a quarter of an hour to go.
pub(crate) fn call<'a>(credentials: &'a Credentials, clock: &TestClock) -> Call<'a> {
    Call { credentials, priority: Priority::Background, deadline: clock.now() + SignedDuration::from_mins(15) }
}

pub(crate) fn wall(text: &str) -> PacificTime {
    PacificTime::parse(text).unwrap()
}

pub(crate) const TWO_LINES: &str = include_str!("../fixtures/two-lines.json");
pub(crate) const SPLIT: &str = include_str!("../fixtures/split.json");
pub(crate) const ODD_NUMBERS: &str = include_str!("../fixtures/odd-numbers.json");
pub(crate) const ADJUSTMENTS: &str = include_str!("../fixtures/adjustments.json");
pub(crate) const FBA: &str = include_str!("../fixtures/fba.json");
pub(crate) const SHOPIFY_OPTIONS: &str = include_str!("../fixtures/shopify-options.json");
