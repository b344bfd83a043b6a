//! What leaves of a body before the block it stands in is there: where the application pauses, what cannot be the
//! beginning of a leak; where it breaks off, what cannot be half of one.
//!
//! Where it pauses is no part of the content. So a pause decides nothing but how early harmless bytes leave: neither
//! evidence nor a mask is ever taken from bytes before their block is there, and what may hold any waits for it.

use memchr::memrchr;

use super::{Inspection, State};
use crate::{
    exchange::{
        calm,
        cut::Cut,
        media,
        step::{BodyStep, Context},
    },
    incident::Mode,
    scan::{MARGIN, Source, View},
};

/// From this status on a response is an error, of which more is held.
const ERRORS: u16 = 400;

/// After a look that let nothing out, the next one waits until so much more has come: this part of what is held.
const PATIENCE: u64 = 16;

/// In a text of so many words there may be one that is none, and a few at its beginning: more are in code and dumps.
const WORDS: usize = 10;

/// So many may be at its beginning.
const ODD_MAX: usize = 8;

impl Inspection {
    /// Whether something may leave when the application pauses. Where the head holds a length or a validator the body
    /// was made as a whole, and is given out as one.
    pub(in crate::exchange) fn minds_pauses(&self, status: u16) -> bool {
        if self.cut == Cut::Message {
            return self.awaits_message() && status < ERRORS;
        }
        let is_read = matches!(self.state, State::Holding | State::Streaming) && self.decoder.is_none();
        let is_plain = self.parts.is_none() && !self.utf7 && self.open.is_none() && self.is_text();
        is_read && is_plain && self.cut == Cut::Blocks && !self.promised && status < ERRORS
    }

    /// The application has paused.
    pub(in crate::exchange) fn pause(&mut self, cx: &Context<'_>) -> BodyStep {
        if !self.minds_pauses(cx.status) || cx.policy.mode != Mode::Enforce {
            return BodyStep::Hold;
        }
        if self.cut == Cut::Message {
            self.leave_head();
            return self.given(false);
        }
        if self.begins_as_text() {
            self.leave_head();
        }
        if self.window.received() < self.next_look || self.window.unjudged() == 0 {
            return self.given(false);
        }
        match self.harmless(cx) {
            Some(size) => {
                self.window.remember();
                self.window.judge(size);
                self.leave_head();
                self.let_out(self.window.judged());
            }
            None => self.next_look = self.window.received() + self.window.unjudged() as u64 / PATIENCE,
        }
        self.given(false)
    }

    /// Whether the body says it is text, or nothing, and neither says that it is mark-up nor begins so: debug pages are,
    /// and what gives one away may stand far behind what it gives away.
    fn is_text(&self) -> bool {
        let is_typed = self.media_type.starts_with("text/") || media::is_json(&self.media_type);
        let is_markup = self.media_type.ends_with("html") || self.media_type.ends_with("xml");
        // White space may stand before either.
        let begins_as_text = self.is_markup.map_or(self.window.received() == 0, |is_markup| !is_markup);
        (self.media_type.is_empty() || is_typed) && !is_markup && begins_as_text
    }

    /// Whether nothing has come of a body of messages but its head. A head without a message is one that somebody waits
    /// for: an answer of one message comes with it.
    fn awaits_message(&self) -> bool {
        self.state == State::Holding && self.window.received() == 0 && self.coded.held() == 0
    }

    /// Whether what has come are a few bytes with which a coded body could begin, and a text is more likely to.
    fn begins_as_text(&self) -> bool {
        let begun = self.start.begun();
        self.state == State::Holding && matches!(begun, [b' '..=b'~', ..]) && calm::calm(begun).is_all
    }

    /// How many of the unjudged bytes are the beginning of nothing that could be found; none where the head had better
    /// stay.
    fn harmless(&mut self, cx: &Context<'_>) -> Option<usize> {
        let holding = self.state == State::Holding;
        let (text, _) = self.window.since(self.window.judged());
        let recent = text.len().saturating_sub(MARGIN);
        let alarm = calm::alarm(if holding { text } else { &text[recent..] });
        let calm = calm::calm(text);
        let end = match alarm {
            Some(_) if holding => return None,
            Some(at) => calm.end.min(calm::last_word(&text[..recent + at])),
            None => calm.end,
        };
        let end = end.min(undecided(cx, text));
        if end == 0 && !(holding && calm.is_all) {
            return None;
        }
        (self.is_free_of_findings(cx) && self.reads_like_prose(end)).then_some(end)
    }

    /// Whether what has left in pauses is made of words, if so many of the unjudged bytes do as well.
    fn reads_like_prose(&mut self, size: usize) -> bool {
        let (text, _) = self.window.since(self.window.judged());
        let (odd, all) = calm::count(&text[..size]);
        let (odd, all) = (self.left.0 + odd, self.left.1 + all);
        let is_prose = odd <= ODD_MAX + all / WORDS;
        if is_prose {
            self.left = (odd, all);
        }
        is_prose
    }

    fn is_free_of_findings(&mut self, cx: &Context<'_>) -> bool {
        let source = Source { status: cx.status, json: media::is_json(&self.media_type), ..Source::default() };
        let block = self.window.block(self.window.unjudged(), 0);
        let found = cx.engine.rules.scan(&block, source);
        found.findings.is_empty() && found.beside.is_empty()
    }

    /// The end of what may leave of a body that was broken off: not the word in which it was, nor what a rule looks at in
    /// the same line. Of an event or a message that is not whole, nothing; nor what a part still withholds.
    pub(super) fn end_of_sound(&self, cx: &Context<'_>) -> u64 {
        let parts = self.parts.as_ref().map_or(u64::MAX, |parts| parts.limit());
        if self.cut != Cut::Blocks {
            return self.window.judged().min(parts);
        }
        let (text, offset) = self.window.since(self.window.received().saturating_sub(MARGIN as u64));
        let line = line_start(text);
        let sound = match first_looked_at(cx, &text[line..]) {
            Some(at) => calm::last_word(&text[..line + at]),
            None => calm::last_word(text),
        };
        (offset + sound as u64).min(parts)
    }
}

/// The first byte of the line before the one in which something stands at which a rule looks, within the last bytes
/// that may still be part of what it finds.
fn undecided(cx: &Context<'_>, text: &[u8]) -> usize {
    let recent = text.len().saturating_sub(MARGIN);
    let Some(at) = first_looked_at(cx, &text[recent..]) else { return text.len() };
    let line = line_start(&text[..recent + at]);
    line_start(&text[..line.saturating_sub(1)])
}

/// Where the first literal of any rule stands, in plain or spelt by escapes.
fn first_looked_at(cx: &Context<'_>, text: &[u8]) -> Option<usize> {
    let view = View::build(text);
    let spelt = first_anchor(cx, view.text()).map(|at| view.source_start(at));
    first_anchor(cx, text).into_iter().chain(spelt).min()
}

fn first_anchor(cx: &Context<'_>, text: &[u8]) -> Option<usize> {
    let mut hits = Vec::new();
    cx.engine.rules.anchors().find(text, 0..text.len(), &mut hits);
    hits.first().map(|hit| hit.start)
}

fn line_start(text: &[u8]) -> usize {
    memrchr(b'\n', text).map_or(0, |newline| newline + 1)
}

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether a text that begins so is mark-up; none where nothing but white space has come.
pub(super) fn begins_as_markup(start: &[u8]) -> Option<bool> {
    start.iter().find(|byte| !byte.is_ascii_whitespace() && !MARK.contains(byte)).map(|&first| first == b'<')
}
