//! ShipStation's failures, and messages that cannot be read (docs/requirements.md, section 13).

use jiff::SignedDuration;
use stevedore_aws::messages::{Command, OrderMessage};
use stevedore_aws::{QueueUrls, Queues};
use stevedore_domain::log::{Outcome, Trigger};
use stevedore_domain::operation::{Operation, OperationKind, OperationState};
use stevedore_domain::reason::Reason;
use stevedore_sandbox::{Fault, Json, Rule};

use crate::flow::{accounted, item, plain, with};
use crate::world::{Options, World, order_id};

/// A download that fails with `code`: it has a reason and advice, the cursor stays, earlier orders
/// are booked, and the next run continues.
async fn fails(fault: Fault, code: &str) {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(plain("before"));
    world.download().await;
    let before = world.table.cursor().await.unwrap().value;
    world.sandbox.faults().add(Rule::always(fault).on("/orders"));
    world.clock.advance(SignedDuration::from_mins(1));
    let order = world.sandbox.upsert_order(plain("1"));
    let operation = world.next_hour().await;
    assert_eq!((operation.state, operation.reason.as_deref()), (OperationState::Failed, Some(code)));
    assert!(operation.finished_at.is_some());
    let message = operation.message.as_deref().unwrap();
    assert!(message.ends_with('.') && message.len() > 40, "{message}");
    let after = world.table.cursor().await.unwrap().value;
    assert_eq!((after.reached, after.lease), (before.reached, None));
    assert!(world.logged(order).await.is_none());
    world.sandbox.faults().clear();
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, order).await.outcome, Some(Outcome::Captured));
    assert_eq!(world.sales().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_fail_the_operation() {
    fails(Fault::Unauthorized, "shipstation_refused_credentials").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_without_the_api_fails_the_operation() {
    fails(Fault::PaymentRequired, "shipstation_plan_without_api").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn html_instead_of_json_fails_the_operation() {
    fails(Fault::Html, "shipstation_not_json").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_answer_fails_the_operation() {
    fails(Fault::TruncatedJson, "shipstation_truncated").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shipstation_down_fails_the_operation() {
    fails(Fault::Unavailable, "shipstation_unavailable").await;
}

/// The orders that a failed run had read are accounted for, and the next run continues after them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_in_the_middle_keeps_what_was_read() {
    let world = World::new(Options::default()).await;
    for number in 0..620 {
        world.clock.advance(SignedDuration::from_secs(1));
        world.sandbox.upsert_order(plain(&number.to_string()).status("awaiting_payment"));
    }
    world.clock.advance(SignedDuration::from_secs(1));
    // The first page is answered, the second is not.
    world.sandbox.faults().add(Rule::every(Fault::Unauthorized, 2).on("/orders"));
    let operation = world.download().await;
    assert_eq!((operation.state, operation.counts.of(Outcome::Waiting)), (OperationState::Failed, 500));
    assert_eq!(operation.counts.total(), world.rows(&operation).await.len() as u64);
    let reached = world.table.cursor().await.unwrap().value.reached.unwrap();
    assert!(reached.0 > stevedore_domain::pacific::PacificTime::at(crate::world::START.parse().unwrap()).0, "{reached}");
    world.sandbox.faults().clear();
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.total(), 620);
}

/// Without the secret an operation has a reason, and no request is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_credentials_fail_the_operation() {
    let world = World::new(Options::default()).await;
    world.secrets.clear().await.unwrap();
    let operation = world.download().await;
    assert_eq!((operation.state, operation.reason.as_deref()), (OperationState::Failed, Some("not_connected")));
    assert!(world.sandbox.requests().is_empty());
}

/// A run that is out of time leaves the rest to the next invocation, which continues at its
/// position. It is one operation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_out_of_time_goes_on_by_itself() {
    let world = World::new(Options::default()).await;
    for number in 0..1_100 {
        world.clock.advance(SignedDuration::from_secs(1));
        world.sandbox.upsert_order(plain(&number.to_string()).status("awaiting_payment"));
    }
    world.clock.advance(SignedDuration::from_secs(1));
    world.sandbox.use_up_limit(0);
    // Each page is throttled until far beyond this invocation's time.
    world.sandbox.faults().add(Rule::every(Fault::TooManyRequests { reset_seconds: Some(1_000) }, 2).on("/orders"));
    let answer = world.tick().await.unwrap();
    assert_eq!(answer["state"], "running", "{answer}");
    // The key's window ends; then the queued command continues.
    world.clock.advance(SignedDuration::from_secs(1_001));
    world.sandbox.faults().clear();
    world.drain().await;
    let operation = world.operation(&stevedore_domain::ids::OperationId::from(answer["operation_id"].as_str().unwrap())).await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Waiting), 1_100);
    assert_eq!(world.table.list_operations(&stevedore_aws::List { limit: 10, ..Default::default() }).await.unwrap().items.len(), 1);
    assert!(world.table.cursor().await.unwrap().value.lease.is_none());
}

/// Delivers until every failing message has become a dead letter.
async fn exhaust(world: &World) {
    for _ in 0..7 {
        world.drain().await;
        world.clock.advance(SignedDuration::from_secs(5_401));
    }
    world.drain().await;
}

async fn send_raw(world: &World, bodies: &[&str]) {
    let bodies: Vec<String> = bodies.iter().map(|body| (*body).to_owned()).collect();
    assert!(world.queues.send_orders(&bodies).await.unwrap().refused.is_empty());
}

/// Messages that can never be processed: each goes to the dead letters separately and at once, with
/// a reason, and can be redriven.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_messages_are_dead_letters_at_once_and_say_why() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    let text = world.sandbox.order(order).unwrap().text;
    let message = |text: &str| OrderMessage {
        operation_id: "op".into(),
        account: stevedore_domain::ids::ShipstationAccount::FIRST,
        trigger: Trigger::Manual,
        read_at: Some(world.clock.now()),
        order: serde_json::from_str(text).unwrap(),
        alike: Vec::new(),
    };
    let uncounted = with(&plain("2"), |order| item(order, 0).set("quantity", Json::Null)).to_string().replacen('{', "{\"orderId\":2,", 1);
    let uncounted =
        message(&uncounted.replacen("\"modifyDate\":null", "\"modifyDate\":\"2026-01-15T08:00:00\"", 1)).encode().unwrap().unwrap();
    let bad = ["not json at all", r#"{"v":99,"order":{}}"#, r#"{"v":1}"#, uncounted.as_str()];
    send_raw(&world, &[bad[0], &message(&text).encode().unwrap().unwrap(), bad[1], bad[2], bad[3]]).await;
    world.drain().await;
    // The good message of the same batch was processed, and none waits to be delivered again.
    assert_eq!(world.sale(order).await.total.0, 1000);
    assert_eq!(world.queues.depth(&world.queues.urls().orders).await.unwrap().total(), 0);
    let letters = world.queues.dead_letters(10).await.unwrap();
    let reason_of = |body: &str| {
        let letter = letters.iter().find(|letter| letter.body == body).unwrap_or_else(|| panic!("{body} is not among {letters:?}"));
        letter.reason.clone().unwrap_or_else(|| panic!("{body} does not say why"))
    };
    for (body, code, said) in [
        (bad[0], "not_json", "not JSON"),
        (bad[1], "unknown_version", "version 99"),
        (bad[2], "no_order", "no order"),
        (bad[3], "malformed_order", "/"),
    ] {
        let reason = reason_of(body);
        assert_eq!(reason.code, code, "{body}: {reason:?}");
        assert!(reason.detail.contains(said), "{body}: {reason:?}");
    }
    // Listing removed nothing, and at most the requested number is shown.
    assert_eq!(world.queues.dead_letters(2).await.unwrap().len(), 2);
    assert_eq!(world.queues.dead_letters(10).await.unwrap().len(), 4);
    // One by one, and all. They come back with their reasons, because they are unchanged.
    let chosen = [letters[0].message_id.clone(), "no-such".to_owned()];
    let redriven = world.queues.redrive(Some(&chosen)).await.unwrap();
    assert_eq!((redriven.moved, redriven.missing), (1, 1));
    assert_eq!(world.queues.dead_letters(10).await.unwrap().len(), 3);
    assert_eq!(world.queues.redrive(None).await.unwrap().moved, 3);
    assert!(world.queues.dead_letters(10).await.unwrap().is_empty());
    world.drain().await;
    let again = world.queues.dead_letters(10).await.unwrap();
    assert_eq!(again.len(), 4);
    assert!(again.iter().all(|letter| letter.reason.is_some()), "{again:?}");
}

/// An order whose processing kept failing is a failed row until it is redriven, which books it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redriven_order_is_booked() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    let answer = world.tick().await.unwrap();
    // The poller receives the message and dies, each time.
    let url = world.queues.urls().orders.clone();
    for _ in 0..6 {
        world.queues.receive(&url, 0).await.unwrap();
        world.clock.advance(SignedDuration::from_secs(721));
    }
    let letters = world.queues.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    world.clock.advance(SignedDuration::from_hours(2));
    let operation = world.operation(&stevedore_domain::ids::OperationId::from(answer["operation_id"].as_str().unwrap())).await;
    assert_eq!(world.row(&operation, order).await.reason, Some(Reason::NotProcessed));
    accounted(&world, &operation).await;
    assert_eq!(world.queues.redrive(None).await.unwrap().moved, 1);
    world.drain().await;
    assert_eq!(world.sale(order).await.total.0, 1000);
    // It was captured from an old message, so the next download reads it again.
    world.next_hour().await;
    assert_eq!(world.sales().await.len(), 1);
}

/// Unreadable commands are dead letters like any other and return to their own queue. A valid
/// command beside them is executed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_commands_come_back_to_their_own_queue() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(plain("1"));
    // The address of one queue under another's name, which sends any text to the commands queue.
    let urls = world.queues.urls().clone();
    let commands = Queues::new(&world.clients, QueueUrls { orders: urls.commands.clone(), ..urls.clone() });
    let bad = [r#"{"v":9,"command":"load_everything"}"#.to_owned(), "no command".to_owned()];
    commands.send_orders(&bad).await.unwrap();
    let orphan = Command::Run { operation_id: "gone".into() };
    world.queues.send_command(&orphan).await.unwrap();
    let operation = world.start(OperationKind::LoadOrder { order_number: "1".to_owned() }).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 1);
    exhaust(&world).await;
    let mut letters: Vec<_> = world.queues.dead_letters(10).await.unwrap().into_iter().map(|letter| letter.body).collect();
    letters.sort_unstable();
    let mut expected = [orphan.encode().unwrap(), bad[0].clone(), bad[1].clone()];
    expected.sort_unstable();
    assert_eq!(letters, expected);
    assert_eq!(world.queues.redrive(None).await.unwrap().moved, 3);
    assert_eq!(world.queues.receive(&urls.commands, 0).await.unwrap().len(), 3);
    assert!(world.queues.receive(&urls.orders, 0).await.unwrap().is_empty());
}

/// A command that is delivered again, or after its operation ended, does nothing twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_may_be_delivered_again() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(plain("1"));
    let operation: Operation = world.load_number("1").await;
    let command = Command::Run { operation_id: operation.id.clone() };
    for _ in 0..3 {
        world.queues.send_command(&command).await.unwrap();
    }
    world.drain().await;
    assert_eq!(world.operation(&operation.id).await, operation);
    // A disconnect that was not confirmed removes nothing.
    world.queues.send_command(&Command::Disconnect).await.unwrap();
    world.drain().await;
    assert!(world.table.connection().await.unwrap().is_some());
    assert_eq!(world.log().await.len(), 1);
}

/// P4: a write of one item that conflicts with another writer's transaction is repeated, like a
/// cancelled transaction. The SDK does not do this.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_a_write_beside_a_transaction_is_repeated() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.tax.default_rule = None).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    assert!(world.logged(order).await.unwrap().sale_id.is_none());
    let conflict = || stevedore_engines::Fault::Error { status: 400, code: "TransactionConflictException".to_owned() };
    world.engines.faults().fail_next("PutItem", 3, conflict());
    let now = world.clock.now();
    let changed = world.table.change_log_entry(order_id(order), |entry| {
        entry.add_event(now, "looked at", "test");
        true
    });
    let changed = changed.await.unwrap().unwrap();
    assert_eq!(changed.timeline.last().unwrap().what, "looked at");
    world.engines.faults().fail_next("DeleteItem", 3, conflict());
    world.table.delete_log_entry(order_id(order)).await.unwrap();
    assert!(world.logged(order).await.is_none());
    // It is limited: a conflict that never ends is a temporary failure.
    world.engines.faults().fail_next("PutItem", stevedore_aws::WRITE_TRIES.try_into().unwrap(), conflict());
    let connection = world.table.connection().await.unwrap().unwrap();
    let error = world.table.put_connection(&connection.value, Some(connection.version)).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(world.table.put_connection(&connection.value, Some(connection.version)).await.is_ok());
}
