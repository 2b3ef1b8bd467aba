//! Messages that are delivered more than once, at once, out of order, and again from the dead
//! letters; concurrent ticks.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use stevedore_aws::messages::OrderMessage;
use stevedore_aws::{List, ReceivedMessage};
use stevedore_domain::ids::OrderId;
use stevedore_domain::log::{LogState, Outcome, Trigger};
use stevedore_domain::operation::OperationState;
use stevedore_domain::order::Revision;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::Customer;
use stevedore_domain::settings::{Consolidation, LocalTime};
use stevedore_domain::warning::Warning;
use stevedore_sandbox::{Draft, Json};
use stevedore_shipstation::parse_order;

use super::breaker::{Breaker, Plan};
use super::end::{end, operations};
use super::process::{RECOVERY, Shop};
use crate::bound::Bound;
use crate::world::{Options, dec, sqs_event};

const ORDER: i64 = 710_001;

fn draft(id: i64) -> Draft {
    Draft::new(format!("D-{id}")).id(id).buyer(Some(910), Some("casey@example.com")).line("MUG", 2, dec("19.99")).tax(dec("3.20"))
}

/// Takes the messages that `fetch-orders` queued off the queue.
async fn queued(shop: &Shop) -> Vec<String> {
    let url = &shop.world.queues.urls().orders;
    let mut bodies = Vec::new();
    let mut bound = Bound::of("the orders queue");
    loop {
        bound.turn();
        let messages = shop.world.queues.receive(url, 0).await.unwrap();
        if messages.is_empty() {
            return bodies;
        }
        let handles: Vec<String> = messages.iter().map(|message| message.receipt_handle.clone()).collect();
        shop.world.queues.delete(url, &handles).await.unwrap();
        bodies.extend(messages.into_iter().map(|message| message.body));
    }
}

/// Received messages, each with an id of its own.
pub(super) fn messages(bodies: &[String], from: usize) -> Vec<ReceivedMessage> {
    let message = |(number, body): (usize, &String)| ReceivedMessage {
        message_id: format!("message-{}", from + number),
        receipt_handle: format!("handle-{}", from + number),
        body: body.clone(),
        receive_count: 1,
        trace: None,
    };
    bodies.iter().enumerate().map(message).collect()
}

async fn customers(shop: &Shop) -> usize {
    shop.world.table.list_records::<Customer>(&List { limit: 100, ..List::default() }).await.unwrap().items.len()
}

/// P1, S117, N12: ten concurrent batches with the same orders of one new buyer, and ten copies in
/// one batch, make one sale for each order and one customer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s117_the_same_message_ten_times_at_once_is_one_sale() {
    let shop = Shop::new(Options::default()).await;
    let orders = [ORDER, ORDER + 1, ORDER + 2];
    for order in orders {
        shop.world.sandbox.upsert_order(draft(order));
    }
    shop.tick(&shop.tick_event()).await.unwrap();
    let bodies = queued(&shop).await;
    assert_eq!(bodies.len(), orders.len());
    let mut copies = tokio::task::JoinSet::new();
    for copy in 0..10 {
        let (process, deadline) = (shop.process.clone(), shop.world.deadline());
        let event = sqs_event(&messages(&bodies, copy * 10));
        copies.spawn(async move { process_orders::handle(&process, event, deadline).await });
    }
    // A batch that loses too many conflicts returns its message, which is delivered again.
    while let Some(answer) = copies.join_next().await {
        answer.unwrap().unwrap();
    }
    let ten: Vec<String> = std::iter::repeat_n(bodies[0].clone(), 10).chain(bodies.clone()).collect();
    let answer = process_orders::handle(&shop.process, sqs_event(&messages(&ten, 500)), shop.world.deadline()).await.unwrap();
    assert!(answer.batch_item_failures.is_empty());

    let end = end(&shop).await;
    end.check();
    assert_eq!(end.sales.len(), orders.len());
    assert_eq!(customers(&shop).await, 1);
    for order in orders {
        let entry = shop.world.logged(order).await.unwrap();
        assert_eq!((entry.state, entry.timeline.len(), entry.revisions.len()), (LogState::Booked, 1, 1), "{entry:?}");
    }
}

/// Four revisions of one order, a minute apart, and the same text again after the third.
fn revisions(start: Timestamp) -> Vec<(String, Revision)> {
    let modified = |minute: i64| {
        let at = jiff::tz::TimeZone::get("America/Los_Angeles").unwrap().to_datetime(start + SignedDuration::from_mins(minute));
        at.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string()
    };
    let changes: [fn(Draft) -> Draft; 4] = [
        |draft| draft,
        |draft| draft.line("LID", 1, dec("4.00")),
        |draft| draft.line("LID", 3, dec("4.00")).shipping(dec("6.50")),
        |draft| draft.line("LID", 3, dec("4.00")).shipping(dec("6.50")).status("shipped"),
    ];
    let text = |(minute, change): (i64, fn(Draft) -> Draft)| {
        let mut order = Json::from(change(draft(ORDER)));
        for item in order.get_mut("items").and_then(Json::elements_mut).unwrap() {
            item.set("orderItemId", 1);
        }
        order.set("createDate", modified(0).as_str());
        order.set("modifyDate", modified(minute).as_str());
        let text = order.to_string();
        let revision = parse_order(&text, None).unwrap();
        (text, revision)
    };
    (0..).zip(changes).map(text).collect()
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let rest: Vec<usize> = [&items[..place], &items[place + 1..]].concat();
        all.extend(permutations(&rest).into_iter().map(|mut tail| {
            tail.insert(0, *item);
            tail
        }));
    }
    all
}

/// One order's revisions in every sequence; every permutation has an order of its own. Returns the
/// log's entries by permutation.
async fn deliver_permuted(shop: &Shop) -> Vec<(Vec<usize>, u64)> {
    let revisions = revisions(shop.now() - SignedDuration::from_hours(1));
    let mut delivered = Vec::new();
    for (number, permutation) in permutations(&[0, 1, 2, 3]).into_iter().enumerate() {
        let id = 720_000 + u64::try_from(number).unwrap();
        for place in &permutation {
            let text = revisions[*place].0.replace(&ORDER.to_string(), &id.to_string());
            let order = serde_json::from_str(&text).unwrap();
            // All were read when they were new, and arrived late.
            let read_at = Some(revisions[*place].1.key.modified_at + SignedDuration::from_secs(5));
            let message = OrderMessage {
                operation_id: "op".into(),
                account: stevedore_domain::ids::ShipstationAccount::FIRST,
                trigger: Trigger::Schedule,
                read_at,
                order,
                alike: Vec::new(),
            };
            let event = sqs_event(&messages(&[message.encode().unwrap().unwrap()], 0));
            let answer = process_orders::handle(&shop.process, event, shop.world.deadline()).await.unwrap();
            assert!(answer.batch_item_failures.is_empty());
        }
        delivered.push((permutation, id));
    }
    delivered
}

/// S117, N12: for every sequence of arrival, the newest revision is pending in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_a_pending_order_is_its_newest_revision_in_whatever_order_they_come() {
    let shop = Shop::new(Options::default()).await;
    let customer = shop.world.table.put_customer(&known_customer(shop.now()), None).await.unwrap();
    assert_eq!(customer, stevedore_aws::RecordOutcome::Written(1));
    shop.world
        .settings(|settings| {
            settings.consolidation = Consolidation::Daily;
            settings.consolidation_time = LocalTime::parse("02:30");
            settings.customer_id = Some("walk-in".into());
        })
        .await;
    let newest = revisions(shop.now() - SignedDuration::from_hours(1)).pop().unwrap().1;
    for (permutation, id) in deliver_permuted(&shop).await {
        let stored = shop.world.table.log_entry(OrderId(id)).await.unwrap().unwrap();
        let entry = &stored.entry;
        assert_eq!(entry.state, LogState::Pending, "{permutation:?}");
        assert_eq!(entry.newest().unwrap().modified_at, newest.key.modified_at, "{permutation:?}");
        assert_eq!(entry.order_total.unwrap().0, 6168, "{permutation:?}");
        let kept = shop.world.table.newest_order(&stored).await.unwrap().unwrap();
        assert!(kept.get().contains("\"shipped\""), "{permutation:?}");
    }
    assert!(shop.world.sales().await.is_empty());
}

fn known_customer(now: Timestamp) -> Customer {
    Customer {
        id: "walk-in".into(),
        name: "Walk-in".to_owned(),
        email: None,
        phone: None,
        company: None,
        billing_address: stevedore_domain::address::Address::default(),
        business_address: stevedore_domain::address::Address::default(),
        revenue_account: None,
        created_at: now,
    }
}

/// P1, S108, S117: without consolidation the first revision to arrive is booked, once. Newer ones
/// are recorded, and older ones change nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s117_a_booked_order_is_not_touched_by_older_revisions() {
    let shop = Shop::new(Options::default()).await;
    let totals = [4318, 4718, 6168, 6168];
    let delivered = deliver_permuted(&shop).await;
    let sales: BTreeMap<u64, i64> =
        shop.world.sales().await.into_iter().map(|stored| (stored.sale.source.order().unwrap().order_id.0, stored.sale.total.0)).collect();
    assert_eq!(sales.len(), delivered.len());
    for (permutation, id) in delivered {
        let stored = shop.world.table.log_entry(OrderId(id)).await.unwrap().unwrap();
        let noted = |warning: &Warning| warning.reason == Reason::ChangedAfterBooking;
        assert_eq!(stored.entry.state, LogState::Booked);
        assert_eq!(sales[&id], totals[permutation[0]], "{permutation:?}");
        // The third and the newest differ only by shipping, which is no change.
        assert_eq!(stored.entry.warnings.iter().any(noted), permutation[0] < 2, "{permutation:?} {:?}", stored.entry.warnings);
        assert_eq!(stored.entry.order_total.unwrap().0, totals[3], "{permutation:?}");
        let kept = shop.world.table.newest_order(&stored).await.unwrap().unwrap();
        assert!(kept.get().contains("\"shipped\""), "{permutation:?}");
    }
}

/// P1, N12: a message that died in five deliveries becomes a dead letter. Redriven, also by a
/// redrive that dies half way, it becomes one sale; a second redrive changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_a_redriven_dead_letter_changes_nothing_twice() {
    let mut shop = Shop::new(Options::default()).await;
    let orders = [ORDER, ORDER + 1, ORDER + 2];
    for order in orders {
        shop.world.sandbox.upsert_order(draft(order));
    }
    shop.tick(&shop.tick_event()).await.unwrap();
    let dead_letters = shop.world.queues.urls().dead_letters.clone();
    let depth = async |shop: &Shop| shop.world.queues.depth(&dead_letters).await.unwrap().total();
    for _ in 0..6 {
        shop.start(Plan::StopBefore(1));
        shop.deliver_orders(shop.world.deadline()).await;
        shop.world.clock.advance(RECOVERY);
    }
    assert_eq!(depth(&shop).await, 3);

    // A redrive that dies after the first message was sent and before it was deleted.
    let breaker = Breaker::new(shop.world.engines.faults(), Plan::StopAfter(1));
    shop.queues_behind(&breaker).redrive(None).await.unwrap_err();
    assert!(breaker.stopped());
    shop.start(Plan::Count);
    shop.world.clock.advance(RECOVERY);
    assert_eq!(shop.world.queues.redrive(None).await.unwrap().moved, 3);
    shop.drain().await;
    let again = async |shop: &Shop| {
        shop.world.clock.advance(RECOVERY);
        shop.tick(&shop.tick_event()).await.unwrap();
        shop.drain().await;
    };
    again(&shop).await;
    let first = end(&shop).await;
    first.check();
    assert_eq!(first.sales.len(), 3);
    assert_eq!(customers(&shop).await, 1);

    // The same orders once more, by the next tick and by hand.
    again(&shop).await;
    let loaded = shop.world.load_number(&format!("D-{ORDER}")).await;
    assert_eq!(loaded.counts.of(Outcome::Unchanged), 1, "{loaded:?}");
    end(&shop).await.compare(&first, "after the second time");
}

/// S113: concurrent or close ticks make one download, and nothing is captured twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s113_ticks_that_come_together_are_one_download() {
    let mut shop = Shop::new(Options::default()).await;
    for order in 0..20 {
        shop.world.sandbox.upsert_order(draft(ORDER + order));
    }
    for _ in 0..3 {
        let event = shop.tick_event();
        let before = operations(&shop).await.len();
        let mut ticks = tokio::task::JoinSet::new();
        for _ in 0..5 {
            let (fetch, event, deadline) = (shop.fetch.clone(), event.clone(), shop.world.deadline());
            ticks.spawn(async move { fetch_orders::handle(&fetch, event, deadline).await });
        }
        let mut ran = 0;
        while let Some(answer) = ticks.join_next().await {
            let answer = answer.unwrap().unwrap();
            ran += usize::from(answer["ran"] == true);
        }
        // A tick that arrives after the end of the first download is a repeated tick: it reads, and
        // finds nothing new.
        assert!(ran >= 1, "nobody downloaded");
        assert_eq!(operations(&shop).await.len() - before, ran, "an operation that did not run, or a run without one");
        shop.drain().await;
        let cursor = shop.world.table.cursor().await.unwrap().value;
        assert!(cursor.lease.is_none() && cursor.reached.is_some(), "{cursor:?}");
        let end = end(&shop).await;
        end.check();
        assert_eq!((end.sales.len(), customers(&shop).await), (20, 1));
        for (operation, _) in operations(&shop).await {
            assert_eq!(operation.state, OperationState::Completed, "{operation:?}");
        }
        shop.start(Plan::Count);
        shop.world.clock.advance(RECOVERY);
    }
}
