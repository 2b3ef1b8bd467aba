//! The tables.

use std::time::Duration;

use stevedore_tests::write_units::TABLE;

use crate::counting::Counts;
use crate::flow::{Flow, Run};
use crate::memory::Memory;
use crate::pure::Pure;

/// Entities, grouped by purpose.
const PARTS: [(&str, &[&str]); 8] = [
    ("order: log entry, sale, newest revision", &["log"]),
    ("revision of its own", &["revision"]),
    ("sale of its own", &["sale", "sale_chunk"]),
    ("levels of stock", &["stock"]),
    ("stock updates", &["stock_update"]),
    ("customer", CUSTOMER),
    ("operation and its rows", &["operation", "operation_page"]),
    ("cursor, stores", &["cursor", "stores"]),
];
const CUSTOMER: &[&str] = &["customer", "link", "email"];

/// Prints the cost of a real shop: seven of ten orders bring a new customer.
pub fn print_new_customers(flow: &Flow) {
    let orders = flow.orders as f64;
    let (counts, customers) = (&flow.first.counts, flow.first.counts.units_of(CUSTOMER) as f64);
    let made = flow.first.counts.sizes.get("customer").map_or(0, Vec::len);
    println!("\n{} orders, everything on, of which {made} brought a new customer\n", flow.orders);
    println!("| # | figure | budget | figure |\n|---|---|---|---|");
    println!("| 2b | DynamoDB write units for each order | ≤ 11 | {:.2} |", counts.write_units / orders);
    println!("| 2b | … for each new customer | | {:.2} |", customers / made.max(1) as f64);
    println!("| 2b | DynamoDB requests for each order | | {:.2} |", counts.to("DynamoDB") as f64 / orders);
}

#[expect(clippy::too_many_lines, reason = "one table after the other")]
pub fn print(
    flow: &Flow,
    [claims, strange]: [&Flow; 2],
    (contended, alone): (Duration, Duration),
    memory: &Memory,
    pure: &Pure,
    start: Option<Duration>,
) {
    let orders = flow.orders as f64;
    let (first, again) = (&flow.first, &flow.again);
    let per_order = |amount: u64| amount as f64 / orders;
    println!(
        "\n{} two-line orders, picked, packed and shipped, invoices authorised; each for the first time and once again unchanged; {} products in stock\n",
        flow.orders, flow.products
    );
    println!("| # | figure | budget | first time | again |");
    println!("|---|---|---|---|---|");
    let instructions = |count: Option<u64>| count.map_or_else(|| "not measured: no valgrind here".to_owned(), |count| count.to_string());
    println!("| 1 | instructions for each order, page → sales | ≤ 80,000 | {} | |", instructions(pure.known));
    println!("| 1 | … each with a new customer and unknown products | | {} | |", instructions(pure.new));
    println!("| 1 | … with pick, pack, ship and authorised invoices | | {} | |", instructions(pure.fulfilled));
    println!("| | instructions to route an order's address over ten warehouses | | {} | |", instructions(pure.routing));
    let customers = first.counts.units_of(CUSTOMER);
    println!(
        "| 2 | DynamoDB write units for each order | ≤ 9 | {:.2} | {:.2} |",
        first.counts.write_units / orders,
        again.counts.write_units / orders
    );
    println!("| 2 | … without creating customers | | {:.2} | |", first.counts.write_units / orders - per_order(customers));
    println!(
        "| | DynamoDB read units for each order | | {:.2} | {:.2} |",
        first.counts.read_units / orders,
        again.counts.read_units / orders
    );
    println!(
        "| 3 | DynamoDB requests for each order | ≤ 3 | {:.2} | {:.2} |",
        per_order(first.counts.to("DynamoDB")),
        per_order(again.counts.to("DynamoDB"))
    );
    println!(
        "| 4 | SQS requests for each order | ≤ 0.35 | {:.3} | {:.3} |",
        per_order(first.counts.to("SQS")),
        per_order(again.counts.to("SQS"))
    );
    let budget = flow.orders.div_ceil(500) + 1;
    println!("| 5 | ShipStation requests for orders | ≤ {budget} | {} | {} |", first.shipstation_requests.0, again.shipstation_requests.0);
    println!("| | … for the stores' names, once a day | | {} | {} |", first.shipstation_requests.1, again.shipstation_requests.1);
    println!("| 7 | resident memory at first poll, MiB | ≤ 10 | {:.1} | |", memory.first_poll as f64 / 1024.0);
    println!("| 7 | … of it pages of the program's own file | | {:.1} | |", memory.program as f64 / 1024.0);
    println!("| 7 | … most while reading one page of 500 | ≤ 20 | {:.1} | |", memory.page as f64 / 1024.0);
    println!("| 7 | … most while booking 500 orders | | {:.1} | |", memory.booking as f64 / 1024.0);
    let start =
        start.map_or_else(|| "not measured: nothing built by `cargo run` yet".to_owned(), |took| format!("{:.1}", took.as_secs_f64()));
    println!("| 11 | seconds from the start of what `cargo run` runs to its first sale | ≤ 5 | {start} | |");
    let speed = |run: &Run| orders / (run.reading + run.processing).as_secs_f64();
    println!("| | orders a second, sandbox → sale, on this machine | | {:.0} | {:.0} |", speed(first), speed(again));
    println!("| | … ShipStation → queue | | {:.0} | |", orders / first.reading.as_secs_f64());
    println!("| | … queue → sale | | {:.0} | |", orders / first.processing.as_secs_f64());
    let ratio = alone.as_secs_f64() / contended.as_secs_f64();
    println!("| | fifty processors: throughput with one product for all, of that with a product each | | {ratio:.2} | |");
    println!("| | bytes of an order's text | | {} | |", pure.bytes);

    println!("\nWhere the write units go, for each order\n");
    println!("| what | table | by_time | by_number | by_state | all |");
    println!("|---|---|---|---|---|---|");
    for (name, entities) in PARTS {
        let cell = |place| per_order(first.counts.units_in(entities, place));
        let all = per_order(first.counts.units_of(entities));
        println!(
            "| {name} | {:.3} | {:.3} | {:.3} | {:.3} | {all:.3} |",
            cell(TABLE),
            cell("by_time"),
            cell("by_number"),
            cell("by_state")
        );
    }
    let known: Vec<&str> = PARTS.iter().flat_map(|(_, entities)| entities.iter().copied()).collect();
    let listed = first.counts.units_of(&known);
    println!("| everything else | | | | | {:.3} |", per_order(first.counts.units() - listed));
    println!("| sum; DynamoDB says {:.3} | | | | | {:.3} |", first.counts.write_units / orders, per_order(first.counts.units()));
    let created = first.counts.sizes.get("customer").map_or(0, Vec::len);
    println!(
        "\n{created} customers were created, at {:.1} units each; {} calls were refused and repeated.",
        customers as f64 / created.max(1) as f64,
        first.counts.refused
    );
    for (what, other) in
        [("Claimed only, with draft invoices", claims), ("Without any product known (every line a service line, with a warning)", strange)]
    {
        println!(
            "{what}: {:.2} write units for each of {} orders, {:.2} without customers.",
            other.first.counts.write_units / other.orders as f64,
            other.orders,
            (other.first.counts.write_units - other.first.counts.units_of(CUSTOMER) as f64) / other.orders as f64
        );
    }
    crate::price::print(flow);
    requests(flow);
    sizes(&first.counts, "everything on");
    sizes(&claims.first.counts, "claimed only");
    sizes(&strange.first.counts, "no product known");
}

fn requests(flow: &Flow) {
    println!("\nRequests\n\n| service | operation | first time | for each order | again |\n|---|---|---|---|---|");
    let mut all: Vec<_> = flow.first.counts.requests.keys().chain(flow.again.counts.requests.keys()).collect();
    all.sort();
    all.dedup();
    for key in all {
        let count = |run: &Run| run.counts.requests.get(key).copied().unwrap_or(0);
        println!(
            "| {} | {} | {} | {:.3} | {} |",
            key.0,
            key.1,
            count(&flow.first),
            count(&flow.first) as f64 / flow.orders as f64,
            count(&flow.again)
        );
    }
}

fn sizes(counts: &Counts, which: &str) {
    println!(
        "\nSizes of items in bytes ({which})\n\n| item | count | smallest | half | nine of ten | 99 of 100 | largest | above 1 KB |\n|---|---|---|---|---|---|---|---|"
    );
    for (entity, sizes) in &counts.sizes {
        let mut sizes = sizes.clone();
        sizes.sort_unstable();
        let at = |share: usize| sizes[(sizes.len() - 1) * share / 100];
        let above = sizes.iter().filter(|size| **size > 1024).count() as f64 * 100.0 / sizes.len() as f64;
        println!("| {entity} | {} | {} | {} | {} | {} | {} | {above:.1} % |", sizes.len(), at(0), at(50), at(90), at(99), at(100));
    }
}
