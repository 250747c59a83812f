//! An authority of a test's own, and a proxy that speaks TLS with what it has issued.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Who issues certificates, and where its own one stands.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub(crate) file: PathBuf,
}

/// A certificate of a server with its key.
pub(crate) struct Certificate(CertificateDer<'static>, PrivateKeyDer<'static>);

impl Authority {
    /// One of this name; its certificate is put into the folder.
    pub(crate) fn new(name: &str, folder: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let file = folder.join(format!("{name}.pem"));
        std::fs::write(&file, issuer.pem()).expect("a file");
        Self { issuer, file }
    }

    pub(crate) fn file(&self) -> &str {
        self.file.to_str().expect("a path of a test")
    }

    /// A certificate for these names, from the first of January of a year to that of another.
    pub(crate) fn issue(&self, names: &[&str], years: (i32, i32)) -> Certificate {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Certificate(certificate.der().clone(), key.into())
    }

    /// What `openssl req -x509` makes and many put before a server: the authority's own certificate.
    pub(crate) fn itself(&self) -> Certificate {
        let key = KeyPair::try_from(self.issuer.key().serialized_der()).expect("the same key");
        Certificate(self.issuer.der().clone(), key.into())
    }
}

/// Speaks TLS before a server, until the test ends. The first `broken` connections end in the middle of the handshake.
pub(crate) async fn front(server: SocketAddr, certificate: Certificate, broken: usize) -> SocketAddr {
    let Certificate(certificate, key) = certificate;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    let config = config.with_single_cert(vec![certificate], key).expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut left = broken;
        while let Ok((client, _)) = listener.accept().await {
            if left > 0 {
                left -= 1;
                client.readable().await.expect("the client speaks first");
                continue;
            }
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await?;
                let mut server = TcpStream::connect(server).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    address
}
