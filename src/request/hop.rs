//! Fields that belong to one connection (RFC 9110 section 7.6.1).

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, CONNECTION, TE, UPGRADE},
};

/// What happens to a wish to switch protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// It ends here.
    Drop,
    /// It is passed on: `Connection: upgrade` and `Upgrade` as it came.
    Keep,
}

impl Upgrade {
    /// What the fields of a request ask for (RFC 9110 section 7.8). HTTP/2 is no protocol to switch to any more (RFC 9113
    /// section 3.1): an application that still did would read the rest of the connection past the proxy.
    pub fn wanted(fields: &HeaderMap) -> Self {
        let asks = fields.contains_key(UPGRADE) && lists(fields, &CONNECTION, b"upgrade");
        if asks && !lists(fields, &UPGRADE, b"h2c") { Self::Keep } else { Self::Drop }
    }
}

/// Meant for the next hop whether `Connection` names them or not. `Trailer` is not among them since RFC 9110, and
/// HTTP libraries need it to send trailers.
const HOP_BY_HOP: [HeaderName; 6] = [
    CONNECTION,
    TE,
    header::TRANSFER_ENCODING,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Meant for everyone, whatever `Connection` says: naming one of them there is an attack on whoever relies on it.
const END_TO_END: [HeaderName; 10] = [
    header::HOST,
    header::COOKIE,
    header::SET_COOKIE,
    header::AUTHORIZATION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CACHE_CONTROL,
    header::ORIGIN,
    header::LOCATION,
];

/// Takes away the fields of the connection they came over, those that `Connection` names among them. A wish for
/// trailers (`TE: trailers`) is kept: the proxy can pass them on.
pub fn remove_hop_by_hop(fields: &mut HeaderMap, upgrade: Upgrade) {
    // Mostly there are none, or that the connection is kept: a look at each name is cheaper than asking the map for all.
    match fields.iter().filter(|(name, _)| is_of_the_connection(name)).fold(Found::default(), Found::and) {
        Found { connection: false, others: false } => return,
        Found { others: false, .. } => {
            fields.remove(CONNECTION);
            return;
        }
        Found { .. } => {}
    }
    let trailers = lists(fields, &TE, b"trailers");
    let upgrades = upgrade == Upgrade::Keep && lists(fields, &CONNECTION, b"upgrade") && fields.contains_key(UPGRADE);
    for name in named_by_connection(fields) {
        if !(END_TO_END.contains(&name) || upgrades && name == UPGRADE) {
            fields.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        fields.remove(name);
    }
    if upgrades {
        fields.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else {
        fields.remove(UPGRADE);
    }
    if trailers {
        fields.insert(TE, HeaderValue::from_static("trailers"));
        fields.append(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Which fields of the connection there are.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    /// `Connection`, by itself and saying no more than it does mostly.
    connection: bool,
    others: bool,
}

impl Found {
    fn and(self, (name, value): (&HeaderName, &HeaderValue)) -> Self {
        let is_usual = *name == CONNECTION && is_of_persistence(value.as_bytes());
        Self { connection: self.connection || is_usual, others: self.others || !is_usual }
    }
}

/// What `Connection` says mostly, and which names no field but one of [`HOP_BY_HOP`].
fn is_of_persistence(value: &[u8]) -> bool {
    value.is_empty() || value.eq_ignore_ascii_case(b"keep-alive")
}

/// [`HOP_BY_HOP`] and `Upgrade`. Names that the library knows are told by one comparison.
fn is_of_the_connection(name: &HeaderName) -> bool {
    match *name {
        CONNECTION | TE | UPGRADE | header::TRANSFER_ENCODING | header::PROXY_AUTHORIZATION => true,
        _ => matches!(name.as_str(), "keep-alive" | "proxy-connection"),
    }
}

fn named_by_connection(fields: &HeaderMap) -> Vec<HeaderName> {
    tokens(fields, &CONNECTION).filter_map(|token| HeaderName::from_bytes(token).ok()).collect()
}

fn lists(fields: &HeaderMap, name: &HeaderName, token: &[u8]) -> bool {
    tokens(fields, name).any(|listed| listed.eq_ignore_ascii_case(token))
}

/// The members of a list, in all its fields, without parameters.
fn tokens<'a>(fields: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let members = fields.get_all(name).iter().flat_map(|field| field.as_bytes().split(|&byte| byte == b','));
    members.map(|member| member.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(lines: &[(&'static str, &'static str)], upgrade: Upgrade) -> Vec<String> {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, HeaderValue::from_static(value));
        }
        remove_hop_by_hop(&mut fields, upgrade);
        let mut left: Vec<_> =
            fields.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn the_connections_fields_and_those_it_names_go() {
        let lines = [
            ("connection", "keep-alive, X-Hop"),
            ("connection", "x-other , bad name"),
            ("x-hop", "1"),
            ("x-other", "1"),
            ("keep-alive", "5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("accept", "*/*"),
        ];
        assert_eq!(left(&lines, Upgrade::Drop), ["accept: */*"]);
    }

    #[test]
    fn a_connection_that_is_kept_leaves_no_trace() {
        let lines = [("connection", "Keep-Alive"), ("connection", ", keep-alive"), ("accept", "*/*")];
        assert_eq!(left(&lines, Upgrade::Keep), ["accept: */*"]);
        let lines = [("connection", "keep-alive, close"), ("close", "1"), ("accept", "*/*")];
        assert_eq!(left(&lines, Upgrade::Drop), ["accept: */*"]);
    }

    #[test]
    fn every_field_of_the_connection_is_looked_for() {
        assert!(HOP_BY_HOP.iter().chain([&UPGRADE]).all(is_of_the_connection));
    }

    #[test]
    fn connection_cannot_take_away_what_is_meant_for_the_application() {
        let lines = [("connection", "cookie, authorization, host, content-length"), ("cookie", "a=1"), ("host", "a")];
        assert_eq!(left(&lines, Upgrade::Drop), ["cookie: a=1", "host: a"]);
    }

    #[test]
    fn a_switch_of_protocols_is_wanted_by_both_fields_and_never_to_http2() {
        let wanted = |connection: &'static str, upgrade: &'static str| {
            let lines = [(CONNECTION, connection), (UPGRADE, upgrade)];
            Upgrade::wanted(&lines.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect())
        };
        assert_eq!(wanted("keep-alive, Upgrade", "websocket"), Upgrade::Keep);
        assert_eq!(wanted("keep-alive", "websocket"), Upgrade::Drop);
        assert_eq!(wanted("upgrade, http2-settings", "H2C"), Upgrade::Drop);
        assert_eq!(wanted("upgrade", "websocket, h2c"), Upgrade::Drop);
    }

    #[test]
    fn a_wish_for_trailers_and_a_permitted_upgrade_are_passed_on() {
        assert_eq!(
            left(&[("te", "gzip, trailers;q=0.5"), ("connection", "te")], Upgrade::Drop),
            ["connection: te", "te: trailers"]
        );
        let upgrade = [("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")];
        assert_eq!(left(&upgrade, Upgrade::Keep), ["connection: upgrade", "upgrade: websocket"]);
        assert_eq!(left(&upgrade, Upgrade::Drop), [""; 0]);
        assert_eq!(left(&[("upgrade", "h2c")], Upgrade::Keep), [""; 0]);
    }
}
