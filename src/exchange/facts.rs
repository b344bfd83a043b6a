//! What is known about an exchange from outside it. No bodies.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header, uri::PathAndQuery};

use crate::{
    incident::{Excerpt, IncidentId, Seed},
    policy::Target,
    request::{Peer, RequestHead, Upgrade},
    response::Wanted,
};

/// What the shell tells the exchange about its surroundings.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The id that the client's error page and the operator's log share.
    pub incident_id: IncidentId,
    /// Who connected, and whether over TLS.
    pub peer: Peer,
    /// Seconds since the Unix epoch.
    pub now: u64,
    /// A clock that never goes back, since any moment that is the same for all exchanges; for rates.
    pub clock: Duration,
    /// Where nonces come from: 32 fresh random bytes for every exchange, from which what is needed is derived.
    pub seed: Seed,
}

/// The fields that tell in which format an error is wanted.
const FORMAT_FIELDS: [HeaderName; 4] = [
    header::ACCEPT,
    header::CONTENT_TYPE,
    HeaderName::from_static("sec-fetch-dest"),
    HeaderName::from_static("x-requested-with"),
];

/// What must be remembered of the request until its response is over.
#[derive(Clone, Debug)]
pub(super) struct RequestNote {
    pub(super) method: Method,
    /// Without the query, which may hold secrets.
    pub(super) path: Excerpt,
    /// What is asked for, with its query.
    whole_path: Option<PathAndQuery>,
    /// The client names copies that it has.
    pub(super) is_conditional: bool,
    /// The host the client asked for, with its port: in the target, else by `Host`.
    host: Option<HeaderValue>,
    /// Where the page is from that asks.
    pub(super) origin: Option<HeaderValue>,
    /// The codings the client reads.
    pub(super) accept_encoding: Option<HeaderValue>,
    /// Whether the client wants to switch protocols.
    pub(super) upgrade: Upgrade,
    /// Values of [`FORMAT_FIELDS`].
    format: [Option<HeaderValue>; 4],
}

impl Default for RequestNote {
    fn default() -> Self {
        Self {
            method: Method::GET,
            path: Excerpt::from_masked(""),
            whole_path: None,
            is_conditional: false,
            host: None,
            origin: None,
            accept_encoding: None,
            upgrade: Upgrade::Drop,
            format: [const { None }; 4],
        }
    }
}

impl RequestNote {
    pub(super) fn of(head: &RequestHead) -> Self {
        let mut note = Self {
            method: head.method.clone(),
            path: Excerpt::from_masked(head.uri.path()),
            whole_path: head.uri.path_and_query().cloned(),
            is_conditional: false,
            host: head.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()),
            origin: None,
            accept_encoding: None,
            upgrade: Upgrade::Drop,
            format: [const { None }; 4],
        };
        // One look at each field is cheaper than asking the map for each name. Of several the first counts.
        for (name, value) in &head.headers {
            if let Some(place) = note.place_of(name) {
                place.get_or_insert_with(|| value.clone());
            } else if *name == header::UPGRADE {
                note.upgrade = Upgrade::wanted(&head.headers);
            } else if *name == header::IF_NONE_MATCH || *name == header::IF_MODIFIED_SINCE {
                note.is_conditional = true;
            }
        }
        note
    }

    /// Where the value of this field is remembered.
    fn place_of(&mut self, name: &HeaderName) -> Option<&mut Option<HeaderValue>> {
        match *name {
            header::HOST => Some(&mut self.host),
            header::ORIGIN => Some(&mut self.origin),
            header::ACCEPT_ENCODING => Some(&mut self.accept_encoding),
            _ => FORMAT_FIELDS.iter().position(|known| name == known).map(|at| &mut self.format[at]),
        }
    }

    /// The host the client asked for, without port.
    pub(super) fn host(&self) -> &str {
        let host = self.host.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }
    }

    /// What the client asked for, as copies of it are known by.
    pub(super) fn target(&self) -> Target {
        Target::of(self.host(), self.whole_path.as_ref().map_or("", PathAndQuery::as_str))
    }

    /// In which format the client wants an error, given what the upstream answered.
    pub(super) fn wanted(&self, upstream: Option<&HeaderMap>) -> Wanted {
        let fields = FORMAT_FIELDS.into_iter().zip(&self.format);
        let fields: HeaderMap = fields.filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        Wanted::by(&self.method, &fields, upstream)
    }
}
