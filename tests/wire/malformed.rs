//! What is not acceptable HTTP goes no further, in either direction.

use std::sync::Arc;

use cofferdam::{
    incident::Mode,
    request::{GuardPolicy, LimitPolicy},
};

use crate::support::{
    client::End,
    cofferdam::Cofferdam,
    origin::{Act, Origin, answer},
};

/// Each answer is a 502 of our own; nothing of it is forwarded, and its connection is not used again.
#[test]
fn malformed_answers_become_502() {
    let large = format!("HTTP/1.1 200 OK\r\nX-Large: {}\r\nContent-Length: 4\r\n\r\nLEAK", "a".repeat(65536));
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 4\r\n\r\nLEAK", "X-Many: a\r\n".repeat(1000));
    for malformed in [
        "LEAK LEAK LEAK\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\nLEAK",
        "HTTP/1.1 LEAK OK\r\n\r\n",
        "LEAK without any head",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nLEAK",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nLEAK",
        "HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n\r\nLEAK",
        "HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nLEAK",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nLEAK\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nLEAK\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nLEAK\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nLEAK\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Folded: a\r\n LEAK\r\nContent-Length: 4\r\n\r\nLEAK",
        "HTTP/1.1 200 OK\r\nBad Name: a\r\nContent-Length: 4\r\n\r\nLEAK",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: LEAK\r\nConnection: upgrade\r\n\r\nLEAK",
        &large,
        &many,
    ] {
        let malformed = malformed.to_owned();
        let name: String = malformed.chars().take(80).collect();
        let origin = Origin::start(move |asked| match asked.path() {
            "/bad" => vec![Act::Send(malformed.clone().into_bytes()), Act::Close],
            _ => vec![Act::Send(answer("200 OK", "", "good"))],
        });
        let proxy = Cofferdam::before(&origin);
        let mut client = proxy.client();
        let response = client.get("/bad");
        assert_eq!(response.status, 502, "{name:?}");
        assert!(!format!("{}{}", response.head, response.text()).contains("LEAK"), "{name:?}");
        assert_eq!(client.get("/good").text(), "good", "{name:?}");
        let asked = origin.asked();
        assert_ne!(asked[0].connection, asked.last().unwrap().connection, "{name:?}");
        let counts = proxy.stop();
        assert!(counts.contains(r#"disposition="refused""#), "{counts}");
    }
}

#[test]
fn a_thousand_interim_answers_are_dropped() {
    let flood = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(1000);
    let origin = Origin::saying([flood.into_bytes(), answer("200 OK", "", "at last")].concat());
    let proxy = Cofferdam::before(&origin);
    assert_eq!(proxy.client().get("/").text(), "at last");
}

#[test]
fn interim_answers_without_end_are_refused() {
    let origin = Origin::start(|_| vec![Act::Flood(b"HTTP/1.1 102 Processing\r\n\r\n".repeat(100))]);
    let proxy = Cofferdam::before(&origin);
    assert_eq!(proxy.client().get("/").status, 502);
}

/// Each request is answered with a page of ours and its connection closed; the application never hears of it.
#[test]
fn malformed_requests_are_answered_and_closed() {
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Large: {}\r\n\r\n", "a".repeat(70_000));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(65_600));
    for (request, status) in [
        ("GARBAGE\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nBad Name: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX-Folded: a\r\n b\r\n\r\n", 400),
        ("GET / HTTP/3.7\r\nHost: a\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nab", 400),
        (&large, 431),
        (&long, 431),
    ] {
        let origin = Origin::saying(answer("200 OK", "", "never"));
        let proxy = Cofferdam::before(&origin);
        let mut client = proxy.client();
        client.try_send(request);
        let response = client.response();
        assert_eq!(response.status, status, "{request:.60}");
        assert_eq!(response.field("connection"), Some("close"), "{request:.60}");
        let id = response.field("incident-id").unwrap().to_owned();
        assert!(response.text().contains(&id), "{request:.60}");
        assert_eq!(response.head.matches("content-length").count(), 1, "{}", response.head);
        assert_eq!(client.rest(), (Vec::new(), End::Closed), "{request:.60}");
        assert!(origin.asked().is_empty(), "{request:.60}");
        assert!(proxy.stop().contains("cofferdam_connection_abuses_total{reason="));
    }
}

/// What looks like the answer that is taken back is only taken back when it is.
#[test]
fn an_empty_400_of_the_application_arrives() {
    for fields in ["", "Connection: close\r\n"] {
        let answer = format!("HTTP/1.1 400 Bad Request\r\n{fields}Content-Length: 0\r\n\r\n");
        let origin = Origin::saying(answer.into_bytes());
        let proxy = Cofferdam::before(&origin);
        let mut client = proxy.client();
        for _ in 0..3 {
            let response = client.get("/");
            assert_eq!((response.status, response.body.len()), (400, 0));
            assert!(response.field("incident-id").is_none());
        }
        client.end();
        assert_eq!(client.rest(), (Vec::new(), End::Closed));
    }
}

/// A body in chunks has no length to be judged by: it is counted as it comes.
#[test]
fn a_body_in_chunks_that_becomes_too_long_is_a_413() {
    for (mode, status) in [(Mode::Enforce, 413), (Mode::Observe, 200), (Mode::Off, 200)] {
        let origin = Origin::saying(answer("200 OK", "", "taken"));
        let proxy = Cofferdam::with(&origin, |_, route| {
            let limits = LimitPolicy { mode, body_bytes: Some(10), ..LimitPolicy::default() };
            route.guard = Arc::new(GuardPolicy { limits, ..GuardPolicy::default() });
        });
        let post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut client = proxy.client();
        client.send(format!("{post}a\r\n0123456789\r\n0\r\n\r\n"));
        assert_eq!(client.response().status, 200);
        client.send(format!("{post}a\r\n0123456789\r\n1\r\na\r\n0\r\n\r\n"));
        assert_eq!(client.response().status, status, "{mode:?}");
        assert_eq!(origin.asked().len(), if status == 413 { 1 } else { 2 }, "never to its end");
        let objections = proxy.stop().matches(r#"reason="too-large""#).count();
        assert_eq!(objections > 0, mode != Mode::Off, "{mode:?}");
    }
}

#[test]
fn a_request_without_host_is_refused() {
    let origin = Origin::saying(answer("200 OK", "", "never"));
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.response().status, 400);
    assert!(origin.asked().is_empty());
}

#[test]
fn bytes_that_are_no_request_behind_a_request_end_the_connection() {
    let origin = Origin::saying(answer("200 OK", "", "one"));
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n\0\0\0\0\r\n\r\n");
    assert_eq!(client.response().text(), "one");
    let response = client.response();
    assert_eq!(response.status, 400);
    assert!(response.field("incident-id").is_some() && !response.body.is_empty());
    assert_eq!(client.rest(), (Vec::new(), End::Closed));
    assert_eq!(origin.asked().len(), 1);
}
