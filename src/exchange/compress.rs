//! Compression towards the client, for those who ask for it: of bodies that were held whole, came uncoded and are
//! text. Streams leave as they are; so does everything the application coded itself.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use super::{Released, media};
use crate::coding::{self, Coding, Encoder};

/// Smaller bodies fit into a packet as they are.
const LEAST: usize = 1024;

/// In the order in which they are taken where the client likes several as much.
const OFFERED: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

/// Codes a whole `body` as `accept_encoding` asks, and tells so in its `head`. Gives the body back as it is where
/// that is not worth it or not allowed (`no-transform`, RFC 9111 section 5.2.2.6).
pub(super) fn compress(head: &mut HeaderMap, body: Released, accept_encoding: Option<&HeaderValue>) -> Released {
    let length: usize = body.iter().map(Bytes::len).sum();
    if length < LEAST || head.contains_key(header::CONTENT_ENCODING) || !media::is_text(head) || is_fixed(head) {
        return body;
    }
    head.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let wanted = accept_encoding.and_then(|value| coding::accept(std::iter::once(value.as_bytes()), &OFFERED));
    let Some(coded) = wanted.and_then(|coding| Some((coding, encode(coding, &body, length)?))) else { return body };
    let (coding, bytes) = coded;
    head.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.token()));
    head.remove(header::CONTENT_LENGTH);
    weaken_validator(head);
    vec![bytes]
}

fn is_fixed(head: &HeaderMap) -> bool {
    let control = head.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    control.flat_map(|value| value.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"))
}

fn encode(coding: Coding, body: &Released, length: usize) -> Option<Bytes> {
    let mut encoder = Encoder::new(coding).ok()?;
    let mut out = Vec::with_capacity(length / 3);
    body.iter().try_for_each(|piece| encoder.push(piece, &mut out)).ok()?;
    encoder.finish(&mut out).ok()?;
    (out.len() < length).then(|| Bytes::from(out))
}

/// The coded body is another representation: what identifies the bytes no longer does (RFC 9110 section 8.8.1).
fn weaken_validator(head: &mut HeaderMap) {
    let strong = head.get(header::ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    let weak = strong.and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        head.insert(header::ETAG, weak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(
        accept: Option<&'static str>,
        fields: &[(&'static str, &'static str)],
        length: usize,
    ) -> (HeaderMap, Vec<u8>) {
        let mut head: HeaderMap = fields
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let body = vec![Bytes::from(vec![b'a'; length])];
        let accept = accept.map(HeaderValue::from_static);
        let body = compress(&mut head, body, accept.as_ref());
        (head, body.concat())
    }

    #[test]
    fn who_asks_gets_the_coding_and_the_truth_about_it() {
        let fields = [("content-type", "text/html"), ("etag", "\"1\""), ("content-length", "5000")];
        for (accept, token) in [("gzip", "gzip"), ("br;q=1, gzip;q=0.5", "br"), ("gzip, deflate, br, zstd", "zstd")] {
            let (head, body) = answer(Some(accept), &fields, 5000);
            assert_eq!(head[header::CONTENT_ENCODING], token);
            assert_eq!(
                (&head[header::ETAG], &head[header::VARY]),
                (&"W/\"1\"".parse().unwrap(), &"Accept-Encoding".parse().unwrap())
            );
            assert!(!head.contains_key(header::CONTENT_LENGTH) && body.len() < 200);
        }
    }

    #[test]
    fn everyone_else_gets_the_body_as_it_is() {
        let html = ("content-type", "text/html");
        for (accept, fields, length) in [
            (None, vec![html], 5000),
            (Some("identity"), vec![html], 5000),
            (Some("gzip"), vec![html], 100),
            (Some("gzip"), vec![("content-type", "image/png")], 5000),
            (Some("gzip"), vec![html, ("content-encoding", "br")], 5000),
            (Some("gzip"), vec![html, ("cache-control", "public, no-transform")], 5000),
        ] {
            let (_, body) = answer(accept, &fields, length);
            assert_eq!(body, vec![b'a'; length], "{fields:?}");
        }
    }
}
