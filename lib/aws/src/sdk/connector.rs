//! HTTP for the SDK's clients: HTTP/1.1 over rustls (`docs/decisions/0038-one-small-http-stack.md`).
//!
//! The SDK's own connector brings HTTP/2, which none of our three services speaks, and reads its roots
//! from PEM text at each start. This one hands hyper's client to the SDK and nothing more; retries,
//! time-outs of calls and signatures stay the SDK's.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpConnector as SdkConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{CaptureConnection, HttpConnector, capture_connection};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::error::Elapsed;
use tower::Service;

/// Looking up a name, connecting and shaking hands: what is slower than this is tried anew.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Returns a client that trusts Mozilla's roots, which are constants of the program
/// (`docs/decisions/0036-trusted-roots.md`), and the certificates of a PEM text beside them. A certificate that
/// cannot be read is left out: calls then fail with the name of the issuer that is not trusted.
pub(crate) fn http_client(trusted: Option<&[u8]>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector::new(tls(trusted.unwrap_or_default())));
    http_client_fn(move |_, _| connector.clone())
}

fn tls(trusted: &[u8]) -> ClientConfig {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(trusted).filter_map(Result::ok));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    #[expect(clippy::expect_used, reason = "it fails for providers without suites for these versions, and this one has them")]
    let config = config.expect("ring has suites for TLS 1.2 and 1.3");
    config.with_root_certificates(roots).with_no_client_auth()
}

/// Connects, or gives up in time.
#[derive(Clone)]
struct InTime(HttpsConnector<HttpConnector>);

impl Service<Uri> for InTime {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move { tokio::time::timeout(CONNECT_TIMEOUT, connecting).await? })
    }
}

#[derive(Debug)]
struct Connector(Client<InTime, SdkBody>);

impl Connector {
    fn new(tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        // TLS is HttpsConnector's; an engine on this machine has none.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new());
        Self(builder.build(InTime(https)))
    }
}

impl SdkConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let connection = capture_connection(&mut request);
        if let Some(captured) = request.extensions().get::<CaptureSmithyConnection>() {
            captured.set_connection_retriever(move || metadata(&connection));
        }
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(classified)?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x)).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// With this the SDK gives a connection up whose server answers with faults.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    connection.connection_metadata().as_ref()?;
    let connection = connection.clone();
    let give_up = move || {
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(give_up).build())
}

/// Tells the SDK what it may try again: everything but a request that cannot be written at all.
fn classified(error: Error) -> ConnectorError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(known) = cause {
        if known.is::<Elapsed>() {
            return ConnectorError::timeout(error.into());
        }
        if known.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user) {
            return ConnectorError::user(error.into());
        }
        cause = known.source();
    }
    ConnectorError::io(error.into())
}
