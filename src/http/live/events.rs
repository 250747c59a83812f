//! Server-sent events: the frames of a watcher, a comment where it is quiet, and a word at the end when to come back.
//!
//! Invariant: the same bytes are sent whether HTTP writes them or, once the head is written, we do.

use std::pin::Pin;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, StreamExt, once, unfold};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};

use super::{Counted, HEARTBEAT};
use crate::feed::Watcher;
use crate::http::Services;
use crate::http::handover::{Handover, Taken};
use crate::http::server::Peer;

/// The frames of a watcher as server-sent events.
pub(in crate::http) fn events(services: &Services, watcher: Watcher, peer: Option<Extension<Peer>>) -> Response {
    let stopping = services.stopping.clone();
    let retry = Bytes::from(format!("retry: {}\n\n", retry_ms(services)));
    let beat = Box::pin(sleep(HEARTBEAT));
    let events = Events { watcher, stopping, beat, is_quiet: true, bye: Some(retry.clone()), _counted: Counted::new() };
    let mut response = match peer.and_then(|Extension(peer)| peer.handover) {
        Some(handover) => Body::from_stream(begun(retry, events, handover)),
        None => Body::from_stream(whole(retry, events)),
    }
    .into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Or nginx would hold frames back to fill its buffer.
    out.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// When to come back after a lost connection: not all at once.
fn retry_ms(services: &Services) -> u32 {
    let mut bytes = [0; 2];
    services.random.fill(&mut bytes);
    1_000 + u32::from(u16::from_be_bytes(bytes)) % 4_000
}

struct Events {
    watcher: Watcher,
    stopping: watch::Receiver<bool>,
    beat: Pin<Box<Sleep>>,
    /// Nothing was sent since the last beat.
    is_quiet: bool,
    bye: Option<Bytes>,
    _counted: Counted,
}

impl Events {
    /// What is to be sent next; nothing at the end.
    async fn next(&mut self) -> Option<Bytes> {
        self.bye.as_ref()?;
        loop {
            tokio::select! {
                frame = self.watcher.next() => {
                    self.is_quiet = false;
                    return Some(frame?.event.clone());
                }
                () = self.beat.as_mut() => {
                    self.beat.as_mut().reset(Instant::now() + HEARTBEAT);
                    if std::mem::replace(&mut self.is_quiet, true) {
                        return Some(Bytes::from_static(b":\n\n"));
                    }
                }
                // An error means that the sender is gone, which is a stop too.
                _ = self.stopping.wait_for(|stopping| *stopping) => return self.bye.take(),
            }
        }
    }
}

type Piece = Result<Bytes, std::convert::Infallible>;

/// All events as the body of an answer.
fn whole(hello: Bytes, events: Events) -> impl Stream<Item = Piece> {
    let next = async |mut events: Events| events.next().await.map(|bytes| (Ok(bytes), events));
    once(async { Ok(hello) }).chain(unfold(events, next))
}

/// The first words as the body of an answer; after them the socket is taken from HTTP, and with it goes all that HTTP keeps for
/// a connection.
fn begun(hello: Bytes, events: Events, handover: Arc<Handover>) -> impl Stream<Item = Piece> {
    let rest = async move {
        handover.ask(Box::new(|taken| Box::pin(go_on(events, taken))));
        std::future::pending().await
    };
    once(async { Ok(hello) }).chain(once(rest))
}

/// Sends the events as the chunks of a body (RFC 9112, section 7.1), and its end, for as long as somebody reads them.
async fn go_on(mut events: Events, taken: Taken) {
    let mut gone = std::pin::pin!(taken.gone());
    loop {
        let bytes = tokio::select! {
            bytes = events.next() => bytes,
            () = gone.as_mut() => return,
        };
        let Some(bytes) = bytes else { break };
        let size = format!("{:x}\r\n", bytes.len());
        if taken.send([size.as_bytes(), &bytes, b"\r\n"]).await.is_err() {
            return;
        }
    }
    let _closed = taken.send([b"0\r\n\r\n"]).await;
}
