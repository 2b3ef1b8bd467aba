//! A person's actions on a sale.

use api::Grade;
use axum::http::Method;
use serde_json::{Value, json};
use stevedore_aws::messages::Command;
use stevedore_domain::sale::{DaySource, Sale, SaleKind, Source, Stage};
use stevedore_domain::settings::PickPackShip;

use crate::captured::{Shop, book, capture};
use crate::world::{NOW, Reply, World};

impl World {
    async fn act(&self, path: &str, action: &str, etag: &str, body: Value) -> Reply {
        self.call(Grade::Operate, Method::POST, &format!("{path}/{action}"), &[("if-match", etag)], Some(&body)).await
    }

    async fn timeline(&self, order: u64) -> Vec<String> {
        let entry = self.get(&format!("/v1/log/{order}")).await.ok();
        entry["timeline"].as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap().to_owned()).collect()
    }
}

/// The kinds of a sale's movements.
fn movements(sale: &Value) -> Vec<(&str, i64)> {
    let movements = sale["movements"].as_array().unwrap().iter();
    movements.map(|movement| (movement["kind"].as_str().unwrap(), movement["quantity"].as_i64().unwrap())).collect()
}

fn stages(sale: &Value) -> [&str; 3] {
    ["pick", "pack", "ship"].map(|stage| sale[stage]["status"].as_str().unwrap())
}

/// Sales that do not exist, and callers who may only read.
#[tokio::test]
async fn what_is_not_there_is_404_and_reading_is_not_enough() {
    let world = World::new().await;
    capture(&world, 1, "booked").await;
    let payment = json!({"amount": "1.00", "account": "x"});
    for (action, body) in [("void", json!({})), ("authorise_invoice", json!({})), ("retry_fulfilment", json!({})), ("payments", payment)] {
        for id in ["SO-2", "SO-1-2", "DAY-2026-01-31", "nope", "%FF"] {
            assert_eq!(world.post(&format!("/v1/sales/{id}/{action}"), body.clone()).await.code(404), "not_found", "{id} {action}");
        }
        let path = format!("/v1/sales/SO-1/{action}");
        assert_eq!(world.call(Grade::Read, Method::POST, &path, &[], Some(&body)).await.code(403), "forbidden");
        assert_eq!(world.get(&path).await.code(405), "method_not_allowed");
    }
    assert_eq!(world.call(Grade::Read, Method::POST, "/v1/log/1/recreate", &[], None).await.code(403), "forbidden");
    assert_eq!(world.get("/v1/sales/SO-1").await.body["voided_at"], Value::Null);
}

/// S30–S33: each mode's stages, with what they handle.
#[tokio::test]
async fn s30_s31_s32_s33_stages_are_shown_with_their_lines() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    shop.adjust("MUG", 100).await;
    let (draft, done, nothing) = ("draft", "authorised", "not_available");
    for (order, mode, expected) in [
        (1, PickPackShip::None, [draft, nothing, nothing]),
        (2, PickPackShip::Pick, [done, draft, nothing]),
        (3, PickPackShip::PickPack, [done, done, draft]),
        (4, PickPackShip::PickPackShip, [done, done, done]),
    ] {
        let path = shop.sell(order, mode, &[("MUG", 2), ("MUG", 3)]).await;
        let sale = world.get(&path).await.ok();
        assert_eq!(stages(&sale), expected, "{mode:?}");
        for stage in ["pick", "pack", "ship"] {
            let is_done = sale[stage]["status"] == done;
            assert_eq!(sale[stage]["at"], if is_done { json!(NOW) } else { Value::Null }, "{mode:?} {stage}");
            let line = json!({"product_id": shop.id("MUG"), "sku": "MUG", "location_id": shop.location,
                "quantity": if is_done { 5 } else { 0 }, "wanted": 5});
            let lines = if is_done || stage == "pick" { json!([line]) } else { json!([]) };
            assert_eq!(sale[stage]["lines"], lines, "{mode:?} {stage}");
        }
    }
    // A person goes on where the system stopped, as far as he says.
    for (to, expected) in [("pick", [done, draft, nothing]), ("pick_pack", [done, done, draft]), ("pick_pack_ship", [done, done, done])] {
        let sale = world.post("/v1/sales/SO-1/retry_fulfilment", json!({"to": to})).await.ok();
        assert_eq!(stages(&sale), expected, "{to}");
    }
    // What is done stays done, whatever is asked.
    let etag = world.get("/v1/sales/SO-1").await.header("etag").to_owned();
    for body in [json!({"to": "pick"}), json!({"to": "pick_pack_ship"})] {
        let again = world.act("/v1/sales/SO-1", "retry_fulfilment", "\"1\"", body).await;
        assert_eq!((again.status.as_u16(), again.header("etag")), (200, etag.as_str()));
    }
    assert_eq!(shop.level("MUG").await, [90, 10, 80]);
    let told = world.timeline(1).await;
    assert_eq!(told[1..], ["fulfilment retried: picked", "fulfilment retried: packed", "fulfilment retried: shipped"]);
    for (body, faults) in [
        (json!({"to": "none"}), vec![("/to", "not_one_of")]),
        (json!({"to": 1}), vec![("/to", "wrong_type")]),
        (json!({"mode": "pick"}), vec![("/mode", "unknown_member")]),
    ] {
        assert_eq!(world.post("/v1/sales/SO-2/retry_fulfilment", body).await.faults(), faults);
    }
}

/// S34: a draft pick shows what it found; a person retries it, part by part as stock comes in, and may take what others only claim.
#[tokio::test]
async fn s34_a_short_pick_shows_what_it_found_and_is_retried() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    for sku in ["MUG", "LID"] {
        shop.product(sku, "stock", &[]).await;
    }
    shop.adjust("MUG", 2).await;
    shop.adjust("LID", 9).await;
    let path = shop.sell(1, PickPackShip::PickPackShip, &[("MUG", 3), ("LID", 1)]).await;
    let found = |sale: &Value| {
        let lines = sale["pick"]["lines"].as_array().unwrap().iter();
        let line =
            |line: &Value| (line["sku"].as_str().unwrap().to_owned(), line["quantity"].as_i64().unwrap(), line["wanted"].as_i64().unwrap());
        let mut lines: Vec<_> = lines.map(line).collect();
        lines.sort();
        lines
    };
    let (lid, mug) = (("LID".to_owned(), 1, 1), |found| ("MUG".to_owned(), found, 3));
    let sale = world.get(&path).await.ok();
    assert_eq!((stages(&sale), found(&sale)), (["draft", "not_available", "not_available"], vec![lid.clone(), mug(2)]));
    assert_eq!(sale["warnings"][1]["code"], "stock_short");
    assert_eq!(world.post(&format!("{path}/retry_fulfilment"), json!({})).await.code(409), "fulfilment_is_manual");
    shop.settings(json!({"pick_pack_ship": "pick_pack_ship"})).await;
    // Nothing has come in: nothing changes.
    let again = world.post(&format!("{path}/retry_fulfilment"), json!({})).await;
    assert_eq!((again.header("etag"), found(&again.body)), ("\"1\"", vec![lid.clone(), mug(2)]));
    // Less than before lies there, and the pick says so.
    shop.adjust("MUG", -1).await;
    let less = world.post(&format!("{path}/retry_fulfilment"), json!({})).await;
    assert_eq!((less.header("etag"), found(&less.body), shop.level("MUG").await), ("\"2\"", vec![lid.clone(), mug(1)], [1, 3, 1]));
    let warning = less.body["warnings"].as_array().unwrap().last().unwrap();
    assert!(warning["message"].as_str().unwrap().contains("1 of 3 × MUG"), "{warning}");
    // Another sale claims all that comes in; a person may take it all the same. An empty body is as good as none.
    shop.adjust("MUG", 4).await;
    shop.sell(2, PickPackShip::None, &[("MUG", 4)]).await;
    let shipped = world.call(Grade::Operate, Method::POST, &format!("{path}/retry_fulfilment"), &[], None).await.ok();
    assert_eq!((stages(&shipped), found(&shipped)), (["authorised"; 3], vec![lid, mug(3)]));
    assert!(shipped["warnings"].as_array().unwrap().iter().all(|warning| warning["code"] != "stock_short"));
    assert!(world.get("/v1/log/1").await.body["warnings"].as_array().unwrap().iter().all(|warning| warning["code"] != "stock_short"));
    assert_eq!((shop.level("MUG").await, shop.level("LID").await), ([2, 4, 2], [8, 0, 8]));
}

/// P5: persons at many desks retry at once; what there is goes out once, and a retry that is said twice moves its stock once.
#[tokio::test]
async fn p5_people_who_retry_at_once_take_nothing_that_is_not_there() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    let mut retries = Vec::new();
    for order in 1..=4 {
        let path = shop.sell(order, PickPackShip::Pick, &[("MUG", 3)]).await;
        retries.extend(std::iter::repeat_n(format!("{path}/retry_fulfilment"), 2));
    }
    shop.adjust("MUG", 7).await;
    let body = json!({"to": "pick_pack_ship"});
    let mut workers = tokio::task::JoinSet::new();
    for path in retries {
        let router = world.router.clone();
        let request = axum::http::Request::post(path).header("authorization", format!("Bearer {}", crate::world::token(Grade::Operate)));
        let request = request.header("content-type", "application/json").body(axum::body::Body::from(body.to_string())).unwrap();
        workers.spawn(async move { tower::ServiceExt::oneshot(router, request).await.unwrap().status().as_u16() });
    }
    while let Some(status) = workers.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    let mut shipped = 0;
    for order in 1..=4 {
        let sale = world.get(&format!("/v1/sales/SO-{order}")).await.ok();
        shipped += usize::from(sale["ship"]["status"] == "authorised");
    }
    assert_eq!((shipped, shop.level("MUG").await), (2, [1, 6, 1]));
}

/// S57, S59, S60, N18: draft assemblies are made when components have come in, then all is picked and shipped; the kit's part in it adds up.
#[tokio::test]
async fn s57_s60_draft_assemblies_are_made_on_retry() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    world.hands.step_by(1_000);
    for sku in ["MUG", "LID"] {
        shop.product(sku, "stock", &[]).await;
    }
    shop.product("HAMPER", "assembly", &[("MUG", 3), ("LID", 1)]).await;
    shop.product("SET", "kit", &[("HAMPER", 1), ("MUG", 2)]).await;
    shop.product("SLAB", "drop_ship", &[]).await;
    shop.settings(json!({"auto_assembly": "minimum_for_picking", "pick_pack_ship": "pick_pack_ship"})).await;
    for (sku, quantity) in [("HAMPER", 1), ("MUG", 4)] {
        shop.adjust(sku, quantity).await;
    }
    // Three hampers, of which one lies there: two are to be made, of six mugs and two lids; the sets take two mugs more each.
    let path = shop.sell(1, PickPackShip::PickPackShip, &[("SET", 2), ("HAMPER", 1), ("SLAB", 4)]).await;
    let sale = world.get(&path).await.ok();
    let part = |sku: &str, quantity: i64| json!({"product_id": shop.id(sku), "quantity": quantity});
    let assembly = |status: &str, at: &Value| {
        json!([{"id": "SO-1-A1", "product_id": shop.id("HAMPER"), "location_id": shop.location, "quantity": 2, "status": status, "at": at,
            "components": [part("MUG", 6), part("LID", 2)]}])
    };
    assert_eq!((&sale["assemblies"], stages(&sale)[0]), (&assembly("draft", &Value::Null), "draft"));
    let line = json!({"line_no": 3, "product_id": shop.id("SLAB"), "sku": "SLAB", "quantity": 4});
    let purchase = |status: &str| json!([{"id": "SO-1-P1", "supplier": "Quarry Ltd", "status": status, "lines": [line]}]);
    assert_eq!(sale["purchases"], purchase("draft"));
    let codes =
        |sale: &Value| sale["warnings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(codes(&sale), ["service_line", "components_short", "stock_short"]);
    // The lids come in, and mugs enough for the hampers, though not for the sets.
    shop.adjust("LID", 2).await;
    shop.adjust("MUG", 3).await;
    let made = world.post(&format!("{path}/retry_fulfilment"), json!({})).await.ok();
    let at = made["assemblies"][0]["at"].clone();
    assert_eq!((&made["assemblies"], stages(&made)[0]), (&assembly("authorised", &at), "draft"));
    assert_eq!(codes(&made), ["service_line", "stock_short"]);
    assert_eq!((shop.level("HAMPER").await, shop.level("MUG").await, shop.level("LID").await), ([3, 3, 3], [1, 4, 1], [0, 0, 0]));
    // The last mugs: picked, packed and shipped, and nothing is made twice.
    shop.adjust("MUG", 5).await;
    let shipped = world.post(&format!("{path}/retry_fulfilment"), json!({})).await.ok();
    assert_eq!((&shipped["assemblies"], stages(&shipped)), (&assembly("authorised", &at), ["authorised"; 3]));
    assert_eq!((shop.level("HAMPER").await, shop.level("MUG").await), ([0, 0, 0], [2, 0, 2]));
    let times: Vec<jiff::Timestamp> =
        shipped["movements"].as_array().unwrap().iter().map(|movement| movement["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let mut kinds: Vec<&str> = movements(&shipped).into_iter().map(|(kind, _)| kind).collect();
    kinds.dedup();
    assert_eq!(kinds[..3], ["allocate", "consume", "assemble"], "{kinds:?}");
    // Void: taken apart again, and the supplier need not send anything.
    let voided = world.post(&format!("{path}/void"), json!({})).await.ok();
    assert_eq!((&voided["purchases"], &voided["assemblies"][0]["status"]), (&purchase("voided"), &json!("voided")));
    assert_eq!((shop.level("HAMPER").await, shop.level("MUG").await, shop.level("LID").await), ([1, 0, 1], [12, 0, 12], [2, 0, 2]));
}

/// S33, S57: goods that are picked already are packed and shipped as they are, and nothing more is made for them, though the shelf is empty now.
#[tokio::test]
async fn s33_s57_nothing_is_made_for_what_is_picked() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    shop.product("HAMPER", "assembly", &[("MUG", 1)]).await;
    shop.settings(json!({"auto_assembly": "minimum_for_picking"})).await;
    shop.adjust("HAMPER", 3).await;
    shop.adjust("MUG", 2).await;
    let path = shop.sell(1, PickPackShip::Pick, &[("HAMPER", 3)]).await;
    for mode in ["ordered_quantity", "minimum_for_picking"] {
        shop.settings(json!({"auto_assembly": mode})).await;
        let sale = world.post(&format!("{path}/retry_fulfilment"), json!({"to": "pick_pack_ship"})).await.ok();
        assert_eq!((stages(&sale), &sale["assemblies"]), (["authorised"; 3], &json!([])), "{mode}");
    }
    assert_eq!((shop.level("HAMPER").await, shop.level("MUG").await), ([0, 0, 0], [2, 0, 2]));
}

/// S58, S61, S62: stock before the sale's own claim decides; more than enough makes nothing.
#[tokio::test]
async fn s61_s62_enough_of_it_makes_nothing() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    shop.product("HAMPER", "assembly", &[("MUG", 1)]).await;
    shop.settings(json!({"auto_assembly": "minimum_for_picking"})).await;
    shop.adjust("HAMPER", 3).await;
    shop.adjust("MUG", 50).await;
    let made = async |order: u64, quantity: i64| {
        let path = shop.sell(order, PickPackShip::None, &[("HAMPER", quantity)]).await;
        let sale = world.get(&path).await.ok();
        sale["assemblies"].as_array().unwrap().iter().map(|one| one["quantity"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(made(1, 3).await, [0_i64; 0]);
    // Now none is available.
    assert_eq!(made(2, 2).await, [2]);
    // S59: two more are claimed by hand than there are.
    shop.adjust("HAMPER", -2).await;
    assert_eq!(shop.level("HAMPER").await, [3, 5, 3]);
    assert_eq!(made(3, 1).await, [3]);
}

/// S152: void keeps the record, gives back stock, undoes payments and invoice; again is fine, whatever version is named.
#[tokio::test]
async fn s152_void_keeps_the_record_and_gives_everything_back() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    shop.adjust("MUG", 5).await;
    let path = shop.sell(1, PickPackShip::PickPackShip, &[("MUG", 2)]).await;
    let bank = world.post("/v1/accounts", json!({"name": "Bank", "kind": "asset", "receives_payments": true})).await.ok()["id"].clone();
    world.post(&format!("{path}/payments"), json!({"amount": "10.00", "account": bank, "method": "Cash"})).await.ok();
    world.post(&format!("{path}/authorise_invoice"), json!({})).await.ok();
    let before = world.get(&path).await;
    assert_eq!((before.header("etag"), shop.level("MUG").await), ("\"3\"", [3, 0, 3]));
    for stale in ["\"2\"", "\"4\"", "W/\"3\"", "nonsense", ""] {
        let refused = world.act(&path, "void", stale, json!({})).await;
        assert_eq!((refused.code(412), refused.header("etag")), ("stale_version", "\"3\""), "{stale}");
    }
    assert_eq!(shop.level("MUG").await, [3, 0, 3]);
    let voided = world.act(&path, "void", "\"3\"", json!({})).await;
    assert_eq!(voided.header("etag"), "\"4\"");
    assert_eq!((shop.level("MUG").await, stages(&voided.body)), ([5, 0, 5], ["voided"; 3]));
    assert_eq!(
        (&voided.body["status"], &voided.body["voided_at"], &voided.body["invoice"]["status"]),
        (&json!("voided"), &json!(NOW), &json!("voided"))
    );
    for same in ["number", "lines", "charges", "discounts", "subtotal", "tax", "total", "customer", "source"] {
        assert_eq!(voided.body[same], before.body[same], "{same}");
    }
    let payments = &before.body["invoice"]["payments"];
    assert_eq!((payments.as_array().unwrap().len(), &payments[0]["amount"]), (1, &json!("10.00")));
    assert_eq!((&voided.body["invoice"]["payments"], &voided.body["invoice"]["voided_payments"]), (&json!([]), payments));
    let undone = [("allocate", 2), ("pick", 2), ("ship", 2), ("unship", 2), ("unpick", 2), ("release", 2)];
    assert_eq!(movements(&voided.body), undone);
    // The accounting system had not fetched it, so it need not hear of it.
    assert_eq!(world.all("/v1/accounting-syncs", 5).await.len(), 0);
    let entry = world.get("/v1/log/1").await.ok();
    assert_eq!((&entry["state"], &entry["reason"], &entry["sale_id"]), (&json!("voided"), &json!("sale_voided"), &json!("SO-1")));
    assert_eq!(world.timeline(1).await.last().unwrap(), "sale SO-1 voided");
    // Said again, also with the version of before: it is void, and stays so.
    for etag in ["\"3\"", "\"4\"", "*"] {
        let again = world.act(&path, "void", etag, json!({})).await;
        assert_eq!((again.header("etag"), &again.body), ("\"4\"", &voided.body), "{etag}");
    }
    assert_eq!(shop.level("MUG").await, [5, 0, 5]);
    for (action, body) in [
        ("authorise_invoice", json!({})),
        ("retry_fulfilment", json!({"to": "pick"})),
        ("payments", json!({"amount": "1", "account": bank})),
    ] {
        let refused = world.act(&path, action, "\"1\"", body).await;
        assert_eq!(refused.code(409), "sale_is_voided", "{action}");
        assert!(refused.body["detail"].as_str().unwrap().contains("SO-1"));
    }
}

/// Two people void at once: one does, both are told that it is void, and the stock comes back once.
#[tokio::test]
async fn s152_two_voids_at_once_give_back_once() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    shop.adjust("MUG", 5).await;
    let path = shop.sell(1, PickPackShip::PickPackShip, &[("MUG", 2)]).await;
    let void = format!("{path}/void");
    let (a, b, c) = tokio::join!(world.post(&void, json!({})), world.post(&void, json!({})), world.post(&void, json!({})));
    assert_eq!((a.status.as_u16(), b.status.as_u16(), c.status.as_u16()), (200, 200, 200));
    assert_eq!((shop.level("MUG").await, world.timeline(1).await.len()), ([5, 0, 5], 2));
}

/// S39, S40: a draft waits for a person; authorising makes one pending sync, however often it is said.
#[tokio::test]
async fn s39_s40_an_invoice_is_authorised_once() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    let path = shop.sell(1, PickPackShip::None, &[("MUG", 2)]).await;
    assert_eq!(world.get(&path).await.body["invoice"]["status"], "draft");
    assert_eq!(world.all("/v1/accounting-syncs", 5).await.len(), 0);
    assert_eq!(world.act(&path, "authorise_invoice", "\"2\"", json!({})).await.code(412), "stale_version");
    // Also when the answer was lost and it is said again with the version of before.
    for _ in 0..2 {
        let done = world.act(&path, "authorise_invoice", "\"1\"", json!({})).await;
        assert_eq!((done.header("etag"), &done.body["invoice"]["status"]), ("\"2\"", &json!("authorised")));
    }
    let syncs = world.all("/v1/accounting-syncs", 5).await;
    assert_eq!((syncs.len(), &syncs[0]["action"], &syncs[0]["sale_id"]), (1, &json!("authorised"), &json!("SO-1")));
    assert_eq!(world.timeline(1).await[1..], ["invoice authorised"]);
    // What the accounting system has, it hears of when it is voided.
    world.post("/v1/accounting-syncs/SO-1/acknowledge", json!({})).await.ok();
    world.post(&format!("{path}/void"), json!({})).await.ok();
    let syncs = world.all("/v1/accounting-syncs", 5).await;
    assert_eq!((syncs.len(), &syncs[0]["action"], &syncs[0]["state"]), (1, &json!("voided"), &json!("pending")));
}

/// S72–S75: payments of a person's, more or less than the total, to accounts that can receive them.
#[tokio::test]
async fn s72_s73_s74_s75_payments_are_added_by_hand() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    let path = shop.sell(1, PickPackShip::None, &[("MUG", 2)]).await;
    let account = async |name: &str, receives: bool| {
        let made = world.post("/v1/accounts", json!({"name": name, "kind": "asset", "receives_payments": receives})).await.ok();
        made["id"].as_str().unwrap().to_owned()
    };
    let (bank, wallet, stock) = (account("Bank", true).await, account("Wallet", true).await, account("Inventory", false).await);
    // S74, S75: without a payment account in the settings the invoice stays open until somebody says where the money went.
    assert_eq!(world.get(&path).await.body["invoice"]["payments"], json!([]));
    let pay = async |body: Value| world.post(&format!("{path}/payments"), body).await;
    for (body, faults) in [
        (json!({}), vec![("/amount", "required")]),
        (json!({"amount": "1.00"}), vec![("/account", "required")]),
        (json!({"amount": "1.00", "account": "nope"}), vec![("/account", "unknown_reference")]),
        (json!({"amount": "1.00", "account": stock}), vec![("/account", "wrong_kind")]),
        (json!({"amount": "0.00", "account": bank}), vec![("/amount", "out_of_range")]),
        (json!({"amount": 0, "account": bank}), vec![("/amount", "out_of_range")]),
        (json!({"amount": "1.005", "account": bank}), vec![("/amount", "not_exact")]),
        (json!({"amount": "1e30", "account": bank}), vec![("/amount", "wrong_type")]),
        (json!({"amount": "1000000000000001", "account": bank}), vec![("/amount", "out_of_range")]),
        (json!({"amount": "1,5", "account": bank}), vec![("/amount", "wrong_type")]),
        (json!({"amount": "1.00", "account": bank, "date": "2026-02-30"}), vec![("/date", "invalid_date")]),
        (json!({"amount": "1.00", "account": bank, "date": "0026-01-31"}), vec![("/date", "out_of_range")]),
        (
            json!({"amount": "x", "account": 5, "method": "", "date": 1, "id": "x".repeat(257), "note": "x"}),
            vec![
                ("/amount", "wrong_type"),
                ("/date", "wrong_type"),
                ("/account", "wrong_type"),
                ("/method", "blank"),
                ("/id", "too_long"),
                ("/note", "unknown_member"),
            ],
        ),
    ] {
        let reply = pay(body.clone()).await;
        assert_eq!((reply.code(422), reply.faults()), ("validation_failed", faults), "{body}");
    }
    assert_eq!(world.get(&path).await.header("etag"), "\"1\"");
    // S72: the settings' account, by method where that has its own. The day is the merchant's.
    shop.settings(json!({"payment": {"account": bank, "by_method": {"PayPal": wallet}}, "time_zone": "America/Los_Angeles"})).await;
    let card = pay(json!({"amount": "4.00"})).await;
    let shown = |amount: &str, account: &str, method: Value, date: &str, id: &Value| json!({"amount": amount, "account": account, "method": method, "date": date, "id": id, "by": "local"});
    let id = &card.body["invoice"]["payments"][0]["id"];
    assert_eq!(card.body["invoice"]["payments"], json!([shown("4.00", &bank, Value::Null, "2026-01-31", id)]));
    // Sent again, also with another grade's token or the old version, it is the same payment.
    for etag in ["*", "\"1\""] {
        let again = world.act(&path, "payments", etag, json!({"amount": 4, "date": "2026-01-31"})).await;
        assert_eq!((again.header("etag"), &again.body), ("\"2\"", &card.body));
    }
    assert_eq!(world.act(&path, "payments", "\"1\"", json!({"amount": "5.00"})).await.code(412), "stale_version");
    // A second one that is equal has a key of its own; more than the total is taken, and money that went back.
    let all = pay(json!({"amount": "4.00", "id": "second"})).await.ok();
    assert_eq!(all["invoice"]["payments"].as_array().unwrap().len(), 2);
    let taken = pay(json!({"amount": "4.01", "id": "second"})).await;
    assert_eq!((taken.code(409), taken.faults()), ("taken", vec![("/id", "taken")]));
    pay(json!({"amount": "1000.00", "method": "PayPal", "date": "2025-12-24"})).await.ok();
    let last = pay(json!({"amount": "-0.50", "account": bank, "method": "PayPal", "id": "back"})).await.ok();
    let payments = last["invoice"]["payments"].as_array().unwrap();
    let third = shown("1000.00", &wallet, json!("PayPal"), "2025-12-24", &payments[2]["id"]);
    assert_eq!((&payments[2], &payments[3]), (&third, &shown("-0.50", &bank, json!("PayPal"), "2026-01-31", &json!("back"))));
    assert_eq!((payments.len(), &last["total"]), (4, &json!("10.00")));
    let told = world.timeline(1).await;
    assert_eq!((told.len(), told[1].as_str()), (5, "payment of 4.00 USD added"));
    // A hundred are enough, and the hundredth may still be said again.
    for number in 4..100 {
        assert_eq!(pay(json!({"amount": "0.01", "id": format!("n{number}")})).await.status, 200, "{number}");
    }
    let many = pay(json!({"amount": "0.01", "id": "one too many"})).await;
    assert_eq!((many.code(422), many.faults()), ("validation_failed", vec![("", "too_many")]));
    assert_eq!(pay(json!({"amount": "0.01", "id": "n99"})).await.status, 200);
}

/// S41, S63, S73: records that the settings name go on fitting the place where they name them.
#[tokio::test]
async fn s41_s63_s73_what_the_settings_name_is_not_changed_behind_their_back() {
    let world = World::new().await;
    let shop = Shop::new(&world).await;
    let made = async |path: &str, body: Value| world.post(path, body).await.ok()["id"].as_str().unwrap().to_owned();
    let bank = made("/v1/accounts", json!({"name": "Bank", "kind": "asset", "receives_payments": true})).await;
    let income = made("/v1/accounts", json!({"name": "Sales", "kind": "revenue"})).await;
    let (bank, income) = (format!("/v1/accounts/{bank}"), format!("/v1/accounts/{income}"));
    let place = format!("/v1/locations/{}", shop.location);
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    shop.settings(json!({
        "revenue_account": id(&income), "payment": {"by_method": {"PayPal": id(&bank)}}, "location_map": {"default": null, "warehouses": {"12": shop.location}},
    }))
    .await;
    let closed = json!({"name": "Bank", "kind": "asset", "receives_payments": false});
    for (path, body, pointer, named) in [
        (&bank, closed.clone(), "/receives_payments", "`payment.by_method.PayPal`"),
        (&income, json!({"name": "Sales", "kind": "liability"}), "/kind", "`revenue_account`"),
        (&place, json!({"name": "Reno", "active": false}), "/active", "`location_map.warehouses.12`"),
    ] {
        let refused = world.put(path, "*", body).await;
        assert_eq!((refused.code(422), refused.faults()), ("validation_failed", vec![(pointer, "in_use")]), "{path}");
        assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains(named), "{}", refused.body);
    }
    // Whatever else changes about them is their own.
    assert_eq!(world.put(&bank, "*", json!({"name": "House bank", "kind": "liability", "receives_payments": true})).await.status, 200);
    assert_eq!(world.put(&income, "*", json!({"name": "Income", "kind": "revenue", "receives_payments": true})).await.status, 200);
    assert_eq!(world.put(&place, "*", json!({"name": "Reno", "priority": 3})).await.status, 200);
    // Named no longer, they are free.
    shop.settings(json!({"revenue_account": null, "payment": {}, "location_map": {}})).await;
    assert_eq!(world.put(&bank, "*", closed).await.status, 200);
    assert_eq!(world.put(&income, "*", json!({"name": "Income", "kind": "asset"})).await.status, 200);
    assert_eq!(world.put(&place, "*", json!({"name": "Reno", "active": false})).await.status, 200);
}

/// S151: void, then the deleted entry leaves no live sale; the record stays.
#[tokio::test]
async fn s151_after_a_void_no_live_sale_remains() {
    let world = World::new().await;
    capture(&world, 1, "booked").await;
    world.post("/v1/sales/SO-1/void", json!({})).await.ok();
    let deleted = world.delete("/v1/log/1", None).await.ok();
    assert_eq!((&deleted["live_sale_id"], &deleted["message"]), (&Value::Null, &json!("The order can be captured again.")));
    let record = world.get("/v1/sales/SO-1").await;
    assert_eq!((&record.body["status"], &record.body["total"]), (&json!("voided"), &json!("10.00")));
    assert_eq!(world.all("/v1/sales", 5).await.len(), 1);
    // Also the other way round: the sale of a deleted entry can still be voided.
    capture(&world, 2, "booked").await;
    assert_eq!(world.delete("/v1/log/2", None).await.ok()["live_sale_id"], "SO-2");
    assert_eq!(world.post("/v1/sales/SO-2/void", json!({})).await.ok()["status"], "voided");
}

/// N6: making a sale anew is an operation and a command.
#[tokio::test]
async fn n6_recreate_is_an_operation_and_a_command() {
    let world = World::new().await;
    capture(&world, 1, "booked").await;
    capture(&world, 2, "pending").await;
    let void = async || world.post("/v1/sales/SO-1/void", json!({})).await.ok();
    for round in 0..2 {
        world.hands.step_by(1);
        let reply = world.call(Grade::Operate, Method::POST, "/v1/log/1/recreate", &[], None).await;
        assert_eq!((reply.status.as_u16(), &reply.body["kind"], &reply.body["state"]), (202, &json!("recreate"), &json!("queued")));
        let operation_id = reply.body["id"].as_str().unwrap();
        assert_eq!(reply.header("location"), format!("/v1/operations/{operation_id}"));
        assert_eq!(world.commands().await, [Command::Run { operation_id: operation_id.into() }]);
        if round == 0 {
            void().await;
        }
    }
    assert_eq!(world.post("/v1/log/2/recreate", json!({})).await.code(409), "nothing_to_recreate");
    for order in ["3", "x"] {
        assert_eq!(world.post(&format!("/v1/log/{order}/recreate"), json!({})).await.code(404), "not_found");
    }
    assert_eq!(world.commands().await, []);
}

/// A consolidated sale is fulfilled and voided like any other, also one of more products than one transaction moves.
#[tokio::test]
async fn s106_a_days_sale_is_fulfilled_and_voided() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    let skus: Vec<String> = (0..120).map(|number| format!("P{number:03}")).collect();
    for sku in &skus {
        shop.product(sku, "stock", &[]).await;
    }
    for sku in &skus[1..] {
        shop.adjust(sku, 5).await;
    }
    let lines: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 2)).collect();
    let (sale, stock) = shop.draft(1, PickPackShip::PickPackShip, &lines).await;
    let day = Source::Day(DaySource { local_date: "2026-01-30".parse().unwrap(), order_count: 1 });
    book(&world, Sale { id: "DAY-2026-01-30".into(), kind: SaleKind::Consolidated, source: day, ..sale }, &stock).await;
    let path = "/v1/sales/DAY-2026-01-30";
    let sale = world.get(path).await.ok();
    assert_eq!((&sale["kind"], &sale["source"]), (&json!("consolidated"), &json!({"local_date": "2026-01-30", "order_count": 1})));
    assert_eq!((stages(&sale)[0], sale["pick"]["lines"].as_array().unwrap().len()), ("draft", 120));
    let etag = world.get(path).await.header("etag").to_owned();
    let short = world.act(path, "retry_fulfilment", &etag, json!({"to": "pick"})).await;
    assert_eq!((stages(&short.body)[0], short.header("etag")), ("draft", etag.as_str()));
    shop.adjust("P000", 2).await;
    let shipped = world.act(path, "retry_fulfilment", &etag, json!({"to": "pick_pack_ship"})).await;
    assert_eq!(stages(&shipped.body), ["authorised"; 3]);
    assert_eq!((shop.level("P000").await, shop.level("P119").await), ([0, 0, 0], [3, 0, 3]));
    assert_eq!(world.act(path, "void", &etag, json!({})).await.code(412), "stale_version");
    let voided = world.post(&format!("{path}/void"), json!({})).await.ok();
    assert_eq!(voided["status"], "voided");
    assert_eq!((shop.level("P000").await, shop.level("P119").await), ([2, 0, 2], [5, 0, 5]));
    assert_eq!(world.post("/v1/log/1/recreate", json!({})).await.code(409), "in_a_days_sale");
}

/// A sale that a marketplace's warehouse sent has nothing to pick here.
#[tokio::test]
async fn what_others_shipped_is_not_fulfilled_here() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    shop.adjust("MUG", 5).await;
    let (mut sale, _) = shop.draft(1, PickPackShip::PickPackShip, &[("MUG", 2)]).await;
    sale.lines[0].external = true;
    let products = world.table.products_by_id([shop.id("MUG").into()]).await.unwrap();
    sale.claim(&products);
    for stage in [&mut sale.pick, &mut sale.pack, &mut sale.ship] {
        *stage = Stage::default();
    }
    book(&world, sale, &[]).await;
    assert_eq!(world.post("/v1/sales/SO-1/retry_fulfilment", json!({"to": "pick"})).await.code(409), "nothing_to_fulfil");
    assert_eq!(shop.level("MUG").await, [5, 0, 5]);
    let shown = world.get("/v1/sales/SO-1").await.ok();
    assert_eq!((stages(&shown), &shown["movements"]), (["not_available"; 3], &json!([])));
}

/// S33: a sale of services has nothing to pick; it is retried as far as a person says, moves no stock, and is shipped.
#[tokio::test]
async fn s33_a_sale_of_services_is_shipped_by_a_retry() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("WRAP", "service", &[]).await;
    let path = shop.sell(1, PickPackShip::None, &[("WRAP", 2)]).await;
    assert_eq!(stages(&world.get(&path).await.ok()), ["not_available"; 3]);
    let done = world.post(&format!("{path}/retry_fulfilment"), json!({"to": "pick_pack_ship"})).await.ok();
    assert_eq!((stages(&done), &done["status"], &done["movements"]), (["authorised"; 3], &json!("shipped"), &json!([])));
    let again = world.post(&format!("{path}/retry_fulfilment"), json!({"to": "pick_pack_ship"})).await;
    assert_eq!(again.ok()["status"], "shipped");
}
