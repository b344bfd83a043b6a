//! Sealed cookies through whole exchanges: what a browser and an application see of each other's cookies.

use std::{sync::Arc, time::Duration};

use cofferdam::{
    cookies::{
        NamePattern,
        seal::{KeyRing, generate, key_line},
    },
    engine::Engine,
    exchange::{HeadVerdict, Outcome, RequestVerdict},
    incident::Mode,
    policy::RoutePolicy,
    response::{ResponseHead, SealPolicy},
};
use http::{Method, StatusCode, header};

use super::stage::{engine, exchange, fields, request};

/// A replica with this key file.
fn replica(keys: &str) -> Arc<Engine> {
    let sealing = SealPolicy {
        mode: Mode::Enforce,
        cookies: vec![NamePattern::new("session")],
        except: Vec::new(),
        audience: "shop".into(),
        accept_unsealed_until: None,
        keys: Arc::new(KeyRing::parse("keys", keys).unwrap()),
        max_bytes: 4096,
    };
    Arc::new(engine(RoutePolicy { sealing: Some(Arc::new(sealing)), ..RoutePolicy::default() }))
}

/// The cookies that the application sees, the ones that the browser sees, and how it ended.
fn visit(engine: &Arc<Engine>, sent: &str, set: &str, status: StatusCode) -> (String, String, Outcome) {
    let mut exchange = exchange(engine, Duration::ZERO);
    let mut request = request(Method::GET, "/", &[("cookie", sent)]);
    assert!(matches!(exchange.on_request(&mut request), RequestVerdict::Forward));
    let seen = request.headers.get(header::COOKIE).map_or("", |value| value.to_str().unwrap()).to_owned();
    let answer = ResponseHead::new(status, fields(&[("set-cookie", set)]));
    let HeadVerdict::Pass(head) = exchange.on_response_head(answer) else { panic!() };
    let given = head.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    (seen, given, exchange.finish())
}

fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().unwrap()
}

fn random(fill: u8) -> [u8; 36] {
    std::array::from_fn(|at| fill ^ u8::try_from(at).unwrap())
}

#[test]
fn a_session_survives_another_replica_and_a_rotation_and_the_browser_cannot_read_it() {
    let (old, new) = (generate(&random(1)), key_line(&random(2)));
    let (_, given, outcome) = visit(&replica(&old), "a=1", "session=user-7; Path=/", StatusCode::NO_CONTENT);
    assert!(pair(&given).starts_with("session=cf1.") && !given.contains("user-7"));
    assert!(given.contains("; Path=/") && given.contains("HttpOnly") && given.contains("Secure"));
    assert_eq!(outcome.sealing.sealed, 1);
    for keys in [old.clone(), format!("{old}{new}"), format!("{new}{old}")] {
        let sent = format!("{}; a=1", pair(&given));
        let (seen, _, outcome) = visit(&replica(&keys), &sent, "b=1", StatusCode::NO_CONTENT);
        assert_eq!((seen.as_str(), outcome.sealing.opened), ("session=user-7; a=1", 1));
    }
    let (seen, _, outcome) = visit(&replica(&new), pair(&given), "b=1", StatusCode::NO_CONTENT);
    assert_eq!((seen.as_str(), outcome.sealing.unknown_key), ("", 1));
}

#[test]
fn a_cookie_forged_with_the_applications_own_key_is_no_error_and_no_session() {
    let engine = replica(&generate(&random(1)));
    let (seen, given, outcome) = visit(&engine, "session=forged; a=1", "session=fresh", StatusCode::NOT_MODIFIED);
    assert_eq!((seen.as_str(), outcome.sealing.unsealed_dropped), ("a=1", 1));
    assert!(pair(&given).starts_with("session=cf1."), "the application's new session takes its place");
}
