//! The body of an answer. Read to its end, it gives its connection back; dropped before, it closes it.

use std::{
    error::Error as _,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use thiserror::Error;

use super::{
    ahead::{Ahead, Room},
    http1::Content,
    io::Stream,
    link::Link,
    pool::Pool,
    slots::Slot,
    storage::ClientStorage,
};
use crate::policy::WholeBody;

#[derive(Debug)]
pub(crate) struct UpstreamBody {
    source: Source,
    /// None once it has been given back, or broken.
    link: Option<Link>,
    pool: Option<Rc<Pool>>,
    /// The place of the request; none once the answer is over.
    slot: Option<Slot>,
}

/// Where the body comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// What is left of it on the connection.
    Http1(Content),
    Http2(Incoming),
    /// What another task takes from it.
    Ahead(Ahead),
}

/// How a body can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BodyFault {
    /// The connection ended in the middle of it.
    #[error("the connection ended within the body")]
    Truncated,
    /// It is framed wrongly, or was taken back.
    #[error("the body cannot be read")]
    Malformed,
}

impl UpstreamBody {
    pub(super) fn new(source: Source, link: Link, pool: Rc<Pool>) -> Self {
        let mut body = Self { source, link: Some(link), pool: Some(pool), slot: None };
        if body.is_end() {
            body.give_back();
        }
        body
    }

    /// A connection that serves nothing else, as one that was to switch protocols.
    pub(super) fn of_one_request(source: Source, link: Link) -> Self {
        Self { source, link: Some(link), pool: None, slot: None }
    }

    /// Keeps the place of the request until the answer is over.
    pub(super) fn occupy(&mut self, slot: Slot) {
        self.slot = Some(slot).filter(|_| !self.is_end());
    }

    /// Gives the place of the request back, for an answer that has no end of its own.
    pub(crate) fn vacate(&mut self) {
        self.slot = None;
    }

    /// Takes it from the application as fast as it comes, as far as there is room for it.
    pub(crate) fn taken_ahead(self, limits: &WholeBody, storage: &ClientStorage) -> Self {
        match Room::of(limits, storage) {
            Some(room) if !self.is_end() => {
                Self { source: Source::Ahead(Ahead::start(self, room)), link: None, pool: None, slot: None }
            }
            _ => self,
        }
    }

    /// Whether nothing more will come. May be true without a last poll.
    pub(crate) fn is_end(&self) -> bool {
        match &self.source {
            Source::Http1(content) => content.is_end(),
            Source::Http2(incoming) => incoming.is_end_stream(),
            Source::Ahead(ahead) => ahead.is_end(),
        }
    }

    /// The next piece.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let frame = match (&mut self.source, &mut self.link) {
            (Source::Http1(content), Some(Link::Http1(connection))) => ready!(content.poll_frame(cx, connection)),
            (Source::Http1(_), _) => None,
            (Source::Http2(incoming), _) => {
                ready!(Pin::new(incoming).poll_frame(cx)).map(|frame| frame.map_err(|error| BodyFault::of(&error)))
            }
            (Source::Ahead(ahead), _) => ready!(ahead.poll_frame(cx)),
        };
        match &frame {
            None => self.give_back(),
            Some(Ok(_)) if self.is_end() => self.give_back(),
            Some(Ok(_)) => {}
            Some(Err(_)) => (self.link, self.slot) = (None, None),
        }
        Poll::Ready(frame)
    }

    /// The connection, once protocols have been switched, and what the application has already sent on it.
    pub(crate) fn into_switched(self) -> Option<(Stream, Bytes)> {
        match self.link {
            Some(Link::Http1(connection)) => Some(connection.into_parts()),
            _ => None,
        }
    }

    fn give_back(&mut self) {
        self.slot = None;
        let reusable = match &self.source {
            Source::Http1(content) => content.is_reusable(),
            Source::Http2(_) | Source::Ahead(_) => true,
        };
        if let (Some(link), Some(pool)) = (self.link.take_if(|_| self.pool.is_some()), &self.pool)
            && reusable
        {
            pool.put(link);
        }
    }
}

impl BodyFault {
    /// Tells a connection that ended in the middle of the body from a body that is framed wrongly.
    fn of(error: &hyper::Error) -> Self {
        match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
            _ if error.is_incomplete_message() => Self::Truncated,
            Some(io) => Self::of_io(io),
            None => Self::Malformed,
        }
    }

    /// The same of a connection that is read without hyper.
    pub(super) fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Self::Truncated,
            _ => Self::Malformed,
        }
    }
}
