//! Daily consolidation through the whole system.

use std::time::Duration;

use jiff::SignedDuration;
use stevedore_aws::messages::Command;
use stevedore_aws::{DeleteOutcome, List, OrderRecord, StoredRun};
use stevedore_domain::address::Address;
use stevedore_domain::consolidation::{DueRun, RunRecord};
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::{LogState, Outcome, Trigger};
use stevedore_domain::operation::{Operation, OperationKind, OperationState};
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::{SaleStatus, Source, StageStatus};
use stevedore_domain::settings::{CaptureOrderWhen, Consolidation, InvoiceMode, LocalTime, PickPackShip};
use stevedore_domain::stock::Level;
use stevedore_sandbox::{Draft, Json};

use crate::bound::Bound;
use crate::day::{COUNTER, Sums};
use crate::flow::with;
use crate::stock::{check, levels};
use crate::world::{Options, World, dec, order_id};

fn mug(number: &str, quantity: i64) -> Draft {
    Draft::new(number).line("MUG", quantity, dec("19.99"))
}

/// A total that is no amount of money.
pub fn inexact(draft: Draft) -> Json {
    with(&draft, |order| order.set("orderTotal", dec("10.005")))
}

async fn shop(hour: i8) -> World {
    let world = World::new(Options::default()).await;
    world.daily(hour).await;
    world
}

fn level(on_hand: i64, allocated: i64, unpicked: i64) -> Level {
    Level { on_hand, allocated, unpicked }
}

/// S23, S25, S26, S27, S28, S105, N5: at the configured time all pending orders become one sale,
/// for the chosen customer, and each cent can be traced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s23_a_days_orders_become_one_sale() {
    let world = shop(18).await;
    world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::Pick).await;
    world.product("mug", |_| {}).await;
    world.adjust("mug", 10).await;
    world.sandbox.upsert_order(mug("1001", 2).tax(dec("3.20")).shipping(dec("5.00")));
    world.sandbox.upsert_order(mug("1002", 1).line("LID", 3, dec("4.005")).tax(dec("0.10")).shipping(dec("5.00")));
    world.sandbox.upsert_order(mug("1003", 4).adjustment("WELCOME", dec("-10.00")).adjustment("Lift", dec("2.50")));
    let operation = world.download().await;
    assert_eq!((operation.counts.of(Outcome::Captured), world.sales().await.len()), (3, 0));
    world.at("2026-01-15T22:59:59Z");
    assert_eq!(world.consolidate().await, [""; 0], "S24, S25: not before its time");
    assert_eq!(world.log().await[0].entry.state, LogState::Pending);
    assert_eq!(world.level("mug").await, level(10, 0, 10), "a pending order claims nothing");

    world.at("2026-01-15T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    let sales = world.booked().await;
    assert_eq!(sales.len(), 1);
    let sale = &sales[0];
    Sums::of_day(sale).equal(&Sums::of(&world.source()), "the day");
    assert_eq!((sale.customer.id.as_str(), sale.customer.name.as_str()), (COUNTER, "Counter"));
    assert_eq!((&sale.bill_to, &sale.ship_to), (&Address::default(), &Address::default()), "S105");
    assert_eq!(sale.lines.iter().filter(|line| line.sku.as_deref() == Some("MUG")).map(|line| line.quantity).collect::<Vec<_>>(), [7]);
    assert_eq!(
        sale.charges.iter().map(|charge| (charge.comment.as_deref(), charge.amount.0)).collect::<Vec<_>>(),
        [(None, 1000), (Some("Lift"), 250)]
    );
    assert_eq!(sale.discounts.iter().map(|discount| discount.amount.0).sum::<i64>(), 1000);
    assert_eq!((sale.invoice.status, sale.pick.status), (StageStatus::Authorised, StageStatus::Authorised));
    assert_eq!(world.level("mug").await, level(10, 7, 3));
    let syncs = world.table.list_pending_syncs(&List { limit: 10, ..List::default() }).await.unwrap().items;
    assert_eq!(syncs.len(), 1);
    assert_eq!(world.traceable("2026-01-15").await, 3);
    let entry = world.logged(world.source()[0].id.0.try_into().unwrap()).await.unwrap();
    assert!(entry.timeline.iter().any(|event| event.what == "taken into DAY-2026-01-15"), "{:?}", entry.timeline);

    let operation = world.run_operation("2026-01-15").await;
    assert_eq!(operation.state, OperationState::Completed);
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.total()), (3, 3));
    let message = operation.message.unwrap();
    assert!(message.starts_with("3 orders became DAY-2026-01-15: total 157.75 USD, of it tax 3.30"), "{message}");
    // Only once: neither the next tick nor the rest of the day makes another sale.
    for hour in 1..=23 {
        world.clock.advance(SignedDuration::from_mins(59));
        assert_eq!(world.consolidate().await, [""; 0], "{hour}");
    }
    assert_eq!(world.booked().await.len(), 1);
    // Later downloads know the orders.
    let again = world.next_hour().await;
    assert_eq!(again.counts.of(Outcome::Unchanged), 3, "{again:?}");
    check(&world.table, &levels(&world.table).await).await;
}

/// S25, S26: an order that is captured at the exact boundary is in the day, and one that is
/// captured a millisecond later in the next. Neither is in both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s25_an_order_captured_exactly_at_the_boundary_is_in_the_day() {
    let world = shop(18).await;
    world.at("2026-01-15T23:00:00Z");
    let at_once = world.sandbox.upsert_order(mug("1", 1));
    world.download().await;
    world.clock.advance(SignedDuration::from_millis(1));
    let later = world.sandbox.upsert_order(mug("2", 1));
    world.download_now().await;
    let captured = async |order| world.logged(order).await.unwrap().captured_at.to_string();
    assert_eq!((captured(at_once).await.as_str(), captured(later).await.as_str()), ("2026-01-15T23:00:00Z", "2026-01-15T23:00:00.001Z"));
    world.at("2026-01-16T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15", "2026-01-16"]);
    let day = async |order| world.logged(order).await.unwrap().sale_id.unwrap().to_string();
    assert_eq!((day(at_once).await.as_str(), day(later).await.as_str()), ("DAY-2026-01-15", "DAY-2026-01-16"));
    assert_eq!((world.traceable("2026-01-15").await, world.traceable("2026-01-16").await), (1, 1));
}

/// S25: an order that is captured after the boundary, also before a late tick, is wholly in the
/// next day. A day without pending orders has a reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s25_the_boundary_decides_and_missed_days_are_caught_up() {
    let world = shop(18).await;
    world.sandbox.upsert_order(mug("1", 1));
    world.download().await;
    world.at("2026-01-15T23:30:00Z");
    world.sandbox.upsert_order(mug("2", 1));
    world.download_now().await;
    // Nothing ticks for three days.
    world.at("2026-01-18T12:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15", "2026-01-16", "2026-01-17"]);
    assert_eq!((world.traceable("2026-01-15").await, world.traceable("2026-01-16").await), (1, 1));
    let sales = world.sales().await;
    let listed: Vec<&str> = sales.iter().map(|stored| stored.sale.id.as_str()).collect();
    assert_eq!(listed, ["DAY-2026-01-16", "DAY-2026-01-15"], "the newest first");
    let empty = world.run_operation("2026-01-17").await;
    assert_eq!((empty.state, empty.counts.total()), (OperationState::Completed, 0));
    assert_eq!(empty.message.as_deref(), Some("Nothing was pending, so 2026-01-17 has no sale."));
    assert!(world.table.sale(&SaleId("DAY-2026-01-17".to_owned())).await.unwrap().is_none());
}

/// S26, N20: an order that cannot be booked is not in the day, has a reason, and is tried again the
/// next day. The others are in the day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s26_what_is_left_out_says_why() {
    let world = shop(18).await;
    world
        .settings(|settings| {
            settings.location_map.default = None;
            settings.location_map.warehouses.insert("1".parse().unwrap(), crate::world::LOCATION.into());
        })
        .await;
    let mapped = world.sandbox.upsert_order(mug("1", 1).from_store(1, Some(1)));
    let blocked = world.sandbox.upsert_order(mug("2", 1).from_store(1, Some(2)));
    let failed = world.sandbox.upsert_order(inexact(mug("3", 1).from_store(1, Some(1))));
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    world.consolidate().await;
    assert_eq!(world.traceable("2026-01-15").await, 1);
    assert_eq!(world.logged(mapped).await.unwrap().state, LogState::Booked);
    let entry = world.logged(blocked).await.unwrap();
    assert_eq!((entry.state, entry.reason, entry.sale_id), (LogState::Blocked, Some(Reason::NoDefaultLocation), None));
    let entry = world.logged(failed).await.unwrap();
    assert_eq!((entry.state, entry.reason), (LogState::Failed, Some(Reason::AmountNotExact)));
    let operation = world.run_operation("2026-01-15").await;
    assert_eq!((operation.counts.of(Outcome::Captured), operation.counts.of(Outcome::Failed), operation.counts.total()), (1, 1, 3));
    for (order, reason) in [(blocked, Reason::NoDefaultLocation), (failed, Reason::AmountNotExact)] {
        let row = world.row(&operation, order).await;
        assert_eq!(row.reason, Some(reason));
        assert!(row.message.unwrap().ends_with(reason.advice()));
    }
    assert!(operation.message.unwrap().ends_with("2 orders were left out; their rows say why."));
    world.settings(|settings| settings.location_map.default = Some(crate::world::LOCATION.into())).await;
    world.at("2026-01-16T23:00:00Z");
    world.consolidate().await;
    assert_eq!(world.traceable("2026-01-16").await, 1);
    assert_eq!(world.logged(blocked).await.unwrap().sale_id, Some(SaleId("DAY-2026-01-16".to_owned())));
}

/// S24, S108: while pending, a newer revision replaces the older one and a cancellation withdraws
/// the order. Once in the day's sale, both are recorded and the sale stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s108_changes_before_and_after_the_day() {
    let world = shop(18).await;
    let (edited, cancelled, later) =
        (world.sandbox.upsert_order(mug("1", 1)), world.sandbox.upsert_order(mug("2", 1)), world.sandbox.upsert_order(mug("3", 1)));
    world.download().await;
    world.sandbox.upsert_order(mug("1", 5).id(edited));
    world.sandbox.cancel(cancelled);
    world.next_hour().await;
    world.at("2026-01-15T23:00:00Z");
    world.consolidate().await;
    let sale = world.day("2026-01-15").await;
    assert_eq!((world.traceable("2026-01-15").await, sale.lines[0].quantity), (2, 6));
    assert_eq!(world.logged(cancelled).await.unwrap().state, LogState::Withdrawn);
    world.sandbox.upsert_order(mug("1", 9).id(edited));
    world.sandbox.cancel(later);
    world.next_hour().await;
    for (order, reason) in [(edited, Reason::ChangedAfterBooking), (later, Reason::CancelledAfterBooking)] {
        let entry = world.logged(order).await.unwrap();
        assert_eq!(entry.state, LogState::Booked, "{entry:?}");
        assert!(entry.warnings.iter().any(|warning| warning.reason == reason), "{entry:?}");
    }
    // It is unchanged except for later payments: four more of 19.99.
    let mut now = world.day("2026-01-15").await;
    assert_eq!(now.invoice.payments.pop().map(|payment| payment.amount.0), Some(7996));
    assert_eq!(now, sale);
    // The changed entries still belong to the day, and no later day takes them.
    assert_eq!(world.traceable("2026-01-15").await, 2);
    world.at("2026-01-16T23:00:00Z");
    world.consolidate().await;
    assert_eq!(world.sales().await.len(), 1);
}

/// S149, S150, S152, N5: a day's sale is voided as a whole, and all its orders are voided. A
/// deleted entry leaves its order in the sale, and loading ties it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s152_a_day_is_voided_as_a_whole() {
    let world = shop(18).await;
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::PickPackShip).await;
    for product in 0..120 {
        world.product(&format!("p{product}"), |_| {}).await;
        world.adjust(&format!("p{product}"), 3).await;
    }
    // More levels than one transaction holds.
    let large = (0..120).fold(Draft::new("L"), |draft, product| draft.line(&format!("P{product}"), 1, dec("1")));
    let orders = [world.sandbox.upsert_order(large), world.sandbox.upsert_order(Draft::new("S").line("P7", 2, dec("1")))];
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    world.consolidate().await;
    assert_eq!(world.day("2026-01-15").await.ship.status, StageStatus::Authorised);
    assert_eq!((world.level("p7").await, world.level("p8").await), (level(0, 0, 0), level(2, 0, 2)));
    check(&world.table, &levels(&world.table).await).await;

    assert!(matches!(world.table.delete_log_entry(order_id(orders[1])).await.unwrap(), DeleteOutcome::Deleted(Some(_))));
    let listed = world.day_orders("2026-01-15", 10).await;
    assert_eq!(listed.len(), 2, "N5: the sale still lists it");
    let detached =
        listed.iter().find_map(|known| if let OrderRecord::DetachedSale(detached) = known { Some(detached) } else { None }).unwrap();
    let member = detached.member.as_ref().unwrap();
    assert_eq!((member.order_number.as_str(), member.sale_total.unwrap().0), ("S", 200));
    world.load_number("S").await;
    let tied = world.logged(orders[1]).await.unwrap();
    assert_eq!((tied.state, tied.reason), (LogState::Booked, Some(Reason::SaleAlreadyLive)));
    assert_eq!(world.traceable("2026-01-15").await, 2);

    let voided = world.void_day("2026-01-15").await;
    assert_eq!(voided.status(), SaleStatus::Voided);
    assert_eq!(world.level("p7").await, level(3, 0, 3));
    check(&world.table, &levels(&world.table).await).await;
    for order in orders {
        let entry = world.logged(order).await.unwrap();
        assert_eq!((entry.state, entry.reason), (LogState::Voided, Some(Reason::SaleVoided)));
    }
    let listed = world.table.list_log_state(LogState::Voided, &List { limit: 10, ..List::default() }).await.unwrap();
    assert_eq!(listed.items.len(), 2);
    // After deletion and loading, an order waits for the next day.
    world.table.delete_log_entry(order_id(orders[1])).await.unwrap();
    world.load_number("S").await;
    assert_eq!(world.logged(orders[1]).await.unwrap().state, LogState::Pending);
    world.at("2026-01-16T23:00:00Z");
    world.consolidate().await;
    assert_eq!(world.traceable("2026-01-16").await, 1);
}

/// S24: a person changes the time during the day, and turns consolidation off and on again. No date
/// has two runs, and no order two sales.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s24_the_admin_changes_his_mind() {
    let world = shop(18).await;
    world.sandbox.upsert_order(mug("1", 1));
    world.download().await;
    let time =
        |hour| move |settings: &mut stevedore_domain::settings::Settings| settings.consolidation_time = Some(LocalTime { hour, minute: 0 });
    world.at("2026-01-15T20:30:00Z");
    world.settings(time(15)).await;
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    world.sandbox.upsert_order(mug("2", 1));
    world.next_hour().await;
    world.settings(time(17)).await;
    world.at("2026-01-15T23:00:00Z");
    assert_eq!(world.consolidate().await, [""; 0], "a date has one run");
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::None;
            settings.consolidation_time = None;
        })
        .await;
    let operation = world.start(OperationKind::Consolidate { local_date: None }).await;
    assert_eq!(operation.message.as_deref(), Some("Daily consolidation is off: orders become sales one by one."));
    // Off: pending orders are booked separately.
    world.next_hour().await;
    assert_eq!(world.sales().await.len(), 2);
    world.at("2026-02-01T12:00:00Z");
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::Daily;
            settings.consolidation_time = Some(LocalTime { hour: 18, minute: 0 });
        })
        .await;
    world.at("2026-02-02T12:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-02-01"], "not the weeks in between");
}

/// S154: a person requests a run. Due work is done in that operation; otherwise it states the next
/// time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s154_a_person_asks_for_what_is_due() {
    let world = shop(18).await;
    world.sandbox.upsert_order(mug("1", 1));
    world.download().await;
    let early = world.start(OperationKind::Consolidate { local_date: None }).await;
    assert_eq!(early.state, OperationState::Completed);
    assert_eq!(early.message.as_deref(), Some("Nothing is due. The orders of 2026-01-15 become one sale at 2026-01-15 18:00."));
    world.at("2026-01-15T23:00:00Z");
    let operation = world.start(OperationKind::Consolidate { local_date: None }).await;
    assert_eq!(operation.kind, OperationKind::Consolidate { local_date: Some("2026-01-15".parse().unwrap()) });
    assert_eq!((operation.state, operation.by.as_str(), operation.counts.of(Outcome::Captured)), (OperationState::Completed, "avery", 1));
    assert_eq!(world.traceable("2026-01-15").await, 1);
}

/// Two days of generated orders, equal to sums of ShipStation's own data.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p3_generated_days_equal_their_orders_to_the_cent() {
    let options = Options {
        orders: 400,
        sandbox: Box::new(|options| {
            options.only_status = Some("shipped".to_owned());
            options.history = SignedDuration::from_hours(20);
        }),
        ..Options::default()
    };
    let world = World::new(options).await;
    world.daily(18).await;
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    world.consolidate().await;
    Sums::of_day(&world.day("2026-01-15").await).equal(&Sums::of(&world.source()), "the day");
    assert_eq!(world.traceable("2026-01-15").await, 400);
}

/// N5, P4: 3,000 orders in invocations that run out of time give exactly the result of one
/// invocation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_thousands_goes_on_over_invocations() {
    large_day(3_000).await;
}

/// The same with 50,000 orders, with `STEVEDORE_LONG=1`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_fifty_thousand_goes_on_over_invocations() {
    if std::env::var("STEVEDORE_LONG").is_ok_and(|value| value == "1") {
        large_day(50_000).await;
    }
}

async fn large_day(orders: usize) {
    let options = Options {
        orders,
        sandbox: Box::new(|options| {
            options.only_status = Some("shipped".to_owned());
            options.lines_per_order = Some(2);
            options.history = SignedDuration::from_hours(20);
        }),
        ..Options::default()
    };
    let world = World::new(options).await;
    world.daily(18).await;
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    // Every reading takes 10 ms: of 25 s, 15 are left for storing the sum after two pages.
    let invocations = world.consolidate_in_pieces(&world.hurried(SignedDuration::from_millis(10)), Duration::from_secs(25)).await;
    assert!(invocations > orders / 1_100, "{invocations} invocations");
    Sums::of_day(&world.day("2026-01-15").await).equal(&Sums::of(&world.source()), "the day");
    assert_eq!(world.traceable("2026-01-15").await, orders);
    assert_eq!(world.run_operation("2026-01-15").await.counts.of(Outcome::Captured), orders as u64);
}

/// Membership: during the run, a person turns consolidation off and processes everything by hand.
/// Each order is in exactly one sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_processed_by_hand_during_the_run_are_in_one_sale() {
    let options = Options {
        orders: 120,
        sandbox: Box::new(|options| {
            options.only_status = Some("shipped".to_owned());
            options.history = SignedDuration::from_hours(20);
        }),
        ..Options::default()
    };
    let world = World::new(options).await;
    world.daily(18).await;
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    // The run begins and is interrupted before its first order.
    let (now, settings) = (world.clock.now(), world.table.settings().await.unwrap());
    let due = DueRun { local_date: "2026-01-15".parse().unwrap(), boundary: now };
    let record = RunRecord::new(due, settings.version, "run".into(), now);
    let operation = Operation {
        id: "run".into(),
        trigger: Trigger::Schedule,
        state: OperationState::Running,
        ..Operation::new(
            OperationKind::Consolidate { local_date: Some(due.local_date) },
            stevedore_domain::ids::ShipstationAccount::FIRST,
            "schedule",
            now,
        )
    };
    assert!(world.table.begin_run(&StoredRun::new(record, settings.value, now), &operation, None).await.unwrap());
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::None;
            settings.consolidation_time = None;
        })
        .await;
    // Newer revisions of some orders, so that both sides find each other's writes.
    for order in world.source().iter().take(40) {
        world.sandbox.edit_order(i64::try_from(order.id.0).unwrap(), |order| order.set("customerNotes", "quick"));
    }
    world.clock.advance(SignedDuration::from_mins(5));
    world.queues.send_command(&Command::ProcessPending { operation_id: None, order_ids: None }).await.unwrap();
    world.deliver_commands().await;
    for _ in 0..3 {
        world.deliver_orders().await;
    }
    let by_hand = async {
        let mut bound = Bound::of("the orders queue");
        while world.deliver_orders().await > 0 {
            bound.turn();
        }
    };
    let run = async {
        for _ in 0..3 {
            world.consolidation_tick().await.unwrap();
        }
    };
    tokio::join!(by_hand, run);
    world.drain().await;
    let mut inside = 0;
    let day = world.table.sale(&SaleId("DAY-2026-01-15".to_owned())).await.unwrap();
    for stored in world.log().await {
        let entry = stored.entry;
        assert_eq!(entry.state, LogState::Booked, "{entry:?}");
        inside += u64::from(entry.sale_id.unwrap().day().is_some());
    }
    let sales = world.booked().await;
    let alone = sales.iter().filter(|sale| matches!(sale.source, Source::Order(_))).count() as u64;
    assert!(alone >= 30 && inside > 0, "{alone} alone, {inside} in the day");
    assert_eq!(inside + alone, 120, "an order has no sale, or two");
    assert_eq!(day.map_or(0, |stored| Sums::of_day(&stored.sale).orders), inside);
    let total: i64 = sales.iter().map(|sale| sale.total.0).sum();
    assert_eq!(stevedore_domain::money::Decimal::new(total, 2).normalize(), Sums::of(&world.source()).total);
}

/// P3, N5: real invoices, consolidated by day, compared with sums of the orders' own texts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_days_of_retail_consolidate_to_the_cent() {
    let Some(folder) = crate::flow_generated::named_by("STEVEDORE_RETAIL_ORDERS") else { return };
    let days = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut days: Vec<_> = days.filter(|path| path.extension().is_some_and(|ending| ending == "csv")).collect();
    days.sort();
    assert!(!days.is_empty());
    for day in days {
        let world = World::of_file(&day).await;
        world.daily(18).await;
        world.settings(|settings| settings.capture_order_when = CaptureOrderWhen::Created).await;
        let operation = world.start(OperationKind::LoadOrders { from: "2025-06-01".parse().unwrap() }).await;
        let captured = operation.counts.of(Outcome::Captured);
        assert!(captured > 10, "{}: {:?}", day.display(), operation.counts);
        // Credits arrive later in the day, as changes of these orders.
        let source = world.source();
        world.at("2026-01-15T23:00:00Z");
        world.consolidate().await;
        let run = world.run_operation("2026-01-15").await;
        assert_eq!(run.counts.of(Outcome::Captured), captured, "{}: {run:?}", day.display());
        let open = |order: &&stevedore_domain::order::Order| order.status != stevedore_domain::order::OrderStatus::Cancelled;
        Sums::of_day(&world.day("2026-01-15").await).equal(&Sums::of(source.iter().filter(open)), &day.display().to_string());
        assert_eq!(world.traceable("2026-01-15").await as u64, captured);
    }
}
