//! Masks over a body: pieces of it that give way to tokens.

use bytes::Bytes;

use super::{Inspection, State};
use crate::{
    exchange::step::{Cause, Context, Form},
    policy::Mask,
    scan::RuleIndex,
};

/// A mask whose end has not arrived.
#[derive(Debug)]
pub(super) struct Open {
    rule: RuleIndex,
    from: u64,
}

impl Inspection {
    /// Lays masks over pieces of the block at `offset`, if what has already left allows it.
    pub(super) fn mask(&mut self, cx: &Context<'_>, offset: u64, masks: &[Mask]) -> Result<(), Cause> {
        if self.state == State::Streaming && (self.promised || self.leaves_coded()) || self.discarded {
            return Err(Cause::Leak);
        }
        self.masked = true;
        self.form = Form::Decoded { masked: true };
        self.coded.clear();
        for &Mask { rule, ref piece, first, open } in masks {
            let end = if open { u64::MAX } else { offset + piece.end as u64 };
            self.window.mask(offset + piece.start as u64..end, token(cx, rule, first));
            if open {
                // Where several go on, the first one's terminator ends them all: its token stands there.
                self.open.get_or_insert(Open { rule, from: offset + piece.end as u64 });
            }
        }
        Ok(())
    }

    /// Ends an open mask where its rule's terminator stands, if that is before the offset `to`. What else has arrived
    /// is not looked at: it may be other bytes in another delivery.
    pub(super) fn close_mask(&mut self, cx: &Context<'_>, to: u64) {
        let Some(open) = &mut self.open else { return };
        let rule = &cx.engine.rules.rules()[open.rule as usize];
        let Some(until) = rule.until() else { return };
        let (bytes, offset) = self.window.since(open.from);
        let bytes = &bytes[..bytes.len().min(to.saturating_sub(offset) as usize)];
        match until.find(bytes) {
            Some(at) => {
                self.window.close_mask(offset + (at + rule.until_length()) as u64);
                self.open = None;
            }
            None => {
                open.from = (offset + bytes.len() as u64).saturating_sub(until.needle().len() as u64 - 1).max(offset);
            }
        }
    }
}

/// The token of a finding's first piece; later pieces of it vanish.
fn token(cx: &Context<'_>, rule: RuleIndex, first: bool) -> Bytes {
    if first { cx.engine.rules.token(rule).clone() } else { Bytes::new() }
}
