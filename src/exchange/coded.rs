//! The coded bytes of a body, kept until what they decode to has been judged: a clean coded body leaves as it came.

use std::collections::VecDeque;

use bytes::Bytes;

use super::Released;

/// Coded pieces in order, with the offset in the decoded body that each leads up to. A client that has a piece and
/// all before it can decode no further than that offset.
#[derive(Debug, Default)]
pub(super) struct Coded {
    pieces: VecDeque<(Bytes, u64)>,
    held: usize,
}

impl Coded {
    /// Keeps a piece that is about to be decoded: until [`Coded::decoded`] nobody knows how far it leads.
    pub(super) fn keep(&mut self, piece: Bytes) {
        self.held += piece.len();
        self.pieces.push_back((piece, u64::MAX));
    }

    /// The last piece leads up to this offset.
    pub(super) fn decoded(&mut self, offset: u64) {
        if let Some((_, end)) = self.pieces.back_mut() {
            *end = offset;
        }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// All pieces as one.
    pub(super) fn joined(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|(piece, _)| piece.iter().copied()).collect()
    }

    /// Lets out the pieces that lead no further than `decoded`; all of them for `u64::MAX`.
    pub(super) fn release(&mut self, decoded: u64, out: &mut Released) {
        while self.pieces.front().is_some_and(|(_, end)| *end <= decoded) {
            if let Some((piece, _)) = self.pieces.pop_front() {
                self.held -= piece.len();
                out.push(piece);
            }
        }
    }

    /// Forgets everything: the body goes on decoded.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
