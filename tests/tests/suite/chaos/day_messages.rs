//! A day that people request: its command is delivered ten times at once, or again from the dead
//! letters.

use stevedore_aws::messages::Command;
use stevedore_domain::ids::OperationId;
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::{Operation, OperationKind, OperationState};

use super::breaker::{Breaker, Plan};
use super::days::{DATE, End, end, shop, undisturbed};
use super::delivery::messages;
use super::process::{RECOVERY, Shop};
use crate::bound::Bound;
use crate::world::sqs_event;

/// An operation as the API queues it, and its command's text.
async fn asked(shop: &Shop) -> (OperationId, String) {
    let now = shop.now();
    let operation = Operation {
        id: OperationId(format!("{}-asked", now.strftime("%Y%m%dT%H%M%S%3f"))),
        ..Operation::new(OperationKind::Consolidate { local_date: None }, stevedore_domain::ids::ShipstationAccount::FIRST, "avery", now)
    };
    assert!(shop.world.table.create_operation(&operation).await.unwrap().is_some());
    let command = Command::Consolidate { operation_id: Some(operation.id.clone()) };
    (operation.id, command.encode().unwrap())
}

/// The same day, for each requester.
fn same_day(mut found: End, expected: &End) {
    // Its own id is nowhere in it, and the requester is not compared.
    assert_eq!(found.operation["counts"], expected.operation["counts"]);
    assert_eq!(found.operation["rows"], expected.operation["rows"]);
    found.operation.clone_from(&expected.operation);
    assert_eq!(&found, expected);
}

/// N12, S154: a person's command that ten processes receive at once, and that is delivered ten
/// times in one batch later, makes one run and one sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_a_command_ten_times_at_once_is_one_run() {
    let expected = undisturbed().await;
    let mut shop = shop().await;
    let (operation, body) = asked(&shop).await;
    let mut copies = tokio::task::JoinSet::new();
    for copy in 0..10 {
        let breaker = Breaker::new(shop.world.engines.faults(), Plan::Count);
        let (deps, deadline) = (shop.consolidate_behind(&breaker), shop.world.deadline());
        let event = serde_json::to_value(sqs_event(&messages(std::slice::from_ref(&body), copy))).unwrap();
        copies.spawn(async move { consolidate::handle(&deps, event, deadline).await });
    }
    while let Some(answer) = copies.join_next().await {
        // A process that loses the run returns its message.
        answer.unwrap().unwrap();
    }
    shop.start(Plan::Count);
    shop.world.clock.advance(RECOVERY);
    let ten: Vec<String> = std::iter::repeat_n(body, 10).collect();
    let event = serde_json::to_value(sqs_event(&messages(&ten, 100))).unwrap();
    let answer = consolidate::handle(&shop.consolidate, event, shop.world.deadline()).await.unwrap();
    assert_eq!(answer["batchItemFailures"].as_array().map(Vec::len), Some(0), "{answer}");
    same_day(end(&shop).await, &expected);
    let answered = shop.world.operation(&operation).await;
    assert_eq!((answered.state, answered.counts.of(Outcome::Captured)), (OperationState::Completed, 9));
}

/// N12, S154: a command becomes a dead letter after every delivery died. Redriven after the
/// schedule has done the day, it ends with a reason and no effect; redriven before, it does the
/// day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_a_redriven_command_makes_no_second_sale() {
    let expected = undisturbed().await;
    for schedule_was_first in [true, false] {
        let mut shop = shop().await;
        let (operation, _) = asked(&shop).await;
        let command = Command::Consolidate { operation_id: Some(operation.clone()) };
        shop.world.queues.send_command(&command).await.unwrap();
        let urls = shop.world.queues.urls().clone();
        for delivery in 0..6 {
            // Each delivery gets a little further, and none begins the run.
            shop.start(Plan::StopBefore(1));
            assert_eq!(deliver(&shop).await, usize::from(delivery < 5));
            shop.world.clock.advance(jiff::SignedDuration::from_hours(2));
        }
        assert_eq!(shop.world.queues.depth(&urls.dead_letters).await.unwrap().total(), 1);
        shop.start(Plan::Count);
        if schedule_was_first {
            let answer = consolidate::handle(&shop.consolidate, shop.tick_event(), shop.world.deadline()).await.unwrap();
            assert_eq!(crate::day::dates(&answer), [DATE]);
        }
        // A redrive that dies between sending and deleting sends it twice.
        let breaker = Breaker::new(shop.world.engines.faults(), Plan::StopAfter(1));
        shop.queues_behind(&breaker).redrive(None).await.unwrap_err();
        shop.world.clock.advance(jiff::SignedDuration::from_hours(2));
        assert_eq!(shop.world.queues.redrive(None).await.unwrap().moved, 1);
        let mut bound = Bound::of("the day's messages");
        while deliver(&shop).await > 0 {
            bound.turn();
        }
        assert_eq!(shop.undone().await, 0);
        same_day(end(&shop).await, &expected);
        let answered = shop.world.operation(&operation).await;
        assert_eq!(answered.state, OperationState::Completed);
        let date = if schedule_was_first { None } else { Some(DATE.parse().unwrap()) };
        assert_eq!(answered.kind, OperationKind::Consolidate { local_date: date }, "{answered:?}");
    }
}

/// One batch of consolidation's queue. Returns the number of its messages.
async fn deliver(shop: &Shop) -> usize {
    let url = &shop.world.queues.urls().consolidation;
    let received = shop.world.queues.receive(url, 0).await.unwrap();
    if !received.is_empty() {
        let event = serde_json::to_value(sqs_event(&received)).unwrap();
        let answer = consolidate::handle(&shop.consolidate, event, shop.world.deadline()).await.ok();
        shop.settle(url, &received, answer.map(|answer| serde_json::from_value(answer).unwrap())).await;
    }
    received.len()
}
