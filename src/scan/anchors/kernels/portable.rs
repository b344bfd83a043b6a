//! The kernel without vector instructions: every second place is looked up in a bitmap.
//!
//! A window at an odd place is seen from the even place before it, together with the byte that precedes it: that
//! byte is known from the literal, or is any byte where the literal begins with the window.

use super::{
    super::{
        index::{Bitmap, any_byte},
        plan::Sieve,
    },
    BLOCK, Candidates, Pattern, Reach, blocks,
};

/// One bitmap: a window costs what it stands on ordinary pages.
pub(super) fn sieve() -> Sieve {
    Sieve { shares: Vec::new(), demands: |_| Vec::new(), buckets: 1 }
}

#[derive(Debug)]
pub(in super::super) struct Tables {
    bitmap: Bitmap,
}

impl Tables {
    pub(super) fn new(patterns: &[Pattern]) -> Self {
        let mut bitmap = Bitmap::new();
        for Pattern { window, before, .. } in patterns {
            let [first, second, third, fourth] = window.four();
            match window.is_short() {
                true => any_byte().for_each(|fourth| bitmap.insert([first, second, third, fourth])),
                false => bitmap.insert([first, second, third, fourth]),
            }
            match before {
                Some(before) => bitmap.insert([*before, first, second, third]),
                None => any_byte().for_each(|before| bitmap.insert([before, first, second, third])),
            }
        }
        Self { bitmap }
    }

    pub(super) fn candidates(&self, text: &[u8], found: &mut Candidates) {
        for (start, block) in blocks(text) {
            found.push(start, self.places(block));
        }
    }

    fn places(&self, block: &Reach) -> u64 {
        let mut even = 0;
        for place in (0..BLOCK).step_by(2) {
            let four = [block[place], block[place + 1], block[place + 2], block[place + 3]];
            even |= u64::from(self.bitmap.admits(four)) << place;
        }
        even | even << 1
    }
}
