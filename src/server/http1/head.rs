//! The head of a request (RFC 9112 sections 3, 5 and 6). `httparse` reads it: folded lines, spaces before a colon and
//! control characters are refused; a bare LF ends a line, as section 2.2 allows.

use std::mem::MaybeUninit;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, TE, TRANSFER_ENCODING},
    request,
};

use crate::http1::{Chunked, Fields, SpareHeads, has_token};

/// Up to so many fields are found on the stack.
const FIELDS_ON_STACK: usize = 100;

/// The longest target that can be read at all.
const MAX_TARGET: usize = u16::MAX as usize - 1;

/// A complete head, and how many bytes it was.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) head: Head,
    pub(super) length: usize,
}

/// What a head says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) parts: request::Parts,
    pub(super) body: Framing,
    /// Whether the client will send another request (RFC 9112 section 9.3).
    pub(super) keeps_alive: bool,
    /// Whether the client waits to be told to send the body.
    pub(super) expects_continue: bool,
    /// Whether the client takes trailers.
    pub(super) takes_trailers: bool,
}

/// Where the body of a request ends, or how much of it is left.
#[derive(Debug)]
pub(super) enum Framing {
    Length(u64),
    Chunked(Chunked),
}

/// What came is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadFault {
    /// It is answered with this.
    Status(StatusCode),
    /// Its client speaks HTTP/2, and no answer of ours.
    Http2,
}

impl HeadFault {
    const MALFORMED: Self = Self::Status(StatusCode::BAD_REQUEST);
    pub(super) const TOO_LARGE: Self = Self::Status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

/// Reads the head at the beginning of `bytes`, of at most `max_fields` fields; nothing if it is not complete.
pub(super) fn parse(bytes: &[u8], max_fields: usize, spare: &SpareHeads) -> Result<Option<Parsed>, HeadFault> {
    if max_fields <= FIELDS_ON_STACK {
        return parse_with(bytes, &mut [const { MaybeUninit::uninit() }; FIELDS_ON_STACK], spare);
    }
    let mut room = Vec::new();
    room.resize_with(max_fields, MaybeUninit::uninit);
    parse_with(bytes, &mut room, spare)
}

fn parse_with<'a>(
    bytes: &'a [u8],
    room: &mut [MaybeUninit<httparse::Header<'a>>],
    spare: &SpareHeads,
) -> Result<Option<Parsed>, HeadFault> {
    let mut parsed = httparse::Request::new(&mut []);
    let config = httparse::ParserConfig::default();
    match config.parse_request_with_uninit_headers(&mut parsed, bytes, room) {
        Ok(httparse::Status::Complete(length)) => {
            let head = Head::of(&parsed, bytes.get(..length).unwrap_or_default(), spare)?;
            Ok(Some(Parsed { head, length }))
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) if bytes.starts_with(b"PRI * HTTP/2") => Err(HeadFault::Http2),
        Err(httparse::Error::TooManyHeaders) => Err(HeadFault::TOO_LARGE),
        Err(_) => Err(HeadFault::MALFORMED),
    }
}

impl Head {
    fn of(parsed: &httparse::Request<'_, '_>, bytes: &[u8], spare: &SpareHeads) -> Result<Self, HeadFault> {
        let target = parsed.path.unwrap_or_default();
        if target.len() > MAX_TARGET {
            return Err(HeadFault::Status(StatusCode::URI_TOO_LONG));
        }
        let fields = Fields::of(bytes, parsed.headers, spare);
        let mut parts = Request::new(()).into_parts().0;
        parts.method = Method::from_bytes(parsed.method.unwrap_or_default().as_bytes()).map_err(malformed)?;
        parts.uri = Uri::from_maybe_shared(fields.share(target.as_bytes())).map_err(malformed)?;
        parts.version = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
        let mut reading = Reading::new(parts.version, spare.take());
        reading.fields.reserve(fields.len() + ADDED_FIELDS);
        for field in fields {
            let (name, value) = field.ok_or(HeadFault::MALFORMED)?;
            reading.take(name, value)?;
        }
        reading.finish(parts)
    }
}

fn malformed<E>(_: E) -> HeadFault {
    HeadFault::MALFORMED
}

/// The fields as they are read, and what those say that are about the connection.
struct Reading {
    fields: HeaderMap,
    is_modern: bool,
    length: Option<u64>,
    says_length: bool,
    /// The last transfer coding, if any, is `chunked`.
    coded: Option<bool>,
    says_close: bool,
    says_keep_alive: bool,
    expects_continue: bool,
    takes_trailers: bool,
}

impl Reading {
    fn new(version: Version, fields: HeaderMap) -> Self {
        Self {
            fields,
            is_modern: version == Version::HTTP_11,
            length: None,
            says_length: false,
            coded: None,
            says_close: false,
            says_keep_alive: false,
            expects_continue: false,
            takes_trailers: false,
        }
    }

    fn take(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), HeadFault> {
        match name {
            TRANSFER_ENCODING => self.transfer_coding(&value)?,
            CONTENT_LENGTH if !self.is_another_length(&value)? => return Ok(()),
            CONNECTION => {
                self.says_close |= has_token(&value, "close");
                self.says_keep_alive |= has_token(&value, "keep-alive");
            }
            EXPECT => self.expects_continue = value.as_bytes().eq_ignore_ascii_case(b"100-continue"),
            TE => self.takes_trailers |= has_token(&value, "trailers"),
            _ => {}
        }
        self.fields.append(name, value);
        Ok(())
    }

    /// A coding says where the body ends, whatever `Content-Length` says (RFC 9112 section 6.3). HTTP/1.0 knows none.
    fn transfer_coding(&mut self, value: &HeaderValue) -> Result<(), HeadFault> {
        if !self.is_modern {
            return Err(HeadFault::MALFORMED);
        }
        if self.length.take().is_some() {
            self.fields.remove(CONTENT_LENGTH);
        }
        let last = value.as_bytes().rsplit(|&byte| byte == b',').next().unwrap_or_default();
        self.coded = Some(last.trim_ascii().eq_ignore_ascii_case(b"chunked"));
        Ok(())
    }

    /// Whether the length counts and has not been said before. Saying it twice is once too often if it differs.
    fn is_another_length(&mut self, value: &HeaderValue) -> Result<bool, HeadFault> {
        self.says_length = true;
        if self.coded.is_some() {
            return Ok(false);
        }
        let digits = value.as_bytes();
        let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let length = value.to_str().ok().filter(|_| plain).and_then(|digits| digits.parse().ok());
        let length = length.ok_or(HeadFault::MALFORMED)?;
        match self.length.replace(length) {
            Some(before) if before != length => Err(HeadFault::MALFORMED),
            before => Ok(before.is_none()),
        }
    }

    fn finish(self, mut parts: request::Parts) -> Result<Head, HeadFault> {
        let body = match self.coded {
            Some(false) => return Err(HeadFault::MALFORMED),
            Some(true) => Framing::Chunked(Chunked::default()),
            None => Framing::Length(self.length.unwrap_or(0)),
        };
        // Others may find the end of a request that says it twice elsewhere, so nothing is read behind it.
        let is_plain = !(self.says_length && self.coded.is_some());
        parts.headers = self.fields;
        Ok(Head {
            parts,
            body,
            keeps_alive: is_plain && !self.says_close && (self.is_modern || self.says_keep_alive),
            expects_continue: self.expects_continue && self.is_modern,
            takes_trailers: self.takes_trailers,
        })
    }
}

/// Room for what forwarding adds.
const ADDED_FIELDS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], max_fields: usize) -> Result<Option<Parsed>, HeadFault> {
        parse(bytes, max_fields, &SpareHeads::default())
    }

    fn head(text: &str) -> Result<Head, HeadFault> {
        read(text.as_bytes(), 100).map(|parsed| parsed.unwrap().head)
    }

    #[test]
    fn a_head_is_read_as_it_stands() {
        let text = "GET /a?b#c HTTP/1.1\r\nHost: a\r\nA: 1\r\nb:\r\nA:  two \r\n\r\nbody";
        let Parsed { head, length } = read(text.as_bytes(), 100).unwrap().unwrap();
        assert_eq!(&text[length..], "body");
        assert_eq!((head.parts.method.as_str(), head.parts.uri.to_string().as_str()), ("GET", "/a?b"));
        let values: Vec<_> = head.parts.headers.get_all("a").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(values, [b"1".as_slice(), b"two"]);
        assert_eq!(head.parts.headers["b"], "");
    }

    #[test]
    fn every_beginning_of_a_head_is_incomplete() {
        let text = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
        for length in 0..text.len() {
            assert!(matches!(read(&text[..length], 100), Ok(None)), "{length}");
        }
    }

    #[test]
    fn more_fields_than_are_allowed_are_too_large() {
        for (count, most, fits) in [(100, 100, true), (101, 100, false), (101, 200, true), (201, 200, false)] {
            let text = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(count));
            assert_eq!(read(text.as_bytes(), most).err(), (!fits).then_some(HeadFault::TOO_LARGE), "{count} of {most}");
        }
    }

    #[test]
    fn a_connection_is_kept_as_its_version_has_it() {
        for (text, kept) in [
            ("GET / HTTP/1.1\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", false),
            ("GET / HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nConnection: a, Keep-Alive\r\n\r\n", true),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", false),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", false),
        ] {
            assert_eq!(head(text).unwrap().keeps_alive, kept, "{text:?}");
        }
    }

    #[test]
    fn of_a_coding_and_a_length_the_coding_counts() {
        for text in [
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        ] {
            let head = head(text).unwrap();
            assert!(matches!(head.body, Framing::Chunked(_)));
            assert!(!head.parts.headers.contains_key(CONTENT_LENGTH));
        }
        for text in [
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: \r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert_eq!(head(text).unwrap_err(), HeadFault::MALFORMED, "{text:?}");
        }
        assert!(matches!(
            head("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n").unwrap().body,
            Framing::Length(3)
        ));
    }

    #[test]
    fn what_is_not_http_1_is_answered_so_or_not_at_all() {
        assert_eq!(read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 100).unwrap_err(), HeadFault::Http2);
        for text in
            [&b"\x16\x03\x01\x02"[..], b"GARBAGE\r\n\r\n", b"GET / HTTP/1.2\r\n\r\n", b"GET  / HTTP/1.1\r\n\r\n"]
        {
            assert_eq!(read(text, 100).unwrap_err(), HeadFault::MALFORMED, "{text:?}");
        }
    }
}
