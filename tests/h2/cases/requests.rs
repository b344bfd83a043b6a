//! Targets and methods that would be another request in HTTP/1.1 (RFC 9113, section 8.3.1; RFC 9112, section 3.2).

use crate::{
    case::{Case, Outcome, Outcome::*, PROTOCOL_ERROR, Section},
    cases::messages::{MALFORMED, head, with},
    peer::Peer,
    wire::*,
};

/// What cannot be forwarded is refused by the library or by us.
const REFUSED: &[Outcome] = &[Reset(PROTOCOL_ERROR), GoneAway(PROTOCOL_ERROR), Answered(400)];

pub(crate) const TARGETS: Section = Section {
    title: "Targets",
    h2spec: None,
    cases: &[
        Case::new(":path with CR, LF and a request", MALFORMED, |peer| {
            path(peer, "/ HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled")
        }),
        Case::new(":path with a space", REFUSED, |peer| path(peer, "/a b")),
        Case::new(":path with NUL", REFUSED, |peer| path(peer, "/a\0b")),
        Case::new(":path without a slash", REFUSED, |peer| path(peer, "a")),
        Case::new(":path that is absolute", REFUSED, |peer| path(peer, "http://b.example/smuggled")),
        Case::new(":path with a fragment", &[Answered(200), Answered(400), Reset(PROTOCOL_ERROR)], |peer| {
            path(peer, "/a#smuggled")
        }),
        Case::new(":path of an asterisk with GET", REFUSED, |peer| path(peer, "*")),
        Case::new(":path of an asterisk with OPTIONS", &[Answered(200)], |peer| {
            request(peer, &[("method", "OPTIONS"), ("path", "*")])
        }),
        Case::new(":scheme that is none", REFUSED, |peer| request(peer, &[("scheme", "ht tp")])),
        Case::new(":scheme with an address", REFUSED, |peer| request(peer, &[("scheme", "http://smuggled/?")])),
        Case::new(":authority with a password", REFUSED, |peer| request(peer, &[("authority", "u:p@cellar.example")])),
        Case::new(":authority with a path", REFUSED, |peer| request(peer, &[("authority", "cellar.example/smuggled")])),
        Case::new(":authority with CR and LF", MALFORMED, |peer| {
            request(peer, &[("authority", "cellar.example\r\nx: smuggled")])
        }),
        Case::new(":authority that is empty", REFUSED, |peer| request(peer, &[("authority", "")])),
        Case::new("two of :authority", MALFORMED, |peer| head(peer, [get(), field(":authority", "smuggled")].concat())),
        Case::new("neither :authority nor host", REFUSED, |peer| request(peer, &[("authority", "-")])),
        Case::new("host alone", &[Answered(200)], |peer| {
            let block = [indexed(GET), indexed(HTTPS), indexed(PATH), field("host", "cellar.example")].concat();
            head(peer, block)
        }),
        Case::new("host as :authority", &[Answered(200)], |peer| with(peer, &[("host", "cellar.example")])),
        Case::new("host other than :authority", REFUSED, |peer| with(peer, &[("host", "smuggled.example")])),
        Case::new("two of host", REFUSED, |peer| {
            with(peer, &[("host", "cellar.example"), ("host", "smuggled.example")])
        }),
    ],
};

pub(crate) const METHODS: Section = Section {
    title: "Methods",
    h2spec: None,
    cases: &[
        Case::new(":method with a request", MALFORMED, |peer| {
            request(peer, &[("method", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\nGET")])
        }),
        Case::new(":method with a space", MALFORMED, |peer| request(peer, &[("method", "GET /smuggled")])),
        Case::new(":method that is empty", MALFORMED, |peer| request(peer, &[("method", "")])),
        Case::new("a method nobody knows", &[Answered(200)], |peer| request(peer, &[("method", "FROBNICATE")])),
        Case::new("TRACE", &[Answered(405)], |peer| request(peer, &[("method", "TRACE")])),
        Case::new("CONNECT", &[Answered(405)], |peer| {
            head(peer, [field(":method", "CONNECT"), field(":authority", "b.example:443")].concat())
        }),
        Case::new("CONNECT with :scheme and :path", REFUSED_CONNECT, |peer| request(peer, &[("method", "CONNECT")])),
        Case::new("CONNECT for a protocol that was not offered", REFUSED_CONNECT, |peer| {
            let block = [field(":method", "CONNECT"), field(":protocol", "websocket"), indexed(HTTPS), indexed(PATH)];
            head(peer, [block.concat(), field(":authority", "cellar.example")].concat())
        }),
        Case::new("expect: 100-continue", &[Answered(200)], |peer| {
            let block = post_with(&[("expect", "100-continue")]);
            peer.say(&[headers(END_HEADERS, 1, block), data(END_STREAM, 1, "wine")]).outcome()
        }),
        Case::new("a cookie in pieces", &[Answered(200)], |peer| with(peer, &[("cookie", "a=1"), ("cookie", "b=2")])),
    ],
};

const REFUSED_CONNECT: &[Outcome] = &[Reset(PROTOCOL_ERROR), GoneAway(PROTOCOL_ERROR), Answered(405), Answered(400)];

fn path(peer: &mut Peer, path: &str) -> Outcome {
    request(peer, &[("path", path)])
}

/// A GET with some of its pseudo-header fields changed, or left out where the value is `-`.
fn request(peer: &mut Peer, changes: &[(&str, &str)]) -> Outcome {
    let usual = [("method", "GET"), ("scheme", "https"), ("path", "/"), ("authority", "cellar.example")];
    let changed = usual.map(|(name, value)| {
        let change = changes.iter().find(|(changed, _)| *changed == name);
        (name, change.map_or(value, |(_, value)| *value))
    });
    let block = changed.iter().filter(|(_, value)| *value != "-").map(|(name, value)| field(format!(":{name}"), value));
    head(peer, block.collect::<Vec<_>>().concat())
}
