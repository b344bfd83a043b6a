//! The head of a request as it is sent, with a framing that is ours (RFC 9112 sections 3, 5 and 6).

use http::{HeaderMap, header, request};
use http_body::Body;

use crate::upstream::RequestBody;

/// How the body of a request is told from what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// There is none.
    Empty,
    /// So many bytes are still to come.
    Length(u64),
    Chunked,
}

impl Coding {
    pub(super) fn of(body: &RequestBody) -> Self {
        match body.size_hint().exact() {
            _ if body.is_empty() => Self::Empty,
            Some(length) => Self::Length(length),
            None => Self::Chunked,
        }
    }
}

/// Appends the head.
pub(super) fn head(out: &mut Vec<u8>, parts: &request::Parts, coding: Coding) {
    out.reserve(parts.headers.len() * 64 + 256);
    out.extend_from_slice(parts.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(parts.uri.path_and_query().map_or("/", |target| target.as_str()).as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    fields(out, &parts.headers);
    match coding {
        // Whoever said a length is told that of what there is.
        Coding::Empty if parts.headers.contains_key(header::CONTENT_LENGTH) => {
            out.extend_from_slice(b"content-length: 0\r\n");
        }
        Coding::Empty => {}
        Coding::Length(length) => out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes()),
        Coding::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    out.extend_from_slice(b"\r\n");
}

/// The fields, but for those that frame a body: these follow from the body itself.
fn fields(out: &mut Vec<u8>, fields: &HeaderMap) {
    for (name, value) in fields {
        if *name != header::TRANSFER_ENCODING && *name != header::CONTENT_LENGTH {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Appends a chunk. An empty one would end the body.
pub(super) fn chunk(out: &mut Vec<u8>, data: &[u8]) {
    if !data.is_empty() {
        out.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends the end of a body in chunks. Trailers of requests are not passed on (RFC 9110 section 6.5.1).
pub(super) fn last_chunk(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn encoded(coding: Coding) -> String {
        let request = Request::post("/a?b=c")
            .header("host", "example.org")
            .header("transfer-encoding", "gzip")
            .header("content-length", "7")
            .body(())
            .unwrap();
        let mut out = Vec::new();
        head(&mut out, &request.into_parts().0, coding);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_body_is_framed_by_what_it_is_and_not_by_what_the_fields_say() {
        let begin = "POST /a?b=c HTTP/1.1\r\nhost: example.org\r\n";
        assert_eq!(encoded(Coding::Empty), format!("{begin}content-length: 0\r\n\r\n"));
        assert_eq!(encoded(Coding::Length(5)), format!("{begin}content-length: 5\r\n\r\n"));
        assert_eq!(encoded(Coding::Chunked), format!("{begin}transfer-encoding: chunked\r\n\r\n"));
    }

    #[test]
    fn an_empty_piece_does_not_end_a_body_in_chunks() {
        let mut out = Vec::new();
        chunk(&mut out, b"");
        chunk(&mut out, b"0123456789abcdef");
        last_chunk(&mut out);
        assert_eq!(out, b"10\r\n0123456789abcdef\r\n0\r\n\r\n");
    }
}
