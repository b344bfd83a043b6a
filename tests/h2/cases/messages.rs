//! Error codes and messages (RFC 9113, sections 7 and 8).

use crate::{
    case::{Case, NO_ERROR, Outcome, Outcome::*, PROTOCOL_ERROR, Section},
    peer::Peer,
    wire::*,
};

/// A malformed message is an error of its stream.
pub(crate) const MALFORMED: &[Outcome] = &[Reset(PROTOCOL_ERROR), GoneAway(PROTOCOL_ERROR)];

/// A code that nobody has defined.
const UNKNOWN_CODE: u32 = 0xff;

pub(crate) const CODES: Section = Section {
    title: "Error codes (RFC 9113, section 7)",
    h2spec: Some("http2/7"),
    cases: &[
        Case::new("GOAWAY with an unknown code", &[Accepted, Closed, GoneAway(NO_ERROR)], |peer| {
            peer.say(&[goaway(UNKNOWN_CODE)]).fenced()
        }),
        Case::new("RST_STREAM with an unknown code", &[Accepted], |peer| {
            peer.say(&[headers(END_HEADERS, 1, post()), reset(1, UNKNOWN_CODE)]).fenced()
        }),
    ],
};

pub(crate) const EXCHANGE: Section = Section {
    title: "Messages (RFC 9113, section 8.1)",
    h2spec: Some("http2/8.1"),
    cases: &[Case::new("second HEADERS without END_STREAM", MALFORMED, |peer| {
        let frames = [headers(END_HEADERS, 1, post()), data(NONE, 1, "wine"), headers(END_HEADERS, 1, field("a", "b"))];
        peer.say(&frames).fenced()
    })],
};

pub(crate) const NAMES: Section = Section {
    title: "Fields (RFC 9113, section 8.2)",
    h2spec: Some("http2/8.1.2"),
    cases: &[Case::new("a name in upper case", MALFORMED, |peer| with(peer, &[("X-NOTE", "red")]))],
};

pub(crate) const PSEUDO: Section = Section {
    title: "Pseudo-header fields (RFC 9113, section 8.3)",
    h2spec: Some("http2/8.1.2.1"),
    cases: &[
        Case::new("one that is not defined", MALFORMED, |peer| with(peer, &[(":note", "red")])),
        Case::new("one of responses", MALFORMED, |peer| with(peer, &[(":status", "200")])),
        Case::new("one among trailers", MALFORMED, |peer| {
            let trailers = headers(WHOLE, 1, field(":method", "GET"));
            peer.say(&[headers(END_HEADERS, 1, post()), data(NONE, 1, "wine"), trailers]).outcome()
        })
        .differs(
            Answered(200),
            "trailers of requests are not forwarded, and the library hands these fields to nobody: they are dropped",
        ),
        Case::new("one behind another field", MALFORMED, |peer| head(peer, [field("a", "b"), get()].concat())),
    ],
};

pub(crate) const CONNECTION_FIELDS: Section = Section {
    title: "Fields of the connection (RFC 9113, section 8.2.2)",
    h2spec: Some("http2/8.1.2.2"),
    cases: &[
        Case::new("connection", MALFORMED, |peer| with(peer, &[("connection", "keep-alive")])),
        Case::new("te of more than trailers", MALFORMED, |peer| with(peer, &[("te", "trailers, deflate;q=0.5")])),
    ],
};

pub(crate) const REQUEST_PSEUDO: Section = Section {
    title: "Pseudo-header fields of requests (RFC 9113, section 8.3.1)",
    h2spec: Some("http2/8.1.2.3"),
    cases: &[
        Case::new("an empty :path", MALFORMED, |peer| head(peer, pseudo(&["GET"], &["https"], &[""]))),
        Case::new("no :method", MALFORMED, |peer| head(peer, pseudo(&[], &["https"], &["/"]))),
        Case::new("no :scheme", MALFORMED, |peer| head(peer, pseudo(&["GET"], &[], &["/"]))),
        Case::new("no :path", MALFORMED, |peer| head(peer, pseudo(&["GET"], &["https"], &[]))),
        Case::new("two of :method", MALFORMED, |peer| head(peer, pseudo(&["GET", "GET"], &["https"], &["/"]))),
        Case::new("two of :scheme", MALFORMED, |peer| head(peer, pseudo(&["GET"], &["https", "https"], &["/"]))),
        Case::new("two of :path", MALFORMED, |peer| head(peer, pseudo(&["GET"], &["https"], &["/", "/"]))),
    ],
};

pub(crate) const LENGTHS: Section = Section {
    title: "Malformed messages (RFC 9113, section 8.1.1)",
    h2spec: Some("http2/8.1.2.6"),
    cases: &[
        Case::new("content-length that is not that of DATA", MALFORMED, |peer| {
            let block = post_with(&[("content-length", "1")]);
            peer.say(&[headers(END_HEADERS, 1, block), data(END_STREAM, 1, "wine")]).outcome()
        }),
        Case::new("content-length that is not that of several DATA", MALFORMED, |peer| {
            let block = post_with(&[("content-length", "5")]);
            peer.say(&[headers(END_HEADERS, 1, block), data(NONE, 1, "wine"), data(END_STREAM, 1, "wine")]).outcome()
        }),
    ],
};

pub(crate) const PUSH: Section = Section {
    title: "Server push (RFC 9113, section 8.4)",
    h2spec: Some("http2/8.2"),
    cases: &[Case::new("PUSH_PROMISE of a client", &[GoneAway(PROTOCOL_ERROR)], |peer| {
        let promise = frame(PUSH_PROMISE, END_HEADERS, 1, [vec![0, 0, 0, 2], get()].concat());
        peer.say(&[headers(END_HEADERS, 1, post()), promise]).outcome()
    })],
};

/// What comes of a GET with fields.
pub(crate) fn with(peer: &mut Peer, fields: &[(&str, &str)]) -> Outcome {
    head(peer, get_with(fields))
}

/// What comes of a request that is nothing but a head.
pub(crate) fn head(peer: &mut Peer, block: Bytes) -> Outcome {
    peer.say(&[headers(WHOLE, 1, block)]).outcome()
}

/// The pseudo-header fields of a request.
fn pseudo(methods: &[&str], schemes: &[&str], paths: &[&str]) -> Bytes {
    let all = [(":method", methods), (":scheme", schemes), (":path", paths), (":authority", &["cellar.example"])];
    let fields = all.iter().flat_map(|(name, values)| values.iter().map(move |value| field(name, value)));
    fields.flatten().collect()
}
