//! A request on its way out: its head and the first bytes of its body leave in one write, the rest as it comes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, request};
use http_body::Body;
use tokio::io::AsyncWrite;

use super::encode::{self, Coding};
use crate::{
    http1::{chunk, last_chunk},
    upstream::{
        Fault, RequestBody,
        io::Stream,
        link::{Again, is_repeatable},
    },
};

/// Bytes that are collected before they are written.
const GATHER: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Sending {
    /// Encoded; `written` bytes of it have left.
    out: Vec<u8>,
    /// At most `out.len()`.
    written: usize,
    coding: Coding,
    body: RequestBody,
    stage: Stage,
    /// Neither has anything left, nor has anything of the body been taken.
    untouched: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Body,
    /// All of it is in `out`.
    Rest,
    /// All of it has left.
    Sent,
    /// The connection takes no more; there may be an answer all the same.
    Broken,
}

impl Sending {
    pub(super) fn new(parts: &request::Parts, body: RequestBody) -> Self {
        let coding = Coding::of(&body);
        let stage = if coding == Coding::Empty { Stage::Rest } else { Stage::Body };
        let mut out = Vec::new();
        encode::head(&mut out, parts, coding);
        Self { out, written: 0, coding, body, stage, untouched: true }
    }

    /// Whether all of it has left.
    pub(super) fn is_whole(&self) -> bool {
        self.stage == Stage::Sent
    }

    /// The request, if it is still there from its beginning and may be sent again.
    pub(super) fn again(self, parts: request::Parts) -> Option<Again> {
        let repeatable = self.body.is_empty() && is_repeatable(&parts.method);
        let request = Box::new(Request::from_parts(parts, self.body));
        match self.untouched {
            true => Some(Again::Unsent(request)),
            false => repeatable.then_some(Again::Repeatable(request)),
        }
    }

    /// Sends what can be sent. Ready when there is no more to do; an error is the client's.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<Result<(), Fault>> {
        loop {
            let filled = self.poll_fill(cx)?;
            if matches!(self.stage, Stage::Sent | Stage::Broken) {
                return Poll::Ready(Ok(()));
            }
            match ready!(self.poll_write(cx, stream)) {
                Err(_) => self.stage = Stage::Broken,
                Ok(()) if self.stage == Stage::Rest => self.stage = Stage::Sent,
                Ok(()) => ready!(filled),
            }
        }
    }

    /// Encodes what is there of the body, up to a certain amount. Pending if more will come.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        while self.stage == Stage::Body && self.out.len() < GATHER {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => self.finish()?,
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                Some(Ok(frame)) => frame.into_data().map_or(Ok(()), |data| self.append(&data))?,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn append(&mut self, data: &Bytes) -> Result<(), Fault> {
        match &mut self.coding {
            Coding::Empty => return Err(Fault::Request),
            Coding::Chunked => chunk(&mut self.out, data),
            Coding::Length(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(Fault::Request)?;
                self.out.extend_from_slice(data);
            }
        }
        self.untouched = false;
        if self.coding == Coding::Length(0) {
            self.stage = Stage::Rest;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Fault> {
        match self.coding {
            Coding::Length(1..) => return Err(Fault::Request),
            Coding::Chunked => last_chunk(&mut self.out),
            Coding::Length(0) | Coding::Empty => {}
        }
        self.stage = Stage::Rest;
        Ok(())
    }

    /// Writes all there is. Only TLS has anything to flush.
    fn poll_write(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.out.get(self.written..) {
            match ready!(Pin::new(&mut *stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
            self.untouched = false;
        }
        self.out.clear();
        self.written = 0;
        Pin::new(stream).poll_flush(cx)
    }
}
