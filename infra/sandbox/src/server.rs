//! A listener whose connections can be cut: without a reply, or in the middle of one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A sandbox that answers on 127.0.0.1 until this is dropped.
#[derive(Debug)]
pub struct Serving {
    base_url: String,
    task: JoinHandle<()>,
}

impl Serving {
    /// `http://127.0.0.1:<port>`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a router on 127.0.0.1; port 0 takes a free one.
pub(crate) async fn serve(router: Router, port: u16) -> io::Result<Serving> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let service = router.into_make_service_with_connect_info::<Wire>();
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(CuttableListener(listener), service).await {
            tracing::error!(%error, "the sandbox stopped");
        }
    });
    Ok(Serving { base_url, task })
}

/// Control of a handler over its connection. It counts the bytes that may still be written;
/// negative means no limit.
#[derive(Debug, Clone)]
pub(crate) struct Wire(Arc<AtomicI64>);

impl Wire {
    /// Writes this many more bytes, then drops the connection.
    pub(crate) fn cut_after(&self, bytes: i64) {
        self.0.store(bytes, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.remote_addr().clone()
    }
}

pub(crate) struct CuttableListener(TcpListener);

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = Wire;

    async fn accept(&mut self) -> (CuttableStream, Wire) {
        // The inner implementation waits and tries again when the system is short of file handles.
        let (stream, _) = Listener::accept(&mut self.0).await;
        let wire = Wire(Arc::new(AtomicI64::new(-1)));
        (CuttableStream { stream, wire: wire.clone() }, wire)
    }

    fn local_addr(&self) -> io::Result<Wire> {
        self.0.local_addr().map(|_| Wire(Arc::new(AtomicI64::new(-1))))
    }
}

pub(crate) struct CuttableStream {
    stream: TcpStream,
    wire: Wire,
}

impl AsyncRead for CuttableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let allowed = self.wire.0.load(Ordering::SeqCst);
        if allowed == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let part = usize::try_from(allowed).map_or(buf, |allowed| buf.get(..allowed).unwrap_or(buf));
        let written = Pin::new(&mut self.stream).poll_write(cx, part);
        if let (Poll::Ready(Ok(count)), true) = (&written, allowed > 0) {
            self.wire.cut_after(allowed.saturating_sub(i64::try_from(*count).unwrap_or(allowed)).max(0));
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
