//! A visitor: one request per connection over a plain socket, so that every byte that came back can be judged.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The name both doors are asked for, so that pages with links to themselves are the same. Werkzeug answers its
/// debugger only under this name.
const HOST: &str = "localhost";

/// No answer may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the visitor asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// A browser's navigation.
    Page,
    /// A program that wants JSON.
    Json,
    /// A script of the page.
    Xhr,
    /// A terminal.
    Text,
}

impl Form {
    pub(crate) const ALL: [Self; 4] = [Self::Page, Self::Json, Self::Xhr, Self::Text];

    fn fields(self) -> &'static str {
        match self {
            Self::Page => "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nSec-Fetch-Dest: document\r\n",
            Self::Json => "Accept: application/json\r\n",
            Self::Xhr => "Accept: */*\r\nX-Requested-With: XMLHttpRequest\r\nSec-Fetch-Dest: empty\r\n",
            Self::Text => "Accept: text/plain\r\n",
        }
    }
}

/// What came back.
pub(crate) struct Answer {
    /// The status; 0 where no status line came.
    pub(crate) status: u16,
    /// The fields in order, names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    /// The content, without transfer coding.
    pub(crate) body: Vec<u8>,
    /// Every byte of the connection.
    pub(crate) raw: Vec<u8>,
}

/// A client of one address that keeps its cookies.
pub(crate) struct Visitor {
    address: SocketAddr,
    cookies: String,
}

impl Visitor {
    pub(crate) const fn of(address: SocketAddr) -> Self {
        Self { address, cookies: String::new() }
    }

    /// Submits the login form and keeps the session cookie, where the application has that form.
    pub(crate) fn log_in(&mut self) -> Answer {
        let form = "user=ada&password=unimportant";
        let request = format!(
            "POST /login HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nAccept: text/html\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let answer = self.exchange(&request);
        self.cookies = answer.all("set-cookie").map(pair).collect::<Vec<_>>().join("; ");
        answer
    }

    /// Requests a page.
    pub(crate) fn get(&self, path: &str, form: Form) -> Answer {
        let cookies = if self.cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", self.cookies) };
        let fields = form.fields();
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{cookies}{fields}\r\n"))
    }

    fn exchange(&self, request: &str) -> Answer {
        let mut raw = Vec::new();
        match talk(self.address, request, &mut raw) {
            Err(error) if raw.is_empty() => panic!("{}: no answer: {error}", self.address),
            // What arrived before a severed connection is what the visitor has.
            _ => Answer::parse(raw),
        }
    }
}

impl Answer {
    /// The first value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a field, in order.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The content as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// An answer that has only a body.
    pub(crate) fn of_body(text: &str) -> Self {
        Self { status: 200, fields: Vec::new(), body: text.into(), raw: text.into() }
    }

    fn parse(raw: Vec<u8>) -> Self {
        let end = raw.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(raw.len());
        let head = String::from_utf8_lossy(&raw[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
        let fields: Vec<_> = lines.filter_map(field).collect();
        let content = raw.get(end + 4..).unwrap_or_default();
        let chunked = fields.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = if chunked { dechunked(content) } else { content.to_vec() };
        Self { status, fields, body, raw }
    }
}

fn talk(address: SocketAddr, request: &str, raw: &mut Vec<u8>) -> io::Result<()> {
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(request.as_bytes())?;
    socket.read_to_end(raw)?;
    Ok(())
}

/// The `name=value` part of a Set-Cookie field.
pub(crate) fn pair(cookie: &str) -> &str {
    cookie.split(';').next().unwrap_or_default().trim()
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), value.trim().to_owned()))
}

/// The content of a chunked body, as far as it came.
fn dechunked(mut content: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line) = content.windows(2).position(|bytes| bytes == b"\r\n") {
        let size = String::from_utf8_lossy(&content[..line]);
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16).unwrap_or(0);
        let rest = &content[line + 2..];
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        content = rest.get(size + 2..).unwrap_or_default();
    }
    body
}

#[test]
fn a_chunked_answer_is_read_as_its_content() {
    let raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
    let answer = Answer::parse(raw.to_vec());
    assert_eq!((answer.status, answer.text().as_str()), (200, "abcde"));
}
