//! Ids that are issued once: of sales and of invoices; and texts that identify no buyer, or are
//! longer than a key.

use stevedore_aws::{CommitOutcome, List, NewSale, OrderCommit};
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::{OperationKind, OperationState};
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::Customer;
use stevedore_domain::settings::{Consolidation, InvoiceMode, LocalTime, PickPackShip};
use stevedore_sandbox::Draft;

use crate::flow::{accounted, member, plain, with};
use crate::raw;
use crate::world::{LOCATION, Options, World, order_id};

async fn ids(world: &World) -> Vec<(String, bool)> {
    let mut ids: Vec<_> = world.booked().await.into_iter().map(|sale| (sale.id.0, sale.voided_at.is_some())).collect();
    ids.sort();
    ids
}

/// A table of an earlier release, without the record of checked ids.
async fn forget_the_check(world: &mut World) {
    raw::delete(world, "CONFIG", "SALE_IDS").await;
    for table in [&mut world.table, &mut world.fetch.table, &mut world.run.table, &mut world.process.table, &mut world.consolidate.table] {
        *table = stevedore_aws::Table::new(&world.clients, "stevedore");
    }
}

/// Books an order, voids its sale for another one, and leaves it waiting. The entry then names no
/// sale.
async fn waiting(world: &World, order: i64) {
    world.settings(|settings| settings.location_map.default = None).await;
    world.start(OperationKind::Recreate { order_id: order_id(order) }).await;
    assert_eq!(world.logged(order).await.unwrap().sale_id, None);
}

async fn with_location(world: &World) {
    world.settings(|settings| settings.location_map.default = Some(LOCATION.into())).await;
}

/// P1: an order whose entry is deleted while it waits to be booked again gets a further id, for
/// each way of storing a sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_a_voided_sales_id_is_not_given_out_again() {
    // One sale in its order's item, and one that is too large for it.
    let large = (0..300).fold(Draft::new("2"), |draft, line| draft.line(&format!("Part number {line}"), 1, crate::world::dec("1.00")));
    for draft in [plain("1"), large] {
        let world = World::new(Options::default()).await;
        let order = world.sandbox.upsert_order(draft);
        world.download().await;
        let first = world.sale(order).await;
        waiting(&world, order).await;
        world.table.delete_log_entry(order_id(order)).await.unwrap();
        with_location(&world).await;
        let number = first.number.clone();
        let operation = world.load_number(&number).await;
        accounted(&world, &operation).await;
        let second = world.sale(order).await;
        assert_eq!(second.id.0, format!("SO-{order}-2"));
        assert_eq!(ids(&world).await, [(format!("SO-{order}"), true), (format!("SO-{order}-2"), false)]);
        assert_ne!(first.invoice.number, second.invoice.number);
        // The live sale can be found and voided; then comes the third.
        world.start(OperationKind::Recreate { order_id: order_id(order) }).await;
        assert_eq!(world.sale(order).await.id.0, format!("SO-{order}-3"));
        assert_eq!(world.booked().await.iter().filter(|sale| sale.voided_at.is_none()).count(), 1);
    }
}

/// P1: the id of a sale from before the order was in a day's sale is not issued again, if the entry
/// is deleted and the day voided.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_a_day_remembers_what_its_orders_were_before() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.customer_id = Some("market".into())).await;
    let customer = Customer {
        id: "market".into(),
        name: "Market".into(),
        email: None,
        phone: None,
        company: None,
        billing_address: stevedore_domain::address::Address::default(),
        business_address: stevedore_domain::address::Address::default(),
        revenue_account: None,
        created_at: world.clock.now(),
    };
    world.table.put_customer(&customer, None).await.unwrap();
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    waiting(&world, order).await;
    world
        .settings(|settings| {
            settings.location_map.default = Some(LOCATION.into());
            settings.consolidation = Consolidation::Daily;
            settings.consolidation_time = Some(LocalTime { hour: 18, minute: 0 });
        })
        .await;
    world.clock.advance(jiff::SignedDuration::from_hours(6));
    world.consolidation_tick().await.unwrap();
    let entry = world.logged(order).await.unwrap();
    let day = entry.sale_id.clone().unwrap();
    assert!(day.day().is_some(), "{entry:?}");
    world.table.delete_log_entry(order_id(order)).await.unwrap();
    let now = world.clock.now();
    let void = |draft: &mut stevedore_aws::SaleDraft| {
        let stock = draft.sale.void(&draft.levels, now);
        Ok::<_, ()>(Some(stevedore_aws::SaleEdit { stock, events: Vec::new() }))
    };
    world.table.change_sale(&day, stevedore_domain::stock::Levels::default(), now, void).await.unwrap();
    world
        .settings(|settings| {
            settings.consolidation = Consolidation::None;
            settings.consolidation_time = None;
        })
        .await;
    world.load_number("1").await;
    assert_eq!(world.sale(order).await.id.0, format!("SO-{order}-2"));
}

/// P1: where an earlier release removed the order's item, the id of the voided sale beside it is
/// not issued, checked before or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_an_item_that_an_earlier_release_removed() {
    for checked in [false, true] {
        let mut world = World::new(Options::default()).await;
        let order = world.sandbox.upsert_order(plain("1"));
        world.download().await;
        waiting(&world, order).await;
        raw::delete(&world, &format!("ORDER#{order}"), "LOG").await;
        forget_the_check(&mut world).await;
        with_location(&world).await;
        if checked {
            assert!(world.table.check_sale_ids(world.clock.now()).await.unwrap());
            assert!(raw::item(&world, &format!("ORDER#{order}"), "LOG").await.is_some());
        }
        world.load_number("1").await;
        assert_eq!(ids(&world).await, [(format!("SO-{order}"), true), (format!("SO-{order}-2"), false)], "checked: {checked}");
    }
}

/// P1, S150: two sales with one id, from an earlier release: the live one gets an id of its own,
/// and entry and accounting sync follow it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_two_sales_with_one_id_are_told_apart_again() {
    for by_a_person in [false, true] {
        let mut world = World::new(Options::default()).await;
        world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
        let order = world.sandbox.upsert_order(plain("1"));
        world.download().await;
        let (pk, old) = (format!("ORDER#{order}"), SaleId::of_order(order_id(order), 1));
        let booked = raw::item(&world, &pk, "LOG").await.unwrap();
        waiting(&world, order).await;
        // It removed the item with the entry, and booked the order like a new one.
        raw::put(&world, &booked).await;
        forget_the_check(&mut world).await;
        with_location(&world).await;
        assert_eq!(ids(&world).await, [(old.0.clone(), false), (old.0.clone(), true)]);
        assert_eq!(world.table.sale(&old).await.unwrap().unwrap().sale.voided_at, None, "the live one is shown");

        if by_a_person {
            let now = world.clock.now();
            let void = |draft: &mut stevedore_aws::SaleDraft| {
                let stock = draft.sale.void(&draft.levels, now);
                if let Some(entry) = &mut draft.entry {
                    entry.sale_voided(now, "avery");
                }
                Ok::<_, ()>(Some(stevedore_aws::SaleEdit { stock, events: Vec::new() }))
            };
            let outcome = world.table.change_sale(&old, stevedore_domain::stock::Levels::default(), now, void).await.unwrap();
            let stevedore_aws::SaleOutcome::Written(stored) = outcome else { panic!("{outcome:?}") };
            assert_eq!((stored.sale.id.0, stored.sale.voided_at.is_some()), (format!("{old}-2"), true));
        } else {
            world.next_hour().await;
            assert_eq!(ids(&world).await, [(old.0.clone(), true), (format!("{old}-2"), false)]);
            let page = world.table.list_pending_syncs(&List { limit: 10, ..List::default() }).await.unwrap();
            assert_eq!(page.items.iter().map(|sync| sync.id.clone()).collect::<Vec<_>>(), [format!("{old}-2")]);
            assert!(world.table.acknowledge_sync(&format!("{old}-2"), world.clock.now()).await.unwrap().is_some());
        }
        let entry = world.logged(order).await.unwrap();
        assert_eq!((entry.sale_id, entry.past_sales), (Some(SaleId(format!("{old}-2"))), vec![old.clone()]));
        assert!(entry.warnings.iter().any(|warning| warning.reason == Reason::SaleRenumbered));
        world.start(OperationKind::Recreate { order_id: order_id(order) }).await;
        assert_eq!(world.sale(order).await.id.0, format!("{old}-3"));
    }
}

/// P1, S117: the order's item decides in its transaction. Of two bookings of one new order, each of
/// which saw none, one is written. The customer exists and there is stock for both, so that no
/// other condition decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_the_orders_item_decides_between_two_bookings() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.pick_pack_ship = PickPackShip::Pick).await;
    world.product("mug", |_| {}).await;
    world.adjust("mug", 10).await;
    // The buyer is known after the first order.
    let buyer = |number: &str| Draft::new(number).line("MUG", 2, crate::world::dec("1.00")).buyer(Some(9_100), Some("robin@example.com"));
    world.sandbox.upsert_order(buyer("1"));
    world.download().await;
    let order = world.sandbox.upsert_order(buyer("2"));
    world.next_hour().await;
    let (entry, sale) = (world.logged(order).await.unwrap(), world.sale(order).await);
    let stock: Vec<_> = vec![stevedore_domain::stock::StockChange {
        key: stevedore_domain::stock::StockKey { product_id: "mug".into(), location_id: LOCATION.into() },
        change: stevedore_domain::stock::Change { allocated: 2, unpicked: -2, on_hand: 0 },
        floor: stevedore_domain::stock::Floor::None,
    }];
    let before = world.level("mug").await;
    let customer = world.table.record::<Customer>(sale.customer.id.as_str()).await.unwrap().unwrap().value;
    let customer = stevedore_domain::sale::CustomerChoice::Existing(std::sync::Arc::new(customer));
    let new = NewSale { sale: &sale, customer: &customer, stock: &stock };
    let write = OrderCommit { entry: &entry, known: None, order: None, sale: Some(new), paid: None, beside: &[] };
    let outcome = world.table.commit_order(write, world.clock.now()).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::EntryChanged), "{outcome:?}");
    // The same with values that were read before another process wrote.
    let known = world.table.order_record(order_id(order)).await.unwrap().unwrap();
    world
        .table
        .change_log_entry(order_id(order), |entry| {
            entry.add_event(world.clock.now(), "noted", "test");
            true
        })
        .await
        .unwrap();
    let outcome = world.table.commit_order(OrderCommit { known: Some(&known), ..write }, world.clock.now()).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::EntryChanged), "{outcome:?}");
    assert_eq!(world.level("mug").await, before);
}

/// Of two revisions of one pending order that were decided on at once, the older does not overwrite
/// the newer. Of two first captures, one is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_revision_never_overwrites_a_newer_one() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.location_map.default = None).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    let id = order_id(order);
    let known = world.table.order_record(id).await.unwrap().unwrap();
    let older = known.entry().unwrap().entry.clone();
    let mut newer = older.clone();
    newer.add_event(world.clock.now(), "the newer revision", "test");
    let write = |entry, known| OrderCommit { entry, known, order: None, sale: None, paid: None, beside: &[] };
    assert!(matches!(world.table.commit_order(write(&newer, Some(&known)), world.clock.now()).await.unwrap(), CommitOutcome::Written));
    for known in [Some(&known), None] {
        assert!(matches!(world.table.commit_order(write(&older, known), world.clock.now()).await.unwrap(), CommitOutcome::EntryChanged));
    }
    assert_eq!(world.logged(order).await.unwrap().timeline, newer.timeline);
}

/// U18: invoices of a split, of two stores and of a re-created sale have numbers of their own, also
/// in the accounting syncs. None equals the number of an invoice of an earlier release, for any
/// order number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u18_invoice_numbers_are_unique() {
    let world = World::new(Options::default()).await;
    world.settings(|settings| settings.invoice_status = InvoiceMode::Authorised).await;
    let first = world.sandbox.upsert_order(plain("DUP-1"));
    let second = world.sandbox.upsert_order(with(&plain("DUP-1"), |order| member(order, "advancedOptions").set("storeId", 2_001)));
    world.download().await;
    world.start(OperationKind::Recreate { order_id: order_id(first) }).await;
    let sales = world.booked().await;
    let numbers: std::collections::BTreeSet<_> = sales.iter().map(|sale| sale.invoice.number.clone()).collect();
    assert_eq!((sales.len(), numbers.len()), (3, 3), "{numbers:?}");
    assert_eq!(world.sale(second).await.invoice.number, format!("INV{second}"));
    assert!(numbers.iter().all(|number| !number.starts_with("INV-")));
    let syncs = world.table.list_pending_syncs(&List { limit: 10, ..List::default() }).await.unwrap().items;
    let numbers: std::collections::BTreeSet<_> = syncs.iter().map(|sync| sync.invoice_number.clone()).collect();
    assert_eq!((syncs.len(), numbers.len()), (2, 2));
}

/// S111: a text that is no address identifies no buyer. Two ShipStation customers stay two, and an
/// order without another name has no customer. The text is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s111_placeholder_addresses_identify_nobody() {
    for text in ["N/A", "none", "-", "no@email", "@", "a b@example.com"] {
        let world = World::new(Options::default()).await;
        let first = world.sandbox.upsert_order(plain("1").buyer(Some(501), Some(text)));
        let second = world.sandbox.upsert_order(plain("2").buyer(Some(502), Some(&text.to_lowercase())));
        let third = world.sandbox.upsert_order(plain("3").buyer(None, Some(text)));
        world.download().await;
        let (first, second, third) =
            (world.sale(first).await.customer, world.sale(second).await.customer, world.sale(third).await.customer);
        assert_eq!((first.id.as_str(), second.id.as_str()), ("C-501", "C-502"), "{text}");
        assert!(third.id.as_str().starts_with("C-order-"), "{third:?}");
        assert_eq!(first.email.as_deref(), Some(text));
    }
}

/// S111: a buyer whom an earlier release tied to another buyer's customer, because both had the
/// same text in place of an address, gets a customer of his own, and is tied to that one from then
/// on; the other keeps theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s111_a_link_that_an_earlier_release_made_by_a_placeholder_is_replaced() {
    for (text, own_record_exists) in [("N/A", false), ("none", false), ("-", true)] {
        let world = World::new(Options::default()).await;
        let first = world.sandbox.upsert_order(plain("1").buyer(Some(501), Some(text)));
        world.download().await;
        assert_eq!(world.sale(first).await.customer.id.as_str(), "C-501");
        if own_record_exists {
            let own = world.sandbox.upsert_order(plain("own").buyer(Some(502), Some(text)));
            world.next_hour().await;
            assert_eq!(world.sale(own).await.customer.id.as_str(), "C-502");
        }
        // As the earlier release left it: the text leads to the first buyer's customer, and so does
        // the second buyer's link.
        let mut link = raw::item(&world, "LINK#customer#501", "HEAD").await.unwrap();
        link["pk"] = serde_json::json!({"S": "LINK#customer#502"});
        raw::put(&world, &link).await;
        link["pk"] = serde_json::json!({ "S": format!("EMAIL#{}", text.to_lowercase()) });
        link["entity"] = serde_json::json!({"S": "email"});
        raw::put(&world, &link).await;
        world.clock.advance(jiff::SignedDuration::from_mins(1));
        let orders = ["2", "3"].map(|number| world.sandbox.upsert_order(plain(number).buyer(Some(502), Some(text))));
        let again = world.sandbox.upsert_order(plain("4").buyer(Some(501), Some(text)));
        let nobody = world.sandbox.upsert_order(plain("5").buyer(None, Some(text)));
        let operation = world.next_hour().await;
        accounted(&world, &operation).await;
        for order in orders {
            assert_eq!(world.sale(order).await.customer.id.as_str(), "C-502", "{text}");
        }
        assert_eq!(world.sale(again).await.customer.id.as_str(), "C-501", "{text}");
        assert!(world.sale(nobody).await.customer.id.as_str().starts_with("C-order-"), "{text}");
        let link = raw::item(&world, "LINK#customer#502", "HEAD").await.unwrap();
        assert!(link.to_string().contains("C-502"), "{text}: {link}");
        // Without that text, too, each has their own.
        let later = world.sandbox.upsert_order(plain("6").buyer(Some(502), None));
        world.next_hour().await;
        assert_eq!(world.sale(later).await.customer.id.as_str(), "C-502", "{text}");
    }
}

/// Texts that are longer than a key are kept whole and cut in keys; the order is booked and found
/// by its number (docs/requirements.md, section 5).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_texts_do_not_keep_an_order_from_being_booked() {
    let world = World::new(Options::default()).await;
    let email = format!("{}@example.com", "e".repeat(2_030));
    let first = world.sandbox.upsert_order(plain("1").buyer(None, Some(&email)));
    let second = world.sandbox.upsert_order(plain("2").buyer(None, Some(&email)));
    let number = "n".repeat(5_000);
    let third = world.sandbox.upsert_order(plain(&number));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.counts.of(Outcome::Captured), 3);
    let (first, second) = (world.sale(first).await, world.sale(second).await);
    assert_eq!((first.customer.email.as_deref(), &first.customer.id), (Some(email.as_str()), &second.customer.id));
    assert!(first.customer.id.as_str().len() < 100);
    assert_eq!(world.sale(third).await.number, number);
    let found = world.table.list_log_number(&number, &List { limit: 10, ..List::default() }).await.unwrap();
    assert_eq!(found.items.iter().map(|stored| stored.entry.order_number.len()).collect::<Vec<_>>(), [5_000]);
    let item = raw::item(&world, &format!("ORDER#{third}"), "LOG").await.unwrap();
    assert!(item["order_number"]["S"].as_str().unwrap().len() <= 2_048, "an index's key");
}

/// An order that DynamoDB refuses for its content (docs/requirements.md, section 5) ends as
/// `failed` with a reason at once, keeps its text, and does not affect other orders and its
/// operation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_table_refuses_is_failed_at_once() {
    let world = World::new(Options::default()).await;
    let refused = world.sandbox.upsert_order(with(&plain("1").buyer(Some(77_001), Some("robin@example.com")), |order| {
        member(order, "billTo").set("name", "x".repeat(450_000));
    }));
    let neighbour = world.sandbox.upsert_order(plain("2"));
    let operation = world.download().await;
    accounted(&world, &operation).await;
    assert_eq!(operation.state, OperationState::Completed);
    let row = world.row(&operation, refused).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Failed), Some(Reason::NotStorable)));
    let stored = world.table.log_entry(order_id(refused)).await.unwrap().unwrap();
    assert_eq!((stored.entry.state, stored.entry.reason), (LogState::Failed, Some(Reason::NotStorable)));
    assert_eq!(world.table.newest_order(&stored).await.unwrap().unwrap().get(), &*world.sandbox.order(refused).unwrap().text);
    assert_eq!(world.sale(neighbour).await.total.0, 1000);
    // Tried again with each download, it causes no further write. Once it is corrected, it is
    // booked.
    world.next_hour().await;
    let again = world.table.log_entry(order_id(refused)).await.unwrap().unwrap();
    assert_eq!(again.version, stored.version, "{:?}\n{:?}", stored.entry, again.entry);
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    world.sandbox.edit_order(refused, |order| member(order, "billTo").set("name", "Robin"));
    world.next_hour().await;
    assert_eq!(world.sale(refused).await.customer.name, "Robin");
}
