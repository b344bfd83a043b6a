//! Signatures made with keys that anyone can look up, unsigned tokens, and tokens that live too long.
//!
//! Everything here is work for a background thread: [`Candidate::of_request`], [`Candidate::of_response`] and
//! [`Seen::is_due`] are all that the hot path calls. A signature is recomputed under every key of a [`KeyList`] in
//! every way the frameworks' defaults know; the sizes of values and lists bound that work.

mod candidate;
mod digest;
mod jwt;
mod keys;
mod laravel;
mod node;
mod python;
mod ruby;
mod seen;
#[cfg(test)]
mod tests;

pub use candidate::{Candidate, VALUE_MAX};
pub use keys::{KeyList, KeyListError, KnownKey, Scope};
pub use seen::Seen;

use std::{borrow::Cow, sync::Arc};

use crate::incident::{Category, Excerpt, Incident, RuleHit, Severity};

/// What a route tests its cookies and tokens by.
#[derive(Debug)]
pub struct Watch {
    /// What was tested already.
    pub seen: Seen,
    /// What is known.
    pub keys: Arc<KeyList>,
}

/// What one exchange carried that is to be tested. Whoever tests it needs nothing else.
#[derive(Debug)]
pub struct SignedValues {
    /// The values; never none.
    pub candidates: Vec<Candidate>,
    /// What they are tested by.
    pub keys: Arc<KeyList>,
    /// The incident that a weak one makes of the exchange, without rules.
    pub incident: Incident,
}

/// What is wrong with a cookie or token, and never the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeakKey {
    /// Whose format it is.
    pub framework: &'static str,
    /// What is wrong.
    pub weakness: Weakness,
}

/// What is wrong with a cookie or token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Signed or encrypted with a known key: anyone can make one.
    KnownKey {
        /// The line of the key in its list.
        key_id: u32,
    },
    /// A token that says that it bears no signature (`alg: none`).
    Unsigned,
    /// A token that is good for longer than the limit.
    LongLived {
        /// For how many days; none for one without an end.
        days: Option<u64>,
    },
}

/// Tests one value. `signature` is the value of the cookie `<name>.sig` beside it, where there is one; `now` in
/// seconds since the Unix epoch. Takes milliseconds; the first cookie of Rails takes longer, as its keys are derived
/// then, once for the list.
pub fn test(name: &[u8], value: &[u8], signature: Option<&[u8]>, keys: &KeyList, now: u64) -> Option<WeakKey> {
    if value.len() > VALUE_MAX || name.len() > VALUE_MAX {
        return None;
    }
    if let Some(signature) = signature {
        return node::keygrip(name, value, signature, keys);
    }
    let value = &*percent_decoded(unquoted(value));
    jwt::test(value, keys, now)
        .or_else(|| node::cookie_signature(value, keys))
        .or_else(|| python::test(name, value, keys))
        .or_else(|| ruby::test(value, keys))
        .or_else(|| laravel::test(value, keys))
        .or_else(|| node::egg_encrypted(name, value, keys))
}

impl WeakKey {
    /// The entry of an incident for the cookie (or `Authorization`) called `name`: high severity, no key. `set` is
    /// whether the application set it; what a client sends may also be an attempt.
    pub fn hit(&self, name: &[u8], set: bool) -> RuleHit {
        let name = Excerpt::from_masked(&String::from_utf8_lossy(&name[..name.len().min(64)]));
        RuleHit {
            rule: self.rule(),
            category: Category::Secret,
            severity: self.weakness.severity(),
            count: 1,
            advice: self.advice(name.as_str(), set),
            fingerprints: Vec::new(),
        }
    }

    /// The name of the rule, e.g. `weak-key-flask`.
    pub fn rule(&self) -> String {
        format!("weak-{}-{}", self.weakness.as_str(), self.framework)
    }

    fn advice(&self, name: &str, set: bool) -> String {
        let advice = self.weakness.advice(self.framework, name);
        match set {
            true => advice,
            false => {
                format!("{advice} (seen in a request: unless the application accepts it, somebody tries a forgery)")
            }
        }
    }

    fn known(framework: &'static str, key: &KnownKey) -> Self {
        Self { framework, weakness: Weakness::KnownKey { key_id: key.line() } }
    }
}

impl Weakness {
    fn as_str(self) -> &'static str {
        match self {
            Self::KnownKey { .. } => "key",
            Self::Unsigned => "unsigned",
            Self::LongLived { .. } => "lifetime",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::KnownKey { .. } | Self::Unsigned => Severity::High,
            Self::LongLived { .. } => Severity::Medium,
        }
    }

    fn advice(self, framework: &str, name: &str) -> String {
        match self {
            Self::KnownKey { .. } => format!(
                "`{name}` ({framework}) is signed or encrypted with a key from public documentation: anyone can forge \
                 it; put a random key in its place, which ends all sessions"
            ),
            Self::Unsigned => {
                format!("`{name}` is a token without a signature: anyone can make one; refuse `alg: none`")
            }
            Self::LongLived { days: Some(days) } => {
                format!("`{name}` is a token good for {days} days; issue shorter ones")
            }
            Self::LongLived { days: None } => format!("`{name}` is a token without an end; give it an `exp`"),
        }
    }
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

fn percent_decoded(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'%') {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        let code = (byte == b'%').then(|| tail.get(..2)).flatten().and_then(hex_byte);
        out.push(code.unwrap_or(byte));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    Cow::Owned(out)
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |&digit: &u8| char::from(digit).to_digit(16);
    let (high, low) = (digits.first().and_then(digit)?, digits.get(1).and_then(digit)?);
    u8::try_from(high << 4 | low).ok()
}

/// Hexadecimal digits; `None` for anything else.
fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(hex_byte).collect()).flatten()
}

/// Base64 of either alphabet, with or without padding.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    use base64::{
        Engine, alphabet,
        engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    };
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    let standard: Vec<u8> = text
        .iter()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            &byte => byte,
        })
        .collect();
    STANDARD.decode(standard).ok()
}

/// Splits at the last `separator`.
fn rsplit(value: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = value.iter().rposition(|&byte| byte == separator)?;
    Some((&value[..at], &value[at + 1..]))
}
