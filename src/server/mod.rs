//! The side of the clients: each worker is a thread with its own runtime, its own sockets and its own state, and
//! shares nothing on the way of a request. The kernel deals connections out (`SO_REUSEPORT`).

mod clock;
mod connection;
mod io;
mod listener;
mod response;

pub use clock::TICK;
pub(crate) use clock::{Clock, Deadline};
pub(crate) use connection::{Abuse, Connection, Takeover};
pub(crate) use listener::Duplex;
pub use listener::{Bound, ListenAddress, bind};

use std::{cell::Cell, future::Future, rc::Rc, time::Duration};

use bytes::Bytes;
use http::{Request, Response as HttpResponse};
use hyper::body::Incoming;
use tokio::{sync::Notify, task::spawn_local};

use self::listener::{Accepted, LOCAL_PEER};
use crate::request::Peer;

/// What client connections are held to.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// From the connection, or the first byte after an exchange, to the end of a request head.
    pub head_timeout: Duration,
    /// The longest pause within a request body.
    pub body_timeout: Duration,
    /// How long an idle connection is kept. 75 s, as browsers and other servers do.
    pub idle_timeout: Duration,
    /// How long a client may refuse to take any byte of a response.
    pub write_timeout: Duration,
    /// Bytes of the largest request head, and of what is read ahead and not yet written, each way. hyper's own
    /// default of 400 KiB costs 0.9 MiB per slow reader, 64 KiB costs 0.2.
    pub buffer: usize,
    /// The most fields of a request head. The route's own, lower, limits answer with a page; this one does not.
    pub max_headers: usize,
    /// The most connections of one worker at a time; more wait in the kernel's queue.
    pub max_connections: usize,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            buffer: 64 * 1024,
            max_headers: 128,
            max_connections: 4096,
        }
    }
}

/// What answers requests.
pub(crate) trait Service: 'static {
    /// The bodies of its responses.
    type Body: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin + 'static;

    /// Answers one request. What goes wrong is an answer too.
    fn call(
        &self,
        request: Request<Incoming>,
        connection: &Rc<Connection>,
    ) -> impl Future<Output = HttpResponse<Self::Body>>;

    /// A connection of this worker was opened (`true`) or closed.
    fn connected(&self, open: bool);

    /// A connection ended because of what its client did outside of any exchange.
    fn abused(&self, peer: Peer, abuse: Abuse);
}

/// The connections of one worker.
#[derive(Debug)]
pub(crate) struct Server<S> {
    service: Rc<S>,
    clock: Clock,
    settings: Rc<ConnectionSettings>,
    open: Cell<usize>,
    /// A connection ended.
    ended: Notify,
}

/// How long to wait after an accept that failed because something ran out (file descriptors, memory).
const ACCEPT_PAUSE: Duration = TICK;

impl<S: Service> Server<S> {
    pub(crate) fn new(service: Rc<S>, clock: Clock, settings: ConnectionSettings) -> Rc<Self> {
        let settings = Rc::new(settings);
        Rc::new(Self { service, clock, settings, open: Cell::new(0), ended: Notify::new() })
    }

    /// Accepts connections for ever.
    pub(crate) async fn accept(self: Rc<Self>, bound: Bound) -> std::io::Result<()> {
        let listener = bound.start()?;
        loop {
            while self.open.get() >= self.settings.max_connections {
                self.ended.notified().await;
            }
            match listener.accept().await {
                Ok(accepted) => self.clone().spawn(accepted),
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    /// Asks all connections to end after their exchange, and waits until they have.
    pub(crate) async fn drain(&self) {
        self.clock.drain();
        while self.open.get() > 0 {
            self.ended.notified().await;
        }
    }

    fn spawn(self: Rc<Self>, accepted: Accepted) {
        match accepted {
            Accepted::Tcp(stream, address) => self.spawn_on(stream, Peer { address, tls: false }),
            Accepted::Unix(stream) => self.spawn_on(stream, Peer { address: LOCAL_PEER, tls: false }),
        }
    }

    fn spawn_on(self: Rc<Self>, duplex: impl Duplex, peer: Peer) {
        let guest = Guest::of(self);
        drop(spawn_local(async move {
            let Server { service, clock, settings, .. } = &*guest.0;
            connection::serve(duplex, peer, clock.clone(), settings.clone(), service.clone()).await;
        }));
    }
}

/// A connection, counted for as long as this lives.
struct Guest<S: Service>(Rc<Server<S>>);

impl<S: Service> Guest<S> {
    fn of(server: Rc<Server<S>>) -> Self {
        server.open.set(server.open.get() + 1);
        server.service.connected(true);
        Self(server)
    }
}

impl<S: Service> Drop for Guest<S> {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        self.0.service.connected(false);
        self.0.ended.notify_waiters();
    }
}

/// Errors of `accept` that are about the connection that would have been accepted, and say nothing of the next.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
