//! TLS in front of a server on this machine, with a certificate of its own.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority of the test for `localhost`.
pub struct Authority {
    /// Its certificate, in PEM.
    pub pem: String,
    acceptor: TlsAcceptor,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        // A name that differs from the certificate's: OpenSSL takes a certificate whose issuer has
        // the same name for self-signed.
        params.distinguished_name.push(DnType::CommonName, "An authority for measuring");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { pem: issuer.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// Serves the plain HTTP server at `address` by TLS. Returns the TLS address.
    pub async fn in_front_of(&self, address: &str) -> String {
        let address = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = self.acceptor.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, address) = (acceptor.clone(), address.clone());
                tokio::spawn(async move {
                    let (Ok(mut outer), Ok(mut inner)) = (acceptor.accept(stream).await, TcpStream::connect(&address).await) else {
                        return;
                    };
                    let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
        format!("https://localhost:{port}")
    }
}
