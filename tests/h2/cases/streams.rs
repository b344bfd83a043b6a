//! Streams (RFC 9113, section 5).

use crate::{
    case::{
        CANCEL, Case, ONE_CODE_OF_STATES, Outcome, Outcome::*, PROTOCOL_ERROR, REFUSED_STREAM, STREAM_CLOSED, Section,
    },
    peer::Peer,
    wire::*,
};

/// As many streams as may be open (`MAX_STREAMS` in `src/server/http2.rs`).
const STREAMS_MAX: u32 = 128;

pub(crate) const STATES: Section = Section {
    title: "Stream states (RFC 9113, section 5.1)",
    h2spec: Some("http2/5.1"),
    cases: &[
        Case::new("DATA on an idle stream", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[data(END_STREAM, 1, "wine")]).outcome()
        }),
        Case::new("RST_STREAM on an idle stream", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[reset(1, CANCEL)]).outcome()
        }),
        Case::new("WINDOW_UPDATE on an idle stream", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[window_update(1, 100)]).outcome()
        }),
        Case::new("CONTINUATION on an idle stream", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[continuation(END_HEADERS, 1, get())]).outcome()
        }),
        Case::new("DATA on a half-closed stream", &[Reset(STREAM_CLOSED), GoneAway(STREAM_CLOSED)], |peer| {
            peer.say(&[headers(WHOLE, 1, get()), data(END_STREAM, 1, "wine")]).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_STATES),
        Case::new("HEADERS on a half-closed stream", &[Reset(STREAM_CLOSED), GoneAway(STREAM_CLOSED)], |peer| {
            peer.say(&[headers(WHOLE, 1, get()), headers(WHOLE, 1, get())]).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_STATES),
        Case::new("CONTINUATION on a half-closed stream", CONTINUED, |peer| {
            peer.say(&[headers(WHOLE, 1, get()), continuation(END_HEADERS, 1, get())]).outcome()
        }),
        Case::new("DATA behind RST_STREAM", &[Reset(STREAM_CLOSED), GoneAway(STREAM_CLOSED)], |peer| {
            behind_reset(peer, data(END_STREAM, 1, "wine"))
        }),
        Case::new("HEADERS behind RST_STREAM", &[Reset(STREAM_CLOSED), GoneAway(STREAM_CLOSED)], |peer| {
            behind_reset(peer, headers(WHOLE, 1, get()))
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_STATES),
        Case::new("CONTINUATION behind RST_STREAM", CONTINUED, |peer| {
            behind_reset(peer, continuation(END_HEADERS, 1, field("a", "b")))
        }),
        Case::new("DATA on a closed stream", CLOSED, |peer| behind_answer(peer, data(END_STREAM, 1, "wine"))),
        Case::new("HEADERS on a closed stream", CLOSED, |peer| behind_answer(peer, headers(WHOLE, 1, get())))
            .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_STATES),
        Case::new("CONTINUATION on a closed stream", CONTINUED, |peer| {
            behind_answer(peer, continuation(END_HEADERS, 1, field("a", "b")))
        }),
    ],
};

/// Frames on a closed stream may end the connection, or the stream.
const CLOSED: &[Outcome] = &[Reset(STREAM_CLOSED), GoneAway(STREAM_CLOSED)];

/// CONTINUATION is wrong for two reasons.
const CONTINUED: &[Outcome] = &[GoneAway(PROTOCOL_ERROR), GoneAway(STREAM_CLOSED), Reset(STREAM_CLOSED)];

fn behind_reset(peer: &mut Peer, frame: Bytes) -> Outcome {
    peer.say(&[headers(END_HEADERS, 1, post()), reset(1, CANCEL), frame]).fenced()
}

fn behind_answer(peer: &mut Peer, frame: Bytes) -> Outcome {
    match peer.say(&[headers(WHOLE, 1, get())]).outcome() {
        Answered(200) => peer.say(&[frame]).fenced(),
        other => other,
    }
}

pub(crate) const NUMBERS: Section = Section {
    title: "Stream identifiers (RFC 9113, section 5.1.1)",
    h2spec: Some("http2/5.1.1"),
    cases: &[
        Case::new("an even number", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[headers(WHOLE, 2, get())]).outcome()
        }),
        Case::new("a number lower than one before", &[GoneAway(PROTOCOL_ERROR), GoneAway(STREAM_CLOSED)], |peer| {
            match peer.say(&[headers(WHOLE, 5, get())]).outcome() {
                Answered(200) => peer.say(&[headers(WHOLE, 3, get())]).fenced(),
                other => other,
            }
        }),
    ],
};

pub(crate) const CONCURRENCY: Section = Section {
    title: "Concurrency (RFC 9113, section 5.1.2)",
    h2spec: Some("http2/5.1.2"),
    cases: &[Case::new("more streams than are allowed", &[Reset(REFUSED_STREAM), Reset(PROTOCOL_ERROR)], |peer| {
        let streams = (0..=STREAMS_MAX).map(|nth| 2 * nth + 1);
        let open: Vec<Bytes> = streams.clone().map(|stream| headers(END_HEADERS, stream, post())).collect();
        let outcome = peer.say(&open).fenced();
        let resets: Vec<Bytes> = streams.take(STREAMS_MAX as usize).map(|stream| reset(stream, CANCEL)).collect();
        peer.say(&resets);
        outcome
    })],
};

pub(crate) const DEPENDENCIES: Section = Section {
    title: "Stream dependencies (RFC 7540, section 5.3.1)",
    h2spec: Some("http2/5.3.1"),
    cases: &[
        Case::new("HEADERS that depend on their own stream", &[Reset(PROTOCOL_ERROR)], |peer| {
            let block = [dependency(1, false, 255), get()].concat();
            peer.say(&[headers(WHOLE | PRIORITISED, 1, block)]).outcome()
        }),
        Case::new("PRIORITY that depends on its own stream", &[Reset(PROTOCOL_ERROR)], |peer| {
            peer.say(&[priority(1, 1, false, 255)]).fenced()
        }),
    ],
};

pub(crate) const CONNECTION_ERRORS: Section = Section {
    title: "Connection errors (RFC 9113, section 5.4.1)",
    h2spec: Some("http2/5.4.1"),
    cases: &[
        Case::new("PING on a stream, and the connection is closed", &[Closed], |peer| {
            match peer.say(&[frame(PING, NONE, 3, b"are you?")]).outcome() {
                GoneAway(PROTOCOL_ERROR) => peer.outcome(),
                other => other,
            }
        }),
        Case::new("PING on a stream, and GOAWAY comes", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[frame(PING, NONE, 3, b"are you?")]).outcome()
        }),
    ],
};

pub(crate) const EXTENSIONS: Section = Section {
    title: "Extensions (RFC 9113, section 5.5)",
    h2spec: Some("http2/5.5"),
    cases: &[
        Case::new("a frame of an unknown type", &[Accepted], |peer| {
            peer.say(&[frame(UNKNOWN, 0xff, 1, "anything")]).fenced()
        }),
        Case::new("a frame of an unknown type within a header block", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            let frames = [headers(END_STREAM, 1, get()), frame(UNKNOWN, NONE, 1, "anything")];
            peer.say(&frames).say(&[continuation(END_HEADERS, 1, field("a", "b"))]).outcome()
        }),
    ],
};
