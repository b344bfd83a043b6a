//! How much later than without the proxy a token of a streamed answer is there. Nothing is asserted: other work on the
//! machine is part of every figure. Ignored by itself; with an optimised build in `MEASURED_BINARY`:
//!
//!     MEASURED_BINARY=target/release/cofferdam cargo test --test streams -- --ignored --nocapture later

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::process::Process;

const TOKENS: u32 = 25;

const ANSWERS: u32 = 20;

/// How often a token comes, as of a language model.
const PACE: Duration = Duration::from_millis(20);

const MEDIA: [&str; 5] = ["text/event-stream", "application/x-ndjson", "text/plain", "text/html", "application/json"];

/// How late tokens are, in microseconds.
#[derive(Default)]
struct Late {
    first: Vec<u128>,
    others: Vec<u128>,
}

/// Tokens say when they were sent, in microseconds since `begun`. The path's number is that of the media type.
fn application(begun: Instant) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || while answer(&mut stream, begun).is_some() {});
        }
    });
    address
}

fn answer(stream: &mut TcpStream, begun: Instant) -> Option<()> {
    let media = MEDIA[asked(&mut BufReader::new(&*stream))?];
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    for _ in 0..TOKENS {
        let token = token(media, begun.elapsed().as_micros());
        stream.write_all(format!("{:x}\r\n{token}\r\n", token.len()).as_bytes()).ok()?;
        thread::sleep(PACE);
    }
    stream.write_all(b"0\r\n\r\n").ok()
}

/// A word behind which the time stands, in letters: words are what an answer is made of.
fn token(media: &str, sent: u128) -> String {
    let word: String = sent.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
    match media {
        "text/event-stream" => format!("data: {word}\n\n"),
        "text/html" => format!("<p>\n{word}\n</p>\n"),
        "application/json" => format!("[\n{word}\n],\n"),
        _ => format!("{word}\n"),
    }
}

/// When a token was sent, if the line is one.
fn sent(line: &str) -> Option<u128> {
    let digits = line.trim_start_matches("data: ").bytes().map(|letter| letter.wrapping_sub(b'a').wrapping_add(b'0'));
    String::from_utf8(digits.collect()).ok()?.parse().ok()
}

fn asked(reader: &mut impl BufRead) -> Option<usize> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    head.split(['/', ' ']).nth(2)?.parse().ok()
}

/// Asks once, and notes how late each token is.
fn ask(address: SocketAddr, media: usize, begun: Instant, late: &mut Late) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(format!("GET /{media} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    // The sizes of chunks are shorter than any time.
    let lines = BufReader::new(stream).lines().map_while(Result::ok).filter(|line| line.len() > 4);
    let times = lines.filter_map(|line| sent(&line)).map(|sent| begun.elapsed().as_micros() - sent);
    for (at, time) in times.take(TOKENS as usize).enumerate() {
        if at == 0 { late.first.push(time) } else { late.others.push(time) }
    }
}

/// Median, and what all but one in a hundred are within.
fn figures(times: &mut [u128]) -> String {
    times.sort_unstable();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len() - 1)).copied().unwrap_or_default();
    format!("median {} µs, 99 % within {} µs", at(50), at(99))
}

#[test]
#[ignore = "a measurement: tests/run --all"]
fn how_much_later_tokens_are() {
    let begun = Instant::now();
    let application = application(begun);
    let proxy = Process::before(application);
    for (media, name) in MEDIA.iter().enumerate() {
        let (mut direct, mut proxied) = (Late::default(), Late::default());
        for _ in 0..ANSWERS {
            // At the same time, so that other work is in both figures.
            thread::scope(|scope| {
                scope.spawn(|| ask(application, media, begun, &mut direct));
                scope.spawn(|| ask(proxy.address, media, begun, &mut proxied));
            });
        }
        for (way, late) in [("direct", &mut direct), ("proxied", &mut proxied)] {
            eprintln!("{name}, {way}: first token {}; others {}", figures(&mut late.first), figures(&mut late.others));
        }
    }
}
