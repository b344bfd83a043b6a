//! A whole exchange: any head, any body, any split.

use cofferdam::{
    coding::Coding,
    exchange::{Replayed, replay},
    incident::Disposition,
    response::ResponseHead,
};
use http::{HeaderValue, header};

use super::replay::{BLIND, ENGINE, assert_same, assert_sound, head, pieces};

const STATUSES: [u16; 8] = [200, 201, 301, 404, 500, 503, 200, 400];

/// The types whose bodies are cut in ways of their own, and ordinary ones.
const TYPES: [&str; 16] = [
    "",
    "text/html",
    "text/html; charset=utf-8",
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "application/grpc",
    "text/plain; charset=utf-7",
    "text/html; charset=utf-16",
    "text/plain; charset=ebcdic",
    "application/octet-stream",
    "image/png",
    "application/javascript",
    "multipart/mixed; boundary=b",
    "text/css",
    "application/problem+json",
];

/// The first three bytes choose the head, the fourth the size of the pieces, the rest is the body.
///
/// The verdict does not depend on the delivery; a body that is called clean has not changed; nothing panics.
pub fn exchange(data: &[u8]) {
    let [status, media_type, fields, size, body @ ..] = data else { return };
    let head = || chosen_head(*status, *media_type, *fields);
    let whole = replay(&ENGINE, head(), pieces(body, body.len()));
    let other = replay(&ENGINE, head(), pieces(body, size_of_pieces(*size)));
    let blind = replay(&BLIND, head(), pieces(body, size_of_pieces(*size)));
    for replayed in [&whole, &other, &blind] {
        assert_sound(&replayed.outcome);
        let clean =
            replayed.outcome.disposition == Disposition::InspectedClean && !leaves_decoded(replayed, *fields, body);
        assert!(!clean || (replayed.complete && replayed.body == body), "a clean body has changed");
    }
    assert_same(&whole, &other);
}

/// Where the fields of gzip leak, called so or not, the body leaves without them: decoded.
fn leaves_decoded(replayed: &Replayed, fields: u8, body: &[u8]) -> bool {
    let is_coded = |head: &ResponseHead| head.headers.contains_key(header::CONTENT_ENCODING);
    let was_coded = coding(fields).is_some() || body.starts_with(&[0x1f, 0x8b]);
    was_coded && !replayed.head.as_ref().is_some_and(is_coded)
}

fn coding(fields: u8) -> Option<Coding> {
    const CODINGS: [Option<Coding>; 5] =
        [None, Some(Coding::Gzip), Some(Coding::Deflate), Some(Coding::Brotli), Some(Coding::Zstd)];
    CODINGS[usize::from(fields & 7) % CODINGS.len()]
}

fn chosen_head(status: u8, media_type: u8, fields: u8) -> ResponseHead {
    let mut head = head(STATUSES[usize::from(status) % STATUSES.len()], TYPES[usize::from(media_type) % TYPES.len()]);
    if let Some(coding) = coding(fields) {
        head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.token()));
    }
    // What has been promised severs where else a mask would do.
    if fields & 8 != 0 {
        head.headers.insert(header::ETAG, HeaderValue::from_static("\"1\""));
    }
    head
}

/// From single bytes to pieces beyond a block.
fn size_of_pieces(choice: u8) -> usize {
    match choice {
        0..=63 => usize::from(choice) + 1,
        _ => usize::from(choice) * 300,
    }
}
