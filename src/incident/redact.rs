//! Redaction as a type: the only forms in which matched bytes may be shown or stored (law L6).

use std::fmt;

use hmac::{Hmac, Mac};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The key of all fingerprints of this process: without it a fingerprint cannot be tested against guesses.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// Takes the 32 bytes as they are; the caller provides the randomness.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key of any secret of 32 bytes or more: its SHA-256.
    pub fn derive(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The fingerprint of `value`: the first 64 bits of its HMAC-SHA-256, and its length in bytes.
    pub fn fingerprint(&self, value: &[u8]) -> Fingerprint {
        let digest = <Hmac<Sha256> as Mac>::new_from_slice(&self.0)
            .map(|mac| mac.chain_update(value).finalize().into_bytes())
            .unwrap_or_default();
        let mut tag = [0; 8];
        tag.copy_from_slice(&digest[..8]);
        Fingerprint { tag: u64::from_be_bytes(tag), length: value.len() }
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

/// Tells two secrets apart without telling either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    tag: u64,
    length: usize,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}/{}", self.tag, self.length)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Text of a response or request that may be shown to the operator: made only from text whose secret spans
/// were masked before, one line, printable, at most [`Excerpt::MAX`] characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Excerpt(String);

impl Excerpt {
    /// The longest excerpt, in characters.
    pub const MAX: usize = 200;

    /// Cuts `masked` (already free of secret spans) to one printable line.
    pub fn from_masked(masked: &str) -> Self {
        if masked.len() <= Self::MAX && masked.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Self(masked.to_owned());
        }
        let line = masked.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self(line.take(Self::MAX).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_secrets_apart_and_shows_neither() {
        let key = FingerprintKey::new([7; 32]);
        let (one, other) = (key.fingerprint(b"hunter2"), key.fingerprint(b"hunter3"));
        assert_ne!(one, other);
        assert_eq!(one, key.fingerprint(b"hunter2"));
        assert!(!one.to_string().contains("hunter"));
        assert!(one.to_string().ends_with("/7"));
    }

    #[test]
    fn an_excerpt_is_one_short_printable_line() {
        let excerpt = Excerpt::from_masked(&format!("a\nb\x1b[31m{}", "x".repeat(500)));
        assert_eq!(excerpt.as_str().chars().count(), Excerpt::MAX);
        assert!(!excerpt.as_str().contains(char::is_control));
    }
}
