//! S104, S113: changed orders, by key, whatever shares a second, and on both nights when the clock is put forward or back.

use std::collections::BTreeSet;

use stevedore_domain::pacific::PacificTime;
use stevedore_shipstation::{Client, Error, OrderBatch, OrderReader, Poison, RawOrder};

use crate::shop::{Shop, Stored};
use crate::{TestClock, call, client, credentials, wall};

pub(crate) struct Outcome {
    pub(crate) orders: Vec<RawOrder>,
    pub(crate) poison: Vec<Poison>,
    pub(crate) reached: PacificTime,
    pub(crate) requests: u32,
}

impl Outcome {
    pub(crate) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.orders.iter().map(|order| order.order_id().unwrap().0).collect();
        ids.sort_unstable();
        ids
    }
}

/// Reads to the end.
pub(crate) async fn read_all(client: &Client, clock: &TestClock, reading: &mut OrderReader) -> Result<Outcome, Error> {
    let credentials = credentials();
    let mut outcome = Outcome { orders: Vec::new(), poison: Vec::new(), reached: reading.reached(), requests: 0 };
    loop {
        let OrderBatch { orders, poison, reached, finished, requests, .. } = reading.next(client, &call(&credentials, clock)).await?;
        assert!(reached >= outcome.reached, "a reading never goes back");
        outcome.orders.extend(orders);
        outcome.poison.extend(poison);
        outcome.reached = reached;
        outcome.requests += requests;
        assert!(outcome.requests < 2000, "a reading comes to an end");
        if finished {
            assert_eq!(outcome.requests, reading.requests());
            return Ok(outcome);
        }
    }
}

fn clock() -> TestClock {
    TestClock::at("2026-05-05T22:00:00Z")
}

/// `count` orders, one a second from 08:00:00 on.
fn one_a_second(count: u64) -> Vec<Stored> {
    let start = wall("2026-05-05T08:00:00.25").0;
    let at = |id: u64| start.checked_add(jiff::SignedDuration::from_secs(i64::try_from(id).unwrap())).unwrap();
    (1..=count).map(|id| Stored { modified: at(id), created: at(id), ..Stored::new(id, "2026-05-05") }).collect()
}

/// S113: ⌈N/500⌉ + 1 requests at most (docs/performance.md).
#[tokio::test]
async fn s113_every_changed_order_is_read_once() {
    for (count, most) in [(0, 1), (1, 1), (499, 1), (500, 2), (1203, 4)] {
        for (inclusive_start, exclusive_end) in [(false, false), (true, true)] {
            let shop = Shop::open(one_a_second(count)).await;
            shop.with(|state| (state.inclusive_start, state.exclusive_end) = (inclusive_start, exclusive_end));
            let clock = clock();
            let mut reading = OrderReader::changed(wall("2026-05-05T08:00:01"), None);
            let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
            assert_eq!(outcome.ids(), (1..=count).collect::<Vec<_>>());
            assert!(outcome.requests <= most, "{count} orders took {} requests", outcome.requests);
            let newest = one_a_second(count).last().map_or(wall("2026-05-05T08:00:01"), |order| PacificTime(order.modified));
            assert_eq!(outcome.reached, newest, "the newest order, never now");
        }
    }
}

#[tokio::test]
async fn pages_0_and_an_empty_page_end_nothing_early_and_nothing_late() {
    let shop = Shop::open(one_a_second(1000)).await;
    let clock = clock();
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
    assert_eq!(outcome.ids().len(), 1000);
    let again = reading.next(&client(&shop.uri, &clock), &call(&credentials(), &clock)).await.unwrap();
    assert!(again.finished && again.orders.is_empty() && again.requests == 0);
}

#[tokio::test]
async fn a_full_page_only_reaches_to_the_second_before_its_last() {
    let shop = Shop::open(one_a_second(600)).await;
    let clock = clock();
    let client = client(&shop.uri, &clock);
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let step = reading.next(&client, &call(&credentials(), &clock)).await.unwrap();
    assert_eq!((step.orders.len(), step.finished, step.reached), (500, false, wall("2026-05-05T08:08:19")));
}

/// S113: more than a page of orders with one `modifyDate`, between others.
#[tokio::test]
async fn s113_more_than_500_orders_that_share_one_modify_date() {
    for no_total in [false, true] {
        let mut orders = one_a_second(30);
        orders.extend((1000..2203).map(|id| Stored::new(id, "2026-05-05T08:00:15.5")));
        let shop = Shop::open(orders).await;
        shop.with(|state| state.no_total = no_total);
        let clock = clock();
        let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
        let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
        assert_eq!(outcome.ids(), (1..=30).chain(1000..2203).collect::<Vec<_>>());
        assert!(outcome.requests <= if no_total { 12 } else { 9 }, "{}", outcome.requests);
        assert_eq!(outcome.reached, wall("2026-05-05T08:00:30.25"));
    }
}

/// A list that is not sorted as asked cannot be read by key, and is read by page number.
#[tokio::test]
async fn a_list_that_is_not_sorted_is_read_all_the_same() {
    let mut orders = one_a_second(90);
    let keys: Vec<_> = orders.iter().map(|order| order.modified).collect();
    orders.iter_mut().enumerate().for_each(|(n, order)| order.modified = keys[n * 37 % 90]);
    let shop = Shop::open(orders).await;
    shop.with(|state| state.by_id = true);
    let clock = clock();
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None).with_page_size(10);
    let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
    assert_eq!(outcome.ids(), (1..=90).collect::<Vec<_>>());
}

#[tokio::test]
async fn malformed_orders_travel_with_the_others() {
    let mut orders = one_a_second(20);
    orders[3].malformed = true;
    let shop = Shop::open(orders).await;
    let clock = clock();
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None).with_page_size(5);
    let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
    assert_eq!(outcome.ids(), (1..=20).collect::<Vec<_>>(), "each once, the malformed one too");
    let malformed = outcome.orders.iter().find_map(|order| order.parsed.as_ref().err()).unwrap();
    assert_eq!((malformed.order_number.as_deref(), malformed.pointer.as_str()), (Some("N-4"), "/orderTotal"));
    assert!(malformed.problem.contains("1e99"));
}

/// S114, S115: the orders that entered ShipStation in a window, exactly those.
#[tokio::test]
async fn s114_created_reads_exactly_its_window() {
    let mut orders = one_a_second(700);
    for order in &mut orders {
        order.modified = wall("2026-05-05T14:00:00").0;
    }
    let shop = Shop::open(orders).await;
    let clock = clock();
    let mut reading = OrderReader::created(wall("2026-05-05T08:00:10.25"), Some(wall("2026-05-05T08:10:10.25")));
    let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
    assert_eq!(outcome.ids(), (10..=610).collect::<Vec<_>>());
}

/// N13: the night of 2026-03-08, when 02:00 to 03:00 is left out. (The shop refuses filters that name no time.)
#[tokio::test]
async fn n13_the_night_with_a_missing_hour() {
    let mut orders: Vec<Stored> = (1..=7).map(|id| Stored::new(id, &format!("2026-03-08T01:59:5{}", id + 2))).collect();
    orders.extend((11..=40).map(|id| Stored::new(id, "2026-03-08T03:00:00")));
    orders.extend((41..=49).map(|id| Stored::new(id, &format!("2026-03-08T03:00:0{}", id - 40))));
    for poison in [None, Some(7), Some(11), Some(40)] {
        let mut orders = orders.clone();
        orders.iter_mut().filter(|order| Some(order.id) == poison).for_each(|order| order.poison = true);
        let shop = Shop::open(orders.clone()).await;
        let clock = TestClock::at("2026-03-08T12:00:00Z");
        let mut reading = OrderReader::changed(wall("2026-03-08T00:30:00"), None).with_page_size(4);
        let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
        let expected: Vec<u64> = orders.iter().map(|order| order.id).filter(|id| Some(*id) != poison).collect();
        assert_eq!(outcome.ids(), expected, "poison {poison:?}");
        assert_eq!(outcome.poison.len(), usize::from(poison.is_some()));
    }
}

/// N13: the night of 2026-11-01, when 01:00 to 02:00 happens twice, whether ShipStation sorts by wall time or by instant, and whichever passage a filter means to it.
#[tokio::test]
async fn n13_the_night_with_a_repeated_hour() {
    for by_instant in [None, Some(false), Some(true)] {
        for from in ["2026-11-01T00:20:00", "2026-11-01T01:20:00"] {
            let minute = |id: u64| id % 60;
            let mut orders: Vec<Stored> = (0..60).map(|id| Stored::new(id + 1, &format!("2026-11-01T00:{:02}:30", minute(id)))).collect();
            orders.extend((100..160).map(|id| Stored::new(id, &format!("2026-11-01T01:{:02}:30", minute(id)))));
            orders.extend((200..260).map(|id| Stored::new(id, &format!("2026-11-01T01:{:02}:30", minute(id)))));
            orders.extend((300..360).map(|id| Stored::new(id, &format!("2026-11-01T02:{:02}:30", minute(id)))));
            let from = wall(from);
            let expected: Vec<u64> = orders.iter().filter(|order| order.modified >= from.0).map(|order| order.id).collect();
            let shop = Shop::open(orders).await;
            shop.with(|state| (state.by_instant, state.second_passage) = (by_instant, (200..260).collect()));
            let clock = TestClock::at("2026-11-01T12:00:00Z");
            let mut reading = OrderReader::changed(from, None).with_page_size(20);
            let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
            let read: BTreeSet<u64> = outcome.ids().into_iter().collect();
            let missed: Vec<_> = expected.iter().filter(|id| !read.contains(id)).collect();
            assert!(missed.is_empty(), "{by_instant:?} from {from}: {missed:?}");
            assert_eq!(read.len(), outcome.orders.len(), "none twice");
        }
    }
}
