//! The preface, frames and header blocks (RFC 9113, sections 3 and 4).

use crate::{
    case::{COMPRESSION_ERROR, Case, FRAME_SIZE_ERROR, ONE_CODE_OF_BLOCKS, Outcome::*, PROTOCOL_ERROR, Section},
    wire::*,
};

pub(crate) const PREFACES: Section = Section {
    title: "Preface (RFC 9113, section 3.4)",
    h2spec: Some("http2/3.5"),
    cases: &[
        Case::new("the preface", &[Accepted], |peer| peer.say(&[PREFACE.to_vec(), settings(&[])]).first(SETTINGS))
            .unopened(),
        Case::new("another one", &[GoneAway(PROTOCOL_ERROR), Closed], |peer| {
            peer.say(&[b"INVALID CONNECTION PREFACE\r\n\r\n".to_vec()]).outcome()
        })
        .unopened(),
    ],
};

pub(crate) const FORMAT: Section = Section {
    title: "Frame format (RFC 9113, section 4.1)",
    h2spec: Some("http2/4.1"),
    cases: &[
        Case::new("a frame of an unknown type", &[Accepted], |peer| peer.say(&[frame(UNKNOWN, NONE, 0, "?")]).fenced()),
        Case::new("a flag that is not defined", &[Accepted], |peer| {
            peer.say(&[frame(PING, 0x16, 0, b"are you?")]).fenced()
        }),
        Case::new("the reserved bit", &[Accepted], |peer| {
            peer.say(&[frame(PING, NONE, 0x8000_0000, b"are you?")]).fenced()
        }),
    ],
};

pub(crate) const SIZE: Section = Section {
    title: "Frame size (RFC 9113, section 4.2)",
    h2spec: Some("http2/4.2"),
    cases: &[
        Case::new("DATA of 16,384 bytes", &[Answered(200)], |peer| {
            peer.say(&[headers(END_HEADERS, 1, post()), data(END_STREAM, 1, [b'w'; FRAME_MAX])]).outcome()
        }),
        Case::new("DATA of a byte more", &[Reset(FRAME_SIZE_ERROR), GoneAway(FRAME_SIZE_ERROR)], |peer| {
            peer.say(&[headers(END_HEADERS, 1, post()), data(END_STREAM, 1, [b'w'; FRAME_MAX + 1])]).outcome()
        }),
        Case::new("HEADERS of more than 16,384 bytes", &[GoneAway(FRAME_SIZE_ERROR)], |peer| {
            let long = "w".repeat(FRAME_MAX);
            peer.say(&[headers(WHOLE, 1, get_with(&[("note", &long)]))]).outcome()
        }),
    ],
};

pub(crate) const BLOCKS: Section = Section {
    title: "Header blocks (RFC 9113, section 4.3)",
    h2spec: Some("http2/4.3"),
    cases: &[
        Case::new("a header block that cannot be decoded", &[GoneAway(COMPRESSION_ERROR)], |peer| {
            // A literal whose value is 10 bytes long, of which there are two.
            peer.say(&[headers(WHOLE, 1, [get(), vec![0x40, 1, b'a', 10, b'b', b'c']].concat())]).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_BLOCKS),
        Case::new("PRIORITY within a header block", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            let frames = [headers(END_STREAM, 1, get()), priority(1, 0, false, 255)];
            peer.say(&frames).say(&[continuation(END_HEADERS, 1, field("a", "b"))]).outcome()
        }),
        Case::new("HEADERS on another stream within a header block", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            let frames = [headers(END_STREAM, 1, get()), headers(WHOLE, 3, get())];
            peer.say(&frames).say(&[continuation(END_HEADERS, 1, field("a", "b"))]).outcome()
        }),
    ],
};
