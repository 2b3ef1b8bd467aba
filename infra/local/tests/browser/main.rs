//! The panel in a real browser, over the whole system. Where no Chromium is installed, each test is
//! reported as skipped.
//!
//! It is a program of its own instead of the test harness, because a test without its browser must
//! count as skipped, not as passed.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

mod chromium;
mod issuer;
mod pages;
mod person;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chromium::Browser;
use stevedore_local::{Options, Source, Stack};
use tokio::runtime::Runtime;

/// A stack, and a browser on its panel.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) stack: Stack,
    pub(crate) browser: Browser,
    /// Issuer with which people sign in; none where the panel asks for a token.
    pub(crate) issuer: Option<issuer::Issuer>,
    /// Seconds by which the stack's clock is ahead of the real one.
    ahead: Arc<AtomicI64>,
}

impl World {
    fn new(program: &std::path::Path, begins: Begins) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let with_issuer = (begins == Begins::WithIssuer).then(|| runtime.block_on(issuer::Issuer::start()));
        let (issuer, sign_in) = with_issuer.unzip();
        let ahead = Arc::new(AtomicI64::new(0));
        let clock = {
            let ahead = Arc::clone(&ahead);
            Arc::new(move || jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead.load(Ordering::SeqCst)))
        };
        let options = Options {
            sign_in,
            source: Source::Generated { seed: Some(5), orders: Some(120) },
            set_up: begins == Begins::SetUp,
            roles: Some(stevedore_tests::role::role_of),
            ..Options::in_memory(clock)
        };
        let stack = runtime.block_on(Stack::start(options)).unwrap();
        let mut browser = Browser::start(program);
        browser.look(1280, 860, false);
        Self { runtime, stack, browser, issuer, ahead }
    }

    /// Advances the stack's clock.
    pub(crate) fn later(&self, hours: i64) {
        self.ahead.fetch_add(hours * 3_600, Ordering::SeqCst);
    }

    /// Opens the panel with the token behind the #, as `cargo run` prints it.
    pub(crate) fn enter(&mut self, token: &str) {
        let url = format!("{}/#token={token}", self.stack.api_url());
        self.browser.open(&url);
        self.browser.until("the home page", "document.querySelector('main h1')?.innerText === 'Is everything all right?'");
    }
}

/// Initial state of a world.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    Empty,
    SetUp,
    WithIssuer,
}

/// A test's name, the initial state of its world, and its actions.
type Test = (&'static str, Begins, fn(&mut World));

const TESTS: &[Test] = &[
    ("s13_s15_s24_s38_s48_s52_a_merchant_sets_up_loads_and_does_it_all_again", Begins::Empty, person::from_nothing_to_a_sale),
    ("n29_each_grade_sees_what_it_may_do", Begins::SetUp, person::grades),
    ("n29_people_sign_in_with_their_issuer", Begins::WithIssuer, issuer::signing_in),
    ("n5_s107_s147_s148_s153_n19_n20_n23_every_page_in_light_and_dark_wide_and_narrow", Begins::SetUp, pages::every_page),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if std::env::args().any(|argument| argument == "--list") {
        for (name, ..) in TESTS {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let program = chromium::find();
    let (mut passed, mut failed, mut skipped, mut left_out) = (0, 0, 0, 0);
    println!("\nrunning {} tests", TESTS.len());
    for (name, begins, test) in TESTS {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
            left_out += 1;
            continue;
        }
        let Some(program) = &program else {
            println!("test {name} ... ignored, no Chromium is installed (or name one in STEVEDORE_BROWSER)");
            skipped += 1;
            continue;
        };
        let run = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::new(program, *begins);
            test(&mut world);
            let World { runtime, stack, browser, .. } = world;
            assert!(browser.complaints.is_empty(), "the browser complained: {:#?}", browser.complaints);
            drop(browser);
            runtime.block_on(stack.stop());
        }));
        println!("test {name} ... {}", if run.is_ok() { "ok" } else { "FAILED" });
        if run.is_ok() { passed += 1 } else { failed += 1 }
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {result}. {passed} passed; {failed} failed; {skipped} ignored; 0 measured; {left_out} filtered out\n");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
