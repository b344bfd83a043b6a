//! Limits on the request head.

use http::Method;

use crate::incident::Mode;

/// Which methods are let in. `TRACE` and `CONNECT` never are.
#[derive(Clone, Debug)]
pub struct MethodPolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// The methods let in; empty lets in all.
    pub allowed: Vec<Method>,
}

/// How large a request head may be.
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
    /// The most bytes of a body that says its length; none is no limit.
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
