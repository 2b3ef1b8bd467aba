//! Price of a million orders in AWS, from counted units and the published prices.

use crate::counting::Counts;
use crate::flow::Flow;

/// A published price, in US dollars for one unit; on demand, US East (N. Virginia), as of 2026-11.
struct Price {
    dollars: f64,
    source: &'static str,
}

const WRITE_UNIT: Price = Price { dollars: 0.625e-6, source: "Amazon DynamoDB pricing, on-demand capacity, Standard table class" };
const READ_UNIT: Price = Price { dollars: 0.125e-6, source: "Amazon DynamoDB pricing, on-demand capacity, Standard table class" };
const SQS_REQUEST: Price = Price { dollars: 0.40e-6, source: "Amazon SQS pricing, standard queues" };
const INVOCATION: Price = Price { dollars: 0.20e-6, source: "AWS Lambda pricing, requests" };
const GB_SECOND: Price = Price { dollars: 0.000_013_333_4, source: "AWS Lambda pricing, duration, Arm" };

/// Assumed, not counted: the time of a batch of ten in a function of 256 MB. DynamoDB answers a
/// transaction in about 10 ms there, and the consecutive transactions of a batch are most of the
/// time.
const SECONDS_A_BATCH: f64 = 0.2;
const GB: f64 = 0.25;

const ORDERS: f64 = 1_000_000.0;

/// Prints the price of orders that become sales one by one.
pub fn print(flow: &Flow) {
    table("each a sale of its own", &flow.first.counts, flow.orders);
}

/// Prints the price of orders whose day becomes one sale.
pub fn print_day(counts: &Counts, orders: usize) {
    table("of which a day's become one sale", counts, orders);
}

fn table(way: &str, counts: &Counts, orders: usize) {
    let share = ORDERS / orders as f64;
    let batches = counts.requests.get(&("SQS", "DeleteMessageBatch".to_owned())).copied().unwrap_or(0) as f64;
    let lines = [
        ("write units", counts.write_units, WRITE_UNIT),
        ("read units", counts.read_units, READ_UNIT),
        ("SQS requests", counts.sqs_billed as f64, SQS_REQUEST),
        ("invocations (one for each batch)", batches, INVOCATION),
        ("GB-seconds (assumed: 0.2 s for each batch, 256 MB)", batches * SECONDS_A_BATCH * GB, GB_SECOND),
    ];
    println!(
        "\n10: the price of a million orders, {way} (budget: $7)\n\n| what | number | price of a million, $ | together, $ | source |\n|---|---|---|---|---|"
    );
    let mut sum = 0.0;
    for (name, count, price) in lines {
        let together = count * share * price.dollars;
        sum += together;
        println!("| {name} | {:.0} | {:.2} | {together:.2} | {} |", count * share, price.dollars * 1e6, price.source);
    }
    println!("| **all** | | | **{sum:.2}** | |");
}
