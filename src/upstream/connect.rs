//! Making a connection to the application.

use std::{fmt, io, path::PathBuf};

use tokio::net::{TcpStream, UnixStream};

use super::io::Stream;

/// Where the application is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamAddress {
    /// HTTP over TCP. A name is looked up for each connection, so that a moved application is found.
    Tcp {
        /// A host name or an address (IPv6 without brackets).
        host: Box<str>,
        /// The port.
        port: u16,
    },
    /// HTTP over a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for UpstreamAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "http://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "http://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Connects; of several addresses of a name the first that answers.
pub(super) async fn connect(address: &UpstreamAddress) -> io::Result<Stream> {
    match address {
        UpstreamAddress::Tcp { host, port } => {
            let stream = TcpStream::connect((&**host, *port)).await?;
            stream.set_nodelay(true)?;
            Ok(Stream::Tcp(stream))
        }
        UpstreamAddress::Unix(path) => UnixStream::connect(path).await.map(Stream::Unix),
    }
}
