//! Who the client is, when peers in between are believed.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header::FORWARDED};

use super::{Cidr, Peer};

/// The client as far as trusted peers can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address nearest to the client that a trusted peer vouches for.
    pub address: IpAddr,
    /// Whether the client's side is TLS.
    pub tls: bool,
    /// Whether the peer is trusted.
    pub vouched: bool,
}

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

impl Client {
    /// Reads `X-Forwarded-For` and `X-Forwarded-Proto`, or `Forwarded` (RFC 7239) where they are missing, of a
    /// trusted peer; nobody else is believed.
    pub fn behind(peer: &Peer, trusted: &[Cidr], fields: &HeaderMap) -> Self {
        let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
        if !is_trusted(peer.address) {
            return Self { address: peer.address.to_canonical(), tls: peer.tls, vouched: false };
        }
        let mut address = peer.address.to_canonical();
        for hop in hops(fields).into_iter().rev() {
            let Some(hop) = hop.filter(|_| is_trusted(address)) else { break };
            address = hop;
        }
        Self { address, tls: scheme(fields).map_or(peer.tls, |scheme| scheme == b"https"), vouched: true }
    }
}

/// The addresses on the way, the client's first; `None` where one is no address.
fn hops(fields: &HeaderMap) -> Vec<Option<IpAddr>> {
    if fields.contains_key(X_FORWARDED_FOR) {
        return members(fields, &X_FORWARDED_FOR).map(address).collect();
    }
    members(fields, &FORWARDED).map(|element| parameter(element, b"for").and_then(address)).collect()
}

/// What the first proxy saw: the client's side.
fn scheme(fields: &HeaderMap) -> Option<Vec<u8>> {
    let said = if fields.contains_key(X_FORWARDED_PROTO) {
        members(fields, &X_FORWARDED_PROTO).next()
    } else {
        members(fields, &FORWARDED).next().and_then(|element| parameter(element, b"proto"))
    };
    said.map(<[u8]>::to_ascii_lowercase)
}

fn members<'a>(fields: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let fields = fields.get_all(name).iter().map(HeaderValue::as_bytes);
    fields.flat_map(|field| field.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii)
}

/// One parameter of a `Forwarded` element, its quotes off. Commas and semicolons never stand in a value that matters.
fn parameter<'a>(element: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    element.split(|&byte| byte == b';').find_map(|pair| {
        let at = pair.iter().position(|&byte| byte == b'=')?;
        let value = pair[at + 1..].trim_ascii();
        let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        pair[..at].trim_ascii().eq_ignore_ascii_case(name).then_some(bare)
    })
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::head_with;

    fn client(peer: &str, fields: &[(&'static str, &str)]) -> (String, bool) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let peer = Peer { address: peer.parse().unwrap(), tls: false };
        let client = Client::behind(&peer, &trusted, &head_with("GET", "/", fields).headers);
        (client.address.to_string(), client.tls)
    }

    #[test]
    fn nobody_is_believed_but_trusted_peers() {
        let fields = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https"), ("forwarded", "for=1.1.1.1")];
        assert_eq!(client("9.9.9.9", &fields), ("9.9.9.9".into(), false));
        assert_eq!(client("10.0.0.1", &fields), ("1.1.1.1".into(), true));
        assert_eq!(client("::ffff:10.0.0.1", &fields), ("1.1.1.1".into(), true));
    }

    #[test]
    fn the_client_is_the_last_address_that_a_trusted_peer_saw() {
        for (list, wanted) in [
            ("6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("1.1.1.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("garbage", "10.0.0.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("1.1.1.1:443", "1.1.1.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[("x-forwarded-for", list)]).0, wanted, "{list}");
        }
    }

    #[test]
    fn forwarded_says_the_same_in_its_own_way() {
        let field = ("forwarded", "for=\"[2001:db8::1]:4711\";Proto=HTTPS;by=x, for=10.0.0.2");
        assert_eq!(client("fd00::1", &[field]), ("2001:db8::1".into(), true));
        assert_eq!(client("fd00::1", &[("forwarded", "for=_hidden")]), ("fd00::1".into(), false));
    }
}
