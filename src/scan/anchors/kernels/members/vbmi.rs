//! 64 bytes a step, looked up by their lower seven bits.

#![expect(unsafe_code, reason = "AVX-512 loads, and functions that only such a processor may run")]

use std::arch::x86_64::*;

use super::{
    super::vbmi::{is_supported, load_cells},
    BLOCK, ByteSet,
};

pub(super) fn members(set: &ByteSet, blocks: &[[u8; BLOCK]], bits: &mut [u64]) {
    debug_assert!(is_supported());
    // SAFETY: the caller saw that the processor has what the function asks for.
    unsafe { look_up(set, blocks, bits) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn look_up(set: &ByteSet, blocks: &[[u8; BLOCK]], bits: &mut [u64]) {
    let cells = load_cells(&set.cells);
    for (bits, block) in bits.iter_mut().zip(blocks) {
        // SAFETY: an unaligned load of the 64 bytes that the reference vouches for.
        let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        let found = _mm512_permutex2var_epi8(cells[0], bytes, cells[1]);
        let others = _mm512_movepi8_mask(bytes);
        *bits = _mm512_test_epi8_mask(found, found) & !others | others & set.others;
    }
}
