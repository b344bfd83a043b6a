//! `Set-Cookie` and `Cookie` (RFC 6265bis): parsed and printed, byte-preserving for what is not changed.
//!
//! A browser reads `Set-Cookie` by section 5.6, whatever section 4.1 asks of servers; so that is the reading
//! here: what a browser would ignore is no attribute, what it would take is one, whatever its spelling.

mod date;
mod disguise;
mod enforce;
mod pairs;
mod pattern;
mod rules;
pub mod seal;
mod set_cookie;
mod shown;
pub mod weak;

pub use disguise::Disguise;
pub use pairs::{Edit, Pair, pairs, rewrite};
pub use pattern::NamePattern;
pub use rules::{Domain, Prefix, Rules, SameSite, SameSiteRule, is_attribute_value};
pub use set_cookie::SetCookie;

/// Without the spaces and tabs at either end, the only white space RFC 6265bis knows.
fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = bytes.iter().position(|byte| !blank(byte)) else { return &[] };
    let end = bytes.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Splits at the first `=`, both sides trimmed; without one there is no name (RFC 6265bis section 5.6 step 3).
fn split_pair(pair: &[u8]) -> (&[u8], &[u8]) {
    match pair.iter().position(|&byte| byte == b'=') {
        Some(at) => (trim(&pair[..at]), trim(&pair[at + 1..])),
        None => (&[], trim(pair)),
    }
}
