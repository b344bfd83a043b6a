//! The head of a response as it is sent, with a framing that is ours (RFC 9112 sections 4, 6 and 9).

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode, Version,
    header::{self, CONNECTION, CONTENT_LENGTH, DATE, TRAILER, TRANSFER_ENCODING},
    response,
};

use super::scratch::Scratch;
use crate::{
    http1::{has_token, push_field},
    response::ReasonPhrase,
};

/// What the request says about the form of its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) version: Version,
    pub(super) to_head: bool,
    pub(super) takes_trailers: bool,
    /// Whether the connection lasts, as far as the request and we are concerned.
    pub(super) keeps_alive: bool,
}

/// How the body of a response is told from what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// There is none, whatever the fields say.
    Empty,
    /// So many bytes are still to come.
    Length(u64),
    Chunked,
    /// It ends with the connection: HTTP/1.0 knows no chunks.
    Close,
}

/// What was promised.
#[derive(Debug)]
pub(super) struct Promise {
    pub(super) coding: Coding,
    pub(super) keeps_alive: bool,
    /// The trailers that may follow.
    pub(super) trailers: Vec<HeaderName>,
}

/// Appends the head. `length` is that of the body, if it is known.
pub(super) fn head(
    out: &mut Vec<u8>,
    parts: &response::Parts,
    length: Option<u64>,
    terms: Terms,
    (scratch, epoch): (&Scratch, u64),
) -> Promise {
    out.reserve(parts.headers.len() * 48 + 256);
    status_line(out, parts, terms.version);
    let switches = parts.status == StatusCode::SWITCHING_PROTOCOLS;
    let said = fields(out, &parts.headers, switches);
    let coding = coding(parts.status, said.length.or(length), terms);
    framing(out, parts.status, length.filter(|_| !said.has_length), (coding, terms));
    let keeps_alive = terms.keeps_alive && !said.closes && coding != Coding::Close;
    match terms.version {
        _ if switches => {}
        Version::HTTP_10 if keeps_alive => out.extend_from_slice(b"connection: keep-alive\r\n"),
        Version::HTTP_11 if !keeps_alive => out.extend_from_slice(b"connection: close\r\n"),
        _ => {}
    }
    if !said.has_date {
        out.extend_from_slice(b"date: ");
        scratch.push_date(out, epoch);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    let may_follow = coding == Coding::Chunked && terms.takes_trailers;
    Promise { coding, keeps_alive, trailers: if may_follow { announced(&parts.headers) } else { Vec::new() } }
}

/// What the fields say that matters for the rest of the head.
#[derive(Debug, Default)]
struct Said {
    length: Option<u64>,
    has_length: bool,
    has_date: bool,
    closes: bool,
}

/// Appends the fields, but for those that are ours to say.
fn fields(out: &mut Vec<u8>, fields: &HeaderMap, switches: bool) -> Said {
    let mut said = Said::default();
    for (name, value) in fields {
        match *name {
            TRANSFER_ENCODING => continue,
            CONNECTION if !switches => {
                said.closes |= has_token(value, "close");
                continue;
            }
            CONTENT_LENGTH => {
                said.has_length = true;
                said.length = value.to_str().ok().and_then(|digits| digits.parse().ok());
            }
            DATE => said.has_date = true,
            _ => {}
        }
        push_field(out, name, value.as_bytes());
    }
    said
}

fn status_line(out: &mut Vec<u8>, parts: &response::Parts, version: Version) {
    let own = parts.extensions.get::<ReasonPhrase>().map(ReasonPhrase::as_bytes);
    let own = own.filter(|phrase| phrase.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control()));
    let canonical = || parts.status.canonical_reason().unwrap_or_default().as_bytes();
    out.extend_from_slice(if version == Version::HTTP_10 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    out.extend_from_slice(parts.status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(own.unwrap_or_else(canonical));
    out.extend_from_slice(b"\r\n");
}

/// RFC 9112 section 6.3: neither 1xx, 204 and 304 nor answers to HEAD have a body.
fn coding(status: StatusCode, length: Option<u64>, terms: Terms) -> Coding {
    match length {
        _ if terms.to_head || has_no_content(status) => Coding::Empty,
        Some(length) => Coding::Length(length),
        None if terms.version == Version::HTTP_10 => Coding::Close,
        None => Coding::Chunked,
    }
}

fn has_no_content(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Appends what the fields do not say themselves. An answer to HEAD tells what GET would get.
fn framing(out: &mut Vec<u8>, status: StatusCode, unsaid: Option<u64>, (coding, terms): (Coding, Terms)) {
    if coding == Coding::Chunked {
        return out.extend_from_slice(b"transfer-encoding: chunked\r\n");
    }
    let tells = |length: &u64| !has_no_content(status) && (!terms.to_head || *length > 0);
    if let Some(length) = unsaid.filter(tells) {
        push_field(out, &CONTENT_LENGTH, length.to_string().as_bytes());
    }
}

/// The trailers that `Trailer` announces.
fn announced(fields: &HeaderMap) -> Vec<HeaderName> {
    let names = fields.get_all(TRAILER).iter().flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()).collect()
}

/// Appends the end of a body in chunks, with those of the trailers that were announced and may be trailers at all.
pub(super) fn trailers(out: &mut Vec<u8>, fields: &HeaderMap, announced: &[HeaderName]) {
    out.extend_from_slice(b"0\r\n");
    let may_follow = |(name, _): &(&HeaderName, &HeaderValue)| announced.contains(name) && !NO_TRAILERS.contains(name);
    fields.iter().filter(may_follow).for_each(|(name, value)| push_field(out, name, value.as_bytes()));
    out.extend_from_slice(b"\r\n");
}

/// Fields that must be known before the body, or frame it (RFC 9110 section 6.5.1).
const NO_TRAILERS: [HeaderName; 12] = [
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::HOST,
    header::MAX_FORWARDS,
    header::SET_COOKIE,
    TRAILER,
    TRANSFER_ENCODING,
    header::TE,
];

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    const MODERN: Terms = Terms { version: Version::HTTP_11, to_head: false, takes_trailers: false, keeps_alive: true };

    fn encoded(status: u16, fields: &[(&str, &str)], length: Option<u64>, terms: Terms) -> (String, Promise) {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        let (mut out, scratch) = (Vec::new(), Scratch::default());
        let promise = head(&mut out, &response.body(()).unwrap().into_parts().0, length, terms, (&scratch, 0));
        (String::from_utf8(out).unwrap().replace("date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", ""), promise)
    }

    #[test]
    fn a_body_is_framed_by_what_it_is() {
        for (status, length, terms, line, coding) in [
            (200, Some(5), MODERN, "content-length: 5\r\n", Coding::Length(5)),
            (200, Some(0), MODERN, "content-length: 0\r\n", Coding::Length(0)),
            (200, None, MODERN, "transfer-encoding: chunked\r\n", Coding::Chunked),
            (204, Some(0), MODERN, "", Coding::Empty),
            (304, None, MODERN, "", Coding::Empty),
            (200, Some(5), Terms { to_head: true, ..MODERN }, "content-length: 5\r\n", Coding::Empty),
            (200, Some(0), Terms { to_head: true, ..MODERN }, "", Coding::Empty),
            (200, None, Terms { to_head: true, ..MODERN }, "", Coding::Empty),
        ] {
            let (text, promise) = encoded(status, &[], length, terms);
            let rest = text.split_once("\r\n").unwrap().1;
            assert_eq!((rest, promise.coding), (format!("{line}\r\n").as_str(), coding), "{status} {length:?}");
        }
        let said = encoded(200, &[("content-length", "7"), ("transfer-encoding", "gzip")], None, MODERN);
        assert_eq!(
            (said.0.as_str(), said.1.coding),
            ("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n", Coding::Length(7))
        );
    }

    #[test]
    fn an_old_client_gets_the_end_of_the_connection_for_the_end_of_a_body() {
        let old = Terms { version: Version::HTTP_10, ..MODERN };
        let (text, promise) = encoded(200, &[], None, old);
        assert_eq!(
            (text.as_str(), promise.coding, promise.keeps_alive),
            ("HTTP/1.0 200 OK\r\n\r\n", Coding::Close, false)
        );
        let (text, promise) = encoded(200, &[], Some(1), old);
        assert_eq!(text, "HTTP/1.0 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\n\r\n");
        assert!(promise.keeps_alive);
    }

    #[test]
    fn a_connection_that_ends_is_announced() {
        for (fields, terms) in [(&[("connection", "close")][..], MODERN), (&[], Terms { keeps_alive: false, ..MODERN })]
        {
            let (text, promise) = encoded(404, fields, Some(0), terms);
            assert_eq!(text, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            assert!(!promise.keeps_alive);
        }
        let (text, _) = encoded(101, &[("connection", "upgrade"), ("upgrade", "websocket")], Some(0), MODERN);
        assert_eq!(text, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    }

    #[test]
    fn only_trailers_that_were_announced_and_may_be_follow() {
        let wishes = Terms { takes_trailers: true, ..MODERN };
        let (_, promise) = encoded(200, &[("trailer", "a, set-cookie"), ("trailer", "b")], None, wishes);
        let fields = [("a", "1"), ("b", "2"), ("c", "3"), ("set-cookie", "d=4")];
        let fields = fields.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut out = Vec::new();
        trailers(&mut out, &fields.into_iter().collect(), &promise.trailers);
        assert_eq!(String::from_utf8(out).unwrap(), "0\r\na: 1\r\nb: 2\r\n\r\n");
        assert!(encoded(200, &[("trailer", "a")], None, MODERN).1.trailers.is_empty());
    }
}
