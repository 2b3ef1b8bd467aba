//! Operations that take long, wait, are delivered twice or lose their connection; and the cost of
//! reading their rows.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use jiff::SignedDuration;
use serde_json::Value;
use stevedore_aws::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut, BoxError, ConfigBag, Intercept, RuntimeComponents,
    SharedInterceptor,
};
use stevedore_aws::messages::Command;
use stevedore_aws::{ClientOptions, Clients, List, QueueUrls, Queues, RecordOutcome, Stored, Table};
use stevedore_domain::ids::{OperationId, OrderId};
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::{Operation, OperationKind, OperationRow, OperationState};
use stevedore_domain::reason::Reason;

use crate::bound::Bound;
use crate::flow::{accounted, plain};
use crate::world::{Options, TestClock, World, sqs_event};

/// Advances the time with every queued batch of orders, like a slow ShipStation.
#[derive(Clone, Debug, Default)]
struct Slow(Arc<OnceLock<ClockHandle>>);

struct ClockHandle(TestClock);

impl std::fmt::Debug for ClockHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClockHandle")
    }
}

impl Intercept for Slow {
    fn name(&self) -> &'static str {
        "Slow"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        if let (true, Some(clock)) = (target.ends_with("SendMessageBatch"), self.0.get()) {
            clock.0.advance(SignedDuration::from_mins(10));
        }
        Ok(())
    }
}

/// An operation that a person started, and its command, sent `times` times.
async fn started(world: &World, kind: OperationKind, times: usize) -> OperationId {
    let now = world.clock.now();
    let operation = Operation {
        id: OperationId(format!("{}-by-hand", now.strftime("%Y%m%dT%H%M%S%3f"))),
        ..Operation::new(kind.clone(), stevedore_domain::ids::ShipstationAccount::FIRST, "avery", now)
    };
    assert!(world.table.create_operation(&operation).await.unwrap().is_some());
    for _ in 0..times {
        let command = Command::Run { operation_id: operation.id.clone() };
        world.queues.send_command(&command).await.unwrap();
    }
    operation.id
}

fn load_today(world: &World) -> OperationKind {
    OperationKind::LoadOrders { from: world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date().yesterday().unwrap() }
}

async fn state(world: &World, id: &OperationId) -> (OperationState, Option<String>) {
    let operation = world.table.operation(id).await.unwrap().unwrap().value;
    (operation.state, operation.reason)
}

/// P2, P4: a load that is cut off when its orders are processed, before it wrote that down, counts
/// them as its own once it has read them again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_p4_a_load_that_was_cut_off_counts_what_it_captured() {
    let world = World::new(Options { orders: 12, ..Options::default() }).await;
    let id = started(&world, load_today(&world), 1).await;
    world.deliver_commands().await;
    world.drain().await;
    let before = world.operation(&id).await;
    assert!(before.state == OperationState::Completed && before.counts.of(Outcome::Captured) > 0, "{before:?}");

    // As it was when its command was taken, and the command is delivered again.
    let Stored { value: after, version } = world.table.operation(&id).await.unwrap().unwrap();
    let cut_off =
        Operation { state: OperationState::Running, pages: 0, position: None, read_at: None, finished_at: None, work: None, ..after };
    assert!(world.table.put_operation(&cut_off, version).await.unwrap().is_some());
    world.queues.send_command(&Command::Run { operation_id: id.clone() }).await.unwrap();
    world.deliver_commands().await;
    world.drain().await;
    let again = world.operation(&id).await;
    assert_eq!((again.state, again.counts), (OperationState::Completed, before.counts.clone()));
    assert_eq!(world.sales().await.len(), usize::try_from(before.counts.of(Outcome::Captured)).unwrap());

    // Another load finds them there.
    world.clock.advance(SignedDuration::from_mins(1));
    let other = started(&world, load_today(&world), 1).await;
    world.deliver_commands().await;
    world.drain().await;
    let other = world.operation(&other).await;
    assert_eq!((other.counts.of(Outcome::Captured), other.counts.of(Outcome::Unchanged)), (0, before.counts.of(Outcome::Captured)));
}

/// P4: a load that works for many hours is running all that time, for any ticks beside it, and
/// reads every order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_a_load_at_work_for_many_hours_is_never_called_cut_off() {
    let slow = Slow::default();
    let options = Options { interceptors: vec![SharedInterceptor::new(slow.clone())], orders: 520, ..Options::default() };
    let world = World::new(options).await;
    slow.0.set(ClockHandle(world.clock.clone())).unwrap();
    let began = world.clock.now();
    let from = began.to_zoned(jiff::tz::TimeZone::UTC).date().checked_sub(jiff::Span::new().days(300)).unwrap();
    let id = started(&world, OperationKind::LoadOrders { from }, 1).await;
    let mut looks = 0;
    while !matches!(state(&world, &id).await.0, OperationState::Processing | OperationState::Completed) {
        assert!(looks < 40, "it does not end");
        world.deliver_commands().await;
        world.tick().await.unwrap();
        let (state, reason) = state(&world, &id).await;
        assert!(state != OperationState::Failed, "after {:?}: {state:?} {reason:?}", world.clock.now().duration_since(began));
        looks += 1;
    }
    let lasted = world.clock.now().duration_since(began);
    assert!(looks > 1 && lasted > SignedDuration::from_hours(6), "{looks} looks in {lasted:?} show nothing");
    let operation = world.operation(&id).await;
    assert_eq!(operation.counts.total(), u64::try_from(world.sandbox.orders().len()).unwrap());
}

/// An operation whose command waits long in the queue is queued, not dead, and is executed when its
/// command arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_that_waits_in_the_queue_for_a_day_is_queued_and_then_carried_out() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    let id = started(&world, load_today(&world), 1).await;
    for _ in 0..8 {
        world.clock.advance(SignedDuration::from_hours(3));
        world.tick().await.unwrap();
        assert_eq!(state(&world, &id).await, (OperationState::Queued, None));
    }
    world.drain().await;
    let operation = world.operation(&id).await;
    assert_eq!(operation.state, OperationState::Completed);
    assert!(world.rows(&operation).await.iter().any(|row| row.order_id == Some(crate::world::order_id(order))));
}

/// P4: a command that arrives after its operation was given up, late or from the dead letters,
/// still executes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_a_command_that_comes_after_its_operation_was_given_up_carries_it_out() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    let id = started(&world, load_today(&world), 1).await;
    let stored = world.table.operation(&id).await.unwrap().unwrap();
    // Its process died after its first write.
    let running = Operation { state: OperationState::Running, ..stored.value };
    world.table.put_operation(&running, stored.version).await.unwrap().unwrap();
    world.clock.advance(SignedDuration::from_hours(7));
    world.tick().await.unwrap();
    assert_eq!(state(&world, &id).await.0, OperationState::Running, "its command is still delivered");
    world.clock.advance(SignedDuration::from_hours(2));
    world.tick().await.unwrap();
    assert_eq!(state(&world, &id).await, (OperationState::Failed, Some("cut_off".to_owned())));
    world.drain().await;
    let operation = world.operation(&id).await;
    assert_eq!((operation.state, operation.reason.as_deref()), (OperationState::Completed, None));
    assert!(world.rows(&operation).await.iter().any(|row| row.order_id == Some(crate::world::order_id(order))));
}

/// P2: one process executes a command that is delivered twice at once. The other delivery waits,
/// and finds no work later.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn p2_two_deliveries_of_one_command_write_no_rows_over_each_other() {
    let world = World::new(Options { orders: 60, ..Options::default() }).await;
    let from = world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date().checked_sub(jiff::Span::new().days(300)).unwrap();
    let id = started(&world, OperationKind::LoadOrders { from }, 2).await;
    let url = world.queues.urls().commands.clone();
    let messages = world.queues.receive(&url, 0).await.unwrap();
    assert_eq!(messages.len(), 2);
    let handle = |index: usize| {
        let event = serde_json::to_value(sqs_event(&messages[index..=index])).unwrap();
        let (run, deadline) = (world.run.clone(), world.deadline());
        tokio::spawn(async move { run_operations::handle(&run, event, deadline).await.unwrap() })
    };
    let (one, other) = tokio::join!(handle(0), handle(1));
    let failed = |answer: Value| usize::from(answer["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty()));
    let waiting = failed(one.unwrap()) + failed(other.unwrap());
    assert!(waiting <= 1, "no delivery worked");
    world.drain().await;
    let operation = world.operation(&id).await;
    accounted(&world, &operation).await;
    let orders = world.sandbox.orders().len();
    assert_eq!(operation.counts.total(), u64::try_from(orders).unwrap());
    let rows = world.rows(&operation).await;
    let distinct: BTreeSet<_> = rows.iter().filter_map(|row| row.order_id).collect();
    assert_eq!(distinct.len(), orders);
    // The waiting delivery arrives again.
    world.clock.advance(SignedDuration::from_mins(91));
    world.drain().await;
    assert_eq!(world.operation(&id).await.counts, operation.counts);
}

async fn disconnect(world: &World) {
    let stored = world.table.connection().await.unwrap().unwrap();
    let mut connection = stored.value;
    connection.disconnecting = true;
    let marked = world.table.put_connection(&connection, Some(stored.version)).await.unwrap();
    assert!(matches!(marked, RecordOutcome::Written(_)));
    world.queues.send_command(&Command::Disconnect).await.unwrap();
}

/// An operation that a disconnect ended: at once, or where no index showed it yet, by the sweep of one of the next ticks.
async fn ended(world: &World, id: &stevedore_domain::ids::OperationId) -> stevedore_domain::operation::Operation {
    for _ in 0..3 {
        let operation = world.table.operation(id).await.unwrap().unwrap().value;
        if operation.state.is_final() && operation.counts.queued == 0 {
            return operation;
        }
        assert!(crate::world::lag().is_some(), "not at once: {operation:?}");
        world.clock.advance(SignedDuration::from_mins(5));
        world.tick().await.unwrap();
    }
    panic!("not ended by three ticks");
}

/// P2: a disconnect during a load ends it at once, with a row for each order that will not be
/// processed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_a_disconnect_ends_what_runs_and_accounts_for_what_waits() {
    let world = World::new(Options::default()).await;
    for number in 0..25 {
        world.sandbox.upsert_order(plain(&number.to_string()).id(930_000 + number));
    }
    let id = started(&world, load_today(&world), 1).await;
    world.deliver_commands().await;
    // Ten are booked, the others wait in the queue.
    assert_eq!(world.deliver_orders().await, 10);
    disconnect(&world).await;
    world.deliver_commands().await;
    assert!(world.table.connection().await.unwrap().is_none());
    let operation = ended(&world, &id).await;
    let rows = world.rows(&operation).await;
    let of = |outcome| rows.iter().filter(|row| row.outcome == Some(outcome)).count();
    assert_eq!((of(Outcome::Captured), of(Outcome::Skipped), rows.len()), (10, 15, 25), "{rows:?}");
    assert!(rows.iter().filter(|row| row.outcome == Some(Outcome::Skipped)).all(|row| row.reason == Some(Reason::NotConnected)));
    assert_eq!((operation.counts.total(), operation.counts.queued), (25, 0));
    // Messages in the queue are skipped, and change nothing.
    world.drain().await;
    assert_eq!(world.sales().await.len(), 10);
    // A load whose command arrives without a connection also ends at once.
    world.clock.advance(SignedDuration::from_secs(1));
    let late = started(&world, load_today(&world), 1).await;
    world.drain().await;
    assert_eq!(state(&world, &late).await, (OperationState::Failed, Some("not_connected".to_owned())));
}

/// Counts the sizes of replies.
#[derive(Clone, Debug, Default)]
struct Weighed {
    bytes: Arc<AtomicUsize>,
    largest: Arc<AtomicUsize>,
    replies: Arc<AtomicUsize>,
}

impl Intercept for Weighed {
    fn name(&self) -> &'static str {
        "Weighed"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let length = context.response().headers().get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        self.bytes.fetch_add(length, Ordering::SeqCst);
        self.largest.fetch_max(length, Ordering::SeqCst);
        self.replies.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Weighed {
    fn take(&self) -> (usize, usize, usize) {
        (self.replies.swap(0, Ordering::SeqCst), self.bytes.swap(0, Ordering::SeqCst), self.largest.swap(0, Ordering::SeqCst))
    }
}

/// 1,600 unreadable orders of 16 KB are read page by page: one row reads one page, and settling has
/// at most a few pages in memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_with_evidence_are_read_page_by_page() {
    const ROWS: usize = 1_600;
    let world = World::new(Options::default()).await;
    let id = started(&world, load_today(&world), 0).await;
    // Texts that do not compress well.
    let text = |number: usize| {
        let digit = |place: usize| stevedore_domain::digest::Digest::of_bytes(format!("{number} {place}").as_bytes()).to_string();
        (0..16_384 / 32).map(digit).collect::<String>()
    };
    let row = |number: usize| OperationRow {
        evidence: Some(text(number)),
        ..OperationRow::decided(OrderId(number as u64), &number.to_string(), Outcome::Failed, Some(Reason::MalformedOrder))
    };
    let rows: Vec<OperationRow> = (1..=ROWS).map(row).collect();
    let stored = world.table.operation(&id).await.unwrap().unwrap();
    let pages = world.table.put_operation_rows(&id, 0, &rows).await.unwrap();
    assert!(pages > 50, "{pages}");
    let operation = Operation { state: OperationState::Processing, pages, read_at: Some(world.clock.now()), ..stored.value };
    world.table.put_operation(&operation, stored.version).await.unwrap().unwrap();

    let weighed = Weighed::default();
    let options = ClientOptions { interceptors: vec![SharedInterceptor::new(weighed.clone())], ..ClientOptions::default() };
    let table = Table::new(&Clients::at_endpoint(world.engines.endpoint(), options), "stevedore");
    let one = List { limit: 1, ..List::default() };
    let page = table.list_operation_rows(&operation, &one, world.clock.now()).await.unwrap();
    let (replies, bytes, _) = weighed.take();
    assert_eq!(page.items.len(), 1);
    assert!(replies == 1 && bytes < 500_000, "one row took {replies} replies of {bytes} bytes");
    // A view over the API reads only the operation.
    table.look_at_operation(&id, world.clock.now(), 1_000).await.unwrap().unwrap();
    assert!(weighed.take().0 == 1);
    // The schedule settles it a few pages at a time.
    let settled = table.settle(&id, world.clock.now()).await.unwrap().unwrap();
    let (replies, bytes, largest) = weighed.take();
    assert!(bytes > 10_000_000 && largest <= 2_000_000, "{replies} replies of {bytes} bytes, the largest of {largest}");
    assert_eq!((settled.operation.state, settled.operation.counts.of(Outcome::Failed)), (OperationState::Completed, ROWS as u64));
    // All of them, page by page, each once.
    let mut list = List { limit: 200, ..List::default() };
    let mut seen = BTreeSet::new();
    let mut bound = Bound::of("a list of rows");
    loop {
        bound.turn();
        let page = table.list_operation_rows(&settled.operation, &list, world.clock.now()).await.unwrap();
        let weight: usize = page.items.iter().filter_map(|row| row.evidence.as_ref()).map(String::len).sum();
        assert!(weight <= 3_100_000, "{weight}");
        assert!(page.items.iter().all(|row| seen.insert(row.order_id)), "a row came twice");
        list.token = page.next;
        if list.token.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), ROWS);
}

/// Dead letters are found and moved also where a call that does not wait asks only some of the
/// servers, as in AWS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_read_by_long_polling() {
    let world = World::new(Options::default()).await;
    let dead = world.queues.urls().dead_letters.clone();
    let urls = QueueUrls { orders: dead.clone(), commands: dead.clone(), consolidation: dead.clone(), dead_letters: dead.clone() };
    let bodies: Vec<String> = (0..25).map(|number| format!("letter {number}")).collect();
    let plain_clients = Clients::at_endpoint(world.engines.endpoint(), ClientOptions::default());
    assert!(Queues::new(&plain_clients, urls).send_orders(&bodies).await.unwrap().refused.is_empty());
    world.engines.faults().short_polls_are_partial(true);
    assert_eq!(world.queues.dead_letters(100).await.unwrap().len(), 25);
    assert_eq!(world.queues.dead_letters(100).await.unwrap().len(), 25, "a list gives back what it read");
    let chosen = world.queues.dead_letters(1).await.unwrap()[0].message_id.clone();
    let redriven = world.queues.redrive(Some(std::slice::from_ref(&chosen))).await.unwrap();
    assert_eq!((redriven.moved, redriven.missing, redriven.left), (1, 0, 24));
    let redriven = world.queues.redrive(None).await.unwrap();
    assert_eq!((redriven.moved, redriven.left), (24, 0));
    assert_eq!(world.queues.depth(&dead).await.unwrap().total(), 0);
    assert_eq!(world.queues.depth(&world.queues.urls().orders).await.unwrap().total(), 25);
}
