//! From a place in the text to the literals that stand there: a bitmap that refuses most places, bitmaps of more bytes
//! that refuse most of the rest, then a table of the literals by these bytes, then the full comparison.

use std::ops::Range;

use super::{
    Hit, OwnedLiteral,
    kernels::Places,
    plan::Choice,
    window::{LOOKED_AT, WIDE},
};

/// Bit 5 of eight bytes, see [`super::frequency::fold`].
const FOLD: u64 = 0x2020_2020_2020_2020;
/// The bytes of a window that are looked at first, and those of a short one.
const WINDOW: u64 = first_bytes(LOOKED_AT);
const SHORT: u64 = first_bytes(LOOKED_AT - 1);

/// A set of a few folded bytes: never wrong when it says that some are not in it.
#[derive(Debug)]
pub(super) struct Bitmap {
    /// One bit per hash. 8 KiB leave room in the first-level cache for the other tables and the text; of the bitmaps of an
    /// [`Index`] all places are looked up in the first alone.
    words: Box<[u64; Bitmap::WORDS]>,
}

impl Bitmap {
    const WORDS: usize = 1024;

    pub(super) fn new() -> Self {
        Self { words: Box::new([0; Self::WORDS]) }
    }

    /// Any case of `four` will do.
    pub(super) fn insert(&mut self, four: [u8; 4]) {
        self.set(u64::from(u32::from_le_bytes(four)) | FOLD & WINDOW);
    }

    #[inline(always)]
    pub(super) fn admits(&self, four: [u8; 4]) -> bool {
        self.has(u64::from(u32::from_le_bytes(four)) | FOLD & WINDOW)
    }

    fn set(&mut self, key: u64) {
        let hash = hash(key);
        self.words[(hash >> 6) as usize] |= 1 << (hash & 63);
    }

    #[inline(always)]
    fn has(&self, key: u64) -> bool {
        let hash = hash(key);
        self.words[(hash >> 6) as usize % Self::WORDS] >> (hash & 63) & 1 == 1
    }
}

/// Every folded byte.
pub(super) fn any_byte() -> impl Iterator<Item = u8> {
    (0..=u8::MAX).filter(|&byte| byte == super::frequency::fold(byte))
}

/// So many windows of three bytes take an eighth of the bitmap with every fourth byte.
const FEW: usize = 64;

/// The chosen windows of all literals.
#[derive(Debug)]
pub(super) struct Index {
    windows: Bitmap,
    /// Whether windows of three bytes stand in `windows` as they are and are looked up apart. Few of them stand
    /// there with every fourth byte instead, which saves the second look; many would fill it.
    short_apart: bool,
    /// By the width of their keys, the widest first.
    keyed: [Keyed; 3],
}

impl Index {
    pub(super) fn new(literals: &[OwnedLiteral], choices: &[Choice]) -> Self {
        let short_apart = choices.iter().filter(|choice| choice.window.is_short()).count() > FEW;
        let mut windows = Bitmap::new();
        for Choice { window, .. } in choices {
            let four = u64::from(u32::from_le_bytes(window.four()));
            match window.is_short() && !short_apart {
                true => any_byte().for_each(|fourth| windows.set(four | u64::from(fourth) << 24)),
                false => windows.set(four),
            }
        }
        let keyed = [WIDE, LOOKED_AT, LOOKED_AT - 1].map(|width| Keyed::new(width, literals, choices));
        Self { windows, short_apart, keyed }
    }

    /// Keeps the places at which a literal's window might stand. `text` has eight bytes at each.
    #[inline(always)]
    pub(super) fn thin(&self, text: &[u8], places: &mut Places) {
        match self.short_apart {
            true => places.retain(|at| self.windows_have(eight_at(text, at), true)),
            false => places.retain(|at| self.windows_have(eight_at(text, at), false)),
        }
        places.retain(|at| self.keys_have(eight_at(text, at)));
    }

    #[inline(always)]
    fn windows_have(&self, eight: u64, short_apart: bool) -> bool {
        self.windows.has(eight & WINDOW) | (short_apart && self.windows.has(eight & SHORT))
    }

    #[inline(always)]
    fn keys_have(&self, eight: u64) -> bool {
        self.keyed.iter().fold(false, |any, keyed| any | keyed.has(eight))
    }

    /// Appends the literals whose window stands at `place` and that themselves stand in the text and start in
    /// `own`. `eight` are the bytes there, as [`eight_at`] has them.
    pub(super) fn verify(&self, text: &Text<'_>, place: usize, eight: u64, hits: &mut Vec<Hit>) {
        for keyed in self.keyed.iter().filter(|keyed| keyed.has(eight)) {
            keyed.chains.verify(text, place, eight & keyed.mask, hits);
        }
    }
}

/// The eight folded bytes at a place of a kernel's text, which has more behind its last place.
#[inline(always)]
pub(super) fn eight_at(text: &[u8], at: u16) -> u64 {
    let at = usize::from(at);
    let eight = text.get(at..at + 8).and_then(|eight| eight.try_into().ok());
    debug_assert!(eight.is_some());
    u64::from_le_bytes(eight.unwrap_or_default()) | FOLD
}

/// What a literal is compared with.
pub(super) struct Text<'a> {
    pub(super) literals: &'a [OwnedLiteral],
    pub(super) haystack: &'a [u8],
    pub(super) own: Range<usize>,
}

/// The literals whose windows are known by as many bytes.
#[derive(Debug)]
struct Keyed {
    /// The bytes of a key.
    mask: u64,
    bitmap: Bitmap,
    chains: Chains,
}

impl Keyed {
    /// The literals whose windows are known by so many bytes.
    fn new(width: usize, literals: &[OwnedLiteral], choices: &[Choice]) -> Self {
        let mask = first_bytes(width);
        let of_width = choices.iter().enumerate().filter(|(_, choice)| choice.window.key_width() == width);
        let entry = |(literal, choice): (usize, &Choice)| Entry::new(literal, &literals[literal], choice, mask);
        let entries: Vec<Entry> = of_width.map(entry).collect();
        let mut bitmap = Bitmap::new();
        entries.iter().for_each(|entry| bitmap.set(entry.key));
        Self { mask, bitmap, chains: Chains::new(entries) }
    }

    #[inline(always)]
    fn has(&self, eight: u64) -> bool {
        self.bitmap.has(eight & self.mask)
    }
}

const fn first_bytes(count: usize) -> u64 {
    u64::MAX >> (64 - 8 * count)
}

/// 16 bits.
#[inline(always)]
fn hash(key: u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48
}

/// Entries by the hash of their key, those of one chain in a row.
#[derive(Debug)]
struct Chains {
    /// Where each chain begins in `entries`; one more than there are chains.
    starts: Box<[u32]>,
    entries: Box<[Entry]>,
    /// How far a hash is shifted to number a chain.
    shift: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// As many bytes of the window as [`Keyed::mask`] has.
    key: u64,
    /// Four folded bytes at the other end of the literal, 0 if it has but three: most false alarms end at them.
    check: u32,
    literal: u32,
    /// Of the window in the literal, below [`super::window::SEARCHED`].
    offset: u8,
    /// Of `check` in the literal.
    check_offset: u8,
}

impl Entry {
    fn new(literal: usize, bytes: &OwnedLiteral, choice: &Choice, mask: u64) -> Self {
        let bytes = &bytes.bytes;
        let last = bytes.len().saturating_sub(4);
        // What begins like a literal and goes on otherwise is the commonest false alarm.
        let check_offset = if choice.offset == last { 0 } else { last.min(u8::MAX.into()) };
        Self {
            key: choice.window.key() & mask,
            check: four_at(bytes, check_offset).map_or(0, |check| check | FOLD as u32),
            literal: literal as u32,
            offset: choice.offset as u8,
            check_offset: check_offset as u8,
        }
    }

    /// Whether `check` stands where it must for the literal to start at `start`.
    fn agrees(&self, haystack: &[u8], start: usize) -> bool {
        let check = four_at(haystack, start + usize::from(self.check_offset));
        self.check == 0 || check.is_some_and(|check| check | FOLD as u32 == self.check)
    }
}

fn four_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

impl Chains {
    fn new(mut entries: Vec<Entry>) -> Self {
        // Two chains per entry, at most one per hash.
        let bits = (usize::BITS - (entries.len() * 2).leading_zeros()).clamp(1, 16);
        let shift = 16 - bits;
        entries.sort_by_key(|entry| (hash(entry.key) >> shift, entry.key, entry.literal));
        let before = |chain: u64| entries.partition_point(|entry| hash(entry.key) >> shift < chain) as u32;
        let starts = (0..=1 << bits).map(before).collect();
        Self { starts, entries: entries.into(), shift }
    }

    fn verify(&self, text: &Text<'_>, place: usize, key: u64, hits: &mut Vec<Hit>) {
        let chain = (hash(key) >> self.shift) as usize;
        for entry in &self.entries[self.starts[chain] as usize..self.starts[chain + 1] as usize] {
            let start = place.wrapping_sub(usize::from(entry.offset));
            if entry.key != key || !text.own.contains(&start) || !entry.agrees(text.haystack, start) {
                continue;
            }
            if text.literals[entry.literal as usize].stands_at(text.haystack, start) {
                hits.push(Hit { start, literal: entry.literal });
            }
        }
    }
}
