//! What must not wait does not wait.

use std::sync::{Mutex, mpsc};

use cofferdam::{incident::Mode, policy::UpgradePolicy};

use crate::support::{
    client::End,
    cofferdam::Cofferdam,
    origin::{Act, Origin},
};

const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

fn chunk(text: &str) -> Act {
    Act::Send(format!("{:x}\r\n{text}\r\n", text.len()).into_bytes())
}

#[test]
fn each_event_leaves_before_the_next_is_there() {
    let (go, wait) = mpsc::channel();
    let waits = Mutex::new(Some(wait));
    let origin = Origin::start(move |_| {
        let wait = waits.lock().unwrap().take().unwrap();
        let head = Act::Send(EVENTS.as_bytes().to_vec());
        let last = Act::Send(b"0\r\n\r\n".to_vec());
        vec![head, chunk("data: one\n\n"), Act::Await(wait), chunk("data: two\n\n"), last]
    });
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.read_until(b"data: one\n\n");
    go.send(()).unwrap();
    client.read_until(b"data: two\n\n");
    client.read_until(b"0\r\n\r\n");
}

#[test]
fn a_silent_body_is_judged_by_what_is_there() {
    let (go, wait) = mpsc::channel();
    let waits = Mutex::new(Some(wait));
    let origin = Origin::start(move |_| {
        let wait = waits.lock().unwrap().take().unwrap();
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let first = "Working on it, please wait.\n".repeat(1500);
        vec![Act::Send(head), chunk(&first), Act::Await(wait), chunk("done\n"), Act::Send(b"0\r\n\r\n".to_vec())]
    });
    let proxy = Cofferdam::with(&origin, |_, route| route.inspect.quiet = std::time::Duration::from_millis(100));
    let mut client = proxy.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.read_until(b"Working on it");
    go.send(()).unwrap();
    client.read_until(b"done\n");
    client.read_until(b"0\r\n\r\n");
}

/// Words of an answer that is made as it is sent; each is awaited before the next is there.
#[test]
fn words_leave_in_the_pauses_of_an_answer() {
    for media_type in ["text/plain", "text/markdown", "application/json"] {
        let (go, wait) = mpsc::channel();
        let waits = Mutex::new(Some(wait));
        let origin = Origin::start(move |_| {
            let wait = waits.lock().unwrap().take().unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n");
            let last = Act::Send(b"0\r\n\r\n".to_vec());
            vec![Act::Send(head.into_bytes()), chunk("Hello, wor"), Act::Await(wait), chunk("ld!"), last]
        });
        // Nothing but a pause lets it out.
        let proxy = Cofferdam::with(&origin, |_, route| route.inspect.quiet = std::time::Duration::from_secs(600));
        let mut client = proxy.client();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        client.read_until(b"Hello, ");
        go.send(()).unwrap();
        client.read_until(b"world!");
        client.read_until(b"0\r\n\r\n");
    }
}

fn upgrade(policy: UpgradePolicy) -> (Origin, Cofferdam) {
    let origin = Origin::start(|_| {
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nwelcome";
        vec![Act::Send(head.as_bytes().to_vec()), Act::Echo]
    });
    let proxy = Cofferdam::with(&origin, |_, route| route.upgrades = policy);
    (origin, proxy)
}

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

#[test]
fn a_tunnel_carries_bytes_both_ways_to_the_end() {
    let (_origin, proxy) = upgrade(UpgradePolicy::Tunnel);
    let mut client = proxy.client();
    client.send(format!("{UPGRADE}early"));
    let response = client.response();
    assert_eq!((response.status, response.field("upgrade")), (101, Some("echo")));
    assert_eq!(client.read_exact(12), b"welcomeearly");
    let megabyte = vec![b'x'; 1 << 20];
    for piece in megabyte.chunks(4096) {
        client.send(piece);
        assert_eq!(client.read_exact(piece.len()), piece);
    }
    client.end();
    assert_eq!(client.rest(), (Vec::new(), End::Closed));
    assert!(proxy.stop().contains(r#"{disposition="exempt",mode="enforce",reason="tunnel",route="default"} 1"#));
}

#[test]
fn an_upgrade_that_may_not_pass_is_refused() {
    let (origin, proxy) = upgrade(UpgradePolicy::Refuse);
    let mut client = proxy.client();
    client.send(UPGRADE);
    assert_eq!(client.response().status, 403);
    assert!(origin.asked().is_empty());
}

/// "Hello" as the specification compresses it (RFC 7692 section 7.2.3.1), then a private key in a stored block.
fn compressed_messages() -> Vec<u8> {
    let key = b"k -----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE\n";
    let size = u8::try_from(key.len()).unwrap();
    let block = [&[0, size, 0, !size, 0xff], &key[..], &[0]].concat();
    [&[0xc1, 7, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], &[0xc1, block.len() as u8][..], &block].concat()
}

/// The client is told of no compression, so it gets frames as if there were none.
#[test]
fn a_websocket_server_that_compresses_unasked_is_read() {
    let origin = Origin::start(|_| {
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        vec![Act::Send([head.as_bytes(), &compressed_messages()].concat()), Act::Echo]
    });
    for (mode, compressed) in [(Mode::Enforce, false), (Mode::Observe, true)] {
        let proxy = Cofferdam::with(&origin, |_, route| route.inspect.mode = mode);
        let mut client = proxy.client();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
        let response = client.response();
        assert_eq!(response.status, 101);
        assert_eq!(response.field("sec-websocket-extensions").is_some(), compressed);
        if compressed {
            let sent = compressed_messages();
            assert_eq!(client.read_exact(sent.len()), sent);
        } else {
            assert_eq!(client.read_exact(7), b"\x81\x05Hello");
            let text = client.read_until(b"[redacted:private-key]");
            assert!(!text.windows(4).any(|window| window == b"MIIE"));
        }
    }
}
