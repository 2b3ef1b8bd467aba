//! Transactions that conflict over one level of stock: a simulation of 500 orders of one
//! best-seller.
//!
//! DynamoDB cancels a transaction at once that finds one of its items in another transaction
//! (developer guide, "Transactional conflict handling"). It takes 1,000 write units a second on one
//! key, and a transaction's write needs two. The time for which a transaction holds its items is
//! not published. It has two rounds, each of "single-digit milliseconds". Tries and waits are the
//! product's own. Time and chance are simulated, so that every machine prints the same figures.
//!
//! `cargo test --workspace --test suite contention -- --nocapture` prints the table of
//! `docs/performance.md`.
#![allow(clippy::print_stdout, reason = "docs/performance.md keeps the numbers")]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use stevedore_aws::{WRITE_TRIES, wait_after_conflict};

/// Number of orders, all of which change one level.
const ORDERS: usize = 500;
/// Orders of one batch (`BatchSize` in the template), and the number processed at a time
/// (`CONCURRENCY` in `process-orders`).
const BATCH: usize = 10;
const AT_ONCE: usize = 5;
/// Time for which the queue hides a returned order (`VisibilityTimeout` in the template).
const HIDDEN: u64 = 720_000_000;
/// Deliveries of an order before it becomes a dead letter (`maxReceiveCount` in the template).
const DELIVERIES: u32 = 5;
/// Time in which a batch reads its data, in microseconds.
const LOADING: u64 = 40_000;
/// A transaction's two rounds, and the round after which a conflict is known.
const HELD: u64 = 10_000;
const REFUSED: u64 = 5_000;
/// A key takes 500 transactional writes a second.
const PACE: u64 = 2_000;

/// The SplitMix64 generator.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The queue shows the order again.
    Visible(usize),
    /// An invocation requests a batch.
    Free(usize),
    /// A transaction for the order is sent, with its attempt number in this delivery.
    Sent { invocation: usize, order: usize, attempt: u32 },
    /// One order of an invocation has ended, with or without success.
    Ended(usize),
}

#[derive(Clone, Default)]
struct Order {
    deliveries: u32,
    began: Option<u64>,
    ended: Option<u64>,
}

#[derive(Default)]
struct Outcome {
    tries: u64,
    conflicts: u64,
    given_back: u64,
    dead: u64,
    /// From an order's first try to its booking, in microseconds, sorted.
    waits: Vec<u64>,
}

impl Outcome {
    fn wait(&self, percent: usize) -> u64 {
        self.waits[(self.waits.len() - 1) * percent / 100] / 1_000
    }
}

struct Simulation {
    most_tries: u32,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sent: u64,
    chance: Chance,
    queue: VecDeque<usize>,
    orders: Vec<Order>,
    /// For each invocation: orders that it has not begun, the number in progress, and whether it
    /// found none.
    invocations: Vec<(Vec<usize>, usize, bool)>,
    /// The times from which the level is free, and from which its key takes another write.
    free_at: u64,
    paced_at: u64,
    outcome: Outcome,
}

impl Simulation {
    fn new(concurrency: usize, most_tries: u32, seed: u64) -> Self {
        let mut simulation = Self {
            events: BinaryHeap::new(),
            most_tries,
            sent: 0,
            chance: Chance(seed),
            queue: (0..ORDERS).collect(),
            orders: vec![Order::default(); ORDERS],
            invocations: vec![(Vec::new(), 0, false); concurrency],
            free_at: 0,
            paced_at: 0,
            outcome: Outcome::default(),
        };
        for invocation in 0..concurrency {
            simulation.at(0, Event::Free(invocation));
        }
        simulation
    }

    fn at(&mut self, time: u64, event: Event) {
        self.sent += 1;
        self.events.push(Reverse((time, self.sent, event)));
    }

    fn run(mut self) -> Outcome {
        while let Some(Reverse((now, _, event))) = self.events.pop() {
            match event {
                Event::Visible(order) => {
                    self.queue.push_back(order);
                    if let Some(idle) = self.invocations.iter().position(|(_, _, idle)| *idle) {
                        self.take_batch(idle, now);
                    }
                }
                Event::Free(invocation) => self.take_batch(invocation, now),
                Event::Sent { invocation, order, attempt } => self.try_once(invocation, order, attempt, now),
                Event::Ended(invocation) => {
                    let (waiting, at_work, _) = &mut self.invocations[invocation];
                    *at_work -= 1;
                    match (waiting.pop(), *at_work) {
                        (Some(order), _) => self.begin(invocation, order, now),
                        (None, 0) => self.take_batch(invocation, now),
                        (None, _) => {}
                    }
                }
            }
        }
        self.outcome.waits = self.orders.iter().filter_map(|order| Some(order.ended? - order.began?)).collect();
        self.outcome.waits.sort_unstable();
        self.outcome
    }

    fn take_batch(&mut self, invocation: usize, now: u64) {
        let size = self.queue.len().min(BATCH);
        self.invocations[invocation].2 = size == 0;
        let batch: Vec<usize> = self.queue.drain(..size).collect();
        for order in &batch {
            self.orders[*order].deliveries += 1;
        }
        let begun = batch.len().min(AT_ONCE);
        self.invocations[invocation].0 = batch[begun..].to_vec();
        for order in &batch[..begun] {
            self.begin(invocation, *order, now + LOADING);
        }
    }

    fn begin(&mut self, invocation: usize, order: usize, at: u64) {
        self.invocations[invocation].1 += 1;
        self.orders[order].began.get_or_insert(at);
        // Orders of one batch are decided one after the other: a few hundred microseconds apart.
        let at = at + self.chance.next() % 500;
        self.at(at, Event::Sent { invocation, order, attempt: 1 });
    }

    fn try_once(&mut self, invocation: usize, order: usize, attempt: u32, now: u64) {
        self.outcome.tries += 1;
        if now >= self.free_at && now >= self.paced_at {
            self.free_at = now + HELD;
            self.paced_at = now + PACE;
            self.orders[order].ended = Some(now + HELD);
            self.at(now + HELD, Event::Ended(invocation));
            return;
        }
        self.outcome.conflicts += 1;
        let random = self.chance.next();
        let again = now + REFUSED + u64::try_from(wait_after_conflict(attempt, random).as_micros()).unwrap();
        if attempt < self.most_tries {
            self.at(again, Event::Sent { invocation, order, attempt: attempt + 1 });
            return;
        }
        self.outcome.given_back += 1;
        self.at(again, Event::Ended(invocation));
        if self.orders[order].deliveries < DELIVERIES {
            self.at(again + HIDDEN, Event::Visible(order));
        } else {
            self.outcome.dead += 1;
        }
    }
}

/// Prints the results for 500 orders of one best-seller at each concurrency that the template
/// allows, and checks the documented limits.
#[test]
fn orders_of_one_best_seller_get_through() {
    let template = stevedore_tests::template::template();
    let allowed = |which: &str| usize::try_from(template["Parameters"]["OrdersConcurrency"][which].as_u64().unwrap()).unwrap();
    let (usual, most) = (allowed("Default"), allowed("MaxValue"));
    println!(
        "\n| tries at most | batches at a time | transactions at a time | tries | conflicts | given back to the queue | wait of half, ms | of 99 of 100 | longest |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    // Eight is the number of an earlier release.
    for (most_tries, concurrency) in [8, WRITE_TRIES].into_iter().flat_map(|tries| [2, usual, 25, 50, most].map(|at_once| (tries, at_once)))
    {
        let outcome = Simulation::new(concurrency, most_tries, 7).run();
        println!(
            "| {most_tries} | {concurrency} | {} | {} | {} | {} | {} | {} | {} |",
            (concurrency * AT_ONCE).min(ORDERS / BATCH * AT_ONCE),
            outcome.tries,
            outcome.conflicts,
            outcome.given_back,
            outcome.wait(50),
            outcome.wait(99),
            outcome.wait(100)
        );
        assert_eq!(outcome.waits.len() as u64 + outcome.dead, ORDERS as u64);
    }
    for concurrency in [2, usual, 25, 50, most] {
        for seed in 0..20 {
            let outcome = Simulation::new(concurrency, WRITE_TRIES, seed).run();
            assert_eq!((outcome.given_back, outcome.dead), (0, 0), "{concurrency} at a time, seed {seed}");
        }
    }
    let before: u64 = (0..20).map(|seed| Simulation::new(usual, 8, seed).run().given_back).sum();
    assert!(before > 200, "the simulation shows why eight tries were too few: {before}");
}
