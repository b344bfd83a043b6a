//! The request head as the upstream gets it.

use std::net::{IpAddr, Ipv4Addr};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri, Version,
    header::{self, FORWARDED, HOST},
    uri::{Authority, PathAndQuery},
};

use super::{
    Cidr, Client, RequestHead, Upgrade,
    client::{X_FORWARDED_FOR, X_FORWARDED_PROTO},
    message::plain_host,
    remove_hop_by_hop,
};

/// What the upstream gets as `Host`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostRule {
    /// What the client asked for. Applications build links and check origins with it.
    #[default]
    Preserve,
    /// This: the upstream's own name.
    Set(HeaderValue),
}

const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Compiled forwarding settings of a route.
#[derive(Clone, Debug)]
pub struct ForwardPolicy {
    /// Peers whose `Forwarded` and `X-Forwarded-*` are believed and extended. Everyone else's are replaced.
    pub trusted: Vec<Cidr>,
    /// What the upstream gets as `Host`.
    pub host: HostRule,
    /// Whether `X-Forwarded-For`, `-Proto`, `-Host` and `-Port` are sent.
    pub x_forwarded: bool,
    /// Whether `Forwarded` (RFC 7239) is sent.
    pub forwarded: bool,
    /// Whether the upstream is asked for uncoded bodies (`Accept-Encoding: identity`).
    pub identity: bool,
    /// Whether `Range` and `If-Range` are taken away, so that bodies are seen whole, and `Accept-Charset`, so that
    /// they come in the charset the application thinks in. Set on inspected routes.
    pub whole_bodies: bool,
    /// The pseudonym in `Via` (RFC 9110 section 7.6.3), a token; none sends no `Via`.
    pub via: Option<Box<str>>,
}

/// What asks for less than the whole body as the application has it.
const PARTIAL: [HeaderName; 3] = [header::RANGE, header::IF_RANGE, header::ACCEPT_CHARSET];

impl Default for ForwardPolicy {
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            host: HostRule::Preserve,
            x_forwarded: true,
            forwarded: false,
            identity: true,
            whole_bodies: true,
            via: None,
        }
    }
}

/// The other end of the connection the request came over.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether the connection is TLS.
    pub tls: bool,
}

impl ForwardPolicy {
    /// Rewrites a head that passed [`super::check`] for the upstream, and tells who the client is. The target
    /// becomes origin form and never chooses the upstream; the path stays byte for byte.
    pub fn rewrite(&self, head: &mut RequestHead, peer: &Peer, upgrade: Upgrade) -> Client {
        let client = Client::behind(peer, &self.trusted, &head.headers);
        origin_form(head);
        remove_hop_by_hop(&mut head.headers, upgrade);
        drop_impostors(&mut head.headers, client.vouched);
        self.forwarded_fields(&mut head.headers, peer, client.vouched);
        self.representation(&mut head.headers);
        self.trace(head);
        client
    }

    fn forwarded_fields(&self, fields: &mut HeaderMap, peer: &Peer, vouched: bool) {
        let host = fields.get(HOST).cloned();
        if self.forwarded {
            append(fields, FORWARDED, &element(peer, host.as_ref()));
        }
        if self.x_forwarded {
            let scheme = if peer.tls { "https" } else { "http" };
            append_address(fields, peer.address.to_canonical(), vouched);
            fields.entry(X_FORWARDED_PROTO).or_insert(HeaderValue::from_static(scheme));
            if let Some(host) = host {
                fields.entry(X_FORWARDED_PORT).or_insert_with(|| port(&host, peer.tls));
                fields.entry(X_FORWARDED_HOST).or_insert(host);
            }
        }
        if let HostRule::Set(host) = &self.host {
            fields.insert(HOST, host.clone());
        }
    }

    fn representation(&self, fields: &mut HeaderMap) {
        if self.identity {
            fields.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let unwanted = |name: &HeaderName| {
            self.whole_bodies && PARTIAL.contains(name) || self.identity && *name == GRPC_ACCEPT_ENCODING
        };
        while let Some(name) = fields.keys().find(|name| unwanted(name)).cloned() {
            fields.remove(name);
        }
    }

    /// `Via`, and one hop less to go for what counts its hops (RFC 9110 section 7.6.2).
    fn trace(&self, head: &mut RequestHead) {
        if let Some(pseudonym) = &self.via {
            append(&mut head.headers, header::VIA, &format!("{} {pseudonym}", version(head.version)));
        }
        if head.method != Method::OPTIONS {
            return;
        }
        let left = head.headers.get(header::MAX_FORWARDS).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
        if let Some(left) = left {
            head.headers.insert(header::MAX_FORWARDS, HeaderValue::from(left.saturating_sub(1)));
        }
    }
}

/// The authority of an absolute target takes the place of `Host` (RFC 9112 section 3.2.2) and goes no further.
fn origin_form(head: &mut RequestHead) {
    if let Some(authority) = head.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        head.headers.insert(HOST, host);
    }
    let path = head.uri.path_and_query().cloned();
    let bare = path.filter(|path| path.as_str().starts_with(['/', '*']));
    head.uri = Uri::from(bare.unwrap_or_else(|| with_root(&head.uri)));
}

/// `http://host?query` has an empty path, which stands for `/`.
fn with_root(uri: &Uri) -> PathAndQuery {
    let query = uri.query().map(|query| format!("/?{query}"));
    query.and_then(|path| path.try_into().ok()).unwrap_or_else(|| PathAndQuery::from_static("/"))
}

/// Takes away what the proxy alone may say, unless a trusted peer said it; its twins with underscores, which CGI and
/// WSGI cannot tell from it; and what makes applications see another path or proxy than was judged.
fn drop_impostors(fields: &mut HeaderMap, vouched: bool) {
    let impostor = |name: &HeaderName| {
        let name = name.as_str();
        let twin = name.contains('_') && is_reserved(&name.replace('_', "-"));
        twin || REROUTING.contains(&name) || (!vouched && speaks_for_client(name))
    };
    while let Some(name) = fields.keys().find(|name| impostor(name)).cloned() {
        fields.remove(name);
    }
}

fn is_reserved(name: &str) -> bool {
    speaks_for_client(name) || REROUTING.contains(&name) || TWINS.contains(&name)
}

/// Fields by which proxies tell applications who the client is and what it asked for. A `match` tells most names by their
/// length.
fn speaks_for_client(name: &str) -> bool {
    name.starts_with("x-forwarded")
        || matches!(
            name,
            "forwarded"
                | "forwarded-for"
                | "x-real-ip"
                | "x-client-ip"
                | "x-cluster-client-ip"
                | "x-originating-ip"
                | "x-remote-ip"
                | "x-remote-addr"
                | "true-client-ip"
                | "cf-connecting-ip"
                | "fastly-client-ip"
                | "client-ip"
                | "client-cert"
                | "client-cert-chain"
                | "front-end-https"
                | "x-url-scheme"
                | "x-scheme"
                | "x-original-host"
                | "x-host"
        )
}

/// Fields that make frameworks route another path (IIS, Symfony) or CGI programs use another proxy (httpoxy).
const REROUTING: [&str; 3] = ["x-original-url", "x-rewrite-url", "proxy"];

/// Fields of the request whose meaning a twin would forge.
const TWINS: [&str; 9] = [
    "host",
    "cookie",
    "authorization",
    "content-length",
    "content-type",
    "transfer-encoding",
    "origin",
    "sec-fetch-site",
    "x-requested-with",
];

/// Appends the peer to `X-Forwarded-For`, of which there is none that nobody `vouched` for. Mostly it stands there
/// alone, and is an IPv4 address.
fn append_address(fields: &mut HeaderMap, address: IpAddr, vouched: bool) {
    let IpAddr::V4(v4) = address else {
        return append(fields, X_FORWARDED_FOR, &address.to_string());
    };
    let mut text = [0; LONGEST_IPV4];
    let text = ipv4(v4, &mut text);
    match (vouched && fields.contains_key(X_FORWARDED_FOR), HeaderValue::from_bytes(text)) {
        (false, Ok(value)) => drop(fields.insert(X_FORWARDED_FOR, value)),
        _ => append(fields, X_FORWARDED_FOR, &address.to_string()),
    }
}

/// Bytes of `255.255.255.255`.
const LONGEST_IPV4: usize = 15;

/// The address as text: what `Display` gives, for a tenth of the work.
fn ipv4(address: Ipv4Addr, room: &mut [u8; LONGEST_IPV4]) -> &[u8] {
    let mut length = 0;
    let mut push = |byte: u8| {
        room[length] = byte;
        length += 1;
    };
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 {
            push(b'.');
        }
        if octet >= 100 {
            push(b'0' + octet / 100);
        }
        if octet >= 10 {
            push(b'0' + octet / 10 % 10);
        }
        push(b'0' + octet % 10);
    }
    &room[..length]
}

fn append(fields: &mut HeaderMap, name: HeaderName, member: &str) {
    let mut list: Vec<u8> =
        fields.get_all(&name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..]);
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(member.as_bytes());
    if let Ok(value) = HeaderValue::from_bytes(&list) {
        fields.insert(name, value);
    }
}

/// RFC 7239 section 4. A host that passed the checks needs no escape inside quotes.
fn element(peer: &Peer, host: Option<&HeaderValue>) -> String {
    let scheme = if peer.tls { "https" } else { "http" };
    let node = match peer.address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("\"[{address}]\""),
    };
    let host = host.and_then(|host| host.to_str().ok()).map(|host| format!(";host=\"{host}\""));
    format!("for={node}{};proto={scheme}", host.unwrap_or_default())
}

/// What the client connected to, as it says itself.
fn port(host: &HeaderValue, tls: bool) -> HeaderValue {
    let whole = || Authority::try_from(host.as_bytes()).ok().and_then(|authority| authority.port_u16());
    match plain_host(host.as_bytes()).unwrap_or_else(whole) {
        Some(port) => decimal(port),
        None => HeaderValue::from_static(if tls { "443" } else { "80" }),
    }
}

/// The number as a value: what `HeaderValue::from` gives, for half of the work.
fn decimal(number: u16) -> HeaderValue {
    let mut room = *b"00000";
    let (mut left, mut begin) = (number, room.len());
    while left > 0 || begin == room.len() {
        begin -= 1;
        room[begin] += (left % 10) as u8;
        left /= 10;
    }
    HeaderValue::from_bytes(&room[begin..]).unwrap_or_else(|_| HeaderValue::from(number))
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2.0",
        Version::HTTP_3 => "3.0",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::head_with;

    fn forwarded(policy: &ForwardPolicy, head: &mut RequestHead, tls: bool) -> Client {
        let peer = Peer { address: "10.0.0.1".parse().unwrap(), tls };
        policy.rewrite(head, &peer, Upgrade::Drop)
    }

    fn trusting() -> ForwardPolicy {
        ForwardPolicy { trusted: vec!["10.0.0.0/8".parse().unwrap()], ..ForwardPolicy::default() }
    }

    fn value<'a>(head: &'a RequestHead, name: &str) -> &'a str {
        head.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    const LIES: [(&str, &str); 8] = [
        ("host", "example.org:8443"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil"),
        ("x-forwarded-port", "1"),
        ("x-forwarded-prefix", "/evil"),
        ("x-real-ip", "1.1.1.1"),
        ("forwarded", "for=1.1.1.1"),
    ];

    #[test]
    fn a_strangers_claims_are_replaced() {
        let mut head = head_with("GET", "/", &LIES);
        let policy = ForwardPolicy { forwarded: true, ..ForwardPolicy::default() };
        let client = forwarded(&policy, &mut head, false);
        assert_eq!(client.address.to_string(), "10.0.0.1");
        assert_eq!(value(&head, "x-forwarded-for"), "10.0.0.1");
        assert_eq!(value(&head, "x-forwarded-proto"), "http");
        assert_eq!(value(&head, "x-forwarded-host"), "example.org:8443");
        assert_eq!(value(&head, "x-forwarded-port"), "8443");
        assert_eq!(value(&head, "forwarded"), "for=10.0.0.1;host=\"example.org:8443\";proto=http");
        assert!(!head.headers.contains_key("x-real-ip") && !head.headers.contains_key("x-forwarded-prefix"));
    }

    #[test]
    fn a_trusted_peers_claims_are_kept_and_extended() {
        let mut head = head_with("GET", "/", &LIES);
        let client = forwarded(&trusting(), &mut head, false);
        assert_eq!((client.address.to_string().as_str(), client.tls), ("1.1.1.1", true));
        assert_eq!(value(&head, "x-forwarded-for"), "1.1.1.1, 10.0.0.1");
        assert_eq!(value(&head, "x-forwarded-proto"), "https");
        assert_eq!(value(&head, "x-forwarded-host"), "evil");
        assert_eq!(value(&head, "x-real-ip"), "1.1.1.1");
    }

    #[test]
    fn twins_and_rerouting_fields_never_pass_even_from_a_trusted_peer() {
        let lines = [
            ("x_forwarded_for", "1"),
            ("x-forwarded_proto", "1"),
            ("content_length", "1"),
            ("x-original-url", "/console"),
            ("x_rewrite_url", "/console"),
            ("proxy", "http://evil"),
            ("api_key", "kept"),
        ];
        let mut head = head_with("GET", "/", &lines);
        forwarded(&trusting(), &mut head, false);
        for (name, _) in &lines[..6] {
            assert!(!head.headers.contains_key(*name), "{name}");
        }
        assert_eq!(value(&head, "api_key"), "kept");
    }

    #[test]
    fn connection_cannot_take_the_proxys_own_fields_away() {
        let lines = [("host", "a"), ("connection", "x-forwarded-for, x-forwarded-proto, host")];
        let mut head = head_with("GET", "/", &lines);
        forwarded(&ForwardPolicy::default(), &mut head, true);
        assert_eq!(value(&head, "x-forwarded-for"), "10.0.0.1");
        assert_eq!((value(&head, "x-forwarded-proto"), value(&head, "x-forwarded-port")), ("https", "443"));
        assert_eq!(value(&head, "host"), "a");
    }

    #[test]
    fn a_port_is_written_as_the_number_it_is() {
        for port in (0..=u16::MAX).step_by(7).chain([9, 10, 99, 100, 65_535]) {
            assert_eq!(decimal(port), HeaderValue::from(port));
        }
    }

    #[test]
    fn an_absolute_target_becomes_origin_form_and_its_authority_the_host() {
        for (target, path) in [
            ("http://b:81/x?y=1", "/x?y=1"),
            ("http://b:81", "/"),
            ("http://b:81?y", "/?y"),
            ("http://b:81/%2e./", "/%2e./"),
        ] {
            let mut head = head_with("GET", target, &[("host", "a")]);
            forwarded(&ForwardPolicy::default(), &mut head, false);
            assert_eq!((head.uri.to_string().as_str(), value(&head, "host")), (path, "b:81"));
            assert!(head.uri.authority().is_none());
        }
        let mut asterisk = head_with("OPTIONS", "*", &[("host", "a"), ("max-forwards", "3")]);
        forwarded(&ForwardPolicy::default(), &mut asterisk, false);
        assert_eq!((asterisk.uri.to_string().as_str(), value(&asterisk, "max-forwards")), ("*", "2"));
    }

    #[test]
    fn bodies_are_asked_for_whole_and_uncoded_where_the_route_wants_it() {
        let lines = [("accept-encoding", "gzip"), ("range", "bytes=0-1"), ("if-range", "x"), ("accept-charset", "x")];
        let mut head = head_with("GET", "/", &lines);
        forwarded(&ForwardPolicy::default(), &mut head, false);
        assert_eq!(value(&head, "accept-encoding"), "identity");
        assert!(lines[1..].iter().all(|(name, _)| !head.headers.contains_key(*name)));
        let mut head = head_with("GET", "/", &lines);
        forwarded(&ForwardPolicy { identity: false, whole_bodies: false, ..trusting() }, &mut head, false);
        assert!(lines.iter().all(|(name, said)| value(&head, name) == *said));
    }

    #[test]
    fn host_and_via_are_as_set() {
        let host = HostRule::Set(HeaderValue::from_static("upstream.internal"));
        let policy = ForwardPolicy { host, via: Some("edge".into()), ..ForwardPolicy::default() };
        let mut head = head_with("GET", "/", &[("host", "a"), ("via", "1.0 x")]);
        forwarded(&policy, &mut head, false);
        assert_eq!(value(&head, "host"), "upstream.internal");
        assert_eq!(value(&head, "x-forwarded-host"), "a");
        assert_eq!(value(&head, "via"), "1.0 x, 1.1 edge");
    }
}
