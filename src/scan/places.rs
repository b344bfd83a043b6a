//! Which bytes of a block are of some kind, one bit each: where kinds change every few bytes, asking byte by byte costs
//! mostly the guesses that a processor makes wrong.

/// Bytes in a block.
pub(crate) const BLOCK: usize = 64;

/// A bit for each of the first [`BLOCK`] bytes of `text` that `is` of the kind; none for what is not there.
#[inline(always)]
pub(crate) fn places(text: &[u8], is: impl Fn(u8) -> bool) -> u64 {
    match text.first_chunk() {
        Some(block) => packed(block, is),
        None => {
            let mut block = [0; BLOCK];
            block[..text.len()].copy_from_slice(text);
            packed(&block, is) & ((1 << text.len()) - 1)
        }
    }
}

#[inline(always)]
fn packed(block: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> u64 {
    let flags = block.map(|byte| u8::from(is(byte)));
    let (eights, _) = flags.as_chunks::<8>();
    // The product has the lowest bits of all eight bytes side by side in its highest byte.
    let eight = |flags: &[u8; 8]| u64::from_le_bytes(*flags).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    eights.iter().rev().fold(0, |places, flags| places << 8 | eight(flags))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_byte_has_its_bit(text in proptest::collection::vec(0_u8..4, 0..100)) {
            let found = places(&text, |byte| byte == 3);
            for at in 0..BLOCK {
                prop_assert_eq!(found >> at & 1 == 1, text.get(at) == Some(&3));
            }
        }
    }
}
