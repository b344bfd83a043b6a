//! Finding leaks in blocks of decoded body.
//!
//! A body is cut into blocks at fixed offsets, so that the findings do not depend on how it was delivered (law L2).
//! A block is read twice: its bytes as they came, by the anchor filter; and, where an anchor or a dense escape gives
//! reason to, the [`View`] of its text. Anchor hits are confirmed on bounded windows and become findings.

pub mod anchors;
mod armour;
mod checksum;
mod confirm;
mod escape;
mod extract;
mod look;
mod numbers;
mod pattern;
mod places;
mod respell;
mod ruleset;
mod seam;
mod shown;
mod stretch;
mod suspects;
mod tag;
mod value;
mod variant;
mod view;
mod wide;

use std::{borrow::Cow, ops::Range};

pub use extract::Extract;
pub use pattern::Pattern;
pub use ruleset::{CompileError, CompiledRule, MARGIN, RuleIndex, Ruleset};
pub use view::View;

use self::{
    anchors::Hit, armour::Armoured, confirm::Confirmer, look::Looks, ruleset::Sign, shown::Unshown, suspects::Suspects,
    wide::Wide,
};
use crate::rules::{Action, Evidence, Part, Rule, StatusScope, ViewKind};

/// A stretch of a decoded body, with margins for what reaches over its ends.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    /// The bytes: `own` and up to [`MARGIN`] on both sides.
    pub bytes: &'a [u8],
    /// The part whose anchors belong to this block.
    pub own: Range<usize>,
    /// Offset of `bytes[0]` in the body.
    pub offset: u64,
}

/// Hits that are looked at one by one; where there are more, the view of the block is the cheaper way.
const LOOKS_MAX: usize = 64;

/// Bytes in which escapes are counted at a time, until there is one.
const CENSUS_STEP: usize = 16 * 1024;

/// From this status on a response is an error.
const ERRORS: u16 = 400;

/// Fewer words that mark-up parts are no reason to read a page as text.
const PARTED_MIN: usize = 3;

/// How often what stood as something else may hold more of it.
const DEPTH: usize = 2;

/// Where a block comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source {
    /// Status of the response.
    pub status: u16,
    /// Whether the bytes are header fields.
    pub fields: bool,
    /// Whether the bytes are of a body that says it is JSON.
    pub json: bool,
    /// Whether the bytes are UTF-7 (RFC 2152), in which letters may be spelt in base64.
    pub utf7: bool,
}

/// A confirmed rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleIndex,
    /// The bytes of the block that carry it, in order; more than one piece where tags stand between.
    pub pieces: Vec<Range<usize>>,
    /// Its place in the text view, if that is where it was confirmed.
    pub text: Option<Range<usize>>,
    /// The span goes on beyond this block, until the rule's `until`.
    pub open: bool,
}

/// What was found in a block.
#[derive(Debug, Default)]
pub struct Findings {
    /// In order of rule and place.
    pub findings: Vec<Finding>,
    /// Evidence in the margins, which is a finding of the neighbouring block: what it belongs to may reach into this one.
    pub beside: Vec<Finding>,
    /// The text view, if there was reason to build it.
    pub view: Option<View>,
}

impl Findings {
    /// Adds what was found in something that stands for text, unless the same was found there before.
    fn add(&mut self, inside: impl IntoIterator<Item = Finding>) {
        let known = self.findings.len();
        for finding in inside {
            let span = finding.span();
            let is_same = |seen: &Finding| {
                seen.rule == finding.rule && seen.span().start < span.end && seen.span().end > span.start
            };
            if !self.findings[..known].iter().any(is_same) {
                self.findings.push(finding);
            }
        }
    }
}

impl Finding {
    /// From the first to the last byte.
    pub fn span(&self) -> Range<usize> {
        match (self.pieces.first(), self.pieces.last()) {
            (Some(first), Some(last)) => first.start.min(last.start)..last.end.max(first.end),
            _ => 0..0,
        }
    }
}

impl Ruleset {
    /// Everything that is confirmed in `block`, and in texts that stand in it as base64 or hexadecimal.
    pub fn scan(&self, block: &Block<'_>, source: Source) -> Findings {
        debug_assert!(block.own.start <= block.own.end && block.own.end <= block.bytes.len());
        let hits = self.hits(block);
        let mut found = self.scan_hits(block, source, &hits);
        if source.fields {
            self.scan_fields(block, source, &mut found);
            return found;
        }
        let mut armoured = self.armoured(block.bytes, block.own.clone());
        armoured.extend(self.dump(block.bytes, &hits));
        armoured.extend(respell::forms(block.bytes, block.own.clone()).filter(|_| !source.utf7));
        if block.offset == 0 {
            armoured.extend(armour::whole(block.bytes));
        }
        if let Some(view) = found.view.as_ref().filter(|_| Wide::of(block.bytes).is_some()) {
            armoured.extend(spelt(view, self.armoured(view.text(), 0..view.text().len())));
        }
        for armoured in armoured {
            let inside = self.inside(&armoured, (block.offset, source), DEPTH);
            found.add(inside);
        }
        found
    }

    fn hits(&self, block: &Block<'_>) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.anchors().find(block.bytes, block.own.clone(), &mut hits);
        hits
    }

    /// The first dump of bytes that is found by its second row.
    fn dump(&self, bytes: &[u8], hits: &[Hit]) -> Option<Armoured> {
        self.signs(hits, Sign::Dumps).find_map(|row| numbers::dump(bytes, row))
    }

    /// Where literals stand that tell this.
    fn signs<'a>(&'a self, hits: &'a [Hit], sign: Sign) -> impl Iterator<Item = usize> + 'a {
        let tells = move |hit: &&Hit| self.anchored(hit.literal).iter().any(|anchored| anchored.is(sign));
        hits.iter().filter(tells).map(|hit| hit.start)
    }

    /// What stands in `own` as something else.
    fn armoured(&self, bytes: &[u8], own: Range<usize>) -> Vec<Armoured> {
        let suspects = Suspects::of(bytes, own, self.anchors().kernel());
        let mut found = armour::find(bytes, &suspects.runs);
        found.extend(numbers::find(bytes, &suspects.lists));
        found
    }

    /// The same for short texts in fields, whose armour may be escaped.
    fn scan_fields(&self, block: &Block<'_>, source: Source, found: &mut Findings) {
        let plain = stretch::find(block.bytes);
        let is_escaped = memchr::memchr2(b'%', b'\\', block.bytes).is_some();
        let view = is_escaped.then(|| View::build(block.bytes));
        let escaped = view.iter().flat_map(|view| spelt(view, stretch::find(view.text())));
        let escaped = escaped.filter(|it| plain.iter().all(|plain| plain.range != it.range));
        let words = stretch::encoded_words(block.bytes);
        for armoured in escaped.chain(plain.iter().map(Armoured::clone)).chain(words) {
            let is_cookie = is_cookie(block.bytes, armoured.range.start);
            let inside = self.inside(&armoured, (block.offset, source), DEPTH).into_iter();
            found.add(inside.filter(|it| !is_cookie || !is_usual(self.rule(it.rule).action)));
        }
    }

    /// What is confirmed in a text that stands somewhere as something else, and `deeper` in it.
    fn inside(&self, armoured: &Armoured, (offset, source): (u64, Source), deeper: usize) -> Vec<Finding> {
        let (text, own) = (&armoured.text, 0..armoured.text.len());
        let block = Block { bytes: text, own: own.clone(), offset };
        let mut found = self.scan_hits(&block, source, &self.hits(&block));
        if deeper > 0 {
            for inner in self.armoured(text, own) {
                found.add(self.inside(&inner, (offset, source), deeper - 1));
            }
        }
        let pieces = vec![armoured.range.clone()];
        let outside = |it: Finding| Finding { pieces: pieces.clone(), text: None, open: false, ..it };
        found.findings.into_iter().map(outside).collect()
    }

    fn scan_hits(&self, block: &Block<'_>, source: Source, hits: &[Hit]) -> Findings {
        let (respelt, may_spell) = self.respelt(block, hits, source);
        let wants_view =
            source.utf7 || may_spell || self.may_confirm(block, hits, source) || self.may_hide_letters(block);
        if hits.is_empty() && !wants_view {
            return Findings::default();
        }
        let mut findings = Vec::new();
        self.confirm_raw(block, source, hits, &mut findings);
        let view = wants_view.then(|| view(&respelt, source));
        let mut beside = Vec::new();
        if let Some(view) = &view {
            self.confirm_text(block, view, source, (&mut findings, &mut beside));
        }
        self.retain_shown(block.bytes, source, &mut findings);
        Findings { findings, beside, view }
    }

    /// A page that is no error keeps what it does not show.
    fn retain_shown(&self, bytes: &[u8], source: Source, findings: &mut Vec<Finding>) {
        let is_meant = |it: &Finding| self.rule(it.rule).scope.shown;
        if source.fields || source.status >= ERRORS || !findings.iter().any(is_meant) {
            return;
        }
        let unshown = Unshown::of(bytes);
        findings.retain(|it| !is_meant(it) || !unshown.covers(it.span().start));
    }

    /// The bytes as the view is to read them, and whether they may spell what they would not as they came.
    fn respelt<'a>(&self, block: &Block<'a>, hits: &[Hit], source: Source) -> (Cow<'a, [u8]>, bool) {
        let (mut bytes, mut may_spell) = (Cow::Borrowed(block.bytes), false);
        if self.signs(hits, Sign::Colours).any(|at| respell::is_lost(&bytes, at)) {
            (bytes, may_spell) = (respell::without_colours(&bytes).into(), true);
        }
        let marks = self.signs(hits, Sign::WithinWords);
        let marks: Vec<_> = marks.filter_map(|at| Some(at..respell::within_word(&bytes, at)?)).collect();
        if marks.len() >= PARTED_MIN {
            bytes = respell::without(bytes, &marks).into();
            may_spell |= self.may_confirm_joined(&respell::around(&bytes, &marks), source, block.offset);
        }
        (bytes, may_spell)
    }

    /// Whether the text view could confirm a hit. Most hits on honest pages are told from leaks by the text around
    /// them, which costs a fraction of the whole block's.
    fn may_confirm(&self, block: &Block<'_>, hits: &[Hit], source: Source) -> bool {
        let bytes = block.bytes;
        let at = |hit: &Hit| block.offset + hit.start as u64;
        if self.look(bytes, hits, |rule, hit| applies(&rule.scope, source, at(hit))) {
            return true;
        }
        let breaks: Vec<usize> = self.signs(hits, Sign::BreaksWords).collect();
        // In a value of an attribute an entity breaks words, a tag does not.
        breaks.iter().any(|&at| bytes[at] != b'<' && tag::around(bytes, at).is_some())
            || seam::joined(bytes).is_some_and(|words| self.may_confirm_joined(&words, source, block.offset))
            || seam::around(bytes, &breaks)
                .into_iter()
                .any(|range| self.may_confirm_joined(View::build(&bytes[range]).text(), source, block.offset))
    }

    /// The same for words that stood in pieces; `offset` is somewhere near them.
    fn may_confirm_joined(&self, words: &[u8], source: Source, offset: u64) -> bool {
        let mut hits = Vec::new();
        self.anchors().find(words, 0..words.len(), &mut hits);
        self.look(words, &hits, |rule, _| applies(&rule.scope, source, offset))
    }

    /// Whether a hit that `applies` may be confirmed, or there are too many to tell.
    fn look(&self, bytes: &[u8], hits: &[Hit], applies: impl Fn(&Rule, &Hit) -> bool) -> bool {
        let mut looks = Looks::at(bytes);
        for hit in hits {
            for anchored in self.anchored(hit.literal).iter().filter(|anchored| anchored.is_of_a_rule()) {
                let compiled = self.compiled(anchored.rule);
                if compiled.rule.view != ViewKind::Text || !applies(&compiled.rule, hit) {
                    continue;
                }
                if looks.may_confirm(anchored.rule, compiled, hit.start) || looks.taken > LOOKS_MAX {
                    return true;
                }
            }
        }
        false
    }

    /// Whether escapes or invisible bytes could spell a letter, so that a word may stand there without standing there.
    fn may_hide_letters(&self, block: &Block<'_>) -> bool {
        block.own.clone().step_by(CENSUS_STEP).any(|start| {
            let part = start..block.own.end.min(start + CENSUS_STEP);
            let census = anchors::escapes(block.bytes, part, self.anchors().kernel());
            census.word + census.invisible > 0
        }) || escape::has_lone_hyphen(&block.bytes[block.own.clone()])
    }

    fn confirm_raw(&self, block: &Block<'_>, source: Source, hits: &[Hit], findings: &mut Vec<Finding>) {
        let mut confirmer = Confirmer::new(self, block.bytes);
        for hit in hits {
            self.offer(&mut confirmer, hit, ViewKind::Raw, source, block.offset + hit.start as u64);
        }
        findings.extend(confirmer.finish().into_iter().map(|confirmed| Finding {
            rule: confirmed.rule,
            pieces: vec![confirmed.span],
            text: None,
            open: confirmed.open,
        }));
    }

    fn confirm_text(
        &self,
        block: &Block<'_>,
        view: &View,
        source: Source,
        (findings, beside): (&mut Vec<Finding>, &mut Vec<Finding>),
    ) {
        let mut hits = Vec::new();
        self.anchors().find(view.text(), 0..view.text().len(), &mut hits);
        let (mut own, mut margins) = (Confirmer::new(self, view.text()), Confirmer::new(self, view.text()));
        for hit in &hits {
            let start = view.source_start(hit.start);
            let confirmer = if block.own.contains(&start) { &mut own } else { &mut margins };
            self.offer(confirmer, hit, ViewKind::Text, source, block.offset + start as u64);
        }
        findings.extend(in_text(view, own));
        self.confirm_spelt(block, view, source, &hits, findings);
        let margins = in_text(view, margins);
        beside.extend(margins.filter(|finding| matches!(self.rule(finding.rule).action, Action::Evidence(_))));
    }

    /// Masking rules that read the bytes as they came do not see what escapes spell: they read the text as well. Others
    /// look for mark-up, which a quotation of it is not.
    fn confirm_spelt(&self, block: &Block<'_>, view: &View, source: Source, hits: &[Hit], findings: &mut Vec<Finding>) {
        let mut spelt = Confirmer::new(self, view.text());
        for hit in hits.iter().filter(|hit| block.own.contains(&view.source_start(hit.start))) {
            self.offer(&mut spelt, hit, ViewKind::Raw, source, block.offset + view.source_start(hit.start) as u64);
        }
        let spelt = in_text(view, spelt).filter(|it| self.rule(it.rule).action == Action::Mask);
        let seen = |it: &Finding| findings.iter().any(|raw| raw.rule == it.rule && raw.pieces == it.pieces);
        let unseen: Vec<_> = spelt.filter(|it| !seen(it)).collect();
        findings.extend(unseen);
    }

    /// Gives a hit to every rule it is an anchor of, that reads this view and applies to this place.
    fn offer(&self, confirmer: &mut Confirmer<'_>, hit: &Hit, view: ViewKind, source: Source, offset: u64) {
        for anchored in self.anchored(hit.literal) {
            if anchored.escaped {
                continue;
            }
            let rule = self.rule(anchored.rule);
            if rule.view == view && applies(&rule.scope, source, offset) {
                confirmer.confirm(anchored.rule, hit.start);
            }
        }
    }
}

/// What stands in the text of a view, by where it stands in its source.
fn spelt(view: &View, found: Vec<Armoured>) -> impl Iterator<Item = Armoured> + '_ {
    found.into_iter().filter_map(|it| {
        let pieces = view.source_pieces(it.range);
        Some(Armoured { range: pieces.first()?.start..pieces.last()?.end, text: it.text })
    })
}

/// The text of the bytes, in whichever units it is written.
fn view(bytes: &[u8], source: Source) -> View {
    match Wide::of(bytes) {
        _ if source.utf7 => View::build_utf7(bytes),
        Some(wide) => View::build_wide(bytes, wide),
        None => View::build(bytes),
    }
}

/// Whether the field whose line holds the byte at `at` sets a cookie.
fn is_cookie(lines: &[u8], at: usize) -> bool {
    let start = memchr::memrchr(b'\n', &lines[..at]).map_or(0, |newline| newline + 1);
    lines[start..].starts_with(b"set-cookie:")
}

/// What applications keep in sessions, for whose bearer it is: addresses to return to, paths, settings, messages.
fn is_usual(action: Action) -> bool {
    use Evidence::{AnyFrame, EnvPair, Exception, InternalHost, Path};
    matches!(action, Action::Evidence(AnyFrame | EnvPair | Exception | InternalHost | Path))
}

fn in_text<'a>(view: &'a View, confirmer: Confirmer<'a>) -> impl Iterator<Item = Finding> + 'a {
    confirmer.finish().into_iter().filter_map(|confirmed| {
        let pieces = view.source_pieces(confirmed.span.clone());
        let text = Some(confirmed.span);
        (!pieces.is_empty()).then_some(Finding { rule: confirmed.rule, pieces, text, open: confirmed.open })
    })
}

fn applies(scope: &crate::rules::Scope, source: Source, offset: u64) -> bool {
    let status = match scope.status {
        StatusScope::Any => true,
        StatusScope::Error => source.status >= ERRORS,
        StatusScope::Success => source.status < ERRORS,
    };
    let part = match scope.part {
        Part::Any => true,
        Part::Body => !source.fields,
        Part::Fields => source.fields,
    };
    status && part && (!scope.json || source.json) && scope.within.is_none_or(|within| offset < within)
}
