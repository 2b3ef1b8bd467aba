//! A Lambda Runtime API for one function. It reports the first poll, sends an event, and reports
//! the answer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Request of the function.
#[derive(Debug)]
pub enum Did {
    /// It polled for an event, and gets the event that is sent here.
    Polled(oneshot::Sender<String>),
    /// It answered with this text.
    Answered(String),
    /// It failed with this text.
    Failed(String),
}

pub struct RuntimeApi {
    pub address: SocketAddr,
    pub did: UnboundedReceiver<Did>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<UnboundedSender<Did>>>);

impl Shared {
    fn say(&self, did: Did) {
        let _ = self.0.lock().unwrap().send(did);
    }
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let (said, did) = unbounded_channel();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .with_state(Shared(Arc::new(Mutex::new(said))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, did }
    }
}

async fn next(State(shared): State<Shared>) -> Response {
    let (hand_over, event) = oneshot::channel();
    shared.say(Did::Polled(hand_over));
    // Dropped: the function waits until it is ended.
    let Ok(event) = event.await else { std::future::pending().await };
    let deadline = (jiff::Timestamp::now().as_millisecond() + 900_000).to_string();
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", deadline.as_str()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:measured"),
        ("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"),
        ("content-type", "application/json"),
    ];
    (headers, event).into_response()
}

async fn answered(State(shared): State<Shared>, body: String) -> StatusCode {
    shared.say(Did::Answered(body));
    StatusCode::ACCEPTED
}

async fn failed(State(shared): State<Shared>, body: String) -> StatusCode {
    shared.say(Did::Failed(body));
    StatusCode::ACCEPTED
}
