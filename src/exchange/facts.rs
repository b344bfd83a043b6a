//! What is known about an exchange from outside it. No bodies.

use std::net::IpAddr;

use http::{HeaderMap, Method, StatusCode, Uri, Version};

use crate::incident::IncidentId;

/// What the shell tells the exchange about its surroundings.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The id that the client's error page and the operator's log share.
    pub incident_id: IncidentId,
    /// The address of the peer that connected.
    pub peer: IpAddr,
    /// Whether the peer's side of the connection is TLS.
    pub tls: bool,
    /// Seconds since the Unix epoch.
    pub now: u64,
}

/// The head of a request, as the upstream will see it once judged.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The target: origin form or absolute form as received; origin form once judged.
    pub uri: Uri,
    /// The version the client spoke.
    pub version: Version,
    /// The fields.
    pub headers: HeaderMap,
}

/// The head of a response. The reason phrase is never carried: it is always the canonical one.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// The status.
    pub status: StatusCode,
    /// The fields.
    pub headers: HeaderMap,
}
