//! HTTP/1.1 towards clients (RFC 9112): one exchange at a time on a connection, driven by the connection's task.
//!
//! There is no channel between a request's body and who reads it, nor between a response's and the socket: whoever
//! needs bytes reads them. An idle connection holds no buffer. What is no acceptable request is answered with a page of
//! the service's (see [`super::refusal`]) and closed.

mod encode;
mod head;
mod respond;
mod rooms;
mod scratch;
mod wire;

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use http::{Method, Request, StatusCode};

pub(crate) use self::wire::Wire;
use self::{
    encode::Terms,
    head::{Head, HeadFault},
    respond::{Responding, Sent},
    wire::{Awaited, HeadLimits},
};
pub(in crate::server) use self::{rooms::Rooms, scratch::Scratch};
use super::{Abuse, Service, clock::Clock, connection::Connection, listener::Duplex, refusal, upload::Upload};

/// How the serving of a connection came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Within an exchange whose client is gone.
    Gone,
    /// Between two exchanges, or behind a response that was the last. Whether the client has sent more than was read, or will.
    Last { unread: bool },
    /// In the middle of a response.
    BrokenOff,
    /// At something that is no request.
    Fault(HeadFault),
    /// The client kept us waiting.
    Overdue(Option<Abuse>),
    /// With a switch of protocols.
    Switched,
}

/// Serves one connection to its end.
pub(super) async fn serve<D: Duplex, S: Service>(
    duplex: D,
    connection: Rc<Connection>,
    clock: &Clock,
    service: Rc<S>,
    (scratch, rooms): (Scratch, &Rooms<S>),
) {
    let wire = Rc::new(RefCell::new(Wire::new(duplex, scratch)));
    let session =
        Session { wire: wire.clone(), connection: connection.clone(), clock: clock.clone(), service: service.clone() };
    let end = session.run_in_time(rooms).await;
    drop(session);
    let Some(wire) = Rc::into_inner(wire) else { return };
    // Boxed: an idle connection does not hold the room for its end.
    Box::pin(conclude(wire.into_inner(), end, &connection, &*service)).await;
}

async fn conclude<D: Duplex, S: Service>(wire: Wire<D>, end: End, connection: &Connection, service: &S) {
    let began = !wire.is_unread();
    let (mut duplex, read) = wire.into_parts();
    if let Some(abuse) = end.abuse() {
        service.abused(connection.peer, abuse);
    }
    match end {
        End::Switched => {
            if let Some(takeover) = connection.take_over() {
                takeover(Box::new(duplex), read).await;
            }
        }
        End::Fault(HeadFault::Status(status)) => {
            refusal::refuse(&mut duplex, connection, &service.unread(connection, status)).await;
        }
        End::Overdue(Some(Abuse::SlowHead)) if began => {
            let page = service.unread(connection, StatusCode::REQUEST_TIMEOUT);
            refusal::refuse(&mut duplex, connection, &page).await;
        }
        End::Last { unread } => refusal::close(&mut duplex, connection, unread).await,
        End::BrokenOff | End::Overdue(_) if connection.is_severed() => duplex.reset_on_close(),
        End::Gone | End::BrokenOff | End::Overdue(_) | End::Fault(HeadFault::Http2) => {}
    }
}

impl End {
    fn abuse(self) -> Option<Abuse> {
        match self {
            Self::Overdue(abuse) => abuse,
            Self::Fault(HeadFault::TOO_LARGE) => Some(Abuse::TooLarge),
            Self::Fault(_) => Some(Abuse::Malformed),
            Self::Gone | Self::Last { .. } | Self::BrokenOff | Self::Switched => None,
        }
    }
}

/// A connection and what serves it.
struct Session<S> {
    wire: Rc<RefCell<Wire<dyn Duplex>>>,
    connection: Rc<Connection>,
    clock: Clock,
    service: Rc<S>,
}

impl<S> Clone for Session<S> {
    fn clone(&self) -> Self {
        let Self { wire, connection, clock, service } = self;
        Self { wire: wire.clone(), connection: connection.clone(), clock: clock.clone(), service: service.clone() }
    }
}

impl<S: Service> Session<S> {
    /// Serves requests until the connection ends or its client keeps us waiting for too long.
    async fn run_in_time(&self, rooms: &Rooms<S>) -> End {
        let mut session = pin!(self.run(rooms));
        poll_fn(|cx| match session.as_mut().poll(cx) {
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => self.connection.poll_overdue(cx).map(End::Overdue),
        })
        .await
    }

    async fn run(&self, rooms: &Rooms<S>) -> End {
        loop {
            let head = match self.next_head().await {
                Ok(Some(head)) => head,
                Ok(None) => return End::Last { unread: false },
                Err(fault) => return End::Fault(fault),
            };
            self.connection.begin_exchange();
            let mut room = rooms.take();
            room.begin(self.clone(), head);
            let sent = poll_fn(|cx| room.poll(cx)).await;
            rooms.give_back(room);
            match sent {
                Sent::Kept => self.end_exchange(),
                Sent::Last => return End::Last { unread: self.wire.borrow().is_more_coming() },
                Sent::BrokenOff => return End::BrokenOff,
                Sent::Gone => return End::Gone,
                Sent::Switched => return End::Switched,
            }
        }
    }

    /// The next request head. While the worker takes leave, none that has not begun is waited for.
    async fn next_head(&self) -> Awaited {
        let settings = self.connection.settings();
        let limits = HeadLimits { bytes: settings.buffer, fields: settings.max_headers };
        if let Some(head) = self.wire.borrow_mut().buffered_head(limits) {
            return head;
        }
        poll_fn(|cx| {
            let mut wire = self.wire.borrow_mut();
            if self.clock.draining() && wire.is_unread() {
                return Poll::Ready(Ok(None));
            }
            wire.poll_head(cx, limits)
        })
        .await
    }

    async fn exchange(&self, head: Head) -> Sent {
        let terms = Terms {
            version: head.parts.version,
            to_head: head.parts.method == Method::HEAD,
            takes_trailers: head.takes_trailers,
            keeps_alive: head.keeps_alive,
        };
        let mut call = pin!(self.service.call(self.request(head), &self.connection));
        let answered = poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Ready(response) => Poll::Ready(Some(response)),
            Poll::Pending => self.wire.borrow_mut().poll_gone(cx).map(|()| None),
        });
        let Some(response) = answered.await else { return Sent::Gone };
        // A body that nobody asked for may come all the same, and would be taken for a request.
        let lasts = !self.clock.draining() && !self.wire.borrow().is_continue_due();
        let terms = Terms { keeps_alive: terms.keeps_alive && lasts, ..terms };
        let room = (self.clock.epoch(), self.connection.settings().buffer);
        let mut responding = Responding::new(response, terms, &mut self.wire.borrow_mut(), room);
        poll_fn(|cx| {
            let sent = ready!(responding.poll(cx, &self.wire));
            Poll::Ready(self.with_body_drained(cx, sent))
        })
        .await
    }

    fn request(&self, head: Head) -> Request<Upload> {
        self.wire.borrow_mut().begin_body(head.body, head.expects_continue);
        let upload = match self.wire.borrow().is_body_end() {
            true => Upload::Empty,
            false => Upload::Http1(self.wire.clone()),
        };
        Request::from_parts(head.parts, upload)
    }

    /// Behind a request of which something is still to come no other can be read.
    fn with_body_drained(&self, cx: &mut Context<'_>, sent: Sent) -> Sent {
        match sent {
            Sent::Kept | Sent::Last if !self.wire.borrow_mut().drain_body(cx) => Sent::Last,
            sent => sent,
        }
    }

    fn end_exchange(&self) {
        self.connection.end_exchange();
        if !self.wire.borrow().is_unread() {
            self.connection.on_read();
        }
    }
}

#[cfg(test)]
mod tests;
