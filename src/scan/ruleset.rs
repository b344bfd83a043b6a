//! Compiling rules: all anchors into one set, confirmations checked now and built when first needed.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use memchr::memmem::Finder;

use super::{
    anchors::{AnchorError, AnchorSet, Kernel, Literal},
    extract::Extract,
    numbers,
    pattern::Pattern,
    respell, variant,
};
use crate::rules::{Rule, ViewKind};

/// Bytes on both sides of a block that its confirmations may read: the stated hold-back. A leak that needs more
/// than this around its anchor is found by another of its anchors or not at all.
pub const MARGIN: usize = 4096;

/// Index of a rule in its [`Ruleset`].
pub type RuleIndex = u16;

/// Compiled rules. Immutable; shared by all exchanges of an engine.
#[derive(Debug)]
pub struct Ruleset {
    rules: Vec<CompiledRule>,
    anchors: AnchorSet,
    /// By literal of `anchors`: the rules it is an anchor of.
    anchored: Vec<Vec<Anchored>>,
    serial: u64,
}

/// How many sets were compiled.
static COMPILED: AtomicU64 = AtomicU64::new(0);

/// A rule and what its confirmation needs.
#[derive(Debug)]
pub struct CompiledRule {
    /// The row it was made of.
    pub rule: Rule,
    pub(super) all: Vec<Finder<'static>>,
    pub(super) any: Vec<Finder<'static>>,
    pub(super) none: Vec<Finder<'static>>,
    pub(super) regex: Option<Pattern>,
    pub(super) unless: Option<Pattern>,
    /// Reads the exception's type, the file and the line.
    pub extract: [Option<Extract>; 3],
    pub(super) until: Option<Finder<'static>>,
    token: Bytes,
}

/// Mark-up and characters that stand within words unseen, and escapes that words may be spelt with or colours of a
/// terminal begin with: where they do, anchors may be broken.
const WORD_BREAKS: [&[u8]; 48] = [
    b"<wbr",
    b"&shy",
    b"&zwj",
    b"&zwn",
    b"&lrm",
    b"&rlm",
    b"&it;",
    b"&ic;",
    b"&af;",
    b"&NoBreak",
    b"&ZeroWidth",
    b"&Negative",
    b"&Invisible",
    b"&ApplyFunction",
    b"&colon;",
    b"&commat;",
    b"&dash;",
    b"&equals;",
    b"&hyphen;",
    b"&lowbar;",
    b"&period;",
    b"&sol;",
    b"amp;#",
    b"%u00",
    b"%2520",
    b"%254",
    b"%255",
    b"%256",
    b"%257",
    br"\u001b[",
    br"\x1b[",
    br"\033[",
    br"\e[",
    b"&#27;[",
    b"&#x1b;[",
    // U+115F, U+1160, U+17B4, U+17B5, U+180E, U+3164, U+FFA0.
    b"\xe1\x85\x9f",
    b"\xe1\x85\xa0",
    b"\xe1\x9e\xb4",
    b"\xe1\x9e\xb5",
    b"\xe1\xa0\x8e",
    b"\xe3\x85\xa4",
    b"\xef\xbe\xa0",
    // Tags and variation selectors, U+E0000 to U+E01EF.
    b"\xf3\xa0\x80",
    b"\xf3\xa0\x81",
    b"\xf3\xa0\x84",
    b"\xf3\xa0\x85",
    b"\xf3\xa0\x86",
    b"\xf3\xa0\x87",
];

/// What literals tell that are no rule's, by the number that stands in place of a rule's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// [`WORD_BREAKS`].
    BreaksWords = 0xffff,
    /// [`numbers::SECOND_ROWS`].
    Dumps = 0xfffe,
    /// [`respell::COLOUR_RESETS`].
    Colours = 0xfffd,
    /// [`respell::WITHIN_WORDS`].
    WithinWords = 0xfffc,
}

/// Rules have numbers below.
const RULES_MAX: RuleIndex = Sign::WithinWords as RuleIndex;

impl Anchored {
    fn sign(sign: Sign) -> Self {
        Self { rule: sign as RuleIndex, escaped: true }
    }

    pub(super) fn is(self, sign: Sign) -> bool {
        self.rule == sign as RuleIndex
    }

    /// Whether the literal is a rule's.
    pub(super) fn is_of_a_rule(self) -> bool {
        self.rule < RULES_MAX
    }
}

/// A literal's part in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchored {
    pub(super) rule: RuleIndex,
    /// The literal is an escaped spelling: it only tells that the text view is worth building.
    pub(super) escaped: bool,
}

/// Why rules cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("rule {rule:?}: {what}")]
pub struct CompileError {
    /// The rule's id.
    pub rule: String,
    /// What is wrong.
    pub what: String,
}

impl Ruleset {
    /// Compiles `rules`, in order.
    ///
    /// # Errors
    /// A regex that does not parse, an anchor that is too short or too common, too many rules.
    pub fn compile(rules: Vec<Rule>) -> Result<Self, CompileError> {
        if rules.len() >= RULES_MAX as usize {
            return Err(CompileError { rule: String::new(), what: format!("more than {RULES_MAX} rules") });
        }
        let rules: Vec<CompiledRule> = rules.into_iter().map(CompiledRule::compile).collect::<Result<_, _>>()?;
        let mut literals = Literals::default();
        literals.add_signs(Sign::BreaksWords, &WORD_BREAKS);
        literals.add_signs(Sign::Dumps, &numbers::SECOND_ROWS);
        literals.add_signs(Sign::Colours, &respell::COLOUR_RESETS);
        literals.add_signs(Sign::WithinWords, &respell::WITHIN_WORDS);
        for (index, compiled) in rules.iter().enumerate() {
            literals.add_rule(index as RuleIndex, &compiled.rule);
        }
        let anchors = literals.compile().map_err(|what| CompileError { rule: "*".to_owned(), what })?;
        let serial = COMPILED.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Self { rules, anchors, anchored: literals.anchored, serial })
    }

    /// The same rules, found by `kernel` instead of the fastest of this processor.
    ///
    /// # Errors
    /// This processor cannot run it.
    pub fn with_kernel(self, kernel: Kernel) -> Result<Self, AnchorError> {
        Ok(Self { anchors: self.anchors.with_kernel(kernel)?, ..self })
    }

    /// The anchors of all rules, with the escaped spellings of those that are looked for in text.
    pub fn anchors(&self) -> &AnchorSet {
        &self.anchors
    }

    /// Whether every anchor of `rule` is rare enough: one that is not costs every response more than a rule is worth.
    ///
    /// # Errors
    /// An anchor that ordinary pages have more often than [`super::anchors::MAX_RATE`] says.
    pub fn lint(rule: &Rule) -> Result<(), CompileError> {
        for anchor in &rule.anchors {
            let literal = Literal { bytes: anchor.as_bytes(), ignore_case: !rule.exact_case };
            AnchorSet::lint(&literal)
                .map_err(|error| CompileError { rule: rule.id.clone(), what: format!("anchor {anchor:?}: {error}") })?;
        }
        Ok(())
    }

    /// Tells this set from every other that was compiled in this process; never 0. Its kernel changes nothing that it
    /// finds.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The rules, by index.
    pub fn rules(&self) -> &[CompiledRule] {
        &self.rules
    }

    /// The rule at `index`, which comes from a finding of this set.
    pub fn rule(&self, index: RuleIndex) -> &Rule {
        &self.rules[index as usize].rule
    }

    /// What stands in place of the rule's masked spans: the same width whatever was masked.
    pub fn token(&self, index: RuleIndex) -> &Bytes {
        &self.rules[index as usize].token
    }

    pub(super) fn compiled(&self, index: RuleIndex) -> &CompiledRule {
        &self.rules[index as usize]
    }

    pub(super) fn anchored(&self, literal: u32) -> &[Anchored] {
        &self.anchored[literal as usize]
    }
}

impl CompiledRule {
    /// What ends the rule's spans, if they may be of any length.
    pub fn until(&self) -> Option<&Finder<'static>> {
        self.until.as_ref()
    }

    /// Bytes of the terminator that belong to the span: all of it or nothing.
    pub fn until_length(&self) -> usize {
        self.until.as_ref().filter(|_| self.rule.confirm.through).map_or(0, |until| until.needle().len())
    }

    fn compile(rule: Rule) -> Result<Self, CompileError> {
        let pattern = |key, source: &Option<String>| checked(key, source, Pattern::new);
        let extract = |key, source: &Option<String>| checked(key, source, Extract::new);
        let finders = |literals: &[String]| literals.iter().map(|l| Finder::new(l.as_bytes()).into_owned()).collect();
        let compile = || -> Result<_, String> {
            Ok((
                pattern("confirm.regex", &rule.confirm.regex)?,
                pattern("confirm.unless", &rule.confirm.unless)?,
                extract("extract.exception", &rule.extract.exception)?,
                extract("extract.file", &rule.extract.file)?,
                extract("extract.line", &rule.extract.line)?,
            ))
        };
        let (regex, unless, exception, file, line) =
            compile().map_err(|what| CompileError { rule: rule.id.clone(), what })?;
        Ok(Self {
            all: finders(&rule.confirm.all),
            any: finders(&rule.confirm.any),
            none: finders(&rule.confirm.none),
            until: rule.confirm.until.as_ref().map(|literal| Finder::new(literal.as_bytes()).into_owned()),
            token: token(&rule),
            regex,
            unless,
            extract: [exception, file, line],
            rule,
        })
    }
}

/// What the source under `key` is read as, if there is one.
fn checked<T>(
    key: &str,
    source: &Option<String>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    source.as_deref().map(read).transpose().map_err(|what| format!("{key}: {what}"))
}

fn token(rule: &Rule) -> Bytes {
    let token = format!("[redacted:{}]", rule.id);
    Bytes::from(if rule.quoted { format!("\"{token}\"") } else { token })
}

#[derive(Default)]
struct Literals {
    /// Bytes and whether case is ignored, to index.
    known: HashMap<(Vec<u8>, bool), usize>,
    ordered: Vec<(Vec<u8>, bool)>,
    anchored: Vec<Vec<Anchored>>,
}

impl Literals {
    fn add_rule(&mut self, index: RuleIndex, rule: &Rule) {
        for anchor in &rule.anchors {
            self.add(anchor.as_bytes().to_vec(), !rule.exact_case, Anchored { rule: index, escaped: false });
            if rule.view == ViewKind::Text {
                for escaped in variant::escaped_spellings(anchor) {
                    self.add(escaped.into_bytes(), true, Anchored { rule: index, escaped: true });
                }
            }
        }
    }

    fn add_signs(&mut self, sign: Sign, literals: &[impl AsRef<[u8]>]) {
        for literal in literals {
            self.add(literal.as_ref().to_vec(), true, Anchored::sign(sign));
        }
    }

    fn add(&mut self, bytes: Vec<u8>, ignore_case: bool, anchored: Anchored) {
        let key = (bytes, ignore_case);
        let index = *self.known.entry(key.clone()).or_insert_with(|| {
            self.ordered.push(key);
            self.anchored.push(Vec::new());
            self.anchored.len() - 1
        });
        self.anchored[index].push(anchored);
    }

    fn compile(&self) -> Result<AnchorSet, String> {
        let literals: Vec<_> =
            self.ordered.iter().map(|(bytes, ignore_case)| Literal { bytes, ignore_case: *ignore_case }).collect();
        AnchorSet::new(&literals).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{PACKS, parse_pack};

    /// Those of which the model of ordinary pages knows no better, or that no rule can do without.
    const COMMON: [&str; 6] = [".lan/", "created by ", "Exception\"", "-us2", "MIIC", "https://"];

    #[test]
    fn built_in_rules_have_rare_anchors() {
        let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap());
        for rule in rules.filter(|rule| !rule.opt_in) {
            let rare = rule.anchors.iter().filter(|anchor| !COMMON.contains(&anchor.as_str())).cloned().collect();
            Ruleset::lint(&Rule { anchors: rare, ..rule }).unwrap();
        }
    }
}
