//! The maximum of writes a second on any one key of an index: counted for each order over the
//! engines, and distributed over the keys of 50,000 orders.
//!
//! `cargo test --workspace --test suite hot_keys -- --nocapture` prints the tables of
//! `docs/performance.md`.
#![allow(clippy::print_stdout, reason = "docs/performance.md keeps the numbers")]

use std::collections::BTreeMap;

use stevedore_aws::{FAMILIES, Family, List};
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::settings::InvoiceMode;
use stevedore_tests::write_units::TABLE;
use stevedore_tests::writes::{KeyWrites, Written};

use crate::flow::plain;
use crate::world::{LOCATION, Options, World};

/// Number of orders that are really written.
const ORDERS: u64 = 40;
/// Number of orders whose keys are computed.
const KEYS: u64 = 50_000;
/// Orders a second of a stream.
const STREAM: u64 = 333;
/// Orders a second of a day that is consolidated sixteen at a time, each with one write of 5 ms
/// (DynamoDB answers in "single-digit milliseconds").
const DAY: u64 = 16 * 1_000 / 5;
/// Half of what one key takes.
const MOST: u64 = 500;

async fn shop(writes: &KeyWrites) -> World {
    let world = World::new(Options { interceptors: vec![writes.interceptor()], ..Options::default() }).await;
    world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
    for number in 0..ORDERS {
        world.sandbox.upsert_order(plain(&number.to_string()));
    }
    world
}

async fn acknowledge_all(world: &World) {
    let syncs = world.table.list_pending_syncs(&List { limit: 200, ..List::default() }).await.unwrap().items;
    assert_eq!(syncs.len() as u64, ORDERS);
    for sync in syncs {
        world.table.acknowledge_sync(&sync.id, world.clock.now()).await.unwrap().unwrap();
    }
}

/// One key, or the keys of one list: writes for each order, and the maximum in a second, as one
/// partition and on the fullest of its partitions.
struct Row {
    name: String,
    for_each: String,
    before: u64,
    now: u64,
}

fn family_of(index: &str, partition: &str) -> Option<(Family, String)> {
    FAMILIES.into_iter().find_map(|family| {
        let list = family.list_of(partition).filter(|_| family.index.name == index)?;
        Some((family, list.into_owned()))
    })
}

/// The rates of a stream of this many orders a second, from the writes of [`ORDERS`] orders. Keys
/// that belong to one order are left out.
fn rows(written: &Written, a_second: u64) -> Vec<Row> {
    let mut lists: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for ((place, key), count) in written {
        let name = family_of(place, key).map_or_else(|| key.clone(), |(_, list)| list);
        *lists.entry((place, name)).or_default() += count;
    }
    let shared = lists.into_iter().filter(|(_, count)| *count > ORDERS / 4);
    let rows = shared.map(|((place, name), count)| {
        let before = count * a_second / ORDERS;
        let now = match family_of(place, &name) {
            Some((family, list)) => fullest(family, family.of(&list), a_second) * count / ORDERS,
            None => before,
        };
        Row { name: format!("{place} `{name}`"), for_each: format!("{}.{:02}", count / ORDERS, count % ORDERS * 100 / ORDERS), before, now }
    });
    rows.collect()
}

/// The maximum of orders in any second of 50,000 consecutive orders that share one partition.
fn fullest(family: Family, of: &str, a_second: u64) -> u64 {
    let seconds = (0..KEYS / a_second).map(|second| {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for order in second * a_second..(second + 1) * a_second {
            *counts.entry(family.partition_of(of, &format!("ORDER#{}", 600_000_000 + order), "LOG")).or_default() += 1;
        }
        counts.into_values().max().unwrap()
    });
    seconds.max().unwrap()
}

fn print(title: &str, rows: &[Row]) {
    println!("\n{title}\n\n| key | writes for each order | a second, as one partition | a second, on the fullest |\n|---|---|---|---|");
    for Row { name, for_each, before, now } in rows {
        println!("| {name} | {for_each} | {before} | {now} |");
    }
}

fn most(rows: &[Row]) -> u64 {
    rows.iter().map(|row| row.now).max().unwrap()
}

/// A stream of 333 orders a second that are booked at once, and that the accounting system
/// acknowledges at the same rate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_booked_orders_stays_under_half_of_what_a_key_takes() {
    let writes = KeyWrites::default();
    let world = shop(&writes).await;
    writes.take();
    let operation = world.download().await;
    assert_eq!(operation.counts.of(Outcome::Captured), ORDERS);
    acknowledge_all(&world).await;
    let rows = rows(&writes.take(), STREAM);
    print("333 orders a second, booked at once and acknowledged", &rows);
    let before = |name: &str| rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name}")).before;
    assert_eq!((before("by_time `SALE`"), before("by_state `SYNC#pending`")), (333, 666));
    assert!(most(&rows) < MOST);
}

/// The same for orders that are blocked first: each enters the log's list and leaves it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_orders_that_wait_first_stays_under_half_of_what_a_key_takes() {
    let writes = KeyWrites::default();
    let world = shop(&writes).await;
    world.settings(|settings| settings.location_map.default = None).await;
    writes.take();
    world.download().await;
    assert_eq!(world.table.count_log_state(LogState::Blocked, 1_000).await.unwrap().count, ORDERS);
    world.settings(|settings| settings.location_map.default = Some(LOCATION.into())).await;
    world.next_hour().await;
    acknowledge_all(&world).await;
    let rows = rows(&writes.take(), STREAM);
    print("333 orders a second that are blocked first, then booked, and acknowledged", &rows);
    let before = |name: &str| rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name}")).before;
    assert_eq!((before("by_time `LOG`"), before("by_state `LOG#blocked`")), (666, 666));
    assert!(most(&rows) < MOST);
}

/// A day's orders leave the index of pending orders as fast as sixteen concurrent writes allow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_is_consolidated_stays_under_half_of_what_a_key_takes() {
    let writes = KeyWrites::default();
    let world = shop(&writes).await;
    world.daily(18).await;
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    writes.take();
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    assert_eq!(world.traceable("2026-01-15").await as u64, ORDERS);
    let rows = rows(&writes.take(), DAY);
    print("A day that is consolidated at 3,200 orders a second", &rows);
    let pending = rows.iter().find(|row| row.name == "by_state `LOG#pending`").unwrap();
    assert_eq!((pending.for_each.as_str(), pending.before), ("1.00", DAY));
    assert!(rows.iter().all(|row| !row.name.starts_with(TABLE)), "no key of the table is shared");
    assert!(most(&rows) < MOST);
}
