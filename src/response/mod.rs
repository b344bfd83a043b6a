//! The way out: hardening of the head, masks, and the one way to build a generic reply.

mod cookies;
mod headers;

pub use cookies::{CookiePolicy, CookieReport, CookieRules, HttpOnlyRule, SecureRule};
pub use headers::{HeaderPolicy, Removal, Setting, When};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// The head of a response. The reason phrase is never carried: it is always the canonical one.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// The status.
    pub status: StatusCode,
    /// The fields.
    pub headers: HeaderMap,
}

/// A whole response made by the proxy itself.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The fields, `Content-Length` included.
    pub headers: HeaderMap,
    /// The body; empty for HEAD, while `Content-Length` tells what GET would get.
    pub body: Bytes,
}
