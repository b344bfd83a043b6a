//! The body of a request that is read whole before the application sees any of the request.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;

use super::{
    BodyLimit, Fault,
    spool::{Spool, SpoolFault, Storage},
};
use crate::{
    policy::WholeBody,
    server::{Clock, Connection, TICK},
};

/// Bytes that stay in memory where no file can be made, as in a container with nothing to write on.
const WITHOUT_FILE: usize = 4 << 20;

/// What is read, and what it is held to.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) incoming: Incoming,
    pub(crate) limits: &'a WholeBody,
    /// The guard's own limit.
    pub(crate) guard: Option<BodyLimit>,
    pub(crate) storage: &'a Storage,
    pub(crate) connection: &'a Connection,
    pub(crate) clock: &'a Clock,
}

/// A body of which everything is there.
pub(crate) struct Whole {
    state: State,
    /// Bytes that have not been handed on.
    left: u64,
}

enum State {
    Waiting(Spool),
    Reading(Pin<Box<dyn Future<Output = Read>>>),
    /// Of what there was nothing is left, or can be had.
    Over,
}

/// The spool, and what came out of it.
type Read = (Spool, io::Result<Bytes>);

impl Reading<'_> {
    /// Reads the body to its end.
    ///
    /// # Errors
    /// What the client is to blame for ([`Fault::Request`], [`Fault::RequestTimeout`]), or [`Fault::Spool`]. A body
    /// that is too large is noted with the connection, too.
    pub(crate) async fn read(mut self) -> Result<Whole, Fault> {
        self.check_size(self.incoming.size_hint().lower())?;
        let (began, mut came) = (self.clock.tick(), 0);
        let mut spool = Spool::new(self.storage, self.limits.memory);
        while let Some(frame) = self.next(began, came).await? {
            let Ok(mut data) = frame.into_data() else { continue };
            came += data.len() as u64;
            self.check_size(came)?;
            keep(&mut spool, &mut data).await?;
        }
        self.connection.exchange_deadline.clear();
        Ok(Whole { left: spool.len(), state: State::Waiting(spool) })
    }

    /// A client that makes no pause and still takes too long is too slow.
    async fn next(&mut self, began: u64, came: u64) -> Result<Option<Frame<Bytes>>, Fault> {
        let ticks = u32::try_from(self.clock.tick() - began).unwrap_or(u32::MAX);
        let left = self.limits.time_left(came, TICK.saturating_mul(ticks));
        if left == Duration::ZERO {
            return Err(Fault::RequestTimeout);
        }
        let deadline = &self.connection.exchange_deadline;
        deadline.set(left.min(self.connection.body_timeout()));
        let frame = deadline.bound(poll_fn(|cx| Pin::new(&mut self.incoming).poll_frame(cx))).await;
        frame.ok_or(Fault::RequestTimeout)?.transpose().map_err(|_| Fault::Request)
    }

    fn check_size(&self, bytes: u64) -> Result<(), Fault> {
        let of_guard = self.guard.filter(|guard| bytes > guard.most);
        if of_guard.is_some() || bytes > self.limits.most {
            self.connection.oversize();
        }
        let refused = bytes > self.limits.most || of_guard.is_some_and(|guard| guard.enforced);
        if refused { Err(Fault::Request) } else { Ok(()) }
    }
}

async fn keep(spool: &mut Spool, data: &mut Bytes) -> Result<(), SpoolFault> {
    match spool.push(data).await {
        Err(SpoolFault::NoFile { folder, error }) => {
            if !spool.stay_in_memory(WITHOUT_FILE) {
                return Err(SpoolFault::NoFile { folder, error });
            }
            spool.push(data).await
        }
        result => result,
    }
}

impl Whole {
    /// Bytes that have not been handed on.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The next piece; none at the end.
    pub(super) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Waiting(spool) if spool.len() == 0 => return Poll::Ready(None),
                State::Waiting(mut spool) => {
                    let read = async move {
                        let piece = spool.pull().await;
                        (spool, piece)
                    };
                    self.state = State::Reading(Box::pin(read));
                }
                State::Reading(mut read) => {
                    let Poll::Ready((spool, piece)) = read.as_mut().poll(cx) else {
                        self.state = State::Reading(read);
                        return Poll::Pending;
                    };
                    if let Ok(piece) = &piece {
                        self.left -= piece.len() as u64;
                        self.state = State::Waiting(spool);
                    }
                    return Poll::Ready(Some(piece));
                }
            }
        }
    }
}

impl std::fmt::Debug for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whole").field("left", &self.left).finish_non_exhaustive()
    }
}
