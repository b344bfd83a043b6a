//! HTTP/1.1 towards the application (RFC 9112): one exchange at a time on a connection, driven by whoever awaits its
//! answer.
//!
//! There is no task per connection and no channel: a response is read by the task that forwards it, so a request
//! costs one write and one read on this side. What the application says is believed only if it can be read in one
//! way, and an idle connection holds no buffer.

mod content;
mod encode;
mod fuzz;
mod head;
mod sending;

use std::{
    cell::RefCell,
    future::Future,
    io,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use http::{Method, Request, StatusCode, request, response};
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

pub(super) use self::content::Content;
pub use self::fuzz::fuzz_answer;
use self::{content::Framing, head::Parsed, sending::Sending};
use super::{Fault, RequestBody, io::Stream, link::Failure};
use crate::http1::SpareHeads;

/// Bytes that are read at first: enough for the head and the whole of an ordinary page.
const FIRST_READ: usize = 16 * 1024;

/// How many heads' worth of interim responses (1xx) may precede an answer.
const INTERIM_HEADS: usize = 2;

/// Where the first bytes of answers arrive; one worker's connections share it, since none keeps anything there.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch(Rc<Workspace>);

#[derive(Debug)]
struct Workspace {
    read: RefCell<Box<[u8]>>,
    /// Of the request before, for the next answer.
    fields: SpareHeads,
}

impl Default for Workspace {
    fn default() -> Self {
        Self { read: RefCell::new(vec![0; FIRST_READ].into()), fields: SpareHeads::default() }
    }
}

/// A connection. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Http1 {
    stream: Stream,
    /// Read, and not yet taken. Empty between exchanges, or the connection is not used again.
    input: BytesMut,
    scratch: Scratch,
    /// Bytes of the largest head.
    max_head: usize,
}

/// An answer whose body is still to be read.
pub(super) type Answered = (response::Parts, Content);

/// A request on its way, until the head of its answer is there.
#[derive(Debug)]
pub(super) struct Asked {
    parts: request::Parts,
    sending: Sending,
    /// How many bytes of interim heads may still come; none before the first is read.
    interim: Option<usize>,
}

impl Asked {
    pub(super) fn new(request: Request<RequestBody>) -> Self {
        let (parts, body) = request.into_parts();
        let sending = Sending::new(&parts, body);
        Self { parts, sending, interim: None }
    }
}

impl Http1 {
    pub(super) fn new(stream: Stream, scratch: Scratch, max_head: usize) -> Self {
        Self { stream, input: BytesMut::new(), scratch, max_head }
    }

    /// Whether another request may be sent: the application has neither closed the connection nor said anything
    /// unasked. Costs no system call while nothing has happened.
    pub(super) fn is_idle(&mut self) -> bool {
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        let read = Pin::new(&mut self.stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte));
        self.input.is_empty() && read.is_pending()
    }

    /// Sends a request until the head of its answer is there, which may come before the request's end.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        asked: &mut Asked,
    ) -> Poll<Result<response::Parts, Fault>> {
        if let Poll::Ready(Err(fault)) = asked.sending.poll(cx, &mut self.stream) {
            return Poll::Ready(Err(fault));
        }
        self.poll_answer(cx, &mut asked.interim)
    }

    /// What came of a request: the answer that begins with this head, or what is left of the request.
    pub(super) fn answered(
        &mut self,
        asked: Asked,
        received: Result<response::Parts, Fault>,
    ) -> Result<Answered, Failure> {
        let Asked { parts, sending, .. } = asked;
        let head = match received {
            Ok(head) => head,
            Err(fault) => {
                let again = matches!(fault, Fault::Closed).then(|| sending.again(parts)).flatten();
                return Err(Failure { fault, again });
            }
        };
        let framing = Framing::of(&head, parts.method == Method::HEAD).ok_or(Fault::Malformed)?;
        let reusable = head::is_kept_alive(&head) && !head::signs_in_connection(&parts.headers);
        self.scratch.0.fields.put(parts.headers);
        let content = Content::new(framing, reusable, sending);
        Ok((head, content.begun(self)))
    }

    /// The stream, and what has been read of it, once protocols have been switched.
    pub(super) fn into_parts(self) -> (Stream, Bytes) {
        (self.stream, self.input.freeze())
    }

    /// Reads until a final head has come; interim ones are dropped.
    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        interim: &mut Option<usize>,
    ) -> Poll<Result<response::Parts, Fault>> {
        let interim = interim.get_or_insert(self.max_head.saturating_mul(INTERIM_HEADS));
        let scratch = self.scratch.clone();
        let mut room = scratch.0.read.borrow_mut();
        loop {
            let mut space = ReadBuf::new(&mut room);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space));
            if read.is_err() || space.filled().is_empty() {
                return Poll::Ready(Err(self.ended()));
            }
            if let Some(head) = self.take_head(space.filled(), interim)? {
                return Poll::Ready(Ok(head));
            }
            if self.input.len() > self.max_head {
                return Poll::Ready(Err(Fault::Malformed));
            }
        }
    }

    /// Takes the final head out of what has come, and keeps the rest. An ordinary head comes in one piece and is read
    /// where it arrived. Without the end of a line in what came no head is complete, and none is looked for.
    fn take_head(&mut self, came: &[u8], interim: &mut usize) -> Result<Option<response::Parts>, Fault> {
        if memchr(b'\n', came).is_none() {
            self.input.extend_from_slice(came);
            return Ok(None);
        }
        if self.input.is_empty() {
            let (head, length) = final_head(came, self.max_head, interim, &self.scratch.0.fields)?;
            self.input.extend_from_slice(came.get(length..).unwrap_or_default());
            return Ok(head);
        }
        self.input.extend_from_slice(came);
        let (head, length) = final_head(&self.input, self.max_head, interim, &self.scratch.0.fields)?;
        self.input.advance(length);
        Ok(head)
    }

    /// What an end says that comes before the head is complete.
    fn ended(&self) -> Fault {
        if head::parse(&self.input, &self.scratch.0.fields).is_none() { Fault::Malformed } else { Fault::Closed }
    }

    /// Reads up to `most` bytes of a body; none at its end.
    fn poll_read(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<usize>> {
        self.input.reserve(most);
        pin!(self.stream.read_buf(&mut self.input)).poll(cx)
    }
}

/// The final head in `bytes`, if it is there, and how many bytes it and the interim ones before it were.
fn final_head(
    bytes: &[u8],
    max_head: usize,
    interim: &mut usize,
    spare: &SpareHeads,
) -> Result<(Option<response::Parts>, usize), Fault> {
    let mut before = 0;
    loop {
        let rest = bytes.get(before..).unwrap_or_default();
        let Some(Parsed { head, length }) = head::parse(rest, spare).ok_or(Fault::Malformed)? else {
            return Ok((None, before));
        };
        if length > max_head {
            return Err(Fault::Malformed);
        }
        before += length;
        if !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok((Some(head), before));
        }
        *interim = interim.checked_sub(length).ok_or(Fault::Malformed)?;
    }
}

#[cfg(test)]
mod tests;
