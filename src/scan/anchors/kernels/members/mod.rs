//! Which bytes of a text belong to a set, one bit each.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod vbmi;

use super::{BLOCK, Kernel};
use crate::scan::places::places;

/// A set of bytes, as the kernels look them up.
#[derive(Debug)]
pub(in crate::scan) struct ByteSet {
    /// By byte of ASCII, 1 for those of the set.
    cells: [u8; 128],
    /// By low nibble, a bit for each high nibble with which it makes a byte of ASCII that is in the set.
    nibbles: [u8; 16],
    /// All bits set if every other byte is in the set, none if none is.
    others: u64,
}

impl ByteSet {
    /// Of ASCII, and of every other byte or none.
    pub(in crate::scan) const fn of(members: &[bool; 128], others: bool) -> Self {
        let (mut cells, mut nibbles) = ([0; 128], [0; 16]);
        let mut byte = 0;
        while byte < 128 {
            cells[byte] = members[byte] as u8;
            nibbles[byte % 16] |= (members[byte] as u8) << (byte / 16);
            byte += 1;
        }
        Self { cells, nibbles, others: if others { u64::MAX } else { 0 } }
    }

    /// Of one byte of ASCII.
    pub(in crate::scan) const fn one(byte: u8) -> Self {
        let mut members = [false; 128];
        members[byte as usize] = true;
        Self::of(&members, false)
    }

    pub(in crate::scan) fn has(&self, byte: u8) -> bool {
        self.cells.get(usize::from(byte)).map_or(self.others != 0, |&cell| cell == 1)
    }
}

/// Writes a bit for each byte of `text` that is in `set`, 64 to a word, the first byte in the lowest bit.
pub(in crate::scan) fn members(kernel: Kernel, set: &ByteSet, text: &[u8], bits: &mut [u64]) {
    debug_assert!(text.len() <= bits.len() * BLOCK);
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Vbmi if super::vbmi::is_supported() => vbmi::members(set, blocks, bits),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 if super::avx2::is_supported() => avx2::members(set, blocks, bits),
        _ => bits.iter_mut().zip(blocks).for_each(|(bits, block)| *bits = places(block, |byte| set.has(byte))),
    }
    if !rest.is_empty()
        && let Some(last) = bits.get_mut(blocks.len())
    {
        *last = places(rest, |byte| set.has(byte));
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn every_kernel_tells_the_same_bytes(text in vec(any::<u8>(), 0..700), members in vec(any::<bool>(), 128), others: bool) {
            let set = ByteSet::of(&members.try_into().unwrap(), others);
            for kernel in Kernel::ALL {
                let mut bits = [0; 11];
                super::members(kernel, &set, &text, &mut bits);
                for (at, &byte) in text.iter().enumerate() {
                    prop_assert_eq!(bits[at / 64] >> (at % 64) & 1 == 1, set.has(byte), "{} {}", kernel, byte);
                }
            }
        }
    }
}
