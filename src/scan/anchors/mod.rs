//! The anchor filter: all occurrences of many literals in a block.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

/// A literal to find.
#[derive(Clone, Copy, Debug)]
pub struct Literal<'a> {
    /// At least 3 bytes.
    pub bytes: &'a [u8],
    /// Whether ASCII case is ignored.
    pub ignore_case: bool,
}

/// An occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Index of the literal.
    pub literal: u32,
    /// Offset in the haystack.
    pub start: usize,
}

/// A compiled set of literals.
#[derive(Debug)]
pub struct AnchorSet {
    automaton: AhoCorasick,
    exact: Vec<Option<Box<[u8]>>>,
}

/// Why a set cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AnchorError(String);

impl AnchorSet {
    /// Compiles the literals.
    pub fn new(literals: &[Literal<'_>]) -> Result<Self, AnchorError> {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(literals.iter().map(|literal| literal.bytes))
            .map_err(|error| AnchorError(error.to_string()))?;
        let exact = literals.iter().map(|literal| (!literal.ignore_case).then(|| literal.bytes.into())).collect();
        Ok(Self { automaton, exact })
    }

    /// All occurrences that start in `own`, in order of start.
    pub fn find(&self, haystack: &[u8], own: Range<usize>, hits: &mut Vec<Hit>) {
        let from = hits.len();
        for found in self.automaton.find_overlapping_iter(&haystack[own.start..]) {
            let start = own.start + found.start();
            let exact = &self.exact[found.pattern().as_usize()];
            if start < own.end && exact.as_ref().is_none_or(|exact| haystack[start..].starts_with(exact)) {
                hits.push(Hit { literal: found.pattern().as_u32(), start });
            }
        }
        hits[from..].sort_by_key(|hit| hit.start);
    }
}
