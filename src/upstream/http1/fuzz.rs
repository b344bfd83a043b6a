//! An answer of any bytes, read in any pieces: what the fuzz target and the tests hold the codec to.

use bytes::{Buf, BytesMut};

use super::{
    content::Framing,
    head::{self, Parsed},
};
use crate::http1::{Malformed, Piece, SpareHeads};

/// Reads arbitrary bytes as an answer, whole and in pieces, and checks what holds for any input: no panic, no byte read
/// that did not come, and the same answer or refusal whichever way it came.
///
/// The first byte chooses the size of the pieces and whether the request was `HEAD`, the rest is the answer.
#[doc(hidden)]
pub fn fuzz_answer(data: &[u8]) {
    let [choice, answer @ ..] = data else { return };
    let to_head = choice & 1 == 1;
    let whole = read([answer], to_head);
    let pieces = read(answer.chunks(usize::from(choice >> 1) + 1), to_head);
    assert_eq!(pieces, whole, "the answer depends on the delivery");
    if let Read::Whole { body, surplus, .. } = &whole {
        assert!(body.len() + surplus <= answer.len(), "more was read than came");
    }
}

/// What was read of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    Whole {
        status: u16,
        body: Vec<u8>,
        trailers: usize,
        /// Bytes behind it.
        surplus: usize,
    },
    Unfinished {
        body: Vec<u8>,
    },
    NoHead,
    Malformed,
}

/// Reads an answer that comes in these pieces.
pub(super) fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, to_head: bool) -> Read {
    let mut input = BytesMut::new();
    let mut begun: Option<(u16, Framing)> = None;
    let (mut body, mut trailers) = (Vec::new(), 0);
    for piece in pieces {
        input.extend_from_slice(piece);
        if begun.is_none() {
            match head::parse(&input, &SpareHeads::default()) {
                None => return Read::Malformed,
                Some(None) => continue,
                Some(Some(Parsed { head, length })) => {
                    input.advance(length);
                    let Some(framing) = Framing::of(&head, to_head) else { return Read::Malformed };
                    begun = Some((head.status.as_u16(), framing));
                }
            }
        }
        while let Some((_, framing)) = &mut begun {
            match framing.decode(&mut input) {
                Err(Malformed) => return Read::Malformed,
                Ok(None) => break,
                Ok(Some(Piece::Data(data))) => body.extend_from_slice(&data),
                Ok(Some(Piece::Trailers(fields))) => trailers += fields.len(),
            }
        }
    }
    match begun {
        None => Read::NoHead,
        Some((status, framing)) if framing.is_end() => Read::Whole { status, body, trailers, surplus: input.len() },
        Some(_) => Read::Unfinished { body },
    }
}
