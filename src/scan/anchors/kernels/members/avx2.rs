//! 32 bytes a step, each looked up by its low and its high nibble.

#![expect(unsafe_code, reason = "AVX2 loads, and functions that only such a processor may run")]

use std::arch::x86_64::*;

use super::{
    super::avx2::{is_supported, load_cells},
    BLOCK, ByteSet,
};

/// A half of a block.
type Half = [u8; BLOCK / 2];

pub(super) fn members(set: &ByteSet, blocks: &[[u8; BLOCK]], bits: &mut [u64]) {
    debug_assert!(is_supported());
    // SAFETY: the caller saw that the processor has AVX2.
    unsafe { look_up(set, blocks, bits) }
}

#[target_feature(enable = "avx2")]
fn look_up(set: &ByteSet, blocks: &[[u8; BLOCK]], bits: &mut [u64]) {
    let cells = [load_cells(&set.nibbles), load_cells(&HIGH)];
    for (bits, block) in bits.iter_mut().zip(blocks) {
        let (halves, _) = block.as_chunks();
        *bits = halves
            .iter()
            .rev()
            .fold(0, |bits, half| bits << 32 | u64::from(look_up_half(&cells, half, set.others as u32)));
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn look_up_half(cells: &[__m256i; 2], half: &Half, others: u32) -> u32 {
    // SAFETY: an unaligned load of the 32 bytes that the reference vouches for.
    let bytes = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
    let nibble = _mm256_set1_epi8(15);
    let low = _mm256_shuffle_epi8(cells[0], _mm256_and_si256(bytes, nibble));
    let high = _mm256_shuffle_epi8(cells[1], _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble));
    let none = _mm256_cmpeq_epi8(_mm256_and_si256(low, high), _mm256_setzero_si256());
    !_mm256_movemask_epi8(none) as u32 | _mm256_movemask_epi8(bytes) as u32 & others
}

/// By high nibble, its bit in [`ByteSet`]; no bit for those of bytes that are not ASCII.
const HIGH: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];
