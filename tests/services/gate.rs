//! A gate before a server: whatever comes through it can be held up, cut off, or robbed of an answer.
//!
//! Invariant: what was let through arrives unchanged and in order; each thing that the gate did is counted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a gate does with what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All goes through.
    Open,
    /// All goes through, each piece so much later.
    Late(Duration),
    /// Nothing goes through, and what is open is cut off.
    Shut,
    /// A `COMMIT` goes through; its answer does not, and the connection ends.
    EatsCommits,
}

/// A gate on a port of its own. Dropped, it is shut for ever.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    mode: watch::Sender<Mode>,
    eaten: Arc<AtomicU64>,
    cut: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Gate {
    /// Opens a gate before a server.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (mode, modes) = watch::channel(Mode::Open);
        let (eaten, cut) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (counted, counted_cuts) = (Arc::clone(&eaten), Arc::clone(&cut));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, modes.clone(), Arc::clone(&counted), Arc::clone(&counted_cuts)));
            }
        });
        Self { address, mode, eaten, cut, accepting }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many answers to commits were eaten.
    pub(crate) fn eaten(&self) -> u64 {
        self.eaten.load(Ordering::SeqCst)
    }

    /// How many connections were cut off.
    pub(crate) fn cut(&self) -> u64 {
        self.cut.load(Ordering::SeqCst)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.set(Mode::Shut);
        self.accepting.abort();
    }
}

async fn pass(
    client: TcpStream,
    server: SocketAddr,
    mut modes: watch::Receiver<Mode>,
    eaten: Arc<AtomicU64>,
    cut: Arc<AtomicU64>,
) {
    if *modes.borrow_and_update() == Mode::Shut {
        cut.fetch_add(1, Ordering::SeqCst);
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let (hungry, is_hungry) = watch::channel(false);
    let asking = ask(from_client, to_server, modes.clone(), hungry);
    let answering = answer(from_server, to_client, modes.clone(), is_hungry, eaten);
    tokio::select! {
        () = asking => {}
        () = answering => {}
        _ = modes.wait_for(|mode| *mode == Mode::Shut) => {
            cut.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn ask(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    modes: watch::Receiver<Mode>,
    hungry: watch::Sender<bool>,
) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut piece).await
        && length > 0
    {
        let mode = *modes.borrow();
        if let Mode::Late(by) = mode {
            tokio::time::sleep(by).await;
        }
        if mode == Mode::EatsCommits && piece[..length].windows(7).any(|bytes| bytes == b"COMMIT\0") {
            hungry.send_replace(true);
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    modes: watch::Receiver<Mode>,
    is_hungry: watch::Receiver<bool>,
    eaten: Arc<AtomicU64>,
) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut piece).await
        && length > 0
    {
        // The answers to what came before the commit may come first; `C…COMMIT` is the answer itself.
        if *is_hungry.borrow() && piece[..length].windows(7).any(|bytes| bytes == b"COMMIT\0") {
            eaten.fetch_add(1, Ordering::SeqCst);
            return;
        }
        let mode = *modes.borrow();
        if let Mode::Late(by) = mode {
            tokio::time::sleep(by).await;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}
