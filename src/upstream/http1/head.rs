//! The head of a response (RFC 9112 sections 4 and 5). `httparse` reads it: folded lines, spaces before a colon and
//! control characters are refused; a bare LF ends a line, as section 2.2 allows and simple CGI programs have it.

use std::mem::MaybeUninit;

use http::{HeaderMap, Response, StatusCode, Version, header, response};

use crate::{
    http1::{Fields, SpareHeads, has_token},
    response::ReasonPhrase,
};

/// The most fields of a head, interim ones included.
pub(super) const MAX_FIELDS: usize = 100;

/// A complete head, and how many bytes it was.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) head: response::Parts,
    pub(super) length: usize,
}

/// Reads the head at the beginning of `bytes`. `None` if that is none, `Some(None)` if it is not complete.
pub(super) fn parse(bytes: &[u8], spare: &SpareHeads) -> Option<Option<Parsed>> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let httparse::Status::Complete(length) =
        config.parse_response_with_uninit_headers(&mut parsed, bytes, &mut fields).ok()?
    else {
        return Some(None);
    };
    let mut head = Response::new(()).into_parts().0;
    head.status = StatusCode::from_u16(parsed.code?).ok()?;
    head.version = if parsed.version? == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    head.headers = Fields::of(bytes.get(..length)?, parsed.headers, spare).into_map(spare.take())?;
    if let Some(reason) = parsed.reason.and_then(|phrase| ReasonPhrase::own(phrase, head.status)) {
        head.extensions.insert(reason);
    }
    Some(Some(Parsed { head, length }))
}

/// Whether the application will take another request on the connection (RFC 9112 section 9.3).
pub(super) fn is_kept_alive(head: &response::Parts) -> bool {
    let says = |option| head.headers.get_all(header::CONNECTION).iter().any(|value| has_token(value, option));
    head.status != StatusCode::SWITCHING_PROTOCOLS
        && !says("close")
        && (head.version == Version::HTTP_11 || says("keep-alive"))
}

/// Whether a request may sign in the connection it comes on, and not only itself (RFC 4559 section 5; NTLM): whatever
/// followed on that connection would count as the same user's.
pub(super) fn signs_in_connection(request: &HeaderMap) -> bool {
    let credentials = request.get_all(header::AUTHORIZATION).iter();
    let mut schemes = credentials.filter_map(|value| value.as_bytes().split(u8::is_ascii_whitespace).next());
    schemes.any(|scheme| [&b"Negotiate"[..], b"NTLM"].iter().any(|bound| scheme.eq_ignore_ascii_case(bound)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(bytes: &[u8]) -> Option<Option<Parsed>> {
        parse(bytes, &SpareHeads::default())
    }

    fn head(text: &str) -> response::Parts {
        read(text.as_bytes()).unwrap().unwrap().head
    }

    #[test]
    fn a_head_is_read_as_it_stands() {
        let text = "HTTP/1.1 404 Not At All\r\nA: 1\r\nb:\r\nA:  two \r\n\r\nbody";
        let Parsed { head, length } = read(text.as_bytes()).unwrap().unwrap();
        assert_eq!(&text[length..], "body");
        assert_eq!((head.status.as_u16(), head.version), (404, Version::HTTP_11));
        assert_eq!(head.extensions.get::<ReasonPhrase>().unwrap().as_bytes(), b"Not At All");
        let values: Vec<_> = head.headers.get_all("a").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(values, [b"1".as_slice(), b"two"]);
        assert_eq!(head.headers["b"], "");
    }

    #[test]
    fn every_beginning_of_a_head_is_incomplete() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: y\r\n\r\n";
        for length in 0..text.len() {
            assert!(matches!(read(&text[..length]), Some(None)), "{length}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_no_head() {
        for text in [
            "HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA : 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: a\rb\r\n\r\n",
            "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
            "HTTP/1.1 99 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "ICY 200 OK\r\n\r\n",
        ] {
            assert!(read(text.as_bytes()).is_none(), "{text:?}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: 1\r\n".repeat(MAX_FIELDS + 1));
        assert!(read(many.as_bytes()).is_none());
    }

    #[test]
    fn a_sign_in_of_a_connection_is_told_from_that_of_a_request() {
        for (credentials, bound) in [
            ("Negotiate YII", true),
            ("ntlm TlRMTVNTUAAB", true),
            ("NTLM", true),
            ("Basic bnRsbTpudGxt", false),
            ("Bearer NTLM", false),
            ("", false),
        ] {
            let request = [(header::AUTHORIZATION, HeaderValue::from_static(credentials))].into_iter().collect();
            assert_eq!(signs_in_connection(&request), bound, "{credentials}");
        }
        assert!(!signs_in_connection(&HeaderMap::new()));
    }

    #[test]
    fn a_connection_is_kept_as_its_version_has_it() {
        for (text, kept) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nConnection: a, close\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nConnection: a\r\nConnection: close\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", true),
            ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n\r\n", false),
        ] {
            assert_eq!(is_kept_alive(&head(text)), kept, "{text:?}");
        }
    }
}
