//! The generator: the same seed gives the same orders, the sums are right, and the shapes of retail
//! are present.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};
use stevedore_sandbox::{Json, Order, Sandbox, SandboxOptions};

use crate::client::{Client, Hands, NOW, options};

fn generated(seed: u64, orders: usize) -> Sandbox {
    Sandbox::generated(SandboxOptions { seed, orders, ..options(&Hands::at(NOW)) })
}

fn amount(of: &Json, name: &str) -> Decimal {
    of.get(name).unwrap().as_decimal().unwrap_or_else(|| panic!("{name} in {of}"))
}

fn parts(order: &Json) -> Decimal {
    let items = order.get("items").unwrap().elements();
    let goods: Decimal = items.iter().map(|item| amount(item, "quantity") * amount(item, "unitPrice")).sum();
    (goods + amount(order, "taxAmount") + amount(order, "shippingAmount")).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn is_split(order: &Json) -> bool {
    order.get("advancedOptions").unwrap().get("mergedOrSplit") == Some(&Json::Bool(true))
}

#[test]
fn the_same_seed_gives_the_same_orders_and_another_seed_others() {
    assert_eq!(generated(3, 120).orders(), generated(3, 120).orders());
    assert_ne!(generated(3, 120).orders(), generated(4, 120).orders());
    assert_eq!(generated(3, 120).orders().len(), 120);
    assert_eq!(generated(3, 120).report().orders, 120);
}

/// The total is the sum of the parts, to the cent, except for split orders and for the few with a
/// discount that was added in ShipStation.
#[test]
fn totals_add_up_exactly() {
    let orders = generated(1, 2000).orders();
    let (mut odd, mut split) = (0, 0);
    for order in &orders {
        let body = order.body();
        if is_split(&body) {
            split += 1;
        } else if parts(&body) != order.total().unwrap() {
            assert_eq!(parts(&body) + Decimal::from(30), order.total().unwrap(), "{}", order.text);
            odd += 1;
        }
        assert!(amount(&body, "orderTotal").normalize().scale() <= 2, "{}", order.text);
    }
    assert!((1..20).contains(&odd), "{odd}");
    assert!((10..80).contains(&split), "{split}");
}

#[test]
fn times_lie_in_the_history_and_do_not_pass_the_start() {
    let start = NOW.parse().unwrap();
    let orders = generated(1, 1000).orders();
    let recent = orders.iter().filter(|order| order.modified.duration_since(start).as_hours() > -1).count();
    assert!(recent > 250, "{recent}");
    for order in &orders {
        assert!(order.created <= order.modified && order.modified < start);
        assert!(order.created.duration_since(start).as_hours() >= -72);
    }
}

fn share(orders: &[Json], what: impl Fn(&Json) -> bool) -> usize {
    orders.iter().filter(|order| what(order)).count()
}

fn any_item(order: &Json, what: impl Fn(&Json) -> bool) -> bool {
    order.get("items").unwrap().elements().iter().any(what)
}

#[test]
fn the_shapes_of_retail_are_there() {
    let orders: Vec<Json> = generated(1, 2000).orders().iter().map(Order::body).collect();
    let mut sizes: Vec<usize> = orders.iter().map(|order| order.get("items").unwrap().elements().len()).collect();
    sizes.sort_unstable();
    assert!((3..=6).contains(&sizes[1000]), "median {}", sizes[1000]);
    assert!(sizes[1960] > 25 && *sizes.last().unwrap() > 1000, "{:?}", &sizes[1960..]);
    assert!(sizes.iter().filter(|size| **size > 1000).count() < 10);

    let text = |item: &Json, name: &str| item.get(name).and_then(Json::as_text).map(str::to_owned);
    let price = |item: &Json| amount(item, "unitPrice");
    let twice = |order: &Json| {
        let skus: Vec<_> =
            order.get("items").unwrap().elements().iter().filter_map(|item| text(item, "sku").filter(|sku| !sku.is_empty())).collect();
        skus.iter().collect::<BTreeSet<_>>().len() < skus.len()
    };
    let least = |name: &str, wanted: usize, found: usize| assert!(found >= wanted, "{name}: {found}");
    least("a SKU twice", 50, share(&orders, twice));
    least(
        "lower case",
        20,
        share(&orders, |order| {
            any_item(order, |item| text(item, "sku").is_some_and(|sku| sku.to_uppercase() != sku && sku.contains("-1")))
        }),
    );
    least("blank after", 10, share(&orders, |order| any_item(order, |item| text(item, "sku").is_some_and(|sku| sku.ends_with(' ')))));
    least("no name", 10, share(&orders, |order| any_item(order, |item| text(item, "name").as_deref() == Some(""))));
    least("free", 50, share(&orders, |order| any_item(order, |item| price(item).is_zero())));
    least("sub-cent", 10, share(&orders, |order| any_item(order, |item| price(item) == Decimal::new(1, 3))));
    least("four decimals", 50, share(&orders, |order| any_item(order, |item| price(item).normalize().scale() == 4)));
    least("quantity 0", 20, share(&orders, |order| any_item(order, |item| amount(item, "quantity").is_zero())));
    least("service code", 20, share(&orders, |order| any_item(order, |item| text(item, "sku").as_deref() == Some("POST"))));
    least("options", 100, share(&orders, |order| any_item(order, |item| !item.get("options").unwrap().elements().is_empty())));
    least("item taxes", 50, share(&orders, |order| any_item(order, |item| item.get("taxAmount") != Some(&Json::Null))));
    least(
        "ids beyond floats",
        3,
        share(&orders, |order| any_item(order, |item| item.get("orderItemId").unwrap().as_int().unwrap() > 1 << 53)),
    );
    let adjustment = |order: &Json, sign: bool| {
        any_item(order, |item| item.get("adjustment") == Some(&Json::Bool(true)) && (price(item) < Decimal::ZERO) == sign)
    };
    least("discounts", 100, share(&orders, |order| adjustment(order, true)));
    least("charges", 30, share(&orders, |order| adjustment(order, false)));
    least("shipping", 500, share(&orders, |order| !amount(order, "shippingAmount").is_zero()));
    least("tax", 500, share(&orders, |order| !amount(order, "taxAmount").is_zero()));
    least("nobody", 30, share(&orders, |order| order.get("customerId") == Some(&Json::Null)));
    least("no e-mail", 20, share(&orders, |order| order.get("customerEmail") == Some(&Json::Null)));
    least("gift", 50, share(&orders, |order| order.get("gift") == Some(&Json::Bool(true))));
    least("tags", 100, share(&orders, |order| order.get("tagIds") != Some(&Json::Null)));
    least("marketplace stock", 20, share(&orders, |order| order.get("externallyFulfilled") == Some(&Json::Bool(true))));
    let country = |order: &Json| order.get("shipTo").unwrap().get("country").and_then(Json::as_text).map(str::to_owned);
    least("abroad", 20, share(&orders, |order| country(order).is_some_and(|country| country != "US")));
    least("exponents", 20, share(&orders, |order| any_item(order, |item| item.get("unitPrice").unwrap().to_string().contains('E'))));
    least("trailing zeros", 20, share(&orders, |order| order.get("orderTotal").unwrap().to_string().ends_with('0')));

    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    for order in &orders {
        *statuses.entry(order.get("orderStatus").unwrap().as_text().unwrap().to_owned()).or_default() += 1;
    }
    let expected = [
        "awaiting_payment",
        "awaiting_shipment",
        "cancelled",
        "on_hold",
        "pending_fulfillment",
        "processing",
        "rejected_fulfillment",
        "shipped",
    ];
    assert_eq!(statuses.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    let of_advanced = |name: &'static str| {
        orders.iter().map(|order| order.get("advancedOptions").unwrap().get(name).unwrap().to_string()).collect::<BTreeSet<_>>()
    };
    assert_eq!(of_advanced("storeId").len(), 5);
    assert_eq!(of_advanced("warehouseId").len(), 5, "four and none");
}

#[test]
fn orders_for_measuring_are_uniform() {
    let hands = Hands::at(NOW);
    let options = SandboxOptions { orders: 300, lines_per_order: Some(2), only_status: Some("shipped".to_owned()), ..options(&hands) };
    for order in Sandbox::generated(options).orders() {
        let body = order.body();
        let goods = body.get("items").unwrap().elements().iter().filter(|item| item.get("adjustment") == Some(&Json::Bool(false))).count();
        assert_eq!((goods, order.status.as_str()), (2, "shipped"));
        assert_eq!(parts(&body), order.total().unwrap());
    }
}

#[test]
fn orders_arrive_as_the_clock_goes_and_always_the_same() {
    let run = |steps: &[i64]| {
        let hands = Hands::at(NOW);
        let sandbox = Sandbox::generated(SandboxOptions { arrivals_per_hour: 60, orders: 50, ..options(&hands) });
        let before = sandbox.orders();
        for step in steps {
            hands.advance(*step);
            sandbox.orders();
        }
        (before, sandbox.orders())
    };
    let (before, after) = run(&[3600 * 5]);
    assert_eq!((before.clone(), after.clone()), run(&[3600, 3600, 60, 3540, 7200]), "how often one looks changes nothing");
    let known: BTreeSet<i64> = before.iter().map(|order| order.id).collect();
    let start = NOW.parse().unwrap();
    let new = after.iter().filter(|order| !known.contains(&order.id)).count();
    let edited = after.iter().filter(|order| known.contains(&order.id) && order.modified > start).count();
    assert!(new > 100 && edited > 5, "{new} new, {edited} edited");
    assert!(after.iter().all(|order| order.modified.duration_since(start).as_secs() <= 3600 * 5));
    for order in after.iter().filter(|order| !is_split(&order.body())) {
        let body = order.body();
        let difference = order.total().unwrap() - parts(&body);
        assert!(difference.is_zero() || difference == Decimal::from(30), "{}", order.text);
    }
}

#[test]
fn a_long_silence_is_cut_short() {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::generated(SandboxOptions { arrivals_per_hour: 3600, orders: 1, lines_per_order: Some(1), ..options(&hands) });
    hands.advance(3600 * 24 * 30);
    let orders = sandbox.orders();
    assert!(orders.len() > 500 && orders.len() <= 2_001, "{}", orders.len());
    let newest = orders.iter().map(|order| order.modified).max().unwrap();
    assert_eq!(newest, (hands.clock())());
}

#[tokio::test]
async fn arrivals_are_seen_over_http() {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::generated(SandboxOptions { arrivals_per_hour: 30, ..options(&hands) });
    let client = Client::of(&sandbox).await;
    let since = "/orders?modifyDateStart=2026-03-04 10:00:05";
    assert_eq!(client.get(since).await.int("total"), 0);
    hands.advance(3600);
    assert!(client.get(since).await.int("total") > 20);
    let ids = sandbox.arrive(2);
    assert_eq!(ids.len(), 2);
    assert_eq!(sandbox.order(ids[1]).unwrap().created, (hands.clock())());
}
