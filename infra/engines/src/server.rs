//! The endpoint: HTTP/1.1 with keep-alive on 127.0.0.1. The target header selects the engine.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::faults::{Fault, Faults};
use crate::forward::Forward;
use crate::secrets::Secrets;
use crate::signature::{AccessKey, is_local, verify};
use crate::sqs::Queues;
use crate::stopping::stopped;
use crate::tables::Tables;
use crate::wire::{Refusal, Reply, Service};

/// DynamoDB takes bodies of 16 MiB, the other two less.
const MAX_BODY: usize = 16 * 1024 * 1024 + 64 * 1024;

/// Time in which running requests may finish after the endpoint is stopped.
const GRACE: Duration = Duration::from_secs(5);

/// The three engines behind the endpoint.
pub(crate) struct Backends {
    pub(crate) tables: Tables,
    /// Address of the tables, if another engine keeps them.
    pub(crate) elsewhere: Option<Forward>,
    pub(crate) queues: Queues,
    pub(crate) secrets: Secrets,
    pub(crate) faults: Faults,
    /// Requires requests to be signed with the key, once it is set.
    pub(crate) signed: bool,
    pub(crate) access_key: Arc<OnceLock<AccessKey>>,
}

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut, as a fault asks")]
struct Cut;

/// Serves until `stopping` becomes true, then lets running requests finish. If it is dropped
/// before, every connection is cut.
pub(crate) async fn serve(listener: TcpListener, backends: Arc<Backends>, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&backends), stopping.clone()));
                }
                // Usually there are no free file descriptors; connections that close release some.
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = stopped(&mut stopping) => break,
        }
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, drained).await.is_err() {
        connections.shutdown().await;
    }
}

async fn connection(stream: TcpStream, backends: Arc<Backends>, mut stopping: watch::Receiver<bool>) {
    // Answers are small and the client waits for them.
    let _ = stream.set_nodelay(true);
    let stop = stopping.clone();
    let service = service_fn(move |request| handle(Arc::clone(&backends), request, stop.clone()));
    let served = hyper::server::conn::http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stopped(&mut stopping) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended early");
    }
}

async fn handle(
    backends: Arc<Backends>,
    request: Request<Incoming>,
    stopping: watch::Receiver<bool>,
) -> Result<Response<Full<Bytes>>, Cut> {
    if !is_local(request.headers().get(HOST)) {
        return Ok(plain(StatusCode::FORBIDDEN, "The Host header names no address of this machine.\n"));
    }
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).map(str::to_owned);
    let Some((service, operation)) = target.as_deref().and_then(Service::of_target) else {
        return Ok(no_target(request.method()));
    };
    let (headers, method) = (request.headers().clone(), request.method().clone());
    let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
        let refusal = Refusal { status: 413, ..Refusal::new("RequestEntityTooLarge", "The request is too large.") };
        return Ok(response(service.refuse(&refusal)));
    };
    let body = body.to_bytes();
    if backends.signed
        && let Err(refusal) = verify(backends.access_key.get(), service, &headers, method.as_str(), &body)
    {
        return Ok(response(service.refuse(&refusal)));
    }
    let fault = backends.faults.next(operation);
    match &fault {
        Some(Fault::Throttle) => return Ok(response(service.refuse(&service.throttled()))),
        Some(Fault::Error { status, code }) => {
            let refusal = Refusal { status: *status, code: code.clone().into(), message: "A fault that was asked for.".to_owned() };
            return Ok(response(service.refuse(&refusal)));
        }
        Some(Fault::LostRequest) => return Err(Cut),
        Some(Fault::Delay(delay)) => tokio::time::sleep(*delay).await,
        Some(Fault::LostReply | Fault::Partial(_)) | None => {}
    }
    let reply = match (&backends.elsewhere, service) {
        (Some(elsewhere), Service::Tables) => elsewhere.answer(&headers, body).await,
        (None, Service::Tables) => {
            let (tables, name) = (backends.tables.clone(), operation.to_owned());
            let most = if let Some(Fault::Partial(most)) = &fault { Some(*most) } else { None };
            let answered = tokio::task::spawn_blocking(move || tables.answer_in_part(&name, &body, most)).await;
            answered.unwrap_or_else(|_| service.refuse(&Refusal::internal()))
        }
        _ => answer(&backends, service, operation, body, stopping).await,
    };
    if fault == Some(Fault::LostReply) {
        return Err(Cut);
    }
    Ok(response(reply))
}

async fn answer(backends: &Backends, service: Service, operation: &str, body: Bytes, stopping: watch::Receiver<bool>) -> Reply {
    let answered = match service {
        Service::Queues => backends.queues.answer(operation, body, stopping).await,
        Service::Tables => Err(Refusal::internal()),
        Service::Secrets => {
            let (secrets, name) = (backends.secrets.clone(), operation.to_owned());
            tokio::task::spawn_blocking(move || secrets.answer(&name, &body)).await.unwrap_or_else(|_| Err(Refusal::internal()))
        }
    };
    match answered {
        Ok(value) => service.reply(value.to_string()),
        Err(refusal) => service.refuse(&refusal),
    }
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if let Some(Ok(error)) = reply.query_error.map(HeaderValue::try_from) {
        response.headers_mut().insert("x-amzn-query-error", error);
    }
    response
}

/// Answers a client without a target header, which is no AWS client: a GET returns the endpoint's
/// health.
fn no_target(method: &Method) -> Response<Full<Bytes>> {
    match *method {
        Method::GET | Method::HEAD => plain(StatusCode::OK, "DynamoDB, SQS and Secrets Manager\n"),
        _ => plain(StatusCode::BAD_REQUEST, "The header X-Amz-Target names none of DynamoDB_20120810, AmazonSQS, secretsmanager.\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
