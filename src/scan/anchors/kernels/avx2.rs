//! The AVX2 kernel: 32 places a step, each looked up in several tables of 16 cells.
//!
//! As in the AVX-512 kernel a place has a class for the bytes k and k + 1 of a pattern: `b0 ^ T(b1)`, with bit 5 of
//! the first byte set and T a table by the low nibble of the second (one `pshufb`). Both nibbles of the class are
//! then looked up in a table of 16 cells with one bit per bucket.

#![expect(unsafe_code, reason = "AVX2 loads, and functions that only such a processor may run")]

use std::arch::x86_64::*;

use super::{
    super::{
        frequency::fold,
        plan::{Demands, Sieve},
        window::Window,
    },
    BLOCK, Candidates, Frequencies, Pattern, Reach, blocks,
};

/// The number of tables, each with a low and a high half, and so bytes of a pattern less one that are looked at.
const POSITIONS: usize = 3;
/// The most groups of eight buckets, one bit each.
const GROUPS: usize = 4;

/// Up to so many literals two and three groups are faster.
const FEW: [usize; 2] = [300, 700];

/// T: what the low nibble of an ASCII byte does to the class of the byte before it. Other bytes do nothing.
const SECOND: [u8; 16] =
    [0x8C, 0x52, 0xD5, 0xCF, 0x0D, 0xF3, 0xBB, 0xFA, 0xE3, 0x60, 0xC5, 0x52, 0x6E, 0xA3, 0x2C, 0x44];

/// The cells of one position and group: by low nibble and by high nibble of the class.
type Cells = [[u8; 16]; 2];

/// Whether this processor has all that the functions below ask for.
pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("avx2")
}

/// Three tables of two halves each, for so many literals.
pub(super) fn sieve(literals: usize, frequencies: &Frequencies) -> Sieve {
    let groups = GROUPS - FEW.iter().filter(|&&few| literals <= few).count();
    Sieve { shares: vec![shares(frequencies); POSITIONS].concat(), demands, buckets: 8 * groups }
}

/// The tables.
#[derive(Debug)]
pub(in super::super) struct Tables {
    cells: [[Cells; GROUPS]; POSITIONS],
    /// How many groups are used: more literals need more buckets, and more buckets more time.
    groups: usize,
}

impl Tables {
    /// `None` where the kernel is not supported: that these tables exist proves that it is.
    pub(super) fn new(patterns: &[Pattern]) -> Option<Self> {
        is_supported().then(|| Self::fill(patterns))
    }

    fn fill(patterns: &[Pattern]) -> Self {
        let mut cells = [[[[0; 16]; 2]; GROUPS]; POSITIONS];
        for Pattern { window, bucket, .. } in patterns {
            for (table, demand) in cells.iter_mut().zip(demands(window).chunks_exact(2)) {
                admit(&mut table[bucket / 8][0], demand[0], 1 << (bucket % 8));
                admit(&mut table[bucket / 8][1], demand[1], 1 << (bucket % 8));
            }
        }
        Self { cells, groups: super::groups(patterns) }
    }

    pub(super) fn candidates(&self, text: &[u8], found: &mut Candidates) {
        // SAFETY: `Tables::new` is the only maker and saw that the processor has AVX2.
        unsafe {
            match self.groups {
                2 => candidates::<2>(&self.cells, text, found),
                3 => candidates::<3>(&self.cells, text, found),
                _ => candidates::<GROUPS>(&self.cells, text, found),
            }
        }
    }
}

/// The class of two bytes, as the kernel computes it.
fn class(first: u8, second: u8) -> u8 {
    fold(first) ^ if second.is_ascii() { SECOND[usize::from(second & 15)] } else { 0 }
}

/// Two demands per position: the low and the high nibble of the class.
fn demands(window: &Window) -> Demands {
    let nibbles = |class: u8| [Some(class & 15), Some(class >> 4)];
    let pairs = window.looked_at().windows(2).flat_map(|pair| nibbles(class(pair[0], pair[1])));
    pairs.chain(std::iter::repeat(None)).take(2 * POSITIONS).collect()
}

/// How often each low and each high nibble of a class stands on ordinary pages.
fn shares(frequencies: &Frequencies) -> Vec<Vec<f32>> {
    let folded = || (0..=u8::MAX).filter(|&byte| byte == fold(byte));
    let mut shares = vec![vec![0.0; 16]; 2];
    for (first, second) in folded().flat_map(|first| folded().map(move |second| (first, second))) {
        let class = class(first, second);
        shares[0][usize::from(class & 15)] += frequencies.pair(first, second);
        shares[1][usize::from(class >> 4)] += frequencies.pair(first, second);
    }
    shares
}

fn admit(cells: &mut [u8; 16], demand: Option<u8>, bucket: u8) {
    match demand {
        Some(nibble) => cells[usize::from(nibble)] |= bucket,
        None => cells.iter_mut().for_each(|cell| *cell |= bucket),
    }
}

#[target_feature(enable = "avx2")]
fn candidates<const N: usize>(cells: &[[Cells; GROUPS]; POSITIONS], text: &[u8], found: &mut Candidates) {
    let tables = cells.each_ref().map(|groups| {
        std::array::from_fn::<_, N, _>(|group| groups[group].each_ref().map(|nibbles| load_cells(nibbles)))
    });
    for (start, block) in blocks(text) {
        let first = half(&tables, block, 0);
        let second = half(&tables, block, BLOCK / 2);
        found.push(start, u64::from(first) | u64::from(second) << 32);
    }
}

/// One bit for each of the 32 places from `offset` on.
#[inline]
#[target_feature(enable = "avx2")]
fn half<const N: usize>(tables: &[[[__m256i; 2]; N]; POSITIONS], block: &Reach, offset: usize) -> u32 {
    let nibble = _mm256_set1_epi8(15);
    let bit_5 = _mm256_set1_epi8(0x20);
    let seconds = load_cells(&SECOND);
    let mut buckets = [_mm256_set1_epi8(-1); N];
    let mut byte = load(block, offset);
    for (k, groups) in tables.iter().enumerate() {
        let next = load(block, offset + k + 1);
        let class = _mm256_xor_si256(_mm256_or_si256(byte, bit_5), _mm256_shuffle_epi8(seconds, next));
        let low = _mm256_and_si256(class, nibble);
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(class), nibble);
        for (bits, cells) in buckets.iter_mut().zip(groups) {
            let both = _mm256_and_si256(_mm256_shuffle_epi8(cells[0], low), _mm256_shuffle_epi8(cells[1], high));
            *bits = _mm256_and_si256(*bits, both);
        }
        byte = next;
    }
    let any = buckets.into_iter().fold(_mm256_setzero_si256(), |any, bits| _mm256_or_si256(any, bits));
    let none = _mm256_cmpeq_epi8(any, _mm256_setzero_si256());
    !_mm256_movemask_epi8(none) as u32
}

/// The same 16 cells in both lanes.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_cells(cells: &[u8; 16]) -> __m256i {
    // SAFETY: an unaligned load of the 16 bytes that the reference vouches for.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(cells.as_ptr().cast()) })
}

/// The 32 bytes at `offset` of a block.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load(block: &Reach, offset: usize) -> __m256i {
    assert!(offset <= super::REACH + BLOCK / 2);
    // SAFETY: an unaligned load of 32 bytes that end at or before BLOCK + REACH, the length of the block.
    unsafe { _mm256_loadu_si256(block.as_ptr().add(offset).cast()) }
}
