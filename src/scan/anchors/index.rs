//! From a place in the text to the literals that stand there: a bitmap that refuses most places, then a table of
//! the literals by their window, then the full comparison.

use std::ops::Range;

use super::{Hit, OwnedLiteral, plan::Choice};

/// Bit 5 of four bytes, see [`super::frequency::fold`].
const FOLD: u32 = 0x2020_2020;
/// The three bytes of a short window.
const SHORT: u32 = 0x00FF_FFFF;

/// A set of three or four folded bytes: never wrong when it says that some are not in it.
#[derive(Debug)]
pub(super) struct Bitmap {
    /// One bit per hash. 8 KiB leave room in the first-level cache for the other tables and the text.
    words: Box<[u64; Bitmap::WORDS]>,
}

impl Bitmap {
    const WORDS: usize = 1024;

    pub(super) fn new() -> Self {
        Self { words: Box::new([0; Self::WORDS]) }
    }

    /// Any case of `four` will do.
    pub(super) fn insert(&mut self, four: [u8; 4]) {
        self.set(fold(u32::from_le_bytes(four)));
    }

    #[inline(always)]
    pub(super) fn admits(&self, four: [u8; 4]) -> bool {
        self.has(fold(u32::from_le_bytes(four)))
    }

    fn set(&mut self, window: u32) {
        let hash = hash(window);
        self.words[(hash >> 6) as usize] |= 1 << (hash & 63);
    }

    #[inline(always)]
    fn has(&self, window: u32) -> bool {
        let hash = hash(window);
        self.words[(hash >> 6) as usize % Self::WORDS] >> (hash & 63) & 1 == 1
    }
}

/// Every folded byte.
pub(super) fn any_byte() -> impl Iterator<Item = u8> {
    (0..=u8::MAX).filter(|&byte| byte == super::frequency::fold(byte))
}

/// So many windows of three bytes take 3 % of the bitmap with every fourth byte.
const FEW: usize = 16;

/// The chosen windows of all literals.
#[derive(Debug)]
pub(super) struct Index {
    bitmap: Bitmap,
    /// Whether windows of three bytes stand in the bitmap as they are and are looked up apart. Few of them stand
    /// there with every fourth byte instead, which saves the second look; many would fill it.
    short_apart: bool,
    long: Chains,
    short: Chains,
}

impl Index {
    pub(super) fn new(literals: &[OwnedLiteral], choices: &[Choice]) -> Self {
        let entry = |(literal, choice): (usize, &Choice)| Entry::new(literal, &literals[literal], choice);
        let (short, long): (Vec<_>, Vec<_>) = choices.iter().enumerate().partition(|(_, it)| it.window.is_short());
        let [long, short] = [long, short].map(|half| half.into_iter().map(entry).collect::<Vec<_>>());
        let mut bitmap = Bitmap::new();
        let short_apart = short.len() > FEW;
        long.iter().for_each(|entry| bitmap.set(entry.window));
        for entry in &short {
            match short_apart {
                true => bitmap.set(entry.window),
                false => any_byte().for_each(|fourth| bitmap.set(entry.window | u32::from(fourth) << 24)),
            }
        }
        Self { bitmap, short_apart, long: Chains::new(long), short: Chains::new(short) }
    }

    /// Whether a window might stand at the head of these four bytes. Never wrong when it says no.
    #[inline(always)]
    pub(super) fn admits(&self, four: [u8; 4]) -> bool {
        let window = fold(u32::from_le_bytes(four));
        self.bitmap.has(window) | (self.short_apart && self.bitmap.has(window & SHORT))
    }

    /// Appends the literals whose window stands at `place` and that themselves stand in the text and start in
    /// `own`. `four` are the bytes at `place`, padded with anything past the end.
    pub(super) fn verify(&self, text: &Text<'_>, place: usize, four: [u8; 4], hits: &mut Vec<Hit>) {
        let window = fold(u32::from_le_bytes(four));
        if self.bitmap.has(window) {
            self.long.verify(text, place, window, hits);
        }
        if !self.short.entries.is_empty() && (!self.short_apart || self.bitmap.has(window & SHORT)) {
            self.short.verify(text, place, window & SHORT, hits);
        }
    }
}

/// What a literal is compared with.
pub(super) struct Text<'a> {
    pub(super) literals: &'a [OwnedLiteral],
    pub(super) haystack: &'a [u8],
    pub(super) own: Range<usize>,
}

fn fold(four: u32) -> u32 {
    four | FOLD
}

/// 16 bits.
#[inline(always)]
fn hash(window: u32) -> u32 {
    window.wrapping_mul(0x9E37_79B1) >> 16
}

/// Entries by the hash of their window, those of one chain in a row.
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
    window: u32,
    /// Four folded bytes at the other end of the literal, 0 if it has but three: most false alarms end at them.
    check: u32,
    literal: u32,
    /// Of the window in the literal, below [`super::window::SEARCHED`].
    offset: u8,
    /// Of `check` in the literal.
    check_offset: u8,
}

impl Entry {
    fn new(literal: usize, bytes: &OwnedLiteral, choice: &Choice) -> Self {
        let bytes = &bytes.bytes;
        let last = bytes.len().saturating_sub(4);
        // What begins like a literal and goes on otherwise is the commonest false alarm.
        let check_offset = if choice.offset == last { 0 } else { last.min(u8::MAX.into()) };
        Self {
            window: u32::from_le_bytes(choice.window.0),
            check: four_at(bytes, check_offset).map_or(0, |check| check | FOLD),
            literal: literal as u32,
            offset: choice.offset as u8,
            check_offset: check_offset as u8,
        }
    }

    /// Whether `check` stands where it must for the literal to start at `start`.
    fn agrees(&self, haystack: &[u8], start: usize) -> bool {
        self.check == 0
            || four_at(haystack, start + usize::from(self.check_offset)).is_some_and(|it| it | FOLD == self.check)
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
        entries.sort_by_key(|entry| (hash(entry.window) >> shift, entry.window, entry.literal));
        let before = |chain: u32| entries.partition_point(|entry| hash(entry.window) >> shift < chain) as u32;
        let starts = (0..=1 << bits).map(before).collect();
        Self { starts, entries: entries.into(), shift }
    }

    fn verify(&self, text: &Text<'_>, place: usize, window: u32, hits: &mut Vec<Hit>) {
        let chain = (hash(window) >> self.shift) as usize;
        for entry in &self.entries[self.starts[chain] as usize..self.starts[chain + 1] as usize] {
            let start = place.wrapping_sub(usize::from(entry.offset));
            if entry.window != window || !text.own.contains(&start) || !entry.agrees(text.haystack, start) {
                continue;
            }
            if text.literals[entry.literal as usize].stands_at(text.haystack, start) {
                hits.push(Hit { start, literal: entry.literal });
            }
        }
    }
}
