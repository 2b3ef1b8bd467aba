//! Orders that ShipStation deletes while they wait in Stevedore (docs/requirements.md, section 5).

use jiff::SignedDuration;
use stevedore_aws::ConnectionMode;
use stevedore_domain::log::LogState;
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::LocationMap;
use stevedore_sandbox::Draft;

use crate::flow_lineage::shown;
use crate::world::{Options, World, dec, order_id};

fn of(id: i64) -> Draft {
    Draft::new(format!("D{id}")).id(id).line("A", 1, dec("10"))
}

async fn stands(world: &World, order: i64) -> (LogState, Option<Reason>) {
    let entry = world.logged(order).await.unwrap();
    (entry.state, entry.reason)
}

const DELETED: (LogState, Option<Reason>) = (LogState::Withdrawn, Some(Reason::DeletedInShipstation));

/// N4: an order that was deleted while it was pending does not enter the day, for any number of
/// others. Back in ShipStation, it is new again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_deleted_order_does_not_enter_the_day() {
    for others in [2, 30] {
        let world = World::new(Options::default()).await;
        world.daily(18).await;
        for id in 1..=others {
            world.sandbox.upsert_order(of(id));
        }
        world.sandbox.upsert_order(of(77));
        world.download().await;
        let text = shown(&world, 77);
        world.sandbox.remove(77);
        // An order that was edited since is at another place in the list, and still exists.
        world.sandbox.edit_order(1, |order| order.set("internalNotes", "call first"));
        world.at("2026-01-15T22:40:00Z");
        let before = world.sandbox.requests().len();
        world.tick().await.unwrap();
        world.drain().await;
        assert!(world.sandbox.requests().len() - before <= 20, "{others} orders took {}", world.sandbox.requests().len() - before);
        assert_eq!(stands(&world, 77).await, DELETED, "{others} others");
        // Requested once, not with every tick.
        world.clock.advance(SignedDuration::from_mins(5));
        let before = world.sandbox.requests().len();
        world.tick().await.unwrap();
        assert!(world.sandbox.requests().len() - before <= 1);
        world.at("2026-01-15T23:00:00Z");
        world.consolidate().await;
        assert_eq!(world.day("2026-01-15").await.total.0, others * 1000);
        world.sandbox.upsert_order(text);
        world.next_hour().await;
        assert_eq!(stands(&world, 77).await.0, LogState::Pending);
    }
}

/// N4: a blocked order that was deleted is not booked when its reason is resolved: not by a change
/// of the settings, a download or a person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_deleted_order_is_not_booked_when_its_block_is_gone() {
    for way in 0..3 {
        let world = World::new(Options::default()).await;
        let map = world.table.settings().await.unwrap().value.location_map;
        world.settings(|settings| settings.location_map = LocationMap::default()).await;
        world.sandbox.upsert_order(of(1));
        world.sandbox.upsert_order(of(2));
        world.download().await;
        assert_eq!(stands(&world, 2).await.0, LogState::Blocked);
        world.sandbox.remove(2);
        world.settings(|settings| settings.location_map = map).await;
        match way {
            0 => {
                let command = stevedore_aws::messages::Command::ProcessPending { operation_id: None, order_ids: None };
                world.queues.send_command(&command).await.unwrap();
                world.drain().await;
            }
            1 => drop(world.next_hour().await),
            _ => drop(world.start(OperationKind::ProcessPending { order_ids: None }).await),
        }
        world.drain().await;
        assert_eq!(stands(&world, 2).await, DELETED, "way {way}");
        assert_eq!(world.booked().await.len(), 1);
    }
}

/// With the mode `store` off nothing is read from ShipStation. A re-created order is booked from
/// the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_made_anew_with_the_store_mode_off_asks_shipstation_nothing() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(of(1));
    world.download().await;
    let stored = world.table.connection().await.unwrap().unwrap();
    let mut connection = stored.value;
    connection.modes = vec![ConnectionMode::CustomStore];
    world.table.put_connection(&connection, Some(stored.version)).await.unwrap();
    world.sandbox.remove(1);
    let before = world.sandbox.requests().len();
    world.start(OperationKind::Recreate { order_id: order_id(1) }).await;
    assert_eq!(world.sandbox.requests().len(), before);
    assert_eq!(world.sale(1).await.id.as_str(), "SO-1-2");
}
