//! The few bytes of a literal that a kernel looks for.

use super::{
    OwnedLiteral,
    frequency::{Frequencies, fold},
};

/// Windows are sought in this many leading bytes of a literal, so that a hit never lies far before its window.
pub(super) const SEARCHED: usize = 64;

/// The most bytes of a window. Six bytes in a row are seldom common where four are.
pub(super) const WIDE: usize = 6;
/// Bytes of a window that the kernels and the first bitmap look at.
pub(super) const LOOKED_AT: usize = 4;

/// Up to six folded bytes to look for; a byte of `ANY`, at the end only, stands for any byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Window([u8; WIDE]);

/// No folded byte has bit 5 clear.
const ANY: u8 = 0;

impl Window {
    /// The window at the head of `bytes` (at least 3).
    fn at(bytes: &[u8]) -> Self {
        Self(std::array::from_fn(|at| bytes.get(at).map_or(ANY, |&byte| fold(byte))))
    }

    /// Whether the window has three bytes only.
    pub(super) fn is_short(self) -> bool {
        self.0[3] == ANY
    }

    /// Whether all bytes are given.
    pub(super) fn is_wide(self) -> bool {
        self.0[WIDE - 1] != ANY
    }

    /// The first four bytes, the fourth 0 if the window is short.
    pub(super) fn four(self) -> [u8; LOOKED_AT] {
        let [first, second, third, fourth, ..] = self.0;
        [first, second, third, fourth]
    }

    /// Those of the first four bytes that are given.
    pub(super) fn looked_at(&self) -> &[u8] {
        &self.0[..if self.is_short() { LOOKED_AT - 1 } else { LOOKED_AT }]
    }

    /// How many leading bytes the index knows it by: all, or those that are looked at.
    pub(super) fn key_width(&self) -> usize {
        if self.is_wide() { WIDE } else { self.looked_at().len() }
    }

    /// All bytes, the first the lowest.
    pub(super) fn key(self) -> u64 {
        self.0.iter().rev().fold(0, |key, &byte| key << 8 | u64::from(byte))
    }

    /// How often its first four bytes stand in a million bytes of ordinary pages.
    pub(super) fn rate(self, frequencies: &Frequencies) -> f32 {
        frequencies.window(self.four()) * 1e6
    }
}

/// Every window of a literal with its offset. Only a literal of three bytes has a short one.
pub(super) fn windows(literal: &OwnedLiteral) -> impl Iterator<Item = (usize, Window)> {
    let last = literal.bytes.len().saturating_sub(LOOKED_AT).min(SEARCHED - LOOKED_AT);
    (0..=last).map(|offset| (offset, Window::at(&literal.bytes[offset..])))
}
