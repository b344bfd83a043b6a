//! 32 places a step, each byte looked up by its low and its high nibble.

#![expect(unsafe_code, reason = "AVX2 loads, and functions that only such a processor may run")]

use std::arch::x86_64::*;

use super::{
    super::avx2::{is_supported, load, load_cells},
    BLOCK, Candidates, KINDS, Reach, blocks,
};

pub(super) fn suspects(text: &[u8], found: &mut Candidates) {
    debug_assert!(is_supported());
    // SAFETY: the caller saw that the processor has AVX2.
    unsafe { collect(text, found) }
}

#[target_feature(enable = "avx2")]
fn collect(text: &[u8], found: &mut Candidates) {
    let tables = [FIRST, SECOND].map(|byte| byte.map(|cells| load_cells(&cells)));
    for (start, block) in blocks(text) {
        let low = half(&tables, block, 0);
        let high = half(&tables, block, BLOCK / 2);
        found.push(start, u64::from(low) | u64::from(high) << 32);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn half(tables: &[[__m256i; 2]; 2], block: &Reach, offset: usize) -> u32 {
    let [first, second] = [0, 1].map(|k| kinds(&tables[k], load(block, offset + k)));
    let none = _mm256_cmpeq_epi8(_mm256_and_si256(first, second), _mm256_setzero_si256());
    !_mm256_movemask_epi8(none) as u32
}

/// The kinds of escapes that each byte may belong to.
#[inline]
#[target_feature(enable = "avx2")]
fn kinds(cells: &[__m256i; 2], bytes: __m256i) -> __m256i {
    let nibble = _mm256_set1_epi8(15);
    let low = _mm256_shuffle_epi8(cells[0], _mm256_and_si256(bytes, nibble));
    let high = _mm256_shuffle_epi8(cells[1], _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble));
    _mm256_and_si256(low, high)
}

const FIRST: [[u8; 16]; 2] = [cells(0, 0), cells(0, 1)];
const SECOND: [[u8; 16]; 2] = [cells(1, 0), cells(1, 1)];

const fn cells(byte: usize, nibble: usize) -> [u8; 16] {
    let mut cells = [0; 16];
    let mut at = 0;
    while at < 16 * KINDS.len() {
        let (value, kind) = (at % 16, at / 16);
        cells[value] |= (((KINDS[kind][byte][nibble] >> value) & 1) as u8) << kind;
        at += 1;
    }
    cells
}
