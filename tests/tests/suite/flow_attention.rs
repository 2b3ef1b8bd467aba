//! Warnings that want attention, in whole flows: counted while they exist, and gone when they are
//! resolved.

use stevedore_aws::{DeleteOutcome, List, Progress};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::PickPackShip;
use stevedore_sandbox::Draft;

use crate::bound::Bound;
use crate::flow::with;
use crate::world::{Options, World, dec, order_id};

impl World {
    /// Number of warnings of each kind that wants attention.
    async fn attention(&self) -> Vec<(Reason, u64)> {
        let counts = self.table.counted_attention(1_000).await.unwrap();
        counts.into_iter().filter(|(_, count)| count.count > 0).map(|(reason, count)| (reason, count.count)).collect()
    }

    async fn listed(&self, reason: Reason) -> Vec<i64> {
        let page = self.table.list_log_attention(reason, &List { limit: 50, ..List::default() }).await.unwrap();
        page.items.iter().map(|stored| i64::try_from(stored.entry.order_id.0).unwrap()).collect()
    }
}

fn adjusted(number: &str) -> stevedore_sandbox::Json {
    with(&Draft::new(number).line("MUG", 2, dec("10.00")), |order| order.set("orderTotal", dec("20.50")))
}

/// S34, and docs/requirements.md, section 9: an order that is cancelled after it was booked, an
/// adjusted order, and a short pick are counted. Each is removed when it is resolved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_wants_attention_is_counted_until_it_is_answered() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::Pick).await;
    world.product("mug", |_| {}).await;
    world.adjust("mug", 1).await;
    let cancelled = world.sandbox.upsert_order(Draft::new("cancelled").line("GHOST", 1, dec("5")));
    let odd = world.sandbox.upsert_order(adjusted("odd"));
    world.sandbox.upsert_order(Draft::new("plain").line("GHOST", 1, dec("5")));
    world.download().await;
    assert_eq!(world.attention().await, [(Reason::TotalAdjusted, 1), (Reason::StockShort, 1)]);
    world.clock.advance(jiff::SignedDuration::from_mins(10));
    world.sandbox.edit_order(cancelled, |order| order.set("orderStatus", "cancelled"));
    world.next_hour().await;
    assert_eq!(world.attention().await[0], (Reason::CancelledAfterBooking, 1));
    assert_eq!(
        (world.listed(Reason::CancelledAfterBooking).await, world.listed(Reason::TotalAdjusted).await),
        (vec![cancelled], vec![odd])
    );
    let short = world.table.list_sales_attention(Reason::StockShort, &List { limit: 50, ..List::default() }).await.unwrap();
    assert_eq!(short.items.iter().map(|stored| stored.sale.number.as_str()).collect::<Vec<_>>(), ["odd"]);
    // Re-created with the present stock, the pick is complete, and the adjustment is present again.
    world.adjust("mug", 5).await;
    world.start(stevedore_domain::operation::OperationKind::Recreate { order_id: order_id(odd) }).await;
    assert_eq!(world.attention().await, [(Reason::CancelledAfterBooking, 1), (Reason::TotalAdjusted, 1)]);
    // Without its entry the order has no warning.
    assert!(matches!(world.table.delete_log_entry(order_id(odd)).await.unwrap(), DeleteOutcome::Deleted(Some(_))));
    assert_eq!(world.attention().await, [(Reason::CancelledAfterBooking, 1)]);
    let (mut place, mut bound) = (None, Bound::of("a disconnect"));
    while world.table.disconnect_step(&mut place, world.clock.now()).await.unwrap() != Progress::Done {
        bound.turn();
    }
    assert_eq!(world.attention().await, []);
}

/// S34: a short sale of a day counts once, its orders count for their own warnings, and voiding the
/// day resolves all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_void_day_answers_what_wanted_attention_of_it() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::Pick).await;
    world.product("mug", |_| {}).await;
    let odd = world.sandbox.upsert_order(adjusted("odd"));
    let other = world.sandbox.upsert_order(Draft::new("other").line("MUG", 2, dec("10.00")));
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    assert_eq!(world.attention().await, [(Reason::TotalAdjusted, 1), (Reason::StockShort, 1)]);
    assert_eq!(world.listed(Reason::TotalAdjusted).await, [odd]);
    let short = world.table.list_sales_attention(Reason::StockShort, &List { limit: 50, ..List::default() }).await.unwrap();
    assert_eq!(short.items.iter().map(|stored| stored.sale.id.as_str()).collect::<Vec<_>>(), ["DAY-2026-01-15"]);
    world.sandbox.edit_order(other, |order| order.set("orderStatus", "cancelled"));
    world.next_hour().await;
    assert_eq!(world.listed(Reason::CancelledAfterBooking).await, [other]);
    world.void_day("2026-01-15").await;
    assert_eq!(world.attention().await, []);
}
