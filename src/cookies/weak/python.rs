//! itsdangerous (Flask, Starlette, Flask-Login's remember cookie) and Django's signing.

use super::{KeyList, Scope, WeakKey, base64, digest::Digest, hex, rsplit};

pub(super) fn test(name: &[u8], value: &[u8], keys: &KeyList) -> Option<WeakKey> {
    itsdangerous(value, keys).or_else(|| django(name, value, keys)).or_else(|| remember(value, keys))
}

/// Flask's session first, then the defaults of the library's classes.
const SALTS: [&[u8]; 3] = [b"cookie-session", b"itsdangerous.Signer", b"itsdangerous"];

/// `payload.signature` or `payload.timestamp.signature`; the digest is known by its length.
fn itsdangerous(value: &[u8], keys: &KeyList) -> Option<WeakKey> {
    let (message, signature) = rsplit(value, b'.')?;
    let signature = base64(signature)?;
    let digest = Digest::of_length(signature.len())?;
    let signs = |key: &[u8]| digest.hmac(key, &[message]) == signature;
    let derived = |key: &[u8], salt: &[u8]| {
        signs(&digest.hmac(key, &[salt]))
            || signs(&digest.hash(&[salt, b"signer", key]))
            || signs(&digest.hash(&[salt, key]))
    };
    let mut known = keys.of(Scope::Flask);
    let key = known.find(|key| SALTS.iter().any(|salt| derived(key.bytes(), salt)) || signs(key.bytes()))?;
    Some(WeakKey::known("flask", key))
}

/// `payload:timestamp:signature`, by SHA-1 before version 3.1 of Django and SHA-256 since.
fn django(name: &[u8], value: &[u8], keys: &KeyList) -> Option<WeakKey> {
    let (message, signature) = rsplit(value, b':')?;
    let signature = base64(signature)?;
    let digest = Digest::of_length(signature.len())?;
    let salts = django_salts(name);
    let signs = |prefix: &[u8], salt: &[u8], key: &[u8]| {
        digest.hmac(&digest.hash(&[salt, b"signer", prefix, key]), &[message]) == signature
    };
    let key = keys.of(Scope::Django).find(|key| {
        salts.iter().any(|salt| signs(b"", salt, key.bytes()) || signs(b"django.http.cookies", salt, key.bytes()))
    })?;
    Some(WeakKey::known("django", key))
}

/// Sessions in cookies, messages, `set_signed_cookie` (its salt is the cookie's name, since 2026 with a version before
/// it), and the defaults of `signing`'s functions and classes.
fn django_salts(name: &[u8]) -> [Vec<u8>; 7] {
    [
        b"django.contrib.sessions.backends.signed_cookies".to_vec(),
        b"django.contrib.messages".to_vec(),
        name.to_vec(),
        [b"django.http.cookies.v2:0:", name].concat(),
        b"django.core.signing".to_vec(),
        b"django.core.signing.TimestampSigner".to_vec(),
        b"django.core.signing.Signer".to_vec(),
    ]
}

/// Flask-Login: `user|HMAC-SHA-512` in hexadecimal.
fn remember(value: &[u8], keys: &KeyList) -> Option<WeakKey> {
    let (user, signature) = rsplit(value, b'|')?;
    let signature = hex(signature).filter(|signature| signature.len() == 64)?;
    let key = keys.of(Scope::Flask).find(|key| Digest::Sha512.hmac(key.bytes(), &[user]) == signature)?;
    Some(WeakKey::known("flask-login", key))
}
