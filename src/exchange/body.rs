//! The body of an inspected response, as a machine: Holding → Streaming | Replaced | Passed; Streaming → Severed.

mod masks;
mod start;

use bytes::Bytes;

use self::{masks::Open, start::Start};
use super::{
    Released,
    coded::Coded,
    cut::{self, Cut},
    media,
    parts::Parts,
    step::{BodyStep, Cause, Context, Form},
    window::Window,
};
use crate::{
    coding::{CodingError, Decoder},
    incident::{Exemption, IncidentId, Mode},
    policy::{Page, Tally, Unreadable, Verdict, judge},
    scan::{Block, MARGIN, Source},
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
    tally: Tally,
    exemption: Option<Exemption>,
    /// Reads parts that are encoded by themselves; none where there are no parts.
    parts: Option<Box<Parts>>,
    /// Output of the decoder, reused from step to step.
    scratch: Vec<u8>,
}

/// Whether the body is coded as its fields say.
#[derive(PartialEq, Eq)]
enum Label {
    True,
    Lies,
}

impl Inspection {
    /// A body of `media_type` that arrives through `decoder` and is cut by `cut`. `promised`: see the field.
    pub(super) fn new(cut: Cut, decoder: Option<Decoder>, media_type: String, promised: bool) -> Self {
        Self {
            state: if cut.streams() { State::Streaming } else { State::Holding },
            cut,
            boundary: 0,
            media_type,
            utf7: false,
            window: Window::default(),
            searched: 0,
            form: Form::AsItCame,
            start: Start::of(decoder.is_some()),
            decoder,
            decoder_bound: 0,
            coded: Coded::default(),
            discarded: false,
            masked: false,
            promised: promised && cut == Cut::Blocks,
            open: None,
            tally: Tally::default(),
            exemption: None,
            parts: None,
            scratch: Vec::new(),
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
        self.cut != Cut::Blocks
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

    /// What an event stream that leaked ends with instead.
    pub(super) fn farewell(&self, id: &IncidentId) -> Option<Bytes> {
        (self.cut == Cut::BlankLine && self.decoder.is_none()).then(|| {
            let data = format!(r#"{{"error": "Internal server error", "incident": "{id}"}}"#);
            Bytes::from(format!("event: error\ndata: {data}\n\n"))
        })
    }

    /// Whether something was masked so far.
    pub(super) fn masked(&self) -> bool {
        self.masked
    }

    /// Judges a piece as it came off the wire.
    pub(super) fn chunk(&mut self, cx: &mut Context<'_>, chunk: Bytes) -> BodyStep {
        match self.state {
            State::Stopped => return BodyStep::Hold,
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
            Some(chunk) => self.observe(chunk),
            None => match fed {
                Ok(()) => self.advance(cx, false),
                Err(cause) => self.stop(cx, cause),
            },
        }
    }

    /// Judges what is left; the body has ended as its framing promised.
    pub(super) fn end(&mut self, cx: &mut Context<'_>) -> BodyStep {
        match self.state {
            State::Stopped => return BodyStep::Hold,
            State::Passed => return BodyStep::Release(Released::new()),
            State::Holding | State::Streaming => {}
        }
        let begun = self.start.end().map_or(Ok(()), |begun| self.receive(cx, &begun));
        let finished = begun
            .and_then(|()| self.finish_decoding())
            .and_then(|()| self.finish_parts(cx))
            .and_then(|()| self.judge_ready(cx, true));
        if cx.policy.mode == Mode::Observe {
            return self.commit(Released::new(), true);
        }
        match finished {
            Ok(()) => self.advance(cx, true),
            Err(cause) => self.stop(cx, cause),
        }
    }

    /// The stream is quiet: judges what has its margin behind it and lets out what no later finding can reach.
    pub(super) fn quiet(&mut self, cx: &mut Context<'_>) -> BodyStep {
        if !matches!(self.state, State::Holding | State::Streaming) || cx.policy.mode == Mode::Observe {
            return BodyStep::Hold;
        }
        if let Some(Err(cause)) = self.parts.as_mut().map(|parts| parts.quiet(cx)) {
            return self.stop(cx, cause);
        }
        let ready = self.window.unjudged().saturating_sub(MARGIN);
        if ready == 0 {
            // Who calls may wait for the head before it sends what will be answered.
            return if self.cut == Cut::Message { self.commit(Released::new(), false) } else { BodyStep::Hold };
        }
        match self.judge_block(cx, ready) {
            Ok(()) => self.advance(cx, false),
            Err(cause) => self.stop(cx, cause),
        }
    }

    fn feed(&mut self, cx: &mut Context<'_>, chunk: &Bytes) -> Result<(), Cause> {
        let Some((chunk, found)) = self.start.push(chunk) else { return Ok(()) };
        if let Some((decoder, bound)) = found.and_then(start::decoder) {
            (self.decoder, self.decoder_bound) = (Some(decoder), bound);
        }
        let Some(mut decoder) = self.decoder.take() else {
            self.receive(cx, &chunk)?;
            return self.judge_ready(cx, false);
        };
        if self.form == Form::AsItCame {
            self.coded.keep(chunk.clone());
        }
        if self.decode(cx, &mut decoder, &chunk)? == Label::Lies {
            self.form = Form::Decoded { masked: false };
            self.coded.clear();
            return self.judge_ready(cx, false);
        }
        self.decoder = Some(decoder);
        self.coded.decoded(self.window.received());
        Ok(())
    }

    fn decode(&mut self, cx: &mut Context<'_>, decoder: &mut Decoder, chunk: &[u8]) -> Result<Label, Cause> {
        let mut input = chunk;
        self.scratch.resize(STEP, 0);
        loop {
            let progress = match decoder.decode(&mut input, &mut self.scratch) {
                Ok(progress) => progress,
                Err(CodingError::NotCoded(_)) => {
                    self.receive(cx, &Bytes::copy_from_slice(decoder.taken()))?;
                    self.receive(cx, &Bytes::copy_from_slice(input))?;
                    return Ok(Label::Lies);
                }
                Err(_) => return Err(Cause::Unreadable),
            };
            self.receive(cx, &Bytes::copy_from_slice(&self.scratch[..progress.written]))?;
            self.judge_ready(cx, false)?;
            self.discard_judged(cx.policy.hold);
            if !progress.has_more {
                return Ok(Label::True);
            }
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>, content: &Bytes) -> Result<(), Cause> {
        if self.window.held() > HELD_MAX {
            return Err(Cause::Unreadable);
        }
        self.window.receive(content.clone());
        self.parts.as_mut().map_or(Ok(()), |parts| parts.push(cx, content))
    }

    /// Decoded bytes that were judged and will leave in their coded form need not be kept once the head has left. Nor
    /// can they be where one piece decodes to many: what is masked behind them then takes the whole response with it.
    fn discard_judged(&mut self, hold: usize) {
        let many = self.state == State::Holding && self.window.held() > KEPT_MAX.max(3 * hold);
        if (self.state == State::Streaming || many) && self.form == Form::AsItCame {
            self.discarded |= many;
            self.window.release(self.window.judged().saturating_sub(MARGIN as u64), &mut Released::new());
        }
    }

    /// A coded stream that merely stops has been read as far as anyone can read it, so it may leave as it came.
    fn finish_decoding(&mut self) -> Result<(), Cause> {
        match self.decoder.as_ref().map(Decoder::finish) {
            None | Some(Ok(()) | Err(CodingError::Truncated(_))) => Ok(()),
            Some(Err(_)) => Err(Cause::Unreadable),
        }
    }

    fn finish_parts(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        self.parts.as_mut().map_or(Ok(()), |parts| parts.end(cx))
    }

    /// Judges every block that is ready.
    fn judge_ready(&mut self, cx: &mut Context<'_>, ended: bool) -> Result<(), Cause> {
        while let Some(size) = self.next_size(cx.policy.hold, ended)? {
            self.judge_block(cx, size)?;
        }
        Ok(())
    }

    fn next_size(&mut self, hold: usize, ended: bool) -> Result<Option<usize>, Cause> {
        let event = match self.cut {
            Cut::Blocks => None,
            Cut::Message => self.message_size()?,
            Cut::BlankLine | Cut::Line => self.event_size(),
        };
        if event.is_some() {
            return Ok(event);
        }
        let block = self.window.next_block(hold, ended).map(|block| block.own.len());
        if block.is_some() {
            self.searched = 0;
        }
        Ok(block)
    }

    /// The size of the event that is next, if it is there.
    fn event_size(&mut self) -> Option<usize> {
        let (unjudged, _) = self.window.since(self.window.judged());
        if let Some(end) = self.cut.event_end(&unjudged[self.searched..]) {
            return Some(std::mem::take(&mut self.searched) + end);
        }
        self.searched = unjudged.len().saturating_sub(self.cut.overlap());
        None
    }

    /// The size of what is left of the message, if that is there.
    fn message_size(&mut self) -> Result<Option<usize>, Cause> {
        let judged = self.window.judged();
        let (unjudged, _) = self.window.since(judged);
        if self.boundary <= judged {
            let Some(size) = cut::message_size(unjudged).map_err(|_| Cause::Unreadable)? else { return Ok(None) };
            self.boundary = judged + size;
        }
        let left = usize::try_from(self.boundary - judged).unwrap_or(usize::MAX);
        Ok((left <= unjudged.len()).then_some(left))
    }

    fn judge_block(&mut self, cx: &mut Context<'_>, size: usize) -> Result<(), Cause> {
        self.close_mask(cx);
        let block = self.window.block(size);
        let json = media::is_json(&self.media_type);
        let source = Source { status: cx.status, fields: false, json, utf7: self.utf7 };
        let found = cx.engine.rules.scan(&block, source);
        let verdict = if found.findings.is_empty() {
            Verdict::Pass
        } else {
            let page = Page { bytes: block.bytes, status: cx.status, earlier: &self.tally, storm: cx.storm };
            let judgement = judge(&cx.engine.rules, &found, page, cx.policy);
            cx.ledger.note(cx.engine, block.bytes, &found, &judgement);
            self.tally = judgement.tally;
            judgement.verdict
        };
        let offset = block.offset;
        match verdict {
            _ if cx.policy.mode == Mode::Observe => {}
            Verdict::Pass => {}
            Verdict::Replace => return Err(Cause::Leak),
            // A message with a mask in it would no longer be as long as it says.
            Verdict::Mask(_) if self.cut == Cut::Message => return Err(Cause::Leak),
            Verdict::Mask(masks) => self.mask(cx, offset, &masks)?,
        }
        self.window.judge(size);
        Ok(())
    }

    /// What may leave now.
    fn advance(&mut self, cx: &Context<'_>, ended: bool) -> BodyStep {
        let undecided = self.window.judged() == 0 || self.parts.as_ref().is_some_and(|parts| parts.is_undecided());
        if !ended && undecided && self.state == State::Holding {
            return BodyStep::Hold;
        }
        let keep = if ended || self.cut != Cut::Blocks && self.window.unjudged() < MARGIN { 0 } else { MARGIN };
        let parts = self.parts.as_ref().map_or(u64::MAX, |parts| parts.limit());
        let limit = self.window.judged().saturating_sub(keep as u64).min(parts);
        let mut out = Released::new();
        if self.state == State::Holding && self.metadata_leaks(cx) {
            if self.discarded {
                return self.stop(cx, Cause::Leak);
            }
            self.form = self.form.decoded();
            self.coded.clear();
        }
        if self.decoder.is_some() && self.form == Form::AsItCame {
            self.coded.release(if ended { u64::MAX } else { limit }, &mut out);
            self.window.release(limit, &mut Released::new());
        } else {
            self.window.release(limit, &mut out);
        }
        self.commit(out, ended)
    }

    /// Whether what a coded stream carries beside its content (a gzip file name, which Django fills at random)
    /// says something. It stands in clear among the coded bytes; such a body leaves decoded.
    fn metadata_leaks(&self, cx: &Context<'_>) -> bool {
        if !self.decoder.as_ref().is_some_and(Decoder::has_metadata) {
            return false;
        }
        let coded = self.coded.joined();
        let block = Block { bytes: &coded, own: 0..coded.len(), offset: 0 };
        let source = Source { status: 500, ..Source::default() };
        !cx.engine.rules.scan(&block, source).findings.is_empty()
    }

    fn observe(&mut self, chunk: Bytes) -> BodyStep {
        self.window.release(self.window.judged(), &mut Released::new());
        self.coded.clear();
        self.commit(vec![chunk], false)
    }

    /// Lets this and everything after it by unread.
    fn pass(&mut self, exemption: Exemption, body: Released) -> BodyStep {
        self.exemption = Some(exemption);
        let step = self.commit(body, false);
        self.state = State::Passed;
        step
    }

    /// Hands `out` on, with the head if that is still here.
    fn commit(&mut self, out: Released, whole: bool) -> BodyStep {
        if self.state == State::Streaming {
            return if out.is_empty() { BodyStep::Hold } else { BodyStep::Release(out) };
        }
        self.state = State::Streaming;
        if self.form != Form::AsItCame {
            self.promised = false;
        }
        BodyStep::Commit { body: out, form: self.form, whole }
    }

    fn stop(&mut self, cx: &Context<'_>, cause: Cause) -> BodyStep {
        let holding = self.state == State::Holding;
        let passes = cx.policy.unreadable == Unreadable::Pass && holding && !self.masked;
        if cause == Cause::Unreadable && passes {
            let mut out = Released::new();
            match self.coded.held() {
                0 => out.push(self.window.take()),
                _ => self.coded.release(u64::MAX, &mut out),
            }
            return self.pass(Exemption::Undecodable, out);
        }
        self.state = State::Stopped;
        if holding { BodyStep::Replace(cause) } else { BodyStep::Sever(cause) }
    }
}
