//! Requests that are not acceptable HTTP, or that two servers could read in two ways.

use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header, uri::Authority};

use super::{Objection, RequestHead};
use crate::incident::Refusal;

/// Refuses what must never be forwarded, whatever the settings.
pub(super) fn check(head: &RequestHead) -> Result<(), Objection> {
    method(head)?;
    target(head)?;
    let said = Said::by(&head.headers);
    host(head, &said)?;
    values(head)?;
    framing(head, &said)
}

/// Which of the fields there are that every request is asked for: one look at each field costs less than asking the map for
/// each name.
#[derive(Default)]
struct Said<'a> {
    host: Option<&'a HeaderValue>,
    hosts: usize,
    coding: bool,
    length: bool,
}

impl<'a> Said<'a> {
    fn by(fields: &'a HeaderMap) -> Self {
        let mut said = Self::default();
        for (name, value) in fields {
            match *name {
                header::HOST => (said.host, said.hosts) = (Some(value), said.hosts + 1),
                header::TRANSFER_ENCODING => said.coding = true,
                header::CONTENT_LENGTH => said.length = true,
                _ => {}
            }
        }
        said
    }
}

/// `TRACE` reflects credentials and `CONNECT` asks for another server; a request that may go no further
/// (`Max-Forwards: 0`, RFC 9110 section 7.6.2) ends here.
fn method(head: &RequestHead) -> Result<(), Objection> {
    let spent = head.method == Method::OPTIONS && head.headers.get(header::MAX_FORWARDS).is_some_and(is_zero);
    if head.method == Method::TRACE || head.method == Method::CONNECT || spent {
        return Err(Objection::new(Refusal::Method, StatusCode::METHOD_NOT_ALLOWED));
    }
    Ok(())
}

fn is_zero(value: &HeaderValue) -> bool {
    !value.is_empty() && value.as_bytes().iter().all(|&byte| byte == b'0')
}

/// Origin form, absolute form of http(s) without credentials, or `*` with OPTIONS (RFC 9112 section 3.2). The authority
/// form, as which `a` is read, is for `CONNECT` alone.
fn target(head: &RequestHead) -> Result<(), Objection> {
    let path = head.uri.path();
    let web = |scheme: &str| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let reachable = match head.uri.authority() {
        Some(authority) => head.uri.scheme_str().is_some_and(web) && is_host(authority.as_str().as_bytes()),
        None => true,
    };
    let origin = path.starts_with('/') || (path == "*" && head.method == Method::OPTIONS);
    (reachable && origin).then_some(()).ok_or_else(Objection::bad_request)
}

/// One valid `Host`, which in HTTP/1.1 an absolute target does not replace (RFC 9112 section 3.2). HTTP/1.0 knew none;
/// HTTP/2 carries it in the target, and a `Host` beside it says the same (RFC 9113 section 8.3.1).
fn host(head: &RequestHead, said: &Said<'_>) -> Result<(), Objection> {
    let acceptable = match (said.host, said.hosts) {
        (Some(host), 1) if head.version > Version::HTTP_11 => is_host(host.as_bytes()) && agrees(&head.uri, host),
        (Some(host), 1) => is_host(host.as_bytes()),
        (None, _) if head.version > Version::HTTP_11 => has_authority(&head.uri),
        (None, _) => head.version < Version::HTTP_11,
        _ => false,
    };
    acceptable.then_some(()).ok_or_else(Objection::bad_request)
}

fn has_authority(uri: &Uri) -> bool {
    uri.authority().is_some()
}

/// Whether `host` is the target's authority, if it has one: in any case, with or without the port that is usual.
fn agrees(uri: &Uri, host: &HeaderValue) -> bool {
    let usual = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(usual);
    match (uri.authority(), Authority::try_from(host.as_bytes())) {
        (Some(target), Ok(host)) => target.host().eq_ignore_ascii_case(host.host()) && port(target) == port(&host),
        (target, _) => target.is_none(),
    }
}

/// A host and perhaps a port; no credentials, no path, nothing that would end an URL's host early.
fn is_host(text: &[u8]) -> bool {
    if plain_host(text).is_some() {
        return true;
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+;=".contains(byte);
    let Ok(authority) = Authority::try_from(text) else { return false };
    let rest = &authority.as_str()[authority.host().len()..];
    let port = rest.is_empty() || rest == ":" || authority.port_u16().is_some();
    text.iter().all(plain) && !authority.host().is_empty() && port
}

/// The port, if any, of a host of letters and digits alone, as nearly all are; `None` is for every other.
pub(super) fn plain_host(text: &[u8]) -> Option<Option<u16>> {
    let name = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')).count();
    match text.get(name..) {
        _ if name == 0 => None,
        Some([]) => Some(None),
        Some([b':', digits @ ..]) if (1..=5).contains(&digits.len()) => {
            let number =
                |number: u32, digit: &u8| Some(number * 10 + u32::from(*digit).checked_sub(48).filter(|&d| d < 10)?);
            digits.iter().try_fold(0, number).and_then(|port| u16::try_from(port).ok()).map(Some)
        }
        _ => None,
    }
}

/// No value begins or ends with a space or a tab: HTTP/1.1 knows them as no part of it, HTTP/2 as a fault that may not
/// be forwarded (RFC 9113 section 8.2.1).
fn values(head: &RequestHead) -> Result<(), Objection> {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let is_padded = |value: &HeaderValue| is_space(value.as_bytes().first()) || is_space(value.as_bytes().last());
    let faulty = head.version > Version::HTTP_11 && head.headers.values().any(is_padded);
    (!faulty).then_some(()).ok_or_else(Objection::bad_request)
}

/// The length of the body must be said in one way (RFC 9112 section 6).
fn framing(head: &RequestHead, said: &Said<'_>) -> Result<(), Objection> {
    let acceptable = match (said.coding, said.length) {
        (true, true) => false,
        (true, false) => head.version == Version::HTTP_11 && is_chunked(&head.headers),
        (false, true) => is_one_length(&head.headers),
        (false, false) => true,
    };
    acceptable.then_some(()).ok_or_else(Objection::bad_request)
}

/// `chunked` alone: no proxy and application agree on anything else.
fn is_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let chunked = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    codings.next().is_some_and(chunked) && codings.next().is_none()
}

fn is_one_length(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let digits =
        |value: &HeaderValue| !value.is_empty() && value.len() < 20 && value.as_bytes().iter().all(u8::is_ascii_digit);
    lengths.next().is_some_and(digits) && lengths.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::head_with;

    fn refused(method: &str, target: &str, fields: &[(&'static str, &str)]) -> Option<u16> {
        check(&head_with(method, target, fields)).err().map(|objection| objection.status.as_u16())
    }

    #[test]
    fn trace_connect_and_spent_requests_are_not_allowed() {
        let host = ("host", "a");
        assert_eq!(refused("TRACE", "/", &[host]), Some(405));
        assert_eq!(refused("CONNECT", "a:443", &[host]), Some(405));
        assert_eq!(refused("OPTIONS", "/", &[host, ("max-forwards", "0")]), Some(405));
        assert_eq!(refused("OPTIONS", "/", &[host, ("max-forwards", "1")]), None);
        assert_eq!(refused("OPTIONS", "*", &[host]), None);
        assert_eq!(refused("GET", "*", &[host]), Some(400));
    }

    #[test]
    fn one_valid_host_is_needed() {
        for good in ["a", "example.org", "example.org:8080", "127.0.0.1:80", "[::1]", "[::1]:8080", "a_b", "a."] {
            assert_eq!(refused("GET", "/", &[("host", good)]), None, "{good}");
        }
        for bad in
            ["", "a b", "a/b", "user@a", "a:port", "a:99999", "a,b", "a?b", "a\\b", "[::1", ":80", "a#b", "\u{e9}"]
        {
            assert_eq!(refused("GET", "/", &[("host", bad)]), Some(400), "{bad}");
        }
        assert_eq!(refused("GET", "/", &[]), Some(400));
        assert_eq!(refused("GET", "/", &[("host", "a"), ("host", "a")]), Some(400));
        let mut old = head_with("GET", "/", &[]);
        old.version = Version::HTTP_10;
        assert!(check(&old).is_ok());
    }

    #[test]
    fn what_a_plain_host_says_is_what_reading_it_as_an_authority_says() {
        for text in ["a", "example.org:8080", "127.0.0.1:80", "a:65535", "a:0", "a:00080", "a-b.c", "A"] {
            let authority = Authority::try_from(text).unwrap();
            assert_eq!(plain_host(text.as_bytes()), Some(authority.port_u16()), "{text}");
        }
        for text in
            ["", ":80", "a:", "a:65536", "a:123456", "a:8x", "a:+1", "[::1]", "a_b", "a@b", "a/", "a b", "a\u{e9}"]
        {
            assert_eq!(plain_host(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn absolute_targets_are_of_the_web_and_carry_no_credentials() {
        assert_eq!(refused("GET", "http://b/x", &[("host", "a")]), None);
        assert_eq!(refused("GET", "http://b/x", &[]), Some(400));
        assert_eq!(refused("GET", "b", &[("host", "a")]), Some(400));
        assert_eq!(refused("GET", "b:80", &[("host", "a")]), Some(400));
        assert_eq!(refused("GET", "ftp://b/x", &[("host", "a")]), Some(400));
        assert_eq!(refused("GET", "http://user:pass@b/x", &[("host", "a")]), Some(400));
    }

    #[test]
    fn http2_says_one_host_one_path_and_no_more_than_its_values() {
        let refused = |method: &str, target: &str, fields: &[(&'static str, &str)]| {
            let mut head = head_with(method, target, fields);
            head.version = Version::HTTP_2;
            check(&head).is_err()
        };
        assert!(!refused("GET", "https://a/", &[]));
        for host in ["a", "A", "a:443"] {
            assert!(!refused("GET", "https://a/", &[("host", host)]), "{host}");
        }
        for host in ["b", "a:80", "a.", "", "a b"] {
            assert!(refused("GET", "https://a/", &[("host", host)]), "{host}");
        }
        assert!(!refused("GET", "http://a:80/", &[("host", "a")]));
        assert!(!refused("GET", "/", &[("host", "a")]));
        for value in [" b", "b ", "\tb", "b\t", " "] {
            assert!(refused("GET", "https://a/", &[("x", value)]), "{value:?}");
        }
        assert!(!refused("GET", "https://a/", &[("x", "b c"), ("y", "")]));
    }

    #[test]
    fn a_body_has_one_length() {
        let refused =
            |fields: &[(&'static str, &str)]| refused("POST", "/", &[&[("host", "a")], fields].concat()).is_some();
        assert!(!refused(&[("content-length", "3")]));
        assert!(!refused(&[("transfer-encoding", "Chunked")]));
        assert!(refused(&[("content-length", "3"), ("transfer-encoding", "chunked")]));
        assert!(refused(&[("content-length", "3"), ("content-length", "3")]));
        for length in ["", "3, 3", "+3", "-1", "0x3", "3 ", "99999999999999999999"] {
            assert!(refused(&[("content-length", length)]), "{length:?}");
        }
        for coding in ["gzip, chunked", "identity", "chunked, chunked", "xchunked", "\u{b}chunked"] {
            if coding.bytes().all(|byte| byte >= b' ') {
                assert!(refused(&[("transfer-encoding", coding)]), "{coding:?}");
            }
        }
        assert!(refused(&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")]));
    }
}
