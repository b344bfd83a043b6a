//! Bodies that decode to gigabytes: the memory of the process stays what it was, however many clients ask for them.
//!
//! Ignored by itself; `tests/run --all` runs it with an optimised build in `MEASURED_BINARY`. Without that the test's own
//! build is measured, which takes a minute for two clients. With it there are 32, and the bombs come in small pieces as
//! well, so that their heads leave and all that the limits allow is decoded.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set up its case has failed")]

#[path = "support/process.rs"]
mod process;
#[path = "support/mod.rs"]
#[expect(dead_code, reason = "the wire tests need more of it")]
mod support;

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use cofferdam::coding::{Coding, Encoder};

use self::{
    process::{Process, measured},
    support::origin::{Act, Origin, answer},
};

fn clients() -> usize {
    if measured().is_some() { 32 } else { 2 }
}

const PATIENCE: Duration = Duration::from_secs(300);

/// By how much the process may grow, in KiB.
const RISE_MAX: u64 = 16 * 1024;

/// Bytes that one piece of a bomb decodes to. 160 of them are 10 GiB.
const PIECE: usize = 64 << 20;

fn encoded(coding: Coding, content: &[u8]) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(coding).unwrap(), Vec::new());
    content.chunks(1 << 20).for_each(|chunk| encoder.push(chunk, &mut out).unwrap());
    encoder.finish(&mut out).unwrap();
    out
}

/// As small as gzip gets it: 1030 to 1.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Names, and what is answered. gzip and zstd go on after the end of a member or frame.
fn bombs() -> Vec<(String, Vec<u8>)> {
    let zeros = vec![0; PIECE];
    let member = gzip(&zeros);
    let bodies = [
        ("gzip, gzip", gzip(&member.repeat(160))),
        ("gzip", member.repeat(160)),
        ("zstd", encoded(Coding::Zstd, &zeros).repeat(160)),
        ("br", encoded(Coding::Brotli, &zeros)),
    ];
    let whole = |(coding, body): &(&str, Vec<u8>)| {
        (format!("{coding} at once"), answer("200 OK", &format!("Content-Encoding: {coding}\r\n"), body))
    };
    let pieces = |(coding, body): &(&str, Vec<u8>)| (format!("{coding} in pieces"), in_pieces(coding, body));
    let mut bombs: Vec<_> = bodies.iter().map(whole).collect();
    if measured().is_some() {
        bombs.extend(bodies.iter().map(pieces));
    }
    bombs
}

fn in_pieces(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut out = head.into_bytes();
    for piece in body.chunks(64) {
        out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

/// What all clients at a time get of a path: bytes.
fn visit(address: SocketAddr, path: &str) -> Vec<usize> {
    let visit = move |path: String| {
        let mut client = TcpStream::connect(address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut bytes = Vec::new();
        // How it ends makes no difference, as long as it does.
        match client.read_to_end(&mut bytes) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => bytes.len(),
        }
    };
    let visits: Vec<_> = (0..clients())
        .map(|_| {
            let path = path.to_owned();
            thread::spawn(move || visit(path))
        })
        .collect();
    visits.into_iter().map(|visit| visit.join().unwrap()).collect()
}

#[test]
#[ignore = "gigabytes are decoded; tests/run --all"]
fn a_bomb_costs_no_memory_however_many_ask_for_it() {
    let bombs = bombs();
    let names: Vec<_> = bombs.iter().map(|(name, _)| name.clone()).collect();
    let page = encoded(Coding::Gzip, "<p>The market opens at nine.</p>\n".repeat(1000).as_bytes());
    let page = answer("200 OK", "Content-Encoding: gzip\r\n", page);
    let origin = Origin::start(move |asked| {
        let index = asked.path().trim_start_matches('/').parse::<usize>().ok();
        vec![Act::Send(index.map_or(&page, |index| &bombs[index].1).clone()), Act::Close]
    });
    let proxy = Process::before(origin.address);
    for _ in 0..3 {
        assert!(visit(proxy.address, "/page").iter().all(|bytes| *bytes > 100));
    }
    let before = proxy.status("VmRSS");
    for (index, name) in names.iter().enumerate() {
        let begun = Instant::now();
        let bytes = visit(proxy.address, &format!("/{index}"));
        let (rise, most) = (proxy.status("VmHWM").saturating_sub(before), bytes.iter().max().unwrap());
        eprintln!("{name}: {rise} KiB more than the {before} before, {:?}, {most} bytes", begun.elapsed());
        assert!(*most < 1 << 20, "{name}: the bomb is cut");
        assert!(rise < RISE_MAX, "{name}: {rise} KiB");
    }
}
