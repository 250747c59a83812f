//! One HTTP/1.1 connection, kept alive: one write and usually one read for each request.
//!
//! Invariant: an answer belongs to the request that was just sent. A connection on which anything went wrong (an error,
//! a time-out, a dropped future) is not used again; opening another is the caller's decision.
//! It must not know: votes, JSON, retries.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::timeout;

use super::chunks::Chunks;
use super::stream::{Step, Stream};
use super::tls::Tls;

/// Why there is no answer. Except where `nothing_done`, the server may have acted on the request all the same.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// Nothing was sent: there is nobody at this address, or no room for one more.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// The connection broke.
    #[error("connection lost: {0}")]
    Lost(#[from] io::Error),
    /// The server closed the connection before the answer was complete.
    #[error("connection closed before the answer was complete")]
    Closed,
    /// No complete answer arrived in time.
    #[error("no answer in time")]
    Timeout,
    /// The answer is not the HTTP/1.1 we know.
    #[error("not an HTTP/1.1 answer: {0}")]
    Malformed(&'static str),
    /// The answer is longer than 64 MiB.
    #[error("an answer longer than {} MiB", BODY_BYTES_MAX >> 20)]
    TooLarge,
    /// The server is not proved to be the one that was asked for.
    #[error("{0}")]
    Untrusted(String),
    /// Something answered, and not by TLS.
    #[error("there is no TLS at this address: it must begin with http://, or name the port where TLS is")]
    NoTls,
    /// A plain request came to where TLS is spoken.
    #[error("the server speaks TLS at this address: it must begin with https://")]
    OnlyTls,
}

impl ConnectionError {
    /// Whether the same request fails again until somebody mends what is wrong.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Untrusted(_) | Self::NoTls | Self::OnlyTls)
    }

    /// Whether no server can have acted on the request.
    pub(super) fn nothing_done(&self) -> bool {
        matches!(self, Self::Connect(_)) || self.is_lasting()
    }

    /// A stable word for counting errors of one kind together.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect(_) => "cannot connect",
            Self::Lost(_) => "connection lost",
            Self::Closed => "connection closed",
            Self::Timeout => "no answer in time",
            Self::Malformed(_) => "malformed answer",
            Self::TooLarge => "answer too large",
            Self::Untrusted(_) => "certificate not trusted",
            Self::NoTls => "no TLS at this address",
            Self::OnlyTls => "only TLS at this address",
        }
    }
}

/// The longest body that is read.
pub(super) const BODY_BYTES_MAX: usize = 64 << 20;
const HEAD_BYTES_MAX: usize = 64 << 10;
/// More than an answer to a vote needs: a read that does not fill the buffer saves tokio a second one.
const BUFFER_BYTES: usize = 4096;
const HEADERS_MAX: usize = 64;
/// How a server answers that was asked for TLS and got something else; nginx says so by a 400.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];

/// An answer; its body lives in the connection's buffer until the next request.
#[derive(Debug)]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// `Retry-After`, where it is given in seconds.
    pub retry_after: Option<Duration>,
    /// Whether the server will close the connection: then it is of no more use.
    pub last: bool,
    /// The decoded body.
    pub body: &'a [u8],
}

/// A connection that one request at a time is sent over.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    buffer: Vec<u8>,
    filled: usize,
    decoded: Vec<u8>,
    patience: Duration,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) status: u16,
    retry_after: Option<Duration>,
    last: bool,
    framing: Framing,
    /// Where the body begins in the buffer.
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

enum Body {
    Buffer(usize, usize),
    Decoded,
}

impl Connection {
    /// Connects, or says why not, within `patience`, which is also how long each answer is waited for.
    pub async fn open(address: impl ToSocketAddrs, patience: Duration) -> Result<Self, ConnectionError> {
        Self::open_by(address, None, patience).await
    }

    /// Connects as `open` does, by TLS where it is given.
    pub(super) async fn open_by(
        address: impl ToSocketAddrs,
        tls: Option<&Tls>,
        patience: Duration,
    ) -> Result<Self, ConnectionError> {
        let connecting = async {
            let stream = TcpStream::connect(address).await.map_err(ConnectionError::Connect)?;
            stream.set_nodelay(true)?;
            match tls {
                Some(tls) => tls.secure(stream).await.map(|stream| Stream::Secured(Box::new(stream))),
                None => Ok(Stream::Plain(stream)),
            }
        };
        let stream = timeout(patience, connecting).await;
        let stream = stream.map_err(|_| ConnectionError::Connect(io::ErrorKind::TimedOut.into()))??;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES], filled: 0, decoded: Vec::new(), patience })
    }

    /// Sends the bytes of one request and returns its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Response<'_>, ConnectionError> {
        let patience = self.patience;
        let (head, body) = match timeout(patience, self.exchange_patiently(request)).await {
            Ok(answer) => answer?,
            Err(_) => return Err(ConnectionError::Timeout),
        };
        let body = match body {
            Body::Buffer(start, end) => self.buffer.get(start..end).unwrap_or_default(),
            Body::Decoded => &self.decoded,
        };
        Ok(Response { status: head.status, retry_after: head.retry_after, last: head.last, body })
    }

    async fn exchange_patiently(&mut self, request: &[u8]) -> Result<(Head, Body), ConnectionError> {
        let head = self.send(request).await?;
        let body = match head.framing {
            Framing::Length(length) => {
                let end = head.bytes + length;
                while self.filled < end {
                    self.fill(end).await?;
                }
                Body::Buffer(head.bytes, end)
            }
            Framing::Chunked => {
                self.decoded.clear();
                let mut chunks = Chunks::default();
                chunks.decode(&self.buffer[head.bytes..self.filled], &mut self.decoded)?;
                while !chunks.is_done() {
                    self.more(&mut chunks).await?;
                }
                Body::Decoded
            }
            Framing::UntilClose => {
                loop {
                    match self.fill(0).await {
                        Ok(()) => within(self.filled, BODY_BYTES_MAX)?,
                        Err(ConnectionError::Closed) => break,
                        // Of what broke off, nobody can tell what is missing.
                        Err(error) => return Err(error),
                    }
                }
                Body::Buffer(head.bytes, self.filled)
            }
        };
        Ok((head, body))
    }

    /// Sends a request and reads the head of its answer.
    pub(super) async fn send(&mut self, request: &[u8]) -> Result<Head, ConnectionError> {
        self.filled = 0;
        let whole = self.write(request).await?;
        loop {
            if let Some(mut head) = parse_head(&self.buffer[..self.filled])? {
                head.last |= !whole;
                return Ok(head);
            }
            within(self.filled, HEAD_BYTES_MAX)?;
            self.fill(0).await?;
        }
    }

    /// Writes a request, and reads what is answered meanwhile: a server that answers line by line takes no more lines
    /// while nobody reads. Whether all of it was taken; a server that has refused it may take no more.
    async fn write(&mut self, request: &[u8]) -> Result<bool, ConnectionError> {
        let mut sent = 0;
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            let (left, free) = (&request[sent..], &mut self.buffer[self.filled..]);
            match poll_fn(|context| self.stream.poll_step(context, left, free)).await {
                Step::Taken(Ok(_)) if left.is_empty() => return Ok(true),
                Step::Taken(Ok(taken)) => sent += taken,
                Step::Taken(Err(_)) if self.filled > 0 => return Ok(false),
                Step::Taken(Err(error)) => return Err(error.into()),
                Step::Arrived(read) => match read? {
                    0 if self.filled > 0 => return Ok(false),
                    0 => return Err(ConnectionError::Closed),
                    read => self.filled += read,
                },
            }
            within(self.filled, BODY_BYTES_MAX)?;
        }
    }

    /// For a body without end: what arrived of it together with the head, decoded by `chunks`.
    pub(super) fn beginning(&self, head: &Head, chunks: &mut Chunks) -> Result<Vec<u8>, ConnectionError> {
        let mut body = Vec::new();
        let raw = &self.buffer[head.bytes..self.filled];
        match head.framing {
            Framing::Chunked => chunks.decode(raw, &mut body)?,
            _ => return Err(ConnectionError::Malformed("a stream that is not chunked")),
        }
        Ok(body)
    }

    /// For a body without end: waits, without a limit, for more of it.
    pub(super) async fn next_part(&mut self, chunks: &mut Chunks, body: &mut Vec<u8>) -> Result<(), ConnectionError> {
        self.decoded.clear();
        self.more(chunks).await?;
        body.append(&mut self.decoded);
        within(body.len(), BODY_BYTES_MAX)
    }

    async fn more(&mut self, chunks: &mut Chunks) -> Result<(), ConnectionError> {
        self.filled = 0;
        self.fill(0).await?;
        chunks.decode(&self.buffer[..self.filled], &mut self.decoded)?;
        within(self.decoded.len(), BODY_BYTES_MAX)
    }

    /// Reads once; makes room for `bytes` in all, and in any case for some.
    async fn fill(&mut self, bytes: usize) -> Result<(), ConnectionError> {
        if self.buffer.len() < bytes {
            self.buffer.resize(bytes, 0);
        } else if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..]).await? {
            0 => Err(ConnectionError::Closed),
            read => {
                self.filled += read;
                Ok(())
            }
        }
    }
}

fn within(length: usize, limit: usize) -> Result<(), ConnectionError> {
    if length > limit { Err(ConnectionError::TooLarge) } else { Ok(()) }
}

fn parse_head(bytes: &[u8]) -> Result<Option<Head>, ConnectionError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) if bytes.starts_with(&TLS_ALERT) => return Err(ConnectionError::OnlyTls),
        Err(_) => return Err(ConnectionError::Malformed("the head")),
    };
    let status = response.code.unwrap_or_default();
    let mut head = Head { status, retry_after: None, last: false, framing: Framing::UntilClose, bytes: length };
    for header in response.headers.iter() {
        let value = header.value.trim_ascii();
        if header.name.eq_ignore_ascii_case("content-length") {
            let length = number(value).ok_or(ConnectionError::Malformed("the content length"))?;
            within(length, BODY_BYTES_MAX)?;
            head.framing = Framing::Length(length);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case(b"chunked") {
            head.framing = Framing::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            head.last = value.eq_ignore_ascii_case(b"close");
        } else if header.name.eq_ignore_ascii_case("retry-after") {
            head.retry_after = number(value).and_then(|n| u64::try_from(n).ok()).map(Duration::from_secs);
        }
    }
    match (status, head.framing) {
        (100..200, _) => return Err(ConnectionError::Malformed("an interim answer nobody asked for")),
        (204 | 304, _) => head.framing = Framing::Length(0),
        (_, Framing::UntilClose) => head.last = true,
        _ => {}
    }
    Ok(Some(head))
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
