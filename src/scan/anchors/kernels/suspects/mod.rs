//! Where an escape may begin: a look at each place and the byte behind it.
//!
//! The vector twins look both bytes up in tables with one bit for each kind of escape; a place is suspect when
//! some kind has its bit in both. They may suspect places that the portable twin does not, and the reverse: only
//! what decodes counts.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod vbmi;

use super::{BLOCK, Candidates, Kernel, Reach, blocks};

/// Collects the blocks of `text` with places at which [`super::super::escapes`] should decode.
pub(in super::super) fn suspects(kernel: Kernel, text: &[u8], found: &mut Candidates) {
    found.length = 0;
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Vbmi if super::vbmi::is_supported() => vbmi::suspects(text, found),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 if super::avx2::is_supported() => avx2::suspects(text, found),
        _ => portable(text, found),
    }
}

fn portable(text: &[u8], found: &mut Candidates) {
    for (start, block) in blocks(text) {
        let mut suspect = [0; BLOCK];
        let pairs = block.iter().zip(&block[1..]);
        suspect.iter_mut().zip(pairs).for_each(|(it, (&first, &second))| *it = u8::from(is_suspect(first, second)));
        if suspect.iter().fold(0, |any, it| any | it) != 0 {
            found.push(start, suspect.iter().rev().fold(0, |places, &it| places << 1 | u64::from(it)));
        }
    }
}

/// Without a branch, so that the compiler looks at many places at once; generous where that saves comparisons.
#[inline(always)]
fn is_suspect(first: u8, second: u8) -> bool {
    let reference = (first == b'&') & (second == b'#');
    let general_punctuation = (first == 0x80) & (second & 0x0F > 9);
    let joiner = (second == 0x81) | (second == 0xAD);
    let control = (first == 0) | (first == 0x1B);
    reference | (first == b'\\') | (first == b'%') | control | general_punctuation | joiner | (first == 0xEF)
}

/// The low and high nibbles of the first byte and of the second, a set of bits each, by kind.
#[cfg(target_arch = "x86_64")]
const KINDS: [[[u16; 2]; 2]; 8] = [
    // &#
    [[1 << 6, 1 << 2], [1 << 3, 1 << 2]],
    // \u \U \x \X \/ \\, and some that are not: \% \( \, \P \_ \| \DEL
    [[1 << 0xC, 1 << 5], [1 << 5 | 1 << 8 | 1 << 0xC | 1 << 0xF, 1 << 2 | 1 << 5 | 1 << 7]],
    // \0 to \7
    [[1 << 0xC, 1 << 5], [0x00FF, 1 << 3]],
    // %2 to %7
    [[1 << 5, 1 << 2], [0x00FC, 1 << 3]],
    // NUL and ESC, and some that are not: VT, DLE
    [[1 << 0 | 1 << 0xB, 1 << 0 | 1 << 1], [0xFFFF, 0xFFFF]],
    // 80 8A to 80 8F, 80 AA to 80 AF
    [[1 << 0, 1 << 8], [0xFC00, 1 << 8 | 1 << 0xA]],
    // E2 81, C2 AD, and some that are not: E2 8D, E2 A1
    [[1 << 2, 1 << 0xC | 1 << 0xE], [1 << 1 | 1 << 0xD, 1 << 8 | 1 << 0xA]],
    // EF B8, EF BB
    [[1 << 0xF, 1 << 0xE], [1 << 8 | 1 << 0xB, 1 << 0xB]],
];
