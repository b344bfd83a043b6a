//! Outside the body: fields, the reason phrase, interim answers, trailers.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    case::{Answer, Case, Delivery, PAGE, chunks},
    codings::gzip,
    escapes::percent,
};

const TRAILERS: &[(&str, &str)] = &[("te", "trailers")];

pub(crate) const FIELDS: &[Delivery] = &[
    Delivery::new("in a field", |case| case.with_field(&format!("X-Note: {}", case.content.line))),
    Delivery::new("in a field percent-encoded", |case| {
        case.with_field(&format!("X-Note: {}", percent(case.content.line.as_bytes(), false)))
    }),
    Delivery::new("in a field percent-encoded throughout", |case| {
        case.with_field(&format!("X-Note: {}", percent(case.content.line.as_bytes(), true)))
    }),
    Delivery::new("in a field with plus signs", |case| {
        case.with_field(&format!("X-Note: failed+to+open+{}", case.content.line.replace(' ', "+")))
    }),
    Delivery::new("in a field in quotes", |case| case.with_field(&format!("X-Note: a=\"{}\"", case.content.line))),
    Delivery::new("in a field in quoted pairs", |case| {
        // Pairs that other strings read as breaks of lines are left out.
        let pair = |c: char| if "nr".contains(c) { c.to_string() } else { format!("\\{c}") };
        let pairs: String = case.content.line.chars().map(pair).collect();
        case.with_field(&format!("X-Note: a=\"{pairs}\""))
    }),
    Delivery::new("in a field in an encoded word", |case| {
        let word: String = case.content.line.bytes().map(|byte| format!("={byte:02X}")).collect();
        case.with_field(&format!("X-Note: =?utf-8?Q?{word}?="))
    }),
    Delivery::new("in a field in base64 of gzip", |case| {
        case.with_field(&format!("X-Note: {}", STANDARD.encode(gzip(case.content.line.as_bytes()))))
    }),
    Delivery::new("in a folded field", |case| case.with_field(&format!("X-Note: a\r\n {}", case.content.line)))
        .refused(),
    Delivery::new("in a field behind 3 KiB", |case| {
        case.with_field(&format!("X-Note: {} {}", "well ".repeat(600), case.content.line))
    }),
    Delivery::new("in a field that comes twice", |case| {
        case.with_field(&format!("X-Note: all is well\r\nX-Note: {}", case.content.line))
    }),
    Delivery::new("in Link", |case| case.with_field(&format!("Link: <{}>; rel=next", spaceless(case)))),
    Delivery::new("in a cookie", |case| case.with_field(&format!("Set-Cookie: note={}; Path=/", spaceless(case)))),
    Delivery::new("in a query of Location", |case| {
        case.with_field(&format!("Location: /failed?why={}", percent(case.content.line.as_bytes(), false)))
    }),
    Delivery::new("in Warning", |case| case.with_field(&format!("Warning: 199 - \"{}\"", case.content.line))),
    Delivery::new("in Server-Timing", |case| {
        case.with_field(&format!("Server-Timing: db;desc=\"{}\"", case.content.line))
    })
    .dropped(),
    Delivery::new("in Content-Disposition", |case| {
        case.with_field(&format!("Content-Disposition: inline; filename=\"{}\"", case.content.line))
    }),
    Delivery::new("in the reason phrase", |case| {
        let head = format!("HTTP/1.1 {} {}\r\nContent-Length: {}\r\n\r\n", case.status, case.content.line, PAGE.len());
        Answer { sent: [head.as_bytes(), PAGE].concat(), closes: false }
    })
    .dropped(),
    Delivery::new("in a field of 103", |case| {
        let interim = format!("HTTP/1.1 103 Early Hints\r\nLink: <{}>\r\n\r\n", spaceless(case));
        Answer { sent: [interim.as_bytes(), &case.sized("text/html", "", PAGE).sent].concat(), closes: false }
    })
    .dropped(),
    Delivery::new("in a field of 304", |case| {
        let head = format!("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nX-Note: {}\r\n\r\n", case.content.line);
        Answer { sent: head.into_bytes(), closes: false }
    })
    .asking(&[("if-none-match", "\"a\"")]),
    Delivery::new("in the ETag of 304", |case| {
        let tag = percent(case.content.line.as_bytes(), false);
        let head = format!("HTTP/1.1 304 Not Modified\r\nETag: \"{tag}\"\r\n\r\n");
        Answer { sent: head.into_bytes(), closes: false }
    })
    .dropped()
    .asking(&[("if-none-match", "*")]),
    Delivery::new("in a field of 204", |case| {
        let head = format!("HTTP/1.1 204 No Content\r\nX-Note: {}\r\n\r\n", case.content.line);
        Answer { sent: head.into_bytes(), closes: false }
    }),
    Delivery::new("in a trailer", |case| trailer(case, "Trailer: X-Note\r\n")).dropped().asking(TRAILERS),
    Delivery::new("in a trailer that was not announced", |case| trailer(case, "")).dropped().asking(TRAILERS),
    Delivery::new("in a trailer nobody takes", |case| trailer(case, "")).dropped(),
    Delivery::new("in an extension of a chunk", |case| {
        let head = case.head("text/html", "Transfer-Encoding: chunked\r\n");
        let extension = format!(";a=\"{}\"", case.content.line);
        Answer { sent: [head, chunks([PAGE], &extension, "")].concat(), closes: false }
    })
    .dropped(),
];

fn spaceless(case: &Case<'_>) -> String {
    case.content.line.replace(' ', "-")
}

fn trailer(case: &Case<'_>, announced: &str) -> Answer {
    let head = case.head("text/html", &format!("{announced}Transfer-Encoding: chunked\r\n"));
    let trailer = format!("X-Note: {}\r\n", case.content.line);
    Answer { sent: [head, chunks([PAGE], "", &trailer)].concat(), closes: false }
}
