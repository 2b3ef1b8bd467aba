//! Drafts that a person adjusts (S39).

use api::Grade;
use axum::http::Method;
use serde_json::{Value, json};
use stevedore_domain::money::Minor;
use stevedore_domain::sale::{Charge, DaySource, Discount, Sale, SaleKind, SaleLine, Source};
use stevedore_domain::settings::PickPackShip;

use crate::captured::{Shop, book};
use crate::world::{NOW, Reply, World};

/// A draft of two mugs at 4.00 and an engraving, and what it is sold with; its total is 25.32.
async fn draft(shop: &mut Shop<'_>, order: u64) -> (Sale, Vec<stevedore_domain::stock::StockChange>) {
    let (mut sale, stock) = shop.draft(order, PickPackShip::None, &[("MUG", 2), ("ENGRAVING", 1)]).await;
    for (line, (price, total, tax)) in sale.lines.iter_mut().zip([("4.00", 800, 66), ("12.50", 1250, 66)]) {
        line.unit_price = price.parse().unwrap();
        (line.total, line.tax) = (Minor(total), Minor(tax));
    }
    sale.charges =
        vec![Charge { name: "Shipping".to_owned(), comment: None, amount: Minor(500), tax: Minor(50), ..sale.charges[0].clone() }];
    sale.discounts = vec![Discount { name: "Spring".to_owned(), amount: Minor(200) }];
    sale.subtotal = Minor(2050);
    sale.tax = Minor(182);
    sale.total = sale.sum_of_parts();
    assert_eq!(sale.total, Minor(2532));
    (sale, stock)
}

async fn shop(world: &World) -> Shop<'_> {
    let mut shop = Shop::new(world).await;
    shop.product("MUG", "stock", &[]).await;
    shop.product("ENGRAVING", "service", &[]).await;
    shop.adjust("MUG", 10).await;
    shop
}

impl World {
    async fn adjust_sale(&self, path: &str, etag: &str, body: Value) -> Reply {
        self.call(Grade::Operate, Method::PATCH, path, &[("if-match", etag)], Some(&body)).await
    }
}

fn totals(sale: &Value) -> [&str; 4] {
    ["subtotal", "tax", "total", "difference_to_shipstation"].map(|name| sale[name].as_str().unwrap())
}

/// S39: lines, charges, discounts, accounts, rule and tax of a draft are adjusted and added up to the cent; who, when, and the difference to ShipStation stay.
#[tokio::test]
async fn s39_a_draft_is_adjusted_and_added_up_to_the_cent() {
    let world = World::new().await;
    let mut shop = shop(&world).await;
    let (sale, stock) = draft(&mut shop, 1).await;
    book(&world, sale, &stock).await;
    let path = "/v1/sales/SO-1";
    let income = world.post("/v1/accounts", json!({"name": "Income", "kind": "revenue"})).await.ok()["id"].clone();
    let rule = world.post("/v1/tax_rules", json!({"name": "Nevada", "components": [{"name": "State", "percent": "4.6"}]})).await.ok()["id"]
        .clone();
    let before = world.get(path).await;
    assert_eq!(totals(&before.body), ["20.50", "1.82", "25.32", "0.00"]);
    assert_eq!(before.body["adjustments"], json!([]));
    let body = json!({"lines": [
        {"line_no": 1, "unit_price": "3.335", "tax": "0.55", "name": "Mug, blue", "comment": "Colour: Blue", "account": income, "tax_rule": rule},
        {"line_no": 2, "quantity": 3},
    ]});
    let adjusted = world.adjust_sale(path, before.header("etag"), body.clone()).await;
    let sale = adjusted.body.clone();
    assert_eq!(adjusted.status, 200, "{sale}");
    // 2 × 3.335 = 6.67; 3 × 12.50 = 37.50; taxes 0.55 + 0.66 + 0.50; 44.17 + 5.00 − 2.00 + 1.71.
    assert_eq!(totals(&sale), ["44.17", "1.71", "48.88", "23.56"]);
    let line = &sale["lines"][0];
    let shown = |name: &str| line[name].clone();
    assert_eq!([shown("total"), shown("unit_price"), shown("tax")], [json!("6.67"), json!("3.335"), json!("0.55")]);
    assert_eq!(
        [shown("name"), shown("comment"), shown("account"), shown("tax_rule"), shown("tax_rule_name")],
        [json!("Mug, blue"), json!("Colour: Blue"), income.clone(), rule.clone(), json!("Nevada")]
    );
    assert_eq!(line["tax_allocation"], json!([{"component": "State", "amount": "0.55"}]));
    let adjustments = sale["adjustments"].as_array().unwrap();
    assert_eq!(
        (adjustments.len(), &adjustments[0]["by"], &adjustments[0]["at"], &adjustments[0]["total"]),
        (1, &json!("local"), &json!(NOW), &json!("48.88"))
    );
    let what = adjustments[0]["what"].as_str().unwrap();
    assert!(
        what.contains("unit price 4.00 → 3.335") && what.contains("line 2: quantity 1 → 3") && what.ends_with("total 25.32 → 48.88"),
        "{what}"
    );
    // It is kept so, stock is untouched, and the log tells.
    assert_eq!(world.get(path).await.body, sale);
    assert_eq!(shop.level("MUG").await, [10, 2, 10]);
    let entry = world.get("/v1/log/1").await.ok();
    assert_eq!(entry["sale_total"], "48.88");
    assert_eq!(entry["timeline"].as_array().unwrap().last().unwrap()["what"], "draft adjusted: total 25.32 → 48.88 USD");
    // The same again changes nothing.
    let again = world.adjust_sale(path, adjusted.header("etag"), body).await;
    assert_eq!((again.header("etag"), &again.body), (adjusted.header("etag"), &sale));
    // Charges and discounts are stated as a whole; what every line has is said once.
    let whole = json!({
        "charges": [{"name": "Shipping", "comment": "Express", "amount": "7.00", "tax": "0.70"}, {"name": "Adjustment", "amount": "-0.01"}], "discounts": [],
        "account": null, "tax_rule": rule,
    });
    let third = world.adjust_sale(path, again.header("etag"), whole).await;
    assert_eq!(totals(&third.body), ["44.17", "1.91", "53.07", "27.75"]);
    assert_eq!((third.body["charges"].as_array().unwrap().len(), &third.body["discounts"]), (2, &json!([])));
    for line in third.body["lines"].as_array().unwrap() {
        assert_eq!((&line["account"], &line["tax_rule"]), (&Value::Null, &rule));
    }
    assert_eq!(third.body["adjustments"].as_array().unwrap().len(), 2);
    // Who changed what is on the record.
    let audit = world.get("/v1/audit?limit=50").await.ok();
    assert!(audit["items"].to_string().contains("53.07"), "{audit}");
}

/// S39: an authorised invoice stays as it is, and so does a void sale.
#[tokio::test]
async fn s39_only_a_draft_is_adjusted() {
    let world = World::new().await;
    let mut shop = shop(&world).await;
    for order in [1, 2] {
        let (sale, stock) = draft(&mut shop, order).await;
        book(&world, sale, &stock).await;
    }
    let body = json!({"lines": [{"line_no": 1, "tax": "0.00"}]});
    world.post("/v1/sales/SO-1/authorise_invoice", json!({})).await.ok();
    world.post("/v1/sales/SO-2/void", json!({})).await.ok();
    for (path, code) in [("/v1/sales/SO-1", "invoice_is_authorised"), ("/v1/sales/SO-2", "sale_is_voided")] {
        let etag = world.get(path).await.header("etag").to_owned();
        assert_eq!(world.adjust_sale(path, &etag, body.clone()).await.code(409), code);
        assert_eq!(world.get(path).await.header("etag"), etag);
    }
    assert_eq!(world.adjust_sale("/v1/sales/SO-3", "*", body.clone()).await.code(404), "not_found");
    let reply = world.call(Grade::Operate, Method::PATCH, "/v1/sales/SO-1", &[], Some(&body)).await;
    assert_eq!(reply.code(428), "precondition_required");
    let reply = world.call(Grade::Read, Method::PATCH, "/v1/sales/SO-1", &[("if-match", "*")], Some(&body)).await;
    assert_eq!(reply.code(403), "forbidden");
}

/// S39: of two who adjust what they both looked at, the second is told so.
#[tokio::test]
async fn s39_a_stale_adjustment_is_refused() {
    let world = World::new().await;
    let mut shop = shop(&world).await;
    let (sale, stock) = draft(&mut shop, 1).await;
    book(&world, sale, &stock).await;
    let path = "/v1/sales/SO-1";
    let etag = world.get(path).await.header("etag").to_owned();
    let tax = |tax: &str| json!({"lines": [{"line_no": 1, "tax": tax}]});
    let first = world.adjust_sale(path, &etag, tax("1.00")).await;
    assert_eq!(first.status, 200);
    let second = world.adjust_sale(path, &etag, tax("2.00")).await;
    assert_eq!((second.code(412), second.header("etag")), ("stale_version", first.header("etag")));
    let (a, b) = tokio::join!(
        world.adjust_sale(path, first.header("etag"), tax("3.00")),
        world.adjust_sale(path, first.header("etag"), tax("4.00"))
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

/// S39: each fault has its place, and nothing is changed.
#[tokio::test]
async fn s39_faults_of_an_adjustment_have_their_pointers() {
    let world = World::new().await;
    let mut shop = shop(&world).await;
    let (sale, stock) = draft(&mut shop, 1).await;
    book(&world, sale, &stock).await;
    let bank = world.post("/v1/accounts", json!({"name": "Bank", "kind": "asset"})).await.ok()["id"].clone();
    let path = "/v1/sales/SO-1";
    let etag = world.get(path).await.header("etag").to_owned();
    for (body, faults) in [
        (json!({"lines": [{"line_no": 1, "quantity": 3}]}), vec![("/lines/0/quantity", "moves_stock")]),
        (json!({"lines": [{"line_no": 3, "tax": "1"}]}), vec![("/lines/0/line_no", "unknown_line")]),
        (json!({"lines": [{"line_no": 2, "tax": "1"}, {"line_no": 2, "tax": "2"}]}), vec![("/lines/1/line_no", "repeated")]),
        (json!({"lines": [{"tax": "1"}]}), vec![("/lines/0/line_no", "required")]),
        (json!({"lines": [{"line_no": 1, "tax": "1.005"}]}), vec![("/lines/0/tax", "not_exact")]),
        (json!({"lines": [{"line_no": 1, "tax": null}]}), vec![("/lines/0/tax", "wrong_type")]),
        (
            json!({"lines": [{"line_no": 2, "unit_price": "100000000000000", "quantity": 1_000_000}]}),
            vec![("/lines/0/unit_price", "out_of_range")],
        ),
        (json!({"lines": [{"line_no": 2, "account": bank}]}), vec![("/lines/0/account", "wrong_kind")]),
        (
            json!({"lines": [{"line_no": 2, "account": "nope", "tax_rule": "nope"}]}),
            vec![("/lines/0/tax_rule", "unknown_reference"), ("/lines/0/account", "unknown_reference")],
        ),
        (json!({"lines": [{"line_no": 2, "total": "1"}]}), vec![("/lines/0/total", "unknown_member")]),
        (json!({"charges": [{"name": "Shipping", "amount": "0.001"}]}), vec![("/charges/0/amount", "not_exact")]),
        (
            json!({"charges": [{"amount": "1"}], "discounts": [{"name": "x", "amount": "-1"}]}),
            vec![("/charges/0/name", "required"), ("/discounts/0/amount", "out_of_range")],
        ),
        (json!({"charges": null}), vec![("/charges", "wrong_type")]),
        (json!({"tax_rule": "nope"}), vec![("/tax_rule", "unknown_reference")]),
        (json!({"total": "1"}), vec![("/total", "unknown_member")]),
        (
            json!({"charges": [{"name": "a", "amount": "90000000000000"}, {"name": "b", "amount": "90000000000000"}]}),
            vec![("", "out_of_range")],
        ),
    ] {
        let reply = world.adjust_sale(path, &etag, body.clone()).await;
        assert_eq!((reply.code(422), reply.faults()), ("validation_failed", faults), "{body}");
    }
    assert_eq!(world.get(path).await.header("etag"), etag);
}

/// S39: a day's sale is a draft like any other.
#[tokio::test]
async fn s39_a_consolidated_draft_is_adjusted() {
    let world = World::new().await;
    let mut shop = shop(&world).await;
    let (mut sale, stock) = draft(&mut shop, 1).await;
    // As large as days are: its document does not fit beside an order.
    for number in 3..=150 {
        let name = stevedore_domain::digest::Digest::of_bytes(&i32::to_le_bytes(number)).to_string();
        let (line_no, nothing) = (u32::try_from(number).unwrap(), Minor::ZERO);
        sale.lines.push(SaleLine {
            line_no,
            name,
            unit_price: "0".parse().unwrap(),
            total: nothing,
            tax: nothing,
            ..sale.lines[1].clone()
        });
    }
    let day = Source::Day(DaySource { local_date: "2026-01-30".parse().unwrap(), order_count: 1 });
    book(&world, Sale { id: "DAY-2026-01-30".into(), kind: SaleKind::Consolidated, source: day, ..sale }, &stock).await;
    let path = "/v1/sales/DAY-2026-01-30";
    let etag = world.get(path).await.header("etag").to_owned();
    let adjusted = world.adjust_sale(path, &etag, json!({"discounts": [{"name": "Spring", "amount": "2.32"}]})).await;
    assert_eq!(totals(&adjusted.body), ["20.50", "1.82", "25.00", "-0.32"]);
    // Once authorised it stays.
    world.post(&format!("{path}/authorise_invoice"), json!({})).await.ok();
    assert_eq!(world.adjust_sale(path, "*", json!({"discounts": []})).await.code(409), "invoice_is_authorised");
}
