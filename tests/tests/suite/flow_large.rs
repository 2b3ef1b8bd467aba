//! Large orders, and many orders at the same time (docs/requirements.md, sections 5 and 6).

use std::fmt::Write as _;

use jiff::SignedDuration;
use stevedore_aws::List;
use stevedore_domain::log::Outcome;
use stevedore_domain::reason::Reason;
use stevedore_sandbox::{Draft, Fault, Json, Rule, SandboxOptions};

use crate::flow::{accounted, item, plain, with};
use crate::world::{Options, World, dec, order_id};

/// Text that does not compress: hexadecimal digits of a small generator, so that the test is the
/// same each time.
fn noise(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        write!(text, "{state:016x}").unwrap();
    }
    text.truncate(length);
    text
}

fn many_lines(lines: usize) -> Draft {
    let mut draft = Draft::new("large").tax(dec("123.45")).shipping(dec("9.99"));
    for line in 0..lines {
        draft = draft.line(&format!("SKU-{line}"), 1 + i64::try_from(line % 7).unwrap(), dec("3.335"));
    }
    draft
}

/// An order whose sale is larger than an item, compressed.
pub fn huge() -> Json {
    let lines = 46;
    with(&many_lines(lines), |order| {
        for line in 0..lines {
            let option = format!(r#"[{{"name":"Engraving","value":"{}"}}]"#, noise(line as u64 + 1, 20_000));
            item(order, line).set("options", option.parse::<Json>().unwrap());
        }
    })
}

/// An order of 1,200 lines, which is more than a transaction holds, becomes one sale, equal to the
/// cent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_1200_lines_is_one_sale() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(many_lines(1_200));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    let sale = world.sale(order).await;
    assert_eq!((sale.lines.len(), sale.tax.0), (1_200, 12_345));
    let total = world.sandbox.order(order).unwrap().total().unwrap();
    assert_eq!(sale.currency.decimal(sale.total), total);
    let last = sale.lines.last().unwrap();
    assert_eq!((last.line_no, last.sku.as_deref(), last.quantity), (1_200, Some("SKU-1199"), 1 + 1_199 % 7));
    assert_eq!(world.next_hour().await.counts.of(Outcome::Unchanged), 1);
}

/// A sale that is larger than an item, compressed: in chunks, read back unchanged, also when the
/// entry is deleted and the sale is found again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_larger_than_an_item_is_read_back_equal() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(huge());
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 1, "{:?}", world.rows(&operation).await);
    let sale = world.sale(order).await;
    assert_eq!(sale.total, sale.sum_of_parts());
    for (index, line) in sale.lines.iter().enumerate() {
        assert_eq!(line.comment.as_deref(), Some(format!("Engraving: {}", noise(index as u64 + 1, 20_000)).as_str()));
    }
    let stored = world.table.log_entry(order_id(order)).await.unwrap().unwrap();
    assert_eq!(world.table.newest_order(&stored).await.unwrap().unwrap().get(), &*world.sandbox.order(order).unwrap().text);
    assert_eq!(world.sales().await.len(), 1);
    world.table.delete_log_entry(order_id(order)).await.unwrap();
    world.next_hour().await;
    assert_eq!(world.sale(order).await, sale);
    assert_eq!(world.sales().await.len(), 1);
}

/// A page of sales in every kind of place, with more in chunks than are read at a time: in the
/// order of the list, each with its own id. Also after log entries were deleted, so that sales are
/// in the list without them (S150).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s150_a_page_of_large_and_small_sales_keeps_its_order() {
    let world = World::new(Options::default()).await;
    let mut expected = Vec::new();
    for number in 0..24 {
        let small = plain(&number.to_string());
        let large = with(&small, |order| {
            let option = format!(r#"[{{"name":"Engraving","value":"{}"}}]"#, noise(number + 1, 20_000));
            item(order, 0).set("options", option.parse::<Json>().unwrap());
        });
        let order = if number % 6 == 0 { world.sandbox.upsert_order(small) } else { world.sandbox.upsert_order(large) };
        world.clock.advance(SignedDuration::from_secs(1));
        world.download_now().await;
        expected.insert(0, world.sale(order).await);
        if number % 2 == 0 {
            world.table.delete_log_entry(order_id(order)).await.unwrap();
        }
    }
    let page = world.table.list_sales(&List { limit: 100, ..List::default() }).await.unwrap();
    assert_eq!(
        page.items.iter().map(|stored| &stored.sale.id).collect::<Vec<_>>(),
        expected.iter().map(|sale| &sale.id).collect::<Vec<_>>()
    );
    assert!(page.items.iter().zip(&expected).all(|(stored, sale)| stored.sale == *sale), "a sale stands at another's place");
    let by_id = world.table.sales(expected.iter().map(|sale| sale.id.clone())).await.unwrap();
    assert_eq!(by_id.len(), 24);
    assert!(page.items.iter().all(|stored| by_id.get(&stored.sale.id) == Some(stored)));
}

/// Larger than a packed message can be: a failed row with advice, and the other orders of its page
/// are booked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_larger_than_a_message_fails_alone() {
    let world = World::new(Options::default()).await;
    let other = world.sandbox.upsert_order(plain("other"));
    let huge = world.sandbox.upsert_order(with(&plain("huge"), |order| order.set("customerNotes", noise(7, 2_500_000))));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, huge).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Failed), Some(Reason::OrderTooLarge)));
    assert_eq!(world.sale(other).await.total.0, 1000);
}

/// More than 500 orders with one `modifyDate` are all captured, and the next hour finds none. A
/// note changes no booked value.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_a_page_of_one_second_is_captured() {
    let world = World::new(Options::default()).await;
    for number in 0..530 {
        world.sandbox.upsert_order(plain(&number.to_string()).status(if number % 40 == 0 {
            "awaiting_shipment"
        } else {
            "awaiting_payment"
        }));
    }
    world.clock.advance(SignedDuration::from_secs(1));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.of(Outcome::Waiting)), (14, 516));
    // All of them change in one bulk edit, which also pays some.
    world.clock.advance(SignedDuration::from_mins(10));
    for (number, order) in world.sandbox.orders().into_iter().enumerate() {
        world.sandbox.edit_order(order.id, |order| {
            order.set("internalNotes", "checked");
            if number % 10 == 9 {
                order.set("orderStatus", "awaiting_shipment");
            }
        });
    }
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    let counts = [Outcome::Captured, Outcome::Updated, Outcome::Waiting].map(|outcome| operation.counts.of(outcome));
    assert_eq!((counts, operation.counts.total()), ([53, 0, 463], 530));
    assert_eq!(world.sales().await.len(), 67);
}

/// Orders that are edited while the pages are read: none is missed, and each is captured once, in
/// its newest state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_while_pages_are_read_hide_nothing() {
    for inclusive in [true, false] {
        let sandbox = Box::new(move |options: &mut SandboxOptions| options.modify_start_inclusive = inclusive);
        let world = World::new(Options { sandbox, ..Options::default() }).await;
        for number in 0..1_020 {
            if number % 3 == 0 {
                world.clock.advance(SignedDuration::from_secs(1));
            }
            world.sandbox.upsert_order(plain(&number.to_string()).status(if number % 100 == 0 {
                "awaiting_shipment"
            } else {
                "awaiting_payment"
            }));
        }
        world.clock.advance(SignedDuration::from_mins(1));
        world.sandbox.faults().add(Rule::times(Fault::EditWhileReading, 20).on("/orders"));
        let operation = world.download().await;
        accounted(&world, &operation).await;
        assert!(world.sandbox.faults().list()[0].struck > 0, "no order was edited");
        assert_eq!(operation.counts.total(), 1_020);
        assert_eq!(world.sales().await.len(), 11);
    }
}
