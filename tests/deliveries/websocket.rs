//! A leak in what a WebSocket server says (RFC 6455), however its messages are framed. Over HTTP/2 there is none:
//! extended CONNECT is refused (`tests/h2/cases.md`).

use std::fmt::Write as _;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    case::{Content, Twin},
    contents::CONTENTS,
    numbered,
    reveal::reveal,
    support::{Authority, Visitor, front, proxy::tcp, settings, start},
};
use cofferdam::app::{AppSettings, Service};

/// A way to say a text.
struct Saying {
    name: &'static str,
    frames: fn(&Content) -> Vec<u8>,
    twin: Twin,
    /// Whether the server compresses.
    deflates: bool,
    /// Bytes that are written at a time.
    piece: usize,
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const FIN: u8 = 0x80;
const COMPRESSED: u8 = 0x40;

/// What the server says when all is said.
const LAST: &str = "that was all";

const SAYINGS: &[Saying] = &[
    Saying::new("one message", |content| frame(FIN | TEXT, content.text.as_bytes())),
    Saying::new("one message, byte by byte", |content| frame(FIN | TEXT, content.text.as_bytes())).in_pieces(1),
    Saying::new("a binary message", |content| frame(FIN | BINARY, content.text.as_bytes())),
    Saying::new("two fragments, cut within the secret", |content| fragments(TEXT, &halves(content))),
    Saying::new("fragments of one byte, with pings between", |content| {
        let pieces: Vec<&[u8]> = content.text.as_bytes().chunks(1).collect();
        fragments(TEXT, &pieces)
    }),
    Saying::new("a fragment and an empty last one", |content| fragments(TEXT, &[content.text.as_bytes(), b""])),
    Saying::new("behind 100 KiB in the same message", |content| {
        let filler = "All is well in the cellar, and the wine is resting.\n".repeat(2000);
        frame(FIN | TEXT, format!("{filler}{}", content.text).as_bytes())
    }),
    Saying::new("behind 1,000 messages", |content| {
        [frame(FIN | TEXT, b"all is well").repeat(1000), frame(FIN | TEXT, content.text.as_bytes())].concat()
    }),
    Saying::new("as JSON", |content| {
        frame(FIN | TEXT, serde_json::json!({ "error": content.text }).to_string().as_bytes())
    }),
    Saying::new("a compressed message", |content| {
        frame(FIN | COMPRESSED | TEXT, &deflated(&[content.text.as_bytes()])[0])
    })
    .deflating(),
    Saying::new("a compressed message in fragments", |content| {
        let message = &deflated(&[content.text.as_bytes()])[0];
        fragments(COMPRESSED | TEXT, &message.chunks(7).collect::<Vec<_>>())
    })
    .deflating(),
    Saying::new("a compressed message that refers to one before", |content| {
        let messages = deflated(&[halves(content)[0], content.text.as_bytes()]);
        messages.iter().flat_map(|message| frame(FIN | COMPRESSED | TEXT, message)).collect()
    })
    .deflating(),
    Saying::new("a message in the clear where others are compressed", |content| {
        frame(FIN | TEXT, content.text.as_bytes())
    })
    .deflating(),
    Saying::new("a compressed message where none was agreed on", |content| {
        frame(FIN | COMPRESSED | TEXT, &deflated(&[content.text.as_bytes()])[0])
    })
    .refused(),
    Saying::new("a masked message", |content| {
        let mut masked = frame(FIN | TEXT, content.text.as_bytes());
        masked[1] |= 0x80;
        masked
    })
    .refused(),
    Saying::new("a fragment that continues nothing", |content| frame(FIN, content.text.as_bytes())).refused(),
    Saying::new("an unknown kind of frame", |content| frame(FIN | 3, content.text.as_bytes())).refused(),
    Saying::new("more than 1 MiB", |content| {
        frame(FIN | TEXT, format!("{}{}", "All is well. ".repeat(90_000), content.text).as_bytes())
    })
    .refused(),
    Saying::new("in a ping", |content| frame(FIN | PING, content.line.as_bytes())),
    Saying::new("in the reason of a close", |content| {
        frame(FIN | CLOSE, &[b"\x03\xf3", content.line.as_bytes()].concat())
    }),
];

impl Saying {
    const fn new(name: &'static str, frames: fn(&Content) -> Vec<u8>) -> Self {
        Self { name, frames, twin: Twin::Arrives, deflates: false, piece: usize::MAX }
    }

    const fn refused(self) -> Self {
        Self { twin: Twin::Refused, ..self }
    }

    const fn deflating(self) -> Self {
        Self { deflates: true, ..self }
    }

    const fn in_pieces(self, piece: usize) -> Self {
        Self { piece, ..self }
    }
}

fn halves(content: &Content) -> [&[u8]; 2] {
    let mark = content.marks[0];
    let middle = content.text.find(mark).unwrap() + mark.len() / 2;
    let (before, after) = content.text.as_bytes().split_at(middle);
    [before, after]
}

/// A frame as servers send it: not masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let head = match payload.len() {
        short @ 0..=125 => vec![first, u8::try_from(short).unwrap()],
        medium @ 126..=0xffff => [&[first, 126], &u16::try_from(medium).unwrap().to_be_bytes()[..]].concat(),
        long => [&[first, 127], &u64::try_from(long).unwrap().to_be_bytes()[..]].concat(),
    };
    [&head, payload].concat()
}

/// One message in pieces, with a ping behind each.
fn fragments(first: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let frame = |(at, piece): (usize, &&[u8])| {
        let kind = if at == 0 { first } else { 0 };
        let last = if at + 1 == pieces.len() { FIN } else { 0 };
        [frame(last | kind, piece), frame(FIN | PING, b"still there?")].concat()
    };
    pieces.iter().enumerate().flat_map(frame).collect()
}

/// Messages compressed one behind the other, as one context (RFC 7692 section 7.2.1).
fn deflated(messages: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut deflate = Compress::new(Compression::best(), false);
    let message = |text: &&[u8]| {
        let mut out = Vec::with_capacity(2 * text.len() + 64);
        deflate.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
        assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
        out.truncate(out.len() - 4);
        out
    };
    messages.iter().map(message).collect()
}

/// The application: `/content/saying`, numbers.
async fn serve(mut stream: TcpStream) {
    let Some(numbers) = numbered::asked(&mut stream).await else { return };
    let saying = &SAYINGS[numbers[1]];
    let deflates = if saying.deflates { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    let last = [frame(FIN | TEXT, LAST.as_bytes()), frame(FIN | CLOSE, b"\x03\xe8")].concat();
    let said = [(saying.frames)(&CONTENTS[numbers[0]]), last].concat();
    // The proxy may have enough before all is said.
    drop(stream.write_all(format!("{head}{deflates}\r\n").as_bytes()).await);
    for piece in said.chunks(saying.piece) {
        drop(stream.write_all(piece).await);
    }
    drop(stream.shutdown().await);
    drop(stream.read_to_end(&mut Vec::new()).await);
}

/// Everything that comes on a WebSocket until its end.
async fn heard(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> Vec<u8> {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIGNlbGxhciBpcyBkcnk=\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n").as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    // How it ends makes no difference.
    drop(stream.read_to_end(&mut heard).await);
    heard
}

/// Payloads put together message by message, and every byte as it came.
fn shown(heard: &[u8]) -> String {
    let at = heard.windows(4).position(|window| window == b"\r\n\r\n").map_or(heard.len(), |at| at + 4);
    let (mut rest, mut messages, mut packed) = (&heard[at..], Vec::new(), Vec::new());
    while let [first, second, ..] = *rest {
        let (head, length) = match second & 0x7f {
            126 if rest.len() >= 4 => (4, usize::from(u16::from_be_bytes([rest[2], rest[3]]))),
            127 if rest.len() >= 10 => {
                (10, usize::try_from(u64::from_be_bytes(rest[2..10].try_into().unwrap())).unwrap())
            }
            short => (2, usize::from(short)),
        };
        let end = (head + length).min(rest.len());
        let payload = &rest[head.min(end)..end];
        messages.extend_from_slice(payload);
        if first & COMPRESSED != 0 || !packed.is_empty() && first & 0x0f == 0 {
            packed.extend_from_slice(payload);
            packed.extend_from_slice(if first & FIN != 0 { &[0, 0, 0xff, 0xff] } else { &[] });
        }
        rest = &rest[end..];
    }
    let mut inflated = Vec::with_capacity(1 << 20);
    drop(Decompress::new(false).decompress_vec(&packed, &mut inflated, FlushDecompress::Sync));
    [String::from_utf8_lossy(heard).into_owned(), reveal(&messages), reveal(&inflated)].join("\n")
}

/// The proxy, and who asks it.
struct Stage {
    service: Service,
    tls: Visitor,
}

impl Stage {
    async fn set() -> Self {
        let authority = Authority::new();
        let settings = settings(numbered::application(serve).await);
        let service = start(AppSettings { tls: Some(front(&authority)), ..settings });
        let tls = Visitor::tls(&service, &authority.roots());
        Self { service, tls }
    }

    /// What is to be seen of a saying, in the clear and by TLS.
    async fn shown(&self, content: usize, saying: usize) -> [String; 2] {
        let path = format!("/{content}/{saying}");
        let plain = TcpStream::connect(tcp(&self.service.listening[0])).await.unwrap();
        let heard = [heard(plain, &path).await, heard(self.tls.handshake().await.unwrap(), &path).await];
        heard.map(|heard| shown(&heard))
    }
}

#[tokio::test]
async fn no_framing_of_a_message_gets_a_leak_out() {
    let stage = Stage::set().await;
    let mut failures = String::new();
    for (number, content) in CONTENTS.iter().enumerate().filter(|(_, content)| content.leaks) {
        for (at, saying) in SAYINGS.iter().enumerate() {
            for shown in stage.shown(number, at).await {
                if !shown.starts_with("HTTP/1.1 101 ") || content.marks.iter().any(|mark| shown.contains(mark)) {
                    writeln!(failures, "{}: {}: {shown:.300}", content.name, saying.name).unwrap();
                }
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[tokio::test]
async fn harmless_messages_arrive_in_every_framing_that_can_be_read() {
    let stage = Stage::set().await;
    let mut failures = String::new();
    let (number, content) = CONTENTS.iter().enumerate().find(|(_, content)| !content.leaks).unwrap();
    for (at, saying) in SAYINGS.iter().enumerate() {
        for shown in stage.shown(number, at).await {
            let arrives = shown.contains(content.marks[0]);
            let goes_on = shown.contains(LAST);
            if arrives != (saying.twin == Twin::Arrives) || (saying.twin == Twin::Arrives) != goes_on {
                writeln!(failures, "{}: {shown:.300}", saying.name).unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}
