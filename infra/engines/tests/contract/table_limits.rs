//! Sizes of items and transactions.

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, PutRequest, TransactWriteItem, Update, WriteRequest};

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

/// A partition key holds 2,048 bytes and a sort key 1,024, also in an index and for every kind of
/// write.
#[tokio::test]
async fn keys_have_their_lengths() {
    let Some(stack) = Stack::start("keys_have_their_lengths").await else { return };
    let table = table(&stack).await;
    let tables = &stack.clients.tables;
    let keys = |pk: usize, sk: usize, status: usize, at: usize| {
        let text = |length: usize| s("k".repeat(length));
        item([("pk", text(pk)), ("sk", text(sk)), ("status", text(status)), ("at", text(at))])
    };
    tables.put_item().table_name(&table).set_item(Some(keys(2_048, 1_024, 2_048, 1_024))).send().await.unwrap();
    for (pk, sk, status, at, says) in [
        (2_049, 1, 1, 1, "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        (1, 1_025, 1, 1, "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
        (1, 1, 2_049, 1, "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        (1, 1, 1, 1_025, "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
    ] {
        let too_long = keys(pk, sk, status, at);
        let error = tables.put_item().table_name(&table).set_item(Some(too_long.clone())).send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
        assert!(error.message().unwrap().ends_with(says), "{error:?}");

        let put = PutRequest::builder().set_item(Some(too_long.clone())).build().unwrap();
        let write = WriteRequest::builder().put_request(put).build();
        let error = tables.batch_write_item().request_items(&table, vec![write]).send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("ValidationException"), "{error:?}");

        let put = Put::builder().table_name(&table).set_item(Some(too_long)).build().unwrap();
        let mut writes = puts(&table, 1, 1);
        writes.push(TransactWriteItem::builder().put(put).build());
        let error = tables.transact_write_items().set_transact_items(Some(writes)).send().await.unwrap_err().into_service_error();
        let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { panic!("{error:?}") };
        let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
        assert_eq!(codes, ["None", "ValidationError"]);
    }
    assert!(get(&stack, &table, "P#0", "X").await.is_none(), "a cancelled transaction writes nothing");

    let long = s("k".repeat(2_049));
    let update = tables.update_item().table_name(&table).key("pk", s("U")).key("sk", s("X"));
    let update = update.update_expression("SET note = :n, #s = :k").expression_attribute_names("#s", "status");
    let error = update.expression_attribute_values(":n", s("n")).expression_attribute_values(":k", long.clone()).send().await.unwrap_err();
    assert_eq!(error.into_service_error().code(), Some("ValidationException"));
    let update = Update::builder().table_name(&table).key("pk", s("U")).key("sk", s("X")).update_expression("SET #s = :k");
    let update = update.expression_attribute_names("#s", "status").expression_attribute_values(":k", long).build().unwrap();
    let write = TransactWriteItem::builder().update(update).build();
    let error = tables.transact_write_items().transact_items(write).send().await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { panic!("{error:?}") };
    assert_eq!(cancelled.cancellation_reasons()[0].code(), Some("ValidationError"));
    assert!(get(&stack, &table, "U", "X").await.is_none());
}
