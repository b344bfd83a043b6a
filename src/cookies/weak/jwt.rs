//! JSON Web Tokens (RFC 7519) signed with a shared key, with none, or for too long.

use serde::Deserialize;

use super::{KeyList, Scope, WeakKey, Weakness, base64, digest::Digest, rsplit};

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// Dates in seconds since the Unix epoch, which may have fractions.
#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
    iat: Option<f64>,
    nbf: Option<f64>,
}

pub(super) fn test(value: &[u8], keys: &KeyList, now: u64) -> Option<WeakKey> {
    let (message, signature) = rsplit(value, b'.').filter(|_| value.starts_with(b"ey"))?;
    let (header, claims) = rsplit(message, b'.')?;
    let header: Header = serde_json::from_slice(&base64(header)?).ok()?;
    let claims: Claims = serde_json::from_slice(&base64(claims)?).ok()?;
    let finding = |weakness| Some(WeakKey { framework: "jwt", weakness });
    let digest = match header.alg.to_ascii_lowercase().as_str() {
        "none" => return finding(Weakness::Unsigned),
        "hs256" => Some(Digest::Sha256),
        "hs384" => Some(Digest::Sha384),
        "hs512" => Some(Digest::Sha512),
        _ => None,
    };
    let signature = base64(signature)?;
    let signs = |digest: Digest, key: &[u8]| digest.hmac(key, &[message]) == signature;
    if let Some(key) = digest.and_then(|digest| keys.of(Scope::Jwt).find(|key| signs(digest, key.bytes()))) {
        return Some(WeakKey::known("jwt", key));
    }
    claims.too_long(keys.lifetime_days?, now).and_then(finding)
}

impl Claims {
    fn too_long(&self, most: u64, now: u64) -> Option<Weakness> {
        #[expect(clippy::cast_precision_loss, reason = "dates and limits are far below 2^53")]
        let (now, most) = (now as f64, most as f64);
        let Some(end) = self.exp else { return Some(Weakness::LongLived { days: None }) };
        let days = (end - self.iat.or(self.nbf).unwrap_or(now)) / 86_400.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        let weakness = Weakness::LongLived { days: Some(days as u64) };
        (days > most).then_some(weakness)
    }
}
