//! TLS to the server, by rustls.
//!
//! The crate `tokio-postgres-rustls` does this too, with a parser of X.509 for the binding of channels, which is not
//! used here.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// What of the server's certificate is checked, and which one is shown to it. The default encrypts and checks nothing,
/// as libpq's `sslmode=require` does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsCheck {
    /// Whether a known authority must have signed it (`verify-ca`).
    pub chain: bool,
    /// Whether it must be for the host's name (`verify-full`).
    pub name: bool,
    /// The authorities to trust, as a PEM file; the operating system's when `None`.
    pub roots: Option<PathBuf>,
    /// The client's certificates, as a PEM file.
    pub certificate: Option<PathBuf>,
    /// The client's private key, as a PEM file.
    pub key: Option<PathBuf>,
}

/// Makes TLS connections for the driver.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl Tls {
    /// Reads the certificates that `check` names.
    pub(super) fn new(check: &TlsCheck) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .dangerous()
            .with_custom_certificate_verifier(verifier(check, provider)?);
        let config = match (&check.certificate, &check.key) {
            (Some(certificate), Some(key)) => {
                let unreadable = |error| format!("the client's certificate or key cannot be read: {error}");
                let chain =
                    CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(unreadable)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| format!("the client's certificate cannot be used: {error}"))?
            }
            (None, None) => builder.with_no_client_auth(),
            _ => return Err("sslcert and sslkey are used together".to_owned()),
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

fn verifier(check: &TlsCheck, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, String> {
    if !check.chain {
        return Ok(Arc::new(Lenient { authorities: None, provider }));
    }
    let mut roots = RootCertStore::empty();
    match &check.roots {
        Some(file) => {
            let unreadable = |error| format!("{} cannot be read as certificates: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
                let added = roots.add(certificate.map_err(unreadable)?);
                added.map_err(|error| format!("{} holds an unusable certificate: {error}", file.display()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| format!("no authority can be trusted: {error}"))?;
    Ok(if check.name { authorities } else { Arc::new(Lenient { authorities: Some(authorities), provider }) })
}

/// Checks who signed the server's certificate, if `authorities` are given, but not whom it is for. Without them it is not
/// even read: webpki reads none of X.509's first version, nor those with short keys, and who may be anybody need not prove it.
#[derive(Debug)]
struct Lenient {
    authorities: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        match authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is checked last: the chain is in order when only the name is not.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if self.authorities.is_none() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if self.authorities.is_none() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Encrypted<S>;
    type TlsConnect = Connect;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Connect, io::Error> {
        Ok(Connect { connector: self.0.clone(), host: host.to_owned() })
    }
}

/// One connection to be made.
pub(super) struct Connect {
    connector: TlsConnector,
    host: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Connect {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(io::Error::other)?;
            Ok(Encrypted(self.connector.connect(name, stream).await?))
        })
    }
}

/// A stream inside TLS.
pub(super) struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A server whose certificate is signed by itself, and of X.509's first version.
    fn server() -> TlsAcceptor {
        let chain =
            CertificateDer::from_pem_slice(include_bytes!("test-server/certificate.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("test-server/key.pem")).expect("a key");
        let key = CertifiedKey::new(vec![chain], ring::sign::any_supported_type(&key).expect("a key"));
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("TLS").with_no_client_auth();
        TlsAcceptor::from(Arc::new(builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)))))
    }

    #[tokio::test]
    async fn any_certificate_will_do_where_none_is_checked() {
        for (chain, is_taken) in [(false, true), (true, false)] {
            let check = TlsCheck { chain, ..TlsCheck::default() };
            let (client, at_server) = tokio::io::duplex(1 << 16);
            let connecting = Tls::new(&check).expect("TLS").0.connect("db".try_into().expect("a name"), client);
            let (client, _) = tokio::join!(connecting, server().accept(at_server));
            assert_eq!(client.is_ok(), is_taken, "{chain}");
        }
    }
}
