//! The table's guarantees: uniqueness, versions, pages, history, disconnection.

use stevedore_aws::interceptors::{
    BeforeTransmitInterceptorContextRef, BoxError, ConfigBag, Intercept, RuntimeComponents, SharedInterceptor,
};
use stevedore_aws::{Cursor, Error, Lease, List, Progress, Record, RecordOutcome, Stored, Table};
use stevedore_domain::address::Address;
use stevedore_domain::ids::ShipstationProductId;
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::{Operation, OperationRow};
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Customer, Location, Product};
use stevedore_domain::settings::changes;

use crate::bound::Bound;
use crate::flow::{nameless, plain, with};
use crate::world::{LOCATION, Options, World, order_id};

fn page(limit: usize, token: Option<String>) -> List {
    List { limit, token, ..List::default() }
}

fn location(id: &str, name: &str, world: &World) -> Location {
    Location { id: id.into(), name: name.into(), address: Address::default(), priority: 0, active: true, created_at: world.clock.now() }
}

async fn stored<T: Record>(table: &Table, id: &str) -> Stored<T> {
    table.record(id).await.unwrap().unwrap()
}

/// Names are unique without regard to case and blanks at their ends, a rename frees the old one,
/// and a stale write changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_unique_and_versions_count() {
    let world = World::new(Options::default()).await;
    let table = &world.table;
    let dock = location("dock", "Dock 1", &world);
    assert_eq!(table.put_record(&dock, None).await.unwrap(), RecordOutcome::Written(1));
    assert_eq!(table.put_record(&dock, None).await.unwrap(), RecordOutcome::Stale(Some(1)));
    let taken = table.put_record(&location("other", " DOCK 1 ", &world), None).await.unwrap();
    assert_eq!(taken, RecordOutcome::Taken("name", " DOCK 1 ".to_owned()));
    assert!(table.record::<Location>("other").await.unwrap().is_none());

    let read = stored::<Location>(table, "dock").await;
    let renamed = Location { name: "Dock 2".into(), ..read.value.clone() };
    assert_eq!(table.put_record(&renamed, Some(&read)).await.unwrap(), RecordOutcome::Written(2));
    // Another reader of version 1 is too late.
    assert_eq!(
        table.put_record(&Location { priority: 9, ..read.value.clone() }, Some(&read)).await.unwrap(),
        RecordOutcome::Stale(Some(2))
    );
    assert_eq!(stored::<Location>(table, "dock").await, Stored { value: renamed, version: 2 });
    assert_eq!(table.put_record(&location("other", "Dock 1", &world), None).await.unwrap(), RecordOutcome::Written(1));
    // The same name in another case is the same name, and its owner keeps it.
    let read = stored::<Location>(table, "dock").await;
    let louder = Location { name: "DOCK 2".into(), ..read.value.clone() };
    assert_eq!(table.put_record(&louder, Some(&read)).await.unwrap(), RecordOutcome::Written(3));
    assert_eq!(table.put_record(&Location { id: "gone".into(), ..louder.clone() }, Some(&read)).await.unwrap(), RecordOutcome::Stale(None));
}

fn product(id: &str, sku: &str, aliases: &[&str], link: Option<u64>) -> Product {
    Product {
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        shipstation_product_id: link.map(ShipstationProductId),
        ..Product::new(id, sku, id, crate::world::START.parse().unwrap())
    }
}

/// S81: a SKU is unique as written, an alias is no other product's SKU, and a ShipStation product
/// is linked once. Changes free the old values.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s81_skus_aliases_and_links_are_unique() {
    let world = World::new(Options::default()).await;
    let table = &world.table;
    let put = async |new: Product| table.put_product(&new, None).await.unwrap();
    assert_eq!(put(product("a", "SKU", &["old-sku"], Some(7))).await, RecordOutcome::Written(1));
    assert_eq!(put(product("b", "SKU", &[], None)).await, RecordOutcome::Taken("sku", "SKU".to_owned()));
    assert_eq!(put(product("b", "old-sku", &[], None)).await, RecordOutcome::Taken("aliases", "old-sku".to_owned()));
    assert_eq!(put(product("b", "B", &["SKU"], None)).await, RecordOutcome::Taken("aliases", "SKU".to_owned()));
    assert_eq!(put(product("b", "B", &[], Some(7))).await, RecordOutcome::Taken("shipstation_product_id", "7".to_owned()));
    // None of these left a record, and another case is another SKU.
    assert_eq!(put(product("b", "sku", &[], Some(8))).await, RecordOutcome::Written(1));
    let read = stored::<Product>(table, "a").await;
    let moved = product("a", "NEW", &[], Some(9));
    assert_eq!(table.put_product(&moved, Some(&read)).await.unwrap(), RecordOutcome::Written(2));
    assert_eq!(table.put_product(&moved, Some(&read)).await.unwrap(), RecordOutcome::Stale(Some(2)));
    assert_eq!(put(product("c", "SKU", &["old-sku"], Some(7))).await, RecordOutcome::Written(1));
}

/// Of two concurrent writes of the same record one succeeds, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_writers_at_once_one_wins() {
    let world = World::new(Options::default()).await;
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let (table, new) = (world.table.clone(), product(&format!("p{number}"), "SKU", &[], None));
            tokio::spawn(async move { table.put_product(&new, None).await.unwrap() })
        })
        .collect();
    let mut written = 0;
    for writer in writers {
        match writer.await.unwrap() {
            RecordOutcome::Written(1) => written += 1,
            outcome => assert_eq!(outcome, RecordOutcome::Taken("sku", "SKU".to_owned())),
        }
    }
    assert_eq!(written, 1);
    let read = stored::<Location>(&world.table, LOCATION).await;
    let writers: Vec<_> = (0..8)
        .map(|priority| {
            let (table, read) = (world.table.clone(), read.clone());
            tokio::spawn(async move { table.put_record(&Location { priority, ..read.value.clone() }, Some(&read)).await.unwrap() })
        })
        .collect();
    let mut outcomes = Vec::new();
    for writer in writers {
        outcomes.push(writer.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == RecordOutcome::Written(2)).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, RecordOutcome::Written(2) | RecordOutcome::Stale(Some(2)))));
}

/// S113: the cursor with the lease of a download is written under its version. Of two processes
/// that read it at once, one gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s113_the_cursor_is_written_by_who_read_it_last() {
    let world = World::new(Options::default()).await;
    let table = &world.table;
    let taken_by =
        |operation: &str| Cursor { lease: Some(Lease { operation_id: operation.into(), until: world.clock.now() }), ..Cursor::default() };
    assert_eq!(table.cursor().await.unwrap(), Stored { value: Cursor::default(), version: 0 });
    for (operation, read, written) in [("a", 0, Some(1)), ("b", 0, None), ("c", 1, Some(2)), ("d", 1, None), ("e", 3, None)] {
        assert_eq!(table.put_cursor(&taken_by(operation), read).await.unwrap(), written, "{operation}, who read version {read}");
    }
    assert_eq!(table.cursor().await.unwrap(), Stored { value: taken_by("c"), version: 2 });
}

/// Settings: version 0 before any write, each write counted, a stale one refused. The history names
/// author and change, the newest first, page by page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n29_settings_have_versions_and_a_history() {
    let world = World::new(Options::default()).await;
    let table = &world.table;
    let first = table.settings().await.unwrap();
    assert_eq!(first.version, 1);
    let mut settings = first.value.clone();
    for minutes in [10, 20, 30, 40] {
        let read = table.settings().await.unwrap();
        settings.poll_minutes = minutes;
        let changed = changes(&read.value, &settings);
        let outcome = table.put_settings(&settings, read.version, world.clock.now(), &format!("person-{minutes}"), changed).await.unwrap();
        assert_eq!(outcome, RecordOutcome::Written(read.version + 1));
    }
    settings.poll_minutes = 50;
    assert_eq!(
        table.put_settings(&settings, first.version, world.clock.now(), "late", Vec::new()).await.unwrap(),
        RecordOutcome::Stale(Some(5))
    );
    assert_eq!(table.put_settings(&settings, 0, world.clock.now(), "late", Vec::new()).await.unwrap(), RecordOutcome::Stale(Some(5)));
    assert_eq!(table.settings().await.unwrap().value.poll_minutes, 40);
    let mut seen = Vec::new();
    let mut token = None;
    let mut bound = Bound::of("the settings' history");
    loop {
        bound.turn();
        let page = table.settings_history(2, token.as_deref()).await.unwrap();
        assert!(page.items.len() <= 2 && !page.items.is_empty());
        seen.extend(page.items);
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    let by: Vec<_> = seen.iter().map(|change| (change.version, change.by.as_str())).collect();
    assert_eq!(by, [(5, "person-40"), (4, "person-30"), (3, "person-20"), (2, "person-10"), (1, "test")]);
    let change = &seen[0].changes[0];
    assert_eq!((change.pointer.as_str(), &change.from, &change.to), ("/poll_minutes", &30.into(), &40.into()));
    assert!(matches!(table.settings_history(2, Some("nonsense")).await, Err(Error::PageToken)));
}

/// Lists: every record once, the newest first, for every page size. Tokens of other lists and other
/// texts are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_page_through_everything_once() {
    let world = World::new(Options::default()).await;
    let mut orders = Vec::new();
    for number in 0..7 {
        world.clock.advance(jiff::SignedDuration::from_secs(1));
        let key = format!("key {number}");
        let order = with(&plain(if number % 2 == 0 { "same" } else { "other" }), |order| order.set("orderKey", key.as_str()));
        orders.push(world.sandbox.upsert_order(order));
        world.download_now().await;
    }
    let nobody = world.sandbox.upsert_order(with(&plain("same"), nameless));
    world.download_now().await;
    for limit in [1, 2, 3, 7, 100] {
        let mut seen = Vec::new();
        let mut list = page(limit, None);
        let mut bound = Bound::of("a list of sales");
        loop {
            bound.turn();
            let page = world.table.list_sales(&list).await.unwrap();
            assert!(page.items.len() <= limit);
            seen.extend(page.items.into_iter().map(|stored| stored.sale.source.order().unwrap().order_id));
            list.token = page.next;
            if list.token.is_none() {
                break;
            }
        }
        let expected: Vec<_> = orders.iter().rev().map(|order| order_id(*order)).collect();
        assert_eq!(seen, expected, "limit {limit}");
    }
    let table = &world.table;
    let by_number = table.list_log_number("same", &page(3, None)).await.unwrap();
    assert_eq!((by_number.items.len(), by_number.items[0].entry.order_id), (3, order_id(nobody)));
    let rest = table.list_log_number("same", &page(3, by_number.next.clone())).await.unwrap();
    assert_eq!(rest.items.iter().map(|stored| stored.entry.order_id).collect::<Vec<_>>(), [order_id(orders[2]), order_id(orders[0])]);
    let blocked = table.list_log_state(LogState::Blocked, &page(10, None)).await.unwrap();
    assert_eq!(blocked.items.iter().map(|stored| stored.entry.order_id).collect::<Vec<_>>(), [order_id(nobody)]);

    // Tokens are valid for their own list only.
    let token = table.list_sales(&page(2, None)).await.unwrap().next;
    assert!(matches!(table.list_log(&page(2, token.clone())).await, Err(Error::PageToken)));
    assert!(matches!(table.list_log_number("same", &page(2, token.clone())).await, Err(Error::PageToken)));
    assert!(matches!(table.list_log_number("other", &page(2, by_number.next)).await, Err(Error::PageToken)));
    for token in ["", "x", "é", "AAAA", "////"] {
        assert!(matches!(table.list_sales(&page(2, Some(token.to_owned()))).await, Err(Error::PageToken)), "{token:?}");
    }
    // From an instant, and before one.
    let log = table.list_log(&page(10, None)).await.unwrap().items;
    let (from, to) = (log[5].entry.captured_at, log[2].entry.captured_at);
    let window = List { limit: 10, token: None, from: Some(from), to: Some(to), bound: None };
    let found = table.list_log(&window).await.unwrap().items;
    let ids = |entries: &[stevedore_aws::StoredEntry]| entries.iter().map(|stored| stored.entry.order_id).collect::<Vec<_>>();
    assert_eq!(ids(&found), ids(&log[3..=5]));
}

/// An operation keeps all rows of a run, each with its evidence, in as many items as needed.
/// Writing a page again changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operations_rows_are_kept_whatever_they_weigh() {
    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(plain("1"));
    let template: Operation = world.download().await;
    let operation = Operation { id: "large".into(), ..template };
    assert_eq!(world.table.create_operation(&operation).await.unwrap(), Some(1));
    assert_eq!(world.table.create_operation(&operation).await.unwrap(), None);
    assert_eq!(world.table.put_operation(&operation, 7).await.unwrap(), None);
    let rows: Vec<OperationRow> = (0..9)
        .map(|number| OperationRow {
            evidence: Some(format!("{number}").repeat(200_000)),
            ..OperationRow::decided(order_id(number), "n", Outcome::Failed, Some(Reason::MalformedOrder))
        })
        .collect();
    let pages = world.table.put_operation_rows(&operation.id, 0, &rows).await.unwrap();
    assert!(pages > 1);
    assert_eq!(world.table.put_operation_rows(&operation.id, 0, &rows).await.unwrap(), pages);
    let more = [OperationRow::decided(order_id(100), "last", Outcome::Waiting, Some(Reason::OnHold))];
    assert_eq!(world.table.put_operation_rows(&operation.id, pages, &more).await.unwrap(), pages + 1);
    let (settled, kept) = world.table.settle_operation(&operation.id, world.clock.now()).await.unwrap().unwrap();
    assert_eq!(kept, [rows.as_slice(), &more].concat());
    assert_eq!((settled.counts.of(Outcome::Failed), settled.counts.total()), (9, 10));
}

/// Stops the program permanently before the call with this number.
#[derive(Debug)]
struct CutOff {
    left: std::sync::atomic::AtomicI64,
}

impl Intercept for CutOff {
    fn name(&self) -> &'static str {
        "CutOff"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) <= 0 { Err("cut off".into()) } else { Ok(()) }
    }
}

/// S76: disconnecting removes every tie to ShipStation and nothing else. After an interruption at
/// any call it can be repeated, and ends the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s76_taking_apart_survives_being_cut_off() {
    let mut calls = 0;
    let mut bound = Bound::at_most(500, "a disconnect that is cut off one call later each time");
    loop {
        bound.turn();
        let world = World::new(Options::default()).await;
        world.table.put_product(&product("p", "SKU-1", &[], Some(77)), None).await.unwrap();
        let order = world.sandbox.upsert_order(plain("1").buyer(Some(9_100), Some("robin@example.com")));
        world.sandbox.upsert_order(with(&plain("2"), |order| order.set("orderTotal", "malformed")));
        world.sandbox.upsert_order(with(&plain("3"), nameless));
        world.download().await;
        world.clock.advance(jiff::SignedDuration::from_mins(1));
        world.sandbox.edit_order(order, |order| order.set("orderTotal", 12));
        world.next_hour().await;
        let sales = world.booked().await;
        let entry = world.table.log_entry(order_id(order)).await.unwrap().unwrap();
        let booked = entry.entry.booked_revision().unwrap();
        let text = world.table.order_revision(&entry, &booked).await.unwrap().unwrap();

        let cut_off = SharedInterceptor::new(CutOff { left: std::sync::atomic::AtomicI64::new(calls) });
        let options = stevedore_aws::ClientOptions { interceptors: vec![cut_off], ..Default::default() };
        let dying = Table::new(&stevedore_aws::Clients::at_endpoint(world.engines.endpoint(), options), "stevedore");
        let finished = take_apart(&dying).await.is_ok();
        if !finished {
            // The connection stays until the end, so that the remaining records are found.
            assert!(world.table.connection().await.unwrap().is_some(), "cut off after {calls} calls");
        }
        take_apart(&world.table).await.unwrap();
        take_apart(&world.table).await.unwrap();

        assert!(world.table.connection().await.unwrap().is_none());
        assert!(world.log().await.is_empty());
        assert_eq!(world.table.cursor().await.unwrap().version, 0);
        assert!(world.table.unreadable_orders().await.unwrap().is_empty() && world.table.store_names().await.unwrap().is_none());
        assert!(world.table.list_log_number("1", &page(10, None)).await.unwrap().items.is_empty());
        assert_eq!(world.booked().await, sales);
        // The revision of a sale stays with it.
        let kept = world.table.stored_revision(order_id(order), &booked).await.unwrap().unwrap();
        assert_eq!(kept.get(), text.get());
        let read = stored::<Product>(&world.table, "p").await;
        assert_eq!(read.value.shipstation_product_id, None);
        let customers = world.table.list_records::<Customer>(&page(10, None)).await.unwrap().items;
        assert_eq!(customers.len(), 1);
        let wanted = [(Some(stevedore_domain::ids::ShipstationCustomerId(9_100)), None)];
        // A customer's link belongs to its account: no other account finds it, and the same one,
        // connected again, does.
        let other = world.table.of_account(stevedore_domain::ids::ShipstationAccount(2));
        assert!(other.customers_for(&wanted, None).await.unwrap()[0].linked.is_none());
        assert!(world.table.customers_for(&wanted, None).await.unwrap()[0].linked.is_some());
        // The ShipStation product may be linked again.
        assert_eq!(world.table.put_product(&product("q", "OTHER", &[], Some(77)), None).await.unwrap(), RecordOutcome::Written(1));
        if finished {
            break;
        }
        calls += 1;
    }
    assert!(calls > 8, "{calls} calls");
}

async fn take_apart(table: &Table) -> Result<(), Error> {
    let (mut place, mut bound) = (None, Bound::of("a disconnect"));
    while table.disconnect_step(&mut place, crate::world::START.parse().unwrap()).await? != Progress::Done {
        bound.turn();
    }
    Ok(())
}

/// Revisions of an order outlive the capacity of their log entry: the newest is read back exactly,
/// also when the entry grows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_revision_is_kept_while_the_entry_grows() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    for number in 0..60 {
        let note = format!("event {number}: {}", "x".repeat(100));
        let now = world.clock.now();
        world
            .table
            .change_log_entry(order_id(order), |entry| {
                entry.add_event(now, note.clone(), "test");
                true
            })
            .await
            .unwrap()
            .unwrap();
    }
    let kept = world.table.log_entry(order_id(order)).await.unwrap().unwrap();
    assert_eq!(kept.entry.timeline.len(), stevedore_domain::log::LogEntry::KEPT);
    assert!(kept.entry.timeline[0].what.starts_with("captured"));
    assert_eq!(world.table.newest_order(&kept).await.unwrap().unwrap().get(), &*world.sandbox.order(order).unwrap().text);
    // Without a change nothing is written.
    let before = kept.version;
    world.table.change_log_entry(order_id(order), |_| false).await.unwrap().unwrap();
    assert_eq!(world.table.log_entry(order_id(order)).await.unwrap().unwrap().version, before);
}
