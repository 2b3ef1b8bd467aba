//! Instructions with a body, at the wire: what is sent, and what is sent again.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use stevedore_shipstation::{Error, Repetition};
use wiremock::matchers::{any, basic_auth, body_json, header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::{TestClock, call, client, credentials};

fn clock() -> TestClock {
    TestClock::at("2026-05-05T22:00:00Z")
}

/// A ShipStation that answers with these statuses, and with the last one from then on.
async fn script(statuses: &'static [u16]) -> MockServer {
    let server = MockServer::start().await;
    let next = AtomicUsize::new(0);
    let respond = move |_: &Request| {
        let status = statuses[next.fetch_add(1, Ordering::SeqCst).min(statuses.len() - 1)];
        ResponseTemplate::new(status).insert_header("x-rate-limit-reset", "5").set_body_json(json!({"id": 7}))
    };
    Mock::given(any()).respond_with(respond).mount(&server).await;
    server
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_body_is_sent_as_json_with_the_credentials() {
    let server = MockServer::start().await;
    for (verb, answer) in [("POST", ResponseTemplate::new(201).set_body_json(json!({"id": 7}))), ("PUT", ResponseTemplate::new(204))] {
        Mock::given(method(verb))
            .and(path("/webhooks"))
            .and(basic_auth("the-key", "the-secret"))
            .and(header("content-type", "application/json"))
            .and(body_json(json!({"event": "ORDER_NOTIFY", "amount": 0.1})))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
    }
    let (clock, credentials) = (clock(), credentials());
    let (client, call) = (client(&server.uri(), &clock), call(&credentials, &clock));
    let body = json!({"event": "ORDER_NOTIFY", "amount": 0.1});
    let answer: Value = client.post(&call, "/webhooks", &body, Repetition::DoesItAgain).await.unwrap();
    assert_eq!(answer, json!({"id": 7}));
    client.put::<()>(&call, "/webhooks", &body).await.unwrap();
}

/// An answer of 5xx may come after the instruction was carried out; 429 says that it was not.
#[tokio::test]
async fn only_what_may_be_repeated_is_sent_again_after_an_answer_of_5xx() {
    let cases: [(&[u16], Repetition, usize, bool); 5] = [
        (&[503, 201], Repetition::DoesItAgain, 1, false),
        (&[503, 201], Repetition::Harmless, 2, true),
        (&[500, 201], Repetition::DoesItAgain, 1, false),
        (&[429, 201], Repetition::DoesItAgain, 2, true),
        (&[429, 503, 201], Repetition::DoesItAgain, 2, false),
    ];
    for (statuses, repetition, requests, succeeds) in cases {
        let server = script(statuses).await;
        let (clock, credentials) = (clock(), credentials());
        let result: Result<Value, Error> =
            client(&server.uri(), &clock).post(&call(&credentials, &clock), "/orders", &json!({}), repetition).await;
        assert_eq!((asked(&server).await, result.is_ok()), (requests, succeeds), "{statuses:?} {repetition:?}: {result:?}");
        assert!(result.is_ok() || matches!(result, Err(Error::Unavailable { .. })), "{result:?}");
    }
    let server = script(&[503, 200]).await;
    let (clock, credentials) = (clock(), credentials());
    client(&server.uri(), &clock).put::<Value>(&call(&credentials, &clock), "/orders", &json!({})).await.unwrap();
    assert_eq!(asked(&server).await, 2, "a replacement may be repeated");
}

/// Without a connection nothing was carried out, so that it is tried again.
#[tokio::test]
async fn what_was_never_received_is_sent_again() {
    let (clock, credentials) = (clock(), credentials());
    let client = client("http://127.0.0.1:1", &clock);
    let result: Result<Value, Error> = client.post(&call(&credentials, &clock), "/orders", &json!({}), Repetition::DoesItAgain).await;
    assert!(matches!(result, Err(Error::Unavailable { status: None, .. })), "{result:?}");
    assert_eq!(client.requests(), 4, "the first attempt and three more");
}

#[tokio::test]
async fn refused_credentials_are_an_error_at_once() {
    let server = script(&[401]).await;
    let (clock, credentials) = (clock(), credentials());
    let result: Result<Value, Error> =
        client(&server.uri(), &clock).post(&call(&credentials, &clock), "/orders", &json!({}), Repetition::Harmless).await;
    assert!(matches!(result, Err(Error::Unauthorized)), "{result:?}");
    assert_eq!(asked(&server).await, 1);
}
