//! What cannot be judged does not pass: each row of the table in ARCHITECTURE.md, by default and as a setting opens it.

use std::{fs, path::Path};

use cofferdam::{
    app::{Reload, Watched},
    coding::{Coding, Encoder},
    policy::{RoutePolicy, Unreadable, UpgradePolicy},
};

use crate::support::{
    client::End,
    cofferdam::Cofferdam,
    origin::{Act, Origin, answer},
};

fn encoded(coding: Coding, content: &[u8]) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(coding).unwrap(), Vec::new());
    encoder.push(content, &mut out).unwrap();
    encoder.finish(&mut out).unwrap();
    out
}

/// Text that gzip makes little smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b"abcdefghijklmnopqrstuvwxyz0123456789 \n"[(state >> 33) as usize % 38]
    };
    (0..length).map(|_| letter()).collect()
}

/// What a client gets of an answer, and what is counted.
fn seen(answer: &[u8], open: impl FnOnce(&mut RoutePolicy)) -> (u16, Vec<u8>, String) {
    let answer = answer.to_vec();
    let origin = Origin::start(move |_| vec![Act::Send(answer.clone()), Act::Close]);
    let proxy = Cofferdam::with(&origin, |_, route| open(route));
    let response = proxy.client().get("/");
    (response.status, response.body, proxy.stop())
}

/// By default a 500 under `unreadable`; with `open` the body as it is, counted as exempt.
fn refused_unless_opened(fields: &str, body: &[u8], open: impl FnOnce(&mut RoutePolicy)) {
    let answer = answer("200 OK", fields, body);
    let (status, _, counts) = seen(&answer, |_| {});
    assert_eq!(status, 500, "{fields}");
    assert!(counts.contains(r#"disposition="refused",mode="enforce",reason="unreadable""#), "{fields}: {counts}");
    let (status, passed, counts) = seen(&answer, open);
    assert_eq!((status, passed == body), (200, true), "{fields}");
    assert!(counts.contains(r#"disposition="exempt",mode="enforce",reason="undecodable""#), "{fields}: {counts}");
}

fn pass(route: &mut RoutePolicy) {
    route.inspect.unreadable = Unreadable::Pass;
}

#[test]
fn an_unknown_coding_is_refused() {
    refused_unless_opened("Content-Encoding: lzma\r\n", b"\x5d\0\0", pass);
    refused_unless_opened("Content-Encoding: gzip, gzip, gzip, gzip, gzip\r\n", b"\x1f\x8b\x08", pass);
}

#[test]
fn a_corrupt_body_is_refused() {
    let mut body = encoded(Coding::Gzip, &noise(5000));
    body[2000] ^= 0xff;
    refused_unless_opened("Content-Encoding: gzip\r\n", &body, pass);
}

#[test]
fn a_bomb_is_refused() {
    refused_unless_opened("Content-Encoding: br\r\n", &encoded(Coding::Brotli, &vec![b' '; 8 << 20]), pass);
}

#[test]
fn a_body_that_turns_out_corrupt_is_broken_off() {
    let mut body = encoded(Coding::Gzip, &noise(600_000));
    let checksum = body.len() - 8;
    body[checksum] ^= 0xff;
    let answer = answer("200 OK", "Content-Encoding: gzip\r\n", &body);
    let origin = Origin::saying(answer);
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (bytes, _) = client.rest();
    assert!(bytes.starts_with(b"HTTP/1.1 200 ") && bytes.len() < body.len());
    assert!(proxy.stop().contains(r#"disposition="refused",mode="enforce",reason="unreadable""#));
}

#[test]
fn an_unknown_charset_is_refused() {
    let answer = |body: &str| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=ebcdic-us\r\n";
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    assert_eq!(seen(&answer("text"), |_| {}).0, 500);
    let (status, body, counts) = seen(&answer("text"), pass);
    assert_eq!((status, body.as_slice()), (200, &b"text"[..]));
    assert!(counts.contains(r#"reason="undecodable""#));
}

#[test]
fn a_part_that_cannot_be_read_is_refused() {
    let body = "--b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n\r\n--b--\r\n";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=b\r\n";
    let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
    assert_eq!(seen(&answer, |_| {}).0, 500);
    let (status, passed, counts) = seen(&answer, pass);
    assert_eq!((status, passed.as_slice()), (200, body.as_bytes()));
    assert!(counts.contains(r#"reason="undecodable""#));
}

#[test]
fn a_part_of_a_body_that_nobody_asked_for_is_refused() {
    let part = answer("206 Partial Content", "Content-Range: bytes 0-3/10\r\n", "text");
    let (status, _, counts) = seen(&part, |_| {});
    assert_eq!(status, 500);
    assert!(counts.contains(r#"reason="unreadable""#));
    assert_eq!(seen(&part, |route| route.inspect.unasked_partial = Unreadable::Pass).0, 206);
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for_is_refused() {
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nLEAK";
    let (status, _, counts) = seen(switch, |_| {});
    assert_eq!(status, 502);
    assert!(counts.contains(r#"reason="upstream-malformed""#));
}

#[test]
fn a_protocol_that_cannot_be_read_is_refused() {
    for (policy, status, count) in [
        (UpgradePolicy::Inspect, 403, r#"disposition="refused",mode="enforce",reason="upgrade""#),
        (UpgradePolicy::Tunnel, 101, r#"disposition="exempt",mode="enforce",reason="tunnel""#),
    ] {
        let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n";
        let origin = Origin::start(move |_| vec![Act::Send(switch.into()), Act::Close]);
        let proxy = Cofferdam::with(&origin, |_, route| route.upgrades = policy);
        let mut client = proxy.client();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
        assert_eq!(client.response().status, status);
        drop(client);
        let counts = proxy.stop();
        assert!(counts.contains(count), "{counts}");
    }
}

#[test]
fn an_unknown_transfer_coding_is_refused() {
    for coding in ["xchunked", "gzip, chunked", "chunked, identity", "chunked\r\nContent-Length: 4"] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n4\r\nLEAK\r\n0\r\n\r\n");
        let (status, _, counts) = seen(answer.as_bytes(), |_| {});
        assert_eq!(status, 502, "{coding}");
        assert!(counts.contains(r#"reason="upstream-malformed""#), "{coding}");
    }
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let large = answer("200 OK", &format!("X-Large: {}\r\n", "a".repeat(70_000)), "text");
    let origin = Origin::saying(large);
    for (most, status) in [(64 * 1024, 502), (128 * 1024, 200)] {
        let proxy = Cofferdam::with(&origin, |settings, _| settings.upstream.max_head = most);
        assert_eq!(proxy.client().get("/").status, status);
        assert_eq!(proxy.stop().contains(r#"reason="upstream-malformed""#), status == 502);
    }
}

#[test]
fn a_message_that_cannot_be_read_ends_its_connection() {
    for (frame, code) in [(&[0x82, 127, 0, 0, 0, 0, 0, 0x20, 0, 0][..], 1009_u16), (&[0xb1, 1, b'a'], 1002)] {
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
        let sent = [&switch[..], frame].concat();
        let origin = Origin::start(move |_| vec![Act::Send(sent.clone()), Act::Echo]);
        for policy in [UpgradePolicy::Inspect, UpgradePolicy::Tunnel] {
            let proxy = Cofferdam::with(&origin, |_, route| route.upgrades = policy);
            let mut client = proxy.client();
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
            assert_eq!(client.response().status, 101);
            if policy == UpgradePolicy::Inspect {
                let (close, end) = client.rest();
                assert_eq!((close, end), ([&[0x88, 2], &code.to_be_bytes()[..]].concat(), End::Closed));
                assert!(proxy.stop().contains(r#"disposition="severed""#));
            } else {
                assert_eq!(client.read_exact(frame.len()), frame);
            }
        }
    }
}

#[test]
fn an_engine_that_does_not_load_is_not_used() {
    let leak = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE6tBoKiPjMnSw\n";
    let origin = Origin::saying(answer("200 OK", "", format!("The market opens at nine. {leak}")));
    let proxy = Cofferdam::before(&origin);
    let fails = || -> Result<cofferdam::engine::Engine, _> { Err(std::io::Error::other("no such file").into()) };
    proxy.service.renew(&mut Reload { load: Box::new(fails), watched: Watched::new(|| None) });
    assert!(proxy.client().get("/").text().contains("[redacted:private-key]"));
    assert!(proxy.stop().contains(r#"cofferdam_engine_reloads_total{result="refused"} 1"#));
}

/// The last column of the table names the tests; each of them exists.
#[test]
fn every_row_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let table = architecture.split("## What cannot be judged").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() >= 16, "{rows:?}");
    let mut sources = String::new();
    let mut folders = vec![root.join("src"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.extension() {
                _ if entry.is_dir() => folders.push(entry),
                Some(ending) if ending == "rs" => sources.push_str(&fs::read_to_string(entry).unwrap()),
                _ => {}
            }
        }
    }
    for row in rows {
        let test = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap().trim().trim_matches('`');
        assert!(!test.is_empty() && sources.contains(&format!("fn {test}(")), "{row}");
    }
}
