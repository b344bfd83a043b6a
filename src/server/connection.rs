//! One client connection: hyper's HTTP/1.1 on it, its deadlines, its end.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

use super::{
    ConnectionSettings, Service,
    clock::{Clock, Deadline},
    io::ClientIo,
    listener::Duplex,
    response::Response,
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
    write_blocked: Cell<bool>,
    resets: Cell<bool>,
    takeover: RefCell<Option<Takeover>>,
    settings: Rc<ConnectionSettings>,
}

/// What a connection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Between exchanges.
    Idle,
    /// A request head is coming in.
    Head,
    /// From the request head to the end of the response.
    Exchange,
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
}

impl Abuse {
    /// The metric label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed-head",
            Self::TooLarge => "large-head",
            Self::SlowHead => "slow-head",
            Self::SlowRead => "slow-read",
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl Connection {
    fn new(peer: Peer, clock: &Clock, settings: Rc<ConnectionSettings>) -> Self {
        let deadline = clock.deadline();
        deadline.set(settings.head_timeout);
        Self {
            peer,
            exchange_deadline: clock.deadline(),
            quiet_deadline: clock.deadline(),
            deadline,
            stage: Cell::new(Stage::Head),
            awaits_body: Cell::new(false),
            write_blocked: Cell::new(false),
            resets: Cell::new(false),
            takeover: RefCell::new(None),
            settings,
        }
    }

    /// The response breaks off: if its end would look ordinary to the client, reset the connection.
    pub(crate) fn sever(&self) {
        self.resets.set(true);
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

    /// Whether it is the client's request body that the exchange waits for.
    pub(crate) fn awaits_body(&self) -> bool {
        self.awaits_body.get()
    }

    fn begin_exchange(&self) {
        self.stage.set(Stage::Exchange);
        self.deadline.clear();
    }

    /// The response's body is with hyper, or dropped.
    pub(super) fn end_exchange(&self) {
        self.exchange_deadline.clear();
        self.quiet_deadline.clear();
        self.awaits_body.set(false);
        self.enter(Stage::Idle);
    }

    fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        match stage {
            Stage::Idle => self.deadline.set(self.settings.idle_timeout),
            Stage::Head => self.deadline.set(self.settings.head_timeout),
            Stage::Exchange => self.deadline.clear(),
        }
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
    fn poll_overdue(&self, cx: &mut Context<'_>) -> Poll<Option<Abuse>> {
        self.deadline.poll(cx).map(|()| match self.stage.get() {
            _ if self.write_blocked.get() => Some(Abuse::SlowRead),
            Stage::Head => Some(Abuse::SlowHead),
            Stage::Idle | Stage::Exchange => None,
        })
    }
}

/// How the driving of a connection came to an end.
enum End {
    Closed(hyper::Result<()>),
    Overdue(Option<Abuse>),
}

/// Serves one connection to its end, whatever carries it. Where TLS settled on `h2`, HTTP/2 would be chosen here.
pub(super) async fn serve<D: Duplex, S: Service>(
    duplex: D,
    peer: Peer,
    clock: Clock,
    settings: Rc<ConnectionSettings>,
    service: Rc<S>,
) {
    let connection = Rc::new(Connection::new(peer, &clock, settings));
    let io = TokioIo::new(ClientIo::new(duplex, connection.clone()));
    let calls = service_fn(|request| {
        connection.begin_exchange();
        let (service, connection) = (service.clone(), connection.clone());
        async move { Ok::<_, Infallible>(Response::new(service.call(request, &connection).await, connection)) }
    });
    let mut http = http1(&connection.settings).serve_connection(io, calls);
    let end = drive(&mut http, &connection, &clock).await;
    let parts = http.into_parts();
    let duplex = parts.io.into_inner().into_inner();
    let takeover = connection.takeover.borrow_mut().take();
    match (end, takeover) {
        (End::Closed(Ok(())), Some(takeover)) => takeover(Box::new(duplex), parts.read_buf).await,
        (end, _) => {
            if connection.resets.get() {
                duplex.reset_on_close();
            }
            if let Some(abuse) = abuse(&end) {
                service.abused(peer, abuse);
            }
        }
    }
}

/// No timer of hyper's: the deadlines are ours (see [`super::clock`]).
fn http1(settings: &ConnectionSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_buf_size(settings.buffer).max_headers(settings.max_headers);
    builder
}

/// hyper's connection as seen from here.
trait Driven: Future<Output = hyper::Result<()>> + Unpin {
    fn take_leave(&mut self);
}

impl<I, B, S> Driven for http1::Connection<I, S>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn take_leave(&mut self) {
        Pin::new(self).graceful_shutdown();
    }
}

async fn drive(http: &mut impl Driven, connection: &Connection, clock: &Clock) -> End {
    let mut leaving = false;
    poll_fn(|cx| {
        if clock.draining() && !leaving {
            leaving = true;
            http.take_leave();
        }
        match Pin::new(&mut *http).poll(cx) {
            Poll::Ready(result) => Poll::Ready(End::Closed(result)),
            Poll::Pending => connection.poll_overdue(cx).map(End::Overdue),
        }
    })
    .await
}

fn abuse(end: &End) -> Option<Abuse> {
    match end {
        End::Overdue(abuse) => *abuse,
        End::Closed(Err(error)) if error.is_parse_too_large() => Some(Abuse::TooLarge),
        End::Closed(Err(error)) if error.is_parse() => Some(Abuse::Malformed),
        End::Closed(_) => None,
    }
}
