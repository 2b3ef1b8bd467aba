//! Each fault that ShipStation or the way to it can show, at the wire.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use stevedore_shipstation::{Call, Client, Error, OrderReader, Priority};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::{TestClock, call, client, credentials, options, wall};

const EMPTY: &str = r#"{"orders":[],"total":0,"page":1,"pages":0}"#;

fn clock() -> TestClock {
    TestClock::at("2026-05-05T22:00:00Z")
}

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/json; charset=utf-8")
}

/// A ShipStation that gives these answers, and the last one for ever.
async fn script(answers: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let next = AtomicUsize::new(0);
    let respond = move |_: &Request| {
        let n = next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        answers[n].clone()
    };
    Mock::given(any()).respond_with(respond).mount(&server).await;
    server
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// One step of a reading against these answers: the error or the number of orders, how often was asked, and how long was waited.
async fn step(answers: Vec<ResponseTemplate>) -> (Result<usize, Error>, usize, SignedDuration) {
    let server = script(answers).await;
    let clock = clock();
    let start = clock.now();
    let credentials = credentials();
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let result = reading.next(&client(&server.uri(), &clock), &call(&credentials, &clock)).await.map(|step| step.orders.len());
    (result, asked(&server).await, clock.now().duration_since(start))
}

/// S16: refused credentials are a clear error, at once.
#[tokio::test]
async fn s16_refused_credentials_401() {
    let server = script(vec![json(401, r#"{"Message":"Authorization has been denied for this request."}"#)]).await;
    let clock = clock();
    let credentials = credentials();
    let client = client(&server.uri(), &clock);
    let error = client.verify_credentials(&call(&credentials, &clock)).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized));
    assert_eq!(error.code(), "shipstation_refused_credentials");
    assert!(error.advice().contains("API Settings") && !error.is_passing());
    assert_eq!((client.requests(), asked(&server).await), (1, 1), "not tried again");
    assert!(!format!("{client:?} {credentials:?} {error:?}").contains("the-secret"));
}

#[tokio::test]
async fn errors_402_403_404_and_what_is_not_documented() {
    let cases = [
        (402, "shipstation_plan_without_api"),
        (403, "shipstation_forbidden"),
        (404, "shipstation_not_found"),
        (400, "shipstation_unexpected_reply"),
        (405, "shipstation_unexpected_reply"),
    ];
    for (status, code) in cases {
        let (result, asked, waited) = step(vec![json(status, r#"{"Message":"no"}"#)]).await;
        assert_eq!((result.unwrap_err().code(), asked, waited), (code, 1, SignedDuration::ZERO));
    }
    let (result, ..) = step(vec![json(200, r#"{"message":"hello"}"#)]).await;
    assert!(matches!(result, Err(Error::Unexpected { status: 200, source: Some(_) })));
}

#[tokio::test]
async fn throttled_429_waits_as_its_header_says() {
    for (header, value, seconds) in [
        ("X-Rate-Limit-Reset", "17", 17),
        ("Retry-After", "23", 23),
        ("Retry-After", "Tue, 05 May 2026 22:00:31 GMT", 31),
        ("X-Nothing", "1", 60),
    ] {
        let answer = json(429, r#"{"message": "Too Many Requests"}"#).insert_header(header, value);
        let (result, asked, waited) = step(vec![answer, json(200, EMPTY)]).await;
        assert_eq!((result.unwrap(), asked, waited), (0, 2, SignedDuration::from_secs(seconds)), "{header}: {value}");
    }
}

#[tokio::test]
async fn throttled_by_its_body_whatever_the_status() {
    for (status, body) in [
        (200, r#"{"message": "Too Many Requests"}"#),
        (500, "Too Many Requests"),
        (503, r#""Too Many Requests""#),
        (403, "<html>Too Many Requests</html>"),
    ] {
        let (result, asked, waited) = step(vec![json(status, body), json(200, EMPTY)]).await;
        assert_eq!((result.unwrap(), asked, waited), (0, 2, SignedDuration::from_secs(60)), "{status} {body}");
    }
    // A buyer may write it.
    let order = r#"{"orders":[{"orderId":1,"orderNumber":"1","modifyDate":"2026-05-05T08:00:00","orderStatus":"shipped","orderTotal":1,"customerNotes":"Too Many Requests"}],"total":1}"#;
    let (result, asked, waited) = step(vec![json(200, order)]).await;
    assert_eq!((result.unwrap(), asked, waited), (1, 1, SignedDuration::ZERO));
}

/// No wait beyond the deadline: the caller comes back then, and nothing was lost.
#[tokio::test]
async fn throttled_beyond_the_deadline_says_when_to_come_back() {
    let server = script(vec![json(429, "{}").insert_header("X-Rate-Limit-Reset", "40"), json(200, EMPTY)]).await;
    let clock = clock();
    let (start, credentials) = (clock.now(), credentials());
    let client = client(&server.uri(), &clock);
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let soon = |clock: &TestClock| Call {
        credentials: &credentials,
        priority: Priority::Background,
        deadline: clock.now() + SignedDuration::from_secs(30),
    };
    let retry_at = start + SignedDuration::from_secs(40);
    for _ in 0..2 {
        match reading.next(&client, &soon(&clock)).await {
            Err(Error::Throttled { retry_at: at }) => assert_eq!(at, retry_at),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((clock.now(), asked(&server).await, reading.requests()), (start, 1, 1), "neither waited nor asked");
    clock.move_on(SignedDuration::from_secs(40));
    assert!(reading.next(&client, &soon(&clock)).await.unwrap().finished);
    clock.move_on(SignedDuration::from_secs(40));
    let over = Call { deadline: clock.now(), ..soon(&clock) };
    assert!(matches!(client.verify_credentials(&over).await, Err(Error::DeadlineReached)));
    assert_eq!(asked(&server).await, 2);
}

/// N19: remaining 0 waits for the next window, and the background leaves a reserve to the operator.
#[tokio::test]
async fn n19_pacing_follows_the_headers() {
    let left = |remaining: &str| {
        json(200, "[]")
            .insert_header("X-Rate-Limit-Limit", "40")
            .insert_header("X-Rate-Limit-Remaining", remaining)
            .insert_header("X-Rate-Limit-Reset", "25")
    };
    let server = script(vec![left("4"), left("3"), left("0"), left("40")]).await;
    let clock = clock();
    let (start, credentials) = (clock.now(), credentials());
    let client = client(&server.uri(), &clock);
    assert_eq!(client.pacing(), None);
    let background = call(&credentials, &clock);
    let operator = Call { priority: Priority::Operator, ..background };
    client.verify_credentials(&background).await.unwrap();
    let state = client.pacing().unwrap();
    assert_eq!((state.limit, state.remaining, state.resets_at), (40, 4, start + SignedDuration::from_secs(25)));
    let hurried = Call { deadline: start + SignedDuration::from_secs(20), ..background };
    assert!(matches!(client.verify_credentials(&hurried).await, Err(Error::Throttled { .. })), "the last four are the operator's");
    client.verify_credentials(&operator).await.unwrap();
    client.verify_credentials(&operator).await.unwrap();
    assert_eq!(clock.now(), start);
    // Clones share the pace; another key has its own.
    let other = stevedore_shipstation::Credentials { api_key: "another".to_owned().into(), api_secret: "x".to_owned().into() };
    client.verify_credentials(&Call { credentials: &other, ..operator }).await.unwrap();
    assert_eq!(clock.now(), start);
    client.clone().verify_credentials(&operator).await.unwrap();
    assert_eq!(clock.now(), start + SignedDuration::from_secs(25), "nothing was left");
    assert_eq!(client.requests(), 5);
}

/// Whatever the headers say, the limit and the wait stay in their range.
#[tokio::test]
async fn absurd_headers_move_no_limit_out_of_its_range() {
    for (limit, remaining, reset) in [
        ("99999999999999999999", "99999999999999999999", "99999999999999999999"),
        ("4294967295", "4294967295", "4294967295"),
        ("-40", "-5", "-60"),
        ("0", "0", "0"),
        ("1e3", "NaN", "tomorrow"),
        ("", "", ""),
    ] {
        let answer = json(200, "[]")
            .insert_header("X-Rate-Limit-Limit", limit)
            .insert_header("X-Rate-Limit-Remaining", remaining)
            .insert_header("X-Rate-Limit-Reset", reset);
        let server = script(vec![answer]).await;
        let (clock, credentials) = (clock(), credentials());
        let client = client(&server.uri(), &clock);
        client.verify_credentials(&call(&credentials, &clock)).await.unwrap();
        if let Some(state) = client.pacing() {
            assert!(state.limit <= 10_000 && state.remaining <= state.limit, "{limit} {remaining} {reset}: {state:?}");
            assert!(state.resets_at > clock.now(), "{limit} {remaining} {reset}: {state:?}");
            assert!(state.resets_at <= clock.now() + SignedDuration::from_hours(1), "{limit} {remaining} {reset}: {state:?}");
        }
    }
    for wait in ["99999999999999999999", "-7", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "soon"] {
        let (result, asked, waited) = step(vec![json(429, "").insert_header("Retry-After", wait), json(200, EMPTY)]).await;
        assert!(waited <= SignedDuration::from_hours(1), "{wait}: waited {waited}");
        match result {
            Ok(orders) => assert_eq!((orders, asked), (0, 2), "{wait}"),
            Err(error) => assert_eq!(error.code(), "shipstation_throttled", "{wait}"),
        }
    }
}

#[tokio::test]
async fn unavailable_503_is_tried_again_and_then_given_up() {
    let (result, asked, waited) = step(vec![json(503, ""), json(502, ""), json(504, ""), json(200, EMPTY)]).await;
    assert_eq!((result.unwrap(), asked), (0, 4));
    assert!((SignedDuration::from_millis(3500)..=SignedDuration::from_secs(7)).contains(&waited), "{waited}");
    let (result, asked, _) = step(vec![json(503, "")]).await;
    assert!(matches!(result, Err(Error::Unavailable { status: Some(503), source: None })));
    // The fifth asks whether ShipStation answers at all: it does not, so this is no one order's fault.
    assert_eq!(asked, 5);
    let (result, asked, waited) = step(vec![json(503, "").insert_header("Retry-After", "20"), json(200, EMPTY)]).await;
    assert_eq!((result.unwrap(), asked, waited), (0, 2, SignedDuration::from_secs(20)));
}

#[tokio::test]
async fn html_with_status_200_is_not_json() {
    for answer in [
        ResponseTemplate::new(200).set_body_raw("<!DOCTYPE html><title>Sorry</title>", "text/html"),
        json(200, "  <html></html>"),
        json(200, "Service temporarily offline"),
        ResponseTemplate::new(200).set_body_raw("{", "text/html"),
    ] {
        let (result, asked, _) = step(vec![answer]).await;
        assert_eq!(result.unwrap_err().code(), "shipstation_not_json");
        assert!(asked <= 20, "it is the same for every page, which {asked} questions found out");
    }
}

#[tokio::test]
async fn truncated_json_is_asked_for_once_more() {
    let cut = r#"{"orders":[{"orderId":1,"orderNumber":"1","modif"#;
    let (result, asked, _) = step(vec![json(200, cut), json(200, EMPTY)]).await;
    assert_eq!((result.unwrap(), asked), (0, 2));
    for cut in [cut, "", r#"{"orders":[]"#] {
        let (result, asked, _) = step(vec![json(200, cut)]).await;
        assert!(matches!(result, Err(Error::Truncated { .. })), "{cut}");
        assert!(asked <= 20, "{cut}: {asked}");
    }
}

#[tokio::test]
async fn a_page_with_broken_utf8_holds_up_only_the_order_with_it() {
    let order = |id: u8, name: &[u8]| {
        [format!(r#"{{"orderId":{id},"orderNumber":"{id}","modifyDate":"2026-05-05T08:00:00","orderStatus":"shipped","orderTotal":1,"customerNotes":""#).as_bytes(), name, br#""}"#].concat()
    };
    let body = [
        b"\xef\xbb\xbf{\"orders\":[".to_vec(),
        order(1, b"Jos\xe9"),
        b",".to_vec(),
        order(2, "José".as_bytes()),
        b"],\"total\":2}".to_vec(),
    ]
    .concat();
    let server = script(vec![ResponseTemplate::new(200).set_body_raw(body, "application/json")]).await;
    let (clock, credentials) = (clock(), credentials());
    let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
    let step = reading.next(&client(&server.uri(), &clock), &call(&credentials, &clock)).await.unwrap();
    assert_eq!(step.orders[0].parsed.as_ref().unwrap_err().order_id.unwrap().0, 1);
    assert_eq!(step.orders[1].parsed.as_ref().unwrap().order.customer_notes.as_deref(), Some("José"));
}

/// Behavior of a raw connection.
#[derive(Clone, Copy)]
enum Connection {
    Close,
    Hang,
    /// Announces more than it sends, then closes.
    Break,
    Answer,
}

/// Accepts connections and does these things with them, the last for ever. Returns its address and counts connections.
fn connections(script: Vec<Connection>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        let hanging = Mutex::new(Vec::new());
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let n = counter.fetch_add(1, Ordering::SeqCst).min(script.len() - 1);
            let mut head = [0; 2048];
            let _ = stream.read(&mut head);
            match script[n] {
                Connection::Close => {}
                Connection::Hang => hanging.lock().unwrap().push(stream),
                Connection::Break => {
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"orders\":[");
                }
                Connection::Answer => {
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                        EMPTY.len()
                    );
                    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(EMPTY.as_bytes()));
                }
            }
        }
    });
    (address, count)
}

#[tokio::test]
async fn slow_answers_resets_and_broken_connections() {
    for fault in [Connection::Close, Connection::Hang, Connection::Break] {
        for (script, expected) in [(vec![fault, fault, Connection::Answer], None), (vec![fault], Some("shipstation_unavailable"))] {
            let (address, count) = connections(script);
            let (clock, credentials) = (clock(), credentials());
            let mut options = options(&address, &clock);
            options.timeout = Duration::from_millis(150);
            let client = Client::new(options);
            let mut reading = OrderReader::changed(wall("2026-05-05T08:00:00"), None);
            let result = reading.next(&client, &call(&credentials, &clock)).await;
            match expected {
                None => assert!(result.unwrap().finished),
                Some(code) => {
                    let error = result.unwrap_err();
                    assert_eq!(error.code(), code);
                    assert!(std::error::Error::source(&error).is_some(), "the cause is kept");
                }
            }
            assert!(count.load(Ordering::SeqCst) >= 3);
        }
    }
}

#[tokio::test]
async fn nobody_listens_and_no_address_at_all() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (clock, credentials) = (clock(), credentials());
    let error = client(&address, &clock).verify_credentials(&call(&credentials, &clock)).await.unwrap_err();
    assert_eq!(error.code(), "shipstation_unavailable");
    let error = client("not an address", &clock).verify_credentials(&call(&credentials, &clock)).await.unwrap_err();
    assert_eq!((error.code(), error.is_passing()), ("shipstation_address_unusable", false));
}

/// A redirect elsewhere is not followed: it would take the key or the buyer's data there.
#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = script(vec![json(200, "[]")]).await;
    let server = script(vec![ResponseTemplate::new(302).insert_header("Location", elsewhere.uri())]).await;
    let (clock, credentials) = (clock(), credentials());
    let error = client(&server.uri(), &clock).verify_credentials(&call(&credentials, &clock)).await.unwrap_err();
    assert!(matches!(error, Error::Unexpected { status: 302, .. }));
    assert_eq!(asked(&elsewhere).await, 0);
}
