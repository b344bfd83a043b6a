//! The score: what the evidence on a page is worth, against how much the page reads like prose.
//!
//! One weak phrase never acts (law L9). From status 400 on, any one solid piece of evidence suffices; below, a page
//! must reach [`THRESHOLD`], and every sign of a page written for people counts against it. ARCHITECTURE.md holds
//! the same table in prose; `cofferdam explain FILE` prints it for one page.

use super::prose::{ENOUGH, Prose};
use crate::rules::Evidence;

/// The score from which a page below status 400 is taken for a leak.
pub const THRESHOLD: i32 = 5;

/// What was counted on a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [u32; KINDS],
    /// An exception stands at the top of the page.
    pub exception_at_top: bool,
    /// Credentials found by masking rules.
    pub secrets: u32,
    /// Percent of the text that lies in frames and stack members.
    pub trace_share: u32,
    /// Words and sentences.
    pub prose: Prose,
    /// The page has a navigation element.
    pub navigation: bool,
    /// Code on the page is coloured by a highlighter.
    pub highlighted: bool,
    /// Links on the page.
    pub links: u32,
}

const KINDS: usize = Evidence::FileShape as usize + 1;

/// One line of the sum, for `explain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was seen.
    pub what: &'static str,
    /// What it adds or takes.
    pub points: i32,
}

impl Tally {
    /// Counts one piece.
    pub fn add(&mut self, evidence: Evidence) {
        self.counts[evidence as usize] += 1;
    }

    /// How often a kind was counted.
    pub fn count(&self, evidence: Evidence) -> u32 {
        self.counts[evidence as usize]
    }

    /// Whether anything was counted at all.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|&count| count == 0)
    }

    /// Whether the page leaks under this status.
    pub fn convicts(&self, status: u16) -> bool {
        match status {
            500.. => self.has_solid_piece() || self.count(Evidence::Exception) > 0 || self.weighs_enough(),
            400.. => self.has_solid_piece() || self.weighs_enough(),
            _ => self.weighs_enough(),
        }
    }

    /// Whether the sum reaches the threshold, with something in it that only a running deployment prints.
    fn weighs_enough(&self) -> bool {
        self.is_real() && self.score() >= THRESHOLD
    }

    /// The sum.
    pub fn score(&self) -> i32 {
        self.lines().iter().map(|line| line.points).sum()
    }

    /// The sum, term by term; terms worth nothing are left out.
    pub fn lines(&self) -> Vec<Line> {
        let evidence = self.evidence();
        let counterweight = self.counterweight();
        evidence
            .into_iter()
            .chain(counterweight)
            .filter(|(_, points)| *points != 0)
            .map(|(what, points)| Line { what, points })
            .collect()
    }

    /// Pieces that no honest error answer has. Clients' own mistakes (4xx) may be named like exceptions.
    fn has_solid_piece(&self) -> bool {
        const SOLID: [Evidence; 5] =
            [Evidence::AnyFrame, Evidence::Path, Evidence::SqlStatement, Evidence::InternalHost, Evidence::Fingerprint];
        self.is_real() || SOLID.iter().any(|kind| self.count(*kind) > 0)
    }

    /// Evidence that an example in a text seldom is.
    fn is_real(&self) -> bool {
        const REAL: [Evidence; 6] = [
            Evidence::Frame,
            Evidence::PathLine,
            Evidence::StackField,
            Evidence::ErrorLine,
            Evidence::SqlError,
            Evidence::FileShape,
        ];
        REAL.iter().any(|kind| self.count(*kind) > 0)
            || self.count(Evidence::EnvPair) >= 3
            || self.count(Evidence::Fingerprint) >= 2
            || self.count(Evidence::InternalHost) > 0 && self.secrets > 0
    }

    fn evidence(&self) -> [(&'static str, i32); 16] {
        let count = |kind| self.count(kind);
        let short = self.prose.words < 120 && self.prose.sentences < 3;
        let any = |kind, points| if count(kind) > 0 { points } else { 0 };
        [
            ("frames of a deployment", [0, 3, 3, 4][count(Evidence::Frame).min(3) as usize]),
            ("frames of any kind", count(Evidence::AnyFrame).min(2) as i32),
            ("source path with line", any(Evidence::PathLine, 2)),
            ("application path", any(Evidence::Path, 1)),
            ("exception with message", any(Evidence::Exception, 1)),
            ("exception at the top", if self.exception_at_top { 1 } else { 0 }),
            ("stack member", any(Evidence::StackField, 3)),
            ("error line of a language", any(Evidence::ErrorLine, 3)),
            ("database error", any(Evidence::SqlError, if short { 5 } else { 2 })),
            ("statement of SQL", any(Evidence::SqlStatement, 1)),
            ("internal host", any(Evidence::InternalHost, 2)),
            ("environment assignments", if count(Evidence::EnvPair) >= 3 { 3 } else { 0 }),
            ("framework's own phrases", [0, 2, 6][count(Evidence::Fingerprint).min(2) as usize]),
            ("shape of a whole file", any(Evidence::FileShape, 5)),
            ("credentials", if self.secrets > 0 { 2 } else { 0 }),
            ("share of the trace", i32::from(self.trace_share >= 10) + i32::from(self.trace_share >= 30)),
        ]
    }

    fn counterweight(&self) -> [(&'static str, i32); 5] {
        let sentences = match self.prose.sentences {
            0..=4 => 0,
            5..=11 => -2,
            12..=39 => -4,
            40.. if self.prose.sentences >= ENOUGH.sentences => -9,
            40.. => -6,
        };
        [
            ("few words", i32::from(self.prose.words < ENOUGH.words && !self.is_empty())),
            ("sentences", sentences),
            ("navigation", -i32::from(self.navigation)),
            ("highlighted code", -i32::from(self.highlighted)),
            ("many links", -i32::from(self.links >= 15)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(evidence: &[Evidence], sentences: u32, words: u32) -> Tally {
        let mut tally = Tally { prose: Prose { words, sentences }, ..Tally::default() };
        evidence.iter().for_each(|kind| tally.add(*kind));
        tally
    }

    #[test]
    fn a_trace_alone_on_a_page_convicts_at_any_status() {
        let trace = tally(&[Evidence::Frame, Evidence::Frame, Evidence::PathLine, Evidence::Exception], 0, 30);
        assert!(trace.convicts(200) && trace.convicts(500));
    }

    #[test]
    fn a_trace_quoted_in_prose_passes_below_400() {
        let article = tally(&[Evidence::Frame, Evidence::PathLine, Evidence::Exception], 30, 900);
        assert!(!article.convicts(200), "{:?}", article.lines());
    }

    #[test]
    fn one_weak_phrase_never_acts_below_400() {
        for kind in [Evidence::Exception, Evidence::InternalHost, Evidence::Path, Evidence::Fingerprint] {
            assert!(!tally(&[kind], 0, 30).convicts(200), "{kind:?}");
        }
    }

    #[test]
    fn a_page_without_evidence_passes_at_every_status() {
        assert!(!tally(&[], 0, 3).convicts(500));
    }
}
