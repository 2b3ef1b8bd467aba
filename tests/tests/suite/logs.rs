//! Log lines of the functions about a merchant's orders: enough to follow one, and no data about
//! its buyer.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use jiff::SignedDuration;
use serde_json::Value;
use stevedore_lambda::telemetry::{self, AWS_LAMBDA_FUNCTION_NAME, RUST_LOG};
use stevedore_sandbox::{Draft, Json};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::flow::{member, plain, with};
use crate::world::{Options, World};

const TRACE: &str = "1-5759e988-bd862e3fe1be46a994272793";

/// Texts that are recognizable as the buyer's, in every place where ShipStation has them.
const BUYER: [&str; 8] = [
    "Wilhelmina Featherstone",
    "Featherstone",
    "wilhelmina@featherstone.example",
    "wilhelmina-of-ebay",
    "17 Quibble Lane",
    "Snodbury",
    "555-0199-77",
    "Please ring twice",
];

thread_local! {
    /// The lines of this thread's test; `None` without a listener.
    static HEARD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes lines to the test of the thread.
#[derive(Clone, Copy)]
struct ToThread;

impl Write for ToThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.with_borrow_mut(|heard| heard.iter_mut().for_each(|heard| heard.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Records every line of functions on this thread, at the lowest level, in the form of `main.rs`.
///
/// One subscriber for the whole program, because several at a time would each decide for all which
/// lines are written.
fn listen() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let vars = [(RUST_LOG, "trace"), (AWS_LAMBDA_FUNCTION_NAME, "shop-any")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let listening = dynamic_filter_fn(|_, _| HEARD.with_borrow(Option::is_some));
        tracing::subscriber::set_global_default(telemetry::subscriber(&vars, || ToThread).with(listening)).unwrap();
    });
    // Lines that other threads reached while the subscriber was being set are evaluated again.
    tracing::callsite::rebuild_interest_cache();
    HEARD.set(Some(Vec::new()));
}

fn heard() -> String {
    HEARD.with_borrow(|heard| String::from_utf8(heard.clone().unwrap()).unwrap())
}

fn parsed() -> Vec<Value> {
    heard().lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// An order of the buyer's.
fn order(number: &str) -> Json {
    with(&plain(number), |order| {
        let text = |text: &str| Json::from(text.to_owned());
        order.set("customerEmail", text(BUYER[2]));
        order.set("customerUsername", text(BUYER[3]));
        order.set("customerNotes", text(BUYER[7]));
        for address in ["billTo", "shipTo"] {
            let address = member(order, address);
            address.set("name", text(BUYER[0]));
            address.set("street1", text(BUYER[4]));
            address.set("city", text(BUYER[5]));
            address.set("phone", text(BUYER[6]));
        }
    })
}

/// On one thread, so that every line of the functions is recorded.
#[tokio::test]
async fn no_line_says_who_bought() {
    listen();

    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(order("1001"));
    // One that cannot be booked, one that cannot be read, one that changes after it was booked, and
    // one that is cancelled.
    world.sandbox.upsert_order(with(&Draft::new("1002").line("SKU-1", 1, crate::world::dec("10.00")), |other| *other = order("1002")));
    world.sandbox.upsert_order(with(&plain("1003"), |other| {
        *other = order("1003");
        other.set("orderTotal", Json::from("not an amount".to_owned()));
    }));
    world.settings(|settings| settings.tax.default_rule = None).await;
    world.download().await;
    world.settings(|settings| settings.tax.default_rule = Some(crate::world::TAX_RULE.into())).await;
    world.next_hour().await;
    world.sandbox.upsert_order(with(&plain("1001"), |other| {
        *other = order("1001");
        other.set("orderStatus", Json::from("cancelled".to_owned()));
    }));
    world.next_hour().await;
    // A message that cannot be read, with the buyer's data in it, and a batch that fails.
    let broken = format!(r#"{{"v":1,"operation_id":"x","trigger":"manual","order":{}}}"#, r#"{"orderId":"Featherstone"}"#);
    world.queues.send_orders(&[broken, BUYER[2].to_owned()]).await.unwrap();
    for _ in 0..5 {
        world.deliver_orders().await;
        world.clock.advance(SignedDuration::from_mins(13));
    }

    let text = heard();
    assert!(
        text.contains("order processed") && text.contains("message sent to the dead letters") && text.contains("operation read"),
        "{text}"
    );
    for line in text.lines() {
        for secret in BUYER.iter().chain(&["sandbox-key", "sandbox-secret"]) {
            assert!(!line.contains(secret), "{secret} is in {line}");
        }
    }
}

/// N28: one order's lines are found by its operation and its trace, from the tick to the sale, and
/// its metrics are written.
#[tokio::test]
async fn n28_an_order_is_followed_from_the_tick_to_its_sale() {
    listen();

    let mut world = World::new(Options::default()).await;
    world.fetch = world.fetch.traced(Some(&format!("Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=0")));
    world.sandbox.upsert_order(plain("1001"));
    let operation = world.download().await;
    let sales = world.sales().await;
    world.next_hour().await;

    let lines = parsed();
    let processed: Vec<&Value> = lines.iter().filter(|line| line["message"] == "order processed").collect();
    assert_eq!(processed.len(), 1, "{lines:#?}");
    assert_eq!(processed[0]["operation_id"], operation.id.as_str());
    assert_eq!(processed[0]["sale_id"], sales[0].sale.id.as_str());
    let spans = processed[0]["spans"].as_array().unwrap();
    assert!(spans.iter().any(|span| span["trace_id"] == TRACE), "{spans:?}");
    assert!(lines.iter().any(|line| line["message"] == "operation read" && line["operation_id"] == operation.id.as_str()));

    let figure = |name: &str| {
        lines.iter().filter(|line| line["FunctionName"] == "shop-any").filter_map(|line| line[name].as_u64()).collect::<Vec<_>>()
    };
    assert_eq!(figure("OrdersCaptured"), [1]);
    assert_eq!(figure("OrdersQueued"), [1, 0]);
    assert_eq!(figure("DownloadsCompleted"), [1, 1]);
    assert_eq!(figure("DownloadsFailed"), [] as [u64; 0]);
    assert_eq!(figure("OrdersUnaccounted"), [0, 0]);
    // The second tick came an hour after the first, when it was due; the order is somewhat older.
    assert_eq!(figure("DownloadOverdue"), [0]);
    assert_eq!(figure("CursorAge").len(), 1);
    assert!(figure("CursorAge")[0] >= 3_600, "{:?}", figure("CursorAge"));
    assert_eq!(figure("MessagesReturned"), [0]);
    assert!(figure("ShipStationRequests").iter().sum::<u64>() >= 3);
}

/// Orders that the completeness alarm counts: queued long ago, and without an outcome.
#[tokio::test]
async fn n28_orders_without_an_outcome_are_counted() {
    listen();

    let world = World::new(Options::default()).await;
    world.sandbox.upsert_order(plain("1001"));
    world.tick().await.unwrap();
    let unaccounted = || parsed().iter().filter_map(|line| line["OrdersUnaccounted"].as_u64()).collect::<Vec<_>>();
    // The queue is not processed.
    world.clock.advance(SignedDuration::from_hours(1));
    world.tick().await.unwrap();
    world.clock.advance(SignedDuration::from_mins(30));
    world.tick().await.unwrap();
    assert_eq!(unaccounted(), [0, 0, 1]);
    // The run gives the order up, and reports it once.
    world.clock.advance(SignedDuration::from_hours(1));
    world.tick().await.unwrap();
    assert!(unaccounted()[3] >= 1, "{:?}", unaccounted());
    world.drain().await;
    world.clock.advance(SignedDuration::from_hours(1));
    world.tick().await.unwrap();
    assert_eq!(unaccounted()[4..], [0]);
}
