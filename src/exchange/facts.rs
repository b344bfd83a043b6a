//! What is known about an exchange from outside it. No bodies.

use std::net::IpAddr;

use crate::incident::IncidentId;
pub use crate::{request::RequestHead, response::ResponseHead};

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
