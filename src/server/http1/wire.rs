//! The bytes of a connection: what has been read and not yet taken, what is to be written and has not yet left.

use std::{
    collections::VecDeque,
    future::Future,
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Frame;
use memchr::memchr;
use tokio::io::{AsyncReadExt, ReadBuf};

use super::{
    head::{self, Framing, Head, HeadFault, Parsed},
    scratch::Scratch,
};
use crate::{
    http1::{Malformed, Piece, take},
    server::{listener::Duplex, upload::UploadFault},
};

/// Bytes that are read of a body at once, when it says its length and when not.
const READ_SIZED: usize = 64 * 1024;
const READ_CHUNKED: usize = 16 * 1024;

/// Pieces up to this size are copied behind what is to be written before them: one write of one stretch costs less.
const COPIED: usize = 2 * 1024;

/// The most stretches of one write.
const SLICES: usize = 16;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// One connection. An idle one holds no buffer.
pub(crate) struct Wire<D: ?Sized> {
    /// Read, and not yet taken.
    input: BytesMut,
    /// To be written first; `written` bytes of it have left.
    out: Vec<u8>,
    /// At most `out.len()`.
    written: usize,
    /// To be written behind it. None is empty.
    queue: VecDeque<Bytes>,
    /// Bytes of `queue`.
    queued: usize,
    /// The body of the request that is being answered.
    body: Framing,
    /// The client waits to be told to send it.
    continue_due: bool,
    scratch: Scratch,
    duplex: D,
}

/// A head; none if the connection ended, between two requests or within a head.
pub(super) type Awaited = Result<Option<Head>, HeadFault>;

/// What a request head is held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadLimits {
    pub(super) bytes: usize,
    pub(super) fields: usize,
}

impl<D: Duplex> Wire<D> {
    pub(super) fn new(duplex: D, scratch: Scratch) -> Self {
        Self {
            input: BytesMut::new(),
            out: Vec::new(),
            written: 0,
            queue: VecDeque::new(),
            queued: 0,
            body: Framing::Length(0),
            continue_due: false,
            scratch,
            duplex,
        }
    }

    /// The connection, and what has been read of it.
    pub(super) fn into_parts(self) -> (D, Bytes) {
        (self.duplex, self.input.freeze())
    }
}

/// Heads.
impl<D: Duplex + ?Sized> Wire<D> {
    /// Whether nothing of a next request has come.
    pub(super) fn is_unread(&self) -> bool {
        self.input.is_empty()
    }

    /// Looks for a head in what has been read already.
    pub(super) fn buffered_head(&mut self, limits: HeadLimits) -> Option<Awaited> {
        if self.input.is_empty() {
            // An idle connection holds no buffer.
            self.input = BytesMut::new();
            return None;
        }
        self.take_head(limits)
    }

    /// Reads until a head is complete.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>, limits: HeadLimits) -> Poll<Awaited> {
        let scratch = self.scratch.clone();
        let mut room = scratch.room();
        loop {
            let mut space = ReadBuf::new(&mut room);
            let read = ready!(Pin::new(&mut self.duplex).poll_read(cx, &mut space));
            if read.is_err() || space.filled().is_empty() {
                return Poll::Ready(self.ended(limits));
            }
            if let Some(awaited) = self.on_head_bytes(space.filled(), limits) {
                return Poll::Ready(awaited);
            }
        }
    }

    /// An ordinary head comes in one piece and is read where it arrived. One that comes in several is looked at again
    /// with every end of a line.
    fn on_head_bytes(&mut self, came: &[u8], limits: HeadLimits) -> Option<Awaited> {
        if !self.input.is_empty() {
            self.input.extend_from_slice(came);
            return if memchr(b'\n', came).is_some() { self.take_head(limits) } else { self.too_large(limits) };
        }
        match head::parse(came, limits.fields, self.scratch.spare_heads()) {
            Ok(Some(Parsed { head, length })) if length <= limits.bytes => {
                self.input.extend_from_slice(came.get(length..).unwrap_or_default());
                Some(Ok(Some(head)))
            }
            Ok(Some(_)) => Some(Err(HeadFault::TOO_LARGE)),
            Ok(None) => {
                self.input.extend_from_slice(came);
                self.skip_empty_lines();
                self.too_large(limits)
            }
            Err(fault) => Some(Err(fault)),
        }
    }

    fn take_head(&mut self, limits: HeadLimits) -> Option<Awaited> {
        self.skip_empty_lines();
        match head::parse(&self.input, limits.fields, self.scratch.spare_heads()) {
            Ok(Some(Parsed { head, length })) if length <= limits.bytes => {
                self.input.advance(length);
                Some(Ok(Some(head)))
            }
            Ok(Some(_)) => Some(Err(HeadFault::TOO_LARGE)),
            Ok(None) => self.too_large(limits),
            Err(fault) => Some(Err(fault)),
        }
    }

    /// Lines without anything may stand before a request (RFC 9112 section 2.2); they are no part of it.
    fn skip_empty_lines(&mut self) {
        let mut rest = &self.input[..];
        while let Some(behind) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
            rest = behind;
        }
        let blank = self.input.len() - rest.len();
        self.input.advance(blank);
    }

    /// What has come of a head that is not complete is too much already.
    fn too_large(&self, limits: HeadLimits) -> Option<Awaited> {
        (self.input.len() >= limits.bytes).then_some(Err(HeadFault::TOO_LARGE))
    }

    fn ended(&self, limits: HeadLimits) -> Awaited {
        match head::parse(&self.input, limits.fields, self.scratch.spare_heads()) {
            Err(fault) if !self.input.is_empty() => Err(fault),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
impl<D> Wire<D> {
    /// Bytes of buffers.
    pub(super) fn held(&self) -> usize {
        self.input.capacity() + self.out.capacity() + self.queue.capacity()
    }
}

/// Bodies of requests.
impl<D: Duplex + ?Sized> Wire<D> {
    /// A request whose body follows is being answered.
    pub(super) fn begin_body(&mut self, body: Framing, expects_continue: bool) {
        self.continue_due = expects_continue && !body.is_end();
        self.body = body;
    }

    /// Whether nothing more of the body will come.
    pub(in crate::server) fn is_body_end(&self) -> bool {
        self.body.is_end()
    }

    /// Whether the client has sent more than the request that was answered, or is still sending that.
    pub(super) fn is_more_coming(&self) -> bool {
        !self.body.is_end() || !self.input.is_empty()
    }

    /// How many bytes of the body are still to come, if it says so.
    pub(in crate::server) fn body_left(&self) -> Option<u64> {
        match self.body {
            Framing::Length(left) => Some(left),
            Framing::Chunked(_) => None,
        }
    }

    /// Whether the client waits to be told to send a body that nobody has asked for.
    pub(super) fn is_continue_due(&self) -> bool {
        self.continue_due
    }

    /// The next piece of the body.
    pub(in crate::server) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        if self.ask_for_body(cx).is_err() {
            return Poll::Ready(Some(Err(UploadFault::Truncated)));
        }
        loop {
            match self.body.decode(&mut self.input) {
                Ok(Some(Piece::Data(data))) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Some(Piece::Trailers(fields))) => return Poll::Ready(Some(Ok(Frame::trailers(fields)))),
                Ok(None) if self.body.is_end() => return Poll::Ready(None),
                Ok(None) => {}
                Err(Malformed) => return Poll::Ready(Some(Err(UploadFault::Malformed))),
            }
            match ready!(self.poll_read_body(cx)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(Some(Err(UploadFault::Truncated))),
            }
        }
    }

    /// The request has been answered: whether its body has been read to its end. What has come of it is thrown away;
    /// nobody waits for more.
    pub(super) fn drain_body(&mut self, cx: &mut Context<'_>) -> bool {
        self.continue_due = false;
        let mut may_read = true;
        loop {
            match self.body.decode(&mut self.input) {
                Ok(Some(_)) => {}
                Ok(None) if self.body.is_end() => return true,
                Ok(None) if std::mem::take(&mut may_read) && self.poll_read_body(cx).is_ready() => {}
                Ok(None) | Err(Malformed) => return false,
            }
        }
    }

    /// Ready when the client has ended the connection. What it sends ahead is kept, but no more than is read at once.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.body.is_end() || !self.input.is_empty() {
            return Poll::Pending;
        }
        let scratch = self.scratch.clone();
        let mut room = scratch.room();
        let mut space = ReadBuf::new(&mut room);
        let read = ready!(Pin::new(&mut self.duplex).poll_read(cx, &mut space));
        if read.is_err() || space.filled().is_empty() {
            return Poll::Ready(());
        }
        self.input.extend_from_slice(space.filled());
        Poll::Pending
    }

    fn ask_for_body(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if std::mem::take(&mut self.continue_due) {
            self.out.extend_from_slice(CONTINUE);
        }
        match self.pending() {
            0 => Ok(()),
            _ => match self.poll_write(cx) {
                Poll::Ready(result) => result,
                Poll::Pending => Ok(()),
            },
        }
    }

    fn poll_read_body(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.reserve(self.body.room());
        pin!(self.duplex.read_buf(&mut self.input)).poll(cx)
    }
}

impl Framing {
    pub(super) fn is_end(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.is_end(),
        }
    }

    /// Takes the next piece from `input`; none if that needs more, or there is no more.
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, Malformed> {
        match self {
            Self::Chunked(chunked) => chunked.decode(input),
            Self::Length(0) => Ok(None),
            Self::Length(_) if input.is_empty() => Ok(None),
            Self::Length(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= length as u64;
                Ok(Some(Piece::Data(take(input, length))))
            }
        }
    }

    /// How much room to read into: a byte more than is left, since a read that does not fill its room needs no second
    /// one to learn that nothing is left.
    fn room(&self) -> usize {
        match self {
            Self::Length(left) => usize::try_from(*left).unwrap_or(READ_SIZED).min(READ_SIZED - 1) + 1,
            Self::Chunked(_) => READ_CHUNKED,
        }
    }
}

/// Responses.
impl<D: Duplex + ?Sized> Wire<D> {
    /// Where the next bytes to be written are put together.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        if self.out.capacity() == 0 {
            self.out = self.scratch.borrow_output();
        }
        &mut self.out
    }

    pub(super) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Puts a piece behind everything else that is to be written.
    pub(super) fn push(&mut self, piece: Bytes) {
        match self.queue.back() {
            None if piece.len() <= COPIED => self.out().extend_from_slice(&piece),
            _ => {
                self.queued += piece.len();
                self.queue.push_back(piece);
            }
        }
    }

    /// Puts bytes there that are yet to be written down.
    pub(super) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.queue.is_empty() {
            return write(self.out());
        }
        let mut bytes = Vec::new();
        write(&mut bytes);
        self.push(bytes.into());
    }

    /// Bytes that have not left yet.
    pub(super) fn pending(&self) -> usize {
        self.out.len() - self.written + self.queued
    }

    /// Writes all there is, and gives the room for it back.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.pending() > 0 {
            match ready!(self.poll_write_some(cx))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.advance(written),
            }
        }
        self.give_room_back();
        // Only TLS keeps anything back.
        Pin::new(&mut self.duplex).poll_flush(cx)
    }

    fn give_room_back(&mut self) {
        let mut room = std::mem::take(&mut self.out);
        room.clear();
        self.written = 0;
        self.scratch.give_back(room);
        if self.queue.capacity() > SLICES {
            self.queue = VecDeque::new();
        }
    }

    fn poll_write_some(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let first = self.out.get(self.written..).unwrap_or_default();
        if self.queue.is_empty() {
            return Pin::new(&mut self.duplex).poll_write(cx, first);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let all = std::iter::once(first).chain(self.queue.iter().map(|piece| &**piece));
        let mut count = 0;
        for (slice, bytes) in slices.iter_mut().zip(all.filter(|bytes| !bytes.is_empty())) {
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        Pin::new(&mut self.duplex).poll_write_vectored(cx, slices.get(..count).unwrap_or_default())
    }

    fn advance(&mut self, mut written: usize) {
        let first = written.min(self.out.len() - self.written);
        self.written += first;
        written -= first;
        self.queued -= written;
        while written > 0 {
            let Some(piece) = self.queue.front_mut() else { return };
            if piece.len() > written {
                piece.advance(written);
                return;
            }
            written -= piece.len();
            self.queue.pop_front();
        }
    }
}
