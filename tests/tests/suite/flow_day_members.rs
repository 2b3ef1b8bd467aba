//! Orders of a day whose sale was voided, booked again one by one (N6, S152).

use stevedore_domain::ids::SaleId;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::{Consolidation, PickPackShip};
use stevedore_domain::stock::Level;
use stevedore_sandbox::Draft;

use crate::stock::{check, levels};
use crate::world::{Options, World, dec, order_id};

/// A day of two orders, booked at 18:00.
async fn a_day() -> (World, [i64; 2]) {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::Pick).await;
    world.product("mug", |_| {}).await;
    world.adjust("mug", 10).await;
    let orders = [("1", 2), ("2", 3)].map(|(number, mugs)| world.sandbox.upsert_order(Draft::new(number).line("MUG", mugs, dec("19.99"))));
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    (world, orders)
}

async fn one_by_one(world: &World) {
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::None;
            settings.consolidation_time = None;
        })
        .await;
}

fn recreate(order: i64) -> OperationKind {
    OperationKind::Recreate { order_id: order_id(order) }
}

/// N6, S152: an order of a void day becomes a sale of its own. The day stays void, its other orders
/// stay unchanged, and the order still lists its past.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_an_order_of_a_void_day_becomes_a_sale_of_its_own() {
    let (world, [one, other]) = a_day().await;
    let revision = world.logged(one).await.unwrap().booked_revision().unwrap();
    world.void_day("2026-01-15").await;
    one_by_one(&world).await;
    let operation = world.start(recreate(one)).await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.total()), (1, 1));
    let entry = world.logged(one).await.unwrap();
    let day: SaleId = "DAY-2026-01-15".into();
    assert_eq!((entry.state, entry.past_sales.as_slice()), (LogState::Booked, [day.clone()].as_slice()));
    assert_eq!(entry.sale_id, Some(SaleId::of_order(order_id(one), 1)));
    assert!(entry.revisions.iter().any(|seen| seen.key == revision));
    let sale = world.sale(one).await;
    assert_eq!((sale.total.0, sale.voided_at), (3998, None));
    assert!(world.day("2026-01-15").await.voided_at.is_some());
    let left = world.logged(other).await.unwrap();
    assert_eq!((left.state, left.sale_id), (LogState::Voided, Some(day)));
    assert_eq!(world.level("mug").await, Level { on_hand: 10, allocated: 2, unpicked: 8 });
    check(&world.table, &levels(&world.table).await).await;
    // The day still lists both.
    assert_eq!(world.day_orders("2026-01-15", 10).await.len(), 2);
    // The other one too, once each.
    world.start(recreate(other)).await;
    world.next_hour().await;
    let live = world.sales().await.into_iter().filter(|stored| stored.sale.voided_at.is_none()).map(|stored| stored.sale.total.0);
    let mut live: Vec<i64> = live.collect();
    live.sort_unstable();
    assert_eq!(live, [3998, 5997]);
}

/// P1: an order of a live day stays in its sale, also for a command that is older than the API's
/// check.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_an_order_of_a_live_day_is_not_made_anew() {
    let (world, [one, _]) = a_day().await;
    one_by_one(&world).await;
    world.start(recreate(one)).await;
    world.next_hour().await;
    let entry = world.logged(one).await.unwrap();
    assert_eq!((entry.state, entry.sale_id), (LogState::Booked, Some("DAY-2026-01-15".into())));
    assert_eq!(world.sales().await.len(), 1);
    assert_eq!(world.level("mug").await, Level { on_hand: 10, allocated: 5, unpicked: 5 });
}

/// N6: with daily consolidation it waits for the next day, with the newest revision, and the
/// operation has its outcome.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_with_daily_consolidation_it_waits_for_the_next_day() {
    let (world, [one, _]) = a_day().await;
    world.void_day("2026-01-15").await;
    world.sandbox.edit_order(one, |order| order.set("internalNotes", "newer"));
    let operation = world.start(recreate(one)).await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.total()), (1, 1));
    let entry = world.logged(one).await.unwrap();
    assert_eq!((entry.state, entry.sale_id.as_ref(), entry.booked_revision()), (LogState::Pending, None, None));
    assert_ne!(entry.reason, Some(Reason::SaleVoided));
    world.at("2026-01-16T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-16"]);
    assert_eq!(world.day("2026-01-16").await.total.0, 3998);
    let entry = world.logged(one).await.unwrap();
    assert_eq!((entry.state, entry.booked_revision().as_ref()), (LogState::Booked, entry.newest()));
    assert_eq!(world.level("mug").await, Level { on_hand: 10, allocated: 2, unpicked: 8 });
}

/// S25: a run is written by the version that was read. Of two processes that read it one holds it,
/// and the other learns that it does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s25_a_run_that_was_read_before_another_write_is_not_written() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    world.sandbox.upsert_order(crate::flow::plain("1"));
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    world.consolidate().await;
    let date = "2026-01-15".parse().unwrap();
    let read = world.table.run(date).await.unwrap().unwrap();
    let held = |minutes| {
        let until = world.clock.now() + jiff::SignedDuration::from_mins(minutes);
        stevedore_aws::StoredRun { held_until: Some(until), ..read.clone() }
    };
    assert_eq!(world.table.put_run(&held(10)).await.unwrap(), Some(read.version + 1));
    assert_eq!(world.table.put_run(&held(20)).await.unwrap(), None, "the run was held meanwhile");
    let now = world.table.run(date).await.unwrap().unwrap();
    assert_eq!((now.version, now.held_until), (read.version + 1, held(10).held_until));
}
