//! The HTTP client under [`super::client::Client`]: TLS, time-outs, redirects.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::error::Error;

/// Real time that a request may take by default.
pub(crate) const TOTAL_TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The HTTP client for [`crate::ClientOptions::http`]: 5 seconds to connect, 60 in all, rustls, no proxy from the environment, and no redirect away from where it was sent,
/// since a redirect to another host would hand it the buyer's data or ours.
///
/// # Errors
/// [`Error::Address`] when TLS cannot be set up.
pub fn http_client() -> Result<reqwest::Client, Error> {
    http_client_trusting(&[])
}

/// The same, which also trusts the certificates in this PEM text: for a ShipStation that stands behind somebody's own.
///
/// The roots are Mozilla's, which are in the program as constants: the operating system's would be read and parsed at each cold start. Which of them vouches
/// for ShipStation is ShipStation's to change, so all of them are there.
///
/// # Errors
/// [`Error::Address`] when the client cannot be built or the PEM text cannot be read.
pub fn http_client_trusting(pem: &[u8]) -> Result<reqwest::Client, Error> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Address { source };
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| failed(error.to_string().into()))?;
        roots.add(certificate).map_err(|error| failed(error.into()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.map_err(|error| failed(error.into()))?.with_root_certificates(roots).with_no_client_auth();
    let same_origin = reqwest::redirect::Policy::custom(|attempt| {
        let target = attempt.url();
        let same = attempt.previous().last().is_some_and(|from| from.origin() == target.origin());
        if same && attempt.previous().len() < 4 { attempt.follow() } else { attempt.stop() }
    });
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("stevedore/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(same_origin)
        .no_proxy()
        .build()
        .map_err(|source| Error::Address { source: Box::new(source) })
}
