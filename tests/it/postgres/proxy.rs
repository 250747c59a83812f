//! Something between a node and its database that cuts the connection just where it hurts: around a commit.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use crate::conformance::Postgres;
use crate::services::postgres::PostgresServer;

/// What happens to the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The connection ends after the work and before the commit is sent.
    Before,
    /// The connection ends when the server has committed, and nobody hears of it.
    After,
    /// The connection ends as soon as the commit is sent.
    During,
    /// The commit waits until [`Proxy::resume`]; a server that loses patience is heard.
    Hold,
    /// The gate becomes silent, and the commit does not arrive before it is open again.
    SilenceBefore,
    /// The gate becomes silent when the commit has gone through, and before its answer does.
    SilenceAfter,
}

/// What happens to new connections, and to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Gate {
    #[default]
    Open,
    /// New ones wait until it is open.
    Waits,
    /// New ones are closed at once.
    Refuses,
    /// Nothing arrives on any, in either direction, until it is open: a network that loses every packet.
    Silent,
}

/// A proxy in front of the shared server.
pub(crate) struct Proxy {
    port: u16,
    control: Arc<Control>,
}

#[derive(Default)]
struct Control {
    next: Mutex<Option<Cut>>,
    happened: Notify,
    resumed: Notify,
    gate: watch::Sender<Gate>,
}

impl Control {
    /// Waits for as long as nothing arrives.
    async fn arrives(&self) {
        let mut gate = self.gate.subscribe();
        gate.wait_for(|gate| *gate != Gate::Silent).await.expect("a gate that is still there");
    }
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let control = Arc::<Control>::default();
        let shared = Arc::clone(&control);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, Arc::clone(&shared)));
            }
        });
        Self { port, control }
    }

    /// A node that reaches a database of the shared server through this.
    pub(crate) async fn node(&self, database: &str, seed: u64) -> Postgres {
        Postgres::at(&self.url(database), seed).await
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Does this to the next commit, once.
    pub(crate) fn cut(&self, cut: Cut) {
        *self.control.next.lock().expect("no panic in between") = Some(cut);
    }

    /// Waits until it was done.
    pub(crate) async fn happened(&self) {
        self.control.happened.notified().await;
    }

    /// Lets the commit that was held go on.
    pub(crate) fn resume(&self) {
        self.control.resumed.notify_one();
    }

    pub(crate) fn gate(&self, gate: Gate) {
        self.control.gate.send_replace(gate);
    }
}

async fn pass(client: TcpStream, control: Arc<Control>) {
    let mut gate = control.gate.subscribe();
    let arrives = |gate: &Gate| ![Gate::Waits, Gate::Silent].contains(gate);
    let state = *gate.wait_for(arrives).await.expect("a gate that is still there");
    if state == Gate::Refuses {
        return;
    }
    let server = TcpStream::connect(("127.0.0.1", PostgresServer::shared().port())).await.expect("the server");
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (say_deaf, is_deaf) = watch::channel(false);
    // Whichever ends first takes the sockets of both along.
    tokio::select! {
        _ = upwards(from_client, to_server, &control, say_deaf) => {}
        _ = downwards(from_server, to_client, &control, is_deaf) => {}
    }
}

/// Passes on what the node sends, message by message.
async fn upwards(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    control: &Control,
    say_deaf: watch::Sender<bool>,
) -> std::io::Result<()> {
    // The first message has no type.
    let length = from.read_u32().await?;
    to.write_all(&[&length.to_be_bytes()[..], &body(&mut from, length).await?].concat()).await?;
    loop {
        let (kind, message) = message(&mut from).await?;
        let is_commit = kind == b'Q' && message[5..].starts_with(b"-- commit");
        let cut = if is_commit { control.next.lock().expect("no panic in between").take() } else { None };
        match cut {
            None => {
                control.arrives().await;
                to.write_all(&message).await?;
            }
            Some(Cut::Before) => {
                control.happened.notify_one();
                return Ok(());
            }
            Some(Cut::During) => {
                to.write_all(&message).await?;
                control.happened.notify_one();
                return Ok(());
            }
            Some(Cut::After) => {
                say_deaf.send_replace(true);
                to.write_all(&message).await?;
            }
            Some(Cut::Hold) => {
                control.happened.notify_one();
                control.resumed.notified().await;
                to.write_all(&message).await?;
            }
            Some(Cut::SilenceBefore) => {
                control.gate.send_replace(Gate::Silent);
                control.happened.notify_one();
                control.arrives().await;
                to.write_all(&message).await?;
            }
            Some(Cut::SilenceAfter) => {
                control.gate.send_replace(Gate::Silent);
                to.write_all(&message).await?;
                control.happened.notify_one();
            }
        }
    }
}

/// Passes on what the server says, until the answer to a commit that nobody may hear.
async fn downwards(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    control: &Control,
    is_deaf: watch::Receiver<bool>,
) -> std::io::Result<()> {
    loop {
        let (kind, message) = message(&mut from).await?;
        control.arrives().await;
        if !*is_deaf.borrow() {
            to.write_all(&message).await?;
        } else if kind == b'Z' && message[5] == b'I' {
            // Ready, and in no transaction any more.
            control.happened.notify_one();
            return Ok(());
        }
    }
}

async fn message(from: &mut OwnedReadHalf) -> std::io::Result<(u8, Vec<u8>)> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await?;
    let body = body(from, length).await?;
    Ok((kind, [&[kind][..], &length.to_be_bytes()[..], &body].concat()))
}

async fn body(from: &mut OwnedReadHalf, length: u32) -> std::io::Result<Vec<u8>> {
    let mut body = vec![0; usize::try_from(length).expect("a length") - 4];
    from.read_exact(&mut body).await?;
    Ok(body)
}
