//! Bodies whose application pauses, or breaks off: what is harmless leaves early, and a leak does not leave earlier than
//! if it had come at once.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its case has failed")]

use bytes::Bytes;
use cofferdam::{
    coding::{Coding, Encoder},
    exchange::{Arrival, Replayed, replay, replay_arrivals},
    incident::Disposition,
    response::ResponseHead,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use proptest::{prelude::*, sample::Index};

#[path = "support/pack.rs"]
mod pack;

use pack::{ENGINE, rows};

const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/shop/venv/lib/python3.11/site-packages/flask/app.py\", line 1511, in wsgi_app\n    response = self.full_dispatch_request()\n  File \"/srv/shop/app.py\", line 12, in index\n    return connect(\"postgres://shop:kW7pXq2LmR9t@db.internal/shop\")\nStoreError: out of bread\n";

const TYPES: [&str; 4] = ["text/plain", "text/html", "application/json", ""];

fn head(media_type: &'static str) -> ResponseHead {
    ResponseHead::new(
        StatusCode::OK,
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]),
    )
}

fn with(mut head: ResponseHead, name: HeaderName, value: &'static str) -> ResponseHead {
    head.headers.insert(name, HeaderValue::from_static(value));
    head
}

/// Pieces with a pause behind each.
fn paused<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Arrival> {
    pieces.into_iter().flat_map(|piece| [Arrival::Piece(Bytes::copy_from_slice(piece)), Arrival::Pause]).collect()
}

/// What has left after these pieces, each with a pause behind it.
fn left<'a>(head: ResponseHead, pieces: impl IntoIterator<Item = &'a [u8]>) -> Replayed {
    replay_arrivals(&ENGINE, head, paused(pieces).into_iter().chain([Arrival::Cancel]))
}

/// What has left where the application breaks off behind this.
fn broken_off(head: ResponseHead, body: &[u8]) -> Replayed {
    replay_arrivals(&ENGINE, head, [Arrival::Piece(Bytes::copy_from_slice(body)), Arrival::Break])
}

fn leaks(body: &[u8]) -> bool {
    ["/srv", "kW7p", "postgres", "File"].iter().any(|mark| body.windows(mark.len()).any(|part| part == mark.as_bytes()))
}

#[test]
fn tokens_leave_as_they_come() {
    for (media_type, tokens) in [
        ("text/plain", &["Hello", ", this", " is", " an", " answer", "."][..]),
        ("text/plain", &["token 1\n", "token 2\n"]),
        ("application/json", &["[{\"step\": 1},\n", "{\"step\": 2},\n"]),
        ("", &["one ", "two "]),
    ] {
        for count in 1..=tokens.len() {
            let replayed = left(head(media_type), tokens[..count].iter().map(|token| token.as_bytes()));
            let (come, left) = (tokens[..count].concat(), replayed.body.len());
            assert!(replayed.head.is_some(), "{media_type} {come:?}");
            let word = come.rsplit([' ', '\n']).next().unwrap();
            assert_eq!(come.len() - left, if word.ends_with(',') { 0 } else { word.len() }, "{come:?}");
        }
    }
}

/// A zstd frame may begin with this byte as well, so that nothing of the body leaves before the next is there.
#[test]
fn the_head_leaves_with_the_first_byte_of_a_list() {
    let begun = left(head("application/json"), [&b"["[..]]);
    assert!(begun.head.is_some() && begun.body.is_empty());
    let more = left(head("application/json"), [&b"["[..], b"{\"step\": 1},\n"]);
    assert_eq!(more.body, b"[{\"step\": 1},\n");
    let coded = left(head("application/json"), [&b"\x5b"[..], b"\x2a\x4d\x18\x04\0\0\0/srv"]);
    assert!(coded.body.is_empty() && !coded.complete);
}

/// Who calls may wait for the head before it sends what is to be answered.
#[test]
fn the_head_of_a_call_leaves_before_its_first_message() {
    let calls = [(&b""[..], true), (b"\0\0\0", false), (b"\0\0\0\0\x05Bread", true)];
    for (come, leaves) in calls {
        let replayed = left(head("application/grpc"), [come]);
        assert_eq!((replayed.head.is_some(), replayed.body.len()), (leaves, if leaves { come.len() } else { 0 }));
    }
    let mut failed = head("application/grpc");
    failed.status = StatusCode::BAD_GATEWAY;
    assert!(left(failed.clone(), [&b""[..]]).head.is_none(), "an error may yet be one of ours");
    assert!(left(failed, [&b"\0\0\0\0\x05Bread"[..]]).head.is_some(), "a message is judged by itself");
}

#[test]
fn what_was_made_as_a_whole_or_is_an_error_is_not_given_out_in_part() {
    let text = [&b"All is well. "[..]];
    let mut failed = head("text/plain");
    failed.status = StatusCode::BAD_REQUEST;
    for head in [
        with(head("text/plain"), header::CONTENT_LENGTH, "100"),
        with(head("text/plain"), header::ETAG, "\"1\""),
        with(head("image/bmp"), header::SERVER, "a"),
        head("multipart/mixed; boundary=b1"),
        head("text/html"),
        head("text/plain; charset=utf-7"),
        failed,
    ] {
        assert!(left(head.clone(), text).head.is_none(), "{:?}", head.headers);
    }
}

/// Whatever its type says: what gives a debug page away may stand far behind what it gives away.
#[test]
fn what_begins_as_mark_up_is_not_given_out_in_part() {
    for media_type in ["text/plain", ""] {
        for start in ["<!doctype html>\n", "\n\n <p>", "\u{feff}<html>"] {
            let page = format!("{start}<p>All is well. The market opens at nine. </p>\n");
            for size in [1, 7, 1000] {
                assert!(left(head(media_type), page.as_bytes().chunks(size)).body.is_empty(), "{media_type} {start:?}");
            }
        }
    }
}

#[test]
fn a_pause_within_a_leak_lets_none_of_it_out() {
    for media_type in TYPES {
        for before in ["", "All is well. The market opens at nine. ", "<p>Step 1</p>\n"] {
            let body = format!("{before}{TRACE}");
            for at in (0..body.len()).filter(|&at| body.is_char_boundary(at)) {
                let replayed = left(head(media_type), [&body.as_bytes()[..at]]);
                assert!(!leaks(&replayed.body), "{media_type} {at}: {:?}", String::from_utf8_lossy(&replayed.body));
            }
            let replayed = left(head(media_type), body.as_bytes().chunks(1));
            assert!(!leaks(&replayed.body), "{:?}", String::from_utf8_lossy(&replayed.body));
        }
    }
}

#[test]
fn a_body_that_breaks_off_within_a_secret_shows_none_of_it() {
    let filler = "All is well in the cellar, and the wine is resting.\n".repeat(2000);
    let secrets = [
        "dsn=postgres://shop:kW7pXq2LmR9t@db.internal/shop",
        "{\"dsn\": \"postgres://shop:kW7pXq2LmR9t@db.internal/shop\"}",
        "<td>postgres&#x3a;//shop&#x3A;kW7pXq2LmR9t@db</td>",
    ];
    for before in [&filler[..0], &filler[..52], &filler] {
        for secret in secrets {
            for at in secret.find("kW7p").unwrap() + 1..secret.find("t@db").unwrap() + 1 {
                for media_type in TYPES {
                    let replayed = broken_off(head(media_type), format!("{before}{}", &secret[..at]).as_bytes());
                    let text = String::from_utf8_lossy(&replayed.body);
                    assert!(!replayed.complete && !text.contains("kW"), "{media_type} {at}: {:?}", text.lines().last());
                }
            }
        }
    }
}

#[test]
fn what_of_a_broken_body_is_no_half_of_anything_arrives() {
    let text = "All is well in the cellar, and the wine is res";
    for (head, kept) in [
        (head("text/plain"), 43),
        (with(head("text/plain"), header::CONTENT_LENGTH, "100"), 43),
        (head("text/event-stream"), 0),
        (head("application/x-ndjson"), 0),
    ] {
        let replayed = broken_off(head, text.as_bytes());
        assert_eq!(
            (&replayed.body[..], replayed.outcome.disposition),
            (&text.as_bytes()[..kept], Disposition::Truncated)
        );
    }
    let nothing = broken_off(head("text/plain"), b"kW7pXq2");
    assert!(nothing.head.is_none());
}

#[test]
fn a_coded_body_that_stops_within_a_secret_shows_none_of_it() {
    let mut state = 7_u32;
    let mut noise = |length: usize| -> String {
        let word = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'a' + (*state >> 24) as u8 % 26)
        };
        (0..length).map(|at| if at % 6 == 5 { ' ' } else { word(&mut state) }).collect()
    };
    for length in [0, 100, 20_000, 100_000] {
        let text = format!("{}postgres://shop:kW7pXq2LmR9tA@db.internal/shop", noise(length));
        let cut = text.find("LmR9").unwrap();
        for (framed, coding) in
            [(true, Coding::Gzip), (false, Coding::Gzip), (true, Coding::Brotli), (false, Coding::Deflate)]
        {
            let mut encoder = Encoder::new(coding).unwrap();
            let mut wire = Vec::new();
            encoder.push(&text.as_bytes()[..cut], &mut wire).unwrap();
            encoder.flush(&mut wire).unwrap();
            let arrivals = [Arrival::Piece(Bytes::from(wire.clone())), Arrival::Break];
            let arrivals = arrivals.into_iter().take(1 + usize::from(!framed));
            let head = with(head("text/plain"), header::CONTENT_ENCODING, coding.token());
            let replayed = replay_arrivals(&ENGINE, head, arrivals);
            let status = replayed.head.map(|head| head.status.as_u16());
            let is_part = status == Some(200) && wire.starts_with(&replayed.body) && replayed.body.len() < wire.len();
            assert!(is_part && !replayed.complete || status == framed.then_some(500), "{coding:?} {length} {status:?}");
        }
    }
}

/// The start of a body in gzip, as a stream sends it that fails before its first byte of content; and a block of zstd
/// whose literals are not compressed, and whose end is missing.
#[test]
fn a_coded_body_without_content_arrives_unless_it_shows_something_in_clear() {
    let begun = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";
    let length = TRACE.len() as u32;
    let literals = [&(length << 4 | 1 << 2).to_le_bytes()[..2], TRACE.as_bytes()].concat();
    let block = ((literals.len() as u32 + 1) << 3 | 2 << 1 | 1).to_le_bytes();
    let shown = [b"\x28\xb5\x2f\xfd\x00\x58", &block[..3], &literals].concat();
    for (coding, body, arrives) in [(Coding::Gzip, &begun[..], true), (Coding::Zstd, &shown, false)] {
        let head = with(head("text/plain"), header::CONTENT_ENCODING, coding.token());
        let replayed = replay(&ENGINE, head, [Bytes::copy_from_slice(body)]);
        assert_eq!(replayed.body == body, arrives, "{coding:?}");
        assert!(!leaks(&replayed.body), "{coding:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A page that is clean if it comes at once arrives, whatever pauses are in it.
    #[test]
    fn pauses_change_no_clean_body(
        picks in proptest::collection::vec(any::<Index>(), 1..6),
        words in "[A-Za-z ,.\n<>p/]{0,400}",
        sizes in proptest::collection::vec(1_usize..300, 1..6),
        media in 0_usize..4,
    ) {
        let rows = rows();
        let texts: Vec<&str> = picks.iter().map(|pick| pick.get(&rows).body()).collect();
        let body = [words.as_str(), &texts.join(&words)].concat().into_bytes();
        let (mut pieces, mut rest, mut sizes) = (Vec::new(), &body[..], sizes.iter().cycle());
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        let whole = replay(&ENGINE, head(TYPES[media]), [Bytes::copy_from_slice(&body)]);
        let paced = replay_arrivals(&ENGINE, head(TYPES[media]), paused(pieces.iter().copied()));
        match whole.outcome.disposition {
            Disposition::InspectedClean => {
                prop_assert_eq!(paced.outcome.disposition, Disposition::InspectedClean);
                prop_assert!(paced.complete && paced.body == body);
            }
            _ => prop_assert_ne!(paced.outcome.disposition, Disposition::InspectedClean),
        }
    }
}
