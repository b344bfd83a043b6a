//! HTTP/2 without TLS by prior knowledge (RFC 9113 section 3.3): the client's first bytes tell it from HTTP/1.1.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::listener::Duplex;

/// What every HTTP/2 client says first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

/// A connection whose first bytes have been read, and are read again.
#[derive(Debug)]
pub(super) struct Rewound<D> {
    first: Bytes,
    duplex: D,
}

/// Reads until the first bytes have told what is spoken. A client that ends before speaks HTTP/1.1 badly.
pub(super) async fn recognise<D: Duplex>(mut duplex: D) -> io::Result<(Spoken, Rewound<D>)> {
    let mut bytes = [0; PREFACE.len()];
    let mut first = ReadBuf::new(&mut bytes);
    loop {
        let before = first.filled().len();
        poll_fn(|cx| Pin::new(&mut duplex).poll_read(cx, &mut first)).await?;
        let read = first.filled();
        let spoken = match read == &PREFACE[..read.len()] {
            true if read.len() == PREFACE.len() => Some(Spoken::Http2),
            true if read.len() > before => None,
            _ => Some(Spoken::Http1),
        };
        if let Some(spoken) = spoken {
            return Ok((spoken, Rewound { first: Bytes::copy_from_slice(read), duplex }));
        }
    }
}

impl<D: Duplex> Duplex for Rewound<D> {
    fn reset_on_close(&self) {
        self.duplex.reset_on_close();
    }
}

impl<D: Duplex> AsyncRead for Rewound<D> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.duplex).poll_read(cx, buffer);
        }
        let length = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first[..length]);
        self.first.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<D: Duplex> AsyncWrite for Rewound<D> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.duplex).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.duplex).poll_write_vectored(cx, slices)
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

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        task::yield_now,
    };

    use super::*;

    impl Duplex for tokio::io::DuplexStream {
        fn reset_on_close(&self) {}
    }

    async fn recognised(pieces: &[&[u8]]) -> (Spoken, Vec<u8>) {
        let (mut client, server) = duplex(64);
        let told = async {
            let (spoken, mut rewound) = recognise(server).await.unwrap();
            let mut read = Vec::new();
            rewound.read_to_end(&mut read).await.unwrap();
            (spoken, read)
        };
        let say = async {
            for piece in pieces {
                client.write_all(piece).await.unwrap();
                yield_now().await;
            }
            drop(client);
        };
        tokio::join!(told, say).0
    }

    #[tokio::test]
    async fn the_first_bytes_tell_and_are_read_again_however_they_come() {
        for (text, spoken) in [
            (&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04"[..], Spoken::Http2),
            (b"GET / HTTP/1.1\r\n\r\n", Spoken::Http1),
            (b"PRI * HTTP/1.1\r\n\r\n", Spoken::Http1),
            (b"PRI", Spoken::Http1),
            (b"", Spoken::Http1),
        ] {
            let single: Vec<&[u8]> = text.chunks(1).collect();
            assert_eq!(recognised(&single).await, (spoken, text.to_vec()));
            assert_eq!(recognised(&[text]).await, (spoken, text.to_vec()));
        }
    }
}
