//! Ports that nobody listens on.

use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

/// A port of this machine that was free a moment ago. Another process may take it first: whoever starts a server on it
/// tries again with another one.
pub(crate) fn free() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A port that the system gives to nobody else while this is held, for a server that starts much later. It must share
/// its address (`SO_REUSEADDR`), as ours does.
pub(crate) struct Held(TcpSocket);

impl Held {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("a shared address");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        Self(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }
}
