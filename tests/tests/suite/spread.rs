//! Lists in several partitions of an index are read as one, including records of an earlier release
//! in one partition.
#![allow(clippy::print_stdout, reason = "docs/performance.md keeps the numbers")]

use std::collections::BTreeSet;

use serde_json::Value as Json;
use stevedore_aws::{FAMILIES, List, Page, Progress, StoredEntry, Table};
use stevedore_domain::log::LogState;
use stevedore_domain::settings::InvoiceMode;
use stevedore_tests::writes::KeyWrites;

use crate::flow::{nameless, plain, with};
use crate::raw;
use crate::world::{Options, World, order_id};

const PARTITIONS: [(&str, &str); 2] = [("by_time", "t_pk"), ("by_state", "s_pk")];

fn page(limit: usize, token: Option<String>) -> List {
    List { limit, token, ..List::default() }
}

/// `orders` booked orders with invoices that wait for the accounting system, and as many blocked
/// ones.
async fn shop(orders: u32) -> (World, Vec<i64>) {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
    let mut ids = Vec::new();
    for number in 0..orders {
        world.clock.advance(jiff::SignedDuration::from_secs(1));
        ids.push(world.sandbox.upsert_order(plain(&number.to_string())));
        ids.push(world.sandbox.upsert_order(with(&plain(&format!("n{number}")), nameless)));
        if number % 7 == 0 {
            world.download_now().await;
        }
    }
    world.download_now().await;
    (world, ids)
}

async fn item(world: &World, order: i64) -> Json {
    raw::item(world, &format!("ORDER#{order}"), "LOG").await.unwrap()
}

fn list_of(index: &str, partition: &str) -> String {
    let mut lists = FAMILIES.into_iter().filter(|family| family.index.name == index).filter_map(|family| family.list_of(partition));
    lists.next().unwrap_or_else(|| panic!("{partition} is of no list")).into_owned()
}

/// Moves an order's item to the place of an earlier release, where each list was one partition.
async fn as_before(world: &World, order: i64) {
    let mut item = item(world, order).await;
    for (index, attribute) in PARTITIONS {
        if let Some(partition) = item[attribute]["S"].as_str() {
            item[attribute]["S"] = list_of(index, partition).into();
        }
    }
    raw::put(world, &item).await;
}

/// A list page by page, in which each page but the last is full.
async fn all<T>(limit: usize, read: impl AsyncFn(List) -> Page<T>) -> Vec<T> {
    let (mut items, mut token) = (Vec::new(), None);
    loop {
        let page = read(page(limit, token)).await;
        assert!(page.items.len() == limit || page.next.is_none() || page.items.is_empty(), "a page of {} for {limit}", page.items.len());
        items.extend(page.items);
        token = page.next;
        if token.is_none() {
            return items;
        }
    }
}

/// Every list of the shop is complete and in order, at every page size.
async fn check_lists(world: &World, orders: usize) {
    let time = |stored: &StoredEntry| {
        let sold = stored.inline_sale().map(|sale| sale.created_at);
        (sold.unwrap_or(stored.entry.captured_at), stored.entry.order_id.to_string())
    };
    let table = &world.table;
    for limit in [1, 3, 10, 2 * orders, 200] {
        let log = all(limit, async |list| table.list_log(&list).await.unwrap()).await;
        assert_eq!(log.len(), 2 * orders, "limit {limit}");
        assert!(log.windows(2).all(|pair| time(&pair[0]) > time(&pair[1])), "limit {limit}");
        let sales = all(limit, async |list| table.list_sales(&list).await.unwrap()).await;
        assert_eq!(sales.len(), orders);
        let sold = |index: usize| (sales[index].sale.created_at, sales[index].sale.source.order().unwrap().order_id.to_string());
        assert!((1..orders).all(|index| sold(index - 1) > sold(index)), "limit {limit}");
        let blocked = all(limit, async |list| table.list_log_state(LogState::Blocked, &list).await.unwrap()).await;
        assert_eq!(blocked.len(), orders);
        assert!(blocked.windows(2).all(|pair| time(&pair[0]) < time(&pair[1])), "limit {limit}");
        let syncs = all(limit, async |list| table.list_pending_syncs(&list).await.unwrap()).await;
        assert_eq!(syncs.len(), orders);
        assert!(syncs.windows(2).all(|pair| pair[0].created_at <= pair[1].created_at));
    }
    let orders = u64::try_from(orders).unwrap();
    let counted = async |most| table.count_log_state(LogState::Blocked, most).await.unwrap();
    let all = counted(1_000).await;
    assert_eq!((all.count, all.more), (orders, false));
    for most in 1..u32::try_from(orders).unwrap() {
        let some = counted(most).await;
        assert_eq!((some.count, some.more), (u64::from(most), true));
    }
    assert_eq!(table.count_log_since(crate::world::START.parse().unwrap(), 5_000).await.unwrap().count, 2 * orders);
    // A window from an instant and before one, page by page.
    let log = table.list_log(&page(200, None)).await.unwrap().items;
    let at = |index: usize| time(&log[index]).0;
    let (to, from) = (at(log.len() / 4), at(log.len() / 2));
    let window = all_between(&log, from, to, time);
    let mut seen = Vec::new();
    let mut list = List { from: Some(from), to: Some(to), ..page(3, None) };
    loop {
        let page = table.list_log(&list).await.unwrap();
        seen.extend(page.items.into_iter().map(|stored| stored.entry.order_id));
        list.token = page.next;
        if list.token.is_none() {
            break;
        }
    }
    assert_eq!(seen, window);
}

fn all_between<O: Clone>(
    log: &[StoredEntry],
    from: jiff::Timestamp,
    to: jiff::Timestamp,
    time: impl Fn(&StoredEntry) -> (jiff::Timestamp, O),
) -> Vec<stevedore_domain::ids::OrderId> {
    let within = log.iter().filter(|stored| (from..to).contains(&time(stored).0));
    within.map(|stored| stored.entry.order_id).collect()
}

/// Orders are spread over the partitions of their lists, and the lists are complete, in exact
/// order, in full pages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_over_several_partitions_are_whole_and_in_order() {
    let (world, orders) = shop(24).await;
    let mut partitions = BTreeSet::new();
    for order in &orders {
        let item = item(&world, *order).await;
        partitions.extend(PARTITIONS.iter().filter_map(|(_, attribute)| item[attribute]["S"].as_str().map(str::to_owned)));
    }
    assert!(partitions.len() > 12, "{partitions:?}");
    check_lists(&world, 24).await;
}

/// Records that an earlier release wrote into one partition for each list are listed and counted
/// with the rest, continue from a token of that release, and move to their own partitions with
/// their next write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_earlier_release_wrote_into_one_partition_is_listed() {
    let (world, orders) = shop(16).await;
    let expected: Vec<_> = world.table.list_sales(&page(200, None)).await.unwrap().items;
    let begun = world.table.list_sales(&page(5, None)).await.unwrap();
    for order in &orders {
        as_before(&world, *order).await;
        assert!(["LOG", "SALE"].contains(&item(&world, *order).await["t_pk"]["S"].as_str().unwrap()));
    }
    // All as in the earlier release, half of it, and a list that was begun before.
    check_lists(&world, 16).await;
    let sales = world.table.list_sales(&page(200, None)).await.unwrap().items;
    for stored in sales.iter().step_by(2) {
        world.table.acknowledge_sync(stored.sale.id.as_str(), world.clock.now()).await.unwrap().unwrap();
    }
    let rest = world.table.list_sales(&page(200, begun.next)).await.unwrap().items;
    let ids = |sales: &[stevedore_aws::StoredSale]| sales.iter().map(|stored| stored.sale.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&rest), ids(&expected[5..]));
    assert_eq!(world.table.list_pending_syncs(&page(200, None)).await.unwrap().items.len(), 8);
    let mut partitions = BTreeSet::new();
    for stored in sales.iter().step_by(2) {
        let order = stored.sale.source.order().unwrap().order_id;
        let item = raw::item(&world, &format!("ORDER#{order}"), "LOG").await.unwrap();
        partitions.insert(item["t_pk"]["S"].as_str().unwrap().to_owned());
    }
    assert!(partitions.len() > 1, "{partitions:?}");
}

/// S23: a day takes its orders from every partition, including those of an earlier release.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s23_a_day_takes_orders_of_every_partition() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    let orders: Vec<i64> = (0..30).map(|number| world.sandbox.upsert_order(plain(&number.to_string()))).collect();
    world.download().await;
    for order in orders.iter().step_by(3) {
        as_before(&world, *order).await;
    }
    world.at("2026-01-15T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    assert_eq!(world.traceable("2026-01-15").await, 30);
    assert_eq!(world.table.count_log_state(LogState::Pending, 100).await.unwrap().count, 0);
}

/// S76: disconnecting removes the log entries of every partition, and open orders of every
/// partition are queued again before (S107).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s76_disconnecting_removes_entries_of_every_partition() {
    let (world, orders) = shop(12).await;
    for order in orders.iter().step_by(3) {
        as_before(&world, *order).await;
    }
    // A customer for all of them: blocked orders of every partition are booked with the next tick.
    world.daily(18).await;
    world
        .settings(|settings| {
            settings.consolidation = stevedore_domain::settings::Consolidation::None;
            settings.consolidation_time = None;
        })
        .await;
    world.next_hour().await;
    assert_eq!(world.table.count_log_state(LogState::Blocked, 100).await.unwrap().count, 0);
    assert_eq!(world.booked().await.len(), 24);
    for order in orders.iter().step_by(5) {
        as_before(&world, *order).await;
    }
    let mut place = None;
    while world.table.disconnect_step(&mut place, world.clock.now()).await.unwrap() != Progress::Done {}
    assert!(world.log().await.is_empty());
    for order in orders {
        assert!(world.table.log_entry(order_id(order)).await.unwrap().is_none(), "{order}");
    }
    assert_eq!(world.booked().await.len(), 24);
}

/// A page costs a request for each partition of its lists, one for the items, and hardly more units
/// than the items themselves, because few keys are read that the page does not show. `--nocapture`
/// prints the table of `docs/performance.md`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_costs_a_request_for_each_partition() {
    let reads = KeyWrites::default();
    let options = Options {
        orders: 240,
        interceptors: vec![reads.interceptor()],
        sandbox: Box::new(|options| {
            options.lines_per_order = Some(2);
            options.only_status = Some("shipped".to_owned());
            options.history = jiff::SignedDuration::from_hours(20);
        }),
        ..Options::default()
    };
    let world = World::new(options).await;
    world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
    world.download().await;
    let table = Table::new(&world.clients, "stevedore").counting_capacity();
    println!("\n| call | requests | read units |\n|---|---|---|");
    let told = |call: &str, most: u64, units: f64| {
        let read = reads.take_reads();
        println!("| {call} | {} | {:.1} |", read.requests, read.units);
        assert!((1..=most).contains(&read.requests) && (0.0..=units).contains(&read.units), "{call}: {read:?}");
    };
    let list = page(100, None);
    reads.take_reads();
    assert_eq!(table.list_sales(&list).await.unwrap().items.len(), 100);
    told("100 sales", 6, 110.0);
    assert_eq!(table.list_log(&list).await.unwrap().items.len(), 100);
    told("100 log entries", 12, 112.0);
    assert_eq!(table.list_pending_syncs(&list).await.unwrap().items.len(), 100);
    told("100 pending accounting syncs", 12, 112.0);
    assert_eq!(table.list_sales(&page(10, None)).await.unwrap().items.len(), 10);
    told("10 sales", 6, 14.0);
    assert!(table.list_log_state(LogState::Failed, &list).await.unwrap().items.is_empty());
    told("log entries of a state that no order has", 8, 4.0);
    table.count_log_state(LogState::Pending, 1_000).await.unwrap();
    told("count of a state", 8, 4.0);
    table.count_log_since(crate::world::START.parse().unwrap(), 5_000).await.unwrap();
    told("count of the day's orders", 8, 12.0);
    table.counted_attention(1_000).await.unwrap();
    told("counts of what wants attention", 40, 20.0);
}
