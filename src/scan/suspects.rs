//! Places where text may stand as something else: long runs of letters and digits, which base64 and hexadecimal are, and
//! many short ones, which lists of numbers are. One pass over a block tells both from its words.

use std::ops::Range;

use super::anchors::{ByteSet, Kernel, members};

/// Letters and digits in a row that [`Suspects::runs`] have at least. A run of twice as many less one is always found.
pub(super) const RUN: usize = 20;

/// Letters and digits in a row that no number of a list has, ...
const NUMBER: usize = 5;

/// ... and how many of them 64 bytes of one have at least.
const DIGITS: u32 = 14;

/// Bytes that are looked at at once.
const STEP: usize = 1024;
const WORDS: usize = STEP / 64;

/// Offsets of 64 bytes or of runs in them, ascending.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// Where runs of at least [`RUN`] letters and digits begin, or go on from the 64 bytes before.
    pub(super) runs: Vec<usize>,
    /// Where 64 bytes begin that hold nothing but short runs.
    pub(super) lists: Vec<usize>,
}

static LETTERS_AND_DIGITS: ByteSet = {
    let mut set = [false; 128];
    let mut byte = 0;
    while byte < 128 {
        set[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    ByteSet::of(&set, false)
};

impl Suspects {
    /// Of the bytes in `own`.
    pub(super) fn of(bytes: &[u8], own: Range<usize>, kernel: Kernel) -> Self {
        let mut found = Self::default();
        let mut words = [0; WORDS];
        for start in own.clone().step_by(STEP) {
            let text = &bytes[start..own.end.min(start + STEP)];
            members(kernel, &LETTERS_AND_DIGITS, text, &mut words);
            for (index, &word) in words[..text.len().div_ceil(64)].iter().enumerate() {
                found.take(word, start + 64 * index);
            }
        }
        found
    }

    #[inline(always)]
    fn take(&mut self, word: u64, at: usize) {
        if has_full_byte(word) {
            let (twos, fours, eights) = in_a_row(word);
            let runs = eights & eights >> 8 & fours >> 16;
            debug_assert_eq!(RUN, 20);
            debug_assert!(twos & fours == fours);
            if runs != 0 {
                self.runs.push(at + runs.trailing_zeros() as usize);
            }
            return;
        }
        let (_, fours, _) = in_a_row(word);
        debug_assert_eq!(NUMBER, 5);
        if fours & word >> 4 == 0 && word.count_ones() >= DIGITS {
            self.lists.push(at);
        }
    }
}

/// Whether one of the eight bytes of `word` has all its bits: every run of fifteen covers one.
fn has_full_byte(word: u64) -> bool {
    let (lowest, highest) = (u64::MAX / 255, (u64::MAX / 255) << 7);
    (!word).wrapping_sub(lowest) & word & highest != 0
}

/// Bits from which on two, four and eight are set.
fn in_a_row(word: u64) -> (u64, u64, u64) {
    let twos = word & word >> 1;
    let fours = twos & twos >> 2;
    (twos, fours, fours & fours >> 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspects(text: &[u8]) -> Suspects {
        Suspects::of(text, 0..text.len(), Kernel::fastest())
    }

    #[test]
    fn a_run_is_found_wherever_it_begins() {
        for before in 0..200 {
            let text = [vec![b' '; before], vec![b'x'; 2 * RUN - 1], b" words of a sentence".repeat(9)].concat();
            let found = suspects(&text).runs;
            assert!(found.iter().all(|at| (before..before + RUN).contains(at)) && !found.is_empty(), "{before}");
        }
    }

    #[test]
    fn words_are_neither() {
        let found = suspects(&b"The words of a sentence, <a href='/and/of/an/address'>123456</a>; ".repeat(20));
        assert_eq!((found.runs.len(), found.lists.len()), (0, 0));
    }

    #[test]
    fn short_numbers_are_a_list() {
        for list in [&b"84,114,97,"[..], b"54 72 61 63 ", b"0x54, 0x72, ", b"\n    84,\n    101,", b"54:72:"] {
            let text = list.repeat(40);
            assert!(suspects(&text).lists.len() >= text.len() / 64 - 1, "{list:?}");
        }
    }
}
