//! Rails' signed and encrypted cookies, and the session of Rack and Sinatra.

use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag, aead::AeadInPlace};

use super::{
    KeyList, Scope, WeakKey, base64,
    digest::Digest,
    hex,
    keys::{KnownKey, RAILS},
};

pub(super) fn test(value: &[u8], keys: &KeyList) -> Option<WeakKey> {
    let parts: Vec<&[u8]> = split(value);
    match *parts {
        [message, signature] => signed(message, signature, keys),
        [text, nonce, tag] => encrypted(text, nonce, tag, keys),
        _ => None,
    }
}

/// At most four parts between `--`.
fn split(value: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::with_capacity(4);
    let mut rest = value;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"--").filter(|_| parts.len() < 3) {
        parts.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    parts.push(rest);
    parts
}

/// `base64--HMAC`: signed cookies, encrypted ones before Rails 5.2 (which are signed under another salt), and Rack's
/// session, signed with the key itself.
fn signed(message: &[u8], signature: &[u8], keys: &KeyList) -> Option<WeakKey> {
    let signature = hex(signature)?;
    let digest = Digest::of_length(signature.len())?;
    let signs = |key: &[u8]| digest.hmac(key, &[message]) == signature;
    if let Some(key) = keys.of(Scope::Rails).find(|key| signs(key.bytes())) {
        return Some(WeakKey::known("rack", key));
    }
    find(keys, 64, |key| signs(key))
}

/// `base64--base64--base64`: AES-256-GCM, since Rails 5.2.
fn encrypted(text: &[u8], nonce: &[u8], tag: &[u8], keys: &KeyList) -> Option<WeakKey> {
    let text = base64(text)?;
    let nonce = base64(nonce).filter(|nonce| nonce.len() == 12)?;
    let tag = base64(tag).filter(|tag| tag.len() == 16)?;
    let opens = |key: &[u8]| {
        let Ok(cipher) = Aes256Gcm::new_from_slice(key) else { return false };
        let (nonce, tag) = (Nonce::from_slice(&nonce), Tag::from_slice(&tag));
        cipher.decrypt_in_place_detached(nonce, b"", &mut text.clone(), tag).is_ok()
    };
    find(keys, 32, opens)
}

/// Tries every derivation that gives keys of `length`.
fn find(keys: &KeyList, length: usize, fits: impl Fn(&[u8]) -> bool) -> Option<WeakKey> {
    let derivations = || (0..RAILS.len()).filter(|&index| RAILS[index].2 == length);
    let any = |key: &&KnownKey| derivations().any(|index| fits(key.rails(index)));
    keys.of(Scope::Rails).find(any).map(|key| WeakKey::known("rails", key))
}
