//! Two ShipStation accounts, one after the other: their orders, customers and queues stay separate
//! (docs/requirements.md, section 3; P1).

use axum::http::Method;
use serde_json::json;
use stevedore_aws::{Progress, Stored};
use stevedore_domain::ids::{CustomerId, ShipstationAccount, ShipstationCustomerId, StoreId};
use stevedore_domain::log::{LogState, Outcome};
use stevedore_domain::operation::OperationState;
use stevedore_domain::reason::Reason;
use stevedore_sandbox::{Draft, Json};

use crate::bound::Bound;
use crate::flow::{accounted, member, plain, with};
use crate::http::Http;
use crate::raw;
use crate::world::{Options, World, order_id};

const SECOND: ShipstationAccount = ShipstationAccount(2);

pub async fn disconnect(world: &World) {
    let http = Http::of(world, Vec::new());
    http.send(Method::DELETE, "/v1/connection", json!({"confirm": "disconnect"})).await;
    assert!(world.table.connection().await.unwrap().is_none());
}

/// Connects an account whose stores' ids are larger by `stores_from`. Returns the account.
pub async fn connect(world: &World, key: &str, stores_from: i64) -> ShipstationAccount {
    world.sandbox.become_account(key, "secret", stores_from);
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    let http = Http::of(world, Vec::new());
    http.send(Method::POST, "/v1/connection", json!({"api_key": key, "api_secret": "secret"})).await;
    world.table.connection().await.unwrap().unwrap().value.account
}

fn buyer(number: &str) -> Draft {
    plain(number).buyer(Some(501), Some("ann@example.com"))
}

async fn ids(world: &World) -> Vec<String> {
    let mut ids: Vec<_> = world.booked().await.into_iter().map(|sale| sale.id.0).collect();
    ids.sort();
    ids
}

/// P1: an order of another account with the id of an existing order is another order, and its buyer
/// another customer. The first account, connected again, finds its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_orders_and_customers_of_two_accounts_never_meet() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(buyer("1"));
    world.download().await;
    let first = world.sale(order).await;
    assert_eq!(first.customer.id.as_str(), "C-501");

    disconnect(&world).await;
    assert_eq!(connect(&world, "key-of-another", 1_000_000).await, SECOND);
    world.sandbox.edit_order(order, |order| {
        order.set("customerEmail", "bob@example.org");
        member(order, "billTo").set("name", "Bob");
    });
    let operation = world.download_now().await;
    accounted(&world, &operation).await;
    let table = world.table.of_account(SECOND);
    let entry = table.log_entry(order_id(order)).await.unwrap().unwrap().entry;
    assert_eq!((entry.account, entry.sale_id.clone().unwrap().0), (SECOND, format!("SO-2.{order}")));
    let second = world.table.sale(entry.sale_id.as_ref().unwrap()).await.unwrap().unwrap().sale;
    assert_eq!((second.customer.id.as_str(), second.customer.name.as_str()), ("C-2.501", "Bob"));
    assert_eq!(ids(&world).await, [format!("SO-2.{order}"), format!("SO-{order}")]);
    assert_ne!(first.invoice.number, second.invoice.number);
    // The id in a path belongs to the connected account.
    let (shown, _) = Http::of(&world, Vec::new()).get(&format!("/v1/log/{order}")).await;
    assert_eq!(shown["sale_id"], format!("SO-2.{order}"));
    // It can be voided and booked again, like any other.
    world.start_in(SECOND, order).await;
    assert_eq!(table.log_entry(order_id(order)).await.unwrap().unwrap().entry.sale_id.unwrap().0, format!("SO-2.{order}-2"));

    disconnect(&world).await;
    assert_eq!(connect(&world, "a-new-key", 0).await, ShipstationAccount::FIRST);
    world.load_number("1").await;
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.account, entry.sale_id.unwrap(), entry.reason), (ShipstationAccount::FIRST, first.id, Some(Reason::SaleAlreadyLive)));
    assert_eq!(world.booked().await.iter().filter(|sale| sale.voided_at.is_none()).count(), 2);
}

/// P1, S150: an order is identified by its account and id alone. Its number and key may change, and
/// its live sale stays the only one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_an_edited_number_does_not_make_another_order() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(with(&plain("1"), |order| order.set("orderKey", Json::Null)));
    world.download().await;
    let sale = world.sale(order).await;
    world.table.delete_log_entry(order_id(order)).await.unwrap();
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    world.sandbox.edit_order(order, |order| order.set("orderNumber", "another"));
    world.load_number("another").await;
    assert_eq!(world.logged(order).await.unwrap().sale_id, Some(sale.id));
    assert_eq!(world.booked().await.len(), 1);
}

/// An account that is connected again finds the customers of its buyers, also a customer that was
/// found by an address then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_are_tied_to_their_account() {
    let world = World::new(Options::default()).await;
    let first = world.sandbox.upsert_order(plain("1").buyer(None, Some("ann@example.com")));
    world.download().await;
    let linked = world.sandbox.upsert_order(buyer("2"));
    world.next_hour().await;
    let ann = world.sale(first).await.customer.id;
    assert_eq!(world.sale(linked).await.customer.id, ann);
    disconnect(&world).await;
    let wanted = [(Some(ShipstationCustomerId(501)), None)];
    connect(&world, "key-of-another", 1_000_000).await;
    assert!(world.table.of_account(SECOND).customers_for(&wanted, None).await.unwrap()[0].linked.is_none());
    disconnect(&world).await;
    connect(&world, "a-new-key", 0).await;
    let third = world.sandbox.upsert_order(plain("3").buyer(Some(501), None));
    world.download_now().await;
    assert_eq!(world.sale(third).await.customer.id, ann);
    assert_ne!(ann, CustomerId::of_shipstation(ShipstationAccount::FIRST, ShipstationCustomerId(501)));
}

/// A message in a queue belongs to the account that it was read from. With another account
/// connected it is skipped with a row, and its operation ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_queued_of_another_account_is_set_aside() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(buyer("1"));
    let answer = world.tick().await.unwrap();
    let id = stevedore_domain::ids::OperationId(answer["operation_id"].as_str().unwrap().to_owned());
    disconnect(&world).await;
    connect(&world, "key-of-another", 1_000_000).await;
    world.drain().await;
    assert!(world.booked().await.is_empty());
    let operation = world.operation(&id).await;
    assert_eq!((operation.state, operation.counts.of(Outcome::Skipped), operation.counts.total()), (OperationState::Completed, 1, 1));
    // Disconnecting settles the operations that it finds. Others are settled as another account's.
    let reason = world.row(&operation, order).await.reason;
    assert!(matches!(reason, Some(Reason::NotConnected | Reason::OtherAccount)), "{reason:?}");
    assert!(world.table.log_entry(order_id(order)).await.unwrap().is_none());
}

/// A deployment that an earlier release disconnected: the stores in its sales identify its account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_of_an_earlier_release_is_told_by_its_sales() {
    for (stores_from, account) in [(0, ShipstationAccount::FIRST), (1_000_000, SECOND)] {
        let world = World::new(Options::default()).await;
        let order = world.sandbox.upsert_order(plain("1"));
        world.download().await;
        assert!(world.booked().await[0].source.order().unwrap().store_id.is_some());
        let (mut place, mut bound) = (None, Bound::of("a disconnect"));
        while world.table.disconnect_step(&mut place, world.clock.now()).await.unwrap() != Progress::Done {
            bound.turn();
        }
        raw::delete(&world, "CONFIG", "ACCOUNTS").await;
        assert_eq!(connect(&world, "key", stores_from).await, account);
        world.load_number("1").await;
        let live = world.table.of_account(account).log_entry(order_id(order)).await.unwrap().unwrap().entry;
        assert_eq!(live.state, LogState::Booked);
        assert_eq!(world.booked().await.len(), if account == SECOND { 2 } else { 1 });
    }
}

/// A connection of an earlier release belongs to the first account, and its records are read and
/// written unchanged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_earlier_release_wrote_is_the_first_accounts() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(buyer("1"));
    world.download().await;
    let connection = raw::item(&world, "CONFIG", "CONNECTION").await.unwrap();
    assert!(connection.get("account").is_none(), "{connection}");
    assert!(raw::item(&world, &format!("ORDER#{order}"), "LOG").await.is_some());
    assert!(raw::item(&world, "LINK#customer#501", "HEAD").await.is_some());
    let Stored { value: accounts, version } = world.table.accounts().await.unwrap();
    assert_eq!((accounts.known.len(), version, accounts.latest()), (1, 0, Some(ShipstationAccount::FIRST)));
    assert!(accounts.known[0].stores.contains(&StoreId(310_101)), "{accounts:?}");
}

/// P1, S108: an order that is cancelled, or put on hold, while its account is not connected is tied
/// to its live sale when the account is back, which says so; also where the tax mapping is not
/// finished by then, and finishing it books nothing twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_s108_an_order_that_changed_while_its_account_was_away_is_tied_to_its_sale() {
    let world = World::new(Options::default()).await;
    let cancelled = world.sandbox.upsert_order(buyer("1"));
    let held = world.sandbox.upsert_order(plain("2"));
    let plain_one = world.sandbox.upsert_order(plain("3"));
    let void = world.sandbox.upsert_order(plain("4"));
    // Too large for its order's item.
    let large = (0..300).fold(Draft::new("5"), |draft, line| draft.line(&format!("Part number {line}"), 1, crate::world::dec("1.00")));
    let large = world.sandbox.upsert_order(large);
    world.download().await;
    let http = Http::of(&world, Vec::new());
    http.send(Method::POST, &format!("/v1/sales/SO-{void}/void"), json!({})).await;
    let sales = ids(&world).await;
    disconnect(&world).await;
    world.clock.advance(jiff::SignedDuration::from_mins(1));
    for order in [cancelled, void, large] {
        assert!(world.sandbox.cancel(order));
    }
    world.sandbox.edit_order(held, |order| order.set("orderStatus", "on_hold"));
    let rule = world.table.settings().await.unwrap().value.tax.default_rule;
    world
        .settings(|settings| {
            settings.capture_order_when = stevedore_domain::settings::CaptureOrderWhen::NotOnHold;
            settings.tax.default_rule = None;
        })
        .await;
    connect(&world, "a-new-key", 0).await;
    let load = stevedore_domain::operation::OperationKind::LoadOrders { from: "2026-01-01".parse().unwrap() };
    let operation = world.start(load).await;
    let operation = world.operation(&operation.id).await;
    accounted(&world, &operation).await;
    let warned = async |order: i64| {
        let entry = world.logged(order).await.unwrap_or_else(|| panic!("{order} is not in the log"));
        assert_eq!((entry.state, entry.sale_id.clone().unwrap().0), (LogState::Booked, format!("SO-{order}")), "{entry:?}");
        let reasons: Vec<_> = entry.warnings.iter().map(|warning| warning.reason).collect();
        assert!(reasons.contains(&Reason::SaleAlreadyLive), "{entry:?}");
        reasons.contains(&Reason::CancelledAfterBooking)
    };
    assert!(warned(cancelled).await && warned(large).await);
    assert!(!warned(held).await && !warned(plain_one).await);
    let row = world.row(&operation, void).await;
    assert_eq!((row.outcome, row.reason), (Some(Outcome::Cancelled), Some(Reason::CancelledInShipstation)));
    // They are counted on the home page, until they are answered.
    let counted = world.table.counted_attention(10).await.unwrap();
    assert!(counted.iter().any(|(reason, count)| *reason == Reason::CancelledAfterBooking && count.count == 2), "{counted:?}");
    world.settings(|settings| settings.tax.default_rule = rule).await;
    world.next_hour().await;
    world.drain().await;
    assert_eq!(ids(&world).await, sales, "nothing is booked twice");
}

/// P1: an entry that the release before left as skipped beside its live sale is tied to that sale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_an_entry_that_waits_beside_its_live_sale_is_tied_to_it() {
    let world = World::new(Options::default()).await;
    let order = world.sandbox.upsert_order(plain("1"));
    world.download().await;
    let sales = ids(&world).await;
    let now = world.clock.now();
    let skip = |entry: &mut stevedore_domain::log::LogEntry| {
        entry.detach_sale();
        let why = stevedore_domain::warning::Warning::new(Reason::TaxMappingUnfinished, "");
        entry.exclude(LogState::Skipped, why, now, "test")
    };
    // As it is written beside a sale with a head of its own.
    let item = raw::item(&world, &format!("ORDER#{order}"), "LOG").await.unwrap();
    let no_sale = |draft: &mut stevedore_aws::SaleDraft| {
        skip(draft.entry.as_mut().unwrap());
        Ok::<_, ()>(Some(stevedore_aws::SaleEdit::default()))
    };
    let id = world.sale(order).await.id;
    world.table.change_sale(&id, stevedore_domain::stock::Levels::default(), now, no_sale).await.unwrap();
    assert_ne!(raw::item(&world, &format!("ORDER#{order}"), "LOG").await.unwrap(), item);
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.sale_id.as_ref(), entry.past_sales.as_slice()), (LogState::Skipped, None, [id.clone()].as_slice()));
    world.next_hour().await;
    world.drain().await;
    let entry = world.logged(order).await.unwrap();
    assert_eq!((entry.state, entry.sale_id, entry.past_sales.as_slice()), (LogState::Booked, Some(id), [].as_slice()));
    assert_eq!(ids(&world).await, sales);
}
