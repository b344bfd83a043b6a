//! Where exchanges take place. The future of one takes more than ten kilobytes: too much for an idle connection to hold, and
//! too much to be made, moved and given back for every request. So a worker keeps some that serve one exchange after
//! the other, of whatever connection.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use super::{Service, Session, head::Head, respond::Sent};

/// The most empty rooms that are kept.
const KEPT: usize = 32;

/// The empty rooms of a worker. Clones are the same.
pub(in crate::server) struct Rooms<S>(Rc<RefCell<Vec<Room<S>>>>);

/// Room for one exchange at a time. Dropped, it drops the exchange in it.
pub(super) struct Room<S> {
    desk: Rc<Desk<S>>,
    work: Pin<Box<dyn Future<Output = Infallible>>>,
}

/// What goes in and comes out.
struct Desk<S> {
    request: Cell<Option<(Session<S>, Head)>>,
    sent: Cell<Option<Sent>>,
}

impl<S> Clone for Rooms<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> Default for Rooms<S> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<S> fmt::Debug for Rooms<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms").finish_non_exhaustive()
    }
}

impl<S: Service> Rooms<S> {
    /// An empty room.
    pub(super) fn take(&self) -> Room<S> {
        self.0.borrow_mut().pop().unwrap_or_else(Room::new)
    }

    /// Keeps a room whose exchange is over for another.
    pub(super) fn give_back(&self, room: Room<S>) {
        let mut kept = self.0.borrow_mut();
        if kept.len() < KEPT {
            kept.push(room);
        }
    }
}

#[cfg(test)]
impl<S> Rooms<S> {
    pub(super) fn kept(&self) -> usize {
        self.0.borrow().len()
    }
}

impl<S: Service> Room<S> {
    fn new() -> Self {
        let desk = Rc::new(Desk { request: Cell::new(None), sent: Cell::new(None) });
        Self { work: Box::pin(work(desk.clone())), desk }
    }

    /// Begins an exchange; the room is empty.
    pub(super) fn begin(&self, session: Session<S>, head: Head) {
        let before = self.desk.request.replace(Some((session, head)));
        debug_assert!(before.is_none(), "one at a time");
    }

    /// Goes on with the exchange. Ready once it is over and the room empty again.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Sent> {
        match self.work.as_mut().poll(cx) {
            Poll::Pending => self.desk.sent.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}

async fn work<S: Service>(desk: Rc<Desk<S>>) -> Infallible {
    loop {
        let (session, head) = poll_fn(|_| desk.request.take().map_or(Poll::Pending, Poll::Ready)).await;
        let sent = session.exchange(head).await;
        drop(session);
        desk.sent.set(Some(sent));
    }
}
