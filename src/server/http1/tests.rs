//! What clients and services can do to a connection, and that no answer depends on how a request's bytes come.

use std::{collections::VecDeque, pin::Pin};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::{Body, Frame, SizeHint};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use super::*;
use crate::{request::Peer, server::ConnectionSettings};

/// Tells what it was asked; `/early` is answered before its body is read, and `/long`, `/short` and `/broken` have
/// bodies that do not keep their word.
#[derive(Debug, Default)]
struct Teller {
    unread: RefCell<Vec<StatusCode>>,
    abuses: RefCell<Vec<Abuse>>,
}

#[derive(Debug)]
struct Pieces {
    pieces: VecDeque<Result<Frame<Bytes>, &'static str>>,
    exact: Option<u64>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(self.pieces.pop_front())
    }

    fn size_hint(&self) -> SizeHint {
        self.exact.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Service for Teller {
    type Body = Pieces;

    async fn call(&self, request: Request<Upload>, _: &Rc<Connection>) -> Response<Pieces> {
        let (parts, mut upload) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let mut read = Vec::new();
        loop {
            if path == "/early" {
                break;
            }
            match poll_fn(|cx| Pin::new(&mut upload).poll_frame(cx)).await {
                None => break,
                Some(Err(_)) => return told(&path, vec!["no end".into()], Some(400), None),
                Some(Ok(frame)) => read.extend(frame.into_data().unwrap_or_default()),
            }
        }
        let text = format!("{} {} {}", parts.method, parts.uri, String::from_utf8_lossy(&read));
        let length = text.len() as u64;
        match path.as_str() {
            "/long" => told(&path, vec![text], None, Some(length - 1)),
            "/short" => told(&path, vec![text], None, Some(length + 1)),
            "/large" => told(&path, vec!["a".repeat(100_000), "b".repeat(5000)], None, None),
            "/pieces" | "/broken" | "/trailers" => {
                told(&path, vec!["one".into(), String::new(), "two".into()], None, None)
            }
            _ => told(&path, vec![text], None, Some(length)),
        }
    }

    fn overloaded(&self, _: Request<Upload>, _: &Rc<Connection>) -> Response<Pieces> {
        told("/", Vec::new(), Some(503), Some(0))
    }

    fn unread(&self, _: &Connection, status: StatusCode) -> Response<Bytes> {
        self.unread.borrow_mut().push(status);
        let mut page = Response::new(Bytes::from_static(b"page"));
        *page.status_mut() = status;
        page
    }

    fn connected(&self, _: bool) {}

    fn abused(&self, _: Peer, abuse: Abuse) {
        self.abuses.borrow_mut().push(abuse);
    }
}

fn told(path: &str, pieces: Vec<String>, status: Option<u16>, announced: Option<u64>) -> Response<Pieces> {
    let mut pieces: VecDeque<_> = pieces.into_iter().map(|piece| Ok(Frame::data(piece.into()))).collect();
    let mut response = Response::builder().status(status.unwrap_or(200)).header("date", "now");
    if path == "/trailers" {
        let fields = [(header::WARNING, HeaderValue::from_static("late"))].into_iter().collect::<HeaderMap>();
        pieces.push_back(Ok(Frame::trailers(fields)));
        response = response.header("trailer", "warning");
    }
    if path == "/broken" {
        pieces.push_back(Err("broken off"));
    }
    response.body(Pieces { pieces, exact: announced }).unwrap()
}

/// All that a client is answered that sends these pieces and then ends its side if it `ends`, and what the service
/// was told.
async fn converse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, ends: bool) -> (String, Teller) {
    converse_in(&Rooms::default(), pieces, ends).await
}

async fn converse_in<'a>(
    rooms: &Rooms<Teller>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    ends: bool,
) -> (String, Teller) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let (clock, service) = (Clock::default(), Rc::new(Teller::default()));
    let peer = Peer { address: [127, 0, 0, 1].into(), tls: false };
    let settings = Rc::new(ConnectionSettings::default());
    let connection = Rc::new(Connection::new(peer, &clock, settings));
    let server = serve(ours, connection, &clock, service.clone(), (Scratch::default(), rooms));
    let client = async move {
        for piece in pieces {
            // A refusal may come before everything is sent.
            drop(theirs.write_all(piece).await);
            tokio::task::yield_now().await;
        }
        if ends {
            drop(theirs.shutdown().await);
        }
        let mut answers = Vec::new();
        drop(theirs.read_to_end(&mut answers).await);
        String::from_utf8(answers).unwrap()
    };
    let ((), answers) = tokio::join!(server, client);
    (answers, Rc::into_inner(service).unwrap())
}

async fn answers(sent: &str) -> String {
    converse([sent.as_bytes()], false).await.0
}

const LAST: &str = "GET /last HTTP/1.1\r\nConnection: close\r\n\r\n";

fn ok(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: {}\r\n\r\n{text}", text.len())
}

fn last() -> String {
    ok("GET /last ").replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn requests_are_answered_one_after_the_other() {
    let sent = format!(
        "GET /1?a HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\
         POST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nT: u\r\n\r\n{LAST}GET /never HTTP/1.1\r\n\r\n"
    );
    let wanted = [ok("GET /1?a "), ok("POST /2 abc"), ok("POST /3 abc"), last()].concat();
    assert_eq!(answers(&sent).await, wanted);
}

#[tokio::test]
async fn a_body_that_is_waited_for_is_asked_for_once_it_is_read() {
    let sent = format!("POST /2 HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\nabc{LAST}");
    assert_eq!(answers(&sent).await, ["HTTP/1.1 100 Continue\r\n\r\n".into(), ok("POST /2 abc"), last()].concat());
    let sent = "POST /early HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    assert_eq!(answers(sent).await, ok("POST /early ").replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));
    let old = "POST /2 HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(answers(old).await, ok("POST /2 abc").replace("/1.1", "/1.0"));
}

#[tokio::test]
async fn behind_a_request_that_was_not_read_to_its_end_no_other_is_read() {
    let whole = format!("POST /early HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc{LAST}");
    assert_eq!(answers(&whole).await, [ok("POST /early "), last()].concat());
    let part = "POST /early HTTP/1.1\r\nContent-Length: 30\r\n\r\nabc";
    assert_eq!(converse([part.as_bytes()], true).await.0, ok("POST /early "));
    let broken = "POST /early HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nGET /smuggled HTTP/1.1\r\n\r\n";
    assert_eq!(converse([broken.as_bytes()], true).await.0, ok("POST /early "));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_to_the_service_and_ends_the_connection() {
    for sent in [
        "POST /x HTTP/1.1\r\nContent-Length: 30\r\n\r\nabc",
        "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    ] {
        let (answers, _) = converse([sent.as_bytes()], true).await;
        assert!(answers.starts_with("HTTP/1.1 400 ") && answers.contains("no end"), "{answers}");
        assert!(!answers.contains("smuggled"));
    }
}

#[tokio::test]
async fn a_response_keeps_what_its_head_promised_or_is_the_last() {
    let next = |path: &str| format!("GET {path} HTTP/1.1\r\n\r\n{LAST}");
    let head = |length: usize| format!("HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: {length}\r\n\r\n");
    assert_eq!(answers(&next("/long")).await, format!("{}GET /long", head(9)));
    assert_eq!(answers(&next("/short")).await, format!("{}GET /short ", head(12)));
    let chunked = "HTTP/1.1 200 OK\r\ndate: now\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n";
    assert_eq!(answers(&next("/pieces")).await, format!("{chunked}0\r\n\r\n{}", last()));
    assert_eq!(answers(&next("/broken")).await, chunked);
    assert_eq!(answers("GET /pieces HTTP/1.0\r\n\r\n").await, "HTTP/1.0 200 OK\r\ndate: now\r\n\r\nonetwo");
    assert_eq!(answers(&format!("HEAD /x HTTP/1.1\r\n\r\n{LAST}")).await, format!("{}{}", head(8), last()));
}

#[tokio::test]
async fn a_large_body_comes_whole() {
    let got = answers(&format!("GET /large HTTP/1.1\r\n\r\n{LAST}")).await;
    let (_, body) = got.split_once("\r\n\r\n").unwrap();
    let wanted = format!("186a0\r\n{}\r\n1388\r\n{}\r\n0\r\n\r\n", "a".repeat(100_000), "b".repeat(5000));
    assert!(body == wanted + &last());
}

#[tokio::test]
async fn trailers_go_to_those_who_take_them() {
    let head = "HTTP/1.1 200 OK\r\ndate: now\r\ntrailer: warning\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n";
    let wished = answers(&format!("GET /trailers HTTP/1.1\r\nTE: trailers\r\n\r\n{LAST}")).await;
    assert_eq!(wished, format!("{head}0\r\nwarning: late\r\n\r\n{}", last()));
    let unwished = answers(&format!("GET /trailers HTTP/1.1\r\n\r\n{LAST}")).await;
    assert_eq!(unwished, format!("{head}0\r\n\r\n{}", last()));
}

#[tokio::test]
async fn what_is_no_request_gets_a_page_and_is_counted() {
    let endless = format!("GET / HTTP/1.1\r\nA: {}", "b".repeat(70_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
    for (sent, status, abuse) in [
        ("GARBAGE\r\n\r\n", 400, Abuse::Malformed),
        ("GET /1 HTTP/1.1\r\n\r\nGET  / HTTP/1.1\r\n\r\n", 400, Abuse::Malformed),
        (&endless, 431, Abuse::TooLarge),
        (&many, 431, Abuse::TooLarge),
    ] {
        let (answers, told) = converse([sent.as_bytes()], true).await;
        assert!(answers.ends_with("\r\n\r\npage"), "{answers}");
        assert_eq!(told.unread.take(), [status]);
        assert_eq!(told.abuses.take(), [abuse]);
    }
    let (answers, told) = converse([&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..]], false).await;
    assert_eq!((answers.as_str(), told.unread.take().len()), ("", 0));
    let (answers, told) = converse([&b"GET / HTTP/1.1\r\nHost"[..]], true).await;
    assert_eq!((answers.as_str(), told.abuses.take().len()), ("", 0));
}

#[tokio::test]
async fn an_idle_connection_holds_no_buffer() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut wire = Wire::new(ours, Scratch::default());
    let limits = HeadLimits { bytes: 65536, fields: 100 };
    for head in ["GET / HTTP/1.1\r\n\r\n".to_owned(), format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(40_000))] {
        theirs.write_all(head.as_bytes()).await.unwrap();
        assert!(poll_fn(|cx| wire.poll_head(cx, limits)).await.unwrap().is_some());
        wire.push(Bytes::from_static(b"answer"));
        poll_fn(|cx| wire.poll_write(cx)).await.unwrap();
        assert!(wire.buffered_head(limits).is_none());
        assert_eq!(wire.held(), 0);
    }
}

#[test]
fn one_room_is_enough_for_exchanges_that_follow_each_other() {
    run(async {
        let rooms = Rooms::default();
        for _ in 0..3 {
            let sent = [REQUESTS[0], REQUESTS[1], LAST].concat();
            let (answers, _) = converse_in(&rooms, [sent.as_bytes()], true).await;
            assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
            assert_eq!(rooms.kept(), 1);
        }
    });
}

const REQUESTS: [&str; 6] = [
    "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /2 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    "POST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n",
    "\r\nHEAD /4 HTTP/1.1\r\nA: b\r\n\r\n",
    "POST /5 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhelXX\r\n",
    "GET /6 HTTP/1.1\r\nA : b\r\n\r\n",
];

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What the answers say, without the heads' details.
fn statuses(answers: &str) -> Vec<&str> {
    answers.lines().filter(|line| line.starts_with("HTTP/1.1 ")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_depends_on_how_the_requests_come(
        which in proptest::collection::vec(0..REQUESTS.len(), 1..4),
        cuts in proptest::collection::vec(0..300_usize, 0..10),
    ) {
        let sent = which.iter().map(|&which| REQUESTS[which]).collect::<String>() + LAST;
        let mut ends: Vec<_> = cuts.into_iter().map(|cut| cut.min(sent.len())).collect();
        ends.extend([0, sent.len()]);
        ends.sort_unstable();
        let pieces: Vec<_> = ends.windows(2).map(|ends| &sent.as_bytes()[ends[0]..ends[1]]).collect();
        prop_assert_eq!(run(converse(pieces, false)).0, run(converse([sent.as_bytes()], false)).0);
    }

    /// Requests with bytes exchanged, removed or doubled: all are answered or refused, and always alike.
    #[test]
    fn no_request_is_read_in_two_ways(
        which in 0..REQUESTS.len(),
        changes in proptest::collection::vec((0..300_usize, any::<u8>(), 0..4_u8), 1..6),
        size in 1..9_usize,
    ) {
        let mut sent = [REQUESTS[which], LAST].concat().into_bytes();
        for (at, byte, kind) in changes {
            let at = at % sent.len();
            match kind {
                0 => sent[at] = byte,
                1 if sent.len() > 1 => drop(sent.remove(at)),
                2 => sent.insert(at, sent[at]),
                _ => sent.insert(at, b"\r\n0;: ,"[usize::from(byte) % 7]),
            }
        }
        let pieces = run(converse(sent.chunks(size), true)).0;
        let whole = run(converse([sent.as_slice()], true)).0;
        prop_assert_eq!(statuses(&pieces), statuses(&whole));
    }
}
