//! The window over a decoded body: what was received, what was judged, what may leave.
//!
//! Invariant: released ≤ judged ≤ received, as offsets in the decoded body.

use std::{collections::VecDeque, ops::Range};

use bytes::{Bytes, BytesMut};

use super::Released;
use crate::scan::{Block, MARGIN};

/// A stretch of the body that gives way to a token.
#[derive(Debug)]
struct Mask {
    /// Offsets in the body; `u64::MAX` as end while the end is not known.
    range: Range<u64>,
    token: Bytes,
    written: bool,
}

/// Bytes between release and receipt. Holds at most a block, two margins and one piece of input.
#[derive(Debug, Default)]
pub(super) struct Window {
    buffer: Buffer,
    /// Offset in the body of the first byte of `buffer`: everything before has been released. The commit point.
    released: u64,
    /// Everything before this offset has been judged. `released <= judged <= released + buffer.len()`.
    judged: u64,
    /// Ascending by start, none overlapping the one before, all ending after `released`.
    masks: VecDeque<Mask>,
    /// Bytes for which the buffer makes room at once, 0 if nothing is known.
    expected: usize,
    /// The last of what was released, as it was received; at most [`MARGIN`]. None if nobody asked for it.
    recent: Option<Vec<u8>>,
    /// A block with what was released before it, reused.
    joined: Vec<u8>,
}

impl Window {
    /// So many bytes will be held at a time, if the body is as long as it says.
    pub(super) fn expect(&mut self, bytes: usize) {
        self.expected = bytes;
    }

    /// Blocks are given with the bytes before them, even where those have been released.
    pub(super) fn remember(&mut self) {
        self.recent.get_or_insert_default();
    }

    /// What of the expected bytes is not there yet.
    pub(super) fn room(&self) -> usize {
        self.expected.saturating_sub(self.held())
    }

    /// Takes the next bytes of the body.
    pub(super) fn receive(&mut self, bytes: Bytes) {
        self.buffer.append(bytes, self.expected);
        self.check();
    }

    /// Bytes received and not yet judged.
    pub(super) fn unjudged(&self) -> usize {
        (self.received() - self.judged) as usize
    }

    /// Bytes held, whether judged or not.
    pub(super) fn held(&self) -> usize {
        self.buffer.len()
    }

    /// How many of the unjudged bytes are the next block, if blocks are of this `size`; `None` while the margin behind
    /// it has not arrived and the body has not `ended`.
    pub(super) fn next_block(&self, size: usize, ended: bool) -> Option<usize> {
        let unjudged = self.unjudged();
        if !ended && unjudged < size + MARGIN {
            return None;
        }
        // A tail that fits into the margin is judged with its block, not by itself.
        let size = if ended && unjudged <= size + MARGIN { unjudged } else { size };
        (size > 0).then_some(size)
    }

    /// The next `size` unjudged bytes, the margin before them, and behind them up to `ahead` bytes.
    pub(super) fn block(&mut self, size: usize, ahead: usize) -> Block<'_> {
        let start = (self.judged - self.released) as usize;
        let to = (start + size + ahead).min(self.buffer.len());
        let recent = self.recent.as_deref().unwrap_or_default();
        let before = recent.len().min(MARGIN.saturating_sub(start));
        if before == 0 {
            let from = start.saturating_sub(MARGIN);
            let own = start - from..start - from + size;
            return Block { bytes: &self.buffer.as_slice()[from..to], own, offset: self.released + from as u64 };
        }
        self.joined.clear();
        self.joined.extend_from_slice(&recent[recent.len() - before..]);
        self.joined.extend_from_slice(&self.buffer.as_slice()[..to]);
        let own = before + start..before + start + size;
        Block { bytes: &self.joined, own, offset: self.released - before as u64 }
    }

    /// The next `size` unjudged bytes have been judged.
    pub(super) fn judge(&mut self, size: usize) {
        self.judged += size as u64;
        self.check();
    }

    /// The bytes of `range` (offsets in the body) give way to `token`.
    pub(super) fn mask(&mut self, range: Range<u64>, token: Bytes) {
        let start = range.start.max(self.released);
        if start >= range.end {
            return;
        }
        let behind = self.masks.partition_point(|mask| mask.range.start <= start);
        let joins_earlier = behind > 0 && self.masks[behind - 1].range.end >= start;
        let at = if joins_earlier { behind - 1 } else { behind };
        if joins_earlier {
            self.masks[at].range.end = self.masks[at].range.end.max(range.end);
        } else {
            self.masks.insert(at, Mask { range: start..range.end, token, written: false });
        }
        self.join_later(at);
        self.check();
    }

    /// The mask at `at` takes in those that begin before its end, or at it.
    fn join_later(&mut self, at: usize) {
        while self.masks.get(at + 1).is_some_and(|later| later.range.start <= self.masks[at].range.end) {
            if let Some(later) = self.masks.remove(at + 1) {
                self.masks[at].range.end = self.masks[at].range.end.max(later.range.end);
            }
        }
    }

    /// The mask without an end ends at `end`.
    pub(super) fn close_mask(&mut self, end: u64) {
        if let Some(mask) = self.masks.back_mut() {
            mask.range.end = end.max(mask.range.start);
        }
    }

    /// The bytes from `offset` on, and the offset of the first of them.
    pub(super) fn since(&self, offset: u64) -> (&[u8], u64) {
        let from = offset.max(self.released);
        (&self.buffer.as_slice()[(from - self.released) as usize..], from)
    }

    /// Lets out what was judged, up to the offset `limit`: a later block may still reach back to what is behind it.
    pub(super) fn release(&mut self, limit: u64, out: &mut Released) {
        let limit = limit.min(self.judged).max(self.released);
        let held = self.held();
        self.recall(limit);
        while self.released < limit {
            match self.masks.front_mut() {
                Some(mask) if mask.range.start <= self.released => {
                    if !mask.written {
                        out.push(mask.token.clone());
                        mask.written = true;
                    }
                    let end = mask.range.end.min(limit);
                    self.buffer.discard((end - self.released) as usize);
                    self.released = end;
                    if mask.range.end <= end {
                        self.masks.pop_front();
                    }
                }
                next => {
                    let end = next.map_or(limit, |mask| mask.range.start.min(limit));
                    out.push(self.buffer.split_to((end - self.released) as usize));
                    self.released = end;
                }
            }
        }
        self.buffer.shrink(held);
        self.check();
    }

    /// Keeps the last of what is about to be released.
    fn recall(&mut self, limit: u64) {
        let Some(recent) = &mut self.recent else { return };
        let leaving = &self.buffer.as_slice()[..(limit - self.released) as usize];
        let leaving = &leaving[leaving.len().saturating_sub(MARGIN)..];
        recent.drain(..recent.len().saturating_sub(MARGIN - leaving.len()));
        recent.extend_from_slice(leaving);
    }

    /// Everything that is there, judged or not: the body goes on unread. Only where nothing was masked.
    pub(super) fn take(&mut self) -> Bytes {
        debug_assert!(self.masks.is_empty());
        let rest = self.buffer.split_to(self.buffer.len());
        self.released += rest.len() as u64;
        self.judged = self.released;
        rest
    }

    /// Offset of the end of what was released.
    pub(super) fn released(&self) -> u64 {
        self.released
    }

    /// Offset of the end of what was received.
    pub(super) fn received(&self) -> u64 {
        self.released + self.buffer.len() as u64
    }

    /// Offset of the end of what was judged.
    pub(super) fn judged(&self) -> u64 {
        self.judged
    }

    fn check(&self) {
        debug_assert!(self.released <= self.judged && self.judged <= self.received());
        debug_assert!(self.masks.iter().zip(self.masks.iter().skip(1)).all(|(a, b)| a.range.end <= b.range.start));
    }
}

/// The one piece that arrived, as long as it is one; else a buffer of our own.
#[derive(Debug)]
enum Buffer {
    Arrived(Bytes),
    Joined(BytesMut),
}

/// A buffer that held more than this is given back when it holds little.
const BUFFER_KEPT: usize = 256 * 1024;

impl Default for Buffer {
    fn default() -> Self {
        Self::Arrived(Bytes::new())
    }
}

impl Buffer {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Arrived(bytes) => bytes,
            Self::Joined(bytes) => bytes,
        }
    }

    fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Where a second piece joins the first, room is made for all that are expected.
    fn append(&mut self, more: Bytes, expected: usize) {
        match self {
            Self::Arrived(bytes) if bytes.is_empty() => *self = Self::Arrived(more),
            Self::Arrived(bytes) => {
                let length = bytes.len() + more.len();
                let mut joined = BytesMut::with_capacity(length.next_power_of_two().max(expected));
                joined.extend_from_slice(bytes);
                joined.extend_from_slice(&more);
                *self = Self::Joined(joined);
            }
            Self::Joined(bytes) => bytes.extend_from_slice(&more),
        }
    }

    /// Gives memory back that one large piece took, once little is left of it.
    fn shrink(&mut self, most: usize) {
        if let Self::Joined(bytes) = self
            && most > BUFFER_KEPT
            && bytes.len() <= BUFFER_KEPT / 2
        {
            *bytes = BytesMut::from(&bytes[..]);
        }
    }

    fn split_to(&mut self, length: usize) -> Bytes {
        match self {
            Self::Arrived(bytes) => bytes.split_to(length),
            Self::Joined(bytes) => bytes.split_to(length).freeze(),
        }
    }

    fn discard(&mut self, length: usize) {
        drop(self.split_to(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(out: &Released) -> String {
        out.iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
    }

    #[test]
    fn nothing_is_released_that_was_not_judged() {
        let mut window = Window::default();
        let mut out = Released::new();
        window.receive(Bytes::from_static(b"abcdef"));
        window.release(u64::MAX, &mut out);
        assert!(out.is_empty());
        window.judge(4);
        window.release(3, &mut out);
        assert_eq!(text(&out), "abc");
        window.release(u64::MAX, &mut out);
        assert_eq!(text(&out), "abcd");
    }

    #[test]
    fn a_block_has_what_was_released_before_it_if_that_is_wanted() {
        for (remembers, expected, own) in [(true, &b"abcdef"[..], 4..5), (false, b"ef", 0..1)] {
            let mut window = Window::default();
            if remembers {
                window.remember();
            }
            for piece in [&b"ab"[..], b"cd", b"ef"] {
                window.release(u64::MAX, &mut Released::new());
                window.receive(Bytes::copy_from_slice(piece));
                window.judge(2 * usize::from(piece != b"ef"));
            }
            let block = window.block(1, 9);
            assert_eq!((block.bytes, block.own, block.offset), (expected, own, 6 - expected.len() as u64));
        }
    }

    #[test]
    fn a_mask_gives_one_token_however_it_is_released() {
        for step in 1..8 {
            let mut window = Window::default();
            let mut out = Released::new();
            window.receive(Bytes::from_static(b"key=secret;x"));
            window.mask(4..10, Bytes::from_static(b"[R]"));
            for _ in 0..12 {
                window.judge(step.min(window.unjudged()));
                window.release(u64::MAX, &mut out);
            }
            assert_eq!(text(&out), "key=[R];x");
        }
    }

    #[test]
    fn overlapping_masks_become_one() {
        let mut window = Window::default();
        let mut out = Released::new();
        window.receive(Bytes::from_static(b"0123456789"));
        window.mask(6..8, Bytes::from_static(b"<b>"));
        window.mask(2..7, Bytes::from_static(b"<a>"));
        window.judge(10);
        window.release(u64::MAX, &mut out);
        assert_eq!(text(&out), "01<a>89");
    }

    #[test]
    fn a_mask_that_grows_takes_in_those_behind_it() {
        let mut window = Window::default();
        let mut out = Released::new();
        window.receive(Bytes::from_static(b"0123456789"));
        for (range, token) in [(1..3, "<a>"), (5..6, "<b>"), (7..8, "<c>"), (2..7, "<d>")] {
            window.mask(range, Bytes::from_static(token.as_bytes()));
        }
        window.judge(10);
        window.release(u64::MAX, &mut out);
        assert_eq!(text(&out), "0<a>89");
    }

    #[test]
    fn an_open_mask_swallows_until_it_is_closed() {
        let mut window = Window::default();
        let mut out = Released::new();
        window.receive(Bytes::from_static(b"ab--BEGIN"));
        window.mask(2..u64::MAX, Bytes::from_static(b"[R]"));
        window.judge(9);
        window.release(u64::MAX, &mut out);
        window.receive(Bytes::from_static(b"MIIEND--z"));
        window.close_mask(17);
        window.judge(9);
        window.release(u64::MAX, &mut out);
        assert_eq!(text(&out), "ab[R]z");
    }
}
