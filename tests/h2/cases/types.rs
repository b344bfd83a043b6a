//! Frames type by type (RFC 9113, section 6), but for SETTINGS.

use crate::{
    case::{
        CANCEL, Case, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, ONE_CODE_OF_FRAMES, Outcome, Outcome::*, PROTOCOL_ERROR,
        STREAM_CLOSED, Section,
    },
    wire::*,
};

const PROTOCOL: &[Outcome] = &[GoneAway(PROTOCOL_ERROR)];

pub(crate) const DATA_FRAMES: Section = Section {
    title: "DATA (RFC 9113, section 6.1)",
    h2spec: Some("http2/6.1"),
    cases: &[
        Case::new("DATA on stream 0", PROTOCOL, |peer| peer.say(&[data(END_STREAM, 0, "wine")]).outcome()),
        Case::new("DATA on a stream that is not open", &[Reset(STREAM_CLOSED), GoneAway(STREAM_CLOSED)], |peer| {
            match peer.say(&[headers(WHOLE, 1, get())]).outcome() {
                Answered(200) => peer.say(&[data(END_STREAM, 1, "wine")]).fenced(),
                other => other,
            }
        }),
        Case::new("DATA with more padding than it is long", PROTOCOL, |peer| {
            peer.say(&[headers(END_HEADERS, 1, post()), data(END_STREAM | PADDED, 1, b"\x06wine")]).outcome()
        }),
    ],
};

pub(crate) const HEADERS_FRAMES: Section = Section {
    title: "HEADERS (RFC 9113, section 6.2)",
    h2spec: Some("http2/6.2"),
    cases: &[
        Case::new("HEADERS without END_HEADERS, then PRIORITY", PROTOCOL, |peer| {
            let frames = [headers(NONE, 1, get()), priority(1, 0, false, 255)];
            peer.say(&frames).say(&[continuation(END_HEADERS, 1, field("a", "b"))]).outcome()
        }),
        Case::new("HEADERS without END_HEADERS, then HEADERS on another stream", PROTOCOL, |peer| {
            let frames = [headers(NONE, 1, get()), headers(WHOLE, 3, get())];
            peer.say(&frames).say(&[continuation(END_HEADERS, 1, field("a", "b"))]).outcome()
        }),
        Case::new("HEADERS on stream 0", PROTOCOL, |peer| peer.say(&[headers(WHOLE, 0, get())]).outcome()),
        Case::new("HEADERS with more padding than they are long", PROTOCOL, |peer| {
            let padding = u8::try_from(get().len()).unwrap() + 2;
            peer.say(&[headers(WHOLE | PADDED, 1, [vec![padding], get()].concat())]).outcome()
        }),
    ],
};

pub(crate) const PRIORITY_FRAMES: Section = Section {
    title: "PRIORITY (RFC 9113, section 6.3)",
    h2spec: Some("http2/6.3"),
    cases: &[
        Case::new("PRIORITY on stream 0", PROTOCOL, |peer| peer.say(&[priority(0, 0, false, 255)]).outcome()),
        Case::new("PRIORITY of 4 bytes", &[Reset(FRAME_SIZE_ERROR)], |peer| {
            peer.say(&[frame(PRIORITY, NONE, 1, [0x80, 0, 0, 1])]).fenced()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_FRAMES),
    ],
};

pub(crate) const RESETS: Section = Section {
    title: "RST_STREAM (RFC 9113, section 6.4)",
    h2spec: Some("http2/6.4"),
    cases: &[
        Case::new("RST_STREAM on stream 0", PROTOCOL, |peer| peer.say(&[reset(0, CANCEL)]).outcome()),
        Case::new("RST_STREAM on an idle stream", PROTOCOL, |peer| peer.say(&[reset(1, CANCEL)]).outcome()),
        Case::new("RST_STREAM of 3 bytes", &[GoneAway(FRAME_SIZE_ERROR)], |peer| {
            peer.say(&[headers(END_HEADERS, 1, post()), frame(RST_STREAM, NONE, 1, [0; 3])]).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_FRAMES),
    ],
};

pub(crate) const PINGS: Section = Section {
    title: "PING (RFC 9113, section 6.7)",
    h2spec: Some("http2/6.7"),
    cases: &[
        Case::new("PING", &[Accepted], |peer| peer.say(&[ping(b"are you?")]).first(PING)),
        Case::new("PING that acknowledges", &[Accepted], |peer| peer.say(&[frame(PING, ACK, 0, b"not said")]).fenced()),
        Case::new("PING on a stream", PROTOCOL, |peer| peer.say(&[frame(PING, NONE, 1, b"are you?")]).outcome()),
        Case::new("PING of 6 bytes", &[GoneAway(FRAME_SIZE_ERROR)], |peer| {
            peer.say(&[frame(PING, NONE, 0, [0; 6])]).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_FRAMES),
    ],
};

pub(crate) const FAREWELLS: Section = Section {
    title: "GOAWAY (RFC 9113, section 6.8)",
    h2spec: Some("http2/6.8"),
    cases: &[Case::new("GOAWAY on a stream", PROTOCOL, |peer| peer.say(&[frame(GOAWAY, NONE, 1, [0; 8])]).outcome())],
};

pub(crate) const WINDOW_UPDATES: Section = Section {
    title: "WINDOW_UPDATE (RFC 9113, section 6.9)",
    h2spec: Some("http2/6.9"),
    cases: &[
        Case::new("WINDOW_UPDATE by 0", PROTOCOL, |peer| peer.say(&[window_update(0, 0)]).outcome()),
        Case::new("WINDOW_UPDATE by 0 on a stream", &[Reset(PROTOCOL_ERROR), GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[headers(END_HEADERS, 1, post()), window_update(1, 0)]).fenced()
        }),
        Case::new("WINDOW_UPDATE of 3 bytes", &[GoneAway(FRAME_SIZE_ERROR)], |peer| {
            peer.say(&[frame(WINDOW_UPDATE, NONE, 0, [0, 0, 1])]).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_FRAMES),
    ],
};

pub(crate) const WINDOW: Section = Section {
    title: "The flow-control window (RFC 9113, section 6.9.1)",
    h2spec: Some("http2/6.9.1"),
    cases: &[
        Case::new("a window of 1 byte", &[Data(1)], |peer| {
            peer.say(&[settings(&[(INITIAL_WINDOW_SIZE, 1)]), headers(WHOLE, 1, get())]).first(DATA)
        }),
        Case::new("WINDOW_UPDATE beyond what a window may be", &[GoneAway(FLOW_CONTROL_ERROR)], |peer| {
            peer.say(&[window_update(0, WINDOW_MAX), window_update(0, WINDOW_MAX)]).outcome()
        }),
        Case::new("the same on a stream", &[Reset(FLOW_CONTROL_ERROR)], |peer| {
            let updates = [window_update(1, WINDOW_MAX), window_update(1, WINDOW_MAX)];
            peer.say(&[headers(END_HEADERS, 1, post())]).say(&updates).fenced()
        }),
    ],
};

pub(crate) const CONTINUATIONS: Section = Section {
    title: "CONTINUATION (RFC 9113, section 6.10)",
    h2spec: Some("http2/6.10"),
    cases: &[
        Case::new("several behind HEADERS", &[Answered(200)], |peer| {
            let more = [continuation(NONE, 1, field("a", "b")), continuation(END_HEADERS, 1, field("c", "d"))];
            peer.say(&[headers(END_STREAM, 1, get())]).say(&more).outcome()
        }),
        Case::new("one without END_HEADERS, then DATA", PROTOCOL, |peer| {
            let frames =
                [headers(NONE, 1, post()), continuation(NONE, 1, field("a", "b")), data(END_STREAM, 1, "wine")];
            peer.say(&frames).outcome()
        }),
        Case::new("CONTINUATION on stream 0", PROTOCOL, |peer| {
            peer.say(&[headers(END_STREAM, 1, get()), continuation(END_HEADERS, 0, field("a", "b"))]).outcome()
        }),
        Case::new("one behind HEADERS with END_HEADERS", PROTOCOL, |peer| {
            peer.say(&[headers(WHOLE, 1, get()), continuation(END_HEADERS, 1, field("a", "b"))]).outcome()
        }),
        Case::new("one behind CONTINUATION with END_HEADERS", PROTOCOL, |peer| {
            let more = || continuation(END_HEADERS, 1, field("a", "b"));
            peer.say(&[headers(END_STREAM, 1, get()), more(), more()]).outcome()
        }),
        Case::new("one behind DATA", PROTOCOL, |peer| {
            let frames = [headers(END_HEADERS, 1, post()), data(END_STREAM, 1, "wine")];
            peer.say(&frames).say(&[continuation(NONE, 1, field("a", "b"))]).outcome()
        }),
    ],
};
