//! Making a connection to the application.

use std::{fmt, io, path::PathBuf};

use tokio::net::{TcpStream, UnixStream};

use super::{Protocol, UpstreamSettings, io::Stream};

/// Where the application is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamAddress {
    /// HTTP over TCP, or TLS over TCP. A name is looked up for each connection, so that a moved application is found.
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

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

/// Connects; of several addresses of a name the first that answers.
pub(super) async fn connect(settings: &UpstreamSettings) -> io::Result<(Stream, Spoken)> {
    let stream = reach(&settings.address).await?;
    let known = if settings.protocol == Protocol::Http2 { Spoken::Http2 } else { Spoken::Http1 };
    let (stream, tls) = match (stream, &settings.tls) {
        (Stream::Tcp(stream), Some(tls)) => (stream, tls),
        (stream, _) => return Ok((stream, known)),
    };
    let stream = tls.connect(stream).await?;
    let agreed = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    if known == Spoken::Http2 && !agreed {
        return Err(io::Error::other("the application does not offer HTTP/2"));
    }
    let spoken = if agreed { Spoken::Http2 } else { Spoken::Http1 };
    Ok((Stream::Tls(Box::new(stream)), spoken))
}

/// Connects for HTTP/1.1, which alone can switch protocols.
pub(super) async fn connect_http1(settings: &UpstreamSettings) -> io::Result<Stream> {
    match (reach(&settings.address).await?, &settings.tls) {
        (Stream::Tcp(stream), Some(tls)) => Ok(Stream::Tls(Box::new(tls.connect_http1(stream).await?))),
        (stream, _) => Ok(stream),
    }
}

async fn reach(address: &UpstreamAddress) -> io::Result<Stream> {
    match address {
        UpstreamAddress::Tcp { host, port } => {
            let stream = TcpStream::connect((&**host, *port)).await?;
            stream.set_nodelay(true)?;
            Ok(Stream::Tcp(stream))
        }
        UpstreamAddress::Unix(path) => UnixStream::connect(path).await.map(Stream::Unix),
    }
}
