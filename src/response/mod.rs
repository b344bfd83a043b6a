//! The way out: hardening of the head, masks, and the one way to build a generic reply.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Compiled header settings of a route.
#[derive(Clone, Debug, Default)]
pub struct HeaderPolicy {}

/// Compiled cookie settings of a route.
#[derive(Clone, Debug, Default)]
pub struct CookiePolicy {}

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
