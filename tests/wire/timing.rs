//! Every wait has an end.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use cofferdam::exchange::Budget;

use crate::support::{
    client::{End, get},
    cofferdam::Cofferdam,
    origin::{Act, Origin, answer},
};

const SOON: Duration = Duration::from_millis(200);

#[test]
fn a_slow_head_is_not_waited_for() {
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let proxy = Cofferdam::with(&origin, |settings, _| settings.connections.head_timeout = SOON);
    let mut silent = proxy.client();
    assert_eq!(silent.rest(), (Vec::new(), End::Closed));
    let mut slow = proxy.client();
    assert_eq!(slow.get("/").text(), "hello");
    slow.send("GET / HTTP/1.1\r\nHos");
    let response = slow.response();
    assert_eq!((response.status, response.field("connection")), (408, Some("close")));
    assert_eq!(slow.rest(), (Vec::new(), End::Closed));
    assert!(proxy.stop().contains(r#"cofferdam_connection_abuses_total{reason="slow-head"} 2"#));
}

#[test]
fn an_idle_connection_is_closed() {
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let proxy = Cofferdam::with(&origin, |settings, _| settings.connections.idle_timeout = SOON);
    let mut client = proxy.client();
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(client.rest(), (Vec::new(), End::Closed));
}

#[test]
fn an_application_that_does_not_answer_is_a_504() {
    let (told, closed) = mpsc::channel();
    let origin = Origin::start(move |_| vec![Act::Closed(told.clone())]);
    let proxy = Cofferdam::with(&origin, |settings, _| settings.upstream.head_timeout = SOON);
    let mut client = proxy.client();
    assert_eq!(client.get("/").status, 504);
    closed.recv_timeout(crate::support::PATIENCE).unwrap();
    assert_eq!(client.get("/").status, 504, "the client's connection goes on");
}

#[test]
fn an_application_that_falls_silent_within_a_body_is_a_502() {
    let (_go, wait) = mpsc::channel();
    let wait = std::sync::Mutex::new(Some(wait));
    let origin = Origin::start(move |_| {
        let half = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf".to_vec();
        vec![Act::Send(half), Act::Await(wait.lock().unwrap().take().unwrap())]
    });
    let proxy = Cofferdam::with(&origin, |settings, route| {
        settings.upstream.body_timeout = SOON;
        route.inspect.quiet = Duration::from_secs(60);
    });
    assert_eq!(proxy.client().get("/").status, 502);
}

#[test]
fn a_client_that_stops_within_its_body_is_answered_408() {
    let origin = Origin::saying(answer("200 OK", "", "never"));
    let proxy = Cofferdam::with(&origin, |settings, _| settings.connections.body_timeout = SOON);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
    assert_eq!(client.response().status, 408);
    let counts = proxy.stop();
    assert!(counts.contains(r#"cofferdam_upstream_errors_total{fault="request-timeout"} 1"#));
    assert!(counts.contains(r#"reason="request-timeout""#));
}

#[test]
fn a_client_that_takes_nothing_is_given_up() {
    let (told, closed) = mpsc::channel();
    let origin = Origin::start(move |_| {
        vec![Act::Send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n".to_vec()), Act::Flood(vec![b'x'; 65536])]
            .into_iter()
            .chain([Act::Closed(told.clone())])
            .collect()
    });
    let proxy = Cofferdam::with(&origin, |settings, _| settings.connections.write_timeout = SOON);
    let mut client = proxy.client();
    client.send(get("/"));
    client.read_until(b"xxxx");
    closed.recv_timeout(crate::support::PATIENCE).unwrap();
    assert!(proxy.stop().contains(r#"cofferdam_connection_abuses_total{reason="slow-read"} 1"#));
}

/// Two bodies are held while their ends are awaited; there is memory for one.
#[test]
fn what_there_is_no_memory_for_is_a_503() {
    let (go, wait) = mpsc::channel();
    let wait = std::sync::Mutex::new(Some(wait));
    let origin = Origin::start(move |asked| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 50000\r\n\r\n";
        let body = "The market opens at nine.".repeat(2000);
        let (first, rest) = body.split_at(40_000);
        let begin = Act::Send(format!("{head}{first}").into_bytes());
        match asked.path() {
            "/held" => vec![begin, Act::Await(wait.lock().unwrap().take().unwrap()), Act::Send(rest.into())],
            _ => vec![Act::Send(format!("{head}{body}").into_bytes())],
        }
    });
    let proxy = Cofferdam::with(&origin, |settings, route| {
        settings.proxy.budget = Arc::new(Budget::new(100_000));
        route.inspect.quiet = Duration::from_secs(60);
    });
    let held = || String::from_utf8(proxy.service.metrics().render().unwrap()).unwrap();
    let mut first = proxy.client();
    first.send(get("/held"));
    while held().contains("cofferdam_held_bytes 0") {
        std::thread::yield_now();
    }
    let refused = proxy.client().get("/");
    assert_eq!((refused.status, refused.field("retry-after")), (503, Some("5")));
    go.send(()).unwrap();
    assert_eq!(first.response().body.len(), 50_000);
    assert_eq!(proxy.client().get("/").status, 200);
    let counts = proxy.stop();
    assert!(counts.contains(r#"reason="overloaded""#) && counts.contains("cofferdam_held_bytes 0"), "{counts}");
}
