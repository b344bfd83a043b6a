//! The head of a request as it is sent, with a framing that is ours (RFC 9112 sections 3, 5 and 6).

use http::{HeaderMap, header, request};
use http_body::Body;

use crate::{http1::push_field, upstream::RequestBody};

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
            push_field(out, name, value.as_bytes());
        }
    }
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
}
