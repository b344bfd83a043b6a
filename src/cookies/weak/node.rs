//! Express' cookie-signature, keygrip (cookie-session, Koa, Egg), and Egg's encrypted cookies.

use aes_gcm::aes::{
    Aes256,
    cipher::{BlockDecrypt, KeyInit, generic_array::GenericArray},
};

use super::{
    KeyList, Scope, WeakKey, base64,
    digest::{Digest, md5},
    rsplit,
};

/// `s:value.signature`, as express-session and `res.cookie(…, {signed: true})` write it.
pub(super) fn cookie_signature(value: &[u8], keys: &KeyList) -> Option<WeakKey> {
    let (message, signature) = rsplit(value.strip_prefix(b"s:")?, b'.')?;
    let signature = base64(signature).filter(|signature| signature.len() == 32)?;
    let key = keys.of(Scope::Express).find(|key| Digest::Sha256.hmac(key.bytes(), &[message]) == signature)?;
    Some(WeakKey::known("express", key))
}

/// A cookie `name` and beside it `name.sig`: by SHA-1 with cookie-session and Koa, by SHA-256 with Egg.
pub(super) fn keygrip(name: &[u8], value: &[u8], signature: &[u8], keys: &KeyList) -> Option<WeakKey> {
    let signature = base64(signature)?;
    let digest = Digest::of_length(signature.len())?;
    let mut known = keys.of_any(&[Scope::Express, Scope::Egg]);
    let key = known.find(|key| digest.hmac(key.bytes(), &[name, b"=", value]) == signature)?;
    Some(WeakKey::known(if digest == Digest::Sha256 { "egg" } else { "cookie-session" }, key))
}

/// AES-256-CBC under a key and vector that OpenSSL's old derivation makes of the passphrase. Nothing authenticates
/// the text, so it counts only when it comes out as JSON, or as JSON in base64, which is how koa-session writes it.
pub(super) fn egg_encrypted(name: &[u8], value: &[u8], keys: &KeyList) -> Option<WeakKey> {
    let text = base64(value).filter(|text| !text.is_empty() && text.len().is_multiple_of(BLOCK))?;
    if !name.ends_with(b"SESS") && !name.ends_with(b"sess") && text.len() < 2 * BLOCK {
        return None;
    }
    let key = keys.of_any(&[Scope::Express, Scope::Egg]).find(|key| decrypts(key.bytes(), &text))?;
    Some(WeakKey::known("egg", key))
}

const BLOCK: usize = 16;

fn decrypts(passphrase: &[u8], text: &[u8]) -> bool {
    let first = md5(&[passphrase]);
    let second = md5(&[&first, passphrase]);
    let vector = md5(&[&second, passphrase]);
    let cipher = Aes256::new(GenericArray::from_slice(&[first, second].concat()));
    let block = |at: usize| {
        let mut block = GenericArray::clone_from_slice(&text[at..at + BLOCK]);
        cipher.decrypt_block(&mut block);
        let before = if at == 0 { &vector[..] } else { &text[at - BLOCK..at] };
        block.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
        block
    };
    let last = block(text.len() - BLOCK);
    // An object, as it is or in base64.
    if !is_padded(&last) || !matches!(block(0)[..], [b'{', ..] | [b'e', b'y' | b'3', ..]) {
        return false;
    }
    let mut plain: Vec<u8> = (0..text.len()).step_by(BLOCK).flat_map(block).collect();
    plain.truncate(plain.len() - usize::from(last[BLOCK - 1]));
    is_json(&plain) || base64(&plain).is_some_and(|plain| is_json(&plain))
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(text).is_ok()
}

/// PKCS #7.
fn is_padded(block: &[u8]) -> bool {
    let length = block.last().map_or(0, |&last| usize::from(last));
    (1..=BLOCK).contains(&length) && block[BLOCK - length..].iter().all(|&byte| usize::from(byte) == length)
}
