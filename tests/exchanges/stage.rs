//! An engine without rules, and exchanges under it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use cofferdam::{
    engine::Engine,
    exchange::{Exchange, Facts},
    incident::{FingerprintKey, IncidentId, Seed},
    policy::{RoutePolicy, RouteTable},
    request::{Peer, RequestHead},
    scan::Ruleset,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header};

/// One policy for everything.
pub(crate) fn engine(policy: RoutePolicy) -> Engine {
    let mut engine = Engine::with_rules(Ruleset::compile(Vec::new()).unwrap(), FingerprintKey::new([1; 32]));
    engine.routes = RouteTable::new(Vec::new(), Arc::new(policy));
    engine
}

/// Of a visitor who comes by TLS, at this time since the start.
pub(crate) fn exchange(engine: &Arc<Engine>, clock: Duration) -> Exchange {
    let facts = Facts {
        incident_id: IncidentId::from_random([0; 12]),
        peer: Peer { address: IpAddr::from([192, 0, 2, 1]), tls: true },
        now: 0,
        clock,
        seed: Seed::from_random([7; 32]),
    };
    Exchange::new(engine.clone(), facts)
}

/// A head of these fields.
pub(crate) fn fields(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
    pairs.iter().map(field).collect()
}

/// A request to `localhost` with these fields.
pub(crate) fn request(method: Method, path: &'static str, pairs: &[(&'static str, &str)]) -> RequestHead {
    let mut headers = fields(pairs);
    headers.insert(header::HOST, HeaderValue::from_static("localhost"));
    RequestHead { method, uri: Uri::from_static(path), version: Version::HTTP_11, headers }
}
