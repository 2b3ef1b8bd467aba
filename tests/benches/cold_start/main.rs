//! `cargo bench -p stevedore-tests --bench cold_start`: the cost of each function's first
//! invocation, from the start of its process.
//!
//! The release binaries run under a Lambda Runtime API of this program, against the engines behind
//! TLS. For comparison, the same put runs in plain Rust, in Python and in Node. Callgrind counts
//! instructions; time and memory are the kernel's figures.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    missing_docs
)]
#![allow(clippy::float_arithmetic, clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, reason = "it prints ratios")]

#[path = "../../tests/suite/bound.rs"]
mod bound;
mod process;
mod programs;
mod runtime_api;
mod tls;
#[path = "../../tests/suite/world.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod world;

use process::{Figures, Until};
use programs::{Program, Surroundings};

/// The functions have no role here, because they are other processes.
fn role_of(_: &'static str) -> Vec<stevedore_aws::interceptors::SharedInterceptor> {
    Vec::new()
}

/// Number of runs of a program for its time and memory; the median counts.
const RUNS: usize = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let surroundings = Surroundings::new().await;
        let (programs, missing) = programs::all();
        println!("| program | instructions to the first poll, M | … to the end of the first invocation, M | CPU, ms | … | resident memory, MiB | … at most |");
        println!("|---|---|---|---|---|---|---|");
        for program in &programs {
            row(&surroundings, program).await;
        }
        for name in missing {
            println!("| {name} | not measured: it is not built here | | | | | |");
        }
        for program in programs.iter().filter(|program| program.name == "process-orders") {
            if let Some(count) = process::instructions_of_an_order(&surroundings, program).await {
                println!("\n| figure | instructions |\n|---|---|");
                println!("| `process-orders`, each order of a batch of ten, message in to transaction out, warm | {count} |");
            }
        }
        println!("\nBudgets: 6: ≤ 3 M instructions to the first poll, ≤ 8 M with the first TLS call before it; 7: ≤ 10 MiB at the first poll; 8: ≤ 4 MB zipped.");
        println!("\n| function | zipped, MB |\n|---|---|");
        for (name, size) in programs::zips() {
            println!("| {name} | {:.2} |", size as f64 / 1e6);
        }
    });
}

async fn row(surroundings: &Surroundings, program: &Program) {
    let mut runs: Vec<Figures> = Vec::new();
    for _ in 0..RUNS {
        runs.push(process::run(surroundings, program).await);
    }
    let middle = |of: fn(&Figures) -> u64| {
        let mut values: Vec<u64> = runs.iter().map(of).collect();
        values.sort_unstable();
        values[RUNS / 2]
    };
    let instructions = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), |count| format!("{:.2}", count as f64 / 1e6));
    println!(
        "| {} | {} | {} | {:.1} | {:.1} | {:.1} | {:.1} |",
        program.name,
        instructions(process::instructions(surroundings, program, Until::FirstPoll).await),
        instructions(process::instructions(surroundings, program, Until::Answer).await),
        middle(|run| run.cpu_at_poll) as f64 / 1e6,
        middle(|run| run.cpu_at_end) as f64 / 1e6,
        middle(|run| run.resident_at_poll) as f64 / 1024.0,
        middle(|run| run.highest) as f64 / 1024.0,
    );
}
