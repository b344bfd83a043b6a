//! The verdict on a block: pass, mask these spans, or replace.

use std::ops::Range;

use memchr::memmem;

use super::{InspectPolicy, Prose, Tally};
use crate::{
    incident::{Category, Mode},
    rules::{Action, Evidence},
    scan::{Finding, Findings, Ruleset, View},
};

/// What a block is judged by, beside its findings.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The block's bytes.
    pub bytes: &'a [u8],
    /// The response's status.
    pub status: u16,
    /// Evidence and prose of earlier blocks (or events) of the same body.
    pub earlier: &'a Tally,
}

/// What is to be done with a block.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// These pieces of the block's bytes give way to tokens: index of the finding, range. In order of range.
    Mask(Vec<(usize, Range<usize>)>),
    /// The whole response is a leak.
    Replace,
}

/// A verdict and how it came about.
#[derive(Debug)]
pub struct Judgement {
    /// What is to be done with the findings that are enforced.
    pub verdict: Verdict,
    /// Whether a finding of an observed category would have done more.
    pub observed: bool,
    /// The count of evidence, earlier blocks included.
    pub tally: Tally,
}

/// Text before this offset is the top of a page.
const TOP: usize = 300;

/// Judges the findings in a block.
pub fn judge(rules: &Ruleset, found: &Findings, page: Page<'_>, policy: &InspectPolicy) -> Judgement {
    let mode_of = |finding: &Finding| policy.mode_of(rules.rule(finding.rule).category);
    let admitted: Vec<_> = found.findings.iter().enumerate().filter(|(_, f)| mode_of(f) != Mode::Off).collect();
    let tally = tally(rules, &admitted, found.view.as_ref(), page);
    let all = verdict(rules, &admitted, &tally, page.status);
    if policy.mode != Mode::Enforce || admitted.iter().all(|(_, finding)| mode_of(finding) == Mode::Enforce) {
        let observed = policy.mode == Mode::Observe && all != Verdict::Pass;
        return Judgement { verdict: all, observed, tally };
    }
    let enforced: Vec<_> = admitted.into_iter().filter(|(_, f)| mode_of(f) == Mode::Enforce).collect();
    let enforced_tally = self::tally(rules, &enforced, found.view.as_ref(), page);
    let verdict = verdict(rules, &enforced, &enforced_tally, page.status);
    Judgement { observed: verdict != all, verdict, tally }
}

/// Findings that count, with their places in [`Findings::findings`].
type Admitted<'a> = [(usize, &'a Finding)];

fn verdict(rules: &Ruleset, findings: &Admitted<'_>, tally: &Tally, status: u16) -> Verdict {
    let action = |finding: &Finding| rules.rule(finding.rule).action;
    if findings.iter().any(|(_, finding)| action(finding) == Action::Replace) || tally.convicts(status) {
        return Verdict::Replace;
    }
    let masking = findings.iter().filter(|(_, finding)| action(finding) == Action::Mask);
    let mut pieces: Vec<(usize, Range<usize>)> =
        masking.flat_map(|(index, finding)| finding.pieces.iter().map(|piece| (*index, piece.clone()))).collect();
    if pieces.is_empty() {
        return Verdict::Pass;
    }
    pieces.sort_by_key(|(_, piece)| (piece.start, piece.end));
    Verdict::Mask(pieces)
}

/// Adds the evidence of a block to that of earlier ones. What the page looks like is only counted where there is
/// evidence to weigh it against.
fn tally(rules: &Ruleset, findings: &Admitted<'_>, view: Option<&View>, page: Page<'_>) -> Tally {
    let mut tally = page.earlier.clone();
    let mut traced = 0;
    let mut evidence = false;
    for (_, finding) in findings {
        let rule = rules.rule(finding.rule);
        match rule.action {
            Action::Mask => tally.secrets += u32::from(rule.category == Category::Secret),
            Action::Replace => {}
            Action::Evidence(kind) => {
                evidence = true;
                tally.add(kind);
                if matches!(kind, Evidence::Frame | Evidence::AnyFrame | Evidence::StackField) {
                    traced += finding.span().len();
                }
                tally.exception_at_top |= kind == Evidence::Exception && finding.span().start < TOP;
            }
        }
    }
    if evidence {
        let text = view.map_or(page.bytes, |view| view.text());
        tally.trace_share = tally.trace_share.max((traced * 100 / page.bytes.len().max(1)) as u32);
        look_at(&mut tally, page.bytes, text);
    }
    tally
}

/// Counts the signs of a page that was written for people.
fn look_at(tally: &mut Tally, bytes: &[u8], text: &[u8]) {
    tally.prose = tally.prose.and(Prose::of(text));
    tally.navigation |= memmem::find(bytes, b"<nav").is_some();
    tally.highlighted |= memmem::find_iter(bytes, b"<span class=\"").take(8).count() == 8;
    tally.links += memmem::find_iter(bytes, b"<a ").take(15).count() as u32;
}
