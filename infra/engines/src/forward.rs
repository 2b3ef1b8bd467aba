//! Tables in another engine. Each DynamoDB call is forwarded unchanged, so that tests which depend
//! on a quirk of the embedded engine fail.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::wire::{Refusal, Reply, Service};

/// Address of the other engine.
pub(crate) struct Forward {
    /// `127.0.0.1:8000`.
    address: String,
    /// The access key under which the tables of these engines are kept. Such engines keep one set
    /// of tables for each key.
    access_key: String,
}

impl Forward {
    /// `endpoint` is `http://HOST:PORT`.
    pub(crate) fn new(endpoint: &str) -> Self {
        static ENGINES: AtomicU64 = AtomicU64::new(0);
        let address = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
        // Twelve digits, because some engines take the key for an account number. Unlike a port, it
        // is never used again, so tables of earlier engines are not seen.
        let access_key = format!("{:07}{:05}", std::process::id() % 10_000_000, ENGINES.fetch_add(1, Ordering::Relaxed) % 100_000);
        Self { address, access_key }
    }

    pub(crate) async fn answer(&self, headers: &HeaderMap, body: Bytes) -> Reply {
        match self.ask(headers, body).await {
            Ok(reply) => reply,
            Err(error) => {
                tracing::error!(error, "the other engine does not answer");
                Service::Tables.refuse(&Refusal::internal())
            }
        }
    }

    /// Opens a connection for each call, which is simple and fast enough on one machine.
    async fn ask(&self, headers: &HeaderMap, body: Bytes) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::post("/").header(HOST, &self.address);
        for (name, value) in headers {
            let kept = *name == CONTENT_TYPE || name.as_str().starts_with("x-amz");
            if kept {
                request = request.header(name, value);
            } else if *name == AUTHORIZATION {
                request = request.header(name, self.authorization(value)?);
            }
        }
        let response = sender.send_request(request.body(Full::new(body))?).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Reply::tables(status, String::from_utf8(body.to_vec())?))
    }

    /// The header with the access key of these engines. No engine on one machine checks the
    /// signature.
    fn authorization(&self, value: &HeaderValue) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let text = value.to_str()?;
        let (before, rest) = text.split_once("Credential=").ok_or("no credential")?;
        let (_, after) = rest.split_once('/').ok_or("no access key")?;
        Ok(format!("{before}Credential={}/{after}", self.access_key))
    }
}
