//! A client of the proxy, written by hand: what it sends and what it gets is not corrected on the way.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::node::ADMIN;
use super::soon;

/// A whole answer; its body may still be chunked.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// The head, its names in lower case as sent by our servers, or as nginx writes them.
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    /// A header of the answer.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// Sends one request over a connection of its own, and reads until the proxy closes it.
pub(super) async fn ask(to: SocketAddr, method: &str, path: &str, headers: &str, body: Option<&Value>) -> Reply {
    ask_from(Ipv4Addr::LOCALHOST, to, method, path, headers, body).await
}

/// The same, from another address of this machine.
pub(super) async fn ask_from(
    from: Ipv4Addr,
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: Option<&Value>,
) -> Reply {
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    let request = format!("{}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}", head(method, path, headers));
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((from, 0).into()).expect("an address of this machine");
    let answer = async {
        let mut stream = socket.connect(to).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        answer
    };
    let answer = String::from_utf8_lossy(&soon("an answer", answer).await).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: no answer: {answer}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Reply { status: status.expect("a status"), head: head.to_owned(), body: body.to_owned() }
}

/// A stream that is read for as long as a test wants.
pub(super) struct Stream {
    stream: TcpStream,
    pub(super) text: String,
}

impl Stream {
    pub(super) async fn open(to: SocketAddr, method: &str, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(to).await.expect("a connection");
        let request = format!("{}\r\n", head(method, path, headers));
        stream.write_all(request.as_bytes()).await.expect("written");
        Self { stream, text: String::new() }
    }

    /// Reads on until the text has this in it.
    pub(super) async fn until(&mut self, part: &str) {
        let reading = async {
            while !self.text.contains(part) {
                let mut bytes = Vec::new();
                let read = self.stream.read_buf(&mut bytes).await.expect("read");
                assert!(read > 0, "the stream ended before `{part}`: {}", self.text);
                self.text.push_str(&String::from_utf8_lossy(&bytes));
            }
        };
        soon(part, reading).await;
    }
}

fn head(method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: vote.example\r\nAuthorization: Bearer {ADMIN}\r\n{headers}")
}
