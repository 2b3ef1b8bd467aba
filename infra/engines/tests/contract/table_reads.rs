//! Reads: indexes, pages, batches, consistency.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};

use crate::tables::table;
use crate::{Item, Stack, item, n, s};

async fn fill(stack: &Stack, table: &str, items: Vec<Item>) {
    for chunk in items.chunks(25) {
        let writes = chunk.iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        let written = stack.clients.tables.batch_write_item().request_items(table, writes.collect()).send().await.unwrap();
        assert!(written.unprocessed_items.unwrap_or_default().is_empty());
    }
}

fn sale(number: u32, status: Option<&str>) -> Item {
    let mut sale = item([
        ("pk", s(format!("SALE#{number}"))),
        ("sk", s("HEAD")),
        ("at", s(format!("2026-01-05T{number:04}"))),
        ("total", n(i64::from(number))),
        ("note", s("not projected")),
    ]);
    if let Some(status) = status {
        sale.insert("status".to_owned(), s(status));
    }
    sale
}

#[tokio::test]
async fn an_index_is_sparse_sorted_and_holds_what_it_projects() {
    let Some(stack) = Stack::start("an_index_is_sparse_sorted_and_holds_what_it_projects").await else { return };
    let table = table(&stack).await;
    fill(&stack, &table, vec![sale(2, Some("open")), sale(1, Some("open")), sale(3, None), sale(4, Some("done"))]).await;
    let query = || {
        stack
            .clients
            .tables
            .query()
            .table_name(&table)
            .index_name("by_status")
            .key_condition_expression("#s = :open")
            .expression_attribute_names("#s", "status")
            .expression_attribute_values(":open", s("open"))
    };
    let found = query().send().await.unwrap().items.unwrap();
    assert_eq!(found.iter().map(|item| &item["pk"]).collect::<Vec<_>>(), [&s("SALE#1"), &s("SALE#2")]);
    let names: BTreeSet<&str> = found[0].keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["pk", "sk", "status", "at", "total"]));

    // Removed from the index by the removal of its key attribute.
    let remove = stack.clients.tables.update_item().table_name(&table).key("pk", s("SALE#1")).key("sk", s("HEAD"));
    remove.update_expression("REMOVE #s").expression_attribute_names("#s", "status").send().await.unwrap();
    assert_eq!(query().send().await.unwrap().count, 1);

    let error = query().consistent_read(true).send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationException"), "an index has no consistent read: {error:?}");
}

#[tokio::test]
async fn pages_give_every_item_once_in_both_directions() {
    let Some(stack) = Stack::start("pages_give_every_item_once_in_both_directions").await else { return };
    let table = table(&stack).await;
    fill(&stack, &table, (0..57).map(|number| sale(number, Some("open"))).collect()).await;
    for forward in [true, false] {
        let mut seen = Vec::new();
        let mut start: Option<Item> = None;
        let mut pages = 0;
        loop {
            let page = stack
                .clients
                .tables
                .query()
                .table_name(&table)
                .index_name("by_status")
                .key_condition_expression("#s = :open")
                .expression_attribute_names("#s", "status")
                .expression_attribute_values(":open", s("open"))
                .scan_index_forward(forward)
                .limit(10)
                .set_exclusive_start_key(start)
                .send()
                .await
                .unwrap();
            seen.extend(page.items.unwrap().into_iter().map(|item| item["total"].as_n().unwrap().parse::<u32>().unwrap()));
            pages += 1;
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        assert_eq!(pages, 6);
        let mut expected: Vec<u32> = (0..57).collect();
        if !forward {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
}

/// A page ends at 1 MB of read items, for every limit.
#[tokio::test]
async fn a_page_ends_at_one_megabyte() {
    let Some(stack) = Stack::start("a_page_ends_at_one_megabyte").await else { return };
    let table = table(&stack).await;
    for number in 0..5 {
        let large = item([("pk", s("SALE#1")), ("sk", s(format!("LINES#{number}"))), ("data", s("x".repeat(300_000)))]);
        stack.clients.tables.put_item().table_name(&table).set_item(Some(large)).send().await.unwrap();
    }
    let page = stack
        .clients
        .tables
        .query()
        .table_name(&table)
        .key_condition_expression("pk = :pk AND begins_with(sk, :lines)")
        .expression_attribute_values(":pk", s("SALE#1"))
        .expression_attribute_values(":lines", s("LINES#"))
        .send()
        .await
        .unwrap();
    assert!((3..5).contains(&page.count), "{}", page.count);
    assert!(page.last_evaluated_key.is_some());
}

#[tokio::test]
async fn batches_have_their_limits() {
    let Some(stack) = Stack::start("batches_have_their_limits").await else { return };
    let table = table(&stack).await;
    fill(&stack, &table, (0..100).map(|number| sale(number, None)).collect()).await;

    let get = |count: u32| {
        let keys = (0..count).map(|number| item([("pk", s(format!("SALE#{number}"))), ("sk", s("HEAD"))]));
        let keys = KeysAndAttributes::builder().set_keys(Some(keys.collect())).consistent_read(true).build().unwrap();
        stack.clients.tables.batch_get_item().request_items(&table, keys)
    };
    let found = get(100).send().await.unwrap();
    assert_eq!(found.responses.unwrap()[&table].len(), 100);
    assert!(found.unprocessed_keys.unwrap_or_default().is_empty());
    let error = get(101).send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationException"), "{error:?}");

    let write = |numbers: Vec<u32>| {
        let writes = numbers.into_iter().map(|number| {
            let put = PutRequest::builder().set_item(Some(sale(number, None))).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        stack.clients.tables.batch_write_item().request_items(&table, writes.collect())
    };
    write((0..25).collect()).send().await.unwrap();
    for refused in [(0..26).collect(), vec![1, 1]] {
        let error = write(refused).send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
    }
}

#[tokio::test]
async fn a_consistent_read_sees_the_write_before_it() {
    let Some(stack) = Stack::start("a_consistent_read_sees_the_write_before_it").await else { return };
    let table = table(&stack).await;
    for version in 0..20 {
        let cursor = item([("pk", s("CURSOR")), ("sk", s("orders")), ("version", n(version))]);
        stack.clients.tables.put_item().table_name(&table).set_item(Some(cursor)).send().await.unwrap();
        assert_eq!(crate::tables::get(&stack, &table, "CURSOR", "orders").await.unwrap()["version"], n(version));
    }
}

/// Numbers keep 38 digits: the store never rounds money and quantities.
#[tokio::test]
async fn numbers_keep_their_digits() {
    let Some(stack) = Stack::start("numbers_keep_their_digits").await else { return };
    let table = table(&stack).await;
    for number in ["0.1", "12345678901234567890.123456789012345678", "-0.00000000000000000001", "9007199254740993"] {
        let value = aws_sdk_dynamodb::types::AttributeValue::N(number.to_owned());
        let put = item([("pk", s("N")), ("sk", s(number)), ("value", value.clone())]);
        stack.clients.tables.put_item().table_name(&table).set_item(Some(put)).send().await.unwrap();
        assert_eq!(crate::tables::get(&stack, &table, "N", number).await.unwrap()["value"], value);
    }
}
