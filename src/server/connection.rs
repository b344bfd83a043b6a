//! One client connection: its deadlines, and hyper's HTTP/2 on it. A stream of HTTP/2 is to its exchange what
//! a connection is to its exchanges in HTTP/1.1, and has the same form.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    ConnectionSettings, Service,
    clock::{Clock, Deadline},
    listener::Duplex,
};
use crate::request::Peer;

/// What takes a connection over once the switch of protocols has been answered: the connection, and what the
/// client has already sent.
pub(crate) type Takeover = Box<dyn FnOnce(Box<dyn Duplex>, Bytes) -> Pin<Box<dyn Future<Output = ()>>>>;

/// What the exchanges of a connection share with it.
pub(crate) struct Connection {
    /// The other end.
    pub(crate) peer: Peer,
    /// For the stages of the exchange in progress; HTTP/1.1 has one at a time.
    pub(crate) exchange_deadline: Deadline,
    /// When a held body that has fallen silent is judged by what is there.
    pub(crate) quiet_deadline: Deadline,
    /// For what the connection itself waits for.
    deadline: Deadline,
    stage: Cell<Stage>,
    awaits_body: Cell<bool>,
    /// The request's body became longer than allowed.
    oversized: Cell<bool>,
    write_blocked: Cell<bool>,
    resets: Cell<bool>,
    takeover: RefCell<Option<Takeover>>,
    settings: Rc<ConnectionSettings>,
    /// Streams that are open; HTTP/1.1 has none.
    streams: Cell<usize>,
    /// By how many the requests that the client took back before they were answered outnumber the others.
    taken_back: Cell<usize>,
    /// The connection, if this is a stream of it.
    carrier: Option<Rc<Connection>>,
    /// What a stream was let in by.
    turn: Cell<Option<OwnedSemaphorePermit>>,
}

/// More than a browser takes back when a page with many pictures is left.
const MAX_TAKEN_BACK: usize = 256;

/// What a connection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Between exchanges.
    Idle,
    /// A request head is coming in.
    Head,
    /// From the request head to the end of the response.
    Exchange,
    /// HTTP/2, before the first stream or between streams.
    NoStream,
    /// HTTP/2 with streams, which have deadlines of their own.
    Streams,
}

/// Why a connection ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abuse {
    /// What came was not HTTP, and was answered 400.
    Malformed,
    /// The head was too large, and was answered 431.
    TooLarge,
    /// The head did not come in time.
    SlowHead,
    /// The client did not take the response in time.
    SlowRead,
    /// The client took back one request after the other.
    Resets,
    /// No TLS connection came about.
    Handshake,
    /// No TLS connection came about in time.
    SlowHandshake,
}

impl Abuse {
    /// The metric label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed-head",
            Self::TooLarge => "large-head",
            Self::SlowHead => "slow-head",
            Self::SlowRead => "slow-read",
            Self::Resets => "reset-flood",
            Self::Handshake => "tls-handshake",
            Self::SlowHandshake => "slow-tls-handshake",
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection whose first request head is awaited.
    pub(super) fn new(peer: Peer, clock: &Clock, settings: Rc<ConnectionSettings>) -> Self {
        let connection = Self::at(Stage::Head, None, peer, clock, settings);
        connection.enter(Stage::Head);
        connection
    }

    /// A stream of `carrier`, whose exchange begins.
    pub(super) fn stream_of(carrier: &Rc<Self>, clock: &Clock) -> Self {
        carrier.streams.set(carrier.streams.get() + 1);
        carrier.enter(Stage::Streams);
        Self::at(Stage::Exchange, Some(carrier.clone()), carrier.peer, clock, carrier.settings.clone())
    }

    fn at(
        stage: Stage,
        carrier: Option<Rc<Self>>,
        peer: Peer,
        clock: &Clock,
        settings: Rc<ConnectionSettings>,
    ) -> Self {
        Self {
            peer,
            exchange_deadline: clock.deadline(),
            quiet_deadline: clock.deadline(),
            deadline: clock.deadline(),
            stage: Cell::new(stage),
            awaits_body: Cell::new(false),
            oversized: Cell::new(false),
            write_blocked: Cell::new(false),
            resets: Cell::new(false),
            takeover: RefCell::new(None),
            settings,
            streams: Cell::new(0),
            taken_back: Cell::new(0),
            carrier,
            turn: Cell::new(None),
        }
    }

    pub(super) fn settings(&self) -> &ConnectionSettings {
        &self.settings
    }

    /// The connection is HTTP/2: what the client says first must come as soon as a request head.
    pub(super) fn begin_http2(&self) {
        self.stage.set(Stage::NoStream);
        self.deadline.set(self.settings.head_timeout);
    }

    /// TLS stands; now the head of a request is awaited.
    pub(super) fn begin(&self) {
        self.enter(Stage::Head);
    }

    /// The stream's exchange lasts as long as its turn.
    pub(super) fn take_turn(&self, turn: OwnedSemaphorePermit) {
        self.turn.set(Some(turn));
    }

    /// The stream was answered, or the client took its request back before. Each of those costs a connection to the
    /// application and the client nothing: who does little else is let go ("rapid reset", CVE-2023-44487).
    pub(super) fn settle(&self, answered: bool) {
        let Some(carrier) = &self.carrier else { return };
        let taken_back = carrier.taken_back.get();
        carrier.taken_back.set(if answered { taken_back.saturating_sub(1) } else { taken_back + 1 });
        if carrier.floods() {
            carrier.deadline.set(Duration::ZERO);
        }
    }

    fn floods(&self) -> bool {
        self.taken_back.get() > MAX_TAKEN_BACK
    }

    /// A piece of the stream's response waits for the client to take it.
    pub(super) fn await_client(&self) {
        self.deadline.set(self.settings.write_timeout);
    }

    /// The client has taken everything of the stream that there is.
    pub(super) fn await_application(&self) {
        self.deadline.clear();
    }

    /// The future's result, or nothing if the client keeps us waiting for too long.
    pub(super) async fn bound<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.deadline.bound(future).await
    }

    /// The response breaks off: if its end would look ordinary to the client, reset the connection.
    pub(crate) fn sever(&self) {
        self.resets.set(true);
    }

    /// Whether it does.
    pub(super) fn is_severed(&self) -> bool {
        self.resets.get()
    }

    /// What takes the connection over.
    pub(super) fn take_over(&self) -> Option<Takeover> {
        self.takeover.borrow_mut().take()
    }

    /// Hands the connection over when the response (a 101) has left.
    pub(crate) fn switch(&self, takeover: Takeover) {
        *self.takeover.borrow_mut() = Some(takeover);
    }

    /// A piece of the request body was asked for: either the client keeps us waiting for it, or it is there and the
    /// application may take `answer_timeout` from now.
    pub(crate) fn uploading(&self, waiting: bool, answer_timeout: Duration) {
        if self.stage.get() != Stage::Exchange || (waiting && self.awaits_body.get()) {
            return;
        }
        self.awaits_body.set(waiting);
        self.exchange_deadline.set(if waiting { self.settings.body_timeout } else { answer_timeout });
    }

    /// The longest pause within a request body.
    pub(crate) fn body_timeout(&self) -> Duration {
        self.settings.body_timeout
    }

    /// Whether it is the client's request body that the exchange waits for.
    pub(crate) fn awaits_body(&self) -> bool {
        self.awaits_body.get()
    }

    /// The request's body became longer than allowed.
    pub(crate) fn oversize(&self) {
        self.oversized.set(true);
    }

    /// Whether it did, since this was last asked.
    pub(crate) fn take_oversized(&self) -> bool {
        self.oversized.take()
    }

    /// A request head is there.
    pub(super) fn begin_exchange(&self) {
        self.stage.set(Stage::Exchange);
        self.deadline.clear();
    }

    /// The response has left.
    pub(super) fn end_exchange(&self) {
        self.exchange_deadline.clear();
        self.quiet_deadline.clear();
        self.awaits_body.set(false);
        self.oversized.set(false);
        self.enter(Stage::Idle);
    }

    fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        match stage {
            // Streams come and go while the client takes nothing of them, and while it is about to be let go.
            Stage::NoStream | Stage::Streams if self.write_blocked.get() || self.floods() => {}
            Stage::Idle | Stage::NoStream => self.deadline.set(self.settings.idle_timeout),
            Stage::Head => self.deadline.set(self.settings.head_timeout),
            Stage::Exchange | Stage::Streams => self.deadline.clear(),
        }
    }

    fn end_stream(&self) {
        self.streams.set(self.streams.get() - 1);
        if self.streams.get() == 0 {
            self.enter(Stage::NoStream);
        }
    }

    /// The client has been told that the connection ends; it has a moment to understand.
    pub(super) fn say_goodbye(&self) {
        self.deadline.set(self.settings.head_timeout);
    }

    /// Bytes came from the client.
    pub(super) fn on_read(&self) {
        if self.stage.get() == Stage::Idle {
            self.enter(Stage::Head);
        }
    }

    /// The client's window is full.
    pub(super) fn on_write_blocked(&self) {
        if !self.write_blocked.replace(true) {
            self.deadline.set(self.settings.write_timeout);
        }
    }

    /// The client took bytes.
    pub(super) fn on_write(&self) {
        if self.write_blocked.replace(false) {
            self.enter(self.stage.get());
        }
    }

    /// Whether the client has kept us waiting for too long.
    pub(super) fn poll_overdue(&self, cx: &mut Context<'_>) -> Poll<Option<Abuse>> {
        self.deadline.poll(cx).map(|()| match self.stage.get() {
            _ if self.floods() => Some(Abuse::Resets),
            _ if self.write_blocked.get() => Some(Abuse::SlowRead),
            Stage::Head => Some(Abuse::SlowHead),
            Stage::Idle | Stage::Exchange | Stage::NoStream | Stage::Streams => None,
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(carrier) = self.carrier.take() {
            carrier.end_stream();
        }
    }
}

/// How the driving of a connection of HTTP/2 came to an end.
pub(super) enum End {
    Closed(hyper::Result<()>),
    Overdue(Option<Abuse>),
}

/// hyper's connection as seen from here.
pub(super) trait Driven: Future<Output = hyper::Result<()>> + Unpin {
    fn take_leave(&mut self);
}

pub(super) async fn drive<H: Driven>(http: &mut H, connection: &Connection, clock: &Clock) -> End {
    let mut leaving = false;
    poll_fn(|cx| {
        loop {
            if clock.draining() && !leaving {
                leaving = true;
                http.take_leave();
            }
            if let Poll::Ready(result) = Pin::new(&mut *http).poll(cx) {
                return Poll::Ready(End::Closed(result));
            }
            match ready!(connection.poll_overdue(cx)) {
                None if !leaving => {
                    leaving = true;
                    http.take_leave();
                    connection.say_goodbye();
                }
                abuse => return Poll::Ready(End::Overdue(abuse)),
            }
        }
    })
    .await
}

/// Tells the service if the connection ended because of what its client did.
pub(super) fn report<S: Service>(end: &End, connection: &Connection, service: &S) {
    let abuse = match end {
        End::Overdue(abuse) => *abuse,
        End::Closed(Err(error)) if error.is_parse_too_large() => Some(Abuse::TooLarge),
        End::Closed(Err(error)) if error.is_parse() => Some(Abuse::Malformed),
        End::Closed(_) => None,
    };
    if let Some(abuse) = abuse {
        service.abused(connection.peer, abuse);
    }
}
