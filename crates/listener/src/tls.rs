//! Serving HTTPS (TLS 1.2 and later) with the certificate that the configuration names.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use config::PemSource;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How often files are looked at for a renewed certificate.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// A certificate and its key. Clones share them, and change together when the files do.
#[derive(Clone)]
pub struct Tls {
    settings: Arc<config::Tls>,
    current: Arc<ArcSwap<Current>>,
}

struct Current {
    /// The documents as they were read, to see whether they have changed.
    documents: (Vec<u8>, Vec<u8>),
    server: Arc<ServerConfig>,
}

impl Tls {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// Says what cannot be used.
    pub fn load(settings: &config::Tls) -> Result<Self, String> {
        let current = Arc::new(ArcSwap::from_pointee(Current::read(settings)?));
        Ok(Self { settings: Arc::new(settings.clone()), current })
    }

    /// For a new connection, which keeps its certificate to its end.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.load().server))
    }

    /// Takes up renewed certificates until `stop` is true. A renewal that cannot be used is told, and left alone.
    pub async fn follow(self, mut stop: watch::Receiver<bool>) {
        while tokio::time::timeout(LOOK_AGAIN, stop.wait_for(|stop| *stop)).await.is_err() {
            match Current::read(&self.settings) {
                Ok(read) if read.documents != self.current.load().documents => {
                    self.current.store(Arc::new(read));
                    tracing::info!("A renewed certificate is used from now on.");
                }
                Ok(_) => {}
                Err(why) => tracing::warn!("The certificate in use is kept: {why}"),
            }
        }
    }
}

impl Current {
    fn read(settings: &config::Tls) -> Result<Self, String> {
        let documents = (document(&settings.certificate)?, document(&settings.key)?);
        let unreadable = |what: &str, why: &dyn std::fmt::Display| format!("The TLS {what} cannot be read: {why}.");
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&documents.0)
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable("certificate", &error))?;
        let key = PrivateKeyDer::from_pem_slice(&documents.1).map_err(|error| unreadable("key", &error))?;
        let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| format!("The TLS certificate and its key cannot be used: {error}."))?;
        Ok(Self { documents, server: Arc::new(server) })
    }
}

fn document(source: &PemSource) -> Result<Vec<u8>, String> {
    match source {
        PemSource::Path(path) => std::fs::read(path).map_err(|error| format!("{path} cannot be read: {error}.")),
        PemSource::Base64(text) => {
            BASE64_STANDARD.decode(text.expose()).map_err(|error| format!("The TLS document is not base64: {error}."))
        }
    }
}
