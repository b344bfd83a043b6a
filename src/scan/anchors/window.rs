//! The few bytes of a literal that a kernel looks for.

use super::{
    OwnedLiteral,
    frequency::{Frequencies, fold},
};

/// Windows are sought in this many leading bytes of a literal, so that a hit never lies far before its window.
pub(super) const SEARCHED: usize = 64;

/// Up to four folded bytes to look for; a fourth byte of `ANY` stands for any byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Window(pub(super) [u8; 4]);

/// No folded byte has bit 5 clear.
const ANY: u8 = 0;

impl Window {
    /// The window at the head of `bytes` (at least 3).
    fn at(bytes: &[u8]) -> Self {
        let fourth = bytes.get(3).map_or(ANY, |&byte| fold(byte));
        Self([fold(bytes[0]), fold(bytes[1]), fold(bytes[2]), fourth])
    }

    /// Whether the window has three bytes only.
    pub(super) fn is_short(self) -> bool {
        self.0[3] == ANY
    }

    /// The three or four bytes that are given.
    pub(super) fn bytes(&self) -> &[u8] {
        if self.is_short() { &self.0[..3] } else { &self.0 }
    }

    /// How often it stands in a million bytes of ordinary pages.
    pub(super) fn rate(self, frequencies: &Frequencies) -> f32 {
        frequencies.window(self.0) * 1e6
    }
}

/// Every window of a literal with its offset. Only a literal of three bytes has a short one.
pub(super) fn windows(literal: &OwnedLiteral) -> impl Iterator<Item = (usize, Window)> {
    let last = literal.bytes.len().saturating_sub(4).min(SEARCHED - 4);
    (0..=last).map(|offset| (offset, Window::at(&literal.bytes[offset..])))
}
