//! Laravel's encrypted cookies.

use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag, aead::AeadInPlace};
use serde::Deserialize;

use super::{KeyList, Scope, WeakKey, base64, digest::Digest, hex};

/// What stands in the value, in base64. The parts are base64 themselves, `mac` hexadecimal.
#[derive(Deserialize)]
struct Envelope {
    iv: String,
    value: String,
    #[serde(default)]
    mac: String,
    #[serde(default)]
    tag: String,
}

/// AES-CBC with HMAC-SHA-256 over the vector and text under the very same key, or AES-256-GCM where a tag is given.
pub(super) fn test(value: &[u8], keys: &KeyList) -> Option<WeakKey> {
    // `{"iv":` in base64.
    let envelope = base64(value).filter(|_| value.starts_with(b"eyJpdiI6"))?;
    let envelope: Envelope = serde_json::from_slice(&envelope).ok()?;
    let key = match hex(envelope.mac.as_bytes()).filter(|mac| mac.len() == 32) {
        Some(mac) => {
            let parts = [envelope.iv.as_bytes(), envelope.value.as_bytes()];
            keys.of(Scope::Laravel).find(|key| Digest::Sha256.hmac(key.bytes(), &parts) == mac)
        }
        None => {
            let sealed = envelope.sealed()?;
            keys.of(Scope::Laravel).find(|key| sealed.opens(key.bytes()))
        }
    };
    Some(WeakKey::known("laravel", key?))
}

struct Sealed {
    nonce: Vec<u8>,
    text: Vec<u8>,
    tag: Vec<u8>,
}

impl Envelope {
    fn sealed(&self) -> Option<Sealed> {
        let nonce = base64(self.iv.as_bytes()).filter(|nonce| nonce.len() == 12)?;
        let tag = base64(self.tag.as_bytes()).filter(|tag| tag.len() == 16)?;
        Some(Sealed { nonce, text: base64(self.value.as_bytes())?, tag })
    }
}

impl Sealed {
    fn opens(&self, key: &[u8]) -> bool {
        let Ok(cipher) = Aes256Gcm::new_from_slice(key) else { return false };
        let (nonce, tag) = (Nonce::from_slice(&self.nonce), Tag::from_slice(&self.tag));
        cipher.decrypt_in_place_detached(nonce, b"", &mut self.text.clone(), tag).is_ok()
    }
}
