//! What an application can do to a connection, and that no answer depends on how its bytes come.

use std::future::poll_fn;

use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use super::{fuzz::Read, *};
use crate::upstream::{BodyFault, link::Again};

/// Reads an answer to `GET` that comes in these pieces.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    fuzz::read(pieces, false)
}

const ANSWERS: [&[u8]; 9] = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n6 \r\n world\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00a\r\n0123456789\r\n0\r\nA: b\r\nC: d\r\n\r\nsurplus",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end\r\n",
    b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    b"HTTP/1.0 304 Not Modified\nContent-Length: 3\n\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
];

#[test]
fn answers_end_where_they_say() {
    let whole = |body: &str, trailers, surplus| Read::Whole { status: 200, body: body.into(), trailers, surplus };
    assert_eq!(read([ANSWERS[0]]), whole("hello world", 0, 0));
    assert_eq!(read([ANSWERS[1]]), whole("hello", 0, 10));
    assert_eq!(read([ANSWERS[2]]), whole("hello world", 0, 0));
    assert_eq!(read([ANSWERS[3]]), whole("0123456789", 2, 7));
    assert_eq!(read([ANSWERS[4]]), Read::Unfinished { body: b"until the end\r\n".to_vec() });
    assert_eq!(read([ANSWERS[5]]), Read::Whole { status: 204, body: Vec::new(), trailers: 0, surplus: 0 });
    assert_eq!(read([ANSWERS[6]]), Read::Whole { status: 304, body: Vec::new(), trailers: 0, surplus: 0 });
    assert_eq!((read([ANSWERS[7]]), read([ANSWERS[8]])), (Read::Malformed, Read::Malformed));
}

#[test]
fn chunks_are_framed_strictly_and_within_bounds() {
    let long = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(5000));
    let many = format!("{}0\r\n\r\n", format!("1;{}\r\na\r\n", "x".repeat(1000)).repeat(20));
    let trailers = format!("0\r\n{}\r\n", "A: b\r\n".repeat(65));
    let endless = format!("0\r\nA: {}", "b".repeat(20_000));
    for body in [
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5 6\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "10000000000000000\r\nhello",
        "ffffffffffffffffff\r\nhello",
        "g\r\n",
        "0\r\nA : b\r\n\r\n",
        "0\r\n A: b\r\n\r\n",
        &long,
        &many,
        &trailers,
        &endless,
    ] {
        let answer = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", body.as_bytes()].concat();
        assert_eq!(read([answer.as_slice()]), Read::Malformed, "{body:.40?}");
        assert_eq!(read(answer.chunks(1)), Read::Malformed, "{body:.40?}");
    }
}

proptest! {
    #[test]
    fn an_answer_does_not_depend_on_how_its_bytes_come(
        which in 0..ANSWERS.len(),
        cuts in proptest::collection::vec(0..200_usize, 0..12),
    ) {
        let answer = ANSWERS[which];
        let mut ends: Vec<_> = cuts.into_iter().map(|cut| cut.min(answer.len())).collect();
        ends.extend([0, answer.len()]);
        ends.sort_unstable();
        let pieces = ends.windows(2).map(|ends| &answer[ends[0]..ends[1]]);
        prop_assert_eq!(read(pieces), read([answer]));
    }

    /// Answers with bytes exchanged, removed or doubled: all of them are read or refused, and always alike.
    #[test]
    fn no_answer_is_read_in_two_ways(
        which in 0..ANSWERS.len(),
        changes in proptest::collection::vec((0..200_usize, any::<u8>(), 0..4_u8), 1..6),
        size in 1..9_usize,
    ) {
        let mut answer = ANSWERS[which].to_vec();
        for (at, byte, kind) in changes {
            let at = at % answer.len();
            match kind {
                0 => answer[at] = byte,
                1 if answer.len() > 1 => drop(answer.remove(at)),
                2 => answer.insert(at, answer[at]),
                _ => answer.insert(at, b"\r\n0;: ,"[usize::from(byte) % 7]),
            }
        }
        prop_assert_eq!(read(answer.chunks(size)), read([answer.as_slice()]));
    }
}

/// A connection and the application's end of it.
fn pair() -> (Http1, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Http1::new(Stream::Unix(ours), Scratch::default(), 64 * 1024), theirs)
}

fn get() -> Request<RequestBody> {
    Request::get("/a?b").header("host", "example.org").body(RequestBody::Empty).unwrap()
}

async fn send(connection: &mut Http1) -> Result<Answered, Failure> {
    let mut asked = Asked::new(get());
    let received = poll_fn(|cx| connection.poll_send(cx, &mut asked)).await;
    connection.answered(asked, received)
}

async fn asked(application: &mut UnixStream) -> String {
    let mut request = vec![0; 4096];
    let length = application.read(&mut request).await.unwrap();
    String::from_utf8(request[..length].to_vec()).unwrap()
}

/// The body, and whether the connection may be used again.
async fn body(mut content: Content, connection: &mut Http1) -> (Result<Vec<u8>, BodyFault>, bool) {
    let mut body = Vec::new();
    while !content.is_end() {
        match poll_fn(|cx| content.poll_frame(cx, connection)).await {
            Some(Ok(frame)) => body.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            Some(Err(fault)) => return (Err(fault), false),
            None => break,
        }
    }
    (Ok(body), content.is_reusable())
}

async fn exchange(answer: &[u8], closes: bool) -> Result<(u16, Result<Vec<u8>, BodyFault>, bool), Fault> {
    let (mut connection, mut application) = pair();
    let application = async {
        assert_eq!(asked(&mut application).await, "GET /a?b HTTP/1.1\r\nhost: example.org\r\n\r\n");
        application.write_all(answer).await.unwrap();
        (!closes).then_some(application)
    };
    let client = async {
        let (head, content) = send(&mut connection).await.map_err(|failure| failure.fault)?;
        let (body, reusable) = body(content, &mut connection).await;
        Ok((head.status.as_u16(), body, reusable))
    };
    tokio::join!(client, application).0
}

#[tokio::test]
async fn a_connection_is_used_again_only_behind_an_answer_that_left_nothing() {
    for (answer, body, reusable) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!", "ok", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", "ok", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok", true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\r\n", "ok", false),
        ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "", true),
        ("HTTP/1.1 204 No Content\r\n\r\nx", "", false),
    ] {
        let (_, read, again) = exchange(answer.as_bytes(), false).await.unwrap();
        assert_eq!((read.unwrap(), again), (body.as_bytes().to_vec(), reusable), "{answer:?}");
    }
    let (_, read, again) = exchange(b"HTTP/1.1 200 OK\r\n\r\nto the end", true).await.unwrap();
    assert_eq!((read.unwrap(), again), (b"to the end".to_vec(), false));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_from_one_that_cannot_be_read() {
    for (answer, fault) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", BodyFault::Truncated),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", BodyFault::Truncated),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nx\r\n", BodyFault::Malformed),
    ] {
        assert_eq!(exchange(answer.as_bytes(), true).await.unwrap().1, Err(fault), "{answer:?}");
    }
}

#[tokio::test]
async fn without_a_head_there_is_no_answer() {
    for (answer, malformed) in [
        ("", false),
        ("HTTP/1.1 200 OK\r\nA: b\r\n", false),
        ("no head at all", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", true),
    ] {
        let fault = exchange(answer.as_bytes(), true).await.unwrap_err();
        assert_eq!(matches!(fault, Fault::Malformed), malformed, "{answer:?}");
    }
    for endless in ["HTTP/1.1 102 Processing\r\n\r\n".repeat(6000), "HTTP/1.1 200 OK\r\nA: b".repeat(4000)] {
        let fault = exchange(endless.as_bytes(), false).await.unwrap_err();
        assert!(matches!(fault, Fault::Malformed));
    }
}

#[tokio::test]
async fn an_idle_connection_is_one_on_which_nothing_happens() {
    let (mut connection, mut application) = pair();
    assert!(connection.is_idle());
    application.write_all(b"x").await.unwrap();
    tokio::task::yield_now().await;
    assert!(!connection.is_idle(), "something unasked came");
    let (mut connection, application) = pair();
    drop(application);
    tokio::task::yield_now().await;
    assert!(!connection.is_idle(), "the application has closed it");
}

#[tokio::test]
async fn a_request_of_which_nothing_was_written_comes_back() {
    let (mut connection, application) = pair();
    drop(application);
    let failure = send(&mut connection).await.unwrap_err();
    assert!(matches!(failure.fault, Fault::Closed));
    assert!(matches!(failure.again, Some(Again::Unsent(request)) if request.uri() == "/a?b"));
}
