//! Connections to the application: used again when that is safe, and never else.

use std::{
    io::{Read, Write},
    os::unix::net::UnixListener,
    thread,
};

use cofferdam::{server::ListenAddress, upstream::UpstreamAddress};

use crate::support::{
    cofferdam::Cofferdam,
    origin::{Act, Origin, answer},
};

#[test]
fn one_connection_serves_many_requests() {
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    for _ in 0..5 {
        assert_eq!(client.get("/").text(), "hello");
    }
    assert!(origin.asked().iter().all(|asked| asked.connection == 0));
    assert!(proxy.stop().contains("cofferdam_connections_total 1\n"));
}

/// Or the next client's request would count as that user's.
#[test]
fn a_connection_that_somebody_signed_in_on_is_not_used_again() {
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let proxy = Cofferdam::before(&origin);
    for credentials in ["NTLM TlRMTVNTUAADAAAA", "negotiate YIIKOgYGKwYBBQUCoIIKLjCC"] {
        let user = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {credentials}\r\n\r\n");
        for request in [user.as_str(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
            let mut client = proxy.client();
            client.send(request);
            assert_eq!(client.response().status, 200);
        }
    }
    // What nobody signed in on goes on to be used.
    assert_eq!(origin.asked().iter().map(|asked| asked.connection).collect::<Vec<_>>(), [0, 1, 1, 2]);
    drop(proxy);
}

/// What an application says to a method, and what of it nobody asked for.
fn surpluses() -> Vec<(&'static str, Vec<u8>)> {
    let (first, poison) = (answer("200 OK", "", "first"), answer("200 OK", "", "POISON"));
    let behind = |said: &[u8]| ("GET", [said, &poison].concat());
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n";
    let both = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n";
    vec![
        behind(&first),
        behind(b"HTTP/1.1 204 No Content\r\n\r\n"),
        behind(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        behind(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
        behind(chunked),
        behind(both),
        behind(&[&first[..], b"HTTP/1.1 103 Early Hints\r\n\r\n"].concat()),
        ("GET", [&first[..], b"\0"].concat()),
        ("GET", [&chunked[..], b"\r\n"].concat()),
        ("HEAD", [&b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n"[..], &poison].concat()),
    ]
}

/// 250 runs: 25 of each.
#[test]
fn a_connection_with_surplus_bytes_is_not_used_again() {
    let origin = Origin::start(|asked| {
        let poison = asked.path().strip_prefix("/poison/").map(|number| number.parse::<usize>().unwrap());
        vec![Act::Send(poison.map_or_else(|| answer("200 OK", "", "good"), |number| surpluses()[number].1.clone()))]
    });
    let proxy = Cofferdam::before(&origin);
    for (number, (method, _)) in surpluses().iter().enumerate() {
        for _ in 0..25 {
            let mut poisoner = proxy.client();
            poisoner.send(format!("{method} /poison/{number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
            let response = poisoner.response_to(method);
            assert_eq!(poisoner.rest().0, b"", "{response:?}");
            assert!(!response.text().contains("POISON"), "{response:?}");
            assert_eq!(proxy.client().get("/").text(), "good", "behind {response:?}");
        }
    }
}

#[test]
fn a_request_that_meets_a_closing_connection_is_sent_again() {
    let origin = Origin::start(|asked| match asked.path() {
        // Answered, and closed without a word before the next request is read.
        "/first" => vec![Act::Send(answer("200 OK", "", "first")), Act::Close],
        _ => vec![Act::Send(answer("200 OK", "", "second"))],
    });
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    for _ in 0..50 {
        assert_eq!(client.get("/first").text(), "first");
        assert_eq!(client.get("/second").text(), "second");
    }
}

#[test]
fn a_request_that_is_never_answered_is_not_sent_for_ever() {
    let origin = Origin::start(|_| vec![Act::Close]);
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    assert_eq!(client.get("/").status, 502);
    assert_eq!(origin.asked().len(), 1);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.response().status, 502);
    assert_eq!(origin.asked().len(), 2, "a request that may change something is sent once");
}

#[test]
fn an_application_that_is_not_there_is_a_502() {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let proxy = Cofferdam::at(UpstreamAddress::Tcp { host: "127.0.0.1".into(), port }, |_, _| {});
    assert_eq!(proxy.client().get("/").status, 502);
    assert!(proxy.stop().contains(r#"cofferdam_upstream_errors_total{fault="connect"} 1"#));
}

#[test]
fn both_sides_may_be_unix_sockets() {
    let directory = tempfile::tempdir().unwrap();
    let (inside, outside) = (directory.path().join("app.sock"), directory.path().join("proxy.sock"));
    let listener = UnixListener::bind(&inside).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).unwrap() > 0);
        stream.write_all(&answer("200 OK", "", "through the wall")).unwrap();
    });
    let listen = ListenAddress::Unix(outside.clone());
    let _proxy = Cofferdam::at(UpstreamAddress::Unix(inside), |settings, _| settings.listen = vec![listen]);
    let mut client = std::os::unix::net::UnixStream::connect(outside).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).unwrap();
    assert!(response.ends_with("through the wall"), "{response}");
}
