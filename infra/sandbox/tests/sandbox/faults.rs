//! Every fault, from a client's side.

use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use stevedore_sandbox::{Damage, Defect, Draft, Fault, Json, Rule, Sandbox};

use crate::client::{Client, Hands, NOW, options};

/// Orders 1 to 10 with ascending modification times, and their clock.
fn ten() -> (Hands, Sandbox) {
    let hands = Hands::at(NOW);
    let sandbox = Sandbox::from_orders(options(&hands), Vec::<Draft>::new());
    for id in 1..=10 {
        hands.advance(60);
        sandbox.upsert_order(Draft::new(format!("F{id}")).id(id).line("A", 1, Decimal::ONE));
    }
    (hands, sandbox)
}

async fn broken() -> (Sandbox, Client) {
    let (_, sandbox) = ten();
    let client = Client::of(&sandbox).await;
    (sandbox, client)
}

#[tokio::test]
async fn statuses_with_asp_net_bodies() {
    let (sandbox, client) = broken().await;
    for (fault, status) in [
        (Fault::Unauthorized, 401),
        (Fault::PaymentRequired, 402),
        (Fault::Forbidden, 403),
        (Fault::NotFound, 404),
        (Fault::ServerError, 500),
    ] {
        sandbox.faults().add(Rule::times(fault.clone(), 1));
        let reply = client.get("/orders").await;
        assert_eq!(reply.status, status);
        assert!(reply.json().get("Message").is_some(), "{fault:?}");
        assert_eq!(client.get("/orders").await.status, 200, "{fault:?} strikes once");
        assert_eq!(sandbox.requests().iter().rev().nth(1).unwrap().faults, [fault]);
    }
    sandbox.faults().add(Rule::always(Fault::ServerError));
    let body = client.get("/stores").await.json();
    assert!(body.get("ExceptionType").is_some() && body.get("StackTrace").is_some());
    assert_eq!(client.get("/stores").await.status, 500);
}

#[tokio::test]
async fn throttling_by_header_and_by_body_only() {
    let (sandbox, client) = broken().await;
    sandbox.faults().add(Rule::times(Fault::TooManyRequests { reset_seconds: Some(7) }, 1));
    let reply = client.get("/orders").await;
    assert_eq!((reply.status, reply.number("X-Rate-Limit-Remaining"), reply.number("X-Rate-Limit-Reset")), (429, 0, 7));
    for status in [200, 500] {
        sandbox.faults().clear();
        sandbox.faults().add(Rule::always(Fault::TooManyRequestsBody { status, reset_seconds: None }));
        let reply = client.get("/orders").await;
        assert_eq!(reply.status, status);
        assert!(reply.body.contains("Too Many Requests"));
        assert_eq!(reply.number("X-Rate-Limit-Reset"), 55);
    }
}

#[tokio::test]
async fn an_unreadable_order_makes_every_answer_with_it_unreadable() {
    for damage in [Damage::ControlCharacter, Damage::NotANumber, Damage::CutOff, Damage::Html] {
        let (sandbox, client) = broken().await;
        sandbox.faults().add(Rule::always(Fault::UnreadableOrder { order_id: 7, damage }));
        for path in ["/orders?pageSize=500", "/orders?pageSize=5&page=2", "/orders?pageSize=1&page=7", "/orders/7"] {
            let reply = client.get(path).await;
            assert_eq!(reply.status, 200, "{damage:?} {path}");
            assert!(serde_json::from_str::<serde_json::Value>(&reply.body).is_err(), "{damage:?} {path}: {}", reply.body);
            assert_eq!(reply.body.contains("\"orderId\":7"), damage != Damage::Html, "{damage:?} {path}");
        }
        for path in ["/orders?pageSize=5&page=1", "/orders?pageSize=1&page=8", "/orders/8", "/stores"] {
            let reply = client.get(path).await;
            assert!(serde_json::from_str::<serde_json::Value>(&reply.body).is_ok(), "{damage:?} {path}: {}", reply.body);
        }
    }
}

#[tokio::test]
async fn a_poison_order_breaks_every_page_that_holds_it() {
    let (sandbox, client) = broken().await;
    sandbox.faults().add(Rule::always(Fault::PoisonOrder { order_id: 7 }));
    let status = async |query: &str| client.get(&format!("/orders?{query}")).await.status;
    assert_eq!(status("pageSize=500").await, 500);
    assert_eq!(status("pageSize=5&page=1").await, 200);
    assert_eq!(status("pageSize=5&page=2").await, 500);
    assert_eq!(status("pageSize=1&page=7").await, 500);
    assert_eq!(status("pageSize=1&page=8").await, 200);
    assert_eq!(client.get("/orders/7").await.status, 500);
    assert_eq!(client.get("/orders/8").await.status, 200);
}

#[tokio::test]
async fn html_and_unavailable_are_no_json() {
    let (sandbox, client) = broken().await;
    sandbox.faults().add(Rule::times(Fault::Html, 1));
    let reply = client.get("/orders").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html")));
    assert!(reply.body.starts_with("<!DOCTYPE html>"));
    sandbox.faults().add(Rule::times(Fault::Unavailable, 1));
    let reply = client.get("/orders").await;
    assert_eq!((reply.status, reply.header("content-type")), (503, Some("text/html")));
}

#[tokio::test]
async fn truncated_json_arrives_whole_and_is_not_json() {
    let (sandbox, client) = broken().await;
    let whole = client.get("/orders").await.body;
    sandbox.faults().add(Rule::times(Fault::TruncatedJson, 1));
    let reply = client.get("/orders").await;
    assert_eq!(reply.status, 200);
    assert!(whole.starts_with(&reply.body) && reply.body.len() < whole.len());
    assert!(reply.body.parse::<Json>().is_err());
}

#[tokio::test]
async fn connections_are_dropped_before_and_in_the_middle() {
    let (sandbox, client) = broken().await;
    for fault in [Fault::ConnectionReset, Fault::BrokenTransfer] {
        sandbox.faults().add(Rule::times(fault.clone(), 1));
        assert!(client.try_get("/orders").await.is_err(), "{fault:?}");
        assert_eq!(client.try_get("/orders").await.unwrap().ids().len(), 10, "{fault:?} strikes once");
    }
}

#[tokio::test]
async fn slow_replies_are_right_and_late() {
    let (sandbox, client) = broken().await;
    sandbox.faults().add(Rule::times(Fault::Slow { millis: 200 }, 1));
    let started = Instant::now();
    assert_eq!(client.get("/orders").await.ids().len(), 10);
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn pages_that_lie() {
    let (sandbox, client) = broken().await;
    sandbox.faults().add(Rule::times(Fault::PagesZero, 1));
    let reply = client.get("/orders?pageSize=4").await;
    assert_eq!((reply.int("pages"), reply.int("total"), reply.ids().len()), (0, 10, 4));
    sandbox.faults().add(Rule::times(Fault::EmptyPage, 1));
    let reply = client.get("/orders?pageSize=4").await;
    assert_eq!((reply.int("pages"), reply.int("total"), reply.ids().len()), (3, 10, 0));
    // Faults of order pages do not affect other routes.
    sandbox.faults().add(Rule::always(Fault::EmptyPage));
    assert_eq!(client.get("/stores").await.json().elements().len(), 5);
}

#[tokio::test]
async fn malformed_orders_among_good_ones() {
    let (sandbox, client) = broken().await;
    let of = |reply: &crate::client::Reply| reply.json().get("orders").unwrap().elements().to_vec();
    let good = of(&client.get("/orders").await);
    for defect in [Defect::ItemsAreText, Defect::TotalIsText, Defect::NoId, Defect::BadModifyDate, Defect::NotAnObject] {
        sandbox.faults().clear();
        sandbox.faults().add(Rule::always(Fault::MalformedOrder { order_id: Some(4), defect }));
        let orders = of(&client.get("/orders").await);
        assert_eq!(orders.len(), 10);
        for (position, (order, good)) in orders.iter().zip(&good).enumerate() {
            assert_eq!(order == good, position != 3, "{defect:?}");
        }
        match defect {
            Defect::ItemsAreText => assert!(orders[3].get("items").unwrap().as_text().is_some()),
            Defect::TotalIsText => assert_eq!(orders[3].get("orderTotal").unwrap().as_text(), Some("abc")),
            Defect::NoId => assert!(orders[3].get("orderId").is_none()),
            Defect::BadModifyDate => assert!(orders[3].get("modifyDate").unwrap().as_text().unwrap().contains("yesterday")),
            Defect::NotAnObject => assert!(orders[3].as_text().is_some()),
        }
    }
    sandbox.faults().clear();
    sandbox.faults().add(Rule::always(Fault::MalformedOrder { order_id: None, defect: Defect::TotalIsText }));
    assert_ne!(of(&client.get("/orders").await)[0], good[0]);
}

#[tokio::test]
async fn unknown_fields_are_added_and_nothing_is_lost() {
    let (sandbox, client) = broken().await;
    let good = client.get("/orders").await;
    sandbox.faults().add(Rule::times(Fault::UnknownFields, 1));
    let odd = client.get("/orders").await;
    assert_eq!(odd.ids(), good.ids());
    let (odd, good) = (odd.json(), good.json());
    assert!(odd.get("continuation").is_some());
    let (odd, good) = (&odd.get("orders").unwrap().elements()[0], &good.get("orders").unwrap().elements()[0]);
    assert!(odd.get("sustainability").is_some());
    assert!(odd.get("items").unwrap().elements()[0].get("bundleOf").is_some());
    assert_eq!(odd.get("orderTotal"), good.get("orderTotal"));
}

/// Reading by page number while an order of the next page is edited loses one order. Clients must
/// not do this.
#[tokio::test]
async fn an_order_is_edited_while_pages_are_read() {
    let (hands, sandbox) = ten();
    hands.advance(60);
    let client = Client::of(&sandbox).await;
    sandbox.faults().add(Rule::times(Fault::EditWhileReading, 1));
    let until = "modifyDateEnd=2026-03-04 10:10:30";
    let first = client.get(&format!("/orders?sortBy=ModifyDate&pageSize=5&{until}")).await.ids();
    let second = client.get(&format!("/orders?sortBy=ModifyDate&pageSize=5&page=2&{until}")).await.ids();
    assert_eq!((first, second), (vec![1, 2, 3, 4, 5], vec![7, 8, 9, 10]));
    let edited = sandbox.order(6).unwrap();
    assert!(edited.modified > sandbox.order(10).unwrap().modified);
    assert_eq!(sandbox.faults().list()[0].struck, 1);
}

#[tokio::test]
async fn every_nth_request_meets_a_passing_fault() {
    let (sandbox, client) = broken().await;
    sandbox.faults().add(Rule::every(Fault::Random, 10));
    let mut failed = 0;
    for _ in 0..40 {
        let good = matches!(client.try_get("/orders").await, Ok(reply) if reply.status == 200 && reply.body.parse::<Json>().is_ok_and(|body| body.get("orders").is_some()));
        failed += usize::from(!good);
    }
    assert_eq!(failed, 4);
}

#[tokio::test]
async fn faults_are_switched_over_http() {
    let (sandbox, client) = broken().await;
    let rules = r#"[{"fault":"server_error","times":1,"path":"/orders"},{"fault":{"slow":{"millis":1}},"every":2}]"#;
    let listed = client.send("PUT", "/_sandbox/faults", rules).await.unwrap();
    assert_eq!((listed.status, listed.json().elements().len()), (200, 2));
    assert_eq!(client.get("/stores").await.status, 200);
    assert_eq!(client.get("/orders").await.status, 500);
    assert_eq!(client.get("/orders").await.status, 200);
    let listed = client.get_anonymously("/_sandbox/faults").await.json();
    assert_eq!(listed.elements()[0].get("struck").unwrap().as_int(), Some(1));
    assert_eq!(client.send("POST", "/_sandbox/faults", r#"{"fault":"html"}"#).await.unwrap().json().elements().len(), 3);
    let refused = client.send("PUT", "/_sandbox/faults", r#"{"fault":"sever_error"}"#).await.unwrap();
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("sever_error"), "{}", refused.body);
    assert_eq!(sandbox.faults().list().len(), 3, "a refused document changes nothing");
    assert_eq!(client.send("DELETE", "/_sandbox/faults", "").await.unwrap().status, 204);
    assert_eq!(client.get("/orders").await.status, 200);
}
