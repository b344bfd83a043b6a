//! Types, charsets and spellings of the same text.

use std::fmt::Write;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::case::{Answer, Case, Delivery, chunks};

pub(crate) const ESCAPES: &[Delivery] = &[
    Delivery::new("without a type", |case| case.sized("", "", case.bytes())),
    Delivery::new("as octets", |case| case.sized("application/octet-stream", "", case.bytes())),
    Delivery::new("as a picture", |case| case.sized("image/png", "", case.bytes())),
    Delivery::new("as a script", |case| case.sized("application/javascript", "", case.bytes())),
    Delivery::new("as a malformed type", |case| case.sized("tExT/;;charset", "", case.bytes())),
    Delivery::new("with two types", |case| {
        case.sized("image/png", &format!("Content-Type: {}\r\n", case.content.media), case.bytes())
    }),
    Delivery::new("with a mark of UTF-8", |case| case.sized("text/html", "", [b"\xef\xbb\xbf", case.bytes()].concat())),
    Delivery::new("in UTF-16LE", |case| case.sized("text/html; charset=utf-16le", "", wide(case, 2, false))),
    Delivery::new("in UTF-16BE", |case| case.sized("text/html; charset=utf-16be", "", wide(case, 2, true))),
    Delivery::new("in UTF-16 by its mark", |case| {
        case.sized("text/html", "", [&b"\xff\xfe"[..], &wide(case, 2, false)].concat())
    }),
    Delivery::new("in UTF-16 by its shape", |case| case.sized("text/plain", "", wide(case, 2, false))),
    Delivery::new("in UTF-32LE", |case| case.sized("text/html; charset=utf-32le", "", wide(case, 4, false))),
    Delivery::new("in UTF-32BE by its mark", |case| {
        case.sized("text/html", "", [&b"\0\0\xfe\xff"[..], &wide(case, 4, true)].concat())
    }),
    Delivery::new("in latin-1", |case| case.sized("text/html; charset=iso-8859-1", "", case.bytes())),
    Delivery::new("in windows-1252", |case| case.sized("text/html; charset=\"Windows-1252\"", "", case.bytes())),
    Delivery::new("in a charset nobody knows", |case| case.sized("text/html; charset=cellar-8", "", case.bytes()))
        .refused(),
    Delivery::new("in a JSON string", |case| case.sized("application/json", "", json(case.content.text, false))),
    Delivery::new("in a JSON string of escapes", |case| {
        case.sized("application/json", "", json(case.content.text, true))
    }),
    Delivery::new("in JSON within JSON within JSON", |case| {
        let inner = json(&json(case.content.text, false), false);
        case.sized("application/json", "", json(&inner, false))
    }),
    Delivery::new("in a problem document", |case| {
        case.sized("application/problem+json", "", json(case.content.text, false))
    }),
    Delivery::new("escaped for HTML", |case| {
        case.sized("text/html", "", format!("<pre>{}</pre>", html(case.content.text)))
    }),
    Delivery::new("in decimal entities", |case| {
        case.sized("text/html", "", each(case, |c| format!("&#{};", u32::from(c))))
    }),
    Delivery::new("in hexadecimal entities", |case| {
        case.sized("text/html", "", each(case, |c| format!("&#x{:X};", u32::from(c))))
    }),
    Delivery::new("in spans of a highlighter", |case| {
        case.sized("text/html", "", words(case, |word| format!("<span class=\"t\">{}</span>", html(word))))
    }),
    Delivery::new("with places to break", |case| {
        case.sized("text/html", "", html(case.content.text).replace('_', "_<wbr>").replace('/', "/<wbr>"))
    }),
    Delivery::new("in a comment", |case| {
        case.sized("text/html", "", format!("<p>Sorry.</p><!-- {} -->", case.content.text.replace("--", "- -")))
    })
    .dropped(),
    Delivery::new("in CDATA", |case| {
        case.sized("application/xml", "", format!("<error><![CDATA[{}]]></error>", case.content.text))
    }),
    Delivery::new("percent-encoded", |case| {
        let body = format!("status=error&trace={}", percent(case.bytes(), false));
        case.sized("application/x-www-form-urlencoded", "", body)
    }),
    Delivery::new("percent-encoded throughout", |case| case.sized("text/plain", "", percent(case.bytes(), true))),
    Delivery::new("in base64", |case| case.sized("text/plain", "", STANDARD.encode(case.bytes()))),
    Delivery::new("in a data: URI", |case| {
        let body = format!("<iframe src=\"data:text/plain;base64,{}\"></iframe>", STANDARD.encode(case.bytes()));
        case.sized("text/html", "", body)
    }),
    Delivery::new("with CRLF", |case| case.typed(case.content.text.replace('\n', "\r\n"))),
    Delivery::new("with CR", |case| case.typed(case.content.text.replace('\n', "\r"))),
    Delivery::new("in one line", |case| case.typed(case.content.text.replace('\n', " | "))),
    Delivery::new("in colours of a terminal", |case| {
        case.sized("text/plain", "", words(case, |word| format!("\x1b[1;31m{word}\x1b[0m")))
    }),
    Delivery::new("with NUL between characters", |case| case.sized("text/plain", "", each(case, |c| format!("{c}\0")))),
    Delivery::new("with characters of no width", |case| {
        case.sized("text/plain; charset=utf-8", "", each(case, |c| format!("{c}\u{200b}")))
    }),
    Delivery::new("in a part of multipart", |case| {
        let body = format!("--cut\r\nContent-Type: text/plain\r\n\r\n{}\r\n--cut--\r\n", case.content.text);
        case.sized("multipart/mixed; boundary=cut", "", body)
    }),
    Delivery::new("in a part in base64", |case| {
        let head = "--cut\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n";
        let body = format!("{head}\r\n{}\r\n--cut--\r\n", STANDARD.encode(case.bytes()));
        case.sized("multipart/mixed; boundary=cut", "", body)
    }),
    Delivery::new("in a part in quoted-printable", |case| {
        let head = "--cut\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n";
        let body = format!("{head}\r\n{}\r\n--cut--\r\n", quoted(case.bytes()));
        case.sized("multipart/form-data; boundary=cut", "", body)
    }),
    Delivery::new("in a mail within a part", |case| {
        let mail = mail(case, "base64", &STANDARD.encode(case.bytes()));
        let body = format!("--cut\r\nContent-Type: message/rfc822\r\n\r\n{mail}\r\n--cut--\r\n");
        case.sized("multipart/mixed; boundary=cut", "", body)
    }),
    Delivery::new("in a mail", |case| {
        case.sized("message/rfc822", "", mail(case, "quoted-printable", &quoted(case.bytes())))
    }),
    Delivery::new("in an event", |case| {
        let lines: String = case.content.text.lines().map(|line| format!("data: {line}\n")).collect();
        case.sized("text/event-stream", "", format!(": well\n\nevent: note\n{lines}\ndata: more\n\n"))
    }),
    Delivery::new("in an event, byte by byte", |case| {
        let lines: String = case.content.text.lines().map(|line| format!("data: {line}\r\n")).collect();
        let head = case.head("text/event-stream", "Transfer-Encoding: chunked\r\n");
        let body = chunks(format!("{lines}\r\ndata: more\r\n\r\n").as_bytes().chunks(1), "", "");
        Answer { sent: [head, body].concat(), closes: false }
    }),
    Delivery::new("in comments between events", |case| {
        let lines: String = case.content.text.lines().map(|line| format!(": {line}\n")).collect();
        case.sized("text/event-stream", "", format!("data: one\n\n{lines}\ndata: two\n\n"))
    }),
    Delivery::new("in an event that never ends", |case| {
        let lines: String = case.content.text.lines().map(|line| format!("data: {line}\n")).collect();
        let head = case.head("text/event-stream", "Connection: close\r\n");
        case.raw(&[&head, format!("data: one\n\n{lines}").as_bytes()])
    }),
    Delivery::new("in a line of JSON", |case| {
        let body = format!("{{\"n\":1}}\n{}\n{{\"n\":2}}\n", json(case.content.text, false));
        case.sized("application/x-ndjson", "", body)
    }),
];

/// A mail of the text in an encoding.
fn mail(case: &Case<'_>, encoding: &str, text: &str) -> String {
    let media = case.content.media;
    format!("Subject: all is well\r\nContent-Type: {media}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{text}")
}

/// Every byte in quoted-printable, in lines of 25.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("={byte:02X}")).collect::<String>();
    bytes.chunks(25).map(line).collect::<Vec<_>>().join("=\r\n")
}

/// Each character as `width` bytes.
pub(crate) fn wide(case: &Case<'_>, width: usize, big_endian: bool) -> Vec<u8> {
    let zeros = vec![0; width - 1];
    let wide = |&byte: &u8| if big_endian { [&zeros[..], &[byte]].concat() } else { [&[byte], &zeros[..]].concat() };
    case.bytes().iter().flat_map(wide).collect()
}

pub(crate) fn json(text: &str, throughout: bool) -> String {
    if throughout {
        let escapes: String = text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        return format!("{{\"error\":\"{escapes}\"}}");
    }
    serde_json::json!({ "error": text }).to_string()
}

pub(crate) fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#x27;")
}

pub(crate) fn each(case: &Case<'_>, spell: impl Fn(char) -> String) -> String {
    case.content.text.chars().map(spell).collect()
}

/// Letters, digits and `_` that stand together, and everything between, spelt one by one.
pub(crate) fn words(case: &Case<'_>, spell: impl Fn(&str) -> String) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (mut out, mut rest) = (String::new(), case.content.text);
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        out += &spell(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// With what must be escaped in a query, or everything.
pub(crate) fn percent(bytes: &[u8], throughout: bool) -> String {
    let mut out = String::new();
    for &byte in bytes {
        match byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            true if !throughout => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").unwrap(),
        }
    }
    out
}
