//! Cookies of requests and responses as lines of text, for the tests of what is done to them.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{CookiePolicy, CookieRules};
use crate::cookies::{NamePattern, Prefix};

/// A head of these fields.
pub(super) fn fields(name: &HeaderName, values: &[&str]) -> HeaderMap {
    let field = |value: &&str| (name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    values.iter().map(field).collect()
}

/// The values of every field of a name, in order.
pub(super) fn lines(fields: &HeaderMap, name: &HeaderName) -> Vec<String> {
    fields.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

/// The default policy, but for `__Host-` before the names that `pattern` covers.
pub(super) fn with_prefix(pattern: &str) -> CookiePolicy {
    let rules = CookieRules { prefix: Some(Prefix::Host), ..CookieRules::default() };
    CookiePolicy { overrides: vec![(NamePattern::new(pattern), rules)], ..CookiePolicy::default() }
}
