//! SETTINGS (RFC 9113, sections 6.5 and 6.9.2).

use crate::{
    case::{Case, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, ONE_CODE_OF_FRAMES, Outcome::*, PROTOCOL_ERROR, Section},
    wire::*,
};

pub(crate) const FRAMES: Section = Section {
    title: "SETTINGS (RFC 9113, section 6.5)",
    h2spec: Some("http2/6.5"),
    cases: &[
        Case::new("SETTINGS that acknowledge and say something", &[GoneAway(FRAME_SIZE_ERROR)], |peer| {
            peer.say(&[frame(SETTINGS, ACK, 0, [0; 6])]).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_FRAMES),
        Case::new("SETTINGS on a stream", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[frame(SETTINGS, NONE, 1, [0, 3, 0, 0, 0, 100])]).outcome()
        }),
        Case::new("SETTINGS of 3 bytes", &[GoneAway(FRAME_SIZE_ERROR)], |peer| {
            peer.say(&[frame(SETTINGS, NONE, 0, [0, 3, 0])]).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_FRAMES),
    ],
};

pub(crate) const VALUES: Section = Section {
    title: "Settings (RFC 9113, section 6.5.2)",
    h2spec: Some("http2/6.5.2"),
    cases: &[
        Case::new("ENABLE_PUSH of 2", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[settings(&[(ENABLE_PUSH, 2)])]).outcome()
        }),
        Case::new("INITIAL_WINDOW_SIZE of 2³¹", &[GoneAway(FLOW_CONTROL_ERROR)], |peer| {
            peer.say(&[settings(&[(INITIAL_WINDOW_SIZE, WINDOW_MAX + 1)])]).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_FRAMES),
        Case::new("MAX_FRAME_SIZE below 16,384", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[settings(&[(MAX_FRAME_SIZE, 16_383)])]).outcome()
        }),
        Case::new("MAX_FRAME_SIZE of 2²⁴", &[GoneAway(PROTOCOL_ERROR)], |peer| {
            peer.say(&[settings(&[(MAX_FRAME_SIZE, 1 << 24)])]).outcome()
        }),
        Case::new("a setting nobody knows", &[Accepted], |peer| peer.say(&[settings(&[(0xff, 1)])]).fenced()),
    ],
};

pub(crate) const ORDER: Section = Section {
    title: "Synchronising settings (RFC 9113, section 6.5.3)",
    h2spec: Some("http2/6.5.3"),
    cases: &[
        Case::new("a window of 100 bytes and then of 1", &[Data(1)], |peer| {
            let both = settings(&[(INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)]);
            peer.say(&[both, headers(WHOLE, 1, get())]).first(DATA)
        }),
        Case::new("SETTINGS", &[Accepted], |peer| peer.say(&[settings(&[(HEADER_TABLE_SIZE, 0)])]).first(SETTINGS)),
    ],
};

pub(crate) const INITIAL_WINDOW: Section = Section {
    title: "The initial window (RFC 9113, section 6.9.2)",
    h2spec: Some("http2/6.9.2"),
    cases: &[
        Case::new("a window of 0 bytes, HEADERS, a window of 1", &[Data(1)], |peer| {
            let frames = [headers(WHOLE, 1, get()), settings(&[(INITIAL_WINDOW_SIZE, 1)])];
            peer.say(&[settings(&[(INITIAL_WINDOW_SIZE, 0)])]).say(&frames).first(DATA)
        }),
        Case::new("a window that becomes negative, then 1", &[Data(1)], |peer| {
            let opened = peer.say(&[settings(&[(INITIAL_WINDOW_SIZE, 1)]), headers(WHOLE, 1, get())]).first(DATA);
            match opened {
                Data(1) => peer.say(&[settings(&[(INITIAL_WINDOW_SIZE, 0)]), window_update(1, 2)]).first(DATA),
                other => other,
            }
        }),
        Case::new("a window of 2³¹", &[GoneAway(FLOW_CONTROL_ERROR)], |peer| {
            peer.say(&[settings(&[(INITIAL_WINDOW_SIZE, WINDOW_MAX + 1)])]).outcome()
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_FRAMES),
    ],
};
