//! Limits on the request head.

use http::{Method, StatusCode, header};

use super::{Objection, RequestHead};
use crate::incident::{Mode, Refusal};

/// Which methods are let in. `TRACE` and `CONNECT` never are.
#[derive(Clone, Debug)]
pub struct MethodPolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The methods let in; empty lets in all.
    pub allowed: Vec<Method>,
}

/// How large a request may be.
#[derive(Clone, Copy, Debug)]
pub struct LimitPolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The most header fields.
    pub header_count: usize,
    /// The most bytes of all names and values together.
    pub header_bytes: usize,
    /// The most bytes of the request target.
    pub target_bytes: usize,
    /// The most bytes of a body; none is no limit. One that does not say its length is counted as it comes.
    pub body_bytes: Option<u64>,
}

impl Default for MethodPolicy {
    fn default() -> Self {
        Self { mode: Mode::Enforce, allowed: Vec::new() }
    }
}

/// 8 KiB of target is what RFC 9112 section 3 asks every server to take; 100 fields and 32 KiB are what the common
/// application servers accept themselves.
impl Default for LimitPolicy {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            header_count: 100,
            header_bytes: 32 * 1024,
            target_bytes: 8 * 1024,
            body_bytes: None,
        }
    }
}

impl LimitPolicy {
    /// The limit on a body that is counted as it comes, and whether it is enforced; none where nothing is counted.
    pub fn counted_body(&self) -> Option<(u64, bool)> {
        let most = self.body_bytes.filter(|_| self.mode != Mode::Off)?;
        Some((most, self.mode == Mode::Enforce))
    }
}

/// The objection to a body that became longer than allowed.
pub(super) fn body() -> Objection {
    Objection::new(Refusal::TooLarge, StatusCode::PAYLOAD_TOO_LARGE)
}

pub(super) fn method(head: &RequestHead, policy: &MethodPolicy) -> Result<(), Objection> {
    if policy.allowed.is_empty() || policy.allowed.contains(&head.method) {
        return Ok(());
    }
    Err(Objection::new(Refusal::Method, StatusCode::METHOD_NOT_ALLOWED))
}

pub(super) fn size(head: &RequestHead, policy: &LimitPolicy) -> Result<(), Objection> {
    let objection = if target_bytes(head) > policy.target_bytes {
        StatusCode::URI_TOO_LONG
    } else if head.headers.len() > policy.header_count || header_bytes(head) > policy.header_bytes {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    } else if policy.body_bytes.is_some_and(|most| content_length(head).is_some_and(|length| length > most)) {
        StatusCode::PAYLOAD_TOO_LARGE
    } else {
        return Ok(());
    };
    Err(Objection::new(Refusal::TooLarge, objection))
}

fn target_bytes(head: &RequestHead) -> usize {
    let scheme = head.uri.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
    let authority = head.uri.authority().map_or(0, |authority| authority.as_str().len());
    scheme + authority + head.uri.path_and_query().map_or(0, |path| path.as_str().len())
}

fn header_bytes(head: &RequestHead) -> usize {
    head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// A length too large for an integer is too large for any limit.
fn content_length(head: &RequestHead) -> Option<u64> {
    let length = head.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?;
    Some(length.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::head_with;

    fn status(head: &RequestHead, policy: &LimitPolicy) -> u16 {
        size(head, policy).err().map_or(200, |objection| objection.status.as_u16())
    }

    #[test]
    fn limits_hold_to_the_byte() {
        let policy = LimitPolicy {
            header_count: 2,
            header_bytes: 10,
            target_bytes: 5,
            body_bytes: Some(3),
            ..LimitPolicy::default()
        };
        for (target, fields, wanted) in [
            ("/1234", &[("host", "123456")][..], 200),
            ("/12345", &[], 414),
            ("/", &[("host", "1234567")], 431),
            ("/", &[("a", "1"), ("a", "1"), ("a", "1")], 431),
            ("/", &[("host", "")], 200),
        ] {
            assert_eq!(status(&head_with("GET", target, fields), &policy), wanted, "{target} {fields:?}");
        }
        let policy = LimitPolicy { header_bytes: 99, ..policy };
        for (length, wanted) in [("3", 200), ("4", 413), ("99999999999999999999999", 413)] {
            assert_eq!(status(&head_with("POST", "/", &[("content-length", length)]), &policy), wanted);
        }
    }

    #[test]
    fn methods_are_all_let_in_unless_listed() {
        let head = head_with("PROPFIND", "/", &[]);
        assert!(method(&head, &MethodPolicy::default()).is_ok());
        let listed = MethodPolicy { allowed: vec![Method::GET], ..MethodPolicy::default() };
        assert_eq!(method(&head, &listed).unwrap_err().status, StatusCode::METHOD_NOT_ALLOWED);
    }
}
