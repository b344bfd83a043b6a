//! The verdict on a block: pass, mask these spans, or replace.

use std::ops::Range;

use memchr::memmem;

use super::{
    InspectPolicy, Prose, Tally,
    trace::{self, Text},
};
use crate::{
    incident::{Category, Disposition, Mode},
    rules::{Action, Evidence},
    scan::{Finding, Findings, RuleIndex, Ruleset, View},
};

/// What a block is judged by, beside its findings.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The block's bytes.
    pub bytes: &'a [u8],
    /// How many of them come first and were judged with an earlier event: they tell what this one means, and neither
    /// what the page looks like nor how long it is.
    pub context: usize,
    /// The response's status.
    pub status: u16,
    /// Evidence and prose of earlier blocks (or events) of the same body.
    pub earlier: &'a Tally,
    /// The route's breaker is open: pages that are not a leak from the first word on keep their rest.
    pub storm: bool,
}

/// What is to be done with a block.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// These pieces of the block's bytes give way to tokens, in order.
    Mask(Vec<Mask>),
    /// The whole response is a leak.
    Replace,
}

/// A piece of a block that gives way to a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// The rule whose token stands in its place.
    pub rule: RuleIndex,
    /// The bytes of the block.
    pub piece: Range<usize>,
    /// Whether this is the first piece of its finding: the token stands only here.
    pub first: bool,
    /// The mask goes on beyond the block, until the rule's `until`.
    pub open: bool,
}

/// A verdict and how it came about.
#[derive(Debug)]
pub struct Judgement {
    /// What is to be done with the findings that are enforced.
    pub verdict: Verdict,
    /// What would have become of the response if what is only observed were enforced; none where that is no more.
    pub observed: Option<Disposition>,
    /// The count of evidence, earlier blocks included.
    pub tally: Tally,
    /// A page below status 400 is replaced for its evidence, or would be if it were not for the breaker: somebody who
    /// posts the like could black out a page.
    pub provoked: bool,
}

/// Text before this offset is the top of a page.
const TOP: usize = 300;

/// A page with more words than this before its first trace is about something else.
const PREAMBLE_WORDS: u32 = 60;

/// A page with as many sentences is written for people.
const ARTICLE_SENTENCES: u32 = 5;

/// So many sentences make one even where there is no navigation.
const LONG_ARTICLE_SENTENCES: u32 = 12;

/// With fewer words before the first evidence, a page stays replaced while the breaker is open.
const PREAMBLE_WORDS_IN_A_STORM: u32 = 12;

/// Frames with real paths that make a trace in a page that does not reach the threshold.
const TRACE_FRAMES: usize = 2;

/// Judges the findings in a block.
pub fn judge(rules: &Ruleset, found: &Findings, page: Page<'_>, policy: &InspectPolicy) -> Judgement {
    let mode_of = |finding: &Finding| policy.mode_of(rules.rule(finding.rule).category);
    let admitted = admitted(&found.findings, |finding| mode_of(finding) != Mode::Off);
    let beside = self::admitted(&found.beside, |finding| mode_of(finding) != Mode::Off);
    let all = Case { rules, page, view: found.view.as_ref(), findings: &admitted, beside: &beside };
    let tally = all.tally();
    let verdict = all.verdict(&tally);
    if policy.mode != Mode::Enforce || admitted.iter().all(|finding| mode_of(finding) == Mode::Enforce) {
        let observed = verdict.disposition().filter(|_| policy.mode == Mode::Observe);
        return Judgement { verdict, observed, provoked: all.is_provoked(&tally), tally };
    }
    let findings = self::admitted(&found.findings, |finding| mode_of(finding) == Mode::Enforce);
    let beside = self::admitted(&found.beside, |finding| mode_of(finding) == Mode::Enforce);
    let enforced = Case { findings: &findings, beside: &beside, ..all };
    let enforced_tally = enforced.tally();
    let enforced_verdict = enforced.verdict(&enforced_tally);
    let provoked = enforced.is_provoked(&enforced_tally);
    let observed = verdict.disposition().filter(|_| enforced_verdict != verdict);
    Judgement { observed, verdict: enforced_verdict, provoked, tally }
}

impl Verdict {
    /// What a response becomes by it while its head is still here.
    fn disposition(&self) -> Option<Disposition> {
        match self {
            Self::Pass => None,
            Self::Mask(_) => Some(Disposition::Masked),
            Self::Replace => Some(Disposition::Replaced),
        }
    }
}

fn admitted(findings: &[Finding], admits: impl Fn(&Finding) -> bool) -> Vec<&Finding> {
    findings.iter().filter(|finding| admits(finding)).collect()
}

/// A block with the findings that count.
#[derive(Clone, Copy)]
struct Case<'a> {
    rules: &'a Ruleset,
    page: Page<'a>,
    view: Option<&'a View>,
    findings: &'a [&'a Finding],
    /// Evidence of the neighbouring blocks, which is counted there. What it stands for may reach into this one.
    beside: &'a [&'a Finding],
}

impl Case<'_> {
    fn verdict(&self, tally: &Tally) -> Verdict {
        let convicted = tally.convicts(self.page.status);
        if self.has(|action| action == Action::Replace) || convicted && self.is_the_leak(tally) {
            return Verdict::Replace;
        }
        let convicted = convicted && !self.only_quotes(tally);
        let mut masks: Vec<Mask> = self.findings.iter().flat_map(|found| self.rule_masks(found, convicted)).collect();
        if convicted {
            masks.extend(self.beside.iter().flat_map(|found| rule_masks(found)));
        }
        masks.extend(self.trace_masks(convicted));
        if masks.is_empty() {
            return Verdict::Pass;
        }
        masks.sort_by_key(|mask| (mask.piece.start, mask.piece.end));
        Verdict::Mask(masks)
    }

    /// Whether the page is nothing but the leak. From status 400 on it is. Below, somebody may have posted a trace
    /// as a comment: a page that is otherwise healthy keeps its rest.
    fn is_the_leak(&self, tally: &Tally) -> bool {
        if self.page.status >= 400 {
            return true;
        }
        if self.page.storm {
            return !tally.navigation && self.words_before() < PREAMBLE_WORDS_IN_A_STORM;
        }
        [Evidence::FileShape, Evidence::StackField, Evidence::Fingerprint].iter().any(|&kind| tally.count(kind) > 0)
            || !tally.navigation && tally.prose.sentences < ARTICLE_SENTENCES && self.words_before() < PREAMBLE_WORDS
    }

    /// Whether a text written for people convicts by nothing but what it quotes.
    fn only_quotes(&self, tally: &Tally) -> bool {
        let sentences = tally.prose.sentences;
        let is_article = sentences >= LONG_ARTICLE_SENTENCES || tally.navigation && sentences >= ARTICLE_SENTENCES;
        let Some(view) = self.view.filter(|_| is_article && self.page.status < 400) else { return false };
        let text = Text { view, bytes: self.page.bytes };
        let traces = trace::traces(self.rules, (self.findings, self.beside), text, 1);
        !traces.is_empty() && traces.iter().all(|trace| trace.is_quoted(text))
    }

    /// Whether it is evidence below status 400 by which the page is replaced, or would be if there were no storm.
    fn is_provoked(&self, tally: &Tally) -> bool {
        let calm = Case { page: Page { storm: false, ..self.page }, ..*self };
        self.page.status < 400
            && tally.convicts(self.page.status)
            && !self.has(|action| action == Action::Replace)
            && calm.is_the_leak(tally)
    }

    /// How many words stand before the first piece of evidence.
    fn words_before(&self) -> u32 {
        let Some(view) = self.view else { return 0 };
        let evidence = self.findings.iter().filter(|f| matches!(self.action(f), Action::Evidence(_)));
        let first = evidence.filter_map(|finding| finding.text.as_ref().map(|text| text.start)).min();
        let from = view.text_from(self.page.context);
        Prose::of(view.text().get(from..first.unwrap_or(0)).unwrap_or_default()).words
    }

    /// The pieces of a masking rule; on a convicted page that keeps its rest, those of evidence too.
    fn rule_masks(&self, finding: &Finding, convicted: bool) -> Vec<Mask> {
        if self.action(finding) != Action::Mask && !convicted {
            return Vec::new();
        }
        rule_masks(finding)
    }

    /// Traces that do not make the page: on a convicted page all, else those that are not quoted.
    fn trace_masks(&self, convicted: bool) -> Vec<Mask> {
        let Some(view) = self.view else { return Vec::new() };
        let text = Text { view, bytes: self.page.bytes };
        let frames = if convicted { 1 } else { TRACE_FRAMES };
        let traces = trace::traces(self.rules, (self.findings, self.beside), text, frames);
        let unquoted = traces.iter().filter(|trace| convicted || !trace.is_quoted(text));
        unquoted.flat_map(|trace| masks(trace.rule, trace.pieces(text), false)).collect()
    }

    fn has(&self, wanted: impl Fn(Action) -> bool) -> bool {
        self.findings.iter().any(|finding| wanted(self.action(finding)))
    }

    fn action(&self, finding: &Finding) -> Action {
        self.rules.rule(finding.rule).action
    }

    /// Adds the evidence of a block to that of earlier ones. What the page looks like is only counted where there is
    /// evidence to weigh it against.
    fn tally(&self) -> Tally {
        let mut tally = self.page.earlier.clone();
        let mut traced = 0;
        for finding in self.findings {
            match self.action(finding) {
                Action::Mask => tally.secrets += u32::from(self.rules.rule(finding.rule).category == Category::Secret),
                Action::Replace => {}
                Action::Evidence(kind) => {
                    tally.add(kind);
                    if matches!(kind, Evidence::Frame | Evidence::StackField) {
                        traced += finding.span().len();
                    }
                    tally.exception_at_top |=
                        kind == Evidence::Exception && finding.span().start < self.page.context + TOP;
                }
            }
        }
        if self.has(|action| matches!(action, Action::Evidence(_))) {
            let bytes = &self.page.bytes[self.page.context..];
            let text = self.view.map_or(bytes, |view| &view.text()[view.text_from(self.page.context)..]);
            tally.trace_share = tally.trace_share.max((traced * 100 / bytes.len().max(1)) as u32);
            look_at(&mut tally, bytes, text);
        }
        tally
    }
}

fn rule_masks(finding: &Finding) -> Vec<Mask> {
    masks(finding.rule, finding.pieces.clone(), finding.open)
}

fn masks(rule: RuleIndex, pieces: Vec<Range<usize>>, open: bool) -> Vec<Mask> {
    let last = pieces.len().saturating_sub(1);
    let mask = |(at, piece)| Mask { rule, piece, first: at == 0, open: open && at == last };
    pieces.into_iter().enumerate().map(mask).collect()
}

/// Counts the signs of a page that was written for people.
fn look_at(tally: &mut Tally, bytes: &[u8], text: &[u8]) {
    tally.prose = tally.prose.and(text);
    tally.navigation = tally.navigation || memmem::find(bytes, b"<nav").is_some();
    tally.highlighted = tally.highlighted || memmem::find_iter(bytes, b"<span class=\"").take(8).count() == 8;
    tally.links += memmem::find_iter(bytes, b"<a ").take(15).count() as u32;
}
