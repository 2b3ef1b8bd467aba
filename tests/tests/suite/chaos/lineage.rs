//! Orders that are re-created, that fall back and return, or that are combined and split: stopped
//! before and after every write and with every reply lost, the final state is the undisturbed one.

use jiff::SignedDuration;
use stevedore_aws::messages::Command;
use stevedore_domain::ids::OperationId;
use stevedore_domain::operation::{Operation, OperationKind};
use stevedore_domain::settings::CaptureOrderWhen;
use stevedore_sandbox::{Draft, Json};

use super::breaker::Plan;
use super::end::{End, end};
use super::process::{RECOVERY, Shop};
use super::stops::every;
use crate::world::{Options, dec, order_id};

fn of(id: i64) -> Draft {
    Draft::new(format!("L-{id}")).id(id).line("CUP", 1, dec("3.00")).line("LID", 1, dec("8.00"))
}

/// Orders 1 to 6 are booked. Then 1 is cancelled, 2 is combined into 7, 3 is split, 4 is put on
/// hold; and 1, 2, 4 and 5 are re-created.
async fn live(plans: [Plan; 3]) -> (End, [u64; 3]) {
    let mut shop = Shop::new(Options::default()).await;
    shop.world.settings(|settings| settings.capture_order_when = CaptureOrderWhen::NotOnHold).await;
    let mut writes = [0; 3];
    for id in 1..=6 {
        shop.world.sandbox.upsert_order(of(id));
    }
    shop.world.download().await;
    shop.world.clock.advance(SignedDuration::from_mins(1));
    shop.world.sandbox.upsert_order(of(7));
    assert!(shop.world.sandbox.cancel(1) && shop.world.sandbox.merge(7, 2) && shop.world.sandbox.split(3).is_some());
    shop.world.sandbox.edit_order(4, |order| order.set("orderStatus", "on_hold"));
    let [reading, anew, again] = plans;
    shop.start(reading);
    download(&mut shop).await;
    writes[0] = shop.breaker.writes();
    shop.start(anew);
    for id in [1, 2, 4, 5] {
        recreate(&mut shop, id).await;
    }
    writes[1] = shop.breaker.writes();
    // The time of a recovery must not change the order's own dates.
    shop.at(SignedDuration::from_hours(96));
    shop.world.sandbox.edit_order(4, |order| order.set("orderStatus", Json::from("awaiting_shipment")));
    shop.start(again);
    download(&mut shop).await;
    writes[2] = shop.breaker.writes();
    shop.start(Plan::Count);
    shop.at(SignedDuration::from_hours(144));
    download(&mut shop).await;
    (end(&shop).await, writes)
}

/// Delivers queued messages until none is left, in as many processes as needed.
async fn settle(shop: &mut Shop) {
    for _ in 0..8 {
        shop.drain().await;
        if shop.breaker.stopped() {
            shop.start(Plan::Count);
        } else if shop.undone().await == 0 {
            return;
        }
        shop.world.clock.advance(RECOVERY * 2);
    }
    panic!("messages are left");
}

pub(super) async fn download(shop: &mut Shop) {
    for _ in 0..5 {
        shop.world.clock.advance(RECOVERY);
        let event = shop.tick_event();
        let answer = shop.tick(&event).await;
        if shop.breaker.stopped() {
            shop.start(Plan::Count);
        } else if answer.is_ok_and(|answer| answer["ran"] == true) {
            return settle(shop).await;
        }
    }
    panic!("the download never came to its end");
}

async fn recreate(shop: &mut Shop, order: i64) {
    let id = OperationId(format!("anew-{order}"));
    let operation = Operation {
        id: id.clone(),
        ..Operation::new(
            OperationKind::Recreate { order_id: order_id(order) },
            stevedore_domain::ids::ShipstationAccount::FIRST,
            "avery",
            shop.now(),
        )
    };
    shop.world.table.create_operation(&operation).await.unwrap().unwrap();
    let command = Command::Run { operation_id: id };
    shop.world.queues.send_command(&command).await.unwrap();
    settle(shop).await;
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// N4, N6, N12, P1, P4.
#[test]
fn n12_orders_made_anew_and_their_kin_end_the_same_wherever_it_stops() {
    let (expected, writes) = runtime().block_on(live([Plan::Count, Plan::Count, Plan::Count]));
    let states: Vec<_> = expected.log.values().map(|entry| entry["state"].as_str().unwrap()).collect();
    // The child that was split off order 3 is the last; 7 continues once 2 is withdrawn.
    assert_eq!(states, ["withdrawn", "withdrawn", "booked", "booked", "booked", "booked", "booked", "blocked"], "{:#?}", expected.log);
    let live_sales = expected.sales.values().filter(|sale| sale.get("voided_at").is_none_or(serde_json::Value::is_null)).count();
    assert_eq!(live_sales, 5);
    let plans: Vec<Vec<Plan>> = writes
        .iter()
        .map(|writes| (1..=*writes).flat_map(|k| [Plan::StopBefore(k), Plan::StopAfter(k), Plan::LoseReply(k)]).collect())
        .collect();
    every(plans.iter().map(Vec::len).max().unwrap(), |trial| {
        let (plans, expected) = (&plans, &expected);
        async move {
            let plan = |stage: usize| plans[stage].get(trial).cloned().unwrap_or_default();
            let what = format!("{:?}", (plan(0), plan(1), plan(2)));
            let (end, _) = live([plan(0), plan(1), plan(2)]).await;
            end.compare(expected, &what);
        }
    });
}
