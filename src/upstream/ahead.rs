//! The body of an answer that is taken from the application as fast as it gives it, however slowly the client takes
//! it: so the application is done with a slow reader as soon as with any other.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tokio::{
    select,
    sync::mpsc::{Receiver, Sender, channel},
    task::{JoinHandle, spawn_local},
    time::sleep,
};

use super::{
    BodyFault, UpstreamBody,
    spool::{PIECE, Spool},
    storage::ClientStorage,
};
use crate::policy::WholeBody;

/// Pieces on their way at a time beside those that wait: one in the channel, one with whoever takes it.
const UNDER_WAY: usize = 2;

/// The side of the client. Dropping it breaks the answer off.
#[derive(Debug)]
pub(super) struct Ahead {
    pieces: Receiver<Piece>,
    over: bool,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Piece {
    /// Bytes, and whether they are the last of all.
    Data(Bytes, bool),
    End(End),
}

type End = Result<Option<HeaderMap>, BodyFault>;

/// The side of the application.
#[derive(Debug)]
struct Run {
    /// None when it is over.
    body: Option<UpstreamBody>,
    /// How it ended, until that has been told.
    end: Option<End>,
    spool: Spool,
    /// What found no place in the spool. While there is any, nothing more is taken.
    left_over: Bytes,
    /// Bytes that may wait.
    most: u64,
    /// How long the application waits for the client to take the next piece where there is no place for more.
    patience: Duration,
}

/// Where what is taken ahead waits.
pub(super) struct Room {
    spool: Spool,
    limits: WholeBody,
}

impl Room {
    /// None where there is no memory for it.
    pub(super) fn of(limits: &WholeBody, storage: &ClientStorage) -> Option<Self> {
        let mut spool = Spool::new(storage, limits.memory);
        spool.reserve((1 + UNDER_WAY) * limits.memory.max(PIECE)).ok()?;
        Some(Self { spool, limits: *limits })
    }
}

impl Ahead {
    /// Begins to take `body`.
    pub(super) fn start(body: UpstreamBody, room: Room) -> Self {
        let (give, pieces) = channel(1);
        let Room { spool, limits } = room;
        let (body, left_over) = (Some(body), Bytes::new());
        let run = Run { body, end: None, spool, left_over, most: limits.most, patience: limits.time };
        Self { pieces, over: false, task: spawn_local(run.until_told(give)) }
    }

    /// Whether nothing more will come.
    pub(super) fn is_end(&self) -> bool {
        self.over
    }

    /// The next piece.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let piece = ready!(self.pieces.poll_recv(cx));
        self.over = !matches!(piece, Some(Piece::Data(_, false)));
        Poll::Ready(match piece {
            Some(Piece::Data(data, _)) => Some(Ok(Frame::data(data))),
            Some(Piece::End(end)) => end.map(|trailers| trailers.map(Frame::trailers)).transpose(),
            // Only a fault of ours ends it without a word.
            None => Some(Err(BodyFault::Malformed)),
        })
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Run {
    async fn until_told(mut self, give: Sender<Piece>) {
        loop {
            let has_place = self.spool.occupied() < self.most.max(1) && self.left_over.is_empty();
            let (takes, stalls) = (self.body.is_some() && has_place, self.body.is_some() && !has_place);
            let gives = self.has_piece();
            select! {
                biased;
                turn = give.reserve(), if gives => {
                    let Ok(turn) = turn else { return };
                    let piece = self.next().await;
                    let is_last = !matches!(piece, Piece::Data(_, false));
                    turn.send(piece);
                    if is_last {
                        return;
                    }
                }
                frame = next_frame(&mut self.body), if takes => self.take(frame).await,
                () = sleep(self.patience), if stalls => self.give_up(),
            }
        }
    }

    /// The client keeps the application waiting for too long: what waits is the last it gets.
    fn give_up(&mut self) {
        self.body = None;
        self.end = Some(Err(BodyFault::Truncated));
    }

    fn has_piece(&self) -> bool {
        self.spool.len() > 0 || !self.left_over.is_empty() || self.end.is_some()
    }

    async fn take(&mut self, frame: Option<Result<Frame<Bytes>, BodyFault>>) {
        match frame.transpose().map(|frame| frame.map(Frame::into_data)) {
            Ok(Some(Ok(mut data))) => {
                // Without a place, it waits for the client like any other answer.
                if self.spool.push(&mut data).await.is_err() {
                    self.left_over = data;
                }
                if self.body.as_ref().is_some_and(UpstreamBody::is_end) {
                    self.end = Some(Ok(None));
                }
            }
            Ok(Some(Err(frame))) => self.end = Some(Ok(frame.into_trailers().ok())),
            Ok(None) => self.end = Some(Ok(None)),
            Err(fault) => self.end = Some(Err(fault)),
        }
        if self.end.is_some() {
            // The application is done with.
            self.body = None;
        }
    }

    async fn next(&mut self) -> Piece {
        let data = match self.spool.len() {
            0 => std::mem::take(&mut self.left_over),
            _ => match self.spool.pull().await {
                Ok(data) => data,
                Err(_) => return Piece::End(Err(BodyFault::Malformed)),
            },
        };
        let nothing_waits = self.spool.len() == 0 && self.left_over.is_empty();
        match &self.end {
            Some(_) if data.is_empty() => Piece::End(self.end.take().unwrap_or(Ok(None))),
            Some(Ok(None)) if nothing_waits => Piece::Data(data, true),
            _ => Piece::Data(data, false),
        }
    }
}

async fn next_frame(body: &mut Option<UpstreamBody>) -> Option<Result<Frame<Bytes>, BodyFault>> {
    match body {
        Some(body) => poll_fn(|cx| body.poll_frame(cx)).await,
        None => None,
    }
}
