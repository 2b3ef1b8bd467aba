//! Orders without a number. ShipStation requires one, so that an order without is refused; a log entry that has none is in no index of numbers, where all such entries
//! would share one key.

use stevedore_aws::List;
use stevedore_domain::log::Outcome;
use stevedore_tests::writes::KeyWrites;

use crate::flow::plain;
use crate::raw;
use crate::world::{Options, World, order_id};

const FIRST: i64 = 970_001;

async fn found(world: &World, number: &str) -> Vec<u64> {
    let page = world.table.list_log_number(number, &List { limit: 100, ..List::default() }).await.unwrap();
    page.items.into_iter().map(|stored| stored.entry.order_id.0).collect()
}

/// Writes an entry with another number.
async fn renumber(world: &World, order: i64, number: &str) {
    let change = |entry: &mut stevedore_domain::log::LogEntry| {
        number.clone_into(&mut entry.order_number);
        true
    };
    world.table.change_log_entry(order_id(order), change).await.unwrap().unwrap();
}

async fn number_in_the_table(world: &World, order: i64) -> Option<String> {
    let item = raw::item(world, &format!("ORDER#{order}"), "LOG").await.unwrap();
    item["order_number"]["S"].as_str().map(str::to_owned)
}

/// P2: an order without a number is told as one that cannot be read, and is in no index.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_an_order_without_a_number_is_refused_by_name() {
    let world = World::new(Options::default()).await;
    for (id, number) in [(FIRST, ""), (FIRST + 1, "  ")] {
        world.sandbox.upsert_order(plain(number).id(id));
    }
    let operation = world.download().await;
    assert_eq!((operation.counts.of(Outcome::Failed), operation.counts.total()), (2, 2), "{operation:?}");
    assert!(world.log().await.is_empty());
}

/// Entries without a number share no key of the index of numbers, and are found by no number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_without_a_number_share_no_key() {
    let writes = KeyWrites::default();
    let world = World::new(Options { interceptors: vec![writes.interceptor()], ..Options::default() }).await;
    for id in FIRST..FIRST + 4 {
        world.sandbox.upsert_order(plain(&id.to_string()).id(id));
    }
    world.download().await;
    writes.take();
    for (id, number) in (FIRST..FIRST + 4).zip(["", " ", "\u{a0}", ""]) {
        renumber(&world, id, number).await;
        assert_eq!(number_in_the_table(&world, id).await, None);
    }
    let written = writes.take();
    // Each leaves the key of the number that it had, and comes under no other.
    let numbers: Vec<_> = written.iter().filter(|((place, _), _)| *place == "by_number").collect();
    assert!(numbers.len() <= 4 && numbers.iter().all(|((_, key), count)| **count == 1 && key.starts_with("9700")), "{numbers:?}");
    for number in ["", " ", "-"] {
        assert!(found(&world, number).await.is_empty(), "{number:?}");
        assert!(world.table.orders_numbered(number).await.unwrap().is_empty(), "{number:?}");
    }
}

/// What an earlier release wrote without a number stands under "-" until it is written again: a search for that number finds orders that have it, and no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_by_number_passes_over_what_an_earlier_release_put_there() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(plain("gone").id(FIRST));
    world.sandbox.upsert_order(plain("-").id(FIRST + 1));
    world.download().await;
    renumber(&world, FIRST, "").await;
    let mut item = raw::item(&world, &format!("ORDER#{FIRST}"), "LOG").await.unwrap();
    item["order_number"] = serde_json::json!({"S": "-"});
    raw::put(&world, &item).await;
    assert_eq!(found(&world, "-").await, [FIRST.unsigned_abs() + 1]);
    assert_eq!(world.table.orders_numbered("-").await.unwrap().len(), 2, "a hint, each read by its key");
    renumber(&world, FIRST, "").await;
    assert_eq!(number_in_the_table(&world, FIRST).await, None);
    assert_eq!(world.table.orders_numbered("-").await.unwrap().len(), 1);
}
