//! Rate limits and lock-out through whole exchanges.

use std::{sync::Arc, time::Duration};

use cofferdam::{
    engine::Engine,
    exchange::RequestVerdict,
    incident::{Disposition, HashKey, Mode, Refusal},
    policy::RoutePolicy,
    request::{
        GuardPolicy,
        rate::{RatePolicy, RateTables},
    },
    response::{Reply, ResponseHead},
};
use http::{HeaderMap, Method, StatusCode, header};

use super::stage::{exchange, request};

fn engine() -> Arc<Engine> {
    let mut rate = RatePolicy::new(&RateTables::new(1 << 14, HashKey::from_random([1; 16])));
    (rate.anonymous.mode, rate.lockout.mode) = (Mode::Enforce, Mode::Enforce);
    let guard = Arc::new(GuardPolicy { rate: Some(Arc::new(rate)), ..GuardPolicy::default() });
    Arc::new(super::stage::engine(RoutePolicy { guard, ..RoutePolicy::default() }))
}

/// One request at this second; the reply of the proxy, if it refused.
fn visit(engine: &Arc<Engine>, method: Method, path: &'static str, second: u64, answer: u16) -> Option<Reply> {
    let mut exchange = exchange(engine, Duration::from_secs(second));
    if let RequestVerdict::Refuse(reply) = exchange.on_request(&mut request(method, path, &[])) {
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
