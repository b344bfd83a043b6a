//! Cutting a haystack into the texts that a kernel takes.

use std::ops::Range;

use super::kernels::{BLOCK, BLOCKS, REACH};

/// Places in one round: what is read and written in it stays in the first-level cache.
const ROUND: usize = BLOCKS * BLOCK;

/// The longest text for places that have too little behind them, in whole blocks with their reach.
const LAST: usize = (BLOCK + REACH).next_multiple_of(BLOCK) + REACH;

/// Calls `judge` with texts that together have all `places` of `haystack` once, each with the place of its first
/// byte. A text has whole blocks and [`REACH`] more bytes; some of its places may lie outside `places`, and
/// behind the haystack stand zeros.
#[inline(always)]
pub(super) fn each_round(haystack: &[u8], places: Range<usize>, mut judge: impl FnMut(&[u8], usize)) {
    let end = places.end.min(haystack.len());
    let mut place = places.start;
    while place < end {
        let rest = &haystack[place..];
        let wanted = (end - place).min(ROUND).next_multiple_of(BLOCK);
        let whole = wanted.min(rest.len().saturating_sub(REACH) / BLOCK * BLOCK);
        if whole > 0 {
            judge(&rest[..whole + REACH], place);
            place += whole;
        } else {
            let mut last = [0; LAST];
            last[..rest.len()].copy_from_slice(rest);
            judge(&last, place);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_in_one_round_and_reaches_its_followers() {
        for length in (0..400).chain([ROUND - 1, ROUND, ROUND + REACH, 3 * ROUND + 17]) {
            let haystack: Vec<u8> = (0..length).map(|i| (i % 251) as u8 + 1).collect();
            let mut seen = vec![0; length];
            each_round(&haystack, 0..length, |text, place| {
                assert_eq!((text.len() - REACH) % BLOCK, 0);
                for at in 0..text.len() - REACH {
                    let follower = haystack.get(place + at + REACH).copied().unwrap_or(0);
                    assert_eq!(text[at + REACH], follower, "{length}");
                    seen.get_mut(place + at).into_iter().for_each(|seen| *seen += 1);
                }
            });
            assert!(seen.iter().all(|&seen| seen == 1), "{length}");
        }
    }
}
