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
    /// Nothing arrives, in either direction, until it is another mode: a network that loses every packet.
    Silent,
    /// Nothing goes through, and what is open is cut off.
    Shut,
    /// A `COMMIT` goes through; its answer does not, and the connection ends.
    EatsCommits,
    /// What has this word in it, and all behind it, waits for another mode; the rest goes through.
    Holds(&'static str),
}

/// How often a gate did something.
#[derive(Default)]
struct Counts {
    eaten: AtomicU64,
    cut: AtomicU64,
    held: AtomicU64,
}

/// A gate on a port of its own. Dropped, it is shut for ever.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    mode: watch::Sender<Mode>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

impl Gate {
    /// Opens a gate before a server.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (mode, modes) = watch::channel(Mode::Open);
        let counts = Arc::<Counts>::default();
        let counted = Arc::clone(&counts);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, modes.clone(), Arc::clone(&counted)));
            }
        });
        Self { address, mode, counts, accepting }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many answers to commits were eaten.
    pub(crate) fn eaten(&self) -> u64 {
        self.counts.eaten.load(Ordering::SeqCst)
    }

    /// How many connections were cut off.
    pub(crate) fn cut(&self) -> u64 {
        self.counts.cut.load(Ordering::SeqCst)
    }

    /// How often something was held.
    pub(crate) fn held(&self) -> u64 {
        self.counts.held.load(Ordering::SeqCst)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.set(Mode::Shut);
        self.accepting.abort();
    }
}

async fn pass(client: TcpStream, server: SocketAddr, mut modes: watch::Receiver<Mode>, counts: Arc<Counts>) {
    if *modes.borrow_and_update() == Mode::Shut {
        counts.cut.fetch_add(1, Ordering::SeqCst);
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let (hungry, is_hungry) = watch::channel(false);
    let asking = ask(from_client, to_server, modes.clone(), hungry, &counts);
    let answering = answer(from_server, to_client, modes.clone(), is_hungry, &counts);
    tokio::select! {
        () = asking => {}
        () = answering => {}
        _ = modes.wait_for(|mode| *mode == Mode::Shut) => {
            counts.cut.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn ask(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut modes: watch::Receiver<Mode>,
    hungry: watch::Sender<bool>,
    counts: &Counts,
) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut piece).await
        && length > 0
    {
        let Some(mode) = mode_in_which_it_arrives(&mut modes).await else { return };
        if let Mode::Holds(word) = mode
            && has(&piece[..length], word)
        {
            counts.held.fetch_add(1, Ordering::SeqCst);
            if modes.wait_for(|now| *now != mode).await.is_err() {
                return;
            }
        }
        if mode == Mode::EatsCommits && has(&piece[..length], "COMMIT\0") {
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
    mut modes: watch::Receiver<Mode>,
    is_hungry: watch::Receiver<bool>,
    counts: &Counts,
) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut piece).await
        && length > 0
    {
        // The answers to what came before the commit may come first; `C…COMMIT` is the answer itself.
        if *is_hungry.borrow() && has(&piece[..length], "COMMIT\0") {
            counts.eaten.fetch_add(1, Ordering::SeqCst);
            return;
        }
        if mode_in_which_it_arrives(&mut modes).await.is_none() {
            return;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

/// The mode when a piece arrives at last; `None` where it never does, because the gate is gone.
async fn mode_in_which_it_arrives(modes: &mut watch::Receiver<Mode>) -> Option<Mode> {
    let mode = *modes.wait_for(|mode| *mode != Mode::Silent).await.ok()?;
    if let Mode::Late(by) = mode {
        tokio::time::sleep(by).await;
    }
    Some(mode)
}

fn has(piece: &[u8], word: &str) -> bool {
    piece.windows(word.len()).any(|bytes| bytes == word.as_bytes())
}
