//! Five thousand orders while every tenth call fails.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use stevedore_domain::address::Address;
use stevedore_domain::ids::CustomerId;
use stevedore_domain::log::LogState;
use stevedore_domain::money::Decimal;
use stevedore_domain::operation::OperationState;
use stevedore_domain::reference::Customer;
use stevedore_sandbox::{Fault, Rule};

use super::breaker::{Breaker, Plan};
use super::end::{check_counts, operations};
use super::process::{RECOVERY, Shop};
use crate::bound::Bound;
use crate::world::Options;

const ORDERS: usize = 5_000;
/// Number of concurrent batches.
const POLLERS: usize = 6;

/// P1, P2, P3, P4, N12: five thousand orders with a random fault on every tenth call to AWS,
/// retried by the SDK or not, and on every fourth call to ShipStation, become five thousand sales.
/// None is doubled or missing, and their total is that of the source.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_five_thousand_orders_survive_a_fault_on_every_tenth_call() {
    let options = Options {
        orders: ORDERS,
        sandbox: Box::new(|options| {
            options.lines_per_order = Some(2);
            options.only_status = Some("awaiting_shipment".to_owned());
            options.history = SignedDuration::from_hours(20);
        }),
        ..Options::default()
    };
    let mut shop = Shop::new(options).await;
    walk_in(&shop).await;
    // A page of 500 orders takes about sixty calls. If the SDK did not retry one fault in four
    // here, hardly a page would be read completely.
    shop.start(Plan::Storm { every: 10, seed: 1, fatal: false });
    shop.world.sandbox.faults().add(Rule::every(Fault::Random, 4));
    let breaker = Breaker::new(shop.world.engines.faults(), Plan::Storm { every: 10, seed: 2, fatal: true });
    let process = shop.process_behind(&breaker);
    let shop = Arc::new(shop);

    let mut ticks = 0;
    while shop.tick(&shop.tick_event()).await.map_or(true, |answer| answer["state"] != "processing") {
        ticks += 1;
        assert!(ticks < 30, "the downloads never come to their end");
        shop.world.clock.advance(RECOVERY);
    }
    let mut rounds = 0;
    while shop.undone().await > 0 {
        rounds += 1;
        assert!(rounds < 30, "the queue never gets empty");
        let mut pollers = tokio::task::JoinSet::new();
        for _ in 0..POLLERS {
            let (shop, process) = (Arc::clone(&shop), process.clone());
            pollers.spawn(async move {
                let mut bound = Bound::of("the orders queue");
                while shop.deliver_orders_to(&process, shop.world.deadline()).await > 0 {
                    bound.turn();
                }
            });
        }
        while let Some(poller) = pollers.join_next().await {
            poller.unwrap();
        }
        shop.world.clock.advance(RECOVERY);
        shop.world.queues.redrive(None).await.unwrap();
    }
    for (calls, breaker) in [(500, &shop.breaker), (10_000, &breaker)] {
        assert!(
            breaker.attempts() > calls && breaker.struck() == breaker.attempts() / 10,
            "{} of {}",
            breaker.struck(),
            breaker.attempts()
        );
    }
    assert!(shop.world.sandbox.faults().list()[0].struck > 1, "ShipStation never failed");

    let sandbox = shop.world.sandbox.orders();
    let (sales, log) = (shop.world.sales().await, shop.world.log().await);
    assert_eq!((sales.len(), log.len()), (ORDERS, ORDERS));
    let sold: BTreeSet<u64> = sales.iter().map(|stored| stored.sale.source.order().unwrap().order_id.0).collect();
    assert_eq!(sold, sandbox.iter().map(|order| u64::try_from(order.id).unwrap()).collect(), "an order has no sale");
    assert!(log.iter().all(|stored| stored.entry.state == LogState::Booked));
    let booked: i64 = sales.iter().map(|stored| stored.sale.total.0).sum();
    let source: Decimal = sandbox.iter().map(|order| order.total().unwrap()).sum();
    assert_eq!(Decimal::new(booked, 2), source);

    // P2: without further faults every operation ends, with an outcome for each of its orders.
    shop.breaker.start(Plan::Count);
    shop.world.sandbox.faults().clear();
    shop.world.clock.advance(SignedDuration::from_hours(3));
    shop.tick(&shop.tick_event()).await.unwrap();
    shop.drain().await;
    let mut accounted = BTreeSet::new();
    for (operation, rows) in operations(&shop).await {
        check_counts(&operation, &rows, "after the storm");
        assert!(operation.state == OperationState::Completed || operation.reason.is_some(), "{operation:?}");
        accounted.extend(rows.iter().filter_map(|row| row.order_id));
    }
    assert_eq!(accounted.len(), ORDERS);
}

/// The customer of orders without a buyer.
async fn walk_in(shop: &Shop) {
    let id = CustomerId("walk-in".to_owned());
    let customer = Customer {
        id: id.clone(),
        name: "Walk-in".to_owned(),
        email: None,
        phone: None,
        company: None,
        billing_address: Address::default(),
        business_address: Address::default(),
        revenue_account: None,
        created_at: shop.now(),
    };
    shop.world.table.put_customer(&customer, None).await.unwrap();
    shop.world.settings(|settings| settings.customer_id = Some(id)).await;
}
