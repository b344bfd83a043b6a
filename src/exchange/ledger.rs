//! What an exchange kept back, collected while it goes: the source of its incident. Holds no matched byte.

use std::collections::BTreeMap;

use super::Evidence;
use crate::{
    engine::Engine,
    incident::{Category, Disposition, Excerpt, Extract, Fingerprint, RuleHit, Severity},
    policy::{Judgement, Line},
    rules::Action,
    scan::{CompiledRule, Findings, RuleIndex, Ruleset},
};

/// Fingerprints kept per rule.
const FINGERPRINTS_MAX: usize = 8;

/// Rules noted per exchange.
const RULES_MAX: usize = 64;

/// The findings of one exchange so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    by_rule: BTreeMap<RuleIndex, Entry>,
    extract: Extract,
    score: Vec<Line>,
    /// What would have become of the response if it were not for observe mode.
    pub(super) observed: Option<Disposition>,
    /// The page is one of those that the route's breaker counts.
    pub(super) provoked: bool,
    /// A field was masked or dropped.
    pub(super) masked: bool,
    /// Names of fields that carried data.
    names: u32,
}

/// What is reported for a name of a field that carries data; there is no rule for it, since it has no literal.
const NAME_RULE: &str = "field-name-data";

#[derive(Debug, Default)]
struct Entry {
    count: u32,
    fingerprints: Vec<Fingerprint>,
}

impl Ledger {
    /// Notes what was found in `bytes`.
    pub(super) fn note(&mut self, engine: &Engine, bytes: &[u8], found: &Findings, judgement: &Judgement) {
        if self.observed != Some(Disposition::Replaced) {
            self.observed = judgement.observed.or(self.observed);
        }
        self.provoked |= judgement.provoked;
        let tally = &judgement.tally;
        for finding in &found.findings {
            if self.by_rule.len() >= RULES_MAX && !self.by_rule.contains_key(&finding.rule) {
                continue;
            }
            let entry = self.by_rule.entry(finding.rule).or_default();
            entry.count = entry.count.saturating_add(1);
            if engine.rules.rule(finding.rule).action == Action::Mask && entry.fingerprints.len() < FINGERPRINTS_MAX {
                let value: Vec<u8> = finding.pieces.iter().flat_map(|piece| &bytes[piece.clone()]).copied().collect();
                entry.fingerprints.push(engine.fingerprints.fingerprint(&value));
            }
        }
        if !tally.is_empty() {
            self.score = tally.lines();
        }
        self.read(&engine.rules, bytes, found);
    }

    /// Notes names of fields that carry data.
    pub(super) fn note_names(&mut self, count: usize) {
        self.names = self.names.saturating_add(count as u32);
    }

    /// The findings by rule, most severe first; what was read off the page; its score.
    pub(super) fn close(self, rules: &Ruleset) -> (Vec<RuleHit>, Extract, Option<i32>) {
        let mut hits: Vec<RuleHit> =
            self.by_rule.into_iter().map(|(rule, entry)| entry.hit(&rules.rules()[rule as usize])).collect();
        hits.extend((self.names > 0).then(|| name_hit(self.names)));
        hits.sort_by_key(|hit| std::cmp::Reverse((hit.severity, hit.count)));
        let score = (!self.score.is_empty()).then(|| self.score.iter().map(|line| line.points).sum());
        (hits, self.extract, score)
    }

    /// What was found and weighed so far.
    pub(super) fn evidence(&self) -> Evidence {
        let rules = self.by_rule.iter().map(|(&rule, entry)| (rule, entry.count)).collect();
        Evidence { rules, score: self.score.clone() }
    }

    /// Reads the exception's type, file and line off the page, by the rules that know how, most severe first.
    fn read(&mut self, rules: &Ruleset, bytes: &[u8], found: &Findings) {
        let text = found.view.as_ref().map_or(bytes, |view| view.text());
        let mut confirmed: Vec<&CompiledRule> =
            distinct_rules(found).into_iter().map(|rule| &rules.rules()[rule as usize]).collect();
        confirmed.sort_by_key(|compiled| std::cmp::Reverse(rank(compiled)));
        for compiled in confirmed {
            let read = |index: usize| {
                let group = compiled.extract[index].as_ref()?.read(text)?;
                Some(String::from_utf8_lossy(group).into_owned())
            };
            let extract = &mut self.extract;
            extract.framework = extract.framework.take().or_else(|| compiled.rule.framework.clone());
            extract.exception = extract.exception.take().or_else(|| read(0).map(|text| Excerpt::from_masked(&text)));
            extract.file = extract.file.take().or_else(|| read(1).map(|text| Excerpt::from_masked(&text)));
            extract.line = extract.line.take().or_else(|| read(2).and_then(|text| text.parse().ok()));
        }
    }
}

/// Rules in the order in which they were found, each once: a trace is found by a few of them in turn, frame by frame.
fn distinct_rules(found: &Findings) -> Vec<RuleIndex> {
    let mut rules = Vec::new();
    for finding in &found.findings {
        if !rules.contains(&finding.rule) {
            rules.push(finding.rule);
        }
    }
    rules
}

fn name_hit(count: u32) -> RuleHit {
    RuleHit {
        rule: NAME_RULE.to_owned(),
        category: Category::Secret,
        severity: Severity::Low,
        count,
        advice: "A field's name holds what looks like an identifier or a key; put no data into names of fields."
            .to_owned(),
        fingerprints: Vec::new(),
    }
}

/// Whole pages tell more than frames, frames more than secrets.
fn rank(compiled: &CompiledRule) -> (bool, Severity) {
    (compiled.rule.action == Action::Replace, compiled.rule.severity)
}

impl Entry {
    fn hit(self, compiled: &CompiledRule) -> RuleHit {
        let rule = &compiled.rule;
        RuleHit {
            rule: rule.id.clone(),
            category: rule.category,
            severity: rule.severity,
            count: self.count,
            advice: rule.advice.clone(),
            fingerprints: self.fingerprints,
        }
    }
}
