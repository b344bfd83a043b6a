//! The body of an answer. Read to its end, it gives its connection back; dropped before, it closes it.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;

use super::{link::Link, pool::Pool};

#[derive(Debug)]
pub(crate) struct UpstreamBody {
    incoming: Incoming,
    link: Option<Link>,
    pool: Option<Rc<Pool>>,
}

impl UpstreamBody {
    pub(super) fn new(incoming: Incoming, link: Link, pool: Rc<Pool>) -> Self {
        let mut body = Self { incoming, link: Some(link), pool: Some(pool) };
        if body.is_end() {
            body.give_back();
        }
        body
    }

    /// A connection that was to switch protocols is never used for anything else.
    pub(super) fn of_switch(incoming: Incoming, link: Link) -> Self {
        Self { incoming, link: Some(link), pool: None }
    }

    /// Whether nothing more will come. May be true without a last poll.
    pub(crate) fn is_end(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// The next piece.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        match &frame {
            None => self.give_back(),
            Some(Ok(_)) if self.is_end() => self.give_back(),
            Some(Ok(_)) => {}
            Some(Err(_)) => self.link = None,
        }
        Poll::Ready(frame)
    }

    fn give_back(&mut self) {
        if let (Some(link), Some(pool)) = (self.link.take(), &self.pool) {
            pool.put(link);
        }
    }
}
