//! The randomness of one exchange, and keyed hashes for tables: given from outside, so that everything here is pure.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// 32 random bytes of one exchange, from which everything unpredictable in it is derived.
#[derive(Clone)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Takes the 32 bytes as they are; the caller provides the randomness.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes for one `purpose`: HMAC-SHA-256 under the seed. Two purposes tell nothing of each other.
    pub fn derive(&self, purpose: &[u8]) -> [u8; 32] {
        mac(&self.0, &[purpose])
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// HMAC-SHA-256 over the parts, one after another.
pub fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The key of a hash table that clients put entries into: without it they cannot aim at a slot.
#[derive(Clone)]
pub struct HashKey(u64, u64);

impl HashKey {
    /// Takes the 16 bytes as they are; the caller provides the randomness.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let whole = u128::from_be_bytes(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves are meant")]
        let halves = ((whole >> 64) as u64, whole as u64);
        Self(halves.0, halves.1)
    }

    /// The SipHash-2-4 of `value`.
    pub fn hash(&self, value: &(impl Hash + ?Sized)) -> u64 {
        #[expect(deprecated, reason = "the standard library's hasher with a given key; deprecated for want of users")]
        let mut hasher = std::hash::SipHasher::new_with_keys(self.0, self.1);
        value.hash(&mut hasher);
        hasher.finish()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_seeds_tell_nothing_of_each_other_and_print_nothing() {
        let (one, other) = (Seed::from_random([1; 32]), Seed::from_random([2; 32]));
        assert_eq!(one.derive(b"a"), one.derive(b"a"));
        assert_ne!(one.derive(b"a"), one.derive(b"b"));
        assert_ne!(one.derive(b"a"), other.derive(b"a"));
        assert_eq!(format!("{one:?}"), "Seed(..)");
    }

    #[test]
    fn a_hash_depends_on_its_key() {
        let key = |byte| HashKey::from_random([byte; 16]);
        assert_eq!(key(1).hash(b"a"), key(1).hash(b"a"));
        assert_ne!(key(1).hash(b"a"), key(2).hash(b"a"));
        assert_eq!(format!("{:?}", key(1)), "HashKey(..)");
    }
}
