//! 64 places a step, each byte looked up by seven bits made of its eight.

#![expect(unsafe_code, reason = "functions that only a processor with AVX-512 may run")]

use std::arch::x86_64::*;

use super::{
    super::vbmi::{CELLS, is_supported, load, load_cells},
    Candidates, KINDS, blocks,
};

pub(super) fn suspects(text: &[u8], found: &mut Candidates) {
    debug_assert!(is_supported());
    // SAFETY: the caller saw that the processor has what the function asks for.
    unsafe { collect(text, found) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn collect(text: &[u8], found: &mut Candidates) {
    let [first_cells, second_cells] = [FIRST, SECOND].map(|cells| load_cells(&cells));
    let matrix = _mm512_set1_epi64(i64::from_be_bytes(ROWS));
    for (start, block) in blocks(text) {
        let byte = _mm512_gf2p8affine_epi64_epi8::<0>(load(block, 0), matrix);
        let next = _mm512_gf2p8affine_epi64_epi8::<0>(load(block, 1), matrix);
        let first = _mm512_permutex2var_epi8(first_cells[0], byte, first_cells[1]);
        let second = _mm512_permutex2var_epi8(second_cells[0], next, second_cells[1]);
        found.push(start, _mm512_test_epi8_mask(first, second));
    }
}

/// What bit 7 of a byte turns over in its other bits. With this the bytes that are looked for share their cells
/// with bytes that seldom stand in the same order: C2 AD with `_0`, EF B8 with `r%`, 80 with a control.
const HIGH: u8 = 0x1D;

/// The matrix that does it: bit i takes the parity of these bits.
const ROWS: [u8; 8] = [0x81, 0x02, 0x84, 0x88, 0x90, 0x20, 0x40, 0x00];

const fn cell(byte: u8) -> usize {
    (if byte.is_ascii() { byte } else { byte & 0x7F ^ HIGH }) as usize
}

const FIRST: [u8; CELLS] = cells(0);
const SECOND: [u8; CELLS] = cells(1);

const fn cells(byte: usize) -> [u8; CELLS] {
    let mut cells = [0; CELLS];
    let mut at = 0;
    while at < 256 * KINDS.len() {
        let (value, kind) = (at % 256, at / 256);
        let [low, high] = KINDS[kind][byte];
        cells[cell(value as u8)] |= ((low >> (value % 16) & high >> (value / 16) & 1) as u8) << kind;
        at += 1;
    }
    cells
}
