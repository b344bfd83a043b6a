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
    fields(out, &parts.headers, coding);
    match coding {
        Coding::Empty => {}
        Coding::Length(length) => out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes()),
        Coding::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    out.extend_from_slice(b"\r\n");
}

/// The fields, but for those that frame a body: these follow from the body itself.
fn fields(out: &mut Vec<u8>, fields: &HeaderMap, coding: Coding) {
    for (name, value) in fields {
        let frames = *name == header::TRANSFER_ENCODING || (*name == header::CONTENT_LENGTH && coding != Coding::Empty);
        if !frames {
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
