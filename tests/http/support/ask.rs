//! One request over a connection of its own, written by hand so that nothing is corrected on the way.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Answer, soon};

/// A request that is being made.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    chunked: bool,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { address, method, path, headers: Vec::new(), body: None, chunked: false }
    }

    /// Adds a header; a `host` replaces the one that is sent by itself.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn cookie(self, cookie: &str) -> Self {
        self.header("cookie", cookie)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends the body in chunks, without saying how long it will be.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// The bytes of the request; `last` asks the server to close the connection after its answer.
    pub(crate) fn bytes(&self, last: bool) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            head.push_str(&format!("host: {}\r\n", self.address));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if last {
            head.push_str("connection: close\r\n");
        }
        let mut bytes = head.into_bytes();
        match &self.body {
            Some(body) if self.chunked => {
                bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                for chunk in body.chunks(4000) {
                    bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
            Some(body) => {
                bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
                bytes.extend_from_slice(body);
            }
            None => bytes.extend_from_slice(b"\r\n"),
        }
        bytes
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn send(self) -> Answer {
        let request = format!("{} {}", self.method, self.path);
        let bytes = soon(&request, raw(self.address, &self.bytes(true))).await;
        Answer::parse(request, &bytes)
    }
}

/// Sends bytes as they are and reads until the server closes the connection.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let (mut read, mut write) = stream.split();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    // A server that has seen enough answers and closes while we are still writing: that is no failure of the test.
    let reading = async {
        while let Ok(read) = read.read(&mut buffer).await
            && read > 0
        {
            answer.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::pin!(reading);
    tokio::select! {
        _written = write.write_all(bytes) => reading.await,
        () = &mut reading => {}
    }
    answer
}
