//! The coded bytes of a body, kept until what they decode to has been judged: a clean coded body leaves as it came.

use std::collections::VecDeque;

use bytes::Bytes;

use super::Released;

/// Distance of the places up to which the coded bytes of a body leave that is no stream of events. Fixed, so that how
/// much of it has left when it is severed does not depend on the pieces in which it came.
const GRAIN: u64 = 4096;

/// Coded pieces in order, and how far they lead.
#[derive(Debug, Default)]
pub(super) struct Coded {
    pieces: VecDeque<Bytes>,
    held: usize,
    /// Bytes that were released.
    released: u64,
    /// Bytes that were decoded. `released <= decoded <= released + held`.
    decoded: u64,
    /// Ascending pairs of a place in the coded body and the offset in the decoded body it leads up to: a client that
    /// has the bytes before that place can decode no further.
    marks: VecDeque<(u64, u64)>,
}

impl Coded {
    /// How many of the bytes that come next are to be decoded before the next mark. Where bytes leave as soon as they
    /// are `due`, one: whatever may leave of a piece leaves, so that the piece does not matter.
    pub(super) fn until_mark(&self, due: bool) -> usize {
        if due { 1 } else { (GRAIN - self.decoded % GRAIN) as usize }
    }

    /// Keeps a piece that is about to be decoded: until [`Coded::decoded`] nobody knows how far it leads.
    pub(super) fn keep(&mut self, piece: Bytes) {
        self.held += piece.len();
        self.pieces.push_back(piece);
    }

    /// `count` bytes more were decoded, and all that were lead up to this offset. Only the places of marks count, unless
    /// bytes leave as soon as they are due: then those behind the offset `due`, up to which everything was judged, are
    /// of one event and leave together. Before there is content nothing leaves: the body may turn out not to be coded at
    /// all.
    pub(super) fn decoded(&mut self, count: usize, offset: u64, due: Option<u64>) {
        self.decoded += count as u64;
        debug_assert!(self.decoded <= self.received());
        if offset == 0 || due.is_none() && !self.decoded.is_multiple_of(GRAIN) {
            return;
        }
        let is_one = |end: u64| end == offset || due.is_some_and(|judged| end > judged);
        match self.marks.back_mut() {
            Some(mark) if is_one(mark.1) => *mark = (self.decoded, offset),
            _ => self.marks.push_back((self.decoded, offset)),
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
                let piece = rest.split_to(size.min(rest.len()));
                let mut left = piece.len();
                coded.keep(piece);
                while left > 0 {
                    let count = left.min(coded.until_mark(false));
                    coded.decoded(count, (coded.decoded + count as u64) * 3, None);
                    left -= count;
                }
            }
            coded.release(4096 * 3 - 1, &mut out);
            assert!(out.is_empty());
            coded.release(8192 * 3 + 700, &mut out);
            assert_eq!((out.concat().len(), coded.held), (8192, 808));
            coded.release(u64::MAX, &mut out);
            assert_eq!((out.concat().len(), coded.held), (9000, 0));
        }
    }

    #[test]
    fn what_is_due_leaves_byte_by_byte() {
        let (mut coded, mut out) = (Coded::default(), Released::new());
        coded.keep(Bytes::from_static(b"abcdef"));
        for (offset, judged) in [(0, 0), (4, 0), (10, 10), (10, 10), (20, 10), (30, 10)] {
            coded.decoded(coded.until_mark(true), offset, Some(judged));
        }
        coded.release(29, &mut out);
        assert_eq!((out.concat().as_slice(), coded.held), (&b"abcd"[..], 2));
        coded.release(30, &mut out);
        assert_eq!((out.concat().as_slice(), coded.held), (&b"abcdef"[..], 0));
    }
}
