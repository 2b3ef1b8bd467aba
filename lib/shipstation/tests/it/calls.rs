//! The single calls.

use serde_json::json;
use stevedore_domain::ids::OrderId;
use wiremock::matchers::{basic_auth, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{SPLIT, TWO_LINES, TestClock, call, client, credentials};

fn clock() -> TestClock {
    TestClock::at("2026-05-05T22:00:00Z")
}

#[tokio::test]
async fn s16_key_and_secret_are_user_and_password() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/stores"))
        .and(basic_auth("the-key", "the-secret"))
        .and(header("accept", "application/json"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .mount(&server)
        .await;
    let (clock, credentials) = (clock(), credentials());
    client(&format!("{}/", server.uri()), &clock).verify_credentials(&call(&credentials, &clock)).await.unwrap();
}

#[tokio::test]
async fn stores_and_warehouses() {
    let server = MockServer::start().await;
    let stores = json!([
        { "storeId": 20931, "storeName": "Web shop", "marketplaceId": 36, "marketplaceName": "WooCommerce", "accountName": null, "email": null, "active": true, "statusMappings": null },
        { "storeId": 20940, "storeName": "Old shop", "marketplaceId": 0, "marketplaceName": "ShipStation", "active": false, "unknown": { "a": 1 } },
    ]);
    let warehouses = json!([
        { "warehouseId": 5512, "warehouseName": "Reno", "originAddress": { "name": "R", "street1": "1 Dock", "street2": "", "city": "Reno", "state": "NV", "postalCode": "89501", "country": "US", "residential": true }, "isDefault": true },
        { "warehouseId": 5513, "warehouseName": "", "originAddress": null, "isDefault": null },
    ]);
    Mock::given(path("/stores"))
        .and(query_param("showInactive", "true"))
        .respond_with(ResponseTemplate::new(200).set_body_json(stores))
        .mount(&server)
        .await;
    Mock::given(path("/warehouses")).respond_with(ResponseTemplate::new(200).set_body_json(warehouses)).mount(&server).await;
    let (clock, credentials) = (clock(), credentials());
    let client = client(&server.uri(), &clock);
    let call = call(&credentials, &clock);
    assert_eq!(
        serde_json::to_value(client.stores(&call).await.unwrap()).unwrap(),
        json!([
            { "store_id": 20931, "name": "Web shop", "marketplace": "WooCommerce", "active": true },
            { "store_id": 20940, "name": "Old shop", "marketplace": "ShipStation", "active": false },
        ])
    );
    assert_eq!(
        serde_json::to_value(client.warehouses(&call).await.unwrap()).unwrap(),
        json!([
            { "warehouse_id": 5512, "name": "Reno", "is_default": true, "origin_address": { "name": "R", "street1": "1 Dock", "city": "Reno", "state": "NV", "postal_code": "89501", "country": "US" } },
            { "warehouse_id": 5513, "name": "5513", "is_default": false, "origin_address": {} },
        ])
    );
}

/// N4: a merged-away order answers 404.
#[tokio::test]
async fn n4_one_order_and_one_that_is_gone() {
    let server = MockServer::start().await;
    Mock::given(path("/orders/718203344"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(TWO_LINES, "application/json"))
        .mount(&server)
        .await;
    Mock::given(path("/orders/7"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "orderId": 7, "orderTotal": "much" })))
        .mount(&server)
        .await;
    Mock::given(path("/orders/8")).respond_with(ResponseTemplate::new(500)).expect(2).mount(&server).await;
    let (clock, credentials) = (clock(), credentials());
    let client = client(&server.uri(), &clock);
    let call = call(&credentials, &clock);
    let order = client.order(&call, OrderId(718_203_344)).await.unwrap().unwrap();
    assert_eq!((order.raw.get(), order.read_at), (TWO_LINES.trim(), clock.now()));
    assert_eq!(order.parsed.unwrap().order.number, "W-10427");
    assert!(client.order(&call, OrderId(1)).await.unwrap().is_none());
    let malformed = client.order(&call, OrderId(7)).await.unwrap().unwrap();
    assert_eq!(malformed.parsed.unwrap_err().order_id, Some(OrderId(7)));
    assert_eq!(client.order(&call, OrderId(8)).await.unwrap_err().code(), "shipstation_unavailable");
}

/// S114, N6, N4: the filter finds every number that begins so; all its pages are read and compared, and a split leaves two of one number.
#[tokio::test]
async fn s114_orders_by_number_compares_exactly() {
    let server = MockServer::start().await;
    let page = |ids: std::ops::Range<u64>, more: &str| {
        let orders: Vec<String> = ids
            .map(|id| {
                format!(
                    r#"{{"orderId":{id},"orderNumber":"W-10500-{id}","modifyDate":"2026-05-05","orderStatus":"shipped","orderTotal":1}}"#
                )
            })
            .collect();
        let body = format!(r#"{{"orders":[{}{more}],"total":502,"page":1,"pages":0}}"#, orders.join(","));
        ResponseTemplate::new(200).set_body_raw(body, "application/json")
    };
    let split = format!(",{}", SPLIT.trim().trim_start_matches('[').trim_end_matches(']'));
    let asked = |number: &str| {
        Mock::given(path("/orders"))
            .and(query_param("orderNumber", "W-10500"))
            .and(query_param("page", number))
            .and(query_param("pageSize", "500"))
    };
    asked("1").respond_with(page(1..501, "")).mount(&server).await;
    asked("2").respond_with(page(501..502, &split)).mount(&server).await;
    let (clock, credentials) = (clock(), credentials());
    let client = client(&server.uri(), &clock);
    let orders = client.orders_by_number(&call(&credentials, &clock), "W-10500").await.unwrap();
    let ids: Vec<u64> = orders.iter().filter_map(stevedore_shipstation::RawOrder::order_id).map(|id| id.0).collect();
    assert_eq!(ids, [718_300_001, 718_300_002]);
    assert_eq!(client.requests(), 2);
    assert!(client.orders_by_number(&call(&credentials, &clock), " ").await.unwrap().is_empty());
    assert_eq!(client.requests(), 2, "a blank filter would list everything");
}
