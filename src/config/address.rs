//! Where to listen and where the application is.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use http::uri::Authority;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::units::{Expected, written_as_string};

/// A place to listen: `127.0.0.1:8080`, `[::]:8080` or `unix:/run/cofferdam.sock`. Port 0 takes a free port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP address. Never a name: what a name resolves to may change, and with it who can connect.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// Where the application is: `http://127.0.0.1:5000`, `https://app.internal` or `unix:/run/app.sock`. Carries no path, no query and
/// no user: those belong to requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamUrl {
    /// HTTP over TCP.
    Http {
        /// Host name or address, as in a URI (IPv6 in brackets).
        host: String,
        /// 80, or 443 by TLS, where the URL names none.
        port: u16,
        /// Whether it is reached by TLS (`https`).
        tls: bool,
    },
    /// HTTP over a Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Whether only this machine can connect.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for ListenAddress {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        const EXPECTED: Expected =
            Expected(r#"an address and a port such as "127.0.0.1:8080" or "[::]:8080", or "unix:/path""#);
        match text.strip_prefix("unix:") {
            Some(path) => socket_path(path).map(Self::Unix).ok_or(EXPECTED),
            None => text.parse().map(Self::Tcp).map_err(|_| EXPECTED),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for UpstreamUrl {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        const EXPECTED: Expected =
            Expected(r#"a URL such as "http://127.0.0.1:5000" without user, path or query, or "unix:/path""#);
        match text.strip_prefix("unix:") {
            Some(path) => socket_path(path).map(Self::Unix).ok_or(EXPECTED),
            None => http_url(text).ok_or(EXPECTED),
        }
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { host, port, tls } => write!(f, "{}://{host}:{port}", if *tls { "https" } else { "http" }),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

written_as_string!(ListenAddress, UpstreamUrl);

/// A relative socket would depend on where the process was started.
fn socket_path(path: &str) -> Option<PathBuf> {
    (path.starts_with('/') && !path.contains('\0')).then(|| path.into())
}

fn http_url(text: &str) -> Option<UpstreamUrl> {
    let (rest, tls) = match text.strip_prefix("https://") {
        Some(rest) => (rest, true),
        None => (text.strip_prefix("http://")?, false),
    };
    let authority: Authority = rest.strip_suffix('/').unwrap_or(rest).parse().ok()?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return None;
    }
    // `Authority::port` is none for a port that is not a number, too.
    let port = match authority.as_str().strip_prefix(authority.host())? {
        "" if tls => 443,
        "" => 80,
        port => port.strip_prefix(':')?.parse().ok().filter(|port| *port != 0)?,
    };
    Some(UpstreamUrl::Http { host: authority.host().to_owned(), port, tls })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_url_without_user_path_or_query() {
        for good in
            ["http://127.0.0.1:5000", "http://[::1]:80", "http://app:8000", "https://app:1", "unix:/run/app.sock"]
        {
            assert_eq!(good.parse::<UpstreamUrl>().unwrap().to_string(), good);
        }
        assert_eq!("http://app/".parse::<UpstreamUrl>().unwrap().to_string(), "http://app:80");
        assert_eq!("https://app".parse::<UpstreamUrl>().unwrap().to_string(), "https://app:443");
        for bad in [
            "",
            "app:8000",
            "127.0.0.1:5000",
            "https://",
            "http://",
            "http://u:p@app",
            "http://app/x",
            "http://app?x",
            "http://app:",
            "http://app:0",
            "http://app:99999",
            "unix:",
            "unix:app.sock",
            "ftp://app",
        ] {
            assert!(bad.parse::<UpstreamUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_listener_is_an_address_and_a_port() {
        for good in ["127.0.0.1:8080", "[::]:8080", "0.0.0.0:0", "unix:/run/cofferdam.sock"] {
            assert_eq!(good.parse::<ListenAddress>().unwrap().to_string(), good);
        }
        for bad in ["", "8080", ":8080", "localhost:8080", "127.0.0.1", "127.0.0.1:70000", "unix:", "unix:x"] {
            assert!(bad.parse::<ListenAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_loopback_and_sockets_are_local() {
        let local = |text: &str| text.parse::<ListenAddress>().unwrap().is_local();
        assert!(local("127.0.0.1:1") && local("[::1]:1") && local("unix:/x"));
        assert!(!local("0.0.0.0:1") && !local("[::]:1"));
    }
}
