//! The anchor filter proper: candidates of a kernel, thinned by the bitmap, proved by comparison.

use std::ops::Range;

use super::{
    AnchorError, Hit, Kernel, OwnedLiteral,
    frequency::{Frequencies, fold},
    index::{Index, Text, eight_at},
    kernels::{Candidates, Pattern, Places, Tables, sieve},
    plan::{Choice, plan},
    rounds::each_round,
};

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
        let sieve = sieve(kernel, literals.len(), frequencies).ok_or(AnchorError::Unsupported(kernel))?;
        let choices = plan(literals, &sieve, frequencies);
        let tables = Tables::new(kernel, &patterns(literals, &choices)).ok_or(AnchorError::Unsupported(kernel))?;
        let farthest = choices.iter().map(|choice| choice.offset).max().unwrap_or(0);
        Ok(Self { kernel, tables, index: Index::new(literals, &choices), farthest })
    }

    pub(super) fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Appends the occurrences that start in `own`, ordered by their window.
    pub(super) fn find(&self, literals: &[OwnedLiteral], haystack: &[u8], own: Range<usize>, hits: &mut Vec<Hit>) {
        let places = own.start..own.end.saturating_add(self.farthest);
        let text = Text { literals, haystack, own };
        let (mut candidates, mut thinned) = (Candidates::new(), Places::new());
        each_round(haystack, places, |round, first| {
            self.tables.candidates(round, &mut candidates);
            let mut rest = candidates.blocks();
            while !rest.is_empty() {
                rest = self.tables.expand(rest, &mut thinned);
                self.index.thin(round, &mut thinned);
                for &at in thinned.as_slice() {
                    self.index.verify(&text, first + usize::from(at), eight_at(round, at), hits);
                }
            }
        });
    }
}

/// What the tables of a kernel are filled from, in order.
fn patterns(literals: &[OwnedLiteral], choices: &[Choice]) -> Vec<Pattern> {
    let before = |literal: &OwnedLiteral, offset: usize| Some(fold(literal.bytes[offset.checked_sub(1)?]));
    let each = literals.iter().zip(choices);
    let pattern = |(it, choice): (_, &Choice)| Pattern {
        window: choice.window,
        bucket: choice.bucket,
        before: before(it, choice.offset),
    };
    let mut patterns: Vec<Pattern> = each.map(pattern).collect();
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}
