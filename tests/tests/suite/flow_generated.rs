//! Generated and real orders through the whole flow: every sale equals its source to the cent (P3,
//! N3).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use proptest::prelude::*;
use stevedore_domain::address::Address;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::money::Minor;
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::Customer;
use stevedore_domain::settings::CaptureOrderWhen;
use stevedore_sandbox::{Json, Order, SandboxOptions};

use crate::flow::accounted;
use crate::world::{Options, World, order_id};

/// A customer for orders without a buyer, so that no order is blocked.
async fn open_house(world: &World, when: CaptureOrderWhen) {
    let customer = Customer {
        id: "walk-in".into(),
        name: "Walk-in".into(),
        email: None,
        phone: None,
        company: None,
        billing_address: Address::default(),
        business_address: Address::default(),
        revenue_account: None,
        created_at: world.clock.now(),
    };
    world.table.put_customer(&customer, None).await.unwrap();
    world
        .settings(|settings| {
            settings.customer_id = Some("walk-in".into());
            settings.capture_order_when = when;
        })
        .await;
}

/// An amount of the order's JSON text in cents, read without the code under test.
fn cents(order: &Order, name: &str) -> i64 {
    let text = &order.text;
    let start = text.rfind(&format!("\"{name}\":")).unwrap() + name.len() + 3;
    let number = text[start..].split([',', '}']).next().unwrap();
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i64 = format!("{whole}{fraction}").parse().unwrap();
    let shift = exponent.parse::<i32>().unwrap() - i32::try_from(fraction.len()).unwrap() + 2;
    let factor = 10_i64.pow(shift.unsigned_abs());
    if shift >= 0 {
        return digits * factor;
    }
    assert_eq!(digits % factor, 0, "{name} {number} is no whole number of cents");
    digits / factor
}

async fn generated(seed: u64, taxable: bool) {
    let world = World::new(Options {
        orders: 24,
        sandbox: Box::new(move |options: &mut SandboxOptions| options.seed = seed),
        ..Options::default()
    })
    .await;
    open_house(&world, CaptureOrderWhen::Created).await;
    world.settings(|settings| settings.shipment_is_taxable = taxable).await;
    let operation = world.start(OperationKind::LoadOrders { from: jiff::civil::date(2026, 1, 1) }).await;
    accounted(&world, &operation).await;
    let orders = world.sandbox.orders();
    assert_eq!(operation.counts.total(), orders.len() as u64);
    assert_eq!(operation.counts.of(Outcome::Failed), 0, "seed {seed}: {:?}", world.rows(&operation).await);
    let mut sales = 0;
    for order in orders {
        let Some(entry) = world.logged(order.id).await else {
            // The generator's one unknown status is at no stage.
            assert!(["cancelled", "processing"].contains(&order.status.as_str()), "seed {seed}, order {}: {}", order.id, order.status);
            continue;
        };
        assert_eq!(entry.state, LogState::Booked, "seed {seed}: {entry:?}");
        let sale = world.sale(order.id).await;
        assert_eq!(sale.total.0, cents(&order, "orderTotal"), "seed {seed}, order {}", order.id);
        assert_eq!(sale.tax.0, cents(&order, "taxAmount"), "seed {seed}, order {}", order.id);
        assert_eq!(sale.sum_of_parts(), sale.total);
        let items = order.body().get("items").map(|items| items.elements().to_vec()).unwrap_or_default();
        let goods = items.iter().filter(|item| item.get("adjustment") != Some(&Json::Bool(true))).count();
        assert_eq!(sale.lines.len(), goods, "a line was lost");
        if !taxable {
            assert!(
                sale.charges.iter().all(|charge| charge.tax == Minor::ZERO || sale.lines.is_empty()),
                "seed {seed}: {:?}",
                sale.charges
            );
        }
        sales += 1;
    }
    assert_eq!(world.sales().await.len(), sales);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    /// P3, N3, S68: for all generated orders, total and tax are exactly ShipStation's own.
    #[test]
    fn n3_generated_orders_are_booked_to_the_cent(seed in any::<u64>(), taxable in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(generated(seed, taxable));
    }
}

/// The folder of the user's own data that an environment variable names (docs/CONTRIBUTING.md).
#[allow(clippy::print_stdout, reason = "what was left out is said")]
pub fn named_by(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: {variable} names no folder");
    }
    folder
}

async fn retail_day(path: &Path) {
    let day = path.display();
    let world = World::of_file(path).await;
    open_house(&world, CaptureOrderWhen::Paid).await;
    let report = world.sandbox.report();
    let operation = world.start(OperationKind::LoadOrders { from: jiff::civil::date(2025, 11, 1) }).await;
    accounted(&world, &operation).await;
    let orders = world.sandbox.orders();
    assert_eq!(operation.counts.of(Outcome::Captured), orders.len() as u64, "{day}: {:?}", operation.counts);
    let before = world.booked().await;
    assert_eq!(before.len(), orders.len(), "{day}");
    let sum = |orders: &[Order]| orders.iter().map(|order| cents(order, "orderTotal")).sum::<i64>();
    assert_eq!(before.iter().map(|stored| stored.total.0).sum::<i64>(), sum(&orders), "{day}");
    let by_order: BTreeMap<_, _> = before.iter().map(|stored| (stored.source.order().unwrap().order_id, stored)).collect();
    for order in &orders {
        let sale = by_order[&order_id(order.id)];
        assert_eq!(sale.total.0, cents(order, "orderTotal"), "{day}, order {}", order.id);
        assert_eq!(sale.sum_of_parts(), sale.total);
    }

    // Credits are changes of booked orders. They are recorded, and the sales stay.
    world.clock.advance(SignedDuration::from_secs(1));
    let mut credited = world.sandbox.arrive(report.revisions);
    credited.sort_unstable();
    credited.dedup();
    let operation = world.next_hour().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Updated), credited.len() as u64, "{day}: {:?}", operation.counts);
    for order in credited {
        let entry = world.logged(order).await.unwrap();
        assert!(entry.warnings.iter().any(|warning| warning.reason == Reason::ChangedAfterBooking), "{day}: {entry:?}");
        assert_eq!(entry.order_total.unwrap().0, cents(&world.sandbox.order(order).unwrap(), "orderTotal"), "{day}");
    }
    assert_eq!(world.booked().await, before, "{day}");
}

/// Five days of real invoices, with their lines, prices and credits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_days_of_retail_are_booked_to_the_cent() {
    let Some(folder) = named_by("STEVEDORE_RETAIL_ORDERS") else { return };
    let days = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut days: Vec<_> = days.filter(|path| path.extension().is_some_and(|ending| ending == "csv")).collect();
    days.sort();
    assert!(!days.is_empty());
    for day in days {
        retail_day(&day).await;
    }
}

/// Every order in a JSON text, at any depth.
fn orders_in(json: &Json, found: &mut Vec<Json>) {
    match json {
        Json::Object(members) => {
            if ["orderNumber", "orderStatus", "orderTotal", "items"].iter().all(|name| json.get(name).is_some()) {
                found.push(json.clone());
            }
            for (_, member) in members {
                orders_in(member, found);
            }
        }
        Json::Array(elements) => {
            for element in elements {
                orders_in(element, found);
            }
        }
        _ => {}
    }
}

/// ShipStation's own samples, and real replies: each order that can be read is booked equal to its
/// total.
#[allow(clippy::print_stdout, reason = "what was left out is said")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_samples_are_booked_to_the_cent() {
    let Some(folder) = named_by("STEVEDORE_SAMPLES") else { return };
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if let Ok(json) = std::fs::read_to_string(&path).unwrap_or_default().parse::<Json>() {
            let mut found = Vec::new();
            orders_in(&json, &mut found);
            samples.extend(found.into_iter().map(|order| (path.file_name().unwrap().to_owned(), order)));
        }
    }
    assert!(samples.len() > 10, "{} samples", samples.len());
    let world = World::new(Options::default()).await;
    open_house(&world, CaptureOrderWhen::Created).await;
    let mut orders = Vec::new();
    for (number, (name, mut order)) in samples.into_iter().enumerate() {
        // The same order is in several files. Without a key of its own it would be held as a
        // possible duplicate.
        order.set("orderId", 9_000_000 + i64::try_from(number).unwrap());
        let key = format!("sample {number}");
        order.set("orderKey", key.as_str());
        let now = world.clock.now();
        orders.push((world.sandbox.upsert_order_at(order, now, now), name));
    }
    world.clock.advance(SignedDuration::from_secs(1));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    for (order, name) in orders {
        let sent = world.sandbox.order(order).unwrap();
        let row = world.row(&operation, order).await;
        let entry = world.table.log_entry(order_id(order)).await.unwrap();
        match row.outcome.unwrap() {
            Outcome::Captured => {
                assert_eq!(entry.unwrap().entry.state, LogState::Booked, "{name:?}");
                let sale = world.sale(order).await;
                assert_eq!(sale.currency.decimal(sale.total), sent.total().unwrap(), "{name:?}");
                let tax = sent.body().get("taxAmount").and_then(Json::as_decimal).unwrap_or_default();
                assert_eq!(sale.currency.decimal(sale.tax), tax, "{name:?}");
            }
            Outcome::Cancelled => assert_eq!(sent.status, "cancelled"),
            Outcome::Failed => println!("{name:?} cannot be read: {}", row.message.unwrap()),
            other => panic!("{name:?}: {other:?}, {:?}", row.reason),
        }
    }
    assert!(operation.counts.of(Outcome::Captured) > 10, "{:?}", operation.counts);
}
