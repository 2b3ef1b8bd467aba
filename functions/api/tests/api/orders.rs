//! Pending orders, the log, sales and accounting syncs.

use serde_json::{Value, json};
use stevedore_aws::messages::Command;
use stevedore_domain::digest::Digest;
use stevedore_domain::ids::OrderId;
use stevedore_domain::money::Minor;
use stevedore_domain::operation::OperationKind;
use stevedore_domain::reason::Reason;
use stevedore_domain::sale::{DaySource, Sale, SaleKind, Source};

use crate::captured::{book, capture, sale};
use crate::world::{NOW, World};

fn ids(items: &[Value]) -> Vec<u64> {
    items.iter().map(|item| item["order_id"].as_u64().unwrap()).collect()
}

/// S119–S122, S147: the sale with its lines, charges, payment and addresses; amounts in the currency's own digits.
#[tokio::test]
async fn s119_a_sale_is_shown_with_exact_amounts() {
    let world = World::new().await;
    capture(&world, 9_007_199_254_740_993, "booked").await;
    let shown = world.get("/v1/sales/SO-9007199254740993").await.ok();
    let address = json!({"name": null, "company": null, "street1": null, "street2": null, "street3": null, "city": null, "state": null,
        "postal_code": null, "country": null, "phone": null});
    let mut ship_to = address.clone();
    ship_to["city"] = json!("Reno");
    let line = |line_no: u32, comment: &str, display: &str| {
        json!({"line_no": line_no, "product_id": null, "service": true, "sku": "85123A", "name": "Heart", "comment": comment,
            "comment_display": display, "quantity": 3, "unit_price": "0.8504", "tax_included": false, "total": "2.55", "tax": "0.20", "tax_rule": "TAX-1",
            "tax_rule_name": "California", "tax_allocation": [{"component": "State", "amount": "0.17"}, {"component": "County", "amount": "0.03"}],
            "account": null, "location_id": "LOC-1"})
    };
    let (long, cut) = ("x".repeat(300), format!("{}…", "x".repeat(255)));
    let stage = json!({"status": "not_available", "at": null, "lines": []});
    let expected = json!({
        "id": "SO-9007199254740993", "number": "N9007199254740993", "status": "authorised", "kind": "order",
        "source": {"order_id": 9_007_199_254_740_993_u64, "order_number": "N9007199254740993", "order_key": "key", "store_id": 7, "store_name": null},
        "customer": {"id": "C-9007199254740993", "name": "Ann", "email": null},
        "bill_to": address, "ship_to": ship_to, "sales_representative": null, "location_id": "LOC-1", "location_reason": "default location",
        "price_tier": 1, "currency": "USD", "lines": [line(1, "Colour: Red", "Colour: Red"), line(2, &long, &cut)],
        "charges": [{"name": "Shipping", "comment": null, "amount": "5.00", "tax": "0.00", "account": null}],
        "discounts": [{"name": "Spring", "amount": "0.50"}],
        "subtotal": "5.10", "tax": "0.40", "total": "10.00", "withheld_tax": null,
        "invoice": {"status": "authorised", "number": "INV-9007199254740993", "order_date": "2026-01-30",
            "payments": [{"amount": "10.00", "account": "ACC-1", "method": "PayPal", "date": null, "id": null, "by": null}], "voided_payments": []},
        "pick": stage, "pack": stage, "ship": stage, "assemblies": [], "purchases": [], "credit_notes": [], "restocks": [], "movements": [],
        "warnings": [{"code": "service_line", "message": Reason::ServiceLine.advice()}],
        "difference_to_shipstation": "0.00", "adjustments": [],
        "order_date": "2026-01-30", "created_at": "2026-01-31T21:38:13.123Z", "voided_at": null,
        "booked_revision": {"modified_at": NOW, "digest": Digest::of_bytes(&9_007_199_254_740_993_u64.to_le_bytes()).to_string()},
    });
    assert_eq!(shown, expected);
    assert_eq!(world.get("/v1/sales").await.items(), [expected]);
    let orders = world.get("/v1/sales/SO-9007199254740993/orders").await;
    let order = json!({"order_id": 9_007_199_254_740_993_u64, "order_number": "N9007199254740993", "store_id": 7, "order_total": "10.00", "sale_total": "10.00",
    "linked": true, "lines": [
        {"sku": "85123A", "name": "Heart", "quantity": 3, "comment": "Colour: Red"}, {"sku": "85123A", "name": "Heart", "quantity": 3, "comment": long},
    ]});
    assert_eq!(orders.items(), [order]);
    for path in ["/v1/sales/SO-1", "/v1/sales/SO-1/orders", "/v1/sales/%FF", "/v1/sales/a%2Fb"] {
        assert_eq!(world.get(path).await.code(404), "not_found", "{path}");
    }
    assert_eq!(world.get(&format!("/v1/sales/{}", "x".repeat(3_000))).await.code(404), "not_found");
}

/// S145, S148: the log entry, and how it is found.
#[tokio::test]
async fn s145_the_log_is_listed_and_filtered() {
    let world = World::new().await;
    for order in 1..=12 {
        let state = match order % 4 {
            0 => "pending",
            1 => "blocked",
            _ => "booked",
        };
        capture(&world, order, state).await;
    }
    let entry = world.get("/v1/log/1").await.ok();
    let expected = json!({
        "order_id": 1, "order_number": "N1", "store_id": 7, "state": "blocked", "reason": "no_customer", "message": Reason::NoCustomer.advice(),
        "sale_id": null, "booked_revision": null, "revisions": [{"modified_at": NOW, "digest": Digest::of_bytes(&1_u64.to_le_bytes()).to_string()}],
        "order_total": "10.00", "sale_total": null, "currency": "USD", "warnings": [],
        "timeline": [{"at": NOW, "what": "captured", "by": "op"}], "captured_at": "2026-01-31T10:15:01.123Z", "captured_by": "op",
    });
    assert_eq!(entry, expected);
    assert_eq!(ids(&world.all("/v1/log", 5).await), (1..=12).rev().collect::<Vec<u64>>());
    assert_eq!(ids(&world.all("/v1/log?state=pending", 2).await), [4, 8, 12]);
    assert_eq!(ids(&world.all("/v1/log?state=booked", 4).await), [11, 10, 7, 6, 3, 2]);
    assert_eq!(ids(&world.all("/v1/log?state=skipped", 4).await), [] as [u64; 0]);
    assert_eq!(ids(&world.all("/v1/log?order_number=N2", 1).await), [12, 2]);
    assert_eq!(ids(&world.all("/v1/log?order_number=N2&state=booked", 1).await), [2]);
    assert_eq!(ids(&world.all("/v1/log?order_number=N", 5).await), [] as [u64; 0]);
    assert_eq!(ids(&world.all("/v1/log?order_number=", 5).await), [] as [u64; 0]);
    let window = "from=2026-01-31T10:15:03Z&to=2026-01-31T10:15:06.123Z";
    assert_eq!(ids(&world.all(&format!("/v1/log?{window}"), 2).await), [5, 4, 3]);
    assert_eq!(ids(&world.all("/v1/log?from=2026-01-31&to=2026-01-31", 20).await).len(), 12);
    assert_eq!(ids(&world.all("/v1/log?from=2026-02-01", 20).await).len(), 0);
    assert_eq!(ids(&world.all("/v1/log?to=2026-01-30", 20).await).len(), 0);
    for (query, pointer) in [
        ("state=lost", "/state"),
        ("from=soon", "/from"),
        ("from=2026-01-02&to=2025-01-01", "/to"),
        ("sate=pending", "/sate"),
        ("limit=0", "/limit"),
        ("limit=201", "/limit"),
        ("limit=x", "/limit"),
        ("limit=5&limit=6", "/limit"),
    ] {
        let reply = world.get(&format!("/v1/log?{query}")).await;
        assert_eq!(reply.code(400), "invalid_query");
        assert_eq!(reply.faults()[0].0, pointer);
    }
    for path in ["/v1/log/99", "/v1/log/x", "/v1/log/-1", "/v1/log/+1", "/v1/log/99999999999999999999"] {
        assert_eq!(world.get(path).await.code(404), "not_found", "{path}");
    }
}

/// An order that is being taken into a day's sale names none yet: that sale answers 404 until all of the day's orders are in.
#[tokio::test]
async fn an_order_that_is_being_consolidated_names_no_sale() {
    let world = World::new().await;
    capture(&world, 1, "pending").await;
    let taken = |entry: &mut stevedore_domain::log::LogEntry| {
        entry.state = stevedore_domain::log::LogState::Consolidating;
        entry.sale_id = Some("DAY-2026-01-31".into());
        true
    };
    world.table.change_log_entry(stevedore_domain::ids::OrderId(1), taken).await.unwrap().unwrap();
    assert_eq!(world.get("/v1/sales/DAY-2026-01-31").await.code(404), "not_found");
    let entry = world.get("/v1/log/1").await.ok();
    assert_eq!((&entry["state"], &entry["sale_id"]), (&json!("consolidating"), &json!(null)));
    assert_eq!(entry["booked_revision"], entry["revisions"][0]);
}

/// A token is of use to the list that gave it alone.
#[tokio::test]
async fn foreign_and_garbled_page_tokens_are_refused() {
    let world = World::new().await;
    for order in 1..=3 {
        capture(&world, order, "booked").await;
        capture(&world, order + 10, "pending").await;
    }
    let lists = [
        "/v1/log",
        "/v1/log?state=pending",
        "/v1/log?order_number=N1",
        "/v1/sales",
        "/v1/pending-orders",
        "/v1/accounting-syncs",
        "/v1/customers",
    ];
    let with = |path: &str, rest: &str| format!("{path}{}{rest}", if path.contains('?') { '&' } else { '?' });
    let mut tokens = Vec::new();
    for path in lists {
        let reply = world.get(&with(path, "limit=1")).await;
        tokens.push((path, reply.body["next_page_token"].as_str().unwrap().to_owned()));
    }
    let others = ["/v1/operations", "/v1/products", "/v1/dead-letters", "/v1/settings/history"];
    for path in lists.into_iter().chain(others) {
        for (of, token) in &tokens {
            if *of == path {
                assert_eq!(world.get(&with(path, &format!("page_token={token}"))).await.status, 200, "{path}");
            } else {
                assert_eq!(world.get(&with(path, &format!("page_token={token}"))).await.code(400), "invalid_page_token", "{path} {of}");
            }
        }
        for garbage in ["", "x", "%F0%9F%8D%8E", "AAAA", "bm90IGEgdG9rZW4"] {
            assert_eq!(world.get(&with(path, &format!("page_token={garbage}"))).await.code(400), "invalid_page_token", "{path} {garbage}");
        }
    }
}

/// S149, S150: deleting an entry lets the order be captured again and leaves its sale.
#[tokio::test]
async fn s149_s150_deleting_an_entry_leaves_the_sale() {
    let world = World::new().await;
    capture(&world, 1, "booked").await;
    capture(&world, 2, "pending").await;
    capture(&world, 3, "consolidating").await;
    let reply = world.delete("/v1/log/1", None).await.ok();
    assert_eq!((&reply["order_id"], &reply["live_sale_id"]), (&json!(1), &json!("SO-1")));
    assert_eq!(world.get("/v1/log/1").await.code(404), "not_found");
    assert_eq!(world.get("/v1/sales/SO-1").await.status, 200);
    assert_eq!(world.get("/v1/sales/SO-1/orders").await.items()[0]["linked"], false);
    assert_eq!(world.delete("/v1/log/1", None).await.code(404), "not_found");
    assert_eq!(world.delete("/v1/log/2", None).await.ok()["live_sale_id"], Value::Null);
    assert_eq!(world.delete("/v1/log/3", None).await.code(409), "consolidating");
    assert_eq!(world.get("/v1/log/3").await.status, 200);
}

/// S116: pending orders, with their reason and what ShipStation sent.
#[tokio::test]
async fn s116_pending_orders() {
    let world = World::new().await;
    for (order, state) in [(1, "blocked"), (2, "pending"), (3, "booked"), (4, "pending"), (5, "blocked"), (6, "skipped")] {
        capture(&world, order, state).await;
    }
    for limit in 1..=5 {
        assert_eq!(ids(&world.all("/v1/pending-orders", limit).await), [2, 4, 1, 5], "{limit}");
    }
    assert_eq!(ids(&world.all("/v1/pending-orders?state=blocked", 1).await), [1, 5]);
    assert_eq!(world.get("/v1/pending-orders?state=booked").await.code(400), "invalid_query");
    let shown = world.get("/v1/pending-orders/1").await.ok();
    assert_eq!((&shown["reason"], &shown["order"]["orderId"], &shown["state"]), (&json!("no_customer"), &json!(1), &json!("blocked")));
    for order in [3, 6, 99] {
        assert_eq!(world.get(&format!("/v1/pending-orders/{order}")).await.code(404), "not_found");
    }
}

/// S107: a person processes pending orders.
#[tokio::test]
async fn s107_processing_is_an_operation_and_a_command() {
    let world = World::new().await;
    for (order, state) in [(1, "blocked"), (2, "pending"), (3, "booked")] {
        capture(&world, order, state).await;
    }
    let all = world.call(api::Grade::Operate, axum::http::Method::POST, "/v1/pending-orders/process", &[], None).await;
    assert_eq!((all.status.as_u16(), &all.body["kind"], &all.body["state"]), (202, &json!("process_pending"), &json!("queued")));
    let some = world.post("/v1/pending-orders/process", json!({"order_ids": [1, 2]})).await.ok();
    let command = |id: &Value| Command::Run { operation_id: id.as_str().unwrap().into() };
    assert_eq!(world.commands().await, [command(&all.body["id"]), command(&some["id"])]);
    let stored = world.table.operation(&some["id"].as_str().unwrap().into()).await.unwrap().unwrap().value;
    assert_eq!(stored.kind, OperationKind::ProcessPending { order_ids: Some(vec![OrderId(1), OrderId(2)]) });
    for (body, faults) in [
        (json!({"order_ids": [1, 3, 99]}), vec![("/order_ids/1", "not_pending"), ("/order_ids/2", "not_pending")]),
        (json!({"order_ids": []}), vec![("/order_ids", "required")]),
        (
            json!({"order_ids": ["1", 1.5, -1]}),
            vec![("/order_ids/0", "wrong_type"), ("/order_ids/1", "wrong_type"), ("/order_ids/2", "wrong_type")],
        ),
        (json!({"orders": [1]}), vec![("/orders", "unknown_member")]),
        (json!([1]), vec![("", "wrong_type")]),
        (json!({"order_ids": vec![1; 1_001]}), vec![("/order_ids", "too_many")]),
    ] {
        let reply = world.post("/v1/pending-orders/process", body).await;
        assert_eq!(reply.code(422), "validation_failed");
        assert_eq!(reply.faults(), faults);
    }
    let customer = world.post("/v1/customers", json!({"name": "Counter"})).await.ok()["id"].clone();
    let daily = json!({"consolidation": "daily", "consolidation_time": "18:30", "customer_id": customer});
    assert_eq!(world.put("/v1/settings", "\"0\"", daily).await.status, 200);
    assert_eq!(world.post("/v1/pending-orders/process", json!({})).await.code(409), "consolidation_is_daily");
}

/// S40: a connector lists and acknowledges.
#[tokio::test]
async fn s40_accounting_syncs_are_listed_until_acknowledged() {
    let world = World::new().await;
    for order in 1..=3 {
        capture(&world, order, "booked").await;
    }
    let syncs = world.all("/v1/accounting-syncs", 2).await;
    let expected = json!({"id": "SO-1", "sale_id": "SO-1", "invoice_number": "INV-1", "order_date": "2026-01-30",
        "currency": "USD", "total": "10.00", "tax": "0.40", "withheld_tax": null, "action": "authorised", "state": "pending", "created_at": NOW, "acknowledged_at": null});
    assert_eq!((syncs.len(), &syncs[0]), (3, &expected));
    for _ in 0..2 {
        let reply = world.post("/v1/accounting-syncs/SO-1/acknowledge", json!({})).await.ok();
        assert_eq!((&reply["state"], &reply["acknowledged_at"]), (&json!("acknowledged"), &json!(NOW)));
    }
    assert_eq!(world.all("/v1/accounting-syncs", 10).await.len(), 2);
    assert_eq!(world.post("/v1/accounting-syncs/SO-9/acknowledge", json!({})).await.code(404), "not_found");
}

/// N17, N31, S41: withheld tax, prices that include tax and the accounts of charges are shown, on the sale and on what accounting hears of.
#[tokio::test]
async fn n17_n31_withheld_and_included_taxes_are_shown() {
    let world = World::new().await;
    let mut sale = sale(1);
    (sale.withheld_tax, sale.charges[0].account, sale.order_date) = (Some(Minor(413)), Some("ACC-9".into()), None);
    sale.lines.iter_mut().for_each(|line| line.tax_included = true);
    book(&world, sale, &[]).await;
    let shown = world.get("/v1/sales/SO-1").await.ok();
    assert_eq!((&shown["withheld_tax"], &shown["charges"][0]["account"]), (&json!("4.13"), &json!("ACC-9")));
    assert_eq!((&shown["lines"][0]["tax_included"], &shown["lines"][0]["total"]), (&json!(true), &json!("2.55")));
    // A sale that was booked before dates were kept has none.
    assert_eq!((&shown["order_date"], &shown["invoice"]["order_date"]), (&Value::Null, &Value::Null));
    let syncs = world.all("/v1/accounting-syncs", 2).await;
    assert_eq!((&syncs[0]["withheld_tax"], &syncs[0]["order_date"]), (&json!("4.13"), &Value::Null));
}

/// A consolidated sale, its invoice and its sync have the day's date.
#[tokio::test]
async fn s23_a_days_sale_is_dated_by_its_day() {
    let world = World::new().await;
    let day = Source::Day(DaySource { local_date: jiff::civil::date(2026, 1, 29), order_count: 2 });
    book(&world, Sale { kind: SaleKind::Consolidated, source: day, order_date: None, ..sale(1) }, &[]).await;
    let shown = world.get("/v1/sales/SO-1").await.ok();
    assert_eq!((&shown["order_date"], &shown["invoice"]["order_date"]), (&json!("2026-01-29"), &json!("2026-01-29")));
    assert_eq!(world.all("/v1/accounting-syncs", 2).await[0]["order_date"], "2026-01-29");
}
