//! Messages arrive as they were sent, whatever their framing.

use std::sync::Arc;

use cofferdam::incident::Mode;

use crate::support::{
    client::get,
    cofferdam::Cofferdam,
    origin::{Act, Origin, answer},
};

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = Origin::start(|asked| vec![Act::Send(answer("200 OK", "", asked.path()))]);
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send([get("/one"), get("/two"), get("/three")].concat());
    for path in ["/one", "/two", "/three"] {
        assert_eq!(client.response().text(), path);
    }
}

#[test]
fn a_chunked_request_body_arrives_whole_whatever_the_method() {
    for method in ["POST", "GET", "DELETE"] {
        let origin = Origin::saying(answer("200 OK", "", "done"));
        let proxy = Cofferdam::before(&origin);
        let mut client = proxy.client();
        client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"));
        client.send("2\r\nde\r\n0\r\n\r\n");
        assert_eq!(client.response().text(), "done");
        let body = String::from_utf8(origin.asked()[0].body.clone()).unwrap();
        let letters: String = body.chars().filter(|c| c.is_ascii_lowercase()).collect();
        assert_eq!(letters, "abcde", "{method}");
    }
}

#[test]
fn a_request_body_with_a_length_keeps_it() {
    let origin = Origin::saying(answer("200 OK", "", "done"));
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.response().status, 200);
    let asked = &origin.asked()[0];
    assert_eq!(asked.body, b"hello");
    assert!(!asked.head.to_ascii_lowercase().contains("transfer-encoding"));
}

#[test]
fn a_chunked_response_arrives_whole() {
    let origin = Origin::saying(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n\
         5;note=\"ignored\"\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    );
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    for _ in 0..2 {
        assert_eq!(client.get("/").text(), "hello world");
    }
    assert_eq!(origin.asked()[1].connection, 0);
}

#[test]
fn a_response_that_ends_by_closing_arrives_whole() {
    let origin = Origin::start(|_| {
        vec![Act::Send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello".to_vec()), Act::Close]
    });
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn large_bodies_arrive_byte_for_byte_with_and_without_a_length() {
    let body: Vec<u8> = (0..3_000_000_u32).map(|i| b"abcdefghijklmnopqrstuvwxyz \n"[(i % 28) as usize]).collect();
    let sized = answer("200 OK", "", &body);
    let chunk = format!("{:x}\r\n", body.len());
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = [head.as_bytes(), chunk.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    for answer in [sized, chunked] {
        let origin = Origin::saying(answer);
        let proxy = Cofferdam::before(&origin);
        let mut client = proxy.client();
        for _ in 0..2 {
            assert!(client.get("/").body == body);
        }
        let counts = proxy.stop();
        assert!(
            counts.contains(r#"{disposition="inspected-clean",mode="enforce",reason="",route="default"} 2"#),
            "{counts}"
        );
    }
}

#[test]
fn responses_without_a_body_end_with_their_head() {
    let origin = Origin::start(|asked| {
        vec![Act::Send(match asked.path() {
            "/204" => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            "/304" => b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n".to_vec(),
            "/head" => b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12345\r\n\r\n".to_vec(),
            _ => answer("200 OK", "", "body"),
        })]
    });
    let proxy = Cofferdam::with(&origin, |_, route| route.inspect.whole_heads = false);
    let mut client = proxy.client();
    assert_eq!(client.get("/204").status, 204);
    assert_eq!(client.get("/304").field("etag"), Some("\"a\""));
    client.send("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response_to("HEAD").field("content-length"), Some("12345"));
    assert_eq!(client.get("/").text(), "body");
    assert!(origin.asked().iter().all(|asked| asked.connection == 0), "one connection serves them all");
    let counts = proxy.stop();
    assert!(counts.contains(r#"{disposition="exempt",mode="enforce",reason="no-body",route="default"} 3"#), "{counts}");
}

#[test]
fn an_expectation_is_met_before_the_body_is_sent() {
    let origin = Origin::saying(answer("200 OK", "", "thanks"));
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(client.response().status, 100);
    client.send("hello");
    assert_eq!(client.response().text(), "thanks");
    assert_eq!(origin.asked()[0].body, b"hello");
}

#[test]
fn trailers_reach_a_client_that_takes_them() {
    let origin = Origin::saying(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTrailer: Expires\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n0\r\nExpires: never\r\n\r\n",
    );
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: te\r\n\r\n");
    let response = client.response();
    assert_eq!(response.text(), "hello");
    assert!(response.trailers.is_empty() || response.trailers.to_ascii_lowercase().contains("expires: never"));
    assert_eq!(client.get("/").text(), "hello", "the connection goes on behind them");
}

#[test]
fn an_old_client_is_answered_without_chunks() {
    let origin = Origin::saying(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    let response = client.response();
    assert_eq!(response.field("transfer-encoding"), None);
    assert_eq!(response.text(), "hello");
}

#[test]
fn an_absolute_target_never_chooses_the_server() {
    let origin = Origin::saying(answer("200 OK", "", "here"));
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send("GET http://elsewhere.example/x?y HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n");
    assert_eq!(client.response().text(), "here");
    assert!(origin.asked()[0].head.starts_with("GET /x?y HTTP/1.1\r\n"));
}

/// The status line of what the client gets for an application's, with `headers.mode` and `inspect.mode` as given.
fn status_line(application: &str, hardening: Mode, inspection: Mode) -> String {
    let origin = Origin::saying(format!("{application}\r\nContent-Length: 2\r\n\r\nok"));
    let proxy = Cofferdam::with(&origin, move |_, route| {
        Arc::make_mut(&mut route.headers).mode = hardening;
        route.inspect.mode = inspection;
    });
    proxy.client().get("/").head.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_reason_phrase_is_the_statuses_own() {
    for phrase in ["All is well", "KeyError", ""] {
        let line = status_line(&format!("HTTP/1.1 500 {phrase}"), Mode::Enforce, Mode::Enforce);
        assert_eq!(line, "HTTP/1.1 500 Internal Server Error");
    }
}

#[test]
fn a_reason_phrase_passes_where_fields_are_only_observed() {
    for hardening in [Mode::Off, Mode::Observe] {
        let line = status_line("HTTP/1.1 200 All is well", hardening, Mode::Enforce);
        assert_eq!(line, "HTTP/1.1 200 All is well");
    }
}

#[test]
fn a_reason_phrase_that_leaks_passes_only_where_leaks_are_only_observed() {
    let leak = "HTTP/1.1 500 postgres://app:kR7vT2mQ9x@db.corp.internal/app";
    for hardening in [Mode::Off, Mode::Observe, Mode::Enforce] {
        assert_eq!(status_line(leak, hardening, Mode::Enforce), "HTTP/1.1 500 Internal Server Error");
    }
    assert_eq!(status_line(leak, Mode::Observe, Mode::Observe), leak);
}
