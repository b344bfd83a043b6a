//! What every client does, and every server must take.

use crate::{
    case::{CANCEL, Case, NO_ERROR, Outcome::*, Section},
    wire::*,
};

pub(crate) const BEGINNING: Section = Section {
    title: "A beginning",
    h2spec: Some("generic/1"),
    cases: &[Case::new("the preface and SETTINGS", &[Accepted], |peer| {
        peer.say(&[PREFACE.to_vec(), settings(&[])]).first(SETTINGS)
    })
    .unopened()],
};

pub(crate) const STREAMS: Section = Section {
    title: "Streams",
    h2spec: Some("generic/2"),
    cases: &[
        Case::new("PRIORITY on an idle stream", &[Accepted], |peer| peer.say(&[priority(1, 0, false, 255)]).fenced()),
        Case::new("WINDOW_UPDATE on a half-closed stream", &[Data(1)], |peer| {
            peer.say(&[settings(&[(INITIAL_WINDOW_SIZE, 0)]), headers(WHOLE, 1, get()), window_update(1, 1)])
                .first(DATA)
        }),
        Case::new("PRIORITY on a half-closed stream", &[Data(1)], |peer| {
            let priority = priority(1, 0, false, 255);
            let frames = [headers(WHOLE, 1, get()), priority, window_update(1, 1)];
            peer.say(&[settings(&[(INITIAL_WINDOW_SIZE, 0)])]).say(&frames).first(DATA)
        }),
        Case::new("RST_STREAM on a half-closed stream", &[Accepted], |peer| {
            peer.say(&[headers(WHOLE, 1, get()), reset(1, CANCEL)]).fenced()
        }),
        Case::new("PRIORITY on a closed stream", &[Accepted], |peer| {
            match peer.say(&[headers(WHOLE, 1, get())]).outcome() {
                Answered(200) => peer.say(&[priority(1, 0, false, 255)]).fenced(),
                other => other,
            }
        }),
    ],
};

pub(crate) const DATA_FRAMES: Section = Section {
    title: "DATA",
    h2spec: Some("generic/3.1"),
    cases: &[
        Case::new("one", &[Answered(200)], |peer| {
            peer.say(&[headers(END_HEADERS, 1, post()), data(END_STREAM, 1, "wine")]).outcome()
        }),
        Case::new("several", &[Answered(200)], |peer| {
            let frames = [data(NONE, 1, "red "), data(NONE, 1, ""), data(END_STREAM, 1, "wine")];
            peer.say(&[headers(END_HEADERS, 1, post())]).say(&frames).outcome()
        }),
        Case::new("padded", &[Answered(200)], |peer| {
            let padded = data(END_STREAM | PADDED, 1, [&b"\x06wine"[..], &[0; 6]].concat());
            peer.say(&[headers(END_HEADERS, 1, post()), padded]).outcome()
        }),
    ],
};

pub(crate) const HEADERS_FRAMES: Section = Section {
    title: "HEADERS",
    h2spec: Some("generic/3.2"),
    cases: &[
        Case::new("one", &[Answered(200)], |peer| peer.say(&[headers(WHOLE, 1, get())]).outcome()),
        Case::new("padded", &[Answered(200)], |peer| {
            let padded = [vec![6], get(), vec![0; 6]].concat();
            peer.say(&[headers(WHOLE | PADDED, 1, padded)]).outcome()
        }),
        Case::new("with a priority", &[Answered(200)], |peer| {
            let block = [dependency(0, false, 255), get()].concat();
            peer.say(&[headers(WHOLE | PRIORITISED, 1, block)]).outcome()
        }),
    ],
};

pub(crate) const PRIORITY_FRAMES: Section = Section {
    title: "PRIORITY",
    h2spec: Some("generic/3.3"),
    cases: &[
        Case::new("of weight 1", &[Answered(200)], |peer| asked_behind(peer, &[priority(1, 0, false, 0)])),
        Case::new("of weight 256", &[Answered(200)], |peer| asked_behind(peer, &[priority(1, 0, false, 255)])),
        Case::new("that depends on a stream", &[Answered(200)], |peer| {
            asked_behind(peer, &[priority(1, 0, false, 255), priority(3, 1, false, 255)])
        }),
        Case::new("that is exclusive", &[Answered(200)], |peer| {
            asked_behind(peer, &[priority(3, 1, false, 255), priority(5, 1, true, 255)])
        }),
        Case::new("of an idle stream, then HEADERS on a lower one", &[Answered(200)], |peer| {
            asked_behind(peer, &[priority(5, 0, false, 255)])
        }),
    ],
};

pub(crate) const RESETS: Section = Section {
    title: "RST_STREAM",
    h2spec: Some("generic/3.4"),
    cases: &[Case::new("within a request", &[Accepted], |peer| {
        peer.say(&[headers(END_HEADERS, 1, post()), reset(1, CANCEL)]).fenced()
    })],
};

pub(crate) const SETTINGS_FRAMES: Section = Section {
    title: "SETTINGS",
    h2spec: Some("generic/3.5"),
    cases: &[Case::new("another", &[Accepted], |peer| peer.say(&[settings(&[(ENABLE_PUSH, 0)])]).first(SETTINGS))],
};

pub(crate) const PINGS: Section = Section {
    title: "PING",
    h2spec: Some("generic/3.7"),
    cases: &[Case::new("one", &[Accepted], |peer| peer.say(&[ping(b"are you?")]).first(PING))],
};

pub(crate) const FAREWELLS: Section = Section {
    title: "GOAWAY",
    h2spec: Some("generic/3.8"),
    cases: &[Case::new("without an error", &[Accepted, Closed, GoneAway(NO_ERROR)], |peer| {
        peer.say(&[goaway(NO_ERROR)]).fenced()
    })],
};

pub(crate) const WINDOWS: Section = Section {
    title: "WINDOW_UPDATE",
    h2spec: Some("generic/3.9"),
    cases: &[
        Case::new("of the connection", &[Accepted], |peer| peer.say(&[window_update(0, 1)]).fenced()),
        Case::new("of a stream", &[Answered(200)], |peer| {
            peer.say(&[headers(WHOLE, 1, get()), window_update(1, 1)]).outcome()
        }),
    ],
};

pub(crate) const CONTINUATIONS: Section = Section {
    title: "CONTINUATION",
    h2spec: Some("generic/3.10"),
    cases: &[
        Case::new("one", &[Answered(200)], |peer| {
            let more = continuation(END_HEADERS, 1, field("a", "b"));
            peer.say(&[headers(END_STREAM, 1, get()), more]).outcome()
        }),
        Case::new("several, cut anywhere", &[Answered(200)], |peer| {
            let block = get_with(&[("accept", "text/html"), ("user-agent", "cellar")]);
            let mut frames = vec![headers(END_STREAM, 1, &block[..1])];
            frames.extend(block[1..].chunks(15).map(|piece| continuation(NONE, 1, piece)));
            frames.push(continuation(END_HEADERS, 1, ""));
            peer.say(&frames).outcome()
        }),
    ],
};

pub(crate) const METHODS: Section = Section {
    title: "Requests",
    h2spec: Some("generic/4"),
    cases: &[
        Case::new("GET", &[Answered(200)], |peer| peer.say(&[headers(WHOLE, 1, get())]).outcome()),
        Case::new("HEAD", &[Answered(200)], |peer| {
            let block = [NOT_ADDED.of(GET, &plain("HEAD")), get()[1..].to_vec()].concat();
            peer.say(&[headers(WHOLE, 1, block)]).outcome()
        }),
        Case::new("POST", &[Answered(200)], |peer| {
            peer.say(&[headers(END_HEADERS, 1, post()), data(END_STREAM, 1, "wine")]).outcome()
        }),
        Case::new("POST with trailers", &[Answered(200)], |peer| {
            let trailers = headers(WHOLE, 1, field("x-note", "done"));
            peer.say(&[headers(END_HEADERS, 1, post()), data(NONE, 1, "wine"), trailers]).outcome()
        }),
    ],
};

fn asked_behind(peer: &mut crate::peer::Peer, frames: &[Bytes]) -> crate::case::Outcome {
    peer.say(frames).say(&[headers(WHOLE, 1, get())]).outcome()
}
