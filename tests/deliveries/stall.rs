//! An application that falls silent within a secret: what has come of it does not leave, however long it takes.

use std::{fmt::Write as _, io::Write as _, net::SocketAddr, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{
    case::{Content, chunks},
    contents::CONTENTS,
    numbered,
    reveal::reveal,
    support::{Visitor, proxy::tcp, settings, start},
};

/// Longer than a silence after which a body is judged by what is there (`inspect.quiet`). Then most bodies have failed;
/// event streams may be silent for ever.
const SILENCE: Duration = Duration::from_millis(1500);

/// How long a client listens.
const PATIENCE: Duration = Duration::from_millis(3000);

/// What stands before the content in some of them.
const FILLER: &str = "All is well in the cellar, and the wine is resting.\n";

/// What is written of a content before the silence.
type Stall = fn(&Content, u16, &str) -> Vec<u8>;

const STALLS: &[(&str, Stall)] = &[
    ("with a length", |content, status, text| {
        let length = content.text.len();
        head(status, &format!("Content-Type: {}\r\nContent-Length: {length}\r\n", content.media), text.as_bytes())
    }),
    ("behind a chunk", |content, status, text| {
        chunked(status, &format!("Content-Type: {}\r\n", content.media), &[text.as_bytes()])
    }),
    ("in chunks of one byte", |content, status, text| {
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        chunked(status, &format!("Content-Type: {}\r\n", content.media), &bytes)
    }),
    ("behind 100 KiB", |content, status, text| {
        let filler = FILLER.repeat(2000);
        chunked(status, &format!("Content-Type: {}\r\n", content.media), &[filler.as_bytes(), text.as_bytes()])
    }),
    ("in an event", |_, status, text| {
        let lines = text.lines().map(|line| format!("data: {line}")).collect::<Vec<_>>().join("\n");
        chunked(status, "Content-Type: text/event-stream\r\n", &[b"data: one\n\n", lines.as_bytes()])
    }),
    ("in a line of JSON", |_, status, text| {
        let line = serde_json::json!({ "error": text }).to_string();
        let open = line.trim_end_matches("\"}");
        chunked(status, "Content-Type: application/x-ndjson\r\n", &[b"{\"n\":1}\n", open.as_bytes()])
    }),
    ("in gzip", |content, status, text| {
        let fields = format!("Content-Type: {}\r\nContent-Encoding: gzip\r\n", content.media);
        chunked(status, &fields, &[&flushed(text)])
    }),
    ("in gzip behind 100 KiB", |content, status, text| {
        let fields = format!("Content-Type: {}\r\nContent-Encoding: gzip\r\n", content.media);
        chunked(status, &fields, &[&flushed(&format!("{}{text}", FILLER.repeat(2000)))])
    }),
    ("in a part of multipart", |_, status, text| {
        let part = format!("--cut\r\nContent-Type: text/plain\r\n\r\n{text}");
        chunked(status, "Content-Type: multipart/mixed; boundary=cut\r\n", &[part.as_bytes()])
    }),
];

fn head(status: u16, fields: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status} Said\r\n{fields}\r\n").as_bytes(), body].concat()
}

/// Chunks without the last one.
fn chunked(status: u16, fields: &str, pieces: &[&[u8]]) -> Vec<u8> {
    let mut body = chunks(pieces.iter().copied(), "", "");
    body.truncate(body.len() - b"0\r\n\r\n".len());
    head(status, &format!("{fields}Transfer-Encoding: chunked\r\n"), &body)
}

/// gzip as far as the text goes, without its end.
fn flushed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.flush().unwrap();
    encoder.get_ref().clone()
}

/// Where the text stops: in the middle of each mark, and one character before its end. With what must not leave.
fn stops(content: &Content) -> Vec<(usize, &'static str)> {
    let places = |mark: &&'static str| {
        let (at, mark) = (content.text.find(*mark).unwrap(), *mark);
        [(at + mark.len() / 2, &mark[..mark.len() / 2]), (at + mark.len() - 1, &mark[..mark.len() / 2])]
    };
    content.marks.iter().flat_map(places).collect()
}

/// The application: `/content/stop/status/stall`, numbers.
async fn serve(mut stream: TcpStream) {
    let Some(numbers) = numbered::asked(&mut stream).await else { return };
    let content = &CONTENTS[numbers[0]];
    let text = &content.text[..stops(content)[numbers[1]].0];
    let said = STALLS[numbers[3]].1(content, u16::try_from(numbers[2]).unwrap(), text);
    drop(stream.write_all(&said).await);
    // Silent until the proxy has had enough.
    drop(stream.read_to_end(&mut Vec::new()).await);
}

/// What a client has heard of an answer.
struct Heard {
    status: u16,
    body: Vec<u8>,
    whole: bool,
}

/// None where nothing was answered.
async fn heard(proxy: SocketAddr, request: http::Request<http_body_util::Full<Bytes>>) -> Option<Heard> {
    let deadline = Instant::now() + PATIENCE;
    let stream = TcpStream::connect(proxy).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let response = timeout_at(deadline, sender.send_request(request)).await.ok()?.ok()?;
    let (status, mut incoming) = (response.status().as_u16(), response.into_body());
    let (mut body, mut whole) = (Vec::new(), false);
    while let Ok(next) = timeout_at(deadline, incoming.frame()).await {
        let Some(Ok(frame)) = next else {
            whole = next.is_none();
            break;
        };
        body.extend_from_slice(frame.data_ref().unwrap());
    }
    Some(Heard { status, body, whole })
}

#[tokio::test]
async fn what_has_come_of_a_secret_does_not_leave_in_a_silence() {
    let mut settings = settings(numbered::application(serve).await);
    settings.upstream.body_timeout = SILENCE;
    let service = start(settings);
    let (mut asked, proxy, visitor) = (JoinSet::new(), tcp(&service.listening[0]), Visitor::plain(&service));
    for (number, content) in CONTENTS.iter().enumerate().filter(|(_, content)| content.leaks) {
        for (stop, (_, half)) in stops(content).into_iter().enumerate() {
            for (stall, (name, _)) in STALLS.iter().enumerate() {
                for status in [200, 500] {
                    let path = format!("/{number}/{stop}/{status}/{stall}");
                    let heard = heard(proxy, visitor.request(&path, Bytes::new()));
                    asked.spawn(async move {
                        failure(heard.await, half, name).map(|what| format!("{name} {path}: {what}"))
                    });
                }
            }
        }
    }
    let mut failures = String::new();
    while let Some(failed) = asked.join_next().await {
        failed.unwrap().into_iter().for_each(|failure| writeln!(failures, "{failure}").unwrap());
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// What is wrong with what a client heard. Pages of ours are whole, and what stands far before the secret arrives.
fn failure(heard: Option<Heard>, half: &str, stall: &str) -> Option<String> {
    let Heard { status, body, whole } = heard?;
    let shown = reveal(&body);
    if shown.contains(half) {
        return Some(format!("{half} left"));
    }
    let begins = status != 200 || stall != "behind 100 KiB" || shown.contains(FILLER);
    let ends = !whole || status >= 500 || stall.starts_with("in an event");
    (!begins || !ends).then(|| format!("{status}, whole: {whole}: {shown:.300}"))
}
