//! Nothing about a page tells what became of it: its head is the same by HEAD and GET, and no copy of what it was
//! before is called good.

use cofferdam::coding::{Coding, Encoder};

use crate::support::{
    client::{Client, Response},
    cofferdam::Cofferdam,
    origin::{Act, Asked, Origin},
};

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE6tBoKiPjMnSw\n-----END RSA PRIVATE KEY-----\n";
const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/shop/venv/lib/python3.11/site-packages/flask/app.py\", line 1511, in wsgi_app\n    response = self.full_dispatch_request()\n  File \"/srv/shop/app.py\", line 12, in index\n    return 1 / 0\nZeroDivisionError: division by zero\n";
const NEWS: &str = "The market opens at nine.\n";

const VALIDATORS: &str = "ETag: \"v1\"\r\nLast-Modified: Mon, 02 Mar 2026 10:00:00 GMT\r\n";

fn body(path: &str) -> Vec<u8> {
    match path {
        "/masked" => format!("{NEWS}{KEY}").into_bytes(),
        "/masked/late" => format!("{}{KEY}", NEWS.repeat(6000)).into_bytes(),
        "/leak" => TRACE.into(),
        "/empty" => Vec::new(),
        "/large" => NEWS.repeat(10_000).into_bytes(),
        "/coded" => {
            let (mut encoder, mut out) = (Encoder::new(Coding::Gzip).unwrap(), Vec::new());
            encoder.push(NEWS.repeat(50).as_bytes(), &mut out).unwrap();
            encoder.finish(&mut out).unwrap();
            out
        }
        "/image" => [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 500]].concat(),
        "/events" => b"data: one\n\n".to_vec(),
        _ => NEWS.into(),
    }
}

/// A page with validators, with a length or in chunks; to HEAD its head, and 304 to whom has it.
fn page(asked: &Asked) -> Vec<Act> {
    let (path, chunked) = asked.path().strip_suffix("?chunked").map_or((asked.path(), false), |path| (path, true));
    if asked.head.to_ascii_lowercase().contains("if-none-match: \"v1\"") {
        return vec![Act::Send(format!("HTTP/1.1 304 Not Modified\r\n{VALIDATORS}\r\n").into_bytes())];
    }
    let media_type = match path {
        "/image" => "image/png",
        "/events" => "text/event-stream",
        _ => "text/plain",
    };
    let coding = if path == "/coded" { "Content-Encoding: gzip\r\n" } else { "" };
    let body = body(path);
    let (framing, body) = match chunked {
        true if body.is_empty() => ("Transfer-Encoding: chunked".to_owned(), b"0\r\n\r\n".to_vec()),
        true => {
            let chunk = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
            ("Transfer-Encoding: chunked".to_owned(), chunk)
        }
        false => (format!("Content-Length: {}", body.len()), body),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\n{coding}{VALIDATORS}{framing}\r\n\r\n");
    let body = if asked.head.starts_with("HEAD ") { Vec::new() } else { body };
    vec![Act::Send([head.as_bytes(), &body].concat())]
}

fn ask(client: &mut Client, method: &str, path: &str, fields: &str) -> Response {
    client.send(format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    client.response_to(method)
}

/// The head but for what changes from answer to answer.
fn told(head: &str) -> Vec<String> {
    let changes = ["date", "x-request-id", "transfer-encoding", "incident-id"];
    let mut lines: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
    lines.retain(|line| !changes.iter().any(|name| line.starts_with(name)));
    lines.sort();
    lines
}

#[test]
fn head_and_get_agree() {
    let origin = Origin::start(page);
    let proxy = Cofferdam::before(&origin);
    for path in ["/", "/masked", "/masked/late", "/leak", "/empty", "/large", "/coded", "/image", "/events"] {
        for path in [path.to_owned(), format!("{path}?chunked")] {
            let mut client = proxy.client();
            let head = ask(&mut client, "HEAD", &path, "");
            let mut other = proxy.client();
            other.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            let whole = String::from_utf8(other.read_until(b"\r\n\r\n")).unwrap();
            assert_eq!(told(&head.head), told(&whole), "{path}");
            assert_eq!(ask(&mut client, "GET", "/", "").text(), NEWS, "the connection goes on behind {path}");
        }
    }
    assert!(origin.asked().iter().all(|asked| asked.head.starts_with("GET ")));
    let masked = ask(&mut proxy.client(), "HEAD", "/masked", "");
    assert!(masked.field("etag") != Some("\"v1\"") && masked.field("last-modified").is_none());
    assert_ne!(masked.field("content-length"), Some(body("/masked").len().to_string().as_str()));
}

/// The fields of the last request that names a copy, if it does.
fn named(origin: &Origin) -> bool {
    let head = origin.asked().last().unwrap().head.to_ascii_lowercase();
    head.contains("if-none-match") || head.contains("if-modified-since")
}

#[test]
fn a_copy_is_called_good_only_if_it_was_seen_to_be_clean() {
    let origin = Origin::start(page);
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    let conditions = [
        "If-None-Match: \"v1\"\r\n",
        "If-None-Match: W/\"v1\"\r\nIf-Modified-Since: Mon, 02 Mar 2026 10:00:00 GMT\r\n",
        "If-Modified-Since: Mon, 02 Mar 2026 10:00:00 GMT\r\n",
    ];
    // Nobody has seen it yet, so that it is asked for and compared here; then it is known.
    assert_eq!((ask(&mut client, "GET", "/", conditions[0]).status, named(&origin)), (304, false));
    for condition in conditions {
        let status = ask(&mut client, "GET", "/", condition).status;
        assert_eq!(
            (status, named(&origin)),
            (if condition.contains(": \"v1\"") { 304 } else { 200 }, true),
            "{condition}"
        );
    }
    for (other, status) in [("\"v0\"", 200), ("\"v0\", \"v1\"", 304), ("*", 200)] {
        let answer = ask(&mut client, "GET", "/", &format!("If-None-Match: {other}\r\n"));
        assert_eq!((answer.status, named(&origin)), (status, false), "{other}");
    }
    for path in ["/masked", "/leak"] {
        for condition in ["", conditions[0], conditions[1], conditions[2]] {
            let answer = ask(&mut proxy.client(), "GET", path, condition);
            assert!(answer.status != 304 && !named(&origin), "{path} {condition}");
            assert!(!answer.text().contains("MIIE") && !answer.text().contains("/srv/"));
        }
    }
    assert_eq!(ask(&mut client, "HEAD", "/", conditions[0]).status, 304);
    assert_eq!((ask(&mut client, "GET", "/?other", "If-None-Match: \"v0\"\r\n").status, named(&origin)), (200, false));
}

#[test]
fn a_masked_page_has_a_tag_of_its_own_and_is_not_sent_twice() {
    let origin = Origin::start(page);
    let proxy = Cofferdam::before(&origin);
    let mut client = proxy.client();
    let masked = ask(&mut client, "GET", "/masked", "");
    let tag = masked.field("etag").unwrap();
    for method in ["GET", "HEAD"] {
        let again = ask(&mut client, method, "/masked", &format!("If-None-Match: {tag}\r\n"));
        let told = (again.status, again.field("etag"), again.field("content-length"), named(&origin));
        assert_eq!(told, (304, Some(tag), None, false), "{method}");
    }
    assert_eq!(ask(&mut client, "GET", "/", &format!("If-None-Match: {tag}\r\n")).status, 200);
}

#[test]
fn conditions_pass_where_nothing_is_enforced() {
    let origin = Origin::start(page);
    let proxy = Cofferdam::with(&origin, |_, route| route.inspect.mode = cofferdam::incident::Mode::Observe);
    let answer = ask(&mut proxy.client(), "GET", "/masked", "If-None-Match: \"v1\"\r\n");
    assert_eq!((answer.status, named(&origin)), (304, true));
    assert_eq!(ask(&mut proxy.client(), "HEAD", "/", "").field("content-length"), Some("26"));
    assert!(origin.asked().last().unwrap().head.starts_with("HEAD "));
}

#[test]
fn a_head_that_comes_without_its_page_is_told_without_a_length() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{VALIDATORS}Content-Length: 30\r\n\r\n");
    let origin = Origin::start(move |_| vec![Act::Send(head.clone().into_bytes()), Act::Close]);
    let proxy = Cofferdam::before(&origin);
    let answer = ask(&mut proxy.client(), "HEAD", "/", "");
    let claims = ["content-length", "etag", "last-modified"].map(|name| answer.field(name));
    assert_eq!((answer.status, claims), (200, [None; 3]));
    assert_eq!(ask(&mut proxy.client(), "GET", "/", "").status, 502);
}
