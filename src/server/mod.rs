//! The side of the clients: each worker is a thread with its own runtime, its own sockets and its own state, and
//! shares nothing on the way of a request. The kernel deals connections out (`SO_REUSEPORT`).

mod clock;
mod connection;
mod http1;
mod http2;
mod io;
mod listener;
pub(crate) mod pem;
mod preface;
mod redirect;
mod refusal;
mod tls;
mod turn;
mod upload;

pub use clock::TICK;
pub(crate) use clock::{Clock, Deadline};
pub(crate) use connection::{Abuse, Connection, Takeover};
pub(crate) use listener::Duplex;
pub use listener::{Bound, ListenAddress, bind};
pub use pem::{CertificateFiles, TlsError};
pub(crate) use redirect::Redirect;
pub use tls::{ClientCertificates, TlsFiles, TlsIdentity, TlsSettings};
pub(crate) use turn::GiveWay;
pub(crate) use upload::{Upload, UploadFault};

use std::{cell::Cell, future::Future, net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response as HttpResponse, StatusCode};
use tokio::{
    sync::{Notify, Semaphore},
    task::spawn_local,
};
use tokio_rustls::TlsAcceptor;

use self::{
    http1::{Rooms, Scratch},
    io::ClientIo,
    listener::{Accepted, LOCAL_PEER},
    preface::Spoken,
};
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
    /// Bytes of the largest request head, and of what is read ahead and not yet written, each way.
    pub buffer: usize,
    /// The most fields of a request head; at least 100. The route's own, lower, limits answer with a page; this one
    /// does not.
    pub max_headers: usize,
    /// The most connections of one worker at a time, and the most exchanges of its HTTP/2 connections; more wait.
    pub max_connections: usize,
    /// For TLS to be agreed on, waiting for a turn included.
    pub handshake_timeout: Duration,
    /// The most handshakes of one worker at a time: each is work for the processor and holds no exchange yet.
    pub max_handshakes: usize,
    /// Whether HTTP/2 is spoken without TLS to clients that begin with it.
    pub h2c: bool,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            buffer: 64 * 1024,
            max_headers: 100,
            max_connections: 4096,
            handshake_timeout: Duration::from_secs(10),
            max_handshakes: 256,
            h2c: false,
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
        request: Request<Upload>,
        connection: &Rc<Connection>,
    ) -> impl Future<Output = HttpResponse<Self::Body>>;

    /// Answers a request for which there is no turn in time.
    fn overloaded(&self, request: Request<Upload>, connection: &Rc<Connection>) -> HttpResponse<Self::Body>;

    /// The answer to what came instead of a request that can be read, and whose `status` is settled.
    fn unread(&self, connection: &Connection, status: StatusCode) -> HttpResponse<Bytes>;

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
    /// Turns of handshakes.
    handshakes: Semaphore,
    /// Turns of the exchanges of HTTP/2.
    exchanges: Arc<Semaphore>,
    scratch: Scratch,
    rooms: Rooms<S>,
}

/// How long to wait after an accept that failed because something ran out (file descriptors, memory).
const ACCEPT_PAUSE: Duration = TICK;

impl<S: Service> Server<S> {
    pub(crate) fn new(service: Rc<S>, clock: Clock, settings: ConnectionSettings) -> Rc<Self> {
        Rc::new(Self {
            service,
            clock,
            open: Cell::new(0),
            ended: Notify::new(),
            handshakes: Semaphore::new(settings.max_handshakes),
            exchanges: Arc::new(Semaphore::new(settings.max_connections)),
            settings: Rc::new(settings),
            scratch: Scratch::default(),
            rooms: Rooms::default(),
        })
    }

    /// Accepts connections for ever; with an `identity`, such that speak TLS.
    pub(crate) async fn accept(self: Rc<Self>, bound: Bound, identity: Option<TlsIdentity>) -> std::io::Result<()> {
        let listener = bound.start()?;
        loop {
            while self.open.get() >= self.settings.max_connections {
                self.ended.notified().await;
            }
            match listener.accept().await {
                Ok(accepted) => self.clone().spawn(accepted, identity.as_ref()),
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

    fn spawn(self: Rc<Self>, accepted: Accepted, identity: Option<&TlsIdentity>) {
        match accepted {
            Accepted::Tcp(stream, address) => self.spawn_on(stream, address, identity),
            Accepted::Unix(stream) => self.spawn_on(stream, LOCAL_PEER, identity),
        }
    }

    fn spawn_on(self: Rc<Self>, duplex: impl Duplex, address: IpAddr, identity: Option<&TlsIdentity>) {
        let guest = Guest::of(self);
        let peer = Peer { address, tls: identity.is_some() };
        let connection = Rc::new(Connection::new(peer, &guest.0.clock, guest.0.settings.clone()));
        let duplex = ClientIo::new(duplex, connection.clone());
        match identity {
            None if guest.0.settings.h2c => drop(spawn_local(guest.serve_either(duplex, connection))),
            None => drop(spawn_local(guest.serve(duplex, connection))),
            Some(identity) => {
                drop(spawn_local(guest.serve_tls(duplex, connection, TlsAcceptor::from(identity.current()))));
            }
        }
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

    async fn serve(self, duplex: impl Duplex, connection: Rc<Connection>) {
        let Server { clock, service, scratch, rooms, .. } = &*self.0;
        http1::serve(duplex, connection, clock, service.clone(), (scratch.clone(), rooms)).await;
    }

    async fn serve_http2(self, duplex: impl Duplex, connection: Rc<Connection>) {
        let Server { clock, service, exchanges, .. } = &*self.0;
        http2::serve(duplex, connection, clock, service.clone(), exchanges.clone()).await;
    }

    /// Serves what the first bytes show.
    async fn serve_either(self, duplex: impl Duplex, connection: Rc<Connection>) {
        match connection.bound(preface::recognise(duplex)).await {
            Some(Ok((Spoken::Http1, duplex))) => self.serve(duplex, connection).await,
            Some(Ok((Spoken::Http2, duplex))) => self.serve_http2(duplex, connection).await,
            Some(Err(_)) => {}
            None => self.0.service.abused(connection.peer, Abuse::SlowHead),
        }
    }

    /// Serves what the handshake settles on.
    async fn serve_tls(self, duplex: impl Duplex, connection: Rc<Connection>, acceptor: TlsAcceptor) {
        let deadline = self.0.clock.deadline();
        deadline.set(self.0.settings.handshake_timeout);
        let handshake = async {
            let _turn = self.0.handshakes.acquire().await;
            acceptor.accept(duplex).await
        };
        match deadline.bound(handshake).await {
            Some(Ok(stream)) => {
                connection.begin();
                match stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) {
                    true => self.serve_http2(stream, connection).await,
                    false => self.serve(stream, connection).await,
                }
            }
            // Who looks whether the port is open says nothing at all.
            Some(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
            Some(Err(_)) => self.0.service.abused(connection.peer, Abuse::Handshake),
            None => self.0.service.abused(connection.peer, Abuse::SlowHandshake),
        }
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
