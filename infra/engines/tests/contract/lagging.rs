//! The table under load. For the embedded engines only.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{KeysAndAttributes, Put, PutRequest, TransactWriteItem, WriteRequest};
use stevedore_engines::{EngineOptions, Engines};

use crate::tables::{get, table};
use crate::{Clients, Item, Stack, TestClock, item, s};

/// Engines that lag with this seed, and a client that does not retry.
async fn lagging(seed: u64, options: impl FnOnce(EngineOptions) -> EngineOptions) -> (Stack, TestClock) {
    let clock = TestClock::new();
    let options = options(EngineOptions { lag: Some(seed), ..EngineOptions::in_memory(clock.clock()) });
    let engines = Engines::start(options).await.unwrap();
    let clients = Clients::of(engines.endpoint());
    let stack = Stack { engines: Some(engines), clock: Some(clock.clone()), clients, unique: format!("lagging-{seed}") };
    (stack, clock)
}

/// The same with a client that retries after throttling.
fn patient(stack: &mut Stack) {
    let retry = RetryConfig::standard().with_max_attempts(5).with_initial_backoff(Duration::from_millis(1));
    stack.clients = Clients::with(stack.engines.as_ref().unwrap().endpoint(), retry);
}

fn open(number: usize) -> Item {
    item([("pk", s(format!("SALE#{number:03}"))), ("sk", s("HEAD")), ("status", s("open")), ("at", s(format!("{number:03}")))])
}

/// Puts an item, with as many tries as that takes.
async fn put(stack: &Stack, table: &str, item: Item) {
    for _ in 0..3 {
        match stack.clients.tables.put_item().table_name(table).set_item(Some(item.clone())).send().await {
            Ok(_) => return,
            Err(error) => assert_eq!(error.into_service_error().code(), Some("TransactionConflictException")),
        }
    }
    panic!("a third conflict in a row");
}

/// Counts the items that an index shows.
async fn shown(stack: &Stack, table: &str) -> usize {
    let query = stack.clients.tables.query().table_name(table).index_name("by_status").key_condition_expression("#s = :s");
    let query = query.expression_attribute_names("#s", "status").expression_attribute_values(":s", s("open"));
    usize::try_from(query.send().await.unwrap().count).unwrap()
}

#[tokio::test]
async fn an_index_is_behind_and_the_table_is_not() {
    let mut behind = 0;
    for seed in 0..5 {
        let (mut stack, clock) = lagging(seed, |options| options).await;
        patient(&mut stack);
        let table = table(&stack).await;
        for number in 0..40 {
            put(&stack, &table, open(number)).await;
            assert!(get(&stack, &table, &format!("SALE#{number:03}"), "HEAD").await.is_some(), "the table itself is current");
            behind += usize::from(shown(&stack, &table).await < number + 1);
        }
        clock.pass(Duration::from_secs(30));
        assert_eq!(shown(&stack, &table).await, 40, "half a minute is the longest");
        // Calls alone advance it as well.
        for number in 0..40 {
            let mut closed = open(number);
            closed.remove("status");
            put(&stack, &table, closed).await;
        }
        let mut calls = 0;
        while shown(&stack, &table).await > 0 {
            calls += 1;
            assert!(calls < 300, "it never gets there");
        }
        behind += calls;
        put(&stack, &table, open(1)).await;
        let indexes = stack.engines.as_ref().unwrap().indexes();
        indexes.catch_up();
        assert_eq!(shown(&stack, &table).await, 1);
        indexes.hold(true);
        put(&stack, &table, open(2)).await;
        clock.pass(Duration::from_mins(1));
        assert_eq!(shown(&stack, &table).await, 1, "what is held is not shown");
        indexes.hold(false);
        assert_eq!(shown(&stack, &table).await, 2);
    }
    assert!(behind > 200, "{behind}");
}

/// The writes of one item reach an index in their order: a removed attribute does not come back.
#[tokio::test]
async fn writes_of_one_item_keep_their_order() {
    for seed in 0..5 {
        let (mut stack, clock) = lagging(seed, |options| options).await;
        patient(&mut stack);
        let table = table(&stack).await;
        for _ in 0..20 {
            let mut closed = open(1);
            closed.remove("status");
            put(&stack, &table, open(1)).await;
            put(&stack, &table, closed).await;
        }
        clock.pass(Duration::from_secs(31));
        assert_eq!(shown(&stack, &table).await, 0, "{seed}");
    }
}

/// Items that are in the folder when the engines start are in the indexes.
#[tokio::test]
async fn indexes_of_a_kept_table_begin_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let at = |options: EngineOptions| EngineOptions { data: Some(folder.path().to_owned()), ..options };
    let (stack, _) = lagging(1, |options| EngineOptions { lag: None, ..at(options) }).await;
    let table = table(&stack).await;
    put(&stack, &table, open(1)).await;
    stack.engines.unwrap().stop().await;
    let (mut stack, _) = lagging(1, at).await;
    patient(&mut stack);
    assert_eq!(shown(&stack, &table).await, 1);
}

/// Transactions are canceled, single writes conflict with them, batches are done in part, and all
/// calls may be throttled. Each follows from the seed, and never more than twice in a row.
#[tokio::test]
async fn requests_meet_every_disturbance_and_get_through_at_the_third_try() {
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    let (stack, _) = lagging(3, |options| options).await;
    let table = table(&stack).await;
    let tables = &stack.clients.tables;
    for number in 0..120 {
        let own = |row: usize| {
            assert!(row < 3, "a third disturbance in a row");
            row + 1
        };
        let mut row = 0;
        let transaction = Put::builder().table_name(&table).set_item(Some(open(number))).build().unwrap();
        let transaction = TransactWriteItem::builder().put(transaction).build();
        while let Err(error) = tables.transact_write_items().transact_items(transaction.clone()).send().await {
            row = own(row);
            let code = match error.into_service_error() {
                TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                    cancelled.cancellation_reasons()[0].code().unwrap().to_owned()
                }
                other => other.code().unwrap().to_owned(),
            };
            *met.entry(format!("transaction {code}")).or_default() += 1;
        }
        row = 0;
        while let Err(error) = tables.put_item().table_name(&table).set_item(Some(open(number))).send().await {
            row = own(row);
            *met.entry(format!("put {}", error.into_service_error().code().unwrap())).or_default() += 1;
        }
        let put =
            |entry: usize| WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(open(entry))).build().unwrap()).build();
        let mut left: Vec<WriteRequest> = (0..10).map(put).collect();
        while !left.is_empty() {
            if let Ok(done) = tables.batch_write_item().request_items(&table, left.clone()).send().await {
                let before = left.len();
                left = done.unprocessed_items.unwrap_or_default().remove(&table).unwrap_or_default();
                assert!(left.len() < before, "something is always done");
                *met.entry("writes left out".to_owned()).or_default() += usize::from(!left.is_empty());
            }
        }
        let key = |entry: usize| item([("pk", s(format!("SALE#{entry:03}"))), ("sk", s("HEAD"))]);
        let (mut keys, mut found): (Vec<Item>, usize) = ((0..10).map(key).collect(), 0);
        while !keys.is_empty() {
            let asked = KeysAndAttributes::builder().set_keys(Some(keys.clone())).consistent_read(true).build().unwrap();
            if let Ok(done) = tables.batch_get_item().request_items(&table, asked).send().await {
                found += done.responses.unwrap()[&table].len();
                keys = done.unprocessed_keys.unwrap_or_default().remove(&table).map(|keys| keys.keys).unwrap_or_default();
                *met.entry("keys left out".to_owned()).or_default() += usize::from(!keys.is_empty());
            }
        }
        assert_eq!(found, 10);
    }
    for kind in [
        "transaction TransactionConflict",
        "transaction ThrottlingError",
        "put TransactionConflictException",
        "writes left out",
        "keys left out",
    ] {
        assert!(met.get(kind).is_some_and(|count| *count > 1), "{kind}: {met:?}");
    }
    assert!(met.keys().any(|kind| kind.ends_with("ProvisionedThroughputExceededException")), "{met:?}");
    assert!(met.keys().any(|kind| kind.ends_with("ThrottlingException")), "{met:?}");
}
