//! Broken ends look broken, and the service itself ends well.

use std::{net::TcpStream, sync::Mutex, sync::mpsc, thread, time::Duration};

use crate::support::{
    PATIENCE,
    client::{End, get},
    cofferdam::Cofferdam,
    origin::{Act, Origin, answer},
};

const TEXT: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

/// Announces more than it sends.
fn truncated(sent: usize) -> Origin {
    let head = format!("{TEXT}Content-Length: 10000000\r\n\r\n");
    let answer = [head.into_bytes(), b"All is well so far. ".repeat(sent / 20)].concat();
    Origin::start(move |_| vec![Act::Send(answer.clone()), Act::Close])
}

#[test]
fn a_short_body_that_breaks_off_arrives_broken_off() {
    let origin = truncated(400);
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send(get("/"));
    let head = String::from_utf8(client.read_until(b"\r\n\r\n")).unwrap();
    assert!(head.contains("content-length: 10000000\r\n") && !head.contains("chunked"), "{head}");
    assert_eq!(client.rest().0.len(), 400, "less than announced");
    let counts = proxy.stop();
    assert!(counts.contains(r#"disposition="truncated""#), "{counts}");
}

#[test]
fn a_long_body_that_breaks_off_never_ends_cleanly() {
    let origin = truncated(400_000);
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send(get("/"));
    let (bytes, _) = client.rest();
    assert!(bytes.len() < 500_000 && !bytes.ends_with(b"0\r\n\r\n"));
}

#[test]
fn an_old_client_can_tell_a_body_that_breaks_off() {
    let head = format!("{TEXT}Transfer-Encoding: chunked\r\n\r\n40000\r\n");
    let broken = [head.into_bytes(), b"All is well so far.\n".repeat(10_000)].concat();
    let origin = Origin::start(move |_| vec![Act::Send(broken.clone()), Act::Close]);
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    let (_, end) = client.rest();
    assert_eq!(end, End::Reset);
}

#[test]
fn a_client_that_goes_away_frees_the_application() {
    for answered in [false, true] {
        let (told, closed) = mpsc::channel();
        let told = Mutex::new(told);
        let origin = Origin::start(move |_| {
            let begun = format!("{TEXT}Content-Type: text/event-stream\r\n\r\ndata: x\n\n").replacen(
                "text/plain",
                "text/event-stream",
                1,
            );
            let begun = if answered { begun.into_bytes() } else { Vec::new() };
            vec![Act::Send(begun), Act::Closed(told.lock().unwrap().clone())]
        });
        let proxy = Cofferdam::before(&origin);
        let mut client = proxy.client();
        client.send(get("/"));
        while origin.asked().is_empty() {
            thread::yield_now();
        }
        if answered {
            client.read_until(b"\r\n\r\n");
        }
        drop(client);
        closed.recv_timeout(PATIENCE).unwrap();
        let counts = proxy.stop();
        assert!(counts.contains(r#"disposition="cancelled""#), "{counts}");
    }
}

#[test]
fn a_service_that_stops_lets_exchanges_end_and_accepts_no_more() {
    let (go, wait) = mpsc::channel();
    let wait = Mutex::new(Some(wait));
    let origin = Origin::start(move |asked| match asked.path() {
        "/slow" => vec![Act::Await(wait.lock().unwrap().take().unwrap()), Act::Send(answer("200 OK", "", "finished"))],
        _ => vec![Act::Send(answer("200 OK", "", "quick"))],
    });
    let proxy = Cofferdam::before(&origin);
    let address = proxy.address();
    let (mut idle, mut busy) = (proxy.client(), proxy.client());
    assert_eq!(idle.get("/").text(), "quick");
    busy.send(get("/slow"));
    while origin.asked().len() < 2 {
        thread::yield_now();
    }
    let stopping = thread::spawn(move || proxy.stop());
    assert_eq!(idle.rest(), (Vec::new(), End::Closed));
    while TcpStream::connect(address).is_ok() {
        thread::yield_now();
    }
    go.send(()).unwrap();
    let response = busy.response();
    assert_eq!((response.text(), response.field("connection")), ("finished", Some("close")));
    assert_eq!(busy.rest(), (Vec::new(), End::Closed));
    assert!(stopping.join().unwrap().contains("cofferdam_connections 0\n"));
}

#[test]
fn a_service_that_stops_does_not_wait_for_ever() {
    let (told, closed) = mpsc::channel();
    let told = Mutex::new(told);
    let origin = Origin::start(move |_| vec![Act::Closed(told.lock().unwrap().clone())]);
    let proxy = Cofferdam::with(&origin, |settings, _| settings.drain_timeout = Duration::from_millis(200));
    let mut client = proxy.client();
    client.send(get("/"));
    while origin.asked().is_empty() {
        thread::yield_now();
    }
    proxy.stop();
    closed.recv_timeout(PATIENCE).unwrap();
}
