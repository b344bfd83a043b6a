//! A look at the bytes around an anchor: whether the text there could confirm its rule. Most anchors on honest pages
//! are told from leaks in their line, which costs a hundredth of reading the whole block as text.

use memchr::{memchr, memchr_iter, memrchr, memrchr_iter, memrchr2};

use super::{
    confirm::{AHEAD, BEHIND, accepted, judges_matches},
    escape,
    pattern::{Pattern, Start},
    ruleset::{CompiledRule, RuleIndex},
    tag,
    view::View,
};
use crate::rules::Search;

/// Raw bytes before and behind an anchor that are looked at: what a search takes, and as much again for mark-up.
const LOOK_BEHIND: usize = 2 * BEHIND;
const LOOK_AHEAD: usize = AHEAD;

/// Most regexes that start at their anchor fail within so many bytes.
const FIRST_LOOK: usize = 192;

/// Raw bytes behind an anchor in a tag that are looked at.
const TAG_AHEAD: usize = BEHIND;

/// The longest escape that could be cut at the end of a look.
const ESCAPE_MAX: usize = 12;

/// Looks at the anchors of one text.
pub(super) struct Looks<'a> {
    bytes: &'a [u8],
    /// By rule, where its next anchor begins that no earlier look has seen enough of.
    seen: Vec<(RuleIndex, usize)>,
    /// How many looks were taken.
    pub(super) taken: usize,
}

impl<'a> Looks<'a> {
    pub(super) fn at(bytes: &'a [u8]) -> Self {
        Self { bytes, seen: Vec::new(), taken: 0 }
    }

    /// Whether the rule could be confirmed by the text around its anchor at `at`: its regex matches there, and the match
    /// is accepted as far as that can be told. Says yes where a rule has no regex. Anchors come in ascending order.
    pub(super) fn may_confirm(&mut self, rule: RuleIndex, compiled: &CompiledRule, at: usize) -> bool {
        let Some(regex) = &compiled.regex else { return true };
        let seen = self.seen.iter().position(|(known, _)| *known == rule);
        if seen.is_some_and(|seen| at < self.seen[seen].1) {
            return false;
        }
        self.taken += 1;
        if let Some(tag) = tag::around(self.bytes, at) {
            let end = self.bytes.len().min(at + TAG_AHEAD);
            if compiled.rule.confirm.search == Search::AtAnchor && fails_in_value(regex, self.bytes, tag, at) {
                return false;
            }
            return regex.is_match(View::build(&self.bytes[tag..end]).text());
        }
        let (looked_at, until) = match compiled.rule.confirm.search {
            Search::AtAnchor => return may_start(compiled, regex, self.bytes, at),
            Search::Line => line(self.bytes, at, if seen.is_some() { SHARED } else { 0 }),
            Search::Window => window(self.bytes, at, if seen.is_some() { SHARED } else { 0 }),
        };
        match seen {
            Some(seen) => self.seen[seen].1 = until,
            None => self.seen.push((rule, until)),
        }
        as_text(looked_at, |text| regex.is_match(text) && may_be_accepted(compiled, text))
    }
}

/// Whether the regex fails within the value, of an attribute of the tag at `tag`, in which its anchor at `at` stands.
fn fails_in_value(regex: &Pattern, bytes: &[u8], tag: usize, at: usize) -> bool {
    let mut values = Vec::new();
    tag::read(bytes, tag, &mut values);
    let value = values.into_iter().find(|value| value.contains(&at)).map(|value| &bytes[at..value.end]);
    let fails = |value| as_text(uncut(value), |text| regex.start(text)) == Start::Fails;
    value.is_some_and(|value| memchr(b'<', value).is_none() && fails(value))
}

/// Where a rule's anchors stand close together, so many bytes more are looked at for the next ones.
const SHARED: usize = 8 * 1024;

/// Whether one of the matches in `text`, lines around an anchor, is accepted. Matches are told apart as a confirmation
/// would only where that searches whole lines, as most are.
fn may_be_accepted(compiled: &CompiledRule, text: &[u8]) -> bool {
    if compiled.rule.confirm.search != Search::Line || !judges_matches(compiled) {
        return true;
    }
    let is_accepted =
        |line: &[u8]| line.len() > BEHIND || accepted(compiled, line, 0..line.len(), false).next().is_some();
    text.split(|&byte| byte == b'\n').any(is_accepted)
}

/// Reads `bytes` as text, which for most of them needs no view.
fn as_text<T>(bytes: &[u8], read: impl Fn(&[u8]) -> T) -> T {
    if escape::is_plain(bytes) { read(bytes) } else { read(View::build(bytes).text()) }
}

fn may_start(compiled: &CompiledRule, regex: &Pattern, bytes: &[u8], at: usize) -> bool {
    let ahead = |reach: usize| bytes.get(at..at + reach).map_or(&bytes[at..], uncut);
    let start = |reach: usize| as_text(ahead(reach), |text| regex.start(text));
    let starts = match start(FIRST_LOOK) {
        Start::Open => start(LOOK_AHEAD) == Start::Matches,
        known => known == Start::Matches,
    };
    starts
        && (!judges_matches(compiled) || as_text(ahead(LOOK_AHEAD), |text| is_accepted_at_start(compiled, regex, text)))
}

/// Whether the match at the start of `text` is accepted; one that may go on behind the text could be.
fn is_accepted_at_start(compiled: &CompiledRule, regex: &Pattern, text: &[u8]) -> bool {
    match regex.find(text, 0..text.len(), true) {
        Some(found) if found.whole.end < text.len() => accepted(compiled, text, 0..text.len(), true).next().is_some(),
        _ => true,
    }
}

/// The line around `at`, or what of it a search could take and so many bytes `more`; where the next anchor begins whose
/// line is not in it. A line break within a tag ends no line of text.
fn line(bytes: &[u8], at: usize, more: usize) -> (&[u8], usize) {
    let behind = &bytes[at.saturating_sub(LOOK_BEHIND)..at];
    let is_outside = |text: &[u8]| memrchr2(b'<', b'>', text).is_none_or(|mark| text[mark] == b'>');
    let start = memrchr_iter(b'\n', behind).find(|&newline| is_outside(&behind[..newline])).map_or(0, |it| it + 1);
    let ahead = &bytes[at..bytes.len().min(at + LOOK_BEHIND + more)];
    let ending = memchr_iter(b'\n', ahead).find(|&newline| is_outside(&ahead[..newline]));
    let end = at + ending.unwrap_or(ahead.len());
    let is_whole = ending.is_some() || end == bytes.len();
    (&bytes[at - (behind.len() - start)..end], if is_whole { end } else { at + more })
}

/// The same for a search in a window.
fn window(bytes: &[u8], at: usize, more: usize) -> (&[u8], usize) {
    let end = bytes.len().min(at + LOOK_AHEAD + more);
    (&bytes[at.saturating_sub(LOOK_BEHIND)..end], if end == bytes.len() { end } else { at + more })
}

/// The text without a tag or an escape that its end may have cut.
fn uncut(text: &[u8]) -> &[u8] {
    let tag = memrchr(b'<', text).filter(|&mark| memchr(b'>', &text[mark..]).is_none());
    let text = &text[..tag.unwrap_or(text.len())];
    let tail = text.len().saturating_sub(ESCAPE_MAX);
    let escape = text[tail..].iter().position(|byte| matches!(byte, b'&' | b'\\' | b'%'));
    &text[..escape.map_or(text.len(), |from| tail + from)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_is_looked_at_with_its_line() {
        assert_eq!(line(b"one\nif a <b and KEY\nthree", 16, 0).0, b"if a <b and KEY");
    }

    #[test]
    fn a_line_goes_on_over_a_break_within_a_tag() {
        assert_eq!(line(b"one\ntwo <a\nhref=x>KEY\nthree", 18, 0).0, b"two <a\nhref=x>KEY");
    }

    #[test]
    fn a_tag_or_an_escape_is_not_cut() {
        assert_eq!(uncut(b"KEY = <span cla"), b"KEY = ");
        assert_eq!(uncut(b"KEY = &quo"), b"KEY = ");
        assert_eq!(uncut(b"KEY = <b>va"), b"KEY = <b>va");
    }
}
