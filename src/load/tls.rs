//! TLS: whom a connection trusts, and in words why it does not trust a server.
//!
//! Invariant: every server is checked against the authorities of the system and the one that was named. There is no way
//! around it, and nothing is sent before.
//! It must not know: HTTP, where a server is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InvalidMessage, OtherError, RootCertStore,
    SignatureScheme,
};

use super::connection::ConnectionError;
use super::issuer::issuer;

/// How to reach one server by TLS.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// Why there is nobody to trust.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file that was named.
    #[error("--ca-file (HUSTINGS_CA_FILE) {}: {reason}; it must be the certificate of an authority, as PEM", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No authority at all.
    #[error(
        "this system knows no authorities, so that no server can be checked: install them (on Debian: ca-certificates), \
         or name the one of the server with --ca-file FILE (HUSTINGS_CA_FILE)"
    )]
    Nobody,
    /// The library refuses.
    #[error("TLS cannot be used here: {0}")]
    Library(String),
}

impl Tls {
    /// TLS to a server of this name. Reads the authorities from disk.
    pub(super) fn new(name: ServerName<'static>, ca_file: Option<&Path>) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        // One that cannot be read is one less to trust; whoever needs it is told who issued the certificate.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = ca_file {
            add(&mut roots, file).map_err(|reason| TrustError::File { file: file.to_owned(), reason })?;
        }
        if roots.is_empty() {
            return Err(TrustError::Nobody);
        }
        let library = |error: &dyn std::error::Error| TrustError::Library(error.to_string());
        let provider = Arc::new(ring::default_provider());
        let check = check(roots, &provider).map_err(|error| library(&error))?;
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| library(&error))?;
        let config = config.dangerous().with_custom_certificate_verifier(check).with_no_client_auth();
        Ok(Self { config: Arc::new(config), name })
    }

    /// Shakes hands; returns once the server has proved who it is.
    pub(super) async fn secure(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, ConnectionError> {
        let shaken = TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream).await;
        shaken.map_err(fault)
    }
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), String> {
    let text = std::fs::read(file).map_err(|error| error.to_string())?;
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    found.into_iter().try_for_each(|certificate| roots.add(certificate)).map_err(|error| error.to_string())
}

fn check(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<Check>, tokio_rustls::rustls::client::VerifierBuilderError> {
    let check = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()?;
    Ok(Arc::new(Check(check)))
}

/// A handshake that failed. What only broke off may go well the next time.
fn fault(error: io::Error) -> ConnectionError {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(Error::InvalidCertificate(CertificateError::Other(OtherError(told)))) => {
            ConnectionError::Untrusted(told.to_string())
        }
        Some(Error::InvalidCertificate(other)) => ConnectionError::Untrusted(in_words(other, None)),
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => ConnectionError::NoTls,
        _ => ConnectionError::Connect(error),
    }
}

/// The check of the library, whose refusals are told in words while the certificate is at hand.
#[derive(Debug)]
struct Check(Arc<WebPkiServerVerifier>);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Told(String);

impl ServerCertVerifier for Check {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checked = self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        checked.map_err(|error| match error {
            Error::InvalidCertificate(fault) => {
                let issuer = issuer(intermediates.last().unwrap_or(end_entity));
                let told = Told(in_words(&fault, issuer));
                Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(told))))
            }
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn in_words(fault: &CertificateError, issuer: Option<String>) -> String {
    let issuer = issuer.map_or_else(|| "an authority without a name".to_owned(), |issuer| format!("`{issuer}`"));
    let moment = |time: &UnixTime| {
        let time = i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.map_or_else(|| "a time beyond all".to_owned(), |time| time.to_string())
    };
    match fault {
        CertificateError::UnknownIssuer => format!(
            "the server's certificate was issued by {issuer}, which is not trusted here: if it is the authority of whoever \
             runs the server, get its certificate from them and name it with --ca-file FILE (HUSTINGS_CA_FILE)"
        ),
        CertificateError::BadSignature => format!(
            "the server's certificate says that {issuer} issued it, and is not signed by the one of that name that is known \
             here: it is forged, or the authority has another certificate, which --ca-file FILE must name"
        ),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the server's certificate expired at {}, and this machine's clock says {}: one of both must be put right",
            moment(not_after),
            moment(time)
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the server's certificate begins at {}, and this machine's clock says {}: one of both must be put right",
            moment(not_before),
            moment(time)
        ),
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "the server's certificate is not for {} but for {}: the address must have a name that it is for",
            expected.to_str(),
            names(presented)
        ),
        CertificateError::Other(OtherError(other)) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the server's certificate is that of an authority, as `openssl req -x509` makes it: a server needs one with \
             CA:FALSE"
                .to_owned()
        }
        other => format!("the server's certificate cannot be trusted: {other}"),
    }
}

/// The names of a certificate, which come as `DnsName("localhost")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')')).unwrap_or(name);
        inner.trim_matches('"').chars().filter(|letter| !letter.is_control()).collect::<String>()
    };
    let names = presented.iter().map(bare).collect::<Vec<_>>().join(", ");
    if names.is_empty() { "no name at all".to_owned() } else { names }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
