//! Writes: conditions, transactions, idempotency, competition.

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, ConditionCheck, Delete, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    Put, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure, ScalarAttributeType, TransactWriteItem,
    Update,
};

use crate::{Item, Stack, item, n, s};

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

/// A table like the one of the system: `pk`, `sk`, and a sparse index `by_status` that projects
/// `total`.
pub(crate) async fn table(stack: &Stack) -> String {
    let name = stack.name("table");
    let text = |name: &str| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap();
    let index = GlobalSecondaryIndex::builder()
        .index_name("by_status")
        .key_schema(key("status", KeyType::Hash))
        .key_schema(key("at", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::Include).non_key_attributes("total").build())
        .build()
        .unwrap();
    let made = stack.clients.tables.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    made.key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .set_attribute_definitions(Some(vec![text("pk"), text("sk"), text("status"), text("at")]))
        .global_secondary_indexes(index)
        .send()
        .await
        .unwrap();
    name
}

pub(crate) async fn get(stack: &Stack, table: &str, pk: &str, sk: &str) -> Option<Item> {
    let found = stack.clients.tables.get_item().table_name(table).key("pk", s(pk)).key("sk", s(sk)).consistent_read(true);
    found.send().await.unwrap().item
}

fn put(table: &str, item: Item) -> TransactWriteItem {
    TransactWriteItem::builder().put(Put::builder().table_name(table).set_item(Some(item)).build().unwrap()).build()
}

#[tokio::test]
async fn a_failed_condition_returns_the_old_item() {
    let Some(stack) = Stack::start("a_failed_condition_returns_the_old_item").await else { return };
    let table = table(&stack).await;
    let write = |state: &str| {
        stack
            .clients
            .tables
            .put_item()
            .table_name(&table)
            .set_item(Some(item([("pk", s("ORDER#1")), ("sk", s("LOG")), ("state", s(state))])))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(OnFailure::AllOld)
    };
    write("pending").send().await.unwrap();
    let error = write("booked").send().await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception(), "{error:?}");
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) = error else {
        panic!("another error");
    };
    assert_eq!(failed.item.unwrap()["state"], s("pending"));
    assert_eq!(get(&stack, &table, "ORDER#1", "LOG").await.unwrap()["state"], s("pending"));

    // A failed update returns the same, and a successful one returns the new item.
    let update = |expected: &str| {
        stack
            .clients
            .tables
            .update_item()
            .table_name(&table)
            .key("pk", s("ORDER#1"))
            .key("sk", s("LOG"))
            .update_expression("SET #s = :new ADD #v :one")
            .condition_expression("#s = :expected")
            .expression_attribute_names("#s", "state")
            .expression_attribute_names("#v", "version")
            .expression_attribute_values(":new", s("booked"))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":expected", s(expected))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
    };
    let error = update("cancelled").send().await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception(), "{error:?}");
    let new = update("pending").send().await.unwrap().attributes.unwrap();
    assert_eq!((&new["state"], &new["version"]), (&s("booked"), &n(1)));
}

#[tokio::test]
async fn a_cancelled_transaction_changes_nothing_and_says_why() {
    let Some(stack) = Stack::start("a_cancelled_transaction_changes_nothing_and_says_why").await else { return };
    let table = table(&stack).await;
    let there = item([("pk", s("STOCK#1")), ("sk", s("MAIN")), ("on_hand", n(2))]);
    stack.clients.tables.put_item().table_name(&table).set_item(Some(there)).send().await.unwrap();

    let take = |count: i64| {
        let update = Update::builder()
            .table_name(&table)
            .key("pk", s("STOCK#1"))
            .key("sk", s("MAIN"))
            .update_expression("SET on_hand = on_hand - :count")
            .condition_expression("on_hand >= :count")
            .expression_attribute_values(":count", n(count))
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        TransactWriteItem::builder().update(update.build().unwrap()).build()
    };
    let sale = || put(&table, item([("pk", s("SALE#1")), ("sk", s("HEAD"))]));
    let absent = || {
        let check = ConditionCheck::builder()
            .table_name(&table)
            .key("pk", s("SALE#9"))
            .key("sk", s("HEAD"))
            .condition_expression("attribute_not_exists(pk)");
        TransactWriteItem::builder().condition_check(check.build().unwrap()).build()
    };
    let write = |items: Vec<TransactWriteItem>| stack.clients.tables.transact_write_items().set_transact_items(Some(items));

    let error = write(vec![sale(), take(3), absent()]).send().await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { panic!("{error:?}") };
    let reasons = cancelled.cancellation_reasons.unwrap();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_deref().unwrap_or_default()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed", "None"]);
    assert_eq!(reasons[1].item.as_ref().unwrap()["on_hand"], n(2));
    assert!(reasons[0].item.is_none());
    assert!(get(&stack, &table, "SALE#1", "HEAD").await.is_none(), "nothing of it may stay");

    write(vec![sale(), take(2), absent()]).send().await.unwrap();
    assert_eq!(get(&stack, &table, "STOCK#1", "MAIN").await.unwrap()["on_hand"], n(0));
    assert!(get(&stack, &table, "SALE#1", "HEAD").await.is_some());
}

#[tokio::test]
async fn a_client_request_token_makes_a_transaction_happen_once() {
    let Some(stack) = Stack::start("a_client_request_token_makes_a_transaction_happen_once").await else { return };
    let table = table(&stack).await;
    let token: String = stack.name("once").chars().take(36).collect();
    let add = |count: i64| {
        let update = Update::builder()
            .table_name(&table)
            .key("pk", s("STOCK#1"))
            .key("sk", s("MAIN"))
            .update_expression("ADD on_hand :count")
            .expression_attribute_values(":count", n(count));
        let write = TransactWriteItem::builder().update(update.build().unwrap()).build();
        stack.clients.tables.transact_write_items().transact_items(write).client_request_token(&token)
    };
    for _ in 0..3 {
        add(5).send().await.unwrap();
    }
    assert_eq!(get(&stack, &table, "STOCK#1", "MAIN").await.unwrap()["on_hand"], n(5));
    let error = add(6).send().await.unwrap_err().into_service_error();
    assert!(error.is_idempotent_parameter_mismatch_exception(), "{error:?}");
}

#[tokio::test]
async fn a_transaction_can_delete_and_refuses_an_item_named_twice() {
    let Some(stack) = Stack::start("a_transaction_can_delete_and_refuses_an_item_named_twice").await else { return };
    let table = table(&stack).await;
    let pending = || item([("pk", s("ORDER#1")), ("sk", s("PENDING"))]);
    stack.clients.tables.put_item().table_name(&table).set_item(Some(pending())).send().await.unwrap();
    let delete = || {
        let delete = Delete::builder().table_name(&table).key("pk", s("ORDER#1")).key("sk", s("PENDING"));
        TransactWriteItem::builder().delete(delete.condition_expression("attribute_exists(pk)").build().unwrap()).build()
    };
    let twice = stack.clients.tables.transact_write_items().transact_items(delete()).transact_items(put(&table, pending()));
    let error = twice.send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
    stack.clients.tables.transact_write_items().transact_items(delete()).send().await.unwrap();
    assert!(get(&stack, &table, "ORDER#1", "PENDING").await.is_none());
}

#[tokio::test]
async fn of_concurrent_conditional_writers_exactly_one_wins() {
    let Some(stack) = Stack::start("of_concurrent_conditional_writers_exactly_one_wins").await else { return };
    let table = table(&stack).await;
    for round in 0..5 {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..16 {
            let (client, table) = (stack.clients.tables.clone(), table.clone());
            writers.spawn(async move {
                let log = item([("pk", s(format!("ORDER#{round}"))), ("sk", s("LOG")), ("writer", n(writer))]);
                let put = Put::builder().table_name(&table).set_item(Some(log)).condition_expression("attribute_not_exists(pk)");
                let write = TransactWriteItem::builder().put(put.build().unwrap()).build();
                match client.transact_write_items().transact_items(write).send().await {
                    Ok(_) => Some(writer),
                    Err(error) => {
                        let error = error.into_service_error();
                        assert!(error.is_transaction_canceled_exception(), "{error:?}");
                        None
                    }
                }
            });
        }
        let winners: Vec<i64> = writers.join_all().await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let kept = get(&stack, &table, &format!("ORDER#{round}"), "LOG").await.unwrap();
        assert_eq!(kept["writer"], n(winners[0]));
    }
}

#[tokio::test]
async fn consumed_capacity_is_what_the_service_charges() {
    let Some(stack) = Stack::start("consumed_capacity_is_what_the_service_charges").await else { return };
    let table = table(&stack).await;
    let plain = |pk: &str| item([("pk", s(pk)), ("sk", s("A")), ("text", s("x".repeat(500)))]);
    let units = |capacity: Option<aws_sdk_dynamodb::types::ConsumedCapacity>| capacity.unwrap().capacity_units.unwrap();
    let write = |item: Item| {
        stack.clients.tables.put_item().table_name(&table).set_item(Some(item)).return_consumed_capacity(ReturnConsumedCapacity::Total)
    };
    let close = |left: f64, right: f64| assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    close(units(write(plain("1")).send().await.unwrap().consumed_capacity), 1.0);
    let mut large = plain("2");
    large.insert("more".to_owned(), s("x".repeat(1_000)));
    close(units(write(large).send().await.unwrap().consumed_capacity), 2.0);
    let mut indexed = plain("3");
    indexed.extend(item([("status", s("pending")), ("at", s("2026-01-05")), ("total", n(1_999))]));
    close(units(write(indexed).send().await.unwrap().consumed_capacity), 2.0);

    let transaction = stack
        .clients
        .tables
        .transact_write_items()
        .transact_items(put(&table, plain("4")))
        .transact_items(put(&table, plain("5")))
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    let charged = transaction.send().await.unwrap().consumed_capacity.unwrap();
    close(charged.iter().map(|table| table.capacity_units.unwrap()).sum(), 4.0);

    let read = |consistent| {
        stack
            .clients
            .tables
            .get_item()
            .table_name(&table)
            .key("pk", s("1"))
            .key("sk", s("A"))
            .consistent_read(consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    };
    close(units(read(true).send().await.unwrap().consumed_capacity), 1.0);
    close(units(read(false).send().await.unwrap().consumed_capacity), 0.5);
}
