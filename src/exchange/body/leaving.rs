//! What of a body may leave, and how it stops.

use bytes::Bytes;

use super::{Inspection, KEPT_MAX, State};
use crate::{
    coding::Decoder,
    exchange::{
        Released,
        cut::Cut,
        step::{BodyStep, Cause, Context, Form},
    },
    incident::{Exemption, IncidentId},
    policy::Unreadable,
    scan::{Block, MARGIN, Source},
};

/// From this status on a response is an error.
const ERRORS: u16 = 400;

/// So many blocks of an error are judged before its head leaves.
const ERROR_BLOCKS: u64 = 4;

impl Inspection {
    /// What an event stream that leaked ends with instead.
    pub(in crate::exchange) fn farewell(&self, id: &IncidentId) -> Option<Bytes> {
        (self.cut == Cut::BlankLine && self.decoder.is_none()).then(|| {
            let end = if self.at_event_end { "" } else { "\n\n" };
            let data = format!(r#"{{"error": "Internal server error", "incident": "{id}"}}"#);
            Bytes::from(format!("{end}event: error\ndata: {data}\n\n"))
        })
    }

    /// Lets everything before the offset `limit` leave, as far as it has been judged: the one way out of a body that is
    /// read (law L1), in the form in which it came or decoded. What is not read leaves by [`Inspection::pass`].
    pub(super) fn let_out(&mut self, limit: u64) {
        if self.leaves_coded() {
            self.coded.release(limit, &mut self.out);
            self.window.release(limit, &mut Released::new());
        } else {
            self.window.release(limit, &mut self.out);
        }
    }

    /// Lets out what may leave now.
    pub(super) fn advance(&mut self, cx: &Context<'_>, ended: bool) -> Result<(), Cause> {
        let limit = if ended { u64::MAX } else { self.limit() };
        if self.state == State::Holding && !ended && !self.is_due(cx, limit) {
            self.discard_judged(cx.policy.hold);
            return Ok(());
        }
        self.settle_form(cx)?;
        self.leave_head();
        self.let_out(limit);
        Ok(())
    }

    /// Where what may leave ends while more comes: within a margin of what is to come nothing may.
    fn limit(&self) -> u64 {
        let keep = if self.at_event_end { 0 } else { MARGIN };
        let parts = self.parts.as_ref().map_or(u64::MAX, |parts| parts.limit());
        self.window.judged().saturating_sub(keep as u64).min(parts)
    }

    /// Before the head leaves: whether the body can leave as it came.
    fn settle_form(&mut self, cx: &Context<'_>) -> Result<(), Cause> {
        if self.state == State::Holding && self.metadata_leaks(cx) {
            if self.discarded {
                return Err(Cause::Leak);
            }
            self.form = self.form.decoded();
            self.coded.clear();
        }
        Ok(())
    }

    /// Whether the head may leave now that everything before `limit` may. In front of a coded body it leaves with the
    /// first of that, so that one of which little decodes to much is still replaced when much of it has been read. That
    /// of an error waits for more of its body, because debug pages may begin with a hundred kilobytes of style and
    /// script.
    fn is_due(&self, cx: &Context<'_>, limit: u64) -> bool {
        let is_page = self.cut == Cut::Blocks && cx.status >= ERRORS;
        let blocks = if is_page && !self.was_quiet { ERROR_BLOCKS } else { 0 };
        let least = (blocks * cx.policy.hold as u64).max(1);
        let undecided = self.window.judged() < least || self.parts.as_ref().is_some_and(|parts| parts.is_undecided());
        !undecided && (!self.leaves_coded() || self.coded.leads_to(limit))
    }

    /// Decoded bytes that were judged cannot be kept for ever where little decodes to much: what is masked behind them
    /// then takes the whole response with it.
    fn discard_judged(&mut self, hold: usize) {
        if self.leaves_coded() && self.window.held() > KEPT_MAX.max(3 * hold) {
            self.discarded = true;
            self.window.release(self.window.judged().saturating_sub(MARGIN as u64), &mut Released::new());
        }
    }

    /// Whether coded bytes leave as they came.
    pub(super) fn leaves_coded(&self) -> bool {
        self.decoder.is_some() && self.form == Form::AsItCame
    }

    /// The same, handed on.
    pub(super) fn give(&mut self, cx: &Context<'_>, ended: bool) -> BodyStep {
        match self.advance(cx, ended) {
            Ok(()) => self.given(ended),
            Err(cause) => self.stop(cx, cause),
        }
    }

    /// Hands on what of a body that breaks off may leave: what stands before `sound`. Where that is nothing, the head
    /// stays as well. Whoever sent a body whose framing is whole is told by nobody else that it is not.
    pub(super) fn give_sound(&mut self, cx: &Context<'_>, sound: u64, framed: bool) -> BodyStep {
        let is_nothing = sound == 0 || self.leaves_coded() && !self.coded.leads_to(sound);
        if self.state == State::Holding && is_nothing {
            return if framed { self.stop(cx, Cause::Unreadable) } else { BodyStep::Hold };
        }
        if let Err(cause) = self.settle_form(cx) {
            return self.stop(cx, cause);
        }
        self.leave_head();
        self.let_out(sound);
        if framed { self.stop(cx, Cause::Unreadable) } else { self.given(false) }
    }

    /// Hands on what was let out.
    pub(super) fn given(&mut self, whole: bool) -> BodyStep {
        let body = std::mem::take(&mut self.out);
        match std::mem::take(&mut self.commits) {
            true => BodyStep::Commit { body, form: self.form, whole },
            false if body.is_empty() => BodyStep::Hold,
            false => BodyStep::Release(body),
        }
    }

    /// Hands on what arrived, whatever was found.
    pub(super) fn observe(&mut self, arrived: Released, whole: bool) -> BodyStep {
        self.window.release(self.window.judged().saturating_sub(MARGIN as u64), &mut Released::new());
        self.coded.clear();
        self.leave_head();
        self.out = arrived;
        self.given(whole)
    }

    /// Lets this and everything after it by unread.
    pub(super) fn pass(&mut self, exemption: Exemption, body: Released) -> BodyStep {
        self.exemption = Some(exemption);
        self.leave_head();
        self.state = State::Passed;
        self.out.extend(body);
        self.given(false)
    }

    /// The head leaves, if it is still here.
    pub(super) fn leave_head(&mut self) {
        if self.state != State::Holding {
            return;
        }
        self.state = State::Streaming;
        self.commits = true;
        if self.form != Form::AsItCame {
            self.promised = false;
        }
    }

    /// Nothing that is still here leaves. What was judged before did, so that a body is replaced or broken off at the
    /// same place however it came.
    pub(super) fn stop(&mut self, cx: &Context<'_>, cause: Cause) -> BodyStep {
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
        if holding {
            return BodyStep::Replace(cause);
        }
        self.broken = Some(cause);
        if self.commits || !self.out.is_empty() { self.given(false) } else { self.break_off() }
    }

    /// The body is broken off, if it has not been yet.
    pub(super) fn break_off(&mut self) -> BodyStep {
        self.broken.take().map_or(BodyStep::Hold, BodyStep::Sever)
    }

    /// Whether what a coded stream carries beside its content (a gzip file name, which Django fills at random)
    /// says something. It stands in clear among the coded bytes; such a body leaves decoded.
    fn metadata_leaks(&self, cx: &Context<'_>) -> bool {
        self.decoder.as_ref().is_some_and(Decoder::has_metadata) && self.shows_in_clear(cx)
    }

    /// Whether the coded bytes say something as they are: metadata, or literals that are not compressed (RFC 8878 section
    /// 3.1.1.3.1) and were not decoded because their block's end is missing.
    pub(super) fn shows_in_clear(&self, cx: &Context<'_>) -> bool {
        let coded = self.coded.joined();
        let block = Block { bytes: &coded, own: 0..coded.len(), offset: 0 };
        let source = Source { status: 500, ..Source::default() };
        !cx.engine.rules.scan(&block, source).findings.is_empty()
    }
}
