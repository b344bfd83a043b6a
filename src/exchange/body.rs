//! The body of an inspected response, as a machine: Holding → Streaming | Replaced | Passed; Streaming → Severed.

mod blocks;
mod leaving;
mod masks;
mod pause;
mod scratch;
mod start;

use bytes::Bytes;

use self::{blocks::Piece, masks::Open, scratch::Scratch, start::Start};
use super::{
    Released,
    coded::Coded,
    cut::Cut,
    parts::Parts,
    step::{BodyStep, Cause, Context, Form},
    window::Window,
};
use crate::{
    coding::{CodingError, Decoder},
    incident::{Exemption, Mode},
    policy::{Tally, Unreadable},
    scan::MARGIN,
};

/// Decoded bytes taken from a decoder at a time. Bounds the work between two looks at the scanner.
const STEP: usize = 32 * 1024;

/// The most decoded bytes that are kept of a coded body while its head is held, or three times the hold.
const KEPT_MAX: usize = 1 << 20;

/// The most decoded bytes that may be in the window when more arrive. More is a bomb, or a part without end in which
/// nothing can be judged.
const HELD_MAX: usize = 4 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The head is held; everything can still be replaced.
    Holding,
    /// The head has left.
    Streaming,
    /// The body is what its binary type says, or the route lets unreadable bodies pass: bytes go by unread.
    Passed,
    /// Nothing (more) leaves.
    Stopped,
}

/// The machine.
#[derive(Debug)]
pub(super) struct Inspection {
    state: State,
    cut: Cut,
    /// Where the message ends that the judged bytes stand in; not before those.
    boundary: u64,
    /// Type and subtype, lower case.
    media_type: String,
    /// The declared charset is UTF-7.
    utf7: bool,
    window: Window,
    /// Bytes of the event being received that were already searched for its end.
    searched: usize,
    /// The stream has been quiet while the head was held.
    was_quiet: bool,
    /// What was judged last ends an event or a message.
    at_event_end: bool,
    start: Start,
    decoder: Option<Decoder>,
    /// Bytes that the decoder can come to hold.
    decoder_bound: usize,
    coded: Coded,
    /// Decoded bytes were thrown away while the head was held: the body can leave as it came and in no other form.
    discarded: bool,
    /// The form in which bytes leave; settled when the head does.
    form: Form,
    /// Pieces were masked.
    masked: bool,
    /// The head that left holds a length or validators, so that a change of the bytes would belie it.
    promised: bool,
    /// Set while a mask is open: the rule's terminator is looked for from this offset on.
    open: Option<Open>,
    /// Whether the content begins as mark-up, whatever its type says; none until it has begun.
    is_markup: Option<bool>,
    /// At a pause before this offset is there, nothing is looked at.
    next_look: u64,
    /// Of what left in pauses: tokens that are no words, and all.
    left: (usize, usize),
    tally: Tally,
    exemption: Option<Exemption>,
    /// Reads parts that are encoded by themselves; none where there are no parts.
    parts: Option<Box<Parts>>,
    /// What the call that is being answered lets out.
    out: Released,
    /// The head leaves with it.
    commits: bool,
    /// Why the body is broken off behind it.
    broken: Option<Cause>,
}

impl Inspection {
    /// A body of `media_type` that arrives through `decoder` and is cut by `cut`. `promised`: see the field.
    pub(super) fn new(cut: Cut, decoder: Option<Decoder>, media_type: String, promised: bool) -> Self {
        let mut window = Window::default();
        if cut != Cut::Blocks {
            window.remember();
        }
        Self {
            state: if cut.streams() { State::Streaming } else { State::Holding },
            cut,
            boundary: 0,
            media_type,
            utf7: false,
            window,
            searched: 0,
            was_quiet: false,
            at_event_end: true,
            form: Form::AsItCame,
            start: Start::of(decoder.is_some()),
            decoder,
            decoder_bound: 0,
            coded: Coded::default(),
            discarded: false,
            masked: false,
            promised: promised && cut == Cut::Blocks,
            open: None,
            is_markup: None,
            next_look: 0,
            left: (0, 0),
            tally: Tally::default(),
            exemption: None,
            parts: None,
            out: Released::new(),
            commits: false,
            broken: None,
        }
    }

    /// The same body, of which so many bytes will be held at a time.
    pub(super) fn expecting(mut self, bytes: usize) -> Self {
        self.window.expect(bytes);
        self
    }

    /// The same body, which holds these parts.
    pub(super) fn of_parts(self, parts: Option<Parts>) -> Self {
        Self { parts: parts.map(Box::new), ..self }
    }

    /// The same body, whose decoder can come to hold so many bytes.
    pub(super) fn taking(self, decoder_bound: usize) -> Self {
        Self { decoder_bound, ..self }
    }

    /// By how much the window and the decoder can grow with a piece of so many bytes.
    pub(super) fn growth(&self, piece: usize) -> usize {
        let decoder = self.decoder.as_ref().map_or(0, |decoder| self.decoder_bound.saturating_sub(decoder.memory()));
        piece.max(self.window.room()) + decoder
    }

    /// Whether reading the bytes as text is not enough to read the body.
    pub(super) fn is_more_than_text(&self) -> bool {
        self.decoder.is_some() || self.parts.is_some() || self.utf7
    }

    /// The same body, declared as UTF-7.
    pub(super) fn in_utf7(self, utf7: bool) -> Self {
        Self { utf7, ..self }
    }

    /// Whether the head must leave before the body has arrived.
    pub(super) fn streams(&self) -> bool {
        self.cut.streams()
    }

    /// Whether long silences are in the nature of the body.
    pub(super) fn may_be_silent(&self) -> bool {
        self.is_stream()
    }

    /// Why the body was not read, if it was not.
    pub(super) fn exemption(&self) -> Option<Exemption> {
        self.exemption.or(self.parts.as_ref().and_then(|parts| parts.exemption()))
    }

    /// Whether the bytes go by unread.
    pub(super) fn is_passed(&self) -> bool {
        self.state == State::Passed
    }

    /// Stops reading: `chunk` and everything after it pass. Only where everything before it has passed as well.
    pub(super) fn abandon(&mut self, exemption: Exemption, chunk: Bytes) -> BodyStep {
        (self.window, self.coded, self.decoder, self.parts) = (Window::default(), Coded::default(), None, None);
        self.start = Start::Known;
        self.pass(exemption, vec![chunk])
    }

    /// Whether nothing has been judged so far.
    pub(super) fn is_holding(&self) -> bool {
        self.state == State::Holding
    }

    /// Bytes of content that arrived.
    pub(super) fn received(&self) -> u64 {
        self.window.received()
    }

    /// Bytes of content that may leave, or were passed unread.
    pub(super) fn released(&self) -> u64 {
        if self.state == State::Passed { u64::MAX } else { self.window.released() }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        let parts = self.parts.as_ref().map_or(0, |parts| parts.held());
        let decoder = self.decoder.as_ref().map_or(0, |decoder| decoder.memory() + STEP);
        self.window.held() + self.coded.held() + self.start.held() + decoder + parts
    }

    /// Whether something was masked so far.
    pub(super) fn masked(&self) -> bool {
        self.masked
    }

    /// Why the body is broken off behind what was let out last, if it is.
    pub(super) fn broken(&self) -> Option<Cause> {
        self.broken
    }

    /// Judges a piece as it came off the wire.
    pub(super) fn chunk(&mut self, cx: &mut Context<'_>, chunk: Bytes) -> BodyStep {
        match self.state {
            State::Stopped => return self.break_off(),
            State::Passed => return BodyStep::Release(vec![chunk]),
            State::Holding if self.is_what_it_says(&chunk) => {
                let held = self.start.end().unwrap_or_else(|| self.window.take());
                return self.pass(Exemption::BinaryType, vec![held, chunk]);
            }
            State::Holding | State::Streaming => {}
        }
        let observed = (cx.policy.mode == Mode::Observe).then(|| chunk.clone());
        let fed = self.feed(cx, &chunk);
        match observed {
            Some(chunk) => self.observe(vec![chunk], false),
            None => match fed {
                Ok(()) => self.give(cx, false),
                Err(cause) => self.stop(cx, cause),
            },
        }
    }

    /// Judges what is left; the body has ended as its framing promised.
    pub(super) fn end(&mut self, cx: &mut Context<'_>) -> BodyStep {
        self.finish(cx, true)
    }

    /// Judges what is left of a body that ends before its framing says so.
    pub(super) fn break_in(&mut self, cx: &mut Context<'_>) -> BodyStep {
        self.finish(cx, false)
    }

    fn finish(&mut self, cx: &mut Context<'_>, framed: bool) -> BodyStep {
        match self.state {
            State::Stopped => return self.break_off(),
            State::Passed => return BodyStep::Release(Released::new()),
            State::Holding | State::Streaming => {}
        }
        let begun = self.start.end().map_or(Ok(()), |begun| self.receive(cx, &begun));
        let is_whole =
            framed && (!self.lacks_content() || cx.policy.unreadable == Unreadable::Pass || self.says_nothing(cx));
        let sound = if is_whole { u64::MAX } else { self.end_of_sound(cx) };
        let finished = begun
            .and_then(|()| self.finish_decoding())
            .and_then(|()| self.finish_parts(cx))
            .and_then(|()| self.judge_ready(cx, true));
        if cx.policy.mode == Mode::Observe {
            return self.observe(Released::new(), true);
        }
        match finished {
            Ok(()) if is_whole => self.give(cx, true),
            Ok(()) => self.give_sound(cx, sound, framed),
            Err(cause) => self.stop(cx, cause),
        }
    }

    /// The stream is quiet: judges what has its margin behind it and lets out what no later finding can reach.
    pub(super) fn quiet(&mut self, cx: &mut Context<'_>) -> BodyStep {
        if self.state == State::Stopped {
            return self.break_off();
        }
        if self.state == State::Passed || cx.policy.mode == Mode::Observe {
            return BodyStep::Hold;
        }
        self.was_quiet = true;
        if let Some(Err(cause)) = self.parts.as_mut().map(|parts| parts.quiet(cx)) {
            return self.stop(cx, cause);
        }
        if self.leaves_coded() {
            self.coded.decoded(0, self.window.received(), Some(u64::MAX));
        }
        let ready = self.window.unjudged().saturating_sub(MARGIN);
        if ready == 0 {
            // Who calls may wait for the head before it sends what will be answered.
            if self.cut == Cut::Message {
                self.leave_head();
            }
            return self.given(false);
        }
        match self.judge_block(cx, Piece { size: ready, ends_event: false }) {
            Ok(()) => self.give(cx, false),
            Err(cause) => self.stop(cx, cause),
        }
    }

    fn feed(&mut self, cx: &mut Context<'_>, chunk: &Bytes) -> Result<(), Cause> {
        let Some((mut chunk, found)) = self.start.push(chunk) else { return Ok(()) };
        if found.is_some() && self.commits_as_text(cx) {
            return Err(Cause::Unreadable);
        }
        if let Some((decoder, bound)) = found.and_then(start::decoder) {
            (self.decoder, self.decoder_bound) = (Some(decoder), bound);
        }
        if self.leaves_coded() {
            self.coded.keep(chunk.clone());
        }
        if self.decoder.is_some() {
            self.feed_coded(cx, &mut chunk)?;
        }
        self.receive(cx, &chunk)
    }

    /// Whether the head has left as that of a text, so that what the body carries beside its content can no longer be
    /// kept back.
    fn commits_as_text(&self, cx: &Context<'_>) -> bool {
        self.state == State::Streaming && !self.is_stream() && cx.policy.mode == Mode::Enforce
    }

    /// Decodes all of it, or up to the place where it turns out not to be coded. Of a stream, what one byte completes is
    /// let out before the next one is read.
    fn feed_coded(&mut self, cx: &mut Context<'_>, chunk: &mut Bytes) -> Result<(), Cause> {
        let mut scratch = Scratch::take();
        while self.decoder.is_some() && !chunk.is_empty() {
            let most = if self.leaves_coded() { self.coded.until_mark(self.is_stream()) } else { chunk.len() };
            let piece = chunk.split_to(chunk.len().min(most));
            self.decode(cx, &piece, &mut scratch)?;
            if self.leaves_coded() {
                let judged = self.is_stream().then(|| self.window.judged());
                self.coded.decoded(piece.len(), self.window.received(), judged);
                if self.is_stream() && self.state == State::Streaming {
                    self.advance(cx, false)?;
                }
            }
        }
        Ok(())
    }

    fn is_stream(&self) -> bool {
        self.cut != Cut::Blocks
    }

    fn decode(&mut self, cx: &mut Context<'_>, mut input: &[u8], scratch: &mut [u8]) -> Result<(), Cause> {
        while let Some(decoder) = &mut self.decoder {
            let progress = match decoder.decode(&mut input, scratch) {
                Ok(progress) => progress,
                Err(CodingError::NotCoded(_)) => {
                    let taken = Bytes::copy_from_slice(decoder.taken());
                    // Before anything is judged, and let out in the form that holds then.
                    (self.decoder, self.form) = (None, Form::Decoded { masked: false });
                    self.coded.clear();
                    self.receive(cx, &taken)?;
                    return self.receive(cx, &Bytes::copy_from_slice(input));
                }
                Err(_) => return Err(Cause::Unreadable),
            };
            self.receive(cx, &Bytes::copy_from_slice(&scratch[..progress.written]))?;
            if !progress.has_more {
                break;
            }
        }
        Ok(())
    }

    /// Takes content and judges what of it is ready. What is judged in two ways, as a whole and in its parts, is taken
    /// block by block, so that neither way runs ahead of the other.
    fn receive(&mut self, cx: &mut Context<'_>, content: &Bytes) -> Result<(), Cause> {
        let mut content = content.clone();
        while !content.is_empty() {
            if self.window.held() > HELD_MAX {
                return Err(Cause::Unreadable);
            }
            let most = if self.parts.is_some() { self.until_block(cx.policy.hold) } else { content.len() };
            let piece = content.split_to(most.min(content.len()));
            self.is_markup = self.is_markup.or_else(|| pause::begins_as_markup(&piece));
            self.window.receive(piece.clone());
            self.parts.as_mut().map_or(Ok(()), |parts| parts.push(cx, &piece))?;
            self.judge_ready(cx, false)?;
        }
        Ok(())
    }

    /// Whether a coded stream merely stops before its content does.
    fn lacks_content(&self) -> bool {
        self.decoder.as_ref().is_some_and(Decoder::lacks_content)
    }

    /// Whether a coded stream stops before anything can be decoded of it, and shows nothing in clear.
    fn says_nothing(&self, cx: &Context<'_>) -> bool {
        self.window.received() == 0 && !self.shows_in_clear(cx)
    }

    /// A coded stream that merely stops has been read as far as anyone can read it.
    fn finish_decoding(&mut self) -> Result<(), Cause> {
        match self.decoder.as_ref().map(Decoder::finish) {
            None | Some(Ok(()) | Err(CodingError::Truncated(_))) => Ok(()),
            Some(Err(_)) => Err(Cause::Unreadable),
        }
    }

    fn finish_parts(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        self.parts.as_mut().map_or(Ok(()), |parts| parts.end(cx))
    }
}
