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

use super::{
    BodyLimit, Fault,
    spool::{Spool, SpoolFault},
    storage::ClientStorage,
};
use crate::{
    policy::WholeBody,
    server::{Clock, Connection, Upload},
};

/// Bytes that stay in memory where no file can be made, as in a container with nothing to write on.
const WITHOUT_FILE: usize = 4 << 20;

/// What is read, and what it is held to.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) incoming: Upload,
    pub(crate) limits: &'a WholeBody,
    /// The guard's own limit.
    pub(crate) guard: Option<BodyLimit>,
    pub(crate) storage: ClientStorage,
    pub(crate) connection: &'a Connection,
    pub(crate) clock: &'a Clock,
}

/// A time in which so much must come.
struct Pace {
    /// The tick it began.
    began: u64,
    /// Bytes that had come before.
    came: u64,
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
        let (mut pace, mut came) = (Pace { began: self.clock.tick(), came: 0 }, 0);
        let mut spool = Spool::new(&self.storage, self.limits.memory);
        while let Some(frame) = self.next(&mut pace, came).await? {
            let Ok(mut data) = frame.into_data() else { continue };
            came += data.len() as u64;
            self.check_size(came)?;
            keep(&mut spool, &mut data).await?;
        }
        self.connection.exchange_deadline.clear();
        Ok(Whole { left: spool.len(), state: State::Waiting(spool) })
    }

    async fn next(&mut self, pace: &mut Pace, came: u64) -> Result<Option<Frame<Bytes>>, Fault> {
        let (pause, since) = (self.connection.body_timeout(), self.clock.tick());
        loop {
            let left = pace.left(self.clock, self.limits, came).ok_or(Fault::RequestTimeout)?;
            let patience = pause.checked_sub(self.clock.since(since)).ok_or(Fault::RequestTimeout)?;
            let deadline = &self.connection.exchange_deadline;
            deadline.set(left.min(patience));
            if let Some(frame) = deadline.bound(poll_fn(|cx| Pin::new(&mut self.incoming).poll_frame(cx))).await {
                return frame.transpose().map_err(|_| Fault::Request);
            }
        }
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

impl Pace {
    /// How long the client has before it is looked at again; none if it is too slow.
    fn left(&mut self, clock: &Clock, limits: &WholeBody, came: u64) -> Option<Duration> {
        let passed = clock.since(self.began);
        if passed < limits.time {
            return Some(limits.time - passed);
        }
        if !limits.keeps_pace(came - self.came) {
            return None;
        }
        *self = Self { began: clock.tick(), came };
        Some(limits.time)
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
