//! Queues that refuse entries, and invocations that run out of time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stevedore_aws::messages::OrderMessage;
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::{Operation, OperationState};
use stevedore_domain::pacific::PacificTime;
use stevedore_engines::{EntryFault, Fault};
use stevedore_lambda::Deadline;
use stevedore_sandbox::{Draft, Rule};
use stevedore_shipstation::parse_order;

use super::breaker::Plan;
use super::end::{check_counts, end, operations};
use super::process::{RECOVERY, Shop};
use crate::bound::Bound;
use crate::world::{Options, dec, sqs_event};

const FIRST: i64 = 730_000;

fn draft(number: i64) -> Draft {
    let buyer = format!("buyer-{}@example.com", number % 7);
    Draft::new(format!("H-{number}"))
        .id(FIRST + number)
        .buyer(Some(930 + number % 7), Some(&buyer))
        .line("MUG", 2, dec("19.99"))
        .tax(dec("3.20"))
}

/// Orders a second apart, up to ten minutes ago. Orders with another `status` are not captured.
fn stock(shop: &Shop, orders: i64, status: impl Fn(i64) -> &'static str) {
    let first = shop.now() - SignedDuration::from_mins(10) - SignedDuration::from_secs(orders);
    for number in 0..orders {
        let at = first + SignedDuration::from_secs(number);
        shop.world.sandbox.upsert_order_at(draft(number).status(status(number)), at, at);
    }
}

/// The orders whose messages are in the queue. The messages stay there.
async fn in_queue(shop: &Shop) -> BTreeSet<u64> {
    let mut orders = BTreeSet::new();
    let mut bound = Bound::of("the orders queue");
    loop {
        bound.turn();
        let messages = shop.world.queues.receive(&shop.world.queues.urls().orders, 0).await.unwrap();
        if messages.is_empty() {
            return orders;
        }
        for message in messages {
            let message = OrderMessage::decode(&message.body).unwrap();
            orders.insert(parse_order(message.order.get(), None).unwrap().order.id.0);
        }
    }
}

async fn reached(shop: &Shop) -> Option<PacificTime> {
    shop.world.table.cursor().await.unwrap().value.reached
}

fn holds(number: i64) -> impl Fn(&stevedore_engines::BatchEntry<'_>) -> bool + Send + Sync {
    let text = format!("\"H-{number}\"");
    move |entry| entry.body.contains(&text)
}

/// S113, S117, N12: entries of a batch that SQS refuses temporarily are sent again within the same
/// run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_entries_that_sqs_refuses_are_sent_again() {
    let shop = Shop::new(Options::default()).await;
    stock(&shop, 25, |_| "awaiting_shipment");
    let faults = shop.world.engines.faults();
    faults.fail_entries("SendMessageBatch", 2, EntryFault::internal(), holds(7));
    faults.fail_entries("SendMessageBatch", 5, EntryFault::internal(), |entry| entry.index % 2 == 0);
    let answer = shop.tick(&shop.tick_event()).await.unwrap();
    assert_eq!(answer["state"], "processing");
    shop.drain().await;
    let end = end(&shop).await;
    end.check();
    assert_eq!(end.sales.len(), 25);
}

/// P2, S113, N12: the cursor never moves past an order that is not queued, if SQS refuses its entry
/// or the whole call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_the_cursor_never_passes_an_order_that_is_not_queued() {
    type Break = fn(&Shop);
    // A permanent refusal affects one order alone; other tests show it.
    let refusals: [Break; 3] = [
        |shop| shop.world.engines.faults().fail_entries("SendMessageBatch", u32::MAX, EntryFault::internal(), holds(505)),
        // Refused as a whole, and accepted without a reply as often as the SDK tries.
        |shop| {
            let fault = Fault::Error { status: 500, code: "InternalError".to_owned() };
            shop.world.engines.faults().fail_next("SendMessageBatch", 200, fault);
        },
        |shop| shop.world.engines.faults().fail_next("SendMessageBatch", 200, Fault::LostReply),
    ];
    // A page of 500 with few captured orders, and a second page of which all are captured.
    let few = |number: i64| if number < 490 { "cancelled" } else { "awaiting_shipment" };
    for (case, refuse) in refusals.into_iter().enumerate() {
        let mut shop = Shop::new(Options::default()).await;
        stock(&shop, 510, few);
        refuse(&shop);
        let began = shop.now();
        shop.tick(&shop.tick_event()).await.unwrap_err();
        // Everything before the cursor is queued or needs no queue.
        let queued = in_queue(&shop).await;
        let reached_first = reached(&shop).await;
        for order in shop.world.sandbox.orders() {
            let passed = reached_first.is_some_and(|reached| PacificTime::at(order.modified) <= reached);
            assert!(!passed || order.status == "cancelled" || queued.contains(&u64::try_from(order.id).unwrap()), "case {case}: {order:?}");
        }
        assert_eq!(reached_first.is_some(), case < 1, "case {case}");
        // An hour later there are no faults: nothing is lost, nothing comes twice, and the run that
        // ended early has a reason.
        shop.world.engines.faults().clear();
        shop.start(Plan::Count);
        shop.world.clock.advance(RECOVERY);
        shop.tick(&shop.tick_event()).await.unwrap();
        shop.drain().await;
        let end = end(&shop).await;
        end.check();
        assert_eq!(end.sales.len(), 20, "case {case}");
        for (operation, rows) in operations(&shop).await {
            check_counts(&operation, &rows, "after a refusal");
            if operation.started_at == began {
                assert_eq!(operation.state, OperationState::Failed, "{operation:?}");
                assert!(operation.reason.is_some() && operation.message.is_some(), "{operation:?}");
            } else {
                assert_eq!(operation.counts.total(), 510, "case {case}: {operation:?}");
            }
        }
    }
}

/// The only operation.
async fn only_operation(shop: &Shop) -> Operation {
    let mut operations = operations(shop).await;
    assert_eq!(operations.len(), 1);
    let (operation, rows) = operations.remove(0);
    check_counts(&operation, &rows, "the only operation");
    operation
}

/// S113, S117, N11: a download with time for one page an invocation continues in further
/// invocations, and ends like one with time for all pages. Another tick in between does not replace
/// it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s117_a_download_with_time_for_a_page_an_invocation_hands_on() {
    let some = |number: i64| if number % 40 == 0 { "awaiting_shipment" } else { "cancelled" };
    let at_once = Shop::new(Options::default()).await;
    stock(&at_once, 1_100, some);
    at_once.tick(&at_once.tick_event()).await.unwrap();
    at_once.drain().await;
    let (expected, operation) = (end(&at_once).await, only_operation(&at_once).await);
    assert_eq!((operation.state, operation.counts.total()), (OperationState::Completed, 1_100));

    // Few requests in a minute, and never a whole minute.
    let slow = Shop::new(Options { sandbox: Box::new(|options| options.requests_per_minute = Some(1)), ..Options::default() }).await;
    stock(&slow, 1_100, some);
    let deadline = || Deadline::after(slow.now(), Duration::from_secs(50));
    let answer = fetch_orders::handle(&slow.fetch, slow.tick_event(), deadline()).await.unwrap();
    assert_eq!(answer["state"], "running");
    let mut invocations = 1;
    loop {
        assert_eq!(slow.tick(&slow.tick_event()).await.unwrap()["ran"], false, "a tick took the place of the one that goes on");
        slow.world.clock.advance(SignedDuration::from_secs(60));
        if slow.deliver_commands(deadline()).await == 0 {
            break;
        }
        invocations += 1;
        assert!(invocations < 30, "it never comes to its end");
    }
    assert!(invocations >= 3, "{invocations} invocations");
    slow.drain().await;
    let handed_on = only_operation(&slow).await;
    assert_eq!((handed_on.state, &handed_on.counts), (OperationState::Completed, &operation.counts));
    assert_eq!(handed_on.counts.of(Outcome::Captured), 28);
    end(&slow).await.compare(&expected, "handed on");
}

/// A first download that reads a page and sends a continuation.
async fn hand_on(plan: Plan) -> (Shop, bool) {
    let mut shop = Shop::new(Options { sandbox: Box::new(|options| options.requests_per_minute = Some(2)), ..Options::default() }).await;
    stock(&shop, 520, |number| if number % 40 == 0 { "awaiting_shipment" } else { "cancelled" });
    shop.start(plan);
    let answer = fetch_orders::handle(&shop.fetch, shop.tick_event(), Deadline::after(shop.now(), Duration::from_secs(50))).await;
    (shop, answer.is_ok())
}

/// S117, N12: the invocation that sends the continuation dies before or after it writes its
/// position, and before or after it sends the command. The command or the next tick continues the
/// download.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_a_download_that_dies_while_it_hands_on_goes_on() {
    let (shop, done) = hand_on(Plan::Count).await;
    let operation = operations(&shop).await.remove(0).0;
    assert!(done && operation.position.is_some(), "no page was read: {operation:?}");
    // The last two writes do not fail the download: the record of its end, and the walk over the
    // ids of sales.
    let last = shop.breaker.writes() - 2;
    for plan in [Plan::StopBefore(last - 1), Plan::StopAfter(last - 1), Plan::StopBefore(last), Plan::StopAfter(last)] {
        let (mut shop, done) = hand_on(plan.clone()).await;
        assert!(shop.breaker.stopped() && !done, "{plan:?} missed");
        shop.start(Plan::Count);
        // Its message, if any, is delivered before the next tick.
        for _ in 0..3 {
            shop.world.clock.advance(SignedDuration::from_mins(2));
            shop.drain().await;
        }
        shop.world.clock.advance(RECOVERY);
        shop.tick(&shop.tick_event()).await.unwrap();
        shop.drain().await;
        let end = end(&shop).await;
        end.check();
        assert_eq!(end.sales.len(), 13, "{plan:?}");
        for (operation, rows) in operations(&shop).await {
            check_counts(&operation, &rows, "after handing on");
        }
    }
}

/// S67, P4: if a store's name becomes the sales representative, no order is queued while
/// ShipStation's stores cannot be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s67_orders_wait_for_the_name_of_their_store_where_sales_need_it() {
    let shop = Shop::new(Options::default()).await;
    shop.world.settings(|settings| settings.store_name_as_sales_rep = true).await;
    stock(&shop, 2, |_| "awaiting_shipment");
    shop.world.sandbox.faults().add(Rule::times(stevedore_sandbox::Fault::Html, 50).on("/stores"));
    assert_eq!(shop.tick(&shop.tick_event()).await.unwrap()["state"], "failed");
    assert!(in_queue(&shop).await.is_empty() && reached(&shop).await.is_none());
    shop.world.sandbox.faults().clear();
    shop.world.clock.advance(RECOVERY);
    shop.tick(&shop.tick_event()).await.unwrap();
    shop.drain().await;
    let sales = shop.world.sales().await;
    assert_eq!(sales.len(), 2);
    assert!(sales.iter().all(|stored| stored.sale.sales_representative.is_some()), "{sales:?}");
}

/// S117, P4: a batch that runs out of time returns only the messages that it has not begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s117_a_batch_without_time_gives_its_messages_back() {
    let mut shop = Shop::new(Options::default()).await;
    stock(&shop, 10, |_| "awaiting_shipment");
    shop.tick(&shop.tick_event()).await.unwrap();
    let url = shop.world.queues.urls().orders.clone();
    let messages = shop.world.queues.receive(&url, 0).await.unwrap();
    assert_eq!(messages.len(), 10);
    let nearly_over = Deadline::after(shop.now(), Duration::from_secs(1));
    let answer = process_orders::handle(&shop.process, sqs_event(&messages), nearly_over).await.unwrap();
    assert_eq!(answer.batch_item_failures.len(), 10);
    assert!(shop.world.log().await.is_empty());

    // A clock that advances at every reading: some messages are begun in time.
    let start = shop.now().as_millisecond();
    let looks = Arc::new(AtomicI64::new(0));
    let moving = shop.process.clone();
    let moving = process_orders::Deps {
        clock: Arc::new(move || Timestamp::from_millisecond(start + 250 * looks.fetch_add(1, Ordering::SeqCst)).unwrap()),
        ..moving
    };
    let answer = process_orders::handle(&moving, sqs_event(&messages), Deadline::after(shop.now(), Duration::from_secs(5))).await.unwrap();
    let given_back = answer.batch_item_failures.len();
    assert!((1..10).contains(&given_back), "{given_back} given back");
    assert_eq!(shop.world.sales().await.len(), 10 - given_back);

    shop.start(Plan::Count);
    shop.world.clock.advance(RECOVERY);
    shop.drain().await;
    let end = end(&shop).await;
    end.check();
    assert_eq!(end.sales.len(), 10);
}
