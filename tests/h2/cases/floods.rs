//! Too much of what is allowed (RFC 9113, section 10.5). Streams that are taken back are in `tests/tls/streams.rs`.

use crate::{
    case::{Case, ENHANCE_YOUR_CALM, Outcome::*, Section},
    cases::messages::with,
    wire::*,
};

pub(crate) const FLOODS: Section = Section {
    title: "Too much",
    h2spec: None,
    cases: &[
        Case::new("10 CONTINUATION without END_HEADERS", &[GoneAway(ENHANCE_YOUR_CALM)], |peer| {
            let mut frames = vec![headers(END_STREAM, 1, get())];
            frames.extend(vec![continuation(NONE, 1, ""); 10]);
            peer.say(&frames).outcome()
        }),
        Case::new("a head of 60,000 bytes", &[Answered(200), Answered(431)], |peer| {
            let long = "w".repeat(15_000);
            let block = [get(), fields(&[("a", &long), ("b", &long), ("c", &long), ("d", &long)])].concat();
            let mut frames = vec![headers(END_STREAM, 1, "")];
            frames.extend(block.chunks(FRAME_MAX).map(|piece| continuation(NONE, 1, piece)));
            frames.push(continuation(END_HEADERS, 1, ""));
            peer.say(&frames).outcome()
        }),
        Case::new("a head of 100,000 bytes", &[Answered(431)], |peer| {
            // Little is sent, since the table repeats it.
            let long = ADDED.named(b"\x01a", &plain("w".repeat(2000)));
            let block = [get(), long, indexed(FIRST_ADDED).repeat(50)].concat();
            peer.say(&[headers(WHOLE, 1, block)]).outcome()
        }),
        Case::new("a head of 14 MB, packed", &[Answered(431), GoneAway(ENHANCE_YOUR_CALM)], |peer| {
            let long = ADDED.named(b"\x01a", &plain("w".repeat(4000)));
            let block = [get(), long, indexed(FIRST_ADDED).repeat(3500)].concat();
            peer.say(&[headers(WHOLE, 1, block)]).outcome()
        }),
        Case::new("150 fields", &[Answered(431)], |peer| with(peer, &[("note", "red"); 150])),
        Case::new("110 empty DATA", &[GoneAway(ENHANCE_YOUR_CALM)], |peer| {
            let mut frames = vec![headers(END_HEADERS, 1, post())];
            frames.extend(vec![data(NONE, 1, ""); 110]);
            frames.push(data(END_STREAM, 1, "wine"));
            peer.say(&frames).outcome()
        }),
        Case::new("20,000 PRIORITY", &[Answered(200), GoneAway(ENHANCE_YOUR_CALM)], |peer| {
            let mut frames = vec![priority(1, 0, false, 255); 20_000];
            frames.push(headers(WHOLE, 1, get()));
            peer.say(&frames).outcome()
        }),
        Case::new("1,000 PING", &[Answered(200), GoneAway(ENHANCE_YOUR_CALM)], |peer| {
            peer.say(&vec![ping(b"are you?"); 1000]).say(&[headers(WHOLE, 1, get())]).outcome()
        }),
        Case::new("1,000 SETTINGS", &[Answered(200), GoneAway(ENHANCE_YOUR_CALM)], |peer| {
            peer.say(&vec![settings(&[(INITIAL_WINDOW_SIZE, 65_535)]); 1000]).say(&[headers(WHOLE, 1, get())]).outcome()
        }),
    ],
};
