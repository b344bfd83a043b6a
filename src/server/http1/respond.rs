//! A response on its way out: its head and the first bytes of its body leave in one write, the rest as it comes.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame};

use super::{
    encode::{self, Coding, Promise, Terms},
    wire::Wire,
};
use crate::{
    http1::{chunk_size, last_chunk},
    server::{GiveWay, listener::Duplex},
};

/// A response that is being sent.
#[derive(Debug)]
pub(super) struct Responding<B> {
    body: B,
    promise: Promise,
    stage: Stage,
    /// The most bytes that wait to be written.
    most: usize,
    switches: bool,
    /// Before the first write.
    give_way: GiveWay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// More may come.
    Body,
    /// All of it waits to be written, or has been.
    Whole,
    /// No more comes although it should: what there is is written, and then the connection breaks off.
    Broken,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It may serve another request.
    Kept,
    /// It ends.
    Last,
    /// It breaks off: the client must not take the end for an ordinary one.
    BrokenOff,
    /// The client is gone.
    Gone,
    /// It speaks another protocol from here.
    Switched,
}

impl<B: Body<Data = Bytes> + Unpin> Responding<B> {
    /// Puts the head together. At most `most` bytes wait to be written.
    pub(super) fn new<D: Duplex + ?Sized>(
        response: Response<B>,
        terms: Terms,
        wire: &mut Wire<D>,
        (epoch, most): (u64, usize),
    ) -> Self {
        let (parts, body) = response.into_parts();
        let scratch = wire.scratch().clone();
        let length = body.size_hint().exact();
        let promise = encode::head(wire.out(), &parts, length, terms, (&scratch, epoch));
        scratch.spare_heads().put(parts.headers);
        let stage = if promise.coding == Coding::Empty { Stage::Whole } else { Stage::Body };
        let switches = parts.status == StatusCode::SWITCHING_PROTOCOLS;
        Self { body, promise, stage, most, switches, give_way: GiveWay::default() }
    }

    /// Sends what can be sent.
    pub(super) fn poll<D: Duplex + ?Sized>(&mut self, cx: &mut Context<'_>, wire: &RefCell<Wire<D>>) -> Poll<Sent> {
        loop {
            let filled = self.poll_fill(cx, wire);
            ready!(Pin::new(&mut self.give_way).poll(cx));
            if ready!(wire.borrow_mut().poll_write(cx)).is_err() {
                return Poll::Ready(Sent::Gone);
            }
            match self.stage {
                Stage::Whole => return Poll::Ready(self.sent()),
                Stage::Broken => return Poll::Ready(Sent::BrokenOff),
                Stage::Body if filled.is_pending() => return wire.borrow_mut().poll_gone(cx).map(|()| Sent::Gone),
                Stage::Body => {}
            }
        }
    }

    fn sent(&self) -> Sent {
        match self.promise.keeps_alive {
            _ if self.switches => Sent::Switched,
            true => Sent::Kept,
            false => Sent::Last,
        }
    }

    /// Takes what is there of the body, up to a certain amount. Pending if more will come.
    fn poll_fill<D: Duplex + ?Sized>(&mut self, cx: &mut Context<'_>, wire: &RefCell<Wire<D>>) -> Poll<()> {
        while self.stage == Stage::Body && wire.borrow().pending() < self.most {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
            self.on_frame(frame.map(|frame| frame.map_err(drop)), &mut wire.borrow_mut());
            if self.promise.coding == Coding::Length(0) {
                self.finish_counted(cx);
            }
        }
        Poll::Ready(())
    }

    fn on_frame<D: Duplex + ?Sized>(&mut self, frame: Option<Result<Frame<Bytes>, ()>>, wire: &mut Wire<D>) {
        match frame {
            None => self.finish(wire, None),
            Some(Err(())) => self.stage = Stage::Broken,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => self.append(data, wire),
                Err(frame) => self.finish(wire, frame.into_trailers().ok()),
            },
        }
    }

    fn append<D: Duplex + ?Sized>(&mut self, mut data: Bytes, wire: &mut Wire<D>) {
        match &mut self.promise.coding {
            Coding::Empty => {}
            Coding::Close => wire.push(data),
            Coding::Chunked => {
                wire.push_with(|out| chunk_size(out, data.len()));
                wire.push(data);
                wire.push(Bytes::from_static(b"\r\n"));
            }
            Coding::Length(left) => {
                // More than was announced would be taken for the next response.
                if data.len() as u64 > *left {
                    data.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                    self.promise.keeps_alive = false;
                }
                *left -= data.len() as u64;
                wire.push(data);
            }
        }
    }

    /// As many bytes as were announced are there. A body that says so with its last piece need not be asked, and one
    /// that is asked need not answer at once.
    fn finish_counted(&mut self, cx: &mut Context<'_>) {
        self.stage = Stage::Whole;
        if !self.body.is_end_stream() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => self.promise.keeps_alive = false,
                _ => {}
            }
        }
    }

    fn finish<D: Duplex + ?Sized>(&mut self, wire: &mut Wire<D>, trailers: Option<HeaderMap>) {
        self.stage = match self.promise.coding {
            Coding::Length(1..) => Stage::Broken,
            _ => Stage::Whole,
        };
        let trailers = trailers.filter(|_| !self.promise.trailers.is_empty());
        let announced = &self.promise.trailers;
        if self.promise.coding == Coding::Chunked {
            wire.push_with(|out| match &trailers {
                Some(fields) => encode::trailers(out, fields, announced),
                None => last_chunk(out),
            });
        }
    }
}
