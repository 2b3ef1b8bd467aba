//! The rules of ShipStation's HTTP interface, one by one.

use jiff::Timestamp;
use rust_decimal::Decimal;
use stevedore_sandbox::{DEFAULT_WAREHOUSE, Draft, Json, MARKETPLACE, Sandbox, SandboxOptions, WEB_SHOP};

use crate::client::{Client, Hands, NOW, options};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn draft(number: &str) -> Draft {
    Draft::new(number).line("LMP-1001", 2, Decimal::new(1999, 2))
}

/// Orders 1 to `count`, created a minute apart and modified in the opposite order.
fn numbered(sandbox: &Sandbox, count: i64) {
    for id in 1..=count {
        let created = at("2026-03-01T00:00:00Z") + jiff::SignedDuration::from_mins(id);
        let modified = at("2026-03-03T00:00:00Z") - jiff::SignedDuration::from_mins(id);
        sandbox.upsert_order_at(draft(&format!("N{id}")).id(id), created, modified);
    }
}

fn empty() -> (Hands, Sandbox) {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::from_orders(options(&hands), Vec::<Json>::new());
    (hands, sandbox)
}

#[tokio::test]
async fn only_the_right_key_and_secret_get_in() {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::from_orders(SandboxOptions::new(hands.clock()), [draft("1")]);
    let client = Client::of(&sandbox).await;
    for credentials in ["sandbox-key:wrong", "wrong:sandbox-secret", ":", "sandbox-key"] {
        let reply = client.get_as(credentials, "/orders").await;
        assert_eq!(reply.status, 401, "{credentials}");
        assert!(reply.json().get("Message").is_some());
    }
    let reply = client.get_anonymously("/orders").await;
    assert_eq!(reply.status, 401);
    // Refused calls use no quota, and state the limit as well.
    assert_eq!(reply.number("X-Rate-Limit-Remaining"), 40);
    assert_eq!(client.get("/orders").await.status, 200);
}

#[tokio::test]
async fn pages_have_the_envelope_and_ids_ascend_by_default() {
    let (_, sandbox) = empty();
    numbered(&sandbox, 250);
    let client = Client::of(&sandbox).await;
    let first = client.get("/orders").await;
    assert_eq!(first.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(first.ids(), (1..=100).collect::<Vec<_>>());
    assert_eq!((first.int("total"), first.int("page"), first.int("pages")), (250, 1, 3));
    let third = client.get("/orders?page=3").await;
    assert_eq!(third.ids(), (201..=250).collect::<Vec<_>>());
    let beyond = client.get("/orders?page=4").await;
    assert_eq!((beyond.ids().len(), beyond.int("total"), beyond.int("page")), (0, 250, 4));
    assert_eq!(client.get("/orders?pageSize=7&page=2").await.ids(), (8..=14).collect::<Vec<_>>());
    let (_, crowd) = empty();
    numbered(&crowd, 501);
    let client = Client::of(&crowd).await;
    let most = client.get("/orders?pageSize=1000").await;
    assert_eq!((most.ids().len(), most.int("pages")), (500, 2));
}

#[tokio::test]
async fn orders_sort_by_each_date_in_both_directions_and_ties_by_id() {
    let (_, sandbox) = empty();
    numbered(&sandbox, 3);
    let client = Client::of(&sandbox).await;
    assert_eq!(client.get("/orders?sortBy=ModifyDate&sortDir=ASC").await.ids(), [3, 2, 1]);
    assert_eq!(client.get("/orders?sortBy=ModifyDate&sortDir=DESC").await.ids(), [1, 2, 3]);
    assert_eq!(client.get("/orders?sortBy=CreateDate").await.ids(), [1, 2, 3]);
    assert_eq!(client.get("/orders?sortby=createdate&SORTDIR=desc").await.ids(), [3, 2, 1]);
    let same = at("2026-03-03T10:00:00Z");
    for id in [3, 1, 2] {
        sandbox.upsert_order_at(draft("tie").id(id), same, same);
    }
    assert_eq!(client.get("/orders?sortBy=ModifyDate").await.ids(), [1, 2, 3]);
}

#[tokio::test]
async fn times_are_pacific_without_an_offset() {
    let (_, sandbox) = empty();
    let created = at("2026-01-24T01:12:33.66Z");
    sandbox.upsert_order_at(draft("1").id(9).status("shipped"), created, at("2026-07-01T00:00:00Z"));
    let client = Client::of(&sandbox).await;
    let body = client.get("/orders/9").await.json();
    assert_eq!(body.get("createDate").unwrap().as_text(), Some("2026-01-23T17:12:33.6600000"));
    assert_eq!(body.get("modifyDate").unwrap().as_text(), Some("2026-06-30T17:00:00.0000000"));
    let store = client.get("/stores").await.json();
    assert_eq!(store.elements()[0].get("createDate").unwrap().as_text(), Some("2022-03-14T09:26:53.59"));
    let warehouse = client.get("/warehouses").await.json();
    assert_eq!(warehouse.elements()[0].get("createDate").unwrap().as_text(), Some("2022-03-14T09:26:53.5900000"));
}

#[tokio::test]
async fn date_filters_take_every_form() {
    let (_, sandbox) = empty();
    // 08:00, 09:00 and 10:00 in the Pacific zone.
    for (id, hour) in [(1, 16), (2, 17), (3, 18)] {
        let when = at(&format!("2026-02-10T{hour}:00:00Z"));
        sandbox.upsert_order_at(draft("1").id(id), when, when);
    }
    let client = Client::of(&sandbox).await;
    for start in [
        "2026-02-10 09:00:00",
        "2026-02-10T09:00:00",
        "2026-02-10T09:00:00.0000000",
        "2026-02-10T17:00:00Z",
        "2026-02-10T17:00:00-00:00",
        "2026-02-10T19:00:00%2B02:00",
    ] {
        assert_eq!(client.get(&format!("/orders?modifyDateStart={start}")).await.ids(), [2, 3], "{start}");
        assert_eq!(client.get(&format!("/orders?createDateStart={start}")).await.ids(), [2, 3], "{start}");
        assert_eq!(client.get(&format!("/orders?modifyDateEnd={start}")).await.ids(), [1, 2], "{start}");
        assert_eq!(client.get(&format!("/orders?createDateEnd={start}")).await.ids(), [1, 2], "{start}");
    }
    assert_eq!(client.get("/orders?modifyDateStart=2026-02-10").await.ids(), [1, 2, 3]);
    assert_eq!(client.get("/orders?modifyDateStart=2026-02-11").await.int("total"), 0);
    assert_eq!(client.get("/orders?modifyDateStart=2026-02-10+08:30:00&modifyDateEnd=2026-02-10+09:30:00").await.ids(), [2]);
    // A blank parameter counts as absent.
    assert_eq!(client.get("/orders?modifyDateStart=&orderStatus=").await.ids(), [1, 2, 3]);
}

#[tokio::test]
async fn the_start_of_modify_date_is_inclusive_or_not_and_of_order_date_never() {
    let hands = Hands::at(NOW);
    for (inclusive, expected) in [(true, vec![1, 2]), (false, vec![2])] {
        let options = SandboxOptions { modify_start_inclusive: inclusive, ..options(&hands) };
        let text = |id: i64, when: &str| -> Json {
            format!(r#"{{"orderId":{id},"orderNumber":"X","orderDate":"{when}","paymentDate":"{when}","createDate":"{when}","modifyDate":"{when}","items":[]}}"#)
                .parse()
                .unwrap()
        };
        let sandbox = Sandbox::from_orders(options, [text(1, "2026-02-10T09:00:00.1230000"), text(2, "2026-02-10T09:00:00.1240000")]);
        let client = Client::of(&sandbox).await;
        assert_eq!(client.get("/orders?modifyDateStart=2026-02-10T09:00:00.123").await.ids(), expected);
        assert_eq!(client.get("/orders?modifyDateStart=2026-02-10T09:00:00.124").await.int("total"), i64::from(inclusive));
        assert_eq!(client.get("/orders?orderDateStart=2026-02-10T09:00:00.123").await.ids(), [2]);
        assert_eq!(client.get("/orders?orderDateEnd=2026-02-10T09:00:00.123").await.ids(), [1]);
        assert_eq!(client.get("/orders?paymentDateStart=2026-02-10T09:00:00.123").await.ids(), [1, 2]);
        assert_eq!(client.get("/orders?paymentDateEnd=2026-02-10T09:00:00.123").await.ids(), [1]);
    }
}

#[tokio::test]
async fn other_filters_search_numbers_statuses_stores_names_and_items() {
    let (_, sandbox) = empty();
    sandbox.upsert_order(draft("100").id(1).from_store(WEB_SHOP, Some(DEFAULT_WAREHOUSE)));
    sandbox.upsert_order(draft("1001").id(2).status("on_hold").from_store(MARKETPLACE, None));
    sandbox.upsert_order(Draft::new("2001").id(3).line("MUG-7", 1, Decimal::ONE));
    sandbox.edit_order(3, |order| order.get_mut("shipTo").unwrap().set("name", "Tamsin Yarrow"));
    let client = Client::of(&sandbox).await;
    assert_eq!(client.get("/orders?orderNumber=100").await.ids(), [1, 2]);
    assert_eq!(client.get("/orders?orderNumber=1001").await.ids(), [2]);
    assert_eq!(client.get("/orders?orderStatus=on_hold").await.ids(), [2]);
    assert_eq!(client.get(&format!("/orders?storeId={MARKETPLACE}")).await.ids(), [2]);
    assert_eq!(client.get("/orders?customerName=yarrow").await.ids(), [3]);
    assert_eq!(client.get("/orders?itemKeyword=mug-7").await.ids(), [3]);
    assert_eq!(client.get("/orders?itemKeyword=article").await.ids(), [1, 2, 3]);
    assert_eq!(client.get("/orders?orderNumber=100&orderStatus=awaiting_shipment").await.ids(), [1]);
}

#[tokio::test]
async fn numbers_are_sent_with_the_digits_they_were_given() {
    let (_, sandbox) = empty();
    let text = r#"{"orderId":9007199254740993,"orderNumber":"E","items":[{"orderItemId":9007199254740995,"quantity":1,"unitPrice":16.990}],"orderTotal":1.2E2,"amountPaid":120,"taxAmount":0.0,"new":{"a":[null,true]}}"#;
    let id = sandbox.upsert_order(text.parse::<Json>().unwrap());
    assert_eq!(id, 9_007_199_254_740_993);
    let client = Client::of(&sandbox).await;
    let body = client.get("/orders/9007199254740993").await.body;
    for part in [
        "\"orderId\":9007199254740993",
        "\"orderItemId\":9007199254740995",
        "\"unitPrice\":16.990",
        "\"orderTotal\":1.2E2",
        "\"new\":{\"a\":[null,true]}",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(client.get("/orders").await.body.contains(&body));
}

#[tokio::test]
async fn the_limit_counts_in_fixed_minutes() {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::from_orders(SandboxOptions::new(hands.clock()), [draft("1")]);
    let client = Client::of(&sandbox).await;
    for used in 0..40 {
        let reply = client.get("/stores").await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.number("X-Rate-Limit-Limit"), 40);
        assert_eq!(reply.number("X-Rate-Limit-Remaining"), 40 - used);
        assert_eq!(reply.number("X-Rate-Limit-Reset"), 55);
    }
    let over = client.get("/orders").await;
    assert_eq!((over.status, over.number("X-Rate-Limit-Remaining")), (429, 0));
    assert_eq!(over.body, r#"{"message": "Too Many Requests"}"#);
    hands.advance(54);
    assert_eq!(client.get("/orders").await.number("X-Rate-Limit-Reset"), 1);
    hands.advance(1);
    let next = client.get("/orders").await;
    assert_eq!((next.status, next.number("X-Rate-Limit-Remaining"), next.number("X-Rate-Limit-Reset")), (200, 40, 60));
    // Another program with the same key.
    sandbox.use_up_limit(39);
    assert_eq!(client.get("/orders").await.status, 429);
}

#[tokio::test]
async fn a_single_order_is_bare_and_an_unknown_one_is_404() {
    let (_, sandbox) = empty();
    let survivor = sandbox.upsert_order(draft("A"));
    let gone = sandbox.upsert_order(draft("B"));
    let client = Client::of(&sandbox).await;
    let reply = client.get(&format!("/orders/{survivor}")).await;
    assert_eq!((reply.status, reply.int("orderId")), (200, survivor));
    assert!(reply.json().get("orders").is_none());
    assert_eq!(client.get("/orders/1").await.status, 404);
    assert_eq!(client.get("/orders/abc").await.status, 404);

    assert!(sandbox.merge(survivor, gone));
    assert_eq!(client.get(&format!("/orders/{gone}")).await.status, 404);
    assert_eq!(client.get("/orders?orderNumber=B").await.int("total"), 0);
    let merged = client.get(&format!("/orders/{survivor}")).await.json();
    let advanced = merged.get("advancedOptions").unwrap();
    assert_eq!(advanced.get("mergedIds").unwrap().to_string(), format!("[{gone}]"));
    assert_eq!(advanced.get("mergedOrSplit"), Some(&Json::Bool(true)));
    assert_eq!(merged.get("items").unwrap().elements().len(), 2);
    assert_eq!(merged.get("orderTotal").unwrap().to_string(), "79.96");
    assert!(!sandbox.merge(survivor, survivor));
}

#[tokio::test]
async fn a_split_shares_number_and_key_and_does_not_split_totals() {
    let (hands, sandbox) = empty();
    let parent = sandbox.upsert_order(draft("S").line("MUG-1", 1, Decimal::from(3)).shipping(Decimal::from(5)));
    hands.advance(30);
    let child = sandbox.split(parent).unwrap();
    let (parent, child) = (sandbox.order(parent).unwrap(), sandbox.order(child).unwrap());
    assert_eq!(parent.modified, at(NOW) + jiff::SignedDuration::from_secs(30));
    let (p, c) = (parent.body(), child.body());
    assert_eq!((p.get("orderNumber"), p.get("orderKey")), (c.get("orderNumber"), c.get("orderKey")));
    assert_eq!((p.get("items").unwrap().elements().len(), c.get("items").unwrap().elements().len()), (1, 1));
    assert_eq!((parent.total(), child.total()), (Some(Decimal::new(4798, 2)), Some(Decimal::ZERO)));
    assert_eq!(p.get("advancedOptions").unwrap().get("mergedIds").unwrap().to_string(), format!("[{}]", child.id));
    assert_eq!(c.get("advancedOptions").unwrap().get("parentId").unwrap().as_int(), Some(parent.id));
    assert_eq!(sandbox.split(child.id), None);
}

#[tokio::test]
async fn edits_move_modify_date_and_nothing_else() {
    let (hands, sandbox) = empty();
    let id = sandbox.upsert_order(draft("E"));
    let before = sandbox.order(id).unwrap();
    hands.advance(90);
    assert!(sandbox.cancel(id));
    let after = sandbox.order(id).unwrap();
    assert_eq!((after.created, after.status.as_str()), (before.created, "cancelled"));
    assert_eq!(after.modified, before.modified + jiff::SignedDuration::from_secs(90));
    assert_eq!(after.body().get("createDate"), before.body().get("createDate"));
    assert!(sandbox.remove(id));
    assert!(!sandbox.cancel(id));
}

#[tokio::test]
async fn reference_routes_have_their_shapes() {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::generated(options(&hands));
    let client = Client::of(&sandbox).await;
    assert_eq!(client.get("/stores").await.json().elements().len(), 5);
    assert_eq!(client.get("/warehouses").await.json().elements().len(), 4);
    assert_eq!(client.get("/accounts/listtags").await.json().elements().len(), 4);
    let products = client.get("/products?pageSize=50&page=2").await;
    assert_eq!((products.int("total"), products.int("page"), products.int("pages")), (216, 2, 0));
    let products = products.json();
    let product = &products.get("products").unwrap().elements()[0];
    let (id, sku) = (product.get("productId").unwrap().as_int().unwrap(), product.get("sku").unwrap().as_text().unwrap());
    assert_eq!(client.get(&format!("/products/{id}")).await.json(), *product);
    assert_eq!(client.get(&format!("/products?sku={}", sku.to_lowercase())).await.int("total"), 1);
    assert_eq!(client.get("/products?name=coastal").await.int("total"), 12);
    assert_eq!(client.get("/products?sortBy=SKU&sortDir=DESC&pageSize=1").await.json().get("products").unwrap().elements().len(), 1);
    assert_eq!(client.get("/products/1").await.status, 404);
    let customers = client.get("/customers?countryCode=US").await;
    assert!(customers.int("total") > 50);
    let customers = customers.json();
    let customer = &customers.get("customers").unwrap().elements()[0];
    let id = customer.get("customerId").unwrap().as_int().unwrap();
    assert_eq!(client.get(&format!("/customers/{id}")).await.json(), *customer);
    assert_eq!(client.get("/customers/1").await.status, 404);
}

#[tokio::test]
async fn bad_requests_get_asp_net_errors() {
    let (_, sandbox) = empty();
    let client = Client::of(&sandbox).await;
    for (query, field) in [
        ("page=0", "page"),
        ("page=x", "page"),
        ("pageSize=-1", "pageSize"),
        ("modifyDateStart=yesterday", "modifyDateStart"),
        ("sortBy=Total", "sortBy"),
        ("sortDir=UP", "sortDir"),
        ("storeId=main", "storeId"),
    ] {
        let reply = client.get(&format!("/orders?{query}")).await;
        assert_eq!(reply.status, 400, "{query}");
        let body = reply.json();
        assert_eq!(body.get("Message").unwrap().as_text(), Some("The request is invalid."));
        assert!(body.get("ModelState").unwrap().get(field).is_some(), "{query}");
    }
    assert_eq!(client.get("/nothing").await.status, 404);
    assert_eq!(client.send("POST", "/orders", "{}").await.unwrap().status, 405);
}

#[tokio::test]
async fn requests_are_logged_and_control_routes_are_free() {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::from_orders(SandboxOptions::new(hands.clock()), [draft("1")]);
    let client = Client::of(&sandbox).await;
    client.get("/orders?page=1&orderNumber=a%20b").await;
    client.get("/stores").await;
    let log = client.get_anonymously("/_sandbox/requests").await.json();
    assert_eq!(log.elements().len(), 2);
    assert_eq!(log.elements()[0].get("query").unwrap().as_text(), Some("page=1&orderNumber=a%20b"));
    assert_eq!(log.elements()[0].get("status").unwrap().as_int(), Some(200));
    assert_eq!((sandbox.requests_to("/orders"), sandbox.requests_to("/stores")), (1, 1));
    assert_eq!(client.get("/stores").await.number("X-Rate-Limit-Remaining"), 38);
    let arrived = client.send("POST", "/_sandbox/arrivals", r#"{"count":3}"#).await.unwrap().json();
    assert_eq!(arrived.elements().len(), 3);
    assert_eq!(client.get("/orders").await.int("total"), 4);
    assert_eq!(client.send("POST", "/_sandbox/arrivals", r#"{"counts":3}"#).await.unwrap().status, 400);
    assert_eq!(client.get("/_sandbox/report").await.int("orders"), 1);
    assert_eq!(client.send("DELETE", "/_sandbox/requests", "").await.unwrap().status, 204);
    assert_eq!(sandbox.requests(), []);
}
