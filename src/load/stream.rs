//! What a connection runs over: TCP as it is, or TLS above it.
//!
//! It must not know: what is sent, whom TLS trusts.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// An enum, because the load generator runs over it: plain TCP pays for one comparison.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Secured(Box<TlsStream<TcpStream>>),
}

/// What came first on a stream that is written to and read from at once.
#[derive(Debug)]
pub(super) enum Step {
    /// So much was taken; of nothing, it means that all before has left.
    Taken(io::Result<usize>),
    /// So much has arrived.
    Arrived(io::Result<usize>),
}

impl Stream {
    /// Writes what is left or, where nothing is, sends off what was taken; reads into `free` where that must wait.
    pub(super) fn poll_step(&mut self, context: &mut Context<'_>, left: &[u8], free: &mut [u8]) -> Poll<Step> {
        let taken = if left.is_empty() {
            Pin::new(&mut *self).poll_flush(context).map_ok(|()| 0)
        } else {
            Pin::new(&mut *self).poll_write(context, left)
        };
        if taken.is_ready() {
            return taken.map(Step::Taken);
        }
        let mut free = ReadBuf::new(free);
        let read = Pin::new(self).poll_read(context, &mut free);
        read.map_ok(|()| free.filled().len()).map(Step::Arrived)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, free: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, free),
            Self::Secured(stream) => Pin::new(stream).poll_read(context, free),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Secured(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Secured(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Secured(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
