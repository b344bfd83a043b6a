//! What a client is answered that does not speak acceptable HTTP/1.1.
//!
//! hyper answers by itself, without a body (400, 414, 431), or not at all (a head that does not come). Its answer is
//! held back, and when hyper then gives the connection up a page of ours takes its place.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::{connection::Connection, listener::Duplex};

/// Longer than any answer that hyper gives by itself.
const ANSWER_MAX: usize = 256;

/// What is read from a client that has been refused, so that its system does not throw the answer away.
const LINGER_BYTES: usize = 256 * 1024;

/// How long, after the answer, such a client may go on sending.
const LINGER: Duration = Duration::from_secs(1);

/// A connection whose last write may still be taken back.
#[derive(Debug)]
pub(super) struct HoldBack<D> {
    duplex: D,
    /// Written by hyper and not yet sent: its last bytes could be an answer of its own.
    held: Vec<u8>,
    /// How much of `held` has been sent.
    sent: usize,
    /// The round in which it was written.
    round: u64,
    connection: Rc<Connection>,
}

impl<D: Duplex> HoldBack<D> {
    pub(super) fn new(duplex: D, connection: Rc<Connection>) -> Self {
        Self { duplex, held: Vec::new(), sent: 0, round: 0, connection }
    }

    /// The connection, and what was held back of it.
    pub(super) fn into_parts(mut self) -> (D, Vec<u8>) {
        self.held.drain(..self.sent);
        (self.duplex, self.held)
    }

    /// Holds back what was written now.
    fn hold(&mut self, bytes: &[u8]) {
        self.round = self.connection.round();
        self.held.extend_from_slice(bytes);
    }

    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.held.get(self.sent..) {
            match ready!(Pin::new(&mut self.duplex).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        self.sent = 0;
        self.held.clear();
        Poll::Ready(Ok(()))
    }
}

/// Where an answer that hyper gives by itself begins, if `written` could end with one, and its status.
fn own_answer(written: &[u8]) -> Option<(usize, StatusCode)> {
    let tail = written.len().saturating_sub(ANSWER_MAX);
    let at = tail + memmem::rfind(written.strip_suffix(b"\r\n\r\n")?.get(tail..)?, b"HTTP/1.")?;
    let answer = written.get(at..)?;
    let status = StatusCode::from_bytes(answer.get(9..12)?).ok()?;
    let is_empty = memmem::find(answer, b"\r\ncontent-length: 0\r\n").is_some();
    (matches!(status.as_u16(), 400 | 414 | 431) && is_empty).then_some((at, status))
}

/// Sends what was held back. `page` takes the place of hyper's own answer, where that is the last of it.
pub(super) async fn settle(
    duplex: &mut impl Duplex,
    mut held: Vec<u8>,
    connection: &Connection,
    page: Option<impl FnOnce(StatusCode) -> Response<Bytes>>,
) {
    let replaced = page.and_then(|page| {
        let (at, status) = own_answer(&held)?;
        held.truncate(at);
        Some(page(status))
    });
    match replaced {
        Some(page) => refuse(duplex, held, connection, &page).await,
        None => {
            // The client is gone, or it gets what there is.
            drop(connection.bound(duplex.write_all(&held)).await);
            drop(connection.bound(duplex.shutdown()).await);
        }
    }
}

/// Sends a page, after what was to come before it, and closes.
pub(super) async fn refuse(
    duplex: &mut impl Duplex,
    mut before: Vec<u8>,
    connection: &Connection,
    page: &Response<Bytes>,
) {
    before.extend_from_slice(&written(page));
    connection.say_goodbye();
    let say = async {
        duplex.write_all(&before).await?;
        duplex.shutdown().await?;
        drop(tokio::time::timeout(LINGER, linger(duplex)).await);
        io::Result::Ok(())
    };
    // Whether the client has heard it makes no difference any more.
    drop(connection.bound(say).await);
}

/// A close with unread bytes is a reset, and a reset may overtake the answer.
async fn linger(duplex: &mut impl Duplex) {
    let mut piece = [0; 4096];
    let mut left = LINGER_BYTES;
    while let Ok(read @ 1..) = duplex.read(&mut piece).await
        && left > 0
    {
        left = left.saturating_sub(read);
    }
}

/// The message as it is sent. The client may have asked with any method, so the body is always there.
fn written(page: &Response<Bytes>) -> Vec<u8> {
    let status = page.status();
    let phrase = status.canonical_reason().unwrap_or_default();
    let mut out = format!("HTTP/1.1 {} {phrase}\r\n", status.as_str()).into_bytes();
    for (name, value) in page.headers() {
        if *name != header::CONTENT_LENGTH {
            out.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    let date = httpdate::fmt_http_date(SystemTime::now());
    out.extend_from_slice(
        format!("content-length: {}\r\nconnection: close\r\ndate: {date}\r\n\r\n", page.body().len()).as_bytes(),
    );
    out.extend_from_slice(page.body());
    out
}

impl<D: Duplex> Duplex for HoldBack<D> {
    fn reset_on_close(&self) {
        self.duplex.reset_on_close();
    }
}

impl<D: Duplex> AsyncRead for HoldBack<D> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.duplex).poll_read(cx, buffer)
    }
}

impl<D: Duplex> AsyncWrite for HoldBack<D> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_release(cx))?;
        if own_answer(bytes).is_some() {
            self.hold(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.duplex).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_release(cx))?;
        let last = slices.iter().rfind(|slice| !slice.is_empty());
        if last.is_some_and(|last| own_answer(last).is_some()) {
            slices.iter().for_each(|slice| self.hold(slice));
            return Poll::Ready(Ok(self.held.len()));
        }
        Pin::new(&mut self.duplex).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.duplex.is_write_vectored()
    }

    /// If hyper gives the connection up, it does so in the round in which it answers. In another it goes on.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.held.is_empty() && self.round == self.connection.round() {
            cx.waker().wake_by_ref();
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_release(cx))?;
        Pin::new(&mut self.duplex).poll_flush(cx)
    }

    /// What is held is sent, and the connection shut down, by [`settle`].
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.duplex).poll_shutdown(cx)
    }
}
