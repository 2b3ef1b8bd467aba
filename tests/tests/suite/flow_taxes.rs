//! The form in which a store states tax, and the date by which an order is booked, through the
//! whole flow (docs/requirements.md, section 6: N17, N31).

use stevedore_domain::ids::StoreId;
use stevedore_domain::money::Minor;
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::SaleStatus;
use stevedore_domain::settings::{InvoiceMode, PickPackShip, StoreTax};
use stevedore_sandbox::{AUCTIONS, Draft, Json, MARKETPLACE, WEB_SHOP};

use crate::flow::{plain, with};
use crate::world::{Options, World, dec};

fn store(id: i64) -> StoreId {
    StoreId(u64::try_from(id).unwrap())
}

/// An order of 120.00 whose total does not have its tax of 20.00 added.
fn gross(number: &str, id: i64) -> Json {
    let draft = Draft::new(number).from_store(id, None).line("A", 1, dec("120.00")).tax(dec("20.00"));
    with(&draft, |order| order.set("orderTotal", dec("120.00")))
}

async fn world() -> World {
    let world = World::new(Options::default()).await;
    world
        .settings(|settings| {
            settings.tax.by_store.insert(store(AUCTIONS), StoreTax::Included);
            settings.tax.by_store.insert(store(MARKETPLACE), StoreTax::Withheld);
            settings.invoice_status = InvoiceMode::Authorised;
        })
        .await;
    world
}

/// N17, N31: each store's tax follows its setting, to the cent, and the accounting sync has it. An
/// order of an undeclared store suggests the setting. Once it is set, re-creating the order books
/// it without an adjustment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n17_n31_each_store_states_tax_in_its_own_way() {
    let world = world().await;
    let [included, withheld, added] =
        [("1", AUCTIONS), ("2", MARKETPLACE), ("3", WEB_SHOP)].map(|(number, id)| world.sandbox.upsert_order(gross(number, id)));
    let operation = world.download().await;
    crate::flow::accounted(&world, &operation).await;
    let amounts = async |order| {
        let sale = world.sale(order).await;
        assert_eq!((sale.total.0, sale.sum_of_parts()), (12_000, sale.total));
        (sale.lines[0].total.0, sale.tax.0, sale.withheld_tax, sale.charges.len())
    };
    assert_eq!(amounts(included).await, (10_000, 2000, None, 0));
    assert_eq!(amounts(withheld).await, (12_000, 0, Some(Minor(2000)), 0));
    assert_eq!(amounts(added).await, (12_000, 2000, None, 1));
    let entry = world.logged(added).await.unwrap();
    let reasons: Vec<_> = entry.warnings.iter().map(|warning| warning.reason).collect();
    assert!(reasons.contains(&Reason::TotalAdjusted) && reasons.contains(&Reason::TaxNotAdded), "{reasons:?}");
    let mut syncs = world.table.list_pending_syncs(&stevedore_aws::List { limit: 9, ..Default::default() }).await.unwrap().items;
    syncs.sort_by(|one, other| one.id.cmp(&other.id));
    let heard: Vec<_> = syncs.iter().map(|sync| (sync.total.0, sync.tax.0, sync.withheld_tax)).collect();
    assert_eq!(heard, [(12_000, 2000, None), (12_000, 0, Some(Minor(2000))), (12_000, 2000, None)]);

    world.settings(|settings| settings.tax.by_store.extend([(store(WEB_SHOP), StoreTax::Included)])).await;
    world.start(OperationKind::Recreate { order_id: crate::world::order_id(added) }).await;
    assert_eq!(amounts(added).await, (10_000, 2000, None, 0));
    assert!(world.logged(added).await.unwrap().warnings.iter().all(|warning| warning.reason != Reason::TaxNotAdded));
}

/// N17, N31, S23: a day of several stores is the sum of its orders, with withheld tax beside it,
/// and has the day's date.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s23_n17_n31_a_day_of_several_stores() {
    let world = world().await;
    world.daily(18).await;
    for (number, id) in [("1", AUCTIONS), ("2", MARKETPLACE), ("3", AUCTIONS), ("4", MARKETPLACE)] {
        world.sandbox.upsert_order(gross(number, id));
    }
    world.download().await;
    world.at("2026-01-15T23:00:00Z");
    assert_eq!(world.consolidate().await, ["2026-01-15"]);
    let day = world.day("2026-01-15").await;
    let mut lines: Vec<_> = day.lines.iter().map(|line| (line.tax_included, line.quantity, line.total.0, line.tax.0)).collect();
    lines.sort_unstable();
    assert_eq!(lines, [(false, 2, 24_000, 0), (true, 2, 20_000, 4000)]);
    assert_eq!((day.total.0, day.tax.0, day.withheld_tax), (48_000, 4000, Some(Minor(4000))));
    assert_eq!(day.dated().unwrap().to_string(), "2026-01-15");
    assert_eq!(world.traceable("2026-01-15").await, 4);
}

/// An order of February has a date in February by the merchant's clock, at every time of loading.
/// The sale of a service is shipped up to the stage of the setting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_has_its_own_date_and_a_service_is_shipped() {
    let world = world().await;
    world
        .settings(|settings| {
            settings.time_zone = "America/New_York".to_owned();
            settings.pick_pack_ship = PickPackShip::PickPackShip;
        })
        .await;
    let order = world.sandbox.upsert_order(with(&plain("1"), |order| {
        order.set("orderDate", "2025-02-03T22:30:00.0000000");
        order.set("paymentDate", "2025-02-04T09:00:00.0000000");
        order.set("amountPaid", dec("10.00"));
    }));
    world.download().await;
    let sale = world.sale(order).await;
    assert_eq!(sale.dated().unwrap().to_string(), "2025-02-04");
    let paid: Vec<_> = sale.invoice.payments.iter().filter_map(|payment| payment.date).map(|date| date.to_string()).collect();
    assert!(paid.iter().all(|date| date == "2025-02-04"), "{paid:?}");
    assert_eq!((sale.status(), sale.allocations.len()), (SaleStatus::Shipped, 0));
    let syncs = world.table.list_pending_syncs(&stevedore_aws::List { limit: 9, ..Default::default() }).await.unwrap().items;
    assert_eq!(syncs[0].order_date, sale.dated());
}
