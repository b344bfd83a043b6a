//! What HTTP/1.1 is to clients and to the application alike (RFC 9112): fields, and bodies of a known length or in
//! chunks. Bytes in, parts of messages out; nothing here reads or writes.

mod chunked;
mod fields;

pub(crate) use self::{
    chunked::{Chunked, chunk, chunk_size, last_chunk},
    fields::{Fields, SpareHeads, has_token, push_field},
};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

/// The body breaks the rules of its framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Never empty.
    Data(Bytes),
    /// The last.
    Trailers(HeaderMap),
}

/// Takes `length` bytes. A few out of a large buffer are copied: whoever holds them would hold all of it.
pub(crate) fn take(input: &mut BytesMut, length: usize) -> Bytes {
    if input.capacity() / 2 < length {
        return input.split_to(length).freeze();
    }
    let copy = Bytes::copy_from_slice(input.get(..length).unwrap_or_default());
    input.advance(length);
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bytes_do_not_hold_a_large_buffer() {
        let mut input = BytesMut::with_capacity(64 * 1024);
        input.extend_from_slice(b"hello");
        let held = take(&mut input, 5);
        assert_eq!(held, "hello");
        assert!(input.try_reclaim(64 * 1024 - 5), "nobody else holds it");
    }
}
