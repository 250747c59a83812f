//! Connections that go on without HTTP: a stream of events needs none of the buffers that requests do.
//!
//! Job: take a socket from HTTP once HTTP has written all that it had to say. Invariant: nothing is lost between the two, and
//! the connection keeps its place until what goes on ends. It must not know: what is sent.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// What goes on with a socket.
pub(super) type GoOn = Box<dyn FnOnce(Taken) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Where what is to go on waits until HTTP has written all before it.
#[derive(Default)]
pub(super) struct Handover(Mutex<Option<GoOn>>);

impl Handover {
    /// Asks for the socket. HTTP must have nothing to write from here on but what it holds already.
    pub(super) fn ask(&self, go_on: GoOn) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(go_on);
    }

    /// What was asked, once.
    pub(super) fn asked(&self) -> Option<GoOn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A socket that HTTP has let go of. Closed when dropped.
pub(super) struct Taken {
    stream: TcpStream,
    write_timeout: Duration,
}

/// The most that somebody may say who has only to listen.
const SAID_MAX: usize = 1024;

impl Taken {
    /// A socket whose reader must keep reading.
    pub(super) fn new(stream: TcpStream, write_timeout: Duration) -> Self {
        Self { stream, write_timeout }
    }

    /// Writes all parts; an error where the other side takes nothing for too long.
    pub(super) async fn send<const N: usize>(&self, parts: [&[u8]; N]) -> io::Result<()> {
        let mut slices = parts.map(IoSlice::new);
        let mut left = &mut slices[..];
        while !left.is_empty() {
            match self.stream.try_write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let Ok(writable) = timeout(self.write_timeout, self.stream.writable()).await else {
                        return Err(cut());
                    };
                    writable?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Resolves when the other side has gone, or talks. The little that it says is thrown away.
    pub(super) async fn gone(&self) {
        let mut heard = 0;
        while heard <= SAID_MAX && self.stream.readable().await.is_ok() {
            match self.stream.try_read(&mut [0; SAID_MAX]) {
                Ok(0) => return,
                Ok(said) => heard += said,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// Counts a reader that does not read, whose connection ends.
pub(super) fn cut() -> io::Error {
    metrics::counter!("hustings_slow_readers_cut_total").increment(1);
    io::ErrorKind::TimedOut.into()
}
