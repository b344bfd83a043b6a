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
#[derive(Clone)]
pub(crate) struct Visitor {
    address: SocketAddr,
    /// By name, in the order in which they came.
    cookies: Vec<(String, String)>,
}

impl Visitor {
    pub(crate) const fn of(address: SocketAddr) -> Self {
        Self { address, cookies: Vec::new() }
    }

    /// Submits the login form and keeps the session cookie, where the application has that form.
    pub(crate) fn log_in(&mut self) -> Answer {
        self.submit("/login", "user=ada&password=unimportant")
    }

    /// Submits a form, as `application/x-www-form-urlencoded`, and keeps the cookies that come back.
    pub(crate) fn submit(&mut self, path: &str, form: &str) -> Answer {
        let answer = self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nAccept: text/html\r\n{}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.cookie_field(),
            form.len()
        ));
        answer.all("set-cookie").for_each(|cookie| self.keep(cookie));
        answer
    }

    /// Requests a page.
    pub(crate) fn get(&self, path: &str, form: Form) -> Answer {
        let (cookies, fields) = (self.cookie_field(), form.fields());
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{cookies}{fields}\r\n"))
    }

    /// Goes to a page and keeps the cookies that come back.
    pub(crate) fn visit(&mut self, path: &str) -> Answer {
        let answer = self.get(path, Form::Page);
        answer.all("set-cookie").for_each(|cookie| self.keep(cookie));
        answer
    }

    /// The value of a cookie that it has.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Gives it a cookie, in the place of one that it has by this name.
    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    /// The names of the cookies that it has.
    pub(crate) fn cookie_names(&self) -> Vec<&str> {
        self.cookies.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Takes a `Set-Cookie` field as a browser does, as far as one host with one path needs it.
    fn keep(&mut self, cookie: &str) {
        let (name, value) = pair(cookie).split_once('=').unwrap_or_default();
        let attributes = cookie.to_ascii_lowercase();
        let is_deletion = attributes.contains("max-age=0") || attributes.contains("expires=thu, 01 jan 1970");
        self.cookies.retain(|(known, _)| known != name);
        if !is_deletion {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    fn cookie_field(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { String::new() } else { format!("Cookie: {}\r\n", pairs.join("; ")) }
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
