//! Sizes: items and transactions.

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use crate::tables::{get, table};
use crate::{Stack, item, s};

#[tokio::test]
async fn an_item_holds_400_kilobytes() {
    let Some(stack) = Stack::start("an_item_holds_400_kilobytes").await else { return };
    let table = table(&stack).await;
    // Names and values count: 2 + 1, 2 + 1, 4 + the data.
    let put = |bytes: usize| {
        let large = item([("pk", s("A")), ("sk", s("B")), ("data", s("x".repeat(bytes - 10)))]);
        stack.clients.tables.put_item().table_name(&table).set_item(Some(large))
    };
    put(400 * 1024).send().await.unwrap();
    let error = put(400 * 1024 + 1).send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
}

fn puts(table: &str, count: usize, bytes: usize) -> Vec<TransactWriteItem> {
    (0..count)
        .map(|number| {
            let item = item([("pk", s(format!("P#{number}"))), ("sk", s("X")), ("data", s("x".repeat(bytes)))]);
            let put = Put::builder().table_name(table).set_item(Some(item)).build().unwrap();
            TransactWriteItem::builder().put(put).build()
        })
        .collect()
}

#[tokio::test]
async fn a_transaction_holds_100_items() {
    let Some(stack) = Stack::start("a_transaction_holds_100_items").await else { return };
    let table = table(&stack).await;
    let write = |count| stack.clients.tables.transact_write_items().set_transact_items(Some(puts(&table, count, 10)));
    let error = write(101).send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
    assert!(get(&stack, &table, "P#0", "X").await.is_none());
    write(100).send().await.unwrap();
    assert!(get(&stack, &table, "P#99", "X").await.is_some());
}

#[tokio::test]
async fn a_transaction_holds_4_megabytes() {
    let Some(stack) = Stack::start("a_transaction_holds_4_megabytes").await else { return };
    let table = table(&stack).await;
    let write = |bytes| stack.clients.tables.transact_write_items().set_transact_items(Some(puts(&table, 12, bytes)));
    let error = write(360_000).send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
    write(340_000).send().await.unwrap();
    assert!(get(&stack, &table, "P#11", "X").await.is_some());
}
