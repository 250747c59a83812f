//! A long request to a server that answers while it reads, by TLS and without.

use std::io::Write;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::super::connection::Connection;
use super::*;

/// More than all buffers on the way can hold.
const LONG: usize = 24 << 20;

/// Sends back what arrives, and takes nothing more before that is taken.
async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {LONG}\r\n\r\n").as_bytes()).await?;
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        stream.write_all(&piece[..read]).await?;
        stream.flush().await?;
    }
}

/// An authority's certificate in a file, and a server that it proves as localhost.
fn proved() -> (tempfile::NamedTempFile, TlsAcceptor) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(authority.pem().as_bytes()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![server.der().clone()], key.into()).unwrap();
    (file, TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn a_long_request_is_taken_whole_while_its_answer_is_read() {
    let (file, acceptor) = proved();
    let tls = Tls::new(ServerName::try_from("localhost").unwrap(), Some(file.path())).unwrap();
    for tls in [None, Some(&tls)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = tls.map(|_| acceptor.clone());
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await?;
            match acceptor {
                Some(acceptor) => echo(acceptor.accept(stream).await?).await,
                None => echo(stream).await,
            }
        });
        let request: Vec<u8> = (0..LONG).map(|at| b'a' + u8::try_from(at % 26).unwrap()).collect();
        let mut connection = Connection::open_by(address, tls, Duration::from_secs(60)).await.unwrap();
        let answer = connection.exchange(&request).await.unwrap();
        assert!(answer.body == request, "by TLS: {}", tls.is_some());
    }
}
