//! Five thousand orders through the whole system: tick, queue, sales.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use stevedore_aws::{List, RecordOutcome};
use stevedore_domain::address::Address;
use stevedore_domain::ids::ShipstationProductId;
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::{Operation, OperationKind};
use stevedore_domain::order::Order;
use stevedore_domain::reference::{Customer, Product};
use stevedore_domain::settings::{Consolidation, InvoiceMode, LocalTime, PickPackShip};
use stevedore_domain::stock::Adjustment;
use stevedore_sandbox::Draft;
use stevedore_shipstation::parse_order;

use crate::counting::{Counter, Counts};
use crate::world::{LOCATION, Options, World};

/// Concurrent batches, as with Lambda's own pollers.
const POLLERS: usize = 4;

/// Figures of one run over all orders.
pub struct Run {
    pub counts: Counts,
    /// Requests for orders, and all others (stores).
    pub shipstation_requests: (usize, usize),
    pub reading: Duration,
    pub processing: Duration,
    pub operation: Operation,
}

/// Measurements of the flow.
pub struct Flow {
    pub orders: usize,
    pub products: usize,
    /// Every order for the first time.
    pub first: Run,
    /// All of them again, unchanged, as a person's `load_orders`.
    pub again: Run,
}

/// Two-line orders that are all captured.
pub fn options(orders: usize, counter: &Counter) -> Options {
    Options {
        orders,
        interceptors: vec![counter.interceptor()],
        sandbox: Box::new(|options| {
            options.lines_per_order = Some(2);
            options.only_status = Some("shipped".to_owned());
            // Within the first download's look back.
            options.history = SignedDuration::from_hours(20);
        }),
        ..Options::default()
    }
}

/// The same, where seven of ten orders name a buyer who has not bought before.
fn new_customers(orders: usize, counter: &Counter) -> Options {
    let plain = options(orders, counter);
    let sandbox = plain.sandbox;
    Options {
        sandbox: Box::new(move |options| {
            sandbox(options);
            options.new_buyers_per_mille = Some(700);
        }),
        ..plain
    }
}

/// A world whose calls to the table all request their cost.
pub async fn world(options: Options) -> World {
    let mut world = World::new(options).await;
    world.table = world.table.counting_capacity();
    world.fetch.table = world.table.clone();
    world.process.table = world.table.clone();
    world.consolidate.table = world.table.clone();
    // Marketplaces and tills name no buyer. Such an order belongs to the customer of the settings.
    let walk_in = walk_in(world.clock.now());
    assert_eq!(world.table.put_customer(&walk_in, None).await.unwrap(), RecordOutcome::Written(1));
    world.settings(|settings| settings.customer_id = Some(walk_in.id.clone())).await;
    world
}

/// The customer of orders without a buyer.
pub fn walk_in(now: Timestamp) -> Customer {
    Customer {
        id: "walk-in".into(),
        name: "Walk-in".to_owned(),
        email: None,
        phone: None,
        company: None,
        billing_address: Address::default(),
        business_address: Address::default(),
        revenue_account: None,
        created_at: now,
    }
}

/// Products and rules of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shop {
    /// Products in stock; orders are picked, packed and shipped, invoices authorised.
    Everything,
    /// Products are known. Orders only claim them, and invoices are drafts.
    Claims,
    /// The products are unknown, so lines are service lines.
    Strange,
    /// As `Everything`, but seven of ten orders bring a new customer, as in real shops.
    NewCustomers,
}

/// Runs `orders` orders through the system.
pub async fn run(orders: usize, shop: Shop) -> Flow {
    let counter = Counter::default();
    let options = if shop == Shop::NewCustomers { new_customers(orders, &counter) } else { options(orders, &counter) };
    let world = Arc::new(world(options).await);
    let products = if shop == Shop::Strange { 0 } else { put_products(&world).await };
    if matches!(shop, Shop::Everything | Shop::NewCustomers) {
        stock_up(&world).await;
    }
    let first = one(&world, &counter, Start::Tick).await;
    assert_eq!(first.operation.counts.of(Outcome::Captured), u64::try_from(orders).unwrap(), "{:?}", first.operation.counts);
    let written = first.counts.sizes.get("log").map_or(0, Vec::len);
    assert_eq!(written, orders, "every order became a sale, in one write");
    // Late enough that every condition and marker of the first run has ended.
    world.clock.advance(SignedDuration::from_hours(1));
    let again = one(&world, &counter, Start::LoadOrders).await;
    assert_eq!(again.operation.counts.of(Outcome::Unchanged), u64::try_from(orders).unwrap(), "{:?}", again.operation.counts);
    Flow { orders, products, first, again }
}

/// Cost of `orders` orders until they are one sale of their day: read, queued, captured as pending,
/// claimed and added up.
pub async fn day(orders: usize) -> Counts {
    let counter = Counter::default();
    let world = Arc::new(world(options(orders, &counter)).await);
    put_products(&world).await;
    stock_up(&world).await;
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::Daily;
            settings.consolidation_time = Some(LocalTime { hour: 20, minute: 0 });
        })
        .await;
    let mut counts = one(&world, &counter, Start::Tick).await.counts;
    world.clock.advance(SignedDuration::from_hours(24));
    world.consolidation_tick().await.unwrap();
    world.drain().await;
    let sales = world.sales().await;
    assert_eq!(sales.len(), 1, "the day's orders are one sale");
    let day = counter.take();
    counts.write_units += day.write_units;
    counts.read_units += day.read_units;
    counts.sqs_billed += day.sqs_billed;
    counts
}

/// Stocks enough of every product, with all features of the settings.
async fn stock_up(world: &World) {
    world
        .settings(|settings| {
            settings.pick_pack_ship = PickPackShip::PickPackShip;
            settings.invoice_status = InvoiceMode::Authorised;
        })
        .await;
    let mut list = List { limit: 200, ..List::default() };
    loop {
        let page = world.table.list_records::<Product>(&list).await.unwrap();
        for product in page.items {
            let adjustment = Adjustment {
                id: format!("opening {}", product.value.id),
                product_id: product.value.id,
                location_id: LOCATION.into(),
                quantity: 1_000_000,
                reason: None,
                at: world.clock.now(),
                by: "bench".to_owned(),
            };
            world.table.adjust_stock(&adjustment).await.unwrap();
        }
        list.token = page.next;
        if list.token.is_none() {
            return;
        }
    }
}

/// Seconds for orders that all want the same product, and for orders of different products, with
/// fifty concurrent processors of one order each.
pub async fn contention(orders: usize) -> (Duration, Duration) {
    let mut took = Vec::new();
    for same in [true, false] {
        let world = Arc::new(World::new(Options::default()).await);
        for number in 0..if same { 1 } else { orders } {
            let product = Product::new(format!("p{number}"), format!("P{number}"), "p", world.clock.now());
            world.table.put_product(&product, None).await.unwrap();
        }
        stock_up(&world).await;
        for number in 0..orders {
            let sku = format!("P{}", if same { 0 } else { number });
            world.sandbox.upsert_order(Draft::new(format!("N{number}")).line(&sku, 1, crate::world::dec("1")));
        }
        world.tick().await.unwrap();
        let url = world.queues.urls().orders.clone();
        let mut waiting = Vec::new();
        loop {
            let messages = world.queues.receive(&url, 0).await.unwrap();
            if messages.is_empty() {
                break;
            }
            waiting.extend(messages.iter().map(|message| crate::world::sqs_event(std::slice::from_ref(message))));
        }
        assert_eq!(waiting.len(), orders);
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        let began = Instant::now();
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (waiting, world) = (Arc::clone(&waiting), Arc::clone(&world));
            workers.spawn(async move {
                loop {
                    let Some(event) = waiting.lock().await.pop() else { return };
                    let failed = process_orders::handle(&world.process, event.clone(), world.deadline()).await.unwrap().batch_item_failures;
                    if !failed.is_empty() {
                        waiting.lock().await.push(event);
                    }
                }
            });
        }
        while let Some(worker) = workers.join_next().await {
            worker.unwrap();
        }
        took.push(began.elapsed());
    }
    (took[0], took[1])
}

enum Start {
    Tick,
    LoadOrders,
}

/// A tick, and the processing of all queued messages.
pub async fn download(world: &Arc<World>) {
    world.tick().await.unwrap();
    process(world).await;
}

/// Empties the queue of orders.
async fn process(world: &Arc<World>) {
    let mut pollers = tokio::task::JoinSet::new();
    for _ in 0..POLLERS {
        let world = Arc::clone(world);
        pollers.spawn(async move { while world.deliver_orders().await > 0 {} });
    }
    while let Some(poller) = pollers.join_next().await {
        poller.unwrap();
    }
}

async fn one(world: &Arc<World>, counter: &Counter, start: Start) -> Run {
    counter.take();
    world.sandbox.clear_requests();
    let began = Instant::now();
    let operation = match start {
        Start::Tick => {
            let answer = world.tick().await.unwrap();
            stevedore_domain::ids::OperationId(answer["operation_id"].as_str().unwrap().to_owned())
        }
        Start::LoadOrders => {
            let from = world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date().checked_sub(2.days()).unwrap();
            world.start(OperationKind::LoadOrders { from }).await.id
        }
    };
    let reading = began.elapsed();
    let began = Instant::now();
    process(world).await;
    let processing = began.elapsed();
    // Settling is part of the cost of an order, so it is counted too.
    let operation = world.operation(&operation).await;
    let for_orders = world.sandbox.requests_to("/orders");
    Run {
        counts: counter.take(),
        shipstation_requests: (for_orders, world.sandbox.requests().len() - for_orders),
        reading,
        processing,
        operation,
    }
}

/// Creates a product for every product of the sandbox's orders.
pub async fn put_products(world: &World) -> usize {
    let orders = world.sandbox.orders().into_iter().map(|order| parse_order(&order.text, None).unwrap().order);
    let products = products(orders, world.clock.now());
    for product in &products {
        let outcome = world.table.put_product(product, None).await.unwrap();
        assert_eq!(outcome, RecordOutcome::Written(1), "{}", product.sku);
    }
    products.len()
}

/// The products that orders name, linked as after a download of the catalog.
pub fn products(orders: impl Iterator<Item = Order>, now: Timestamp) -> Vec<Product> {
    let mut known: BTreeMap<ShipstationProductId, Product> = BTreeMap::new();
    for item in orders.flat_map(|order| order.items) {
        let (Some(link), Some(sku)) = (item.product_id, item.sku) else { continue };
        let sku = sku.trim().to_uppercase();
        if known.values().any(|product| product.sku == sku) {
            continue;
        }
        known.entry(link).or_insert_with(|| {
            let name = item.name.unwrap_or_else(|| sku.clone());
            Product { shipstation_product_id: Some(link), ..Product::new(format!("P-{link}"), sku, name, now) }
        });
    }
    known.into_values().collect()
}
