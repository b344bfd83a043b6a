//! The coded bytes of a body, kept until what they decode to has been judged: a clean coded body leaves as it came.

use std::collections::VecDeque;

use bytes::Bytes;

use super::Released;

/// Distance of the places up to which coded bytes leave. Fixed, so that how much of a body has left when it is severed
/// does not depend on the pieces in which it came.
const GRAIN: u64 = 4096;

/// Coded pieces in order, and how far they lead.
#[derive(Debug, Default)]
pub(super) struct Coded {
    pieces: VecDeque<Bytes>,
    held: usize,
    /// Bytes that were released.
    released: u64,
    /// Ascending pairs of a place in the coded body and the offset in the decoded body it leads up to: a client that
    /// has the bytes before that place can decode no further.
    marks: VecDeque<(u64, u64)>,
}

impl Coded {
    /// How many of the bytes that come next are to be decoded before the next mark.
    pub(super) fn until_mark(&self) -> usize {
        (GRAIN - self.received() % GRAIN) as usize
    }

    /// Keeps a piece that is about to be decoded: until [`Coded::decoded`] nobody knows how far it leads.
    pub(super) fn keep(&mut self, piece: Bytes) {
        self.held += piece.len();
        self.pieces.push_back(piece);
    }

    /// Everything kept leads up to this offset. Only the places of marks count, unless bytes leave as soon as they are
    /// `due`. Before there is content nothing leaves: the body may turn out not to be coded at all.
    pub(super) fn decoded(&mut self, offset: u64, due: bool) {
        let received = self.received();
        if offset > 0 && (due || received.is_multiple_of(GRAIN)) {
            self.marks.push_back((received, offset));
        }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// All pieces as one.
    pub(super) fn joined(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|piece| piece.iter().copied()).collect()
    }

    /// Whether some of it leads no further than `decoded`.
    pub(super) fn leads_to(&self, decoded: u64) -> bool {
        self.marks.front().is_some_and(|(_, end)| *end <= decoded)
    }

    /// Lets out what leads no further than `decoded`; all of it for `u64::MAX`.
    pub(super) fn release(&mut self, decoded: u64, out: &mut Released) {
        let mut place = if decoded == u64::MAX { self.received() } else { self.released };
        while let Some(&(mark, end)) = self.marks.front()
            && end <= decoded
        {
            place = place.max(mark);
            self.marks.pop_front();
        }
        while self.released < place
            && let Some(mut piece) = self.pieces.pop_front()
        {
            let leaving = piece.split_to(piece.len().min((place - self.released) as usize));
            if !piece.is_empty() {
                self.pieces.push_front(piece);
            }
            self.held -= leaving.len();
            self.released += leaving.len() as u64;
            out.push(leaving);
        }
    }

    /// Forgets everything: the body goes on decoded.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn received(&self) -> u64 {
        self.released + self.held as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_depends_on_the_content_alone() {
        for size in [1, 1000, 4096, 5000, 100_000] {
            let (mut coded, mut out) = (Coded::default(), Released::new());
            let mut rest = Bytes::from_static(&[7; 9000]);
            while !rest.is_empty() {
                let piece = rest.split_to(size.min(coded.until_mark()).min(rest.len()));
                coded.keep(piece);
                coded.decoded(coded.received() * 3, false);
            }
            coded.release(4096 * 3 - 1, &mut out);
            assert!(out.is_empty());
            coded.release(8192 * 3 + 700, &mut out);
            assert_eq!((out.concat().len(), coded.held()), (8192, 808));
            coded.release(u64::MAX, &mut out);
            assert_eq!((out.concat().len(), coded.held()), (9000, 0));
        }
    }

    #[test]
    fn what_is_due_leaves_piece_by_piece() {
        let (mut coded, mut out) = (Coded::default(), Released::new());
        for offset in [10, 20] {
            coded.keep(Bytes::from_static(b"abc"));
            coded.decoded(offset, true);
        }
        coded.release(19, &mut out);
        assert_eq!(out.concat(), b"abc");
    }
}
