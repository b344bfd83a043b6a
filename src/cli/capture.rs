//! What `scan`, `explain` and `check --cookies` read: raw HTTP/1 responses, HAR archives, and plain bodies.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header, uri::PathAndQuery};
use serde::Deserialize;

use crate::{
    request::RequestHead,
    response::{ReasonPhrase, ResponseHead},
};

/// One response, as if it had just arrived.
#[derive(Debug)]
pub(super) struct Capture {
    /// The file, and the position or URL within it.
    pub(super) name: String,
    /// What was asked for; `GET /` where that is not known.
    pub(super) request: RequestHead,
    /// Whether it is known to have been asked for by TLS.
    pub(super) tls: bool,
    /// The head.
    pub(super) response: ResponseHead,
    /// The body, without transfer coding, with its content coding.
    pub(super) body: Bytes,
}

/// Reads all captures of a file. Whatever is neither a HAR archive nor an HTTP response is the body of a response
/// that says nothing of itself.
pub(super) fn read(name: &str, content: &[u8]) -> Vec<Capture> {
    if let Some(captures) = har(name, content) {
        return captures;
    }
    let (response, body) = http_response(content).unwrap_or_else(|| (untyped(), Bytes::copy_from_slice(content)));
    let request = request("GET", "http://localhost/");
    vec![Capture { name: name.to_owned(), request, tls: false, response, body }]
}

/// Of a request, only method and URL have a part in the verdict. A URL that is none is that of the root.
fn request(method: &str, url: &str) -> RequestHead {
    let url: Uri = url.parse().unwrap_or_else(|_| Uri::from_static("/"));
    let host = url.host().and_then(|host| HeaderValue::from_str(host).ok());
    let host = host.unwrap_or_else(|| HeaderValue::from_static("localhost"));
    let target = url.path_and_query().map_or("/", PathAndQuery::as_str);
    RequestHead {
        method: method.parse().unwrap_or(Method::GET),
        uri: target.parse().unwrap_or_else(|_| Uri::from_static("/")),
        version: Version::HTTP_11,
        headers: [(header::HOST, host)].into_iter().collect(),
    }
}

fn untyped() -> ResponseHead {
    ResponseHead::new(StatusCode::OK, HeaderMap::new())
}

/// A response as it stands on the wire (RFC 9112). Captures are often edited: line ends may be bare LF, and a body
/// that its length or its chunks contradict is taken as it is.
fn http_response(content: &[u8]) -> Option<(ResponseHead, Bytes)> {
    if !content.starts_with(b"HTTP/") {
        return None;
    }
    let (head, body) = split_head(content);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let mut words = lines.next()?.splitn(3, ' ').skip(1);
    let status = words.next()?.parse().ok()?;
    let reason = words.next().and_then(|phrase| ReasonPhrase::own(phrase, status));
    let mut headers: HeaderMap = lines.filter_map(field).collect();
    let chunked =
        headers.remove(header::TRANSFER_ENCODING).is_some_and(|coding| coding.as_bytes().ends_with(b"chunked"));
    let body = if chunked { unchunk(body) } else { None }.unwrap_or_else(|| body.to_vec());
    Some((ResponseHead { status, headers, reason }, body.into()))
}

/// The head without its empty line, and what follows that.
fn split_head(content: &[u8]) -> (&[u8], &[u8]) {
    let mut start = 0;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        if line.trim_ascii().is_empty() {
            return (&content[..start], &content[end..]);
        }
        start = end;
    }
    (content, &[])
}

fn field(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    Some((name.parse().ok()?, HeaderValue::from_str(value.trim()).ok()?))
}

/// The data of chunks (RFC 9112 section 7.1); none where they are not well formed. A missing last chunk is forgiven.
fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        rest = &rest[end + 1..];
        if size == 0 {
            break;
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = &rest[size..];
        rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).unwrap_or(rest);
    }
    Some(body)
}

/// HTTP Archive 1.2, of which only what is needed is read.
#[derive(Deserialize)]
struct Archive {
    log: ArchiveLog,
}

#[derive(Deserialize)]
struct ArchiveLog {
    entries: Vec<ArchiveEntry>,
}

#[derive(Deserialize)]
struct ArchiveEntry {
    request: ArchiveRequest,
    response: ArchiveResponse,
}

#[derive(Deserialize)]
struct ArchiveRequest {
    method: String,
    url: String,
}

#[derive(Deserialize)]
struct ArchiveResponse {
    status: u16,
    #[serde(default)]
    headers: Vec<ArchiveField>,
    #[serde(default)]
    content: ArchiveContent,
}

#[derive(Deserialize)]
struct ArchiveField {
    name: String,
    value: String,
}

#[derive(Default, Deserialize)]
struct ArchiveContent {
    #[serde(default)]
    text: String,
    #[serde(default)]
    encoding: Option<String>,
}

fn har(name: &str, content: &[u8]) -> Option<Vec<Capture>> {
    if !content.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let archive: Archive = serde_json::from_slice(content).ok()?;
    Some(archive.log.entries.into_iter().map(|entry| entry.capture(name)).collect())
}

impl ArchiveEntry {
    fn capture(self, name: &str) -> Capture {
        let Self { request: ArchiveRequest { method, url }, response } = self;
        let location = url.split(['?', '#']).next().unwrap_or_default();
        let mut fields = fields(response.headers);
        // Archives hold decoded content under the head of the coded one.
        fields.remove(header::CONTENT_ENCODING);
        fields.remove(header::CONTENT_LENGTH);
        fields.remove(header::TRANSFER_ENCODING);
        Capture {
            name: format!("{name}: {method} {location}"),
            request: request(&method, &url),
            tls: url.starts_with("https:"),
            response: ResponseHead::new(StatusCode::from_u16(response.status).unwrap_or(StatusCode::OK), fields),
            body: response.content.bytes(),
        }
    }
}

impl ArchiveContent {
    fn bytes(self) -> Bytes {
        match self.encoding.as_deref() {
            Some("base64") => STANDARD.decode(&self.text).unwrap_or_else(|_| self.text.into_bytes()).into(),
            _ => self.text.into(),
        }
    }
}

/// HTTP/2's pseudo-fields and whatever is no field are left out.
fn fields(fields: Vec<ArchiveField>) -> HeaderMap {
    fields.into_iter().filter_map(|it| Some((it.name.parse().ok()?, it.value.parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(content: &[u8]) -> Capture {
        let mut captures = read("x", content);
        assert_eq!(captures.len(), 1);
        captures.remove(0)
    }

    #[test]
    fn a_raw_response_is_read_with_either_line_end() {
        for content in
            ["HTTP/1.1 404 Not Found\r\nA: b\r\nA: c\r\n\r\nbody\r\n", "HTTP/1.1 404\nA: b\nA: c\n\nbody\r\n"]
        {
            let capture = only(content.as_bytes());
            assert_eq!(capture.response.status, 404);
            assert_eq!(capture.response.headers.get_all("a").iter().count(), 2);
            assert_eq!(capture.body, "body\r\n");
        }
        assert_eq!(only(b"HTTP/1.1 200 OK\r\nA: b").body, "");
    }

    #[test]
    fn chunks_are_joined_and_broken_ones_left_alone() {
        let body = |chunks: &str| {
            only(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}").as_bytes()).body
        };
        assert_eq!(body("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), "abcde");
        assert_eq!(body("3\r\nabc\r\n"), "abc");
        assert_eq!(body("plain"), "plain");
        assert_eq!(body("ffffffffffffffff\r\nabc"), "ffffffffffffffff\r\nabc");
    }

    #[test]
    fn an_archive_has_a_capture_for_each_entry_and_names_no_query() {
        let archive = r#"{"log": {"entries": [
            {"request": {"method": "POST", "url": "https://app/x?token=t", "headers": [{"name": ":method", "value": "POST"}]},
             "response": {"status": 500, "headers": [{"name": "content-encoding", "value": "gzip"}],
                          "content": {"mimeType": "text/html", "text": "aGk=", "encoding": "base64"}}},
            {"request": {"method": "GET", "url": "https://app/y"}, "response": {"status": 204}}
        ]}}"#;
        let captures = read("a.har", archive.as_bytes());
        assert_eq!(captures[0].name, "a.har: POST https://app/x");
        assert_eq!(captures[0].body, "hi");
        assert!(captures[0].response.headers.is_empty());
        assert_eq!(captures[1].response.status, 204);
        assert!(captures[0].tls && !only(b"HTTP/1.1 200 OK").tls);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_losing_a_body(
            head in "HTTP/1\\.[01] [0-9a-z]{0,4}(\r?\n[ -~]{0,20}){0,4}",
            body: Vec<u8>,
        ) {
            proptest::prop_assert_eq!(read("x", &body).len(), 1);
            let content = [head.as_bytes(), b"\r\n\r\n", &body].concat();
            let capture = only(&content);
            proptest::prop_assert!(content.ends_with(&capture.body) || head.to_ascii_lowercase().contains("chunked"));
        }
    }

    #[test]
    fn anything_else_is_a_body() {
        for content in ["", "{\"log\": 1}", "HTTP", "HTTP/x", "<html>"] {
            assert_eq!(only(content.as_bytes()).body, content, "{content}");
        }
    }
}
