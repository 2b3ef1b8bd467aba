//! The consolidation of a large day: memory, units and time of a process that contains the function
//! only.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use stevedore_aws::{ClientOptions, Clients, QueueSettings, Queues, Table, create_queues};
use stevedore_domain::ids::SaleId;
use stevedore_domain::sale::Source;
use stevedore_domain::settings::{Consolidation, LocalTime};
use stevedore_lambda::{Clock, Deadline};

use crate::counting::{Counter, Counts};
use crate::flow::{self, Shop};
use crate::memory::status;
use crate::world::World;

/// Products of the day's lines.
const PRODUCTS: usize = 4_000;
/// Time limit of an invocation.
const INVOCATION: Duration = Duration::from_mins(1);

/// Figures of the function, in a process of its own.
struct Took {
    invocations: u64,
    /// KiB at the first poll, and the maximum.
    memory: (u64, u64),
    /// The process's own CPU time.
    seconds: f64,
}

/// Measures and prints: `orders` and half of them, each in a separate process, then counted, with
/// stock and without.
pub async fn print(orders: usize) {
    let half = alone(orders / 2).await;
    let whole = alone(orders).await;
    let stocked = counted(orders, Shop::Claims).await;
    let services = counted(orders, Shop::Strange).await;
    println!("\n9: a day of {orders} two-line orders over {PRODUCTS} products, claimed from stock, in invocations of a minute\n");
    println!("| figure | budget | {orders} orders | {} orders |\n|---|---|---|---|", orders / 2);
    let mib = |kib: u64| kib as f64 / 1024.0;
    println!("| most memory, MiB | ≤ 64 | {:.1} | {:.1} |", mib(whole.memory.1), mib(half.memory.1));
    println!("| … at first poll | | {:.1} | {:.1} |", mib(whole.memory.0), mib(half.memory.0));
    println!("| t(2N)/t(N), the function's time on a processor | ≤ 2.2 | {:.2} | |", whole.seconds / half.seconds);
    println!("| invocations | | {} | {} |", whole.invocations, half.invocations);
    println!("\n| write units of the run | budget | products in stock | no product known |\n|---|---|---|---|");
    let both = |cell: &dyn Fn(&Run) -> f64| format!("{:.0} | {:.0}", cell(&stocked), cell(&services));
    println!("| all | | {} |", both(&|run| run.counts.write_units));
    println!("| … claims, one write for each order | | {} |", both(&|run| run.of(&["log"])));
    println!("| **… apart from the claims** | ≤ 2,000 | {} |", both(&|run| run.counts.write_units - run.of(&["log"])));
    println!("| … of it levels of stock, with the steps that move them | | {} |", both(&|run| run.of(&["stock", "stock_step"])));
    println!("| … of it the sale and what its lines were added up in | | {} |", both(&|run| run.of(&["sale", "sale_chunk", "run_sum"])));
    println!("| … of it the run, its pages and its operation | | {} |", both(&|run| run.of(RUN)));
    println!("| lines of the sale | | {} |", both(&|run| run.lines as f64));
    println!("| read units | | {} |", both(&|run| run.counts.read_units));
    println!("| requests to DynamoDB for each order | | {:.3} | {:.3} |", stocked.requests(orders), services.requests(orders));
    println!("\nEntities: {:?}\n{:?}", stocked.entities(), services.entities());
}

const RUN: &[&str] = &["run", "run_page", "operation", "operation_page"];

/// A run that was counted.
struct Run {
    counts: Counts,
    lines: usize,
}

impl Run {
    fn of(&self, entities: &[&str]) -> f64 {
        self.counts.units_of(entities) as f64
    }

    fn requests(&self, orders: usize) -> f64 {
        self.counts.to("DynamoDB") as f64 / orders as f64
    }

    fn entities(&self) -> Vec<(&str, u64)> {
        let names: std::collections::BTreeSet<&str> = self.counts.written.keys().map(|(entity, _)| entity.as_str()).collect();
        names.into_iter().map(|name| (name, self.counts.units_of(&[name]))).collect()
    }
}

/// A world with a day's orders pending, a minute after the day's end.
async fn pending(orders: usize, shop: Shop, counter: &Counter) -> Arc<World> {
    let mut options = flow::options(orders, counter);
    let base = options.sandbox;
    options.sandbox = Box::new(move |options| {
        base(options);
        options.products = PRODUCTS;
    });
    let world = Arc::new(flow::world(options).await);
    if shop != Shop::Strange {
        flow::put_products(&world).await;
    }
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::Daily;
            settings.consolidation_time = Some(LocalTime { hour: 20, minute: 0 });
        })
        .await;
    flow::download(&world).await;
    world.clock.advance(SignedDuration::from_hours(24));
    counter.take();
    world
}

async fn counted(orders: usize, shop: Shop) -> Run {
    let counter = Counter::default();
    let world = pending(orders, shop, &counter).await;
    world.consolidation_tick().await.unwrap();
    world.drain().await;
    let counts = counter.take();
    Run { counts, lines: sold(&world, orders).await }
}

async fn alone(orders: usize) -> Took {
    let world = pending(orders, Shop::Claims, &Counter::default()).await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["consolidate", world.engines.endpoint(), &world.clock.now().to_string()]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    sold(&world, orders).await;
    let kib = |name: &str| said[name].as_u64().unwrap();
    Took { invocations: kib("invocations"), memory: (kib("first"), kib("most")), seconds: said["seconds"].as_f64().unwrap() }
}

/// Checks that every order is in the day's sale; returns its lines.
async fn sold(world: &World, orders: usize) -> usize {
    let date = world.table.newest_run().await.unwrap().unwrap().run.local_date;
    let sale = world.table.sale(&SaleId::of_day(date)).await.unwrap().unwrap().sale;
    let Source::Day(day) = &sale.source else { panic!("{:?}", sale.source) };
    assert_eq!(day.order_count, orders as u64, "every order is in the day's sale");
    sale.lines.len()
}

/// Part that runs in the child: invocations until the day is done.
pub async fn function(engines: &str, now: &str) {
    let begin: Timestamp = now.parse().unwrap();
    let began = Instant::now();
    let clock: Clock = Arc::new(move || begin + SignedDuration::try_from(began.elapsed()).unwrap());
    let clients = Clients::at_endpoint(engines, ClientOptions::default());
    let queues = Queues::new(&clients, create_queues(&clients, &QueueSettings::default()).await.unwrap());
    let deps = consolidate::Deps { table: Table::new(&clients, "stevedore"), queues, clock: Arc::clone(&clock) };
    deps.table.ping().await.unwrap();
    let (first, before) = (status("VmRSS"), processor_seconds());
    for invocations in 1..1_000 {
        let event = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "time": clock()});
        let answer = consolidate::handle(&deps, event, Deadline::after(clock(), INVOCATION)).await.unwrap();
        if answer["reason"] != "out_of_time" {
            let seconds = processor_seconds() - before;
            println!("{}", json!({"invocations": invocations, "first": first, "most": status("VmHWM"), "seconds": seconds}));
            return;
        }
    }
    panic!("the run never came to its end");
}

/// CPU time of this process so far: `utime` and `stime` of proc(5), in ticks of a hundredth of a
/// second.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}
