//! What is known about an exchange from outside it. No bodies.

use std::net::IpAddr;

use http::{Method, header};

use crate::{
    incident::{Excerpt, IncidentId},
    request::{Connection, RequestHead},
    response::Accepts,
};

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

impl Facts {
    pub(super) fn connection(&self) -> Connection {
        Connection { peer: self.peer, tls: self.tls }
    }
}

/// What must be remembered of the request until its response is over.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestNote {
    pub(super) method: Method,
    /// Without the query, which may hold secrets.
    pub(super) path: Excerpt,
    host: Box<str>,
    /// The client wants to switch protocols.
    pub(super) upgrade: bool,
    /// The fields that say in which format an error is wanted.
    pub(super) accepts: Accepts,
}

impl RequestNote {
    pub(super) fn of(head: &RequestHead) -> Self {
        Self {
            method: head.method.clone(),
            path: Excerpt::from_masked(head.uri.path()),
            host: host(head).into(),
            upgrade: head.headers.contains_key(header::UPGRADE),
            accepts: Accepts::of(head),
        }
    }

    /// The host the client asked for, without port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }
}

fn host(head: &RequestHead) -> &str {
    let authority = head.uri.authority().map(http::uri::Authority::as_str);
    let field = head.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = authority.or(field).unwrap_or_default();
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
