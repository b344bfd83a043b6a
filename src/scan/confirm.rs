//! From anchor hit to finding: literals nearby, a regex on a bounded window, entropy, checksum.

use std::{collections::BTreeMap, ops::Range};

use memchr::{memchr, memmem::Finder, memrchr};

use super::{
    checksum,
    pattern::Match,
    ruleset::{CompiledRule, RuleIndex, Ruleset},
    value,
};
use crate::rules::{Action, Search};

/// How far behind an anchor a match may reach, in bytes of text.
pub(super) const AHEAD: usize = 4096;

/// How far before an anchor a window search begins, and the longest line on both sides of an anchor.
pub(super) const BEHIND: usize = 1024;

/// The most findings of one rule in one block that are kept apart; a block with more is masked from the first of
/// the surplus to its end of match all the same, but counted once.
const PER_RULE_MAX: usize = 4096;

/// Confirms hits on one text.
pub(super) struct Confirmer<'a> {
    rules: &'a Ruleset,
    text: &'a [u8],
    by_rule: BTreeMap<RuleIndex, Progress>,
}

/// What is known of one rule on this text.
#[derive(Default)]
struct Progress {
    /// Whether the literals that are looked for in the whole text stand there, once known.
    literals: Option<bool>,
    /// Windows and matches before this offset are done with.
    done: usize,
    spans: Vec<(Range<usize>, bool)>,
}

/// A confirmed span of the text.
#[derive(Debug)]
pub(super) struct Confirmed {
    pub(super) rule: RuleIndex,
    pub(super) span: Range<usize>,
    pub(super) open: bool,
}

impl<'a> Confirmer<'a> {
    pub(super) fn new(rules: &'a Ruleset, text: &'a [u8]) -> Self {
        Self { rules, text, by_rule: BTreeMap::new() }
    }

    /// Tries `rule` on its anchor at `at`. Hits come in ascending order.
    pub(super) fn confirm(&mut self, rule: RuleIndex, at: usize) {
        let compiled = self.rules.compiled(rule);
        let progress = self.by_rule.entry(rule).or_default();
        if at < progress.done
            || progress.spans.len() >= PER_RULE_MAX
            || !literals_stand(compiled, self.text, at, progress)
        {
            return;
        }
        match &compiled.regex {
            None => progress.accept(compiled, self.text, at..self.text.len().min(at + 1)),
            Some(_) => {
                let (window, anchored) = window(compiled, self.text, at);
                let from = window.start.max(progress.done.min(at));
                for found in accepted(compiled, self.text, from..window.end, anchored) {
                    progress.accept(compiled, self.text, found.mask);
                    progress.done = progress.done.max(found.whole.end);
                }
                if !anchored {
                    progress.done = progress.done.max(window.end);
                }
            }
        }
    }

    /// The spans of every rule that has as many as it needs, by rule and place.
    pub(super) fn finish(self) -> Vec<Confirmed> {
        let mut confirmed: Vec<_> = self
            .by_rule
            .into_iter()
            .filter(|(rule, progress)| progress.spans.len() >= self.rules.rule(*rule).confirm.repeats.unwrap_or(1))
            .flat_map(|(rule, progress)| {
                progress.spans.into_iter().map(move |(span, open)| Confirmed { rule, span, open })
            })
            .collect();
        confirmed.sort_by_key(|confirmed| (confirmed.rule, confirmed.span.start));
        confirmed
    }
}

impl Progress {
    fn accept(&mut self, compiled: &CompiledRule, text: &[u8], span: Range<usize>) {
        let (span, open) = match &compiled.until {
            None => (span, false),
            Some(until) => match until.find(&text[span.end..]) {
                Some(at) => (span.start..span.end + at + compiled.until_length(), false),
                None => (span.start..text.len(), true),
            },
        };
        self.done = self.done.max(span.end);
        self.spans.push((span, open));
    }
}

/// The window in which the regex is searched, and whether the match must start at its start.
fn window(compiled: &CompiledRule, text: &[u8], at: usize) -> (Range<usize>, bool) {
    let limit = text.len().min(at + AHEAD);
    match compiled.rule.confirm.search {
        Search::AtAnchor => (at..limit, true),
        Search::Line => {
            let behind = at.saturating_sub(BEHIND);
            let start = memrchr(b'\n', &text[behind..at]).map_or(behind, |newline| behind + newline + 1);
            let ahead = text.len().min(at + BEHIND);
            let end = memchr(b'\n', &text[at..ahead]).map_or(ahead, |newline| at + newline);
            (start..end, false)
        }
        Search::Window => (at.saturating_sub(BEHIND)..limit, false),
    }
}

/// The matches of the rule's regex in a range of the text that are neither excused nor stand-ins for a secret.
pub(super) fn accepted(
    compiled: &CompiledRule,
    text: &[u8],
    range: Range<usize>,
    anchored: bool,
) -> impl Iterator<Item = Match> {
    let mut from = Some(range.start);
    let matches = std::iter::from_fn(move || {
        let found =
            compiled.regex.as_ref()?.find(text, from.filter(|&from| from <= range.end)?..range.end, anchored)?;
        from = (!anchored).then_some(found.whole.end.max(found.whole.start + 1));
        Some(found)
    });
    matches.filter(|found| {
        let excused = compiled.unless.as_ref().is_some_and(|unless| unless.is_match(&text[found.whole.clone()]));
        !excused && worth_it(compiled, &text[found.value.clone()])
    })
}

/// Whether the literals that the rule wants stand near, and the unwanted ones do not.
fn literals_stand(compiled: &CompiledRule, text: &[u8], at: usize, progress: &mut Progress) -> bool {
    match compiled.rule.confirm.near {
        Some(near) => literals_in(compiled, &text[at.saturating_sub(near)..text.len().min(at + near)]),
        None => *progress.literals.get_or_insert_with(|| literals_in(compiled, text)),
    }
}

fn literals_in(compiled: &CompiledRule, text: &[u8]) -> bool {
    let stands = |finder: &&Finder<'_>| finder.find(text).is_some();
    let wanted = if compiled.any.is_empty() { 0 } else { compiled.rule.confirm.at_least.unwrap_or(1) };
    compiled.all.iter().all(|finder| stands(&finder))
        && compiled.any.iter().filter(stands).take(wanted).count() == wanted
        && !compiled.none.iter().any(|finder| stands(&finder))
}

/// Whether there are matches of the rule's regex that are not accepted.
pub(super) fn judges_matches(compiled: &CompiledRule) -> bool {
    let confirm = &compiled.rule.confirm;
    compiled.unless.is_some()
        || confirm.entropy.is_some()
        || confirm.value.is_some()
        || confirm.checksum.is_some()
        || placeholders_pass(compiled)
}

/// Whether what people write in place of a secret is let go.
fn placeholders_pass(compiled: &CompiledRule) -> bool {
    let confirm = &compiled.rule.confirm;
    confirm.allow_placeholders.unwrap_or(compiled.rule.action == Action::Mask && confirm.until.is_none())
}

/// Whether the span to be masked is a secret and not a stand-in for one.
fn worth_it(compiled: &CompiledRule, span: &[u8]) -> bool {
    let confirm = &compiled.rule.confirm;
    confirm.entropy.is_none_or(|least| value::entropy(span) >= least)
        && confirm.value.is_none_or(|shape| value::has_shape(shape, span))
        && confirm.checksum.is_none_or(|checksum| checksum::passes(checksum, span))
        && !(placeholders_pass(compiled) && value::is_placeholder(span))
}
