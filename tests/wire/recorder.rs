//! An application that reads strictly and writes down what it was asked.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::support::PATIENCE;

/// A running recorder.
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    recorded: Arc<Mutex<Vec<Recorded>>>,
}

/// What came: a whole request as it was sent, one byte a character, or what is wrong with it.
pub(crate) type Recorded = Result<String, String>;

impl Recorder {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let recorded = Arc::new(Mutex::new(Vec::new()));
        let shared = recorded.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = shared.clone();
                thread::spawn(move || serve(stream.unwrap(), &shared));
            }
        });
        Self { address, recorded }
    }

    /// What has come since this was asked last.
    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.recorded.lock().unwrap())
    }
}

fn serve(stream: TcpStream, recorded: &Mutex<Vec<Recorded>>) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let head_only = request.as_ref().is_ok_and(|request| request.starts_with("HEAD "));
        recorded.lock().unwrap().push(request);
        let body = if head_only { "" } else { "ok" };
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{body}");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            break;
        }
    }
}

/// None where the connection ends, within a request or before it.
fn read(reader: &mut impl BufRead) -> Option<Recorded> {
    let mut head = Vec::new();
    loop {
        let line = line(reader)?;
        if line == "\r\n" {
            break;
        }
        head.push(line);
    }
    let (body, wrong) = match framing(&head) {
        Ok(Framing::Length(length)) => (exactly(reader, length)?, None),
        Ok(Framing::Chunked) => chunks(reader)?,
        Err(wrong) => (String::new(), Some(wrong)),
    };
    let wrong = wrong.or_else(|| wrong_line(&head));
    let request = format!("{}\r\n{body}", head.concat());
    Some(wrong.map_or(Ok(request.clone()), |wrong| Err(format!("{wrong}: {request:?}"))))
}

enum Framing {
    Length(usize),
    Chunked,
}

fn framing(head: &[String]) -> Result<Framing, &'static str> {
    let values = |name: &str| -> Vec<String> {
        let fields = head.iter().skip(1).filter_map(|line| line.split_once(':'));
        let fields = fields.filter(|(written, _)| written.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.trim().to_owned()).collect()
    };
    match (&values("content-length")[..], &values("transfer-encoding")[..]) {
        ([], []) => Ok(Framing::Length(0)),
        ([length], []) => length.parse().map(Framing::Length).map_err(|_| "a length that is no number"),
        ([], [coding]) if coding == "chunked" => Ok(Framing::Chunked),
        _ => Err("more than one framing"),
    }
}

/// Each line is whole, has no control characters, and there is one Host.
fn wrong_line(head: &[String]) -> Option<&'static str> {
    let request_line = head.first()?;
    if !request_line.ends_with(" HTTP/1.1\r\n") || request_line.matches(' ').count() != 2 {
        return Some("a request line of other than three words");
    }
    let control = |line: &String| line.trim_end_matches("\r\n").chars().any(|c| c.is_ascii_control() && c != '\t');
    if head.iter().any(|line| !line.ends_with("\r\n") || control(line)) {
        return Some("a line that another server could read as two");
    }
    let is_field = |line: &String| line.split_once(':').is_some_and(|(name, _)| !name.contains([' ', '\t', '_']));
    if !head.iter().skip(1).all(is_field) {
        return Some("a field that could be read in two ways");
    }
    let hosts = head.iter().filter(|line| line.to_ascii_lowercase().starts_with("host:")).count();
    (hosts > 1).then_some("two hosts")
}

/// The body as it came, and what is wrong with it.
fn chunks(reader: &mut impl BufRead) -> Option<(String, Option<&'static str>)> {
    let mut body = String::new();
    loop {
        let size_line = line(reader)?;
        let digits = size_line.trim_end_matches("\r\n");
        let Ok(size) = usize::from_str_radix(digits, 16) else { return Some((body, Some("no size of a chunk"))) };
        let rest = exactly(reader, size + 2)?;
        let is_closed = rest.ends_with("\r\n");
        body += &format!("{size_line}{rest}");
        if size == 0 || !is_closed {
            return Some((body, (!is_closed).then_some("a chunk without its end, or trailers")));
        }
    }
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    reader.read_until(b'\n', &mut bytes).ok()?;
    bytes.ends_with(b"\n").then(|| latin1(&bytes))
}

fn exactly(reader: &mut impl Read, length: usize) -> Option<String> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    Some(latin1(&bytes))
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}
