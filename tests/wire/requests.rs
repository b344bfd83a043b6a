//! The table of malformed and odd requests in `requests.toml`: each gets its answer, and one request in is at most one
//! request out. What nginx and HAProxy answer stands in `requests.md`, made by `compare.py`.

use std::{
    fmt::Write as _,
    io::{Read, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
};

use cofferdam::upstream::UpstreamAddress;
use serde::Deserialize;

use crate::{
    recorder::{Recorded, Recorder},
    support::{PATIENCE, cofferdam::Cofferdam},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: String,
    /// Whether `sent` of each is a chunked body.
    #[serde(default)]
    chunked: bool,
    requests: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    sent: String,
    answers: Vec<u16>,
    #[serde(default)]
    seen: Vec<String>,
    #[serde(default)]
    unseen: Vec<String>,
    #[serde(default)]
    ends: bool,
    #[serde(default)]
    closes: bool,
}

#[test]
fn each_request_of_the_table_gets_its_answer_and_none_becomes_two() {
    let table: Table = toml::from_str(include_str!("requests.toml")).unwrap();
    let recorder = Recorder::start();
    let upstream = UpstreamAddress::Tcp { host: "127.0.0.1".into(), port: recorder.address.port() };
    let proxy = Cofferdam::at(upstream, |_, _| {});
    let (mut failures, mut count) = (String::new(), 0);
    for section in &table.section {
        for row in &section.requests {
            count += 1;
            let ends_after = if row.ends { Some(0) } else { row.ends_after() };
            let answers = converse(proxy.address(), &row.bytes(section.chunked), ends_after);
            // Were there more in the upstream connection, it would come before this.
            let marker = b"GET /marker HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            let marked = converse(proxy.address(), marker, None);
            let mut recorded = recorder.take();
            let last = recorded.pop();
            let is_last = last.is_some_and(|last| last.is_ok_and(|last| last.starts_with("GET /marker ")));
            let failure =
                row.failure(&answers, &recorded).or((!is_last || marked != [200]).then(|| "no marker".into()));
            if let Some(failure) = failure {
                writeln!(failures, "{}: {}: {failure}", section.title, row.name).unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(count >= 80, "{count} rows");
}

impl Row {
    /// What is sent, with repetitions written out.
    fn bytes(&self, chunked: bool) -> Vec<u8> {
        let mut text = self.sent.clone();
        if let Some((before, rest)) = self.sent.split_once('{') {
            let (times, after) = rest.split_once('}').unwrap();
            text = format!("{before}{}{after}", "a".repeat(times.parse().unwrap()));
        }
        if chunked {
            text.insert_str(0, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        }
        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
    }

    /// After how many answers the client must end the connection, since the proxy does not.
    fn ends_after(&self) -> Option<usize> {
        let stays = matches!(self.answers.last(), Some(200 | 405)) && !self.closes;
        stays.then_some(self.answers.len())
    }

    /// What is not as the row says.
    fn failure(&self, answers: &[u16], recorded: &[Recorded]) -> Option<String> {
        let passed = self.answers.iter().filter(|&&answer| answer == 200).count();
        let whole: Vec<&String> = recorded.iter().filter_map(|recorded| recorded.as_ref().ok()).collect();
        let all = whole.iter().map(|request| request.as_str()).collect::<String>();
        let lower = all.to_ascii_lowercase();
        let is_right = answers == self.answers
            && whole.len() == recorded.len()
            && whole.len() == passed
            && !whole.iter().any(|request| request.lines().next().unwrap().contains("/smuggled"))
            && self.seen.iter().all(|line| lower.lines().any(|seen| seen == line.to_ascii_lowercase()))
            && !self.unseen.iter().any(|text| lower.contains(&text.to_ascii_lowercase()));
        (!is_right).then(|| format!("answered {answers:?}, forwarded {recorded:.200?}"))
    }
}

/// The statuses of all answers until the connection ends; we end our side after as many as said, or never. 0 stands for
/// a silence.
fn converse(address: SocketAddr, bytes: &[u8], ends_after: Option<usize>) -> Vec<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE / 4)).unwrap();
    // A refusal may come, and the connection close, before everything is sent.
    drop(stream.write_all(bytes));
    let is_head = bytes.starts_with(b"HEAD ");
    let (mut read, mut piece, mut ended) = (Vec::new(), [0; 4096], false);
    loop {
        let statuses = statuses(&read, is_head);
        if !ended && ends_after.is_some_and(|count| statuses.len() >= count) {
            ended = true;
            drop(stream.shutdown(Shutdown::Write));
        }
        match stream.read(&mut piece) {
            Ok(length @ 1..) => read.extend_from_slice(&piece[..length]),
            Ok(0) => return statuses,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return statuses,
            Err(_) => return [statuses, vec![0]].concat(),
        }
    }
}

/// Of the whole answers in what was read; only the first may be to HEAD.
fn statuses(read: &[u8], is_head: bool) -> Vec<u16> {
    let text = String::from_utf8_lossy(read).into_owned();
    let (mut rest, mut statuses) = (&text[..], Vec::new());
    while let Some((head, after)) = rest.split_once("\r\n\r\n") {
        let lower = head.to_ascii_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let length: usize = if is_head && statuses.is_empty() { 0 } else { length.unwrap_or(0) };
        let Some(next) = after.get(length..) else { break };
        statuses.push(head.split(' ').nth(1).unwrap().parse().unwrap());
        rest = next;
    }
    statuses
}
