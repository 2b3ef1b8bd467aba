//! N11: an order that makes every page with it answer 500 is found, named by its neighbours, and stops nothing else.

use stevedore_shipstation::{Error, OrderReader};

use crate::reading::read_all;
use crate::shop::{Break, Shop, Stored};
use crate::{TestClock, call, client, credentials, options, wall};

fn orders(count: i64) -> Vec<Stored> {
    let start = wall("2026-05-05T08:00:00").0;
    (1..=count)
        .map(|id| Stored {
            modified: start.checked_add(jiff::SignedDuration::from_secs(id * 3)).unwrap(),
            ..Stored::new(id.cast_unsigned(), "2026-05-05")
        })
        .collect()
}

async fn shop(count: i64, poison: &[u64]) -> Shop {
    let mut orders = orders(count);
    orders.iter_mut().filter(|order| poison.contains(&order.id)).for_each(|order| order.poison = true);
    Shop::open(orders).await
}

fn clock() -> TestClock {
    TestClock::at("2026-05-05T22:00:00Z")
}

fn id(neighbour: Option<&stevedore_shipstation::Neighbour>) -> Option<u64> {
    neighbour.and_then(|neighbour| neighbour.order_id).map(|id| id.0)
}

/// N11: one poison order in a page of 500, wherever it is.
#[tokio::test]
async fn n11_one_poison_order_in_a_page_of_500() {
    for bad in [1_u64, 2, 250, 251, 344, 499, 500, 501, 777, 1200] {
        let shop = shop(1200, &[bad]).await;
        let clock = clock();
        let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
        let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
        assert_eq!(outcome.ids(), (1..=1200).filter(|id| *id != bad).collect::<Vec<_>>(), "poison {bad}");
        assert_eq!(outcome.poison.len(), 1, "poison {bad}");
        let poison = &outcome.poison[0];
        assert_eq!(id(poison.before.as_ref()), Some(bad - 1).filter(|id| *id > 0));
        assert_eq!(id(poison.after.as_ref()), Some(bad + 1).filter(|id| *id <= 1200));
        assert_eq!((poison.status, poison.key), (500, "modifyDate"));
        assert!(poison.excerpt.contains("An error has occurred."));
        let at = wall("2026-05-05T08:00:00").shifted(jiff::SignedDuration::from_secs(bad.cast_signed() * 3));
        assert!(poison.from <= at && poison.until.is_none_or(|until| at <= until), "it lies in the window that is named");
        assert!(outcome.requests <= 3 + 20, "poison {bad} took {} requests", outcome.requests);
    }
}

/// N11: the poison shares its second with its neighbours, and with more than a page of them.
#[tokio::test]
async fn n11_a_poison_order_that_shares_its_second() {
    for crowd in [3_u64, 30] {
        for bad in [100, 101, 100 + crowd / 2, 99 + crowd] {
            let mut orders = orders(40);
            orders.extend((100..100 + crowd).map(|id| Stored { poison: id == bad, ..Stored::new(id, "2026-05-05T08:00:30") }));
            let expected: Vec<u64> = orders.iter().filter(|order| !order.poison).map(|order| order.id).collect();
            let shop = Shop::open(orders).await;
            let clock = clock();
            let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None).with_page_size(10);
            let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
            assert_eq!(outcome.ids(), expected, "poison {bad} of {crowd}");
            assert_eq!(outcome.poison.len(), 1, "poison {bad} of {crowd}: {:?}", outcome.poison);
        }
    }
}

/// N11: several, apart and side by side; each is reported once.
#[tokio::test]
async fn n11_several_poison_orders() {
    for bad in [vec![10, 200], vec![10, 11, 12], vec![10, 12], vec![498, 499, 500], vec![499, 501], vec![600], vec![598, 599, 600]] {
        let shop = shop(600, &bad).await;
        let clock = clock();
        let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
        let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
        assert_eq!(outcome.ids(), (1..=600).filter(|id| !bad.contains(id)).collect::<Vec<_>>(), "poison {bad:?}");
        assert_eq!(outcome.poison.len(), bad.len(), "poison {bad:?}: {:?}", outcome.poison);
        assert!(outcome.requests < 60, "poison {bad:?} took {} requests", outcome.requests);
    }
}

/// N11: the windows around two poison orders overlap; each is reported once all the same.
#[tokio::test]
async fn n11_poison_orders_within_a_second_of_each_other() {
    for gap in 1..6_u64 {
        for ends in [(false, false), (false, true), (true, false), (true, true)] {
            let start = wall("2026-05-05T08:00:00").0;
            let at = |id: u64| start.checked_add(jiff::SignedDuration::from_millis(id.cast_signed() * 500)).unwrap();
            let bad = [20, 20 + gap];
            let orders = (1..=60).map(|id| Stored { modified: at(id), poison: bad.contains(&id), ..Stored::new(id, "2026-05-05") });
            let shop = Shop::open(orders.collect()).await;
            shop.with(|state| (state.inclusive_start, state.exclusive_end) = ends);
            let clock = clock();
            let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
            let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
            assert_eq!(outcome.ids(), (1..=60).filter(|id| !bad.contains(id)).collect::<Vec<_>>());
            assert_eq!(outcome.poison.len(), 2, "{gap} apart, {ends:?}: {:?}", outcome.poison);
        }
    }
}

/// N11: the orders before a poison order are edited while it is looked for, and then it leaves itself; the orders that move up to its place are not missed.
#[tokio::test]
async fn n11_a_poison_order_that_leaves_hides_no_order() {
    for first in [1, 3, 4, 5, 7] {
        for second in first..18 {
            let mut orders = orders(2);
            orders.extend((3..9).map(|id| Stored { poison: id == 3, ..Stored::new(id, "2026-05-05T08:00:09") }));
            let shop = Shop::open(orders).await;
            shop.with(|state| {
                state.before_answer = Some(Box::new(move |orders, asked| {
                    let later = wall("2026-05-05T14:00:00").0;
                    if asked == first {
                        orders[0].modified = later;
                        orders[1].modified = later;
                    }
                    if asked == second {
                        orders[2].modified = later;
                    }
                }));
            });
            let clock = clock();
            let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None).with_page_size(10);
            let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
            let ids: std::collections::BTreeSet<u64> = outcome.ids().into_iter().collect();
            assert_eq!(ids, [1, 2, 4, 5, 6, 7, 8].into(), "edits before request {first}, poison left before {second}");
        }
    }
}

/// N11: an account that answers 500 to everything is broken, and not five hundred orders.
#[tokio::test]
async fn n11_everything_answers_500() {
    let everything: Vec<u64> = (1..=600).collect();
    let shop = shop(600, &everything).await;
    let clock = clock();
    let client = client(&shop.uri, &clock);
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let error = read_all(&client, &clock, &mut reading).await.err().unwrap();
    assert!(matches!(error, Error::Unavailable { status: Some(500), .. }), "{error:?}");
    assert!(shop.asked() <= 16, "gave up after {}", shop.asked());
    assert_eq!(reading.reached(), wall("2026-05-05T08:00:00"));
    // It passes; the same reading goes on.
    shop.with(|state| state.orders.iter_mut().for_each(|order| order.poison = false));
    let outcome = read_all_again(&client, &clock, &mut reading).await;
    assert_eq!(outcome, 600);
}

async fn read_all_again(client: &stevedore_shipstation::Client, clock: &TestClock, reading: &mut OrderReader) -> usize {
    let mut orders = 0;
    for _ in 0..200 {
        let step = reading.next(client, &call(&credentials(), clock)).await.unwrap();
        orders += step.orders.len();
        if step.finished {
            return orders;
        }
    }
    panic!("a reading does not end");
}

/// N11: an order at which a gateway gives up is found like one that answers 500, as long as ShipStation answers otherwise.
#[tokio::test]
async fn n11_an_order_at_which_a_gateway_gives_up() {
    let shop = shop(40, &[17]).await;
    shop.with(|state| state.breaks = Break::Gateway);
    let clock = clock();
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
    assert_eq!(outcome.ids(), (1..=40).filter(|id| *id != 17).collect::<Vec<_>>());
    assert_eq!((outcome.poison.len(), outcome.poison[0].status), (1, 503));
    // Where nothing is answered, it is ShipStation's own trouble, and no order is blamed.
    shop.with(|state| state.down = true);
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let error = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.err().unwrap();
    assert!(matches!(error, Error::Unavailable { status: Some(503), .. }), "{error:?}");
}

/// A single 500 that does not come again is no poison and costs one request.
#[tokio::test]
async fn a_500_that_passes_is_asked_again() {
    let shop = shop(20, &[]).await;
    shop.with(|state| {
        state.before_answer = Some(Box::new(|orders, request| orders[5].poison = request == 0));
    });
    let clock = clock();
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
    assert_eq!((outcome.ids().len(), outcome.poison.len(), outcome.requests), (20, 0, 2));
}

/// A page too large to take is asked for in smaller ones.
#[tokio::test]
async fn a_page_too_large_is_asked_for_in_smaller_ones() {
    let shop = shop(1000, &[]).await;
    let clock = clock();
    let mut options = options(&shop.uri, &clock);
    options.largest_answer = 40_000;
    let client = stevedore_shipstation::Client::new(options);
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let outcome = read_all(&client, &clock, &mut reading).await.unwrap();
    assert_eq!((outcome.ids().len(), outcome.poison.len()), (1000, 0));
    assert!(outcome.requests < 15, "{}", outcome.requests);
}

const UNREADABLE: [(Break, &str); 5] = [
    (Break::Control, "shipstation_not_json"),
    (Break::NotANumber, "shipstation_not_json"),
    (Break::CutOff, "shipstation_truncated"),
    (Break::Html, "shipstation_not_json"),
    (Break::Shape, "shipstation_unexpected_reply"),
];

/// N11: one order whose answers cannot be read costs itself, wherever it is; where the answer shows it, it is known.
#[tokio::test]
async fn n11_an_order_that_breaks_the_text_of_its_page_costs_itself() {
    for (breaks, _) in UNREADABLE {
        for bad in [vec![1_u64], vec![250], vec![500], vec![777, 778], vec![1200]] {
            let shop = shop(1200, &bad).await;
            shop.with(|state| state.breaks = breaks);
            let clock = clock();
            let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
            let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
            assert_eq!(outcome.ids(), (1..=1200).filter(|id| !bad.contains(id)).collect::<Vec<_>>(), "{breaks:?} {bad:?}");
            assert_eq!(outcome.poison.len(), bad.len(), "{breaks:?} {bad:?}");
            assert!(outcome.requests < 60, "{breaks:?} {bad:?} took {} requests", outcome.requests);
            let shows = matches!(breaks, Break::Control | Break::NotANumber | Break::CutOff);
            for (poison, id) in outcome.poison.iter().zip(&bad) {
                let known = poison.order.as_ref().map(|order| (order.order_id.unwrap().0, order.order_number.clone().unwrap()));
                assert_eq!(known, shows.then(|| (*id, format!("N-{id}"))), "{breaks:?} {bad:?}");
                assert_eq!(poison.excerpt.contains(&format!("\"orderId\":{id},")), shows, "{breaks:?} {bad:?}: {}", poison.excerpt);
            }
        }
    }
}

/// Many orders side by side whose text is no JSON, as one import can leave them, stop nothing: the answers show that ShipStation is at work.
#[tokio::test]
async fn n11_many_orders_in_a_row_that_are_no_json() {
    let bad: Vec<u64> = (301..=340).collect();
    let shop = shop(600, &bad).await;
    shop.with(|state| state.breaks = Break::Control);
    let clock = clock();
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
    assert_eq!(outcome.ids().len(), 560);
    assert_eq!(outcome.poison.len(), 40);
}

/// A ShipStation of which nothing can be read is broken, and not its orders, and the error says how.
#[tokio::test]
async fn n11_nothing_at_all_can_be_read() {
    let everything: Vec<u64> = (1..=600).collect();
    for (breaks, code) in UNREADABLE.into_iter().filter(|(breaks, _)| !matches!(breaks, Break::Control | Break::NotANumber)) {
        let shop = shop(600, &everything).await;
        shop.with(|state| state.breaks = breaks);
        let clock = clock();
        let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
        let error = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.err().unwrap();
        assert_eq!(error.code(), code, "{breaks:?}");
        assert!(shop.asked() <= 20, "{breaks:?}: gave up after {}", shop.asked());
        assert_eq!(reading.reached(), wall("2026-05-05T08:00:00"), "{breaks:?}");
    }
}

/// Nothing that an order's date says takes the place of a reading out of its range.
#[tokio::test]
async fn a_reading_never_reaches_beyond_the_clock() {
    for ahead in ["2026-05-05T18:00:00", "2086-05-05T08:00:00", "9999-12-31T23:59:59.9999999"] {
        let mut orders = orders(20);
        orders.extend((100..130).map(|id| Stored::new(id, ahead)));
        let shop = Shop::open(orders).await;
        let clock = clock();
        let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None).with_page_size(10);
        let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
        assert_eq!(outcome.ids().len(), 50, "{ahead}");
        assert_eq!(reading.reached(), wall("2026-05-05T08:01:00"), "{ahead}: the newest order that the clock has passed");
    }
}
