//! Ports that nobody listens on.

use std::net::TcpListener;

/// A port of this machine that was free a moment ago. Another process may take it first: whoever starts a server on it
/// tries again with another one.
pub(crate) fn free() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}
