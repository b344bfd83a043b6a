//! Fields that another server could read in another way, had they been forwarded (RFC 9113, sections 8.1.1, 8.2 and
//! 10.3). Most would become lines of HTTP/1.1.

use crate::{
    case::{Case, ONE_CODE_OF_STATES, Outcome, Outcome::*, PROTOCOL_ERROR, STREAM_CLOSED, Section},
    cases::messages::{MALFORMED, with},
    peer::Peer,
    wire::*,
};

pub(crate) const CHARACTERS: Section = Section {
    title: "Characters of fields (RFC 9113, section 8.2.1)",
    h2spec: None,
    cases: &[
        Case::new("CR and LF in a value", MALFORMED, |peer| with(peer, &[("note", "a\r\nx: smuggled")])),
        Case::new("LF in a value", MALFORMED, |peer| with(peer, &[("note", "a\nx: smuggled")])),
        Case::new("CR in a value", MALFORMED, |peer| with(peer, &[("note", "a\rx: smuggled")])),
        Case::new("NUL in a value", MALFORMED, |peer| with(peer, &[("note", "a\0smuggled")])),
        Case::new("a request in a value", MALFORMED, |peer| {
            with(peer, &[("note", "a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")])
        }),
        Case::new("a space before a value", MALFORMED_OR_REFUSED, |peer| with(peer, &[("note", " red")])),
        Case::new("a tab behind a value", MALFORMED_OR_REFUSED, |peer| with(peer, &[("note", "red\t")])),
        Case::new("CR and LF in a name", MALFORMED, |peer| with(peer, &[("a: b\r\nsmuggled", "red")])),
        Case::new("a colon in a name", MALFORMED, |peer| with(peer, &[("transfer-encoding: chunked\r\na", "red")])),
        Case::new("a space in a name", MALFORMED, |peer| with(peer, &[("content-length ", "5")])),
        Case::new("NUL in a name", MALFORMED, |peer| with(peer, &[("no\0te", "red")])),
        Case::new("a byte above ASCII in a name", MALFORMED, |peer| with(peer, &[("n\u{f6}te", "red")])),
        Case::new("an empty name", MALFORMED, |peer| with(peer, &[("", "red")])),
        Case::new("a byte above ASCII in a value", &[Answered(200)], |peer| with(peer, &[("note", "n\u{f6}te")])),
        Case::new("DEL in a value", &[Answered(400), Reset(PROTOCOL_ERROR), GoneAway(PROTOCOL_ERROR)], |peer| {
            with(peer, &[("note", "a\x7f")])
        }),
    ],
};

pub(crate) const LENGTHS: Section = Section {
    title: "Lengths and codings (RFC 9113, sections 8.1.1 and 8.2.2)",
    h2spec: None,
    cases: &[
        Case::new("transfer-encoding", MALFORMED, |peer| body(peer, &[("transfer-encoding", "chunked")])),
        Case::new("keep-alive", MALFORMED, |peer| with(peer, &[("keep-alive", "timeout=9")])),
        Case::new("proxy-connection", MALFORMED, |peer| with(peer, &[("proxy-connection", "keep-alive")])),
        Case::new("upgrade", MALFORMED, |peer| with(peer, &[("upgrade", "h2c")])),
        Case::new("te: trailers", &[Answered(200)], |peer| with(peer, &[("te", "trailers")])),
        Case::new("content-length as DATA are", &[Answered(200)], |peer| body(peer, &[("content-length", "4")])),
        Case::new("content-length of more than DATA", MALFORMED, |peer| body(peer, &[("content-length", "400")])),
        Case::new("content-length without DATA", MALFORMED, |peer| with(peer, &[("content-length", "4")])),
        Case::new("content-length of 0 with DATA", MALFORMED, |peer| body(peer, &[("content-length", "0")])),
        Case::new("two of content-length that differ", MALFORMED_OR_REFUSED, |peer| {
            body(peer, &[("content-length", "4"), ("content-length", "5")])
        }),
        Case::new("two of content-length that agree", AGREEING, |peer| {
            body(peer, &[("content-length", "4"), ("content-length", "4")])
        }),
        Case::new("content-length with a sign", MALFORMED_OR_REFUSED, |peer| body(peer, &[("content-length", "+4")])),
        Case::new("content-length that is a list", AGREEING, |peer| body(peer, &[("content-length", "4, 4")])),
        Case::new("content-length that is no number", MALFORMED_OR_REFUSED, |peer| {
            body(peer, &[("content-length", "four")])
        }),
        Case::new("content-length beyond 64 bits", MALFORMED_OR_REFUSED, |peer| {
            body(peer, &[("content-length", "18446744073709551620")])
        }),
    ],
};

const MALFORMED_OR_REFUSED: &[Outcome] = &[Reset(PROTOCOL_ERROR), GoneAway(PROTOCOL_ERROR), Answered(400)];

/// One value said twice may be taken for one (RFC 9110, section 8.6).
const AGREEING: &[Outcome] = &[Answered(200), Answered(400), Reset(PROTOCOL_ERROR)];

pub(crate) const TRAILERS: Section = Section {
    title: "Trailers (RFC 9110, section 6.5.1)",
    h2spec: None,
    cases: &[
        Case::new("a field of framing among trailers", &[Answered(200), Reset(PROTOCOL_ERROR)], |peer| {
            trailers(peer, &[("content-length", "400")])
        }),
        Case::new("transfer-encoding among trailers", &[Answered(200), Reset(PROTOCOL_ERROR)], |peer| {
            trailers(peer, &[("transfer-encoding", "smuggled")])
        }),
        Case::new("CR and LF among trailers", MALFORMED, |peer| trailers(peer, &[("a", "b\r\nsmuggled: c")])),
        Case::new("trailers, and then DATA", &[Reset(STREAM_CLOSED), GoneAway(STREAM_CLOSED)], |peer| {
            let frames =
                [headers(END_HEADERS, 1, post()), headers(WHOLE, 1, field("a", "b")), data(END_STREAM, 1, "c")];
            peer.say(&frames).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_STATES),
    ],
};

/// What comes of a POST of 4 bytes with fields.
fn body(peer: &mut Peer, fields: &[(&str, &str)]) -> Outcome {
    peer.say(&[headers(END_HEADERS, 1, post_with(fields)), data(END_STREAM, 1, "wine")]).outcome()
}

/// What comes of a POST with trailers.
fn trailers(peer: &mut Peer, trailers: &[(&str, &str)]) -> Outcome {
    let trailers = headers(WHOLE, 1, fields(trailers));
    peer.say(&[headers(END_HEADERS, 1, post()), data(NONE, 1, "wine"), trailers]).outcome()
}
