//! Law L2 for bodies that leave before they have arrived: what a client gets is a function of the content alone,
//! whatever the pieces in which it came. Events and messages one by one, and large bodies, plain and coded.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its case has failed")]

use std::iter;

use bytes::Bytes;
use cofferdam::{
    coding::{Coding, Encoder},
    exchange::{Replayed, replay},
    incident::Disposition,
    response::ResponseHead,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use proptest::{prelude::*, sample::Index};

#[path = "support/pack.rs"]
mod pack;

use pack::{ENGINE, rows};

const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/shop/venv/lib/python3.11/site-packages/flask/app.py\", line 1511, in wsgi_app\n    response = self.full_dispatch_request()\n  File \"/srv/shop/app.py\", line 12, in index\n    return 1 / 0\nZeroDivisionError: division by zero\n";

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE6tBoKiPjMnSw\n-----END RSA PRIVATE KEY-----\n";

fn head(media_type: &'static str, coding: Option<Coding>, promised: bool) -> ResponseHead {
    let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.token()));
    }
    if promised {
        headers.insert(header::ETAG, HeaderValue::from_static("\"1\""));
    }
    ResponseHead::new(StatusCode::OK, headers)
}

fn cut(body: &[u8], sizes: &[usize]) -> Vec<Bytes> {
    let (mut pieces, mut rest, mut sizes) = (Vec::new(), body, sizes.iter().cycle());
    while let (false, Some(size)) = (rest.is_empty(), sizes.next()) {
        let (piece, behind) = rest.split_at((*size).min(rest.len()));
        pieces.push(Bytes::copy_from_slice(piece));
        rest = behind;
    }
    pieces
}

fn encoded(body: &[u8], coding: Coding) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(coding).unwrap(), Vec::new());
    encoder.push(body, &mut out).unwrap();
    encoder.finish(&mut out).unwrap();
    out
}

/// How a response ended, whether cleanly, and what the client got.
fn outcome(replayed: &Replayed) -> (Disposition, bool, u16, &[u8]) {
    let status = replayed.head.as_ref().map_or(0, |head| head.status.as_u16());
    (replayed.outcome.disposition, replayed.complete, status, &replayed.body)
}

fn assert_same(whole: &Replayed, other: &Replayed, delivery: &str) {
    let lengths = (whole.body.len(), other.body.len());
    assert!(
        outcome(whole) == outcome(other),
        "{delivery}: {:?} and {:?}, {lengths:?}",
        whole.outcome.disposition,
        other.outcome.disposition
    );
}

/// Text with the entropy of prose.
fn prose(length: usize) -> Vec<u8> {
    let words = ["market", "opens", "nine", "bread", "is", "sold", "out", "by", "ten", "rain", "the", "a"];
    let mut state = 7_u32;
    let mut text = Vec::with_capacity(length + 16);
    while text.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.extend_from_slice(words[(state >> 24) as usize % words.len()].as_bytes());
        text.extend_from_slice(if state >> 20 & 15 == 0 { b".\n" } else { b" " });
    }
    text.truncate(length);
    text
}

/// Text that compresses to next to nothing.
fn refrain(length: usize) -> Vec<u8> {
    "Bread is sold out by ten.\n".bytes().cycle().take(length).collect()
}

#[derive(Clone, Copy, Debug)]
enum Stream {
    Events(&'static str),
    Lines,
    Messages,
}

impl Stream {
    fn media_type(self) -> &'static str {
        match self {
            Self::Events(_) => "text/event-stream",
            Self::Lines => "application/x-ndjson",
            Self::Messages => "application/grpc",
        }
    }

    fn event(self, text: &str) -> Vec<u8> {
        match self {
            Self::Events(line_break) => {
                let lines = text.lines().map(|line| format!("data: {line}{line_break}")).collect::<String>();
                [lines.as_bytes(), line_break.as_bytes()].concat()
            }
            Self::Lines => format!("{}\n", serde_json::json!({"line": text})).into_bytes(),
            Self::Messages => {
                let length = u32::try_from(text.len()).unwrap().to_be_bytes();
                [&[0], &length[..], text.as_bytes()].concat()
            }
        }
    }

    fn body(self, events: &[String]) -> Vec<u8> {
        events.iter().flat_map(|event| self.event(event)).collect()
    }

    fn sent(self, body: &[u8], sizes: &[usize]) -> Replayed {
        self.sent_coded(None, body, sizes)
    }

    fn sent_coded(self, coding: Option<Coding>, body: &[u8], sizes: &[usize]) -> Replayed {
        replay(&ENGINE, head(self.media_type(), coding, false), cut(body, sizes))
    }
}

const STREAMS: [Stream; 4] = [Stream::Events("\n"), Stream::Events("\r\n"), Stream::Lines, Stream::Messages];

/// A text in events of so many bytes.
fn in_events(text: &str, size: usize) -> Vec<String> {
    text.as_bytes().chunks(size).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

#[test]
fn an_event_is_judged_alike_alone_and_with_others_behind_it() {
    let clean = "Bread is sold out by ten.".to_owned();
    for stream in STREAMS {
        for (leak, parts) in [(TRACE, 1), (KEY, 1), (TRACE, 2), (KEY, 2), (TRACE, 6)] {
            let mut events = vec![clean.clone(), clean.clone()];
            events.extend(in_events(leak, leak.len().div_ceil(parts)));
            events.extend([clean.clone(), clean.clone()]);
            let body = stream.body(&events);
            let whole = stream.sent(&body, &[usize::MAX]);
            for size in [1, 7, 100, 500] {
                assert_same(&whole, &stream.sent(&body, &[size]), &format!("{stream:?} {parts} in {size}"));
            }
        }
    }
}

#[test]
fn what_came_before_a_leaking_event_arrives() {
    let (before, behind) = ("Bread is sold out by ten.".to_owned(), "The market opens at nine.".to_owned());
    for stream in STREAMS {
        let body = stream.body(&[before.clone(), TRACE.to_owned(), behind.clone()]);
        for sizes in [&[usize::MAX][..], &[50]] {
            let sent = stream.sent(&body, sizes);
            assert_eq!(sent.outcome.disposition, Disposition::Severed, "{stream:?}");
            assert!(sent.body.starts_with(&stream.event(&before)), "{stream:?}");
            let rest = String::from_utf8_lossy(&sent.body[stream.event(&before).len()..]).into_owned();
            assert_eq!(rest.is_empty(), !matches!(stream, Stream::Events(_)), "{rest}");
            assert!(rest.is_empty() || rest.starts_with("event: error\n"), "{rest}");
        }
    }
}

#[test]
fn a_large_coded_body_is_replaced_or_severed_at_one_place() {
    for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
        for (length, at, leak) in [
            (60_000, 30_000, TRACE),
            (140_000, 100_000, TRACE),
            (140_000, 63_900, KEY),
            (200_000, 70_000, KEY),
            (500_000, 180_000, TRACE),
            (1_000_000, 900_000, KEY),
        ] {
            let mut body = prose(length);
            body.splice(at..at, leak.bytes());
            let wire = encoded(&body, coding);
            let whole = replay(&ENGINE, head("text/plain", Some(coding), false), cut(&wire, &[usize::MAX]));
            assert_ne!(whole.outcome.disposition, Disposition::InspectedClean, "{coding:?} {length} {at}");
            for sizes in [&[100][..], &[4096], &[16_384], &[5000, 70_000]] {
                let other = replay(&ENGINE, head("text/plain", Some(coding), false), cut(&wire, sizes));
                assert_same(&whole, &other, &format!("{coding:?} of {length} at {at} in {sizes:?}"));
            }
        }
    }
}

/// An application that sends events coded lets each one out; here all bytes it does that with come at once, or singly.
#[test]
fn a_coded_stream_is_severed_at_one_place() {
    let clean = "Bread is sold out by ten.".to_owned();
    for stream in [Stream::Events("\n"), Stream::Lines] {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            for flushes in [true, false] {
                let (mut encoder, mut wire) = (Encoder::new(coding).unwrap(), Vec::new());
                for text in [&clean, &clean, TRACE, &clean] {
                    encoder.push(&stream.event(text), &mut wire).unwrap();
                    if flushes {
                        encoder.flush(&mut wire).unwrap();
                    }
                }
                encoder.finish(&mut wire).unwrap();
                let sent = |size| stream.sent_coded(Some(coding), &wire, &[size]);
                let whole = sent(usize::MAX);
                assert_eq!(whole.outcome.disposition, Disposition::Severed, "{stream:?} {coding:?}");
                assert!(!flushes || !whole.body.is_empty(), "what came before the leak arrives");
                for size in [1, 2, 7, 50] {
                    assert_same(&whole, &sent(size), &format!("{stream:?} {coding:?} in {size}"));
                }
            }
        }
    }
}

/// An event's text: clean, a row's, or a leak's piece.
fn events() -> impl Strategy<Value = Vec<String>> {
    let rows = || any::<Index>().prop_map(|pick| pick.get(&rows()).body().to_owned());
    let event = prop_oneof![
        4 => "[a-z ,.]{0,60}".prop_map(|text| vec![text]),
        3 => rows().prop_map(|text| vec![text]),
        2 => (rows(), 1_usize..4).prop_map(|(text, parts)| in_events(&text, text.len() / parts + 1)),
        1 => (60_000_usize..90_000, rows()).prop_map(|(length, text)| {
            vec![format!("{}{text}", "bread ".repeat(length / 6))]
        }),
    ];
    proptest::collection::vec(event, 1..6).prop_map(|events| events.concat())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        proptest::collection::vec(1_usize..60, 1..6),
        proptest::collection::vec(1_usize..20_000, 1..6),
        proptest::collection::vec(1_usize..150_000, 1..4),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_of_any_event_stream_gives_one_output(
        stream in proptest::sample::select(STREAMS.to_vec()),
        coding in proptest::sample::select(vec![None, None, Some(Coding::Gzip), Some(Coding::Brotli), Some(Coding::Zstd)]),
        events in events(),
        sizes in sizes(),
    ) {
        let body = stream.body(&events);
        let wire = coding.map_or_else(|| body.clone(), |coding| encoded(&body, coding));
        let whole = stream.sent_coded(coding, &wire, &[usize::MAX]);
        let other = stream.sent_coded(coding, &wire, &sizes);
        assert_same(&whole, &other, &format!("{stream:?} {coding:?} in {sizes:?}"));
    }

    #[test]
    fn any_split_of_any_large_body_gives_one_output(
        length in 60_000_usize..1_000_000,
        leaks in proptest::collection::vec((any::<Index>(), proptest::sample::select(vec![TRACE, KEY, ""])), 1..3),
        coding in proptest::sample::select(vec![None, Some(Coding::Gzip), Some(Coding::Deflate), Some(Coding::Brotli), Some(Coding::Zstd)]),
        promised in any::<bool>(),
        filler in proptest::sample::select(vec![prose as fn(usize) -> Vec<u8>, refrain]),
        sizes in sizes(),
    ) {
        let mut body = filler(length);
        for (at, leak) in &leaks {
            let at = at.index(length);
            body.splice(at..at, leak.bytes());
        }
        let wire = coding.map_or_else(|| body.clone(), |coding| encoded(&body, coding));
        let sent = |sizes: &[usize]| replay(&ENGINE, head("text/plain", coding, promised), cut(&wire, sizes));
        let (whole, other) = (sent(&[usize::MAX]), sent(&sizes));
        assert_same(&whole, &other, &format!("{coding:?} of {length} in {sizes:?}"));
        let leaked = iter::once(&whole).any(|it| it.body.windows(9).any(|part| part == b"/srv/shop" || part == b"MIIEowIBA"));
        prop_assert!(!leaked);
    }
}

#[test]
fn a_debug_page_behind_much_style_is_replaced_where_its_status_is_an_errors() {
    let style = ".frame { margin: 1px }\n".repeat(6000);
    let body = format!("<style>\n{style}</style>\n<pre>{TRACE}</pre>");
    for (status, disposition) in [(200, Disposition::Severed), (500, Disposition::Replaced)] {
        for sizes in [&[64 * 1024][..], &[1000, 70_000]] {
            let mut head = head("text/html", None, true);
            head.status = StatusCode::from_u16(status).unwrap();
            let replayed = replay(&ENGINE, head, cut(body.as_bytes(), sizes));
            assert_eq!(replayed.outcome.disposition, disposition, "{status}, {sizes:?}");
        }
    }
}

#[test]
fn what_is_called_coded_and_is_not_arrives_however_it_comes() {
    for media_type in ["text/html", "text/event-stream", "application/x-ndjson"] {
        for (body, coding) in [
            (&b"data: {\"a\":1}\n\ndata: {\"b\":2}\n\n"[..], Coding::Gzip),
            (b"\x1fdata: one\n\ntwo", Coding::Gzip),
            (b"\n{\"a\":1}\n{\"b\":2}\n", Coding::Zstd),
        ] {
            for size in [1, 2, 3, 7, 1000] {
                let replayed = replay(&ENGINE, head(media_type, Some(coding), false), cut(body, &[size]));
                let said = (replayed.outcome.disposition, replayed.complete, &replayed.body[..]);
                assert_eq!(said, (Disposition::InspectedClean, true, body), "{media_type} {size}");
            }
        }
    }
}
