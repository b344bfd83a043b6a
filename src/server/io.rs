//! The bytes of a client connection on their way in and out: what moves its deadlines.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{connection::Connection, listener::Duplex};

#[derive(Debug)]
pub(super) struct ClientIo<D> {
    duplex: D,
    connection: Rc<Connection>,
}

impl<D: Duplex> ClientIo<D> {
    pub(super) fn new(duplex: D, connection: Rc<Connection>) -> Self {
        Self { duplex, connection }
    }

    fn written(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Pending => self.connection.on_write_blocked(),
            Poll::Ready(_) => self.connection.on_write(),
        }
        result
    }
}

impl<D: Duplex> Duplex for ClientIo<D> {
    fn reset_on_close(&self) {
        self.duplex.reset_on_close();
    }
}

impl<D: Duplex> AsyncRead for ClientIo<D> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.duplex).poll_read(cx, buffer);
        if result.is_ready() {
            self.connection.on_read();
        }
        result
    }
}

impl<D: Duplex> AsyncWrite for ClientIo<D> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.duplex).poll_write(cx, bytes);
        self.written(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.duplex).poll_write_vectored(cx, slices);
        self.written(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.duplex.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.duplex).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.duplex).poll_shutdown(cx)
    }
}
