//! The accept loop: caps, timeouts, and a drain that ends.
//!
//! Invariant: no connection holds a place for ever. One that does not send its request, does not read its answer, or
//! is still there when the drain ends is closed.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Sleep};
use tower_service::Service;

use super::error::Problem;
use super::handover::{Handover, Taken, cut};

/// Where a request comes from.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) ip: IpAddr,
    pub(super) held: Held,
    /// By which its socket can be taken from HTTP; none where the end of the answer would then be its close.
    pub(super) handover: Option<Arc<Handover>>,
}

/// A connection's place among all. Whoever goes on with one that has ended as HTTP keeps this: so it counts as a connection,
/// and the drain waits for it.
#[derive(Clone)]
pub(super) struct Held {
    is_cut: watch::Receiver<bool>,
    _place: Arc<(Place, mpsc::Sender<()>)>,
}

impl Held {
    /// Runs what goes on after HTTP, until it ends or the drain does.
    pub(super) async fn hold(self, talk: impl Future<Output = ()>) {
        tokio::select! {
            () = talk => {}
            () = stopped(self.is_cut.clone()) => {}
        }
    }
}

/// How connections are bounded.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// The most connections at once; a further one is told to come back.
    pub connections_max: usize,
    /// How long a request's head may take to arrive, and how long a connection may be idle between requests.
    pub head_timeout: Duration,
    /// How long a connection may refuse to take what is written to it.
    pub write_timeout: Duration,
    /// How long the drain may take.
    pub drain_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 60_000,
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(8),
        }
    }
}

/// Serves until `stopping` becomes true, then lets requests under way finish, and closes what is left.
pub async fn serve(listener: TcpListener, router: Router, limits: ServerLimits, stopping: watch::Receiver<bool>) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout).max_buf_size(16 * 1024);
    // Each connection holds a sender; when all are gone, all are done.
    let (alive, mut all_done) = mpsc::channel::<()>(1);
    let (cut, is_cut) = watch::channel(false);
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(stopping.clone()) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: wait for some to come back instead of spinning.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let place = Place::take(&open);
        if place.number > limits.connections_max {
            metrics::counter!("hustings_connections_refused_total").increment(1);
            tokio::spawn(refuse(stream));
            continue;
        }
        let _latency_only = stream.set_nodelay(true);
        let (ip, handover) = (peer.ip(), Arc::<Handover>::default());
        let held = Held { is_cut: is_cut.clone(), _place: Arc::new((place, alive.clone())) };
        let stream = TimedStream::new(stream, limits.write_timeout, held.clone(), Arc::clone(&handover));
        let router = router.clone();
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            let handover = (request.version() == hyper::Version::HTTP_11).then(|| Arc::clone(&handover));
            request.extensions_mut().insert(Peer { ip, held: held.clone(), handover });
            router.clone().call(request)
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let (stopping, is_cut) = (stopping.clone(), is_cut.clone());
        tokio::spawn(async move {
            let mut connection = std::pin::pin!(connection);
            // A client that goes away in the middle is no event.
            let _closed = tokio::select! {
                closed = connection.as_mut() => closed,
                () = stopped(stopping) => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        closed = connection => closed,
                        () = stopped(is_cut) => Ok(()),
                    }
                }
            };
        });
    }
    drop((listener, alive));
    if tokio::time::timeout(limits.drain_timeout, all_done.recv()).await.is_err() {
        tracing::warn!(open = open.load(Ordering::Relaxed), "the drain ended; closing connections that are still open");
        // Whoever stalls in the middle of a request would else hold the queue, and with it the end of the process.
        cut.send_replace(true);
        // A socket that is stuck in a write is not waited for.
        let _all_done = tokio::time::timeout(Duration::from_secs(1), all_done.recv()).await;
    }
}

/// Resolves when the server begins to stop.
pub(super) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    let _stopped = stopping.wait_for(|stopping| *stopping).await;
}

/// Says why there is no room, whatever is asked. What the client sends is read to its end: closing before would reset
/// the connection, and the answer with it.
async fn refuse(mut stream: TcpStream) {
    let problem = Problem::unavailable("too_many_connections", "too many connections; please try again soon");
    let answer = problem.to_bytes();
    let said = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        while stream.read(&mut [0; 1024]).await? > 0 {}
        io::Result::Ok(())
    };
    let _closed = tokio::time::timeout(Duration::from_secs(1), said).await;
}

/// One connection's place; given back when dropped.
struct Place {
    open: Arc<AtomicUsize>,
    number: usize,
}

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        let number = open.fetch_add(1, Ordering::Relaxed) + 1;
        metrics::gauge!("hustings_connections").set(u32::try_from(number).unwrap_or(u32::MAX));
        Self { open: Arc::clone(open), number }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let left = self.open.fetch_sub(1, Ordering::Relaxed) - 1;
        metrics::gauge!("hustings_connections").set(u32::try_from(left).unwrap_or(u32::MAX));
    }
}

/// A stream whose reader must keep reading: a write that makes no progress for too long is an error. HTTP flushes it once it has
/// written all that it holds, and then its socket can be taken: for HTTP that is the end of the connection.
struct TimedStream {
    stream: Option<TcpStream>,
    write_timeout: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    held: Held,
    handover: Arc<Handover>,
}

impl TimedStream {
    fn new(stream: TcpStream, write_timeout: Duration, held: Held, handover: Arc<Handover>) -> Self {
        Self { stream: Some(stream), write_timeout, stalled: None, held, handover }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Lets go of the socket, where that was asked for.
    fn hand_over(&mut self) -> io::Result<()> {
        let Some(go_on) = self.handover.asked() else { return Ok(()) };
        let stream = self.stream.take().ok_or(io::ErrorKind::NotConnected)?;
        tokio::spawn(self.held.clone().hold(go_on(Taken::new(stream, self.write_timeout))));
        Err(io::ErrorKind::NotConnected.into())
    }

    fn progress<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let deadline = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + deadline)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(cut()))
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream()?.poll_write(cx, data);
        self.progress(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream()?.poll_write_vectored(cx, data);
        self.progress(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(TcpStream::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream()?.poll_flush(cx))?;
        Poll::Ready(self.hand_over())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}
