//! The reference kernel: an Aho-Corasick automaton over all literals with their case folded.

use std::ops::Range;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

use super::{Hit, OwnedLiteral};

#[derive(Debug)]
pub(super) struct Automaton {
    folded: AhoCorasick,
    longest: usize,
}

impl Automaton {
    pub(super) fn new(literals: &[OwnedLiteral]) -> Result<Self, BuildError> {
        let folded = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(literals.iter().map(|literal| &literal.bytes))?;
        let longest = literals.iter().map(|literal| literal.bytes.len()).max().unwrap_or(0);
        Ok(Self { folded, longest })
    }

    /// Appends the occurrences that start in `own`, ordered by their end.
    pub(super) fn find(&self, literals: &[OwnedLiteral], haystack: &[u8], own: Range<usize>, hits: &mut Vec<Hit>) {
        let end = own.end.saturating_add(self.longest).min(haystack.len());
        let Some(stretch) = haystack.get(own.start..end) else { return };
        for found in self.folded.find_overlapping_iter(stretch) {
            let start = own.start + found.start();
            let literal = found.pattern().as_u32();
            // The automaton folds every literal; one that does not ignore case is compared again.
            if start < own.end && literals[found.pattern()].stands_at(haystack, start) {
                hits.push(Hit { start, literal });
            }
        }
    }
}
