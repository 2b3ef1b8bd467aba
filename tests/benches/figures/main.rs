//! `cargo bench -p stevedore-tests`: the cost of an order. Prints tables; `docs/performance.md` has
//! the last ones with explanations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs
)]
#![allow(clippy::float_arithmetic, clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, reason = "it prints ratios")]

mod calls;
mod counting;
mod day;
mod flow;
mod memory;
mod price;
mod pure;
mod report;
mod start;
// The harness of the tests, so that the tested code is measured.
#[path = "../../tests/suite/bound.rs"]
mod bound;
#[path = "../../tests/suite/person.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod person;
#[path = "../../tests/suite/world.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod world;

/// Orders of the large runs, as in the budgets.
const ORDERS: usize = 20_000;
/// Orders of the large day.
const DAY: usize = 50_000;

fn main() {
    // Parts that the bench runs as separate processes: under the profiler, or as a function.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["pure", page, what, rounds] => pure::profiled(page, what, rounds.parse().unwrap()),
        ["function", name, engines, sandbox, now] => runtime().block_on(memory::function(name, engines, sandbox, now)),
        ["call", engines, now, path, rounds] => runtime().block_on(calls::profiled(engines, now, path, rounds.parse().unwrap())),
        ["consolidate", engines, now] => runtime().block_on(day::function(engines, now)),
        ["day"] => runtime().block_on(day::print(DAY)),
        ["day", orders] => runtime().block_on(day::print(orders.parse().expect("how many orders"))),
        ["calls"] => calls::print(&runtime().block_on(calls::measure())),
        ["price"] => price_alone(ORDERS),
        ["price", orders] => price_alone(orders.parse().expect("how many orders")),
        [] => everything(ORDERS, DAY),
        [orders] => {
            let orders = orders.parse().expect("how many orders");
            everything(orders, orders);
        }
        other => panic!("{other:?}"),
    }
}

/// The functions have no role here, because the check of each request would be measured too.
fn role_of(_: &'static str) -> Vec<stevedore_aws::interceptors::SharedInterceptor> {
    Vec::new()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Prints only the price of a million orders, both ways, from the cost of some of them. Every build
/// profile counts the same.
fn price_alone(orders: usize) {
    price::print(&runtime().block_on(flow::run(orders, flow::Shop::Everything)));
    let new = runtime().block_on(flow::run(orders, flow::Shop::NewCustomers));
    report::print_new_customers(&new);
    price::print(&new);
    price::print_day(&runtime().block_on(flow::day(orders)), orders);
}

fn everything(orders: usize, day: usize) {
    let memory = runtime().block_on(memory::measure());
    let flow = runtime().block_on(flow::run(orders, flow::Shop::Everything));
    let claims = runtime().block_on(flow::run(orders.min(1_000), flow::Shop::Claims));
    let strange = runtime().block_on(flow::run(orders.min(1_000), flow::Shop::Strange));
    let new = runtime().block_on(flow::run(orders.min(5_000), flow::Shop::NewCustomers));
    let contention = runtime().block_on(flow::contention(orders.min(600)));
    let page = runtime().block_on(pure::page());
    let calls = runtime().block_on(calls::measure());
    report::print(&flow, [&claims, &strange], contention, &memory, &pure::measure(&page), start::measure());
    report::print_new_customers(&new);
    calls::print(&calls);
    runtime().block_on(day::print(day));
}
