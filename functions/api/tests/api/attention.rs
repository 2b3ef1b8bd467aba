//! Warnings that want attention: counted on the home page, and listed by the same word.

use serde_json::{Value, json};
use stevedore_aws::UnreadableOrder;
use stevedore_domain::ids::OrderId;
use stevedore_domain::reason::Reason;
use stevedore_domain::settings::PickPackShip;
use stevedore_domain::warning::Warning;

use crate::captured::{Shop, capture};
use crate::world::{NOW, World};

impl World {
    async fn warn(&self, order: u64, reason: Reason) {
        let change = |entry: &mut stevedore_domain::log::LogEntry| {
            entry.add_warning(Warning::new(reason, ""));
            true
        };
        self.table.change_log_entry(OrderId(order), change).await.unwrap().unwrap();
    }

    /// The finding with a code: its count and its list.
    async fn finding(&self, code: &str) -> Option<(Value, String)> {
        // Later than any counts hold: these tests write past the API and every operation.
        self.hands.advance_minutes(7);
        let overview = self.get("/v1/overview").await.ok();
        let found = overview["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == code)?;
        assert!(found["message"].as_str().unwrap().ends_with('.'), "{found}");
        Some((found["count"]["count"].clone(), found["list"].as_str().unwrap().to_owned()))
    }

    /// The ids of a list, page by page.
    async fn ids(&self, path: &str, member: &str) -> Vec<Value> {
        let items = self.all(path, 2).await;
        items.iter().map(|item| item[member].clone()).collect()
    }
}

/// Home counts orders that were cancelled, changed or merged after booking, and booked with an adjustment, each with a list of exactly these orders.
#[tokio::test]
async fn warnings_of_orders_are_counted_and_listed() {
    let world = World::new().await;
    for order in 1..=7 {
        capture(&world, order, "booked").await;
    }
    for code in ["cancelled_after_booking", "changed_after_booking", "merged_after_booking", "total_adjusted", "stock_short", "unreadable"]
    {
        assert_eq!(world.finding(code).await, None, "{code}");
    }
    for (order, reason) in [
        (1, Reason::CancelledAfterBooking),
        (2, Reason::CancelledAfterBooking),
        (2, Reason::ChangedAfterBooking),
        (3, Reason::MergedAfterBooking),
        (4, Reason::TotalAdjusted),
        (5, Reason::ServiceLine),
        (6, Reason::CancelledAfterBooking),
    ] {
        world.warn(order, reason).await;
    }
    for (code, orders) in [
        ("cancelled_after_booking", json!([1, 2, 6])),
        ("changed_after_booking", json!([2])),
        ("merged_after_booking", json!([3])),
        ("total_adjusted", json!([4])),
    ] {
        let list = format!("/v1/log?warning={code}");
        assert_eq!(world.finding(code).await, Some((json!(orders.as_array().unwrap().len()), list.clone())), "{code}");
        assert_eq!(json!(world.ids(&list, "order_id").await), orders, "{code}");
    }
    // Said again it is one; a filter may be narrowed; other warnings are no list.
    world.warn(1, Reason::CancelledAfterBooking).await;
    assert_eq!(world.finding("cancelled_after_booking").await.unwrap().0, 3);
    assert_eq!(world.ids("/v1/log?warning=cancelled_after_booking&state=voided", "order_id").await, [0; 0]);
    assert_eq!(world.ids("/v1/log?warning=cancelled_after_booking&order_number=N6", "order_id").await, [6]);
    for path in ["/v1/log?warning=service_line", "/v1/log?warning=x", "/v1/sales?warning=service_line"] {
        assert_eq!(world.get(path).await.code(400), "invalid_query", "{path}");
    }
    // A void sale answers them, and so does the deletion of the entry.
    world.post("/v1/sales/SO-2/void", json!({})).await.ok();
    world.call(api::Grade::Operate, axum::http::Method::DELETE, "/v1/log/6", &[], None).await.ok();
    assert_eq!(world.finding("cancelled_after_booking").await.unwrap().0, 1);
    assert_eq!(world.finding("changed_after_booking").await, None);
    assert_eq!(world.ids("/v1/log?warning=cancelled_after_booking", "order_id").await, [1]);
}

/// N4, N17, S70: taxes that a setting must tell, and orders that are held for a person, have a
/// finding each with a list of exactly these orders.
#[tokio::test]
async fn taxes_and_held_orders_are_counted_and_listed() {
    let world = World::new().await;
    for order in 1..=4 {
        capture(&world, order, if order < 3 { "booked" } else { "blocked" }).await;
    }
    world.warn(1, Reason::TaxNotAdded).await;
    world.warn(2, Reason::TaxRuleWithoutPercent).await;
    for (order, reason) in [(3, Reason::SplitAfterBooking), (4, Reason::PossibleDuplicate)] {
        let hold = |entry: &mut stevedore_domain::log::LogEntry| {
            entry.hold(Warning::new(reason, ""), vec![OrderId(1)], NOW.parse().unwrap(), "op");
            true
        };
        world.table.change_log_entry(OrderId(order), hold).await.unwrap().unwrap();
    }
    for (code, order) in [("tax_not_added", 1), ("tax_rule_without_percent", 2), ("split_after_booking", 3), ("possible_duplicate", 4)] {
        let list = format!("/v1/log?warning={code}");
        assert_eq!(world.finding(code).await, Some((json!(1), list.clone())), "{code}");
        assert_eq!(world.ids(&list, "order_id").await, [order], "{code}");
    }
}

/// S34: short picks are counted and listed as sales until they are picked.
#[tokio::test]
async fn s34_short_picks_are_counted_until_they_are_picked() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    for order in 1..=3 {
        let path = shop.sell(order, PickPackShip::Pick, &[("MUG", 2)]).await;
        let entry = world.get(&format!("/v1/log/{order}")).await.ok();
        assert!(entry["warnings"].to_string().contains("stock_short"), "{path} {entry}");
    }
    assert_eq!(world.finding("stock_short").await, Some((json!(3), "/v1/sales?warning=stock_short".to_owned())));
    assert_eq!(world.ids("/v1/sales?warning=stock_short", "id").await, ["SO-1", "SO-2", "SO-3"]);
    shop.adjust("MUG", 2).await;
    world.post("/v1/sales/SO-2/retry_fulfilment", json!({"to": "pick"})).await.ok();
    world.post("/v1/sales/SO-3/void", json!({})).await.ok();
    assert_eq!(world.finding("stock_short").await.unwrap().0, 1);
    assert_eq!(world.ids("/v1/sales?warning=stock_short", "id").await, ["SO-1"]);
}

/// Orders that could not be read are counted and listed with what is known of them.
#[tokio::test]
async fn unreadable_orders_are_counted_and_listed() {
    let world = World::new().await;
    for order in [7, 5] {
        let unreadable_order = UnreadableOrder {
            position: format!("order#{order}"),
            order_id: Some(OrderId(order)),
            by_creation: false,
            from: None,
            until: None,
            first_seen: NOW.parse().unwrap(),
            attempts: 3,
        };
        world.table.put_unreadable_order(&unreadable_order).await.unwrap();
    }
    assert_eq!(world.finding("unreadable").await, Some((json!(2), "/v1/unreadable-orders".to_owned())));
    assert_eq!(world.ids("/v1/unreadable-orders", "order_id").await, [5, 7]);
    let one = world.get("/v1/unreadable-orders?limit=1").await.ok()["items"][0].clone();
    assert_eq!((&one["position"], &one["attempts"], &one["first_seen"]), (&json!("order#5"), &json!(3), &json!(NOW)));
    world.table.delete_unreadable_order("order#5").await.unwrap();
    assert_eq!(world.finding("unreadable").await.unwrap().0, 1);
}
