//! Where clients connect: TCP addresses and Unix sockets.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::net::UnixListener as StdUnixListener,
    path::PathBuf,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream},
};
use tokio_rustls::server::TlsStream;

/// Connections the kernel keeps for us while all workers are busy.
const BACKLOG: u32 = 4096;

/// A place to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP address; port 0 takes a free one.
    Tcp(SocketAddr),
    /// The path of a Unix socket. A socket that is already there is replaced.
    Unix(PathBuf),
}

/// A bound socket that is not yet part of a worker's runtime.
#[derive(Debug)]
pub enum Bound {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// Unix.
    Unix(StdUnixListener),
}

/// A listening socket of one worker.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// An accepted connection.
#[derive(Debug)]
pub(crate) enum Accepted {
    Tcp(TcpStream, IpAddr),
    Unix(UnixStream),
}

/// A connection in both directions, whatever carries it.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Makes the coming close a reset, so that the peer cannot take it for an ordinary end.
    fn reset_on_close(&self);
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Binds `address` once for each of `workers`, all to the same port.
///
/// # Errors
/// When it cannot be bound: in use, not ours, not permitted.
pub fn bind(address: &ListenAddress, workers: usize) -> io::Result<(Vec<Bound>, ListenAddress)> {
    match address {
        ListenAddress::Tcp(address) => bind_tcp(*address, workers),
        ListenAddress::Unix(path) => bind_unix(path.clone(), workers),
    }
}

/// One socket per worker: the kernel shares connections out, and no worker wakes for another's.
fn bind_tcp(mut address: SocketAddr, workers: usize) -> io::Result<(Vec<Bound>, ListenAddress)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    let mut bound = Vec::with_capacity(workers);
    for _ in 0..workers {
        let listener = listen_tcp(address)?;
        address = listener.local_addr()?;
        bound.push(Bound::Tcp(listener.into_std()?));
    }
    Ok((bound, ListenAddress::Tcp(address)))
}

fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    // Accepted sockets inherit it. Without it a reply that leaves in two writes would wait for the peer's
    // acknowledgement of the first.
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A Unix socket has one queue; the workers share it.
fn bind_unix(path: PathBuf, workers: usize) -> io::Result<(Vec<Bound>, ListenAddress)> {
    remove_stale_socket(&path)?;
    let listener = StdUnixListener::bind(&path)?;
    listener.set_nonblocking(true)?;
    let clones = (0..workers).map(|_| listener.try_clone().map(Bound::Unix));
    Ok((clones.collect::<io::Result<_>>()?, ListenAddress::Unix(path)))
}

/// Takes a socket away that nobody listens on any more; never a file, never a socket in use.
fn remove_stale_socket(path: &PathBuf) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if metadata.file_type().is_socket() && std::os::unix::net::UnixStream::connect(path).is_err_and(refused) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

impl Bound {
    /// Makes it part of the running runtime.
    pub(crate) fn start(self) -> io::Result<Listener> {
        match self {
            Self::Tcp(listener) => TcpListener::from_std(listener).map(Listener::Tcp),
            Self::Unix(listener) => UnixListener::from_std(listener).map(Listener::Unix),
        }
    }
}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Accepted::Tcp(stream, peer.ip()))
            }
            Self::Unix(listener) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}

impl Accepted {
    /// The connection, whatever carries it.
    pub(crate) fn into_duplex(self) -> Box<dyn Duplex> {
        match self {
            Self::Tcp(stream, _) => Box::new(stream),
            Self::Unix(stream) => Box::new(stream),
        }
    }
}

/// The address that stands for the peer of a Unix socket: this machine.
pub(crate) const LOCAL_PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl Duplex for TcpStream {
    fn reset_on_close(&self) {
        // A peer that has gone already needs no reset.
        let _gone = self.set_zero_linger();
    }
}

impl Duplex for UnixStream {
    /// Unix sockets know no reset; an early end is all that can be shown.
    fn reset_on_close(&self) {}
}

/// Ended without TLS' own farewell, which a reset would not let through.
impl<D: Duplex> Duplex for TlsStream<D> {
    fn reset_on_close(&self) {
        self.get_ref().0.reset_on_close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_listens_on_the_same_free_port() {
        let (bound, address) = bind(&ListenAddress::Tcp(([127, 0, 0, 1], 0).into()), 3).unwrap();
        let ListenAddress::Tcp(address) = address else { panic!("a TCP address was asked for") };
        assert_ne!(address.port(), 0);
        for socket in bound {
            let Bound::Tcp(listener) = socket else { panic!("a TCP socket was asked for") };
            assert_eq!(listener.local_addr().unwrap(), address);
        }
    }

    #[test]
    fn a_stale_socket_is_replaced_but_a_file_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        drop(StdUnixListener::bind(&path).unwrap());
        let (bound, _) = bind(&ListenAddress::Unix(path.clone()), 1).unwrap();
        assert!(bind(&ListenAddress::Unix(path), 1).is_err(), "a socket in use stays");
        drop(bound);
        let file = directory.path().join("file");
        std::fs::write(&file, "precious").unwrap();
        assert!(bind(&ListenAddress::Unix(file.clone()), 1).is_err());
        assert_eq!(std::fs::read(file).unwrap(), b"precious");
    }
}
