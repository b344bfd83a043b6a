//! The bytes of an upstream connection; on their way to and from hyper (HTTP/2), counted while a head is awaited.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::client::TlsStream;

use crate::server::Duplex;

/// A connection to the application, whatever carries it.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Boxed: it is large, and the others are every day.
    Tls(Box<TlsStream<TcpStream>>),
}

/// How many bytes may still come before the head of a response is complete: hyper reads interim responses (1xx)
/// without end.
#[derive(Clone, Debug)]
pub(super) struct Allowance(Rc<Cell<usize>>);

#[derive(Debug)]
pub(super) struct UpstreamIo {
    stream: Stream,
    allowance: Allowance,
}

impl Allowance {
    /// The value while no head is awaited.
    const UNBOUNDED: usize = usize::MAX;

    pub(super) fn new() -> Self {
        Self(Rc::new(Cell::new(Self::UNBOUNDED)))
    }

    /// A head is awaited. What is read with it of the body, and a few interim responses, must fit too.
    pub(super) fn begin(&self, max_head: usize) {
        self.0.set(max_head.saturating_mul(2));
    }

    /// The head has come.
    pub(super) fn end(&self) {
        self.0.set(Self::UNBOUNDED);
    }

    fn spend(&self, bytes: usize) -> io::Result<()> {
        let left = self.0.get();
        if left != Self::UNBOUNDED {
            self.0.set(left.checked_sub(bytes).ok_or(io::ErrorKind::InvalidData)?);
        }
        Ok(())
    }
}

impl UpstreamIo {
    pub(super) fn new(stream: Stream, allowance: Allowance) -> Self {
        Self { stream, allowance }
    }
}

impl AsyncRead for UpstreamIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Poll::Ready(Ok(())) = result {
            self.allowance.spend(buffer.filled().len() - before)?;
        }
        result
    }
}

impl AsyncWrite for UpstreamIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Only TLS keeps bytes back.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl Duplex for Stream {
    fn reset_on_close(&self) {
        match self {
            Self::Tcp(stream) => stream.reset_on_close(),
            Self::Unix(stream) => stream.reset_on_close(),
            Self::Tls(stream) => stream.get_ref().0.reset_on_close(),
        }
    }
}
