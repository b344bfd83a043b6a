//! Switched protocols: the two sides connected, bytes both ways. What a WebSocket server says is judged message by
//! message on inspected routes; tunnels are counted and never read.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::io::ReadBuf;

use super::visit::Visit;
use crate::{
    exchange::{Exchange, MessageStep, Released},
    policy::UpgradePolicy,
    server::{Deadline, Duplex, Takeover},
    upstream::UpstreamBody,
};

/// Bytes held in each direction.
const BUFFER: usize = 16 * 1024;

/// What to do with the bytes of one direction.
trait Passage {
    fn pass(&mut self, bytes: Bytes) -> Passed;
}

/// What may go on.
enum Passed {
    /// These bytes.
    On(Bytes),
    /// These bytes, and nothing after them in either direction.
    Last(Bytes),
}

/// Everything passes as it comes.
#[derive(Debug)]
struct Unread;

impl Passage for Unread {
    fn pass(&mut self, bytes: Bytes) -> Passed {
        Passed::On(bytes)
    }
}

/// What the server says passes as the exchange lets it.
struct Judged<'a> {
    exchange: &'a mut Exchange,
    inspect: bool,
}

impl Passage for Judged<'_> {
    fn pass(&mut self, bytes: Bytes) -> Passed {
        if !self.inspect {
            return Passed::On(bytes);
        }
        match self.exchange.on_message_bytes(&bytes) {
            MessageStep::Release(out) => Passed::On(joined(out)),
            MessageStep::Close(out) => Passed::Last(joined(out)),
        }
    }
}

fn joined(mut pieces: Released) -> Bytes {
    if pieces.len() == 1 { pieces.remove(0) } else { Bytes::from(pieces.concat()) }
}

/// Connects the two sides once the client's has been answered. The exchange lasts as long as the tunnel.
pub(super) fn tunnel(
    answer: UpstreamBody,
    mut visit: Visit,
    policy: UpgradePolicy,
    (idle, idle_timeout): (Deadline, Duration),
) -> Takeover {
    Box::new(move |mut client, sent_by_client| {
        Box::pin(async move {
            if let Some((mut upstream, sent_by_upstream)) = answer.into_switched() {
                let inspect = policy == UpgradePolicy::Inspect;
                let judged = Judged { exchange: &mut visit.exchange, inspect };
                let directions = (Direction::new(sent_by_client, Unread), Direction::new(sent_by_upstream, judged));
                let idle = Idle { deadline: idle, timeout: idle_timeout };
                visit.entry.bytes = splice(&mut *client, &mut upstream, directions, &idle).await;
            }
            visit.close();
        })
    })
}

struct Idle {
    deadline: Deadline,
    timeout: Duration,
}

/// Moves bytes both ways until both directions have ended, one breaks, or nothing moves for too long. Gives the
/// number of bytes that went to the client.
async fn splice(
    client: &mut dyn Duplex,
    upstream: &mut dyn Duplex,
    (mut inward, mut outward): (Direction<impl Passage>, Direction<impl Passage>),
    idle: &Idle,
) -> u64 {
    idle.deadline.set(idle.timeout);
    // How the tunnel ended makes no difference to either side: it is closed.
    let _end: io::Result<()> = poll_fn(|cx| {
        let moved = (inward.moved, outward.moved);
        let in_done = inward.poll(cx, client, upstream)?;
        let out_done = outward.poll(cx, upstream, client)?;
        if in_done.is_ready() && out_done.is_ready() {
            return Poll::Ready(Ok(()));
        }
        if moved != (inward.moved, outward.moved) {
            idle.deadline.set(idle.timeout);
        }
        idle.deadline.poll(cx).map(Ok)
    })
    .await;
    outward.moved
}

/// One direction of a tunnel.
#[derive(Debug)]
struct Direction<P> {
    passage: P,
    /// Read and not yet judged.
    arrived: Bytes,
    /// Judged and not yet written.
    pending: Bytes,
    buffer: BytesMut,
    /// What is pending is the last that passes; then the tunnel ends.
    last: bool,
    /// The sender has ended.
    ended: bool,
    /// So has, thereupon, the receiver's side.
    shut: bool,
    /// Bytes written.
    moved: u64,
}

impl<P: Passage> Direction<P> {
    /// `sent` has arrived already.
    fn new(sent: Bytes, passage: P) -> Self {
        Self {
            passage,
            arrived: sent,
            pending: Bytes::new(),
            buffer: BytesMut::new(),
            last: false,
            ended: false,
            shut: false,
            moved: 0,
        }
    }

    /// Moves what can be moved. Ready when the direction has ended.
    fn poll(&mut self, cx: &mut Context<'_>, from: &mut dyn Duplex, to: &mut dyn Duplex) -> Poll<io::Result<()>> {
        loop {
            while !self.pending.is_empty() {
                let written = ready!(Pin::new(&mut *to).poll_write(cx, &self.pending))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.moved += written as u64;
                drop(self.pending.split_to(written));
            }
            if !self.arrived.is_empty() {
                match self.passage.pass(std::mem::take(&mut self.arrived)) {
                    Passed::On(bytes) => self.pending = bytes,
                    Passed::Last(bytes) => {
                        self.pending = bytes;
                        self.last = true;
                    }
                }
                continue;
            }
            if self.last {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            // TLS takes more than it can write at once.
            ready!(Pin::new(&mut *to).poll_flush(cx))?;
            if self.ended {
                if !self.shut {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                    self.shut = true;
                }
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_read(cx, from))?;
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, from: &mut dyn Duplex) -> Poll<io::Result<()>> {
        self.buffer.resize(BUFFER, 0);
        let mut space = ReadBuf::new(&mut self.buffer);
        ready!(Pin::new(from).poll_read(cx, &mut space))?;
        let read = space.filled().len();
        self.ended = read == 0;
        self.arrived = self.buffer.split_to(read).freeze();
        Poll::Ready(Ok(()))
    }
}
