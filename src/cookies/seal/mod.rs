//! Sealing: cookie values encrypted and authenticated under keys that the application never sees.
//!
//! A sealed value is `cf1.<key id>.<base64url(nonce ‖ ciphertext ‖ tag)>`, by XChaCha20-Poly1305. What is
//! authenticated beside the value: the version, the cookie's name as the application knows it, and the audience; so a
//! value is good under its own name alone. The key of the cipher and that of the nonces are derived from the key in
//! the file by HMAC-SHA-256.
//!
//! The nonce is 192 bits of HMAC-SHA-256 over the exchange's random seed and everything that is sealed. Should a
//! seed ever come twice (a machine restored from a snapshot), two different values still get different nonces, and
//! equal ones the same bytes. Nothing is stored: replicas that share a key file open each other's values.
//!
//! Sealing hides what a value says and refuses what the proxy did not seal. It does not hide a value's length, and
//! it does not stop the replay of a stolen cookie.

mod keys;

pub use keys::{KeyError, KeyProblem, KeyRing, generate, key_line};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

use crate::incident::{Seed, mac};

/// What a sealed value is good for.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The cookie's name as the application knows it.
    pub name: &'a [u8],
    /// Whom the value is meant for, where keys are shared between installations; empty where they are not.
    pub audience: &'a [u8],
}

/// What a value from a client turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Sealed by a key of the ring for this very binding: the value the application set.
    Value(Vec<u8>),
    /// Not of the form of a sealed value.
    Unsealed,
    /// Sealed by a key that the ring does not hold (any more, or not yet on this replica), or so it says.
    UnknownKey,
    /// Changed, made up, or sealed for another binding.
    Forged,
}

const VERSION: &[u8] = b"cf1.";
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

impl KeyRing {
    /// Seals a value under the first key. The same seed, binding and value give the same bytes.
    pub fn seal(&self, binding: Binding<'_>, value: &[u8], seed: &Seed) -> Vec<u8> {
        let key = self.first();
        let context = binding.context();
        let hedge = seed.derive(b"cookie nonce");
        let nonce = &mac(key.nonce_key(), &[&hedge, &context, value])[..NONCE_BYTES];
        let payload = Payload { msg: value, aad: &context };
        // Fails for values of more than 256 GiB alone; then nothing that opens comes out.
        let sealed = key.cipher().encrypt(XNonce::from_slice(nonce), payload).unwrap_or_default();
        let mut out = VERSION.to_vec();
        out.extend_from_slice(key.id().as_bytes());
        out.push(b'.');
        out.extend_from_slice(URL_SAFE_NO_PAD.encode([nonce, &sealed].concat()).as_bytes());
        out
    }

    /// Opens a value under the key that it names.
    pub fn open(&self, binding: Binding<'_>, value: &[u8]) -> Opened {
        let Some(rest) = value.strip_prefix(VERSION) else { return Opened::Unsealed };
        let Some(dot) = rest.iter().position(|&byte| byte == b'.') else { return Opened::Forged };
        let Some(key) = self.find(&rest[..dot]) else { return Opened::UnknownKey };
        open(key.cipher(), &binding.context(), &rest[dot + 1..]).map_or(Opened::Forged, Opened::Value)
    }

    /// Bytes of a sealed value of `length` bytes.
    pub fn sealed_length(&self, length: usize) -> usize {
        let bytes = NONCE_BYTES.saturating_add(TAG_BYTES).saturating_add(length);
        let text = base64::encoded_len(bytes, false).unwrap_or(usize::MAX);
        text.saturating_add(VERSION.len() + self.first().id().len() + 1)
    }
}

impl Binding<'_> {
    /// Every part with its length before it, so that no two bindings give the same bytes.
    fn context(&self) -> Vec<u8> {
        let mut context = b"cofferdam cookie 1".to_vec();
        for part in [self.name, self.audience] {
            context.extend_from_slice(&(part.len() as u64).to_be_bytes());
            context.extend_from_slice(part);
        }
        context
    }
}

/// The tag is compared in constant time by the cipher, before anything is decrypted.
fn open(cipher: &XChaCha20Poly1305, context: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    // Refuses what is not canonical, so that one sealed value has one spelling.
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
    cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: context }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring(fills: &[u8]) -> KeyRing {
        let lines: String = fills.iter().map(|&fill| key_line(&std::array::from_fn(|at| fill ^ at as u8))).collect();
        KeyRing::parse("keys", &lines).unwrap()
    }

    fn seed(byte: u8) -> Seed {
        Seed::from_random([byte; 32])
    }

    const SID: Binding<'static> = Binding { name: b"sid", audience: b"" };

    #[test]
    fn the_form_is_stable() {
        let sealed = String::from_utf8(ring(&[1]).seal(SID, b"user=1", &seed(9))).unwrap();
        assert_eq!(sealed, "cf1.01000302.szgE6doES6FPXmS8IGXcb3AO5EBjtnFTkVxAazIXylqm6aXWL1uRNhng4r2vew");
        assert_eq!(sealed.len(), ring(&[1]).sealed_length(6));
    }

    #[test]
    fn a_value_opens_under_its_own_name_and_audience_alone() {
        let ring = ring(&[1]);
        let sealed = ring.seal(Binding { name: b"sid", audience: b"shop" }, b"v", &seed(0));
        for (name, audience) in [("sid", ""), ("sid", "blog"), ("sids", "hop"), ("si", "dshop"), ("user", "shop")] {
            let binding = Binding { name: name.as_bytes(), audience: audience.as_bytes() };
            assert_eq!(ring.open(binding, &sealed), Opened::Forged, "{name} {audience}");
        }
    }

    #[test]
    fn keys_overlap_and_a_key_that_is_gone_is_told_from_a_forgery() {
        let (old, both, new) = (ring(&[1]), ring(&[2, 1]), ring(&[2]));
        let sealed = old.seal(SID, b"v", &seed(0));
        assert_eq!(both.open(SID, &sealed), Opened::Value(b"v".to_vec()));
        assert_eq!(new.open(SID, &sealed), Opened::UnknownKey);
        assert_eq!(new.open(SID, &both.seal(SID, b"v", &seed(0))), Opened::Value(b"v".to_vec()));
    }

    #[test]
    fn what_is_no_sealed_value_is_told_from_a_forgery() {
        let ring = ring(&[1]);
        for (value, wanted) in [
            ("", Opened::Unsealed),
            ("eyJhIjoxfQ.aaa.bbb", Opened::Unsealed),
            ("cf1", Opened::Unsealed),
            ("cf2.01000302.AAAA", Opened::Unsealed),
            ("cf1.", Opened::Forged),
            ("cf1..", Opened::UnknownKey),
            ("cf1.01000302.", Opened::Forged),
            ("cf1.01000302.AAAA", Opened::Forged),
        ] {
            assert_eq!(ring.open(SID, value.as_bytes()), wanted, "{value}");
        }
    }

    #[test]
    fn a_repeated_seed_repeats_no_nonce_for_another_value() {
        let ring = ring(&[1]);
        let nonce = |value: &[u8]| ring.seal(SID, value, &seed(0))[13..45].to_vec();
        assert_ne!(nonce(b"a"), nonce(b"b"));
    }

    proptest! {
        #[test]
        fn any_value_comes_back(
            name in proptest::collection::vec(any::<u8>(), 0..20),
            audience in proptest::collection::vec(any::<u8>(), 0..9),
            value in proptest::collection::vec(any::<u8>(), 0..300),
            random: u8,
        ) {
            let (ring, binding) = (ring(&[3, 4]), Binding { name: &name, audience: &audience });
            let sealed = ring.seal(binding, &value, &seed(random));
            prop_assert_eq!(sealed.len(), ring.sealed_length(value.len()));
            prop_assert!(sealed.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte)));
            prop_assert_eq!(ring.open(binding, &sealed), Opened::Value(value));
        }

        #[test]
        fn any_bit_flipped_and_any_byte_lost_or_added_refuses(
            value in "[a-z]{0,40}", at: prop::sample::Index, bit in 0..8u8, added in "[A-Za-z0-9_=-]",
        ) {
            let ring = ring(&[1]);
            let sealed = ring.seal(SID, value.as_bytes(), &seed(0));
            let at = at.index(sealed.len());
            let mut flipped = sealed.clone();
            flipped[at] ^= 1 << bit;
            let mut lost = sealed.clone();
            lost.remove(at);
            let mut longer = sealed.clone();
            longer.extend_from_slice(added.as_bytes());
            for forged in [flipped, lost, longer] {
                prop_assert!(!matches!(ring.open(SID, &forged), Opened::Value(_)));
            }
        }
    }
}
