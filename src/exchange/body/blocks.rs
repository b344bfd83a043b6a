//! What of a body is judged at a time: a block, an event, a message. Which bytes that are depends on the content alone,
//! never on the pieces in which they came (law L2).

use super::{Inspection, Mode};
use crate::{
    exchange::{
        cut::{self, Cut},
        media,
        step::{Cause, Context},
    },
    policy::{Page, Verdict, judge},
    scan::{MARGIN, Source},
};

/// Bytes that are judged at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) size: usize,
    /// Nothing behind it is looked at, since nobody waits for it: an event is judged with what stands before it.
    pub(super) ends_event: bool,
}

impl Inspection {
    /// Judges every block that is ready. Each is let out by itself, as far as it may leave.
    pub(super) fn judge_ready(&mut self, cx: &mut Context<'_>, ended: bool) -> Result<(), Cause> {
        while let Some(piece) = self.next_piece(cx.policy.hold, ended)? {
            self.judge_block(cx, piece)?;
            if !ended {
                self.advance(cx, false)?;
            }
        }
        Ok(())
    }

    /// How many bytes more a block needs.
    pub(super) fn until_block(&self, hold: usize) -> usize {
        (self.block_size(hold) + MARGIN).saturating_sub(self.window.unjudged()).max(1)
    }

    pub(super) fn judge_block(&mut self, cx: &mut Context<'_>, piece: Piece) -> Result<(), Cause> {
        self.close_mask(cx, self.window.judged() + piece.size as u64);
        let block = self.window.block(piece.size, if piece.ends_event { 0 } else { MARGIN });
        let json = media::is_json(&self.media_type);
        let source = Source { status: cx.status, fields: false, json, utf7: self.utf7 };
        let found = cx.engine.rules.scan(&block, source);
        let verdict = if found.findings.is_empty() {
            Verdict::Pass
        } else {
            let context = if self.cut == Cut::Blocks { 0 } else { block.own.start };
            let page = Page { bytes: block.bytes, context, status: cx.status, earlier: &self.tally, storm: cx.storm };
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
        self.window.judge(piece.size);
        self.at_event_end = piece.ends_event;
        Ok(())
    }

    /// The event that is next, once it is there. One that is longer than a block and its margin is judged in blocks.
    fn next_piece(&mut self, hold: usize, ended: bool) -> Result<Option<Piece>, Cause> {
        let size = self.block_size(hold);
        let event = match self.cut {
            Cut::Blocks => None,
            Cut::Message => self.message_size(size + MARGIN)?,
            Cut::BlankLine | Cut::Line => self.event_size(size + MARGIN),
        };
        if let Some(size) = event {
            return Ok(Some(Piece { size, ends_event: true }));
        }
        let block = self.window.next_block(size, ended);
        if block.is_some() {
            self.searched = 0;
        }
        Ok(block.map(|size| Piece { size, ends_event: false }))
    }

    /// Without a hold every line is judged by itself, and only what is longer than a margin in blocks.
    fn block_size(&self, hold: usize) -> usize {
        hold.max(MARGIN)
    }

    /// The size of the event that is next, if it is there and ends within so many bytes.
    fn event_size(&mut self, within: usize) -> Option<usize> {
        let (unjudged, _) = self.window.since(self.window.judged());
        let unjudged = &unjudged[..unjudged.len().min(within)];
        if let Some(end) = self.cut.event_end(&unjudged[self.searched..]) {
            return Some(std::mem::take(&mut self.searched) + end);
        }
        self.searched = unjudged.len().saturating_sub(self.cut.overlap());
        None
    }

    /// The size of what is left of the message, if that is there and no more than so many bytes.
    fn message_size(&mut self, most: usize) -> Result<Option<usize>, Cause> {
        let judged = self.window.judged();
        let (unjudged, _) = self.window.since(judged);
        if self.boundary <= judged {
            let Some(size) = cut::message_size(unjudged).map_err(|_| Cause::Unreadable)? else { return Ok(None) };
            self.boundary = judged + size;
        }
        let left = usize::try_from(self.boundary - judged).unwrap_or(usize::MAX);
        Ok((left <= most.min(unjudged.len())).then_some(left))
    }
}
