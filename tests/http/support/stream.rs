//! Watching: server-sent events and WebSocket, block by block as they arrive.

use std::net::SocketAddr;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::{Error, Message, http};

use super::answer::unchunk;
use super::{Answer, Ask, soon};

/// One results event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// `id:`, the version.
    pub(crate) version: String,
    /// `data:`, as it was sent.
    pub(crate) data: String,
}

impl Frame {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).expect("JSON in a frame")
    }

    /// The number after the epoch.
    pub(crate) fn place(&self) -> u64 {
        let place = self.version.split_once('.').expect("epoch and place").1;
        place.trim_start_matches('s').parse().expect("a number")
    }
}

/// An open stream of server-sent events.
pub(crate) struct Events {
    stream: TcpStream,
    pub(crate) head: Answer,
    raw: Vec<u8>,
    text: String,
}

impl Events {
    /// Opens a stream; the answer's head must be that of one.
    pub(crate) async fn open(ask: Ask) -> Self {
        Self::try_open(ask).await.unwrap_or_else(|status| panic!("{status} instead of a stream"))
    }

    /// Opens a stream, or tells the status that came instead.
    pub(crate) async fn try_open(ask: Ask) -> Result<Self, u16> {
        let mut stream = TcpStream::connect(ask.address).await.expect("a connection");
        stream.write_all(&ask.bytes(false)).await.expect("written");
        let mut raw = Vec::new();
        let end = loop {
            soon("the head of a stream", stream.read_buf(&mut raw)).await.expect("read");
            if let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = Answer::parse("a stream".to_owned(), &raw[..end]);
        if head.status != 200 {
            return Err(head.status);
        }
        raw.drain(..end);
        Ok(Self { stream, head, raw, text: String::new() })
    }

    /// The next block: an event, a comment, or `retry:`; nothing when the server ended the stream.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            let (body, used) = unchunk(&self.raw);
            self.raw.drain(..used);
            self.text.push_str(std::str::from_utf8(&body).expect("whole characters"));
            if let Some(end) = self.text.find("\n\n") {
                let block = self.text[..end].to_owned();
                self.text.drain(..end + 2);
                return Some(block);
            }
            let read = soon("a block of a stream", self.stream.read_buf(&mut self.raw)).await;
            if !read.is_ok_and(|read| read > 0) {
                return None;
            }
        }
    }

    /// The next frame; nothing when the server ended the stream.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            let (Some(version), Some(data)) = (field("id: "), field("data: ")) else { continue };
            assert!(block.contains("event: results"), "{block}");
            return Some(Frame { version, data });
        }
    }

    /// Frames up to the first that fits.
    pub(crate) async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = soon(what, self.next()).await {
            let done = fits(&frame.json());
            frames.push(frame);
            if done {
                return frames;
            }
        }
        panic!("the stream ended before: {what}");
    }
}

/// An open WebSocket.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens a socket, or gives the status of the refusal.
    pub(crate) async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let mut request = http::Request::get(format!("ws://{address}{path}"))
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", generate_key());
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", address.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        match soon("a handshake", tokio_tungstenite::client_async(request, stream)).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// The next text frame; nothing when the server closed.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            match soon("a frame", self.0.next()).await? {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}
