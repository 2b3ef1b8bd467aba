//! Payments by hand, and the money that goes back.

use api::Grade;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use stevedore_domain::ids::{OrderId, SaleId};
use stevedore_domain::money::Currency;
use stevedore_domain::settings::PickPackShip;
use tower::ServiceExt as _;

use crate::captured::{Shop, book, sale};
use crate::world::{World, token};

async fn bank(world: &World) -> String {
    let made = world.post("/v1/accounts", json!({"name": "Bank", "kind": "asset", "receives_payments": true})).await.ok();
    made["id"].as_str().unwrap().to_owned()
}

/// S72: money that goes back is bounded by what was paid, in any number of parts (docs/requirements.md, section 10).
#[tokio::test]
async fn s72_no_more_goes_back_than_was_paid() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    let path = shop.sell(1, PickPackShip::None, &[("MUG", 2)]).await;
    let bank = bank(&world).await;
    let pay = async |amount: &str, id: &str| {
        let body = json!({"amount": amount, "account": bank, "date": "2026-01-31", "id": id});
        world.post(&format!("{path}/payments"), body).await
    };
    let refused = async |amount: &str, paid: &str| {
        let reply = pay(amount, "refused").await;
        assert_eq!((reply.code(422), reply.faults()), ("validation_failed", vec![("/amount", "more_than_paid")]), "{amount}");
        let message = reply.body["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(&format!("{paid} USD was paid")), "{message}");
    };
    // Nothing was paid, so nothing goes back.
    refused("-500.00", "0.00").await;
    refused("-0.01", "0.00").await;
    assert_eq!(world.get(&path).await.header("etag"), "\"1\"");
    pay("4.00", "a").await.ok();
    pay("6.00", "b").await.ok();
    refused("-10.01", "10.00").await;
    pay("-7.50", "c").await.ok();
    refused("-2.51", "2.50").await;
    pay("-2.50", "d").await.ok();
    refused("-0.01", "0.00").await;
    // Said again, what went back goes back once.
    assert_eq!(pay("-2.50", "d").await.ok()["invoice"]["payments"].as_array().unwrap().len(), 4);
}

/// S72: more than the total is taken, and the sale says so as long as that holds; the largest sum that can be booked is the end.
#[tokio::test]
async fn s72_a_payment_above_the_total_is_taken_with_a_warning() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    let path = shop.sell(1, PickPackShip::None, &[("MUG", 2)]).await;
    let bank = bank(&world).await;
    let pay =
        async |amount: &str, id: &str| world.post(&format!("{path}/payments"), json!({"amount": amount, "account": bank, "id": id})).await;
    let warned = |sale: &Value| {
        let warnings = sale["warnings"].as_array().unwrap().iter();
        warnings.filter(|one| one["code"] == "paid_above_total").map(|one| one["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(warned(&pay("10.00", "a").await.ok()), Vec::<String>::new());
    let above = warned(&pay("0.01", "b").await.ok());
    assert!(above.len() == 1 && above[0].starts_with("Paid 10.01 of 10.00 USD. "), "{above:?}");
    let further = warned(&pay("1000.00", "c").await.ok());
    assert!(further.len() == 1 && further[0].starts_with("Paid 1010.01 of 10.00 USD. "), "{further:?}");
    assert_eq!(warned(&pay("-1000.01", "d").await.ok()), Vec::<String>::new());
    let reply = pay("100000000000000.00", "e").await;
    assert_eq!((reply.code(422), reply.faults()), ("validation_failed", vec![("/amount", "out_of_range")]));
    pay("99999999999990.00", "f").await.ok();
    assert_eq!(pay("0.01", "g").await.faults(), [("/amount", "out_of_range")]);
}

/// S72: an amount has the decimals of the sale's own currency, whatever the settings' is by now.
#[tokio::test]
async fn s72_amounts_have_the_decimals_of_the_sales_currency() {
    let world = World::new().await;
    let bank = bank(&world).await;
    for (order, code, refused, taken, back) in
        [(1, "JPY", "1.5", "12", "-13"), (2, "KWD", "0.0005", "1.234", "-1.235"), (3, "USD", "0.005", "0.01", "-0.02")]
    {
        let mut sale = sale(order);
        sale.currency = Currency::from_code(code).unwrap();
        sale.invoice.payments.clear();
        let path = format!("/v1/sales/{}/payments", SaleId::of_order(OrderId(order), 1));
        book(&world, sale, &[]).await;
        let pay = async |amount: &str| world.post(&path, json!({"amount": amount, "account": bank})).await;
        assert_eq!(pay(refused).await.faults(), [("/amount", "not_exact")], "{code}");
        assert_eq!(pay(taken).await.ok()["invoice"]["payments"][0]["amount"], taken, "{code}");
        assert_eq!(pay(back).await.faults(), [("/amount", "more_than_paid")], "{code}");
    }
}

/// Of many who give money back at once, as many succeed as was paid for (docs/requirements.md, section 10).
#[tokio::test]
async fn at_once_no_more_goes_back_than_was_paid() {
    let world = World::new().await;
    let mut shop = Shop::new(&world).await;
    shop.product("MUG", "stock", &[]).await;
    let path = format!("{}/payments", shop.sell(1, PickPackShip::None, &[("MUG", 2)]).await);
    let bank = bank(&world).await;
    world.post(&path, json!({"amount": "10.00", "account": bank})).await.ok();
    let mut people = tokio::task::JoinSet::new();
    for number in 0..6 {
        let router = world.router.clone();
        let request = Request::post(&path).header("authorization", format!("Bearer {}", token(Grade::Operate)));
        let body = json!({"amount": "-3.00", "account": bank, "id": format!("back {number}")});
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
        people.spawn(async move { router.oneshot(request).await.unwrap().status().as_u16() });
    }
    let mut answers = Vec::new();
    while let Some(status) = people.join_next().await {
        answers.push(status.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [200, 200, 200, 422, 422, 422]);
    let sale = world.get("/v1/sales/SO-1").await.ok();
    assert_eq!(sale["invoice"]["payments"].as_array().unwrap().len(), 4);
}
