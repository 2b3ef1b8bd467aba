//! Writes that an index does not show yet: the index is held, so that it lacks all later writes of
//! the test.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::json;
use stevedore_aws::interceptors::{
    BeforeTransmitInterceptorContextMut, BoxError, ConfigBag, Intercept, RuntimeComponents, SharedInterceptor,
};
use stevedore_aws::{ClientOptions, Clients, List, Table};
use stevedore_domain::ids::{LocationId, TaxRuleId};
use stevedore_domain::import::Format;
use stevedore_domain::jurisdiction::rules_of_place;
use stevedore_domain::log::Outcome;
use stevedore_domain::operation::OperationState;
use stevedore_domain::reference::{Account, AccountKind, Location, TaxRule};
use stevedore_domain::settings::PickPackShip;
use stevedore_sandbox::Draft;

use crate::flow::{plain, with};
use crate::http::Http;
use crate::raw;
use crate::stock::{check, levels};
use crate::world::{Options, World, dec, sqs_event};

/// True if another engine has the tables, because those do not lag on request.
fn is_elsewhere() -> bool {
    crate::world::tables_at().is_some()
}

/// A world whose indexes lag. They contain all records so far.
async fn world() -> World {
    World::new(Options { lag: Some(1), ..Options::default() }).await
}

impl World {
    fn hold(&self) {
        self.engines.indexes().catch_up();
        self.engines.indexes().hold(true);
    }

    fn let_go(&self) {
        self.engines.indexes().hold(false);
        self.engines.indexes().catch_up();
    }

    /// Orders with an item of their own in the table, by its key.
    async fn order_items(&self) -> Vec<String> {
        let keys = raw::keys(self).await.into_iter();
        keys.filter(|(pk, sk)| pk.starts_with("ORDER#") && sk == "LOG").map(|(pk, _)| pk).collect()
    }

    async fn disconnect(&self) {
        let http = Http::of(self, Vec::new());
        http.send(Method::DELETE, "/v1/connection", json!({"confirm": "disconnect"})).await;
        assert!(self.table.connection().await.unwrap().is_none());
    }
}

/// S76: orders that arrived just before the disconnect are in no index yet and stay. The next tick
/// removes them, without a connection too, and the check ends an hour later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s76_entries_of_the_last_moments_go_with_the_next_tick() {
    if is_elsewhere() {
        return;
    }
    let world = world().await;
    world.daily(18).await;
    world.sandbox.upsert_order(plain("1"));
    world.download().await;
    world.hold();
    let late = world.sandbox.upsert_order(plain("2"));
    world.next_hour().await;
    world.disconnect().await;
    assert_eq!(world.order_items().await, [format!("ORDER#{late}")], "the premise: the index does not show it");
    world.let_go();
    world.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(world.tick().await.unwrap()["reason"], "not_connected");
    assert_eq!(world.order_items().await, Vec::<String>::new());
    assert!(raw::item(&world, "CONFIG", "SWEEP#ALL").await.is_some(), "a message that is at work still may write one");
    world.clock.advance(SignedDuration::from_hours(1));
    world.tick().await.unwrap();
    assert!(raw::item(&world, "CONFIG", "SWEEP#ALL").await.is_none());
}

/// S76: connecting removes the entries that a recent disconnect missed: another account's log
/// begins empty. If the same account is connected, its own entries stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s76_what_a_disconnect_left_behind_goes_when_another_account_is_connected() {
    if is_elsewhere() {
        return;
    }
    let world = world().await;
    world.daily(18).await;
    world.hold();
    world.sandbox.upsert_order(plain("1"));
    world.download().await;
    world.disconnect().await;
    assert_eq!(world.order_items().await.len(), 1);
    world.let_go();
    world.sandbox.become_account("another-key", "secret", 1_000_000);
    let connect = json!({"api_key": "another-key", "api_secret": "secret"});
    Http::of(&world, Vec::new()).send(Method::POST, "/v1/connection", connect).await;
    assert_eq!(world.order_items().await, Vec::<String>::new());
    let order = world.sandbox.upsert_order(plain("2"));
    world.download_now().await;
    for minutes in [5, 70] {
        world.clock.advance(SignedDuration::from_mins(minutes));
        world.tick().await.unwrap();
    }
    assert!(world.order_items().await.contains(&format!("ORDER#2.{order}")), "what the present connection brings stays");
}

/// S76: a page of the index whose entries are all removed is not the end of the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s76_a_page_of_entries_that_are_gone_is_not_the_end_of_the_log() {
    let options = Options {
        lag: Some(2),
        orders: 230,
        sandbox: Box::new(|options| {
            options.lines_per_order = Some(1);
            options.only_status = Some("awaiting_shipment".to_owned());
            options.history = SignedDuration::from_hours(20);
        }),
        ..Options::default()
    };
    let world = World::new(options).await;
    world.daily(18).await;
    world.start(stevedore_domain::operation::OperationKind::LoadOrders { from: jiff::civil::date(2025, 12, 1) }).await;
    assert!(world.order_items().await.len() > 200, "more than a page");
    world.hold();
    world.disconnect().await;
    assert_eq!(world.order_items().await, Vec::<String>::new());
}

/// S66, S70: a tax rule, a location and an account take effect at once in every list: for orders,
/// for imports, and for people, on any page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s66_records_that_were_just_made_count_at_once() {
    let world = world().await;
    world.hold();
    world.clock.advance(SignedDuration::from_mins(1));
    let now = world.clock.now();
    let mut rule = rules_of_place("80017", None).unwrap().remove(0);
    rule.components.iter_mut().for_each(|component| component.percent = dec("4"));
    let id = TaxRuleId::of_place(&rule.place);
    let name = rule.name.clone();
    let components = rule.components;
    let rule = TaxRule { id, name: rule.name, components, place: Some(rule.place), addresses: Vec::new(), created_at: now };
    world.table.put_record(&rule, None).await.unwrap();
    let account =
        |id: &str| Account { id: id.into(), name: id.into(), kind: AccountKind::Revenue, receives_payments: false, created_at: now };
    world.table.put_record(&account("Fresh"), None).await.unwrap();
    let place = Location {
        id: LocationId::from("aurora"),
        name: "Aurora".into(),
        address: stevedore_domain::address::Address::default(),
        priority: 0,
        active: true,
        created_at: now,
    };
    world.table.put_record(&place, None).await.unwrap();

    let order = with(&Draft::new("1").line("A", 1, dec("100.00")).tax(dec("8.00")), |order| {
        let to = crate::flow::member(order, "shipTo");
        for (name, value) in [("city", "Aurora"), ("state", "CO"), ("postalCode", "80017"), ("country", "US")] {
            to.set(name, value);
        }
    });
    let order = world.sandbox.upsert_order(order);
    world.download().await;
    assert_eq!(world.sale(order).await.tax_rules[0].name, name);

    crate::flow_import::ask(&world, "import", Format::Csv, "sku,name,revenue_account\nMUG,Mug,Fresh\n").await;
    world.drain().await;
    let (operation, rows) = crate::flow_import::settled(&world, "import").await;
    assert_eq!((operation.state, operation.counts.of(Outcome::Captured)), (OperationState::Completed, 1), "{rows:?}");

    let http = Http::of(&world, Vec::new()).at_once();
    let mut lists = Vec::new();
    for (path, wanted) in [("/v1/tax_rules", rule.id.as_str()), ("/v1/locations", "aurora"), ("/v1/accounts", "Fresh")] {
        // Page by page, each record once.
        let mut seen: Vec<String> = Vec::new();
        let mut next = format!("{path}?limit=1");
        loop {
            let (page, _) = http.get(&next).await;
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            match page["next_page_token"].as_str() {
                Some(token) => next = format!("{path}?limit=1&page_token={token}"),
                None => break,
            }
            assert!(seen.len() < 10, "{seen:?}");
        }
        assert_eq!(seen[0], wanted, "the newest first: {seen:?}");
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{seen:?}");
        lists.push((path, seen));
    }
    // The result is the same when the index is up to date.
    world.let_go();
    for (path, seen) in lists {
        let (page, _) = http.get(path).await;
        let whole: Vec<&str> = page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(whole, seen);
    }
    // A record of an earlier release is in the index only, and is listed.
    raw::delete(&world, "RECENT#ACCOUNT", "HEAD").await;
    assert_eq!(world.table.list_records::<Account>(&List { limit: 50, ..List::default() }).await.unwrap().items.len(), 3);
    // The newest hundred are named, for any number of records.
    for number in 0..105 {
        world.table.put_record(&account(&format!("a{number:03}")), None).await.unwrap();
    }
    let recent = raw::item(&world, "RECENT#ACCOUNT", "HEAD").await.unwrap();
    let named = recent["records"]["L"].as_array().unwrap();
    assert_eq!((named.len(), &named[99]["M"]["id"]["S"]), (100, &json!("a104")));
}

/// A list by state shows no order that changed its state, although the index still has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_by_state_shows_no_order_that_moved_on() {
    let world = world().await;
    world.settings(|settings| settings.location_map.default = None).await;
    world.sandbox.upsert_order(plain("1"));
    world.download().await;
    let http = Http::of(&world, Vec::new()).at_once();
    world.hold();
    assert_eq!(http.get("/v1/log?state=blocked").await.0["items"].as_array().unwrap().len(), 1);
    world.settings(|settings| settings.location_map.default = Some(crate::world::LOCATION.into())).await;
    world.next_hour().await;
    assert_eq!(http.get("/v1/log?state=blocked").await.0["items"], json!([]));
    assert_eq!(http.get("/v1/log?state=pending").await.0["items"], json!([]));
}

/// Stops at the start of one transaction until it is released.
struct Slow {
    /// Counts down to the transaction.
    left: Mutex<u32>,
    arrived: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

impl std::fmt::Debug for Slow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slow").finish_non_exhaustive()
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
        if target.ends_with(".TransactWriteItems") {
            let mut left = self.left.lock().unwrap();
            *left = left.saturating_sub(1);
            if *left == 0 {
                *left = u32::MAX;
                drop(left);
                self.arrived.lock().unwrap().send(()).unwrap();
                self.go_on.lock().unwrap().recv().unwrap();
            }
        }
        Ok(())
    }
}

/// P5: a process that resumes the stock of a large sale after it was given up makes no further
/// step, for every step at which it was delayed. No unit is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn p5_a_slow_process_makes_no_step_after_its_work_was_undone() {
    for nth in 1..=3 {
        let world = World::new(Options::default()).await;
        world.settings(|settings| settings.pick_pack_ship = PickPackShip::PickPackShip).await;
        let mut draft = Draft::new("large");
        for product in 0..12 {
            world.product(&format!("p{product}"), |_| {}).await;
            world.adjust(&format!("p{product}"), 5).await;
            draft = draft.line(&format!("P{product}"), 2, dec("1.10"));
        }
        let order = world.sandbox.upsert_order(draft);
        world.tick().await.unwrap();
        let (arrived, at_work) = channel();
        let (wake, go_on) = channel();
        let slow = Slow { left: Mutex::new(nth), arrived: Mutex::new(arrived), go_on: Mutex::new(go_on) };
        let options = ClientOptions { interceptors: vec![SharedInterceptor::new(slow)], ..ClientOptions::default() };
        let table = Table::new(&Clients::at_endpoint(world.engines.endpoint(), options), "stevedore").moving_at_most(4);
        let process = process_orders::Deps { table, ..world.process.clone() };
        let messages = world.queues.receive(&world.queues.urls().orders, 0).await.unwrap();
        let (event, deadline) = (sqs_event(&messages), world.deadline());
        let worker = tokio::spawn(async move { process_orders::handle(&process, event, deadline).await });
        let patience = std::time::Duration::from_mins(1);
        tokio::task::spawn_blocking(move || at_work.recv_timeout(patience).unwrap()).await.unwrap();
        // Longer than the lease of the work.
        world.clock.advance(SignedDuration::from_mins(3));
        let mended = world.table.recover_abandoned(world.clock.now()).await.unwrap();
        assert!(mended.failed.is_empty(), "{mended:?}");
        wake.send(()).unwrap();
        worker.await.unwrap().unwrap();
        world.clock.advance(SignedDuration::from_hours(1));
        world.drain().await;
        world.table.recover_abandoned(world.clock.now()).await.unwrap();
        assert_eq!(world.sale(order).await.lines.len(), 12, "step {nth}");
        assert_eq!(world.sales().await.len(), 1);
        let levels = levels(&world.table).await;
        check(&world.table, &levels).await;
        assert!(levels.values().all(|level| level.on_hand == 3), "step {nth}: {levels:?}");
    }
}

/// N12: entries that DynamoDB leaves out of a batch are requested again as long as some succeed, in
/// any number of rounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n12_a_batch_that_is_done_bit_by_bit_is_done_in_the_end() {
    let world = World::new(Options::default()).await;
    let ids: Vec<String> = (0..60).map(|number| format!("l{number}")).collect();
    for id in &ids {
        let place = Location {
            id: LocationId::from(id.as_str()),
            name: id.clone(),
            address: stevedore_domain::address::Address::default(),
            priority: 0,
            active: true,
            created_at: world.clock.now(),
        };
        world.table.put_record(&place, None).await.unwrap();
    }
    // Two entries of each call: thirty rounds.
    world.engines.faults().fail_next("BatchGetItem", 40, stevedore_engines::Fault::Partial(2));
    let found = world.table.records::<Location>(ids).await.unwrap();
    assert_eq!(found.len(), 60);
    world.engines.faults().clear();
    // The rows of an import's file are written in the same way.
    world.engines.faults().fail_next("BatchWriteItem", 40, stevedore_engines::Fault::Partial(1));
    let unreadable_orders = (0..12).map(|number| format!("order#{number}"));
    for position in unreadable_orders {
        let unreadable_order = stevedore_aws::UnreadableOrder {
            position,
            order_id: None,
            by_creation: false,
            from: None,
            until: None,
            first_seen: world.clock.now(),
            attempts: 0,
        };
        world.table.put_unreadable_order(&unreadable_order).await.unwrap();
    }
    world.disconnect().await;
    assert!(world.table.unreadable_orders().await.unwrap().is_empty());
}
