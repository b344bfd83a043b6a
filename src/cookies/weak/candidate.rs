//! What is worth a test: values that look signed, taken off the head of a message.

use std::fmt;

use crate::cookies::{SetCookie, pairs};

/// A value to be tested in the background.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The cookie's name; `Authorization` for a token from there.
    pub name: Box<[u8]>,
    /// The value.
    pub value: Box<[u8]>,
    /// The value of the cookie `<name>.sig` beside it.
    pub signature: Option<Box<[u8]>>,
    /// Whether the application set it; what a client sends may be a forgery.
    pub set: bool,
}

/// Longer values are not tested: no browser keeps them in a cookie.
pub const VALUE_MAX: usize = 4096;

/// Candidates taken off one message.
const CANDIDATES_MAX: usize = 8;

/// No signature fits into less: 20 bytes in base64.
const VALUE_MIN: usize = 27;

impl Candidate {
    /// The candidates of a request: `cookie` are its `Cookie` fields, `authorization` its credentials. Costs a few
    /// comparisons per cookie where nothing looks signed.
    pub fn of_request<'a>(cookie: impl Iterator<Item = &'a [u8]>, authorization: Option<&'a [u8]>) -> Vec<Self> {
        let cookies: Vec<(&[u8], &[u8])> = cookie.flat_map(pairs).map(|pair| (pair.name, pair.value)).collect();
        let mut candidates = among(&cookies, false);
        let token = authorization.and_then(bearer).filter(|token| is_worth(token));
        candidates.extend(token.map(|token| Self::new(b"Authorization", token, None, false)));
        candidates
    }

    /// The candidates of a response: its `Set-Cookie` fields.
    pub fn of_response<'a>(set_cookie: impl Iterator<Item = &'a [u8]>) -> Vec<Self> {
        let cookies = set_cookie.filter_map(SetCookie::parse).map(|cookie| (cookie.name(), cookie.value()));
        among(&cookies.collect::<Vec<_>>(), true)
    }

    /// Runs the test.
    pub fn test(&self, keys: &super::KeyList, now: u64) -> Option<super::WeakKey> {
        super::test(&self.name, &self.value, self.signature.as_deref(), keys, now)
    }

    fn new(name: &[u8], value: &[u8], signature: Option<&[u8]>, set: bool) -> Self {
        Self { name: name.into(), value: value.into(), signature: signature.map(Into::into), set }
    }
}

/// Names may be looked at; values are secrets.
impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate").field("name", &String::from_utf8_lossy(&self.name)).finish_non_exhaustive()
    }
}

fn among(cookies: &[(&[u8], &[u8])], set: bool) -> Vec<Candidate> {
    let signature = |name: &[u8]| {
        let named = cookies.iter().find(|(other, _)| other.strip_suffix(b".sig") == Some(name));
        named.map(|(_, signature)| *signature).filter(|signature| signature.len() <= VALUE_MAX)
    };
    let worth = cookies.iter().filter(|(name, _)| !name.ends_with(b".sig")).filter_map(|(name, value)| {
        let signature = signature(name);
        let wanted = value.len() <= VALUE_MAX && (signature.is_some() || is_worth(value));
        wanted.then(|| Candidate::new(name, value, signature, set))
    });
    worth.take(CANDIDATES_MAX).collect()
}

/// Whether a value may be signed or encrypted: long enough, and a separator or nothing but base64 in it.
fn is_worth(value: &[u8]) -> bool {
    let separator = |byte: &u8| matches!(byte, b'.' | b':' | b'|' | b'%');
    let text = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/' | b'=');
    (VALUE_MIN..=VALUE_MAX).contains(&value.len())
        && (value.iter().any(separator)
            || value.windows(2).any(|pair| pair == b"--")
            || (value.len() >= 40 && value.iter().all(text)))
}

/// The token of `Bearer <token>` (RFC 6750); schemes know no case.
fn bearer(credentials: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = credentials.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}
