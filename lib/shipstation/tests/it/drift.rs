//! Orders that are edited while they are read: none may hide another.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use proptest::prelude::*;
use stevedore_domain::pacific::PacificTime;
use stevedore_shipstation::OrderReader;

use crate::reading::read_all;
use crate::shop::{Shop, Stored};
use crate::{TestClock, client, wall};

fn edited(order: &mut Stored, at: DateTime) {
    order.modified = at;
    order.edit += 1;
}

/// S113: an order of the first page is edited before the second is asked for. By page number, order 501 would be missed.
#[tokio::test]
async fn s113_an_edit_between_two_pages_hides_no_order() {
    let orders: Vec<Stored> = (1..=1200)
        .map(|id| Stored {
            modified: wall("2026-05-05T08:00:00").0.checked_add(SignedDuration::from_secs(id)).unwrap(),
            ..Stored::new(id.cast_unsigned(), "2026-05-05")
        })
        .collect();
    let shop = Shop::open(orders).await;
    shop.with(|state| {
        state.before_answer = Some(Box::new(|orders, request| {
            let at = wall("2026-05-05T14:00:00").0.checked_add(SignedDuration::from_secs(i64::try_from(request).unwrap())).unwrap();
            if (1..4).contains(&request) {
                (0..3).for_each(|n| edited(&mut orders[request * 10 + n], at));
            }
        }));
    });
    let clock = TestClock::at("2026-05-05T22:00:00Z");
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
    assert_latest(&shop, &outcome.orders);
}

/// S113: an order that is edited again within the crowded second goes to that second's end: the total stands still, and yet the orders behind it moved up.
#[tokio::test]
async fn s113_an_edit_within_a_crowded_second_hides_no_order() {
    for request in 1..6 {
        let orders: Vec<Stored> = (1..=34).map(|id| Stored::new(id, "2026-05-05T08:00:30.1")).collect();
        let shop = Shop::open(orders).await;
        shop.with(|state| {
            state.before_answer = Some(Box::new(move |orders, asked| {
                if asked == request {
                    edited(&mut orders[2], wall("2026-05-05T08:00:30.9").0);
                }
            }));
        });
        let clock = TestClock::at("2026-05-05T22:00:00Z");
        let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None).with_page_size(10);
        let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
        assert_latest(&shop, &outcome.orders);
        assert_eq!(outcome.reached, wall("2026-05-05T08:00:30.9"), "the second stood still in the end");
        assert!(outcome.requests <= 2 + 4 + 4 + 1, "{}", outcome.requests);
    }
}

/// Every order of the shop was returned in its last state, and that state came last.
fn assert_latest(shop: &Shop, orders: &[stevedore_shipstation::RawOrder]) {
    let mut latest = BTreeMap::new();
    for order in orders {
        let revision = order.parsed.as_ref().unwrap();
        latest.insert(revision.order.id.0, (revision.order.modified_at.0, revision.order.customer_notes.clone().unwrap()));
    }
    shop.with(|state| {
        for order in state.orders.iter().filter(|order| !order.poison) {
            let expected = (order.modified, format!("edit {}", order.edit));
            assert_eq!(latest.get(&order.id), Some(&expected), "order {}", order.id);
        }
    });
}

/// Event before one request.
#[derive(Clone, Debug)]
struct Happening {
    /// Orders that are edited, by place in the shop.
    edits: Vec<usize>,
    /// Number of new orders that come in.
    new: u64,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// S113, N11: whatever is edited or comes in between the requests, with orders crowded into few seconds and one poison among them,
    /// readings that follow each other return every order in its last state.
    #[test]
    fn s113_readings_under_change_return_every_order(
        seconds in prop::collection::vec(0_i64..40, 1..120),
        crowd in 0_i64..40,
        crowded in 0_usize..40,
        happenings in prop::collection::vec((prop::collection::vec(any::<prop::sample::Index>(), 0..3), 0_u64..2), 0..25),
        poison in prop::option::of(any::<prop::sample::Index>()),
        page_size in 1_u32..20,
        ends in any::<(bool, bool)>(),
    ) {
        let base = wall("2026-05-05T08:00:00").0;
        let at = move |second: i64, fraction: i64| base.checked_add(SignedDuration::from_millis(second * 1000 + fraction)).unwrap();
        let mut orders: Vec<Stored> = seconds
            .iter()
            .chain(std::iter::repeat_n(&crowd, crowded))
            .enumerate()
            .map(|(n, second)| Stored { modified: at(*second, i64::try_from(n).unwrap() % 7 * 100), ..Stored::new(n as u64 + 1, "2026-05-05") })
            .collect();
        if let Some(poison) = poison {
            let n = poison.index(orders.len());
            orders[n].poison = true;
        }
        let happenings: Vec<Happening> = happenings
            .into_iter()
            .map(|(edits, new)| Happening { edits: edits.into_iter().map(|index| index.index(orders.len())).collect(), new })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shop = Shop::open(orders).await;
            shop.with(|state| {
                (state.inclusive_start, state.exclusive_end) = ends;
                state.before_answer = Some(Box::new(move |orders, request| {
                    let Some(happening) = happenings.get(request) else { return };
                    // Edits carry the present time, which moves on by a third of a second a request.
                    let now = at(41, i64::try_from(request).unwrap() * 333);
                    happening.edits.iter().for_each(|n| edited(&mut orders[*n], now));
                    for _ in 0..happening.new {
                        let id = orders.len() as u64 + 1;
                        orders.push(Stored { id, modified: now, created: now, edit: 0, poison: false, malformed: false });
                    }
                }));
            });
            let clock = TestClock::at("2026-05-05T22:00:00Z");
            let client = client(&shop.uri, &clock);
            let (mut from, mut orders) = (PacificTime(base), Vec::new());
            // As the schedule does: the next reading begins where the last one came to, a little earlier.
            for run in 0..4 {
                let mut reading = OrderReader::changed(from, None).with_page_size(page_size);
                let outcome = read_all(&client, &clock, &mut reading).await.unwrap();
                orders.extend(outcome.orders);
                from = outcome.reached.shifted(SignedDuration::from_secs(-2));
                if run == 3 {
                    let poisoned = shop.with(|state| state.orders.iter().any(|order| order.poison && order.modified >= from.0));
                    assert!(!poisoned || outcome.poison.len() == 1, "poison in sight is reported once: {:?}", outcome.poison);
                }
            }
            assert_latest(&shop, &orders);
        });
    }

    /// S113: an order that nobody touches is returned by the one reading that passes it, however fast the others change.
    #[test]
    fn s113_an_untouched_order_is_never_missed(
        count in 10_u64..80,
        touched in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
        page_size in 2_u32..12,
    ) {
        let base = wall("2026-05-05T08:00:00").0;
        let at = move |second: u64| base.checked_add(SignedDuration::from_secs(i64::try_from(second).unwrap())).unwrap();
        let orders: Vec<Stored> = (1..=count).map(|id| Stored { modified: at(id), ..Stored::new(id, "2026-05-05") }).collect();
        let touched: Vec<usize> = touched.into_iter().map(|index| index.index(orders.len())).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shop = Shop::open(orders).await;
            shop.with(|state| {
                state.before_answer = Some(Box::new(move |orders, request| {
                    if let Some(n) = touched.get(request) {
                        edited(&mut orders[*n], at(1000 + request as u64));
                    }
                }));
            });
            let clock = TestClock::at("2026-05-05T22:00:00Z");
            let mut reading = OrderReader::changed(PacificTime(base), None).with_page_size(page_size);
            let outcome = read_all(&client(&shop.uri, &clock), &clock, &mut reading).await.unwrap();
            let read: std::collections::BTreeSet<u64> = outcome.ids().into_iter().collect();
            assert_eq!(read, (1..=count).collect());
        });
    }
}
