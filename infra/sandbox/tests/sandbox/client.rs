//! A plain HTTP client on a socket, and a clock that only moves when it is set.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use jiff::Timestamp;
use stevedore_sandbox::{Clock, Json, Sandbox, SandboxOptions, Serving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A Wednesday, 10:00:05 in the Pacific zone.
pub(crate) const NOW: &str = "2026-03-04T18:00:05Z";

#[derive(Clone)]
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(crate) fn at(text: &str) -> Self {
        Self(Arc::new(AtomicI64::new(text.parse::<Timestamp>().unwrap().as_millisecond())))
    }

    pub(crate) fn clock(&self) -> Clock {
        let hands = self.0.clone();
        Arc::new(move || Timestamp::from_millisecond(hands.load(Ordering::SeqCst)).unwrap())
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

pub(crate) fn options(hands: &Hands) -> SandboxOptions {
    SandboxOptions { requests_per_minute: None, ..SandboxOptions::new(hands.clock()) }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Json {
        self.body.parse().unwrap_or_else(|error| panic!("{error:?}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub(crate) fn number(&self, name: &str) -> i64 {
        self.header(name).unwrap_or_else(|| panic!("no {name} in {}", self.head)).parse().unwrap()
    }

    pub(crate) fn ids(&self) -> Vec<i64> {
        self.json().get("orders").unwrap().elements().iter().map(|order| order.get("orderId").unwrap().as_int().unwrap()).collect()
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        self.json().get(name).unwrap().as_int().unwrap()
    }
}

pub(crate) struct Client {
    serving: Serving,
    credentials: String,
}

impl Client {
    pub(crate) async fn of(sandbox: &Sandbox) -> Self {
        let serving = sandbox.serve(0).await.unwrap();
        Self { serving, credentials: "sandbox-key:sandbox-secret".to_owned() }
    }

    pub(crate) async fn try_get(&self, path: &str) -> io::Result<Reply> {
        self.send("GET", path, "").await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.try_get(path).await.unwrap()
    }

    pub(crate) async fn get_as(&self, credentials: &str, path: &str) -> Reply {
        let other = base64::engine::general_purpose::STANDARD.encode(credentials);
        self.raw("GET", path, &format!("Authorization: Basic {other}\r\n"), "").await.unwrap()
    }

    pub(crate) async fn get_anonymously(&self, path: &str) -> Reply {
        self.raw("GET", path, "", "").await.unwrap()
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &str) -> io::Result<Reply> {
        let credentials = base64::engine::general_purpose::STANDARD.encode(&self.credentials);
        self.raw(method, path, &format!("Authorization: Basic {credentials}\r\n"), body).await
    }

    async fn raw(&self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<Reply> {
        let address = self.serving.base_url().strip_prefix("http://").unwrap();
        let mut socket = TcpStream::connect(address).await?;
        let request = format!(
            "{method} {} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            path.replace(' ', "%20"),
            body.len(),
        );
        socket.write_all(request.as_bytes()).await?;
        let mut received = Vec::new();
        socket.read_to_end(&mut received).await?;
        let received = String::from_utf8_lossy(&received).into_owned();
        let (head, body) = received.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let reply = Reply { status, head: head.to_owned(), body: body.to_owned() };
        match reply.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
            Some(length) if length > body.len() => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(reply),
        }
    }
}
