//! Orders that were held back because a record or setting was missing are captured automatically
//! once it exists (N2, S71).

use stevedore_aws::List;
use stevedore_aws::messages::Command;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::money::Currency;
use stevedore_domain::operation::{Operation, OperationKind, OperationState};
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::{LocationMap, TaxSettings};

use crate::flow::{accounted, plain};
use crate::world::{Options, TAX_RULE, World, dec};

/// A world whose tax mapping is unfinished, with an order that was skipped because of it.
async fn unfinished() -> (World, i64) {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.tax = TaxSettings::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, order).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Skipped), Some(Reason::TaxMappingUnfinished)));
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.reason, entry.sale_id), (LogState::Skipped, Some(Reason::TaxMappingUnfinished), None));
    assert!(world.sales().await.is_empty());
    (world, order)
}

/// S71, N2: nothing is booked while the tax mapping is unfinished, for any number of readings.
/// Finishing it captures the order automatically.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s71_n2_finishing_the_tax_mapping_captures_what_was_skipped() {
    let (world, order) = unfinished().await;
    for _ in 0..2 {
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        assert_eq!(operation.counts.of(Outcome::Skipped), 1);
    }
    world.start(OperationKind::ProcessPending { order_ids: None }).await;
    assert!(world.sales().await.is_empty());
    world.settings(|settings| settings.tax.default_rule = Some(TAX_RULE.into())).await;
    // The API sends this command after a change of the settings.
    world.queues.send_command(&Command::ProcessPending { operation_id: None, order_ids: None }).await.unwrap();
    world.drain().await;
    assert_eq!(world.sale(order).await.total.0, 1000);
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.reason), (LogState::Booked, None));
    assert!(entry.timeline.iter().any(|event| event.what.contains("tax_mapping_unfinished")), "{:?}", entry.timeline);
}

/// N2: if the command is lost, the next tick does the same, long after the order left the window.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n2_the_next_tick_captures_what_was_skipped() {
    let (world, order) = unfinished().await;
    world.clock.advance(jiff::SignedDuration::from_hours(24 * 9));
    world.sandbox.upsert_order(plain("later"));
    world.next_hour().await;
    world.clock.advance(jiff::SignedDuration::from_hours(5));
    let operation = world.download().await;
    assert!(world.rows(&operation).await.iter().all(|row| row.order_number.as_deref() != Some("1")), "the order is still in the window");
    world.settings(|settings| settings.tax.default_rule = Some(TAX_RULE.into())).await;
    world.next_hour().await;
    world.drain().await;
    assert_eq!(world.sale(order).await.total.0, 1000);
    assert_eq!(world.sales().await.len(), 2);
}

/// N2, P2: an operation that is settled only after the order was captured does not count its first
/// capture as an update.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n2_a_healed_order_was_not_updated() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.tax = TaxSettings::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    let answer = world.tick().await.unwrap();
    world.drain().await;
    world.settings(|settings| settings.tax.default_rule = Some(TAX_RULE.into())).await;
    world.queues.send_command(&Command::ProcessPending { operation_id: None, order_ids: None }).await.unwrap();
    world.drain().await;
    let operation = world.operation(&stevedore_domain::ids::OperationId::from(answer["operation_id"].as_str().unwrap())).await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, order).await.outcome, Some(Outcome::Captured));
}

/// N2, P2: a download that reads a skipped order again and captures it counts it as captured, also
/// after a view in between; a download that cannot capture it does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n2_the_operation_that_captured_it_says_so() {
    let (world, order) = unfinished().await;
    world.settings(|settings| settings.tax.default_rule = Some(TAX_RULE.into())).await;
    world.clock.advance(jiff::SignedDuration::from_hours(1));
    // The tick itself settles its operation before any message is processed.
    let answer = world.tick().await.unwrap();
    let id = stevedore_domain::ids::OperationId::from(answer["operation_id"].as_str().unwrap());
    assert_eq!(world.operation(&id).await.counts.queued, 1);
    world.drain().await;
    let operation = world.operation(&id).await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, order).await.outcome, Some(Outcome::Captured));

    // An order that fails again is tried when a person loads it, and that operation ends as failed,
    // not as open.
    world.settings(|settings| settings.currency = Currency::from_code("JPY").unwrap()).await;
    let odd = world.sandbox.upsert_order(stevedore_sandbox::Draft::new("odd").line("A", 1, dec("0.50")));
    world.next_hour().await;
    let operation = world.load_number("odd").await;
    assert_eq!(operation.counts.queued, 1);
    world.clock.advance(jiff::SignedDuration::from_mins(2));
    let operation = world.operation(&operation.id).await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, odd).await.reason, Some(Reason::AmountNotExact));
}

/// N20: one code and one sentence for one reason, in the operation's row, the log, the timeline and
/// the stored records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n20_a_reason_is_the_same_everywhere() {
    let (world, order) = unfinished().await;
    let operation = world.next_hour().await;
    let (row, entry) = (world.row(&operation, order).await, world.logged(order).await.unwrap());
    let written = |value: serde_json::Value| value["reason"].as_str().unwrap().to_owned();
    let codes = [written(serde_json::to_value(&row).unwrap()), written(serde_json::to_value(&entry).unwrap())];
    assert_eq!(codes, ["tax_mapping_unfinished", "tax_mapping_unfinished"]);
    assert_eq!(row.message, entry.message);
    assert_eq!(row.message.as_deref(), Some(Reason::TaxMappingUnfinished.advice()));
    assert!(entry.timeline.iter().any(|event| event.what == "skipped: tax_mapping_unfinished"));
}

/// N2: a missing location, and a location that was removed, block with their reason, and the order
/// is captured later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n2_a_missing_location_blocks_and_heals() {
    let world = World::new(Options::default()).await;
    let map = world.table.settings().await.unwrap().value.location_map;
    world.settings(|settings| settings.location_map = LocationMap::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, order).await.reason, Some(Reason::NoDefaultLocation));
    world.settings(|settings| settings.location_map.default = Some("gone".into())).await;
    world.next_hour().await;
    world.drain().await;
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.reason), (LogState::Blocked, Some(Reason::MissingReference)));
    assert!(entry.message.unwrap().contains("gone"));
    world.settings(|settings| settings.location_map = map).await;
    let operation = world.start(OperationKind::ProcessPending { order_ids: None }).await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 1);
    assert_eq!(world.sale(order).await.total.0, 1000);
}

/// An order that could not be booked in one currency is booked when the currency is corrected, and
/// the log never shows an amount in the wrong currency.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_that_do_not_fit_the_currency_heal_with_it() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.currency = Currency::from_code("JPY").unwrap()).await;
    let order = world.sandbox.upsert_order(stevedore_sandbox::Draft::new("1").line("A", 1, dec("10.50")));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(world.row(&operation, order).await.reason, Some(Reason::AmountNotExact));
    world.settings(|settings| settings.currency = Currency::USD).await;
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    // N20: the error stays until the next event.
    assert_eq!(world.logged(order).await.unwrap().state, LogState::Failed);
    world.next_hour().await;
    world.drain().await;
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.currency, entry.sale_total.unwrap().0), (LogState::Booked, Currency::USD, 1050));
    assert_eq!(entry.order_total, entry.sale_total, "the order's total was left as it was in the other currency");
}

/// The log's amounts are in the currency that it names, also for a revision that comes after the
/// settings' currency changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_logs_amounts_are_in_its_currency() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    world.settings(|settings| settings.currency = Currency::from_code("JPY").unwrap()).await;
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    world.sandbox.edit_order(order, |order| order.set("orderTotal", 12));
    world.next_hour().await;
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.currency, entry.order_total.unwrap().0, entry.sale_total.unwrap().0), (Currency::USD, 1200, 1000));
}

/// Operations that no person started, as the API lists them.
async fn healings(world: &World) -> Vec<Operation> {
    let listed = world.table.list_operations(&List { limit: 50, ..List::default() }).await.unwrap().items;
    listed.into_iter().filter(Operation::is_healing).collect()
}

/// U22, P2: orders that are booked because a setting was completed belong to an operation of their
/// own, which names them; by command or by the next tick.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u22_healed_orders_have_an_operation_of_their_own() {
    for by_command in [true, false] {
        let (world, order) = unfinished().await;
        if !by_command {
            // Long after the order left the window of downloads.
            world.clock.advance(jiff::SignedDuration::from_hours(24 * 9));
            world.sandbox.upsert_order(plain("later"));
            world.next_hour().await;
            world.clock.advance(jiff::SignedDuration::from_hours(5));
            world.download().await;
        }
        world.settings(|settings| settings.tax.default_rule = Some(TAX_RULE.into())).await;
        if by_command {
            world.queues.send_command(&Command::ProcessPending { operation_id: None, order_ids: None }).await.unwrap();
        } else {
            world.next_hour().await;
        }
        world.drain().await;
        assert_eq!(world.sale(order).await.total.0, 1000);
        world.clock.advance(jiff::SignedDuration::from_mins(5));
        world.tick().await.unwrap();
        let found = healings(&world).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let operation = &found[0];
        assert_eq!((operation.state, operation.by.as_str(), operation.counts.total()), (OperationState::Completed, "system", 1));
        assert_eq!(operation.counts.of(Outcome::Captured), 1);
        assert_eq!(world.row(operation, order).await.outcome, Some(Outcome::Captured));
        let entry = world.logged(order).await.unwrap();
        assert!(entry.timeline.iter().any(|event| event.by == operation.id.as_str()), "{:?}", entry.timeline);
    }
}

/// U22: with daily consolidation, an order that becomes pending belongs to the operation of the
/// automatic retry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u22_an_order_that_waits_for_its_day_by_now_was_healed() {
    let world = World::new(Options::default()).await;
    world.daily(18).await;
    let rule = world.table.settings().await.unwrap().value.tax;
    world.settings(|settings| settings.tax = TaxSettings::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    world.settings(|settings| settings.tax = rule).await;
    world.queues.send_command(&Command::ProcessPending { operation_id: None, order_ids: None }).await.unwrap();
    world.drain().await;
    assert_eq!(world.logged(order).await.unwrap().state, LogState::Pending);
    world.clock.advance(jiff::SignedDuration::from_mins(5));
    world.tick().await.unwrap();
    let found = healings(&world).await;
    assert_eq!(found.iter().map(|one| one.counts.of(Outcome::Captured)).collect::<Vec<_>>(), [1]);
}

/// U22: an order that stays unchanged causes no listed operation for any number of retries, and
/// leaves no record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u22_healing_in_vain_leaves_nothing() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.location_map = LocationMap::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    for _ in 0..3 {
        world.next_hour().await;
        world.queues.send_command(&Command::ProcessPending { operation_id: None, order_ids: None }).await.unwrap();
        world.drain().await;
        assert!(healings(&world).await.is_empty());
    }
    assert_eq!(world.logged(order).await.unwrap().reason, Some(Reason::NoDefaultLocation));
    let open = world.table.open_operations(100).await.unwrap();
    assert!(!open.is_empty(), "the last ones are not decided yet");
    world.clock.advance(jiff::SignedDuration::from_mins(5));
    world.tick().await.unwrap();
    assert_eq!(world.table.open_operations(100).await.unwrap(), []);
    for id in open {
        assert!(world.table.operation(&id).await.unwrap().is_none(), "{id}");
    }
    assert!(healings(&world).await.is_empty());
}
