//! Rate limits and lock-out through whole exchanges.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its case has failed")]

use std::{net::IpAddr, sync::Arc, time::Duration};

use cofferdam::{
    engine::Engine,
    exchange::{Exchange, Facts, RequestVerdict},
    incident::{Disposition, FingerprintKey, HashKey, IncidentId, Mode, Refusal, Seed},
    policy::{RoutePolicy, RouteTable},
    request::{
        GuardPolicy, Peer, RequestHead,
        rate::{RatePolicy, RateTables},
    },
    response::{Reply, ResponseHead},
    scan::Ruleset,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};

fn engine() -> Arc<Engine> {
    let key = HashKey::from_random([1; 16]);
    let mut rate = RatePolicy::new(&RateTables::new(1 << 14, key));
    (rate.anonymous.mode, rate.lockout.mode) = (Mode::Enforce, Mode::Enforce);
    let guard = Arc::new(GuardPolicy { rate: Some(Arc::new(rate)), ..GuardPolicy::default() });
    let policy = RoutePolicy { guard, ..RoutePolicy::default() };
    let mut engine = Engine::with_rules(Ruleset::compile(Vec::new()).unwrap(), FingerprintKey::new([1; 32]));
    engine.routes = RouteTable::new(Vec::new(), Arc::new(policy));
    Arc::new(engine)
}

/// One request at this second; the reply of the proxy, if it refused.
fn visit(engine: &Arc<Engine>, method: Method, path: &'static str, second: u64, answer: u16) -> Option<Reply> {
    let facts = Facts {
        incident_id: IncidentId::from_random([0; 12]),
        peer: Peer { address: IpAddr::from([192, 0, 2, 1]), tls: true },
        now: 0,
        clock: Duration::from_secs(second),
        seed: Seed::from_random([7; 32]),
    };
    let mut exchange = Exchange::new(engine.clone(), facts);
    let headers = [(header::HOST, HeaderValue::from_static("localhost"))].into_iter().collect();
    let mut request = RequestHead { method, uri: Uri::from_static(path), version: Version::HTTP_11, headers };
    if let RequestVerdict::Refuse(reply) = exchange.on_request(&mut request) {
        assert_eq!(exchange.finish().disposition, Disposition::Refused(Refusal::RateLimit));
        return Some(reply);
    }
    let status = StatusCode::from_u16(answer).unwrap();
    exchange.on_response_head(ResponseHead::new(status, HeaderMap::new()));
    None
}

#[test]
fn a_client_beyond_the_limit_is_told_when_to_come_again() {
    let engine = engine();
    for _ in 0..20 {
        assert!(visit(&engine, Method::GET, "/", 100, 204).is_none());
    }
    let reply = visit(&engine, Method::GET, "/", 100, 204).unwrap();
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    for (name, value) in
        [("retry-after", "3"), ("ratelimit-policy", "\"anonymous\";q=20;w=60"), ("ratelimit", "\"anonymous\";r=0;t=3")]
    {
        assert_eq!(reply.headers[name], value);
    }
    assert!(visit(&engine, Method::GET, "/", 103, 204).is_none());
}

#[test]
fn guessing_passwords_locks_out_and_leaves_the_rest_open() {
    let engine = engine();
    for _ in 0..6 {
        assert!(visit(&engine, Method::POST, "/login", 100, 401).is_none());
    }
    let reply = visit(&engine, Method::POST, "/login", 100, 401).unwrap();
    assert_eq!(reply.headers[header::RETRY_AFTER], "30");
    assert!(visit(&engine, Method::GET, "/", 100, 200).is_none());
    assert!(visit(&engine, Method::POST, "/login", 130, 303).is_none());
    assert!(visit(&engine, Method::POST, "/login", 131, 401).is_none());
}
