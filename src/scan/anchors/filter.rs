//! The anchor filter proper: candidates of a kernel, thinned by the bitmap, proved by comparison.

use std::ops::Range;

use super::{
    AnchorError, Hit, Kernel, OwnedLiteral,
    choose::{Choice, choose},
    frequency::{Frequencies, fold},
    index::{Index, Text},
    kernels::{BLOCK, BLOCKS, Candidates, Pattern, Places, REACH, Tables},
};

/// Places in one round of kernel, bitmap and comparison: what one round reads stays in the first-level cache.
const ROUND: usize = BLOCKS * BLOCK;

#[derive(Debug)]
pub(super) struct Filter {
    kernel: Kernel,
    tables: Tables,
    index: Index,
    /// The highest offset of a window in its literal: so far behind `own` a window may begin.
    farthest: usize,
}

impl Filter {
    pub(super) fn new(literals: &[OwnedLiteral], kernel: Kernel) -> Result<Self, AnchorError> {
        let frequencies = Frequencies::shipped();
        let choices = choose(literals, &frequencies);
        let patterns = patterns(literals, &choices);
        let tables = Tables::new(kernel, &patterns, &frequencies).ok_or(AnchorError::Unsupported(kernel))?;
        let farthest = choices.iter().map(|choice| choice.offset).max().unwrap_or(0);
        Ok(Self { kernel, tables, index: Index::new(literals, &choices), farthest })
    }

    pub(super) fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Appends the occurrences that start in `own`, ordered by their window.
    pub(super) fn find(&self, literals: &[OwnedLiteral], haystack: &[u8], own: Range<usize>, hits: &mut Vec<Hit>) {
        let end = own.end.saturating_add(self.farthest).min(haystack.len());
        let mut search = Search::new(self, Text { literals, haystack, own: own.clone() }, hits);
        let mut place = own.start;
        while place < end {
            place += search.round(place, end);
        }
    }
}

/// What the tables of a kernel are filled from, in order.
fn patterns(literals: &[OwnedLiteral], choices: &[Choice]) -> Vec<Pattern> {
    let before = |literal: &OwnedLiteral, offset: usize| Some(fold(literal.bytes[offset.checked_sub(1)?]));
    let each = literals.iter().zip(choices);
    let pattern = |(it, choice): (_, &Choice)| Pattern { window: choice.window, before: before(it, choice.offset) };
    let mut patterns: Vec<Pattern> = each.map(pattern).collect();
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}

/// One call of `find`.
struct Search<'a> {
    filter: &'a Filter,
    text: Text<'a>,
    candidates: Candidates,
    places: Places,
    hits: &'a mut Vec<Hit>,
}

impl<'a> Search<'a> {
    fn new(filter: &'a Filter, text: Text<'a>, hits: &'a mut Vec<Hit>) -> Self {
        Self { filter, text, candidates: Candidates::new(), places: Places::new(), hits }
    }

    /// Judges the places from `place` on, at most up to `end` and at least one; returns how many.
    fn round(&mut self, place: usize, end: usize) -> usize {
        let rest = &self.text.haystack[place..];
        let wanted = (end - place).min(ROUND).next_multiple_of(BLOCK);
        let whole = wanted.min(rest.len().saturating_sub(REACH) / BLOCK * BLOCK);
        if whole > 0 {
            self.judge(&rest[..whole + REACH], place);
            return whole;
        }
        // The last places of the haystack, with zeros behind them.
        let mut last = [0; LAST];
        last[..rest.len()].copy_from_slice(rest);
        self.judge(&last, place);
        rest.len()
    }

    /// Judges the blocks of `text`, which stands at `place` of the haystack.
    fn judge(&mut self, text: &[u8], place: usize) {
        let Filter { tables, index, .. } = self.filter;
        tables.candidates(text, &mut self.candidates);
        let mut rest = self.candidates.blocks();
        while !rest.is_empty() {
            rest = tables.expand(rest, &mut self.places);
            self.places.retain(|at| index.admits(four(text, at)));
            for &at in self.places.as_slice() {
                index.verify(&self.text, place + usize::from(at), four(text, at), self.hits);
            }
        }
    }
}

/// The longest text that is no whole block and what it reaches to, in blocks, with its reach.
const LAST: usize = (BLOCK + REACH).next_multiple_of(BLOCK) + REACH;

/// The four bytes at a place of a kernel's text, which has [`REACH`] bytes behind its last place.
#[inline(always)]
fn four(text: &[u8], at: u16) -> [u8; 4] {
    let four = text.get(usize::from(at)..).and_then(|rest| rest.first_chunk());
    debug_assert!(four.is_some());
    four.copied().unwrap_or_default()
}
