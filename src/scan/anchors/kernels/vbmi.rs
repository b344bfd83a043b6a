//! The AVX-512 kernel: 64 places a step, each looked up in several tables of 128 cells.
//!
//! Table k holds, for each class of the bytes k and k + 1 of a pattern, one bit for each of 16 to 32 buckets of windows:
//! a place is a candidate when some bucket's bit is set in every table. The class of two bytes is
//! `b0 ^ M(b1)`, M a matrix over GF(2) (one GFNI instruction); seven bits of it index the cells, which one
//! `vpermi2b` per eight buckets looks up for all 64 places. Bit 5 of both bytes is left out, and with it the case
//! of letters; bit 7 of the first is left out too and comes in with the pair before.

#![expect(unsafe_code, reason = "AVX-512 loads, and functions that only such a processor may run")]

use std::arch::x86_64::*;

use super::{
    super::{
        plan::{Demands, Sieve},
        window::Window,
    },
    BLOCK, Block, Candidates, Frequencies, Pattern, Places, Reach, blocks,
};

/// One table for each pair of neighbours among the four bytes of a window.
const TABLES: usize = 3;
pub(super) const CELLS: usize = 128;
/// The most groups of eight buckets, one bit each.
const GROUPS: usize = 4;
/// Up to so many literals two and three groups are faster: each costs a quarter of the pass over the text.
const FEW: [usize; 2] = [700, 1500];

/// The bits of the first byte that enter the class.
const FIRST: u8 = 0x5F;
/// M by rows: bit i of the class takes the parity of these bits of the second byte. Bit 5 is in none.
const ROWS: [u8; 8] = [0x01, 0xDB, 0x40, 0x90, 0x82, 0xD4, 0xCD, 0x00];

type Cells = [[[u8; CELLS]; GROUPS]; TABLES];

/// Whether this processor has all that the functions below ask for.
pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("gfni")
}

/// Three tables, for so many literals.
pub(super) fn sieve(literals: usize, frequencies: &Frequencies) -> Sieve {
    let groups = GROUPS - FEW.iter().filter(|&&few| literals <= few).count();
    Sieve { shares: vec![shares(frequencies); TABLES], demands, buckets: 8 * groups }
}

/// The tables, aligned to the vector registers that hold them.
#[derive(Debug)]
#[repr(C, align(64))]
pub(in super::super) struct Tables {
    cells: Cells,
    /// How many groups are used: more literals need more buckets, and more buckets more time.
    groups: usize,
}

impl Tables {
    /// `None` where the kernel is not supported: that these tables exist proves that it is.
    pub(super) fn new(patterns: &[Pattern]) -> Option<Self> {
        is_supported().then(|| Self::fill(patterns))
    }

    fn fill(patterns: &[Pattern]) -> Self {
        let mut cells = [[[0; CELLS]; GROUPS]; TABLES];
        for Pattern { window, bucket, .. } in patterns {
            for (table, demand) in cells.iter_mut().zip(demands(window)) {
                admit(&mut table[bucket / 8], demand, 1 << (bucket % 8));
            }
        }
        Self { cells, groups: super::groups(patterns) }
    }

    pub(super) fn candidates(&self, text: &[u8], found: &mut Candidates) {
        // SAFETY: `Tables::new` is the only maker and saw every feature the function asks for.
        unsafe {
            match self.groups {
                2 => candidates::<2>(&self.cells, text, found),
                3 => candidates::<3>(&self.cells, text, found),
                _ => candidates::<GROUPS>(&self.cells, text, found),
            }
        }
    }

    pub(super) fn expand<'a>(&self, blocks: &'a [Block], places: &mut Places) -> &'a [Block] {
        // SAFETY: as above.
        unsafe { expand(blocks, places) }
    }
}

/// The class of two bytes, as the kernel computes it.
fn class(first: u8, second: u8) -> u8 {
    let parity = |row: u8| ((row & second).count_ones() & 1) as u8;
    ROWS.iter().enumerate().fold(first & FIRST, |class, (bit, &row)| class ^ parity(row) << bit)
}

fn demands(window: &Window) -> Demands {
    let pairs = window.looked_at().windows(2).map(|pair| Some(class(pair[0], pair[1])));
    pairs.chain(std::iter::repeat(None)).take(TABLES).collect()
}

/// How often each class stands on ordinary pages.
fn shares(frequencies: &Frequencies) -> Vec<f32> {
    let folded = || (0..=u8::MAX).filter(|byte| byte & 0x20 != 0);
    let mut shares = vec![0.0; CELLS];
    for first in folded() {
        folded().for_each(|second| shares[usize::from(class(first, second))] += frequencies.pair(first, second));
    }
    shares
}

fn admit(cells: &mut [u8; CELLS], demand: Option<u8>, bucket: u8) {
    match demand {
        Some(class) => cells[usize::from(class)] |= bucket,
        None => cells.iter_mut().for_each(|cell| *cell |= bucket),
    }
}

/// M as the instruction wants it: row i in byte 7 - i.
const MATRIX: i64 = i64::from_be_bytes(ROWS);

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn candidates<const N: usize>(cells: &Cells, text: &[u8], found: &mut Candidates) {
    let matrix = _mm512_set1_epi64(MATRIX);
    let first = _mm512_set1_epi8(FIRST as i8);
    let tables = cells.each_ref().map(|table| std::array::from_fn::<_, N, _>(|group| load_cells(&table[group])));
    for (start, block) in blocks(text) {
        let mut buckets = [_mm512_set1_epi8(-1); N];
        let mut byte = load(block, 0);
        for (k, table) in tables.iter().enumerate() {
            let next = load(block, k + 1);
            let second = _mm512_gf2p8affine_epi64_epi8::<0>(next, matrix);
            // (byte & first) ^ second
            let class = _mm512_ternarylogic_epi64::<0x6A>(byte, first, second);
            for (bits, cells) in buckets.iter_mut().zip(table) {
                *bits = _mm512_and_si512(*bits, _mm512_permutex2var_epi8(cells[0], class, cells[1]));
            }
            byte = next;
        }
        let any = buckets.into_iter().fold(_mm512_setzero_si512(), |any, bits| _mm512_or_si512(any, bits));
        found.push(start, _mm512_test_epi8_mask(any, any));
    }
}

/// As [`Places::fill`], with one `vpcompressw` for 32 places.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2")]
fn expand<'a>(blocks: &'a [Block], places: &mut Places) -> &'a [Block] {
    let counting = std::array::from_fn::<u16, 32, _>(|i| i as u16);
    // SAFETY: an unaligned load of the 64 bytes of the array.
    let counting = unsafe { _mm512_loadu_si512(counting.as_ptr().cast()) };
    places.length = 0;
    let mut rest = blocks;
    while let [block, more @ ..] = rest
        && places.length < Places::FULL
    {
        let first = _mm512_add_epi16(counting, _mm512_set1_epi16(block.start as i16));
        let second = _mm512_add_epi16(first, _mm512_set1_epi16(32));
        store(places, first, block.places as u32);
        store(places, second, (block.places >> 32) as u32);
        rest = more;
    }
    rest
}

/// Appends the lanes of `lanes` that `mask` names.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2")]
fn store(places: &mut Places, lanes: __m512i, mask: u32) {
    let room = &mut places.places[places.length..][..BLOCK / 2];
    // SAFETY: an unaligned store of 64 bytes into the 32 places of `room`.
    unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), _mm512_maskz_compress_epi16(mask, lanes)) };
    places.length += mask.count_ones() as usize;
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_cells(cells: &[u8; CELLS]) -> [__m512i; 2] {
    let cells = cells.as_ptr();
    // SAFETY: the two unaligned loads read the 128 bytes that the reference vouches for.
    unsafe { [_mm512_loadu_si512(cells.cast()), _mm512_loadu_si512(cells.add(64).cast())] }
}

/// The 64 bytes at `offset` of a block.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(block: &Reach, offset: usize) -> __m512i {
    assert!(offset <= super::REACH);
    // SAFETY: an unaligned load of 64 bytes that end at or before BLOCK + REACH, the length of the block.
    unsafe { _mm512_loadu_si512(block.as_ptr().add(offset).cast()) }
}
