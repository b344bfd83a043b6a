//! `Set-Cookie` and `Cookie` (RFC 6265bis): parsed and printed, byte-preserving for what is not changed.

mod pattern;
mod rules;

pub use pattern::NamePattern;
pub use rules::{Domain, Prefix, Rules, SameSite, SameSiteRule};
