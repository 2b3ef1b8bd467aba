//! Customer of a sale: linked, found by e-mail, created (S103, S111, S112, S118), or missing (S26).

use stevedore_aws::{List, Table};
use stevedore_domain::address::Address;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::Customer;

use crate::flow::{accounted, member, nameless, plain, with};
use crate::world::{Options, World};

async fn customers(table: &Table) -> Vec<Customer> {
    let page = table.list_records::<Customer>(&List { limit: 100, ..List::default() }).await.unwrap();
    page.items.into_iter().map(|stored| stored.value).collect()
}

async fn put(world: &World, id: &str, email: &str) {
    let customer = Customer {
        id: id.into(),
        name: format!("Known as {id}"),
        email: Some(email.to_owned()),
        phone: None,
        company: None,
        billing_address: Address::default(),
        business_address: Address::default(),
        revenue_account: None,
        created_at: world.clock.now(),
    };
    assert_eq!(world.table.put_customer(&customer, None).await.unwrap(), stevedore_aws::RecordOutcome::Written(1));
}

/// S103, S111, S112, S118: a new buyer becomes a customer with contact, billing and business
/// addresses, and the sale keeps the order's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s111_a_new_buyer_becomes_a_customer() {
    let world = World::new(Options::default()).await;
    let order = with(&plain("1").buyer(Some(9_100), Some("Robin@Example.com")), |order| {
        let bill_to = member(order, "billTo");
        for (name, text) in [
            ("name", "Robin Marsh"),
            ("company", "Marsh & Co"),
            ("street1", "1 Bill Road"),
            ("city", "Fresno"),
            ("state", "CA"),
            ("postalCode", "93650"),
            ("country", "US"),
            ("phone", "555-0101"),
        ] {
            bill_to.set(name, text);
        }
        let ship_to = member(order, "shipTo");
        ship_to.set("name", "Robin's Stall");
        ship_to.set("street1", "2 Ship Lane");
    });
    let id = world.sandbox.upsert_order(order);
    world.download().await;
    let all = customers(&world.table).await;
    let [customer] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(
        (customer.name.as_str(), customer.email.as_deref(), customer.phone.as_deref()),
        ("Robin Marsh", Some("Robin@Example.com"), Some("555-0101"))
    );
    assert_eq!(customer.company.as_deref(), Some("Marsh & Co"));
    assert_eq!(
        (customer.billing_address.street1.as_deref(), customer.business_address.street1.as_deref()),
        (Some("1 Bill Road"), Some("2 Ship Lane"))
    );
    let sale = world.sale(id).await;
    assert_eq!((&sale.customer.id, sale.customer.name.as_str()), (&customer.id, "Robin Marsh"));
    assert_eq!((sale.bill_to.city.as_deref(), sale.ship_to.name.as_deref()), (Some("Fresno"), Some("Robin's Stall")));

    // The same ShipStation customer under another name and address is the same customer, and the
    // sale ships to the order's address.
    let again =
        with(&plain("2").buyer(Some(9_100), Some("other@example.com")), |order| member(order, "shipTo").set("street1", "3 New Street"));
    let second = world.sandbox.upsert_order(again);
    world.next_hour().await;
    let sale = world.sale(second).await;
    assert_eq!((&sale.customer.id, sale.ship_to.street1.as_deref()), (&customer.id, Some("3 New Street")));
    assert_eq!(customers(&world.table).await.len(), 1);
}

/// S111: found by e-mail in any case, and linked from then on, so that a later order without that
/// address finds the same customer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s111_a_known_address_finds_its_customer_and_links_it() {
    let world = World::new(Options::default()).await;
    put(&world, "c1", "Robin@Example.COM").await;
    let first = world.sandbox.upsert_order(plain("1").buyer(Some(9_100), Some(" robin@example.com")));
    world.download().await;
    let second = world.sandbox.upsert_order(plain("2").buyer(Some(9_100), None));
    world.next_hour().await;
    for order in [first, second] {
        assert_eq!(world.sale(order).await.customer.id.as_str(), "c1");
    }
    assert_eq!(customers(&world.table).await.len(), 1);
}

/// Two customers with one address never block: the link decides, else the oldest, and it is
/// recorded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_address_never_blocks() {
    let world = World::new(Options::default()).await;
    put(&world, "oldest", "shop@example.com").await;
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    put(&world, "newer", "SHOP@example.com").await;
    let order = world.sandbox.upsert_order(plain("1").buyer(None, Some("shop@example.com")));
    world.download().await;
    let sale = world.sale(order).await;
    assert_eq!(sale.customer.id.as_str(), "oldest");
    assert!(sale.warnings.iter().any(|warning| warning.reason == Reason::SharedEmail));
    assert!(world.logged(order).await.unwrap().warnings.iter().any(|warning| warning.reason == Reason::SharedEmail));
}

/// After a change of the oldest customer's address, the next customer with the old address is found
/// by it, and no new one is created.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_the_oldest_gave_up_finds_the_next() {
    let world = World::new(Options::default()).await;
    put(&world, "oldest", "shop@example.com").await;
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    put(&world, "newer", "shop@example.com").await;
    let stored = world.table.record::<Customer>("oldest").await.unwrap().unwrap();
    let moved = Customer { email: Some("elsewhere@example.com".to_owned()), ..stored.value.clone() };
    assert_eq!(world.table.put_customer(&moved, Some(&stored)).await.unwrap(), stevedore_aws::RecordOutcome::Written(2));
    let order = world.sandbox.upsert_order(plain("1").buyer(None, Some("shop@example.com")));
    world.download().await;
    let sale = world.sale(order).await;
    assert_eq!(sale.customer.id.as_str(), "newer");
    assert!(sale.warnings.iter().all(|warning| warning.reason != Reason::SharedEmail), "{:?}", sale.warnings);
    assert_eq!(customers(&world.table).await.len(), 2);
}

/// S111: many concurrent orders of one new buyer make one customer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s111_orders_of_one_new_buyer_make_one_customer() {
    let world = World::new(Options::default()).await;
    let mut orders = Vec::new();
    for number in 0..12 {
        // Some by ShipStation customer, some by address only.
        let buyer = (number % 3 != 0).then_some(9_200);
        orders.push(world.sandbox.upsert_order(plain(&number.to_string()).buyer(buyer, Some("new@example.com"))));
    }
    let operation = world.download().await;
    accounted(&world, &operation).await;
    let all = customers(&world.table).await;
    assert_eq!(all.len(), 1, "{all:?}");
    for order in orders {
        assert_eq!(world.sale(order).await.customer.id, all[0].id);
    }
}

/// S26, N2: an order without a buyer is blocked while no customer is chosen, keeps its reason, and
/// is booked automatically afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s26_an_order_that_names_nobody_waits_for_a_customer() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(with(&plain("1"), nameless));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    let row = world.row(&operation, order).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Captured), Some(Reason::NoCustomer)));
    assert!(!row.is_plain());
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.reason), (LogState::Blocked, Some(Reason::NoCustomer)));
    // Tried again with each download. As long as nothing changes, nothing is written.
    let again = world.next_hour().await;
    accounted(&world, &again).await;
    assert_eq!(world.row(&again, order).await.outcome, Some(Outcome::Unchanged));
    assert_eq!(world.logged(order).await.unwrap().timeline, entry.timeline);

    put(&world, "market", "market@example.com").await;
    world.settings(|settings| settings.customer_id = Some("market".into())).await;
    world.next_hour().await;
    world.drain().await;
    assert_eq!(world.sale(order).await.customer.id.as_str(), "market");
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.reason, entry.message), (LogState::Booked, None, None));
    assert_eq!(world.sales().await.len(), 1);
}
