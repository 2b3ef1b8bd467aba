//! Trust of the clients, and their behavior when a connection fails: real TLS on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use stevedore_aws::{ClientOptions, Clients, Table, create_table};
use stevedore_engines::{EngineOptions, Engines};
use stevedore_lambda::ErrorChain;
use stevedore_shipstation::{Call, Client, Credentials, Priority};
use tokio::io::{AsyncReadExt as _, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::tls::Authority;
use crate::world::{Options, START, TestClock, World};

/// Fault of the first connection.
#[derive(Clone, Copy, Debug)]
enum First {
    /// Closed after it is accepted.
    Closed,
    /// Never answered.
    Silent,
    /// Closed after this many bytes from the other side.
    CutOff(u64),
}

/// A proxy in front of a port that fails once. Returns its own port and the number of connections.
async fn failing_once(inner: u16, first: First) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut outer, _)) = listener.accept().await {
            let fault = (counted.fetch_add(1, Ordering::SeqCst) == 0).then_some(first);
            tokio::spawn(async move {
                let mut inner = TcpStream::connect(("127.0.0.1", inner)).await.unwrap();
                match fault {
                    None => drop(copy_bidirectional(&mut outer, &mut inner).await),
                    Some(First::Closed) => {}
                    Some(First::Silent) => std::future::pending().await,
                    Some(First::CutOff(bytes)) => {
                        let (mut from_outer, mut to_outer) = outer.split();
                        let (from_inner, mut to_inner) = inner.split();
                        let mut answer = from_inner.take(bytes);
                        tokio::select! {
                            _ = copy(&mut answer, &mut to_outer) => {}
                            _ = copy(&mut from_outer, &mut to_inner) => {}
                        }
                    }
                }
            });
        }
    });
    (port, count)
}

fn port(address: &str) -> u16 {
    address.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap()
}

fn clients(endpoint: &str, trusted: Option<String>) -> Clients {
    let options = ClientOptions { trusted: trusted.map(String::into_bytes), ..ClientOptions::default() };
    Clients::at_endpoint(endpoint, options)
}

async fn engines() -> Engines {
    let engines = Engines::start(EngineOptions::in_memory(TestClock::new(START).clock())).await.unwrap();
    create_table(&Clients::at_endpoint(engines.endpoint(), ClientOptions::default()), "stevedore").await.unwrap();
    engines
}

#[tokio::test]
async fn who_is_not_vouched_for_is_not_talked_to() {
    let engines = engines().await;
    let authority = Authority::new();
    let endpoint = authority.in_front_of(engines.endpoint()).await;

    Table::new(&clients(&endpoint, Some(authority.pem.clone())), "stevedore").ping().await.unwrap();

    // Neither Mozilla's roots nor another authority have issued this server's certificate.
    for trusted in [None, Some(Authority::new().pem)] {
        let refused = Table::new(&clients(&endpoint, trusted), "stevedore").ping().await.unwrap_err();
        let why = ErrorChain(&refused).to_string();
        assert!(why.contains("UnknownIssuer") || why.contains("BadSignature"), "{why}");
    }
}

#[tokio::test]
async fn shipstation_is_held_to_its_certificate_as_well() {
    let world = World::new(Options::default()).await;
    let authority = Authority::new();
    let endpoint = authority.in_front_of(world.sandbox_url()).await;
    let credentials = world.secrets.read().await.unwrap().unwrap();
    for (pem, trusted) in [(authority.pem.as_str(), true), ("", false)] {
        let http = stevedore_shipstation::http_client_trusting(pem.as_bytes()).unwrap();
        let client = Client::new(stevedore_shipstation::ClientOptions::new(endpoint.clone(), http, world.clock.clock()));
        let credentials = Credentials { api_key: credentials.api_key.clone(), api_secret: credentials.api_secret.clone() };
        let deadline = world.clock.now() + SignedDuration::from_secs(20);
        let asked = client.stores(&Call { credentials: &credentials, priority: Priority::Operator, deadline }).await;
        assert_eq!(asked.is_ok(), trusted, "{asked:?}");
    }
}

/// A failed connection is tried again, on another one, and the working one is kept.
#[tokio::test]
async fn a_connection_that_fails_is_not_the_end() {
    let engines = engines().await;
    let authority = Authority::new();
    let secured = port(&authority.in_front_of(engines.endpoint()).await);
    let plain = port(engines.endpoint());
    // During the handshake, and during an answer.
    let cases = [
        ("https", secured, First::Closed),
        ("https", secured, First::Silent),
        ("https", secured, First::CutOff(600)),
        ("http", plain, First::Closed),
        ("http", plain, First::CutOff(20)),
    ];
    for (scheme, inner, first) in cases {
        let (port, count) = failing_once(inner, first).await;
        let table = Table::new(&clients(&format!("{scheme}://localhost:{port}"), Some(authority.pem.clone())), "stevedore");
        for _ in 0..2 {
            table.ping().await.unwrap_or_else(|error| panic!("{scheme} {first:?}: {}", ErrorChain(&error)));
            assert_eq!(count.load(Ordering::SeqCst), 2, "{scheme} {first:?}");
        }
    }
}
