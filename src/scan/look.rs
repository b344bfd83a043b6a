//! A look at the bytes around an anchor: whether the text there could confirm its rule. Most anchors on honest pages
//! are told from leaks in their line, which costs a hundredth of reading the whole block as text.

use memchr::{memchr, memchr_iter, memrchr, memrchr_iter, memrchr2};

use super::{
    confirm::{AHEAD, BEHIND},
    escape,
    pattern::{Pattern, Start},
    ruleset::CompiledRule,
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

/// Whether the rule's regex matches in the text around the anchor at `at` of raw `bytes`. Says yes where a rule has
/// no regex.
pub(super) fn may_match(compiled: &CompiledRule, bytes: &[u8], at: usize) -> bool {
    let Some(regex) = &compiled.regex else { return true };
    if let Some(tag) = tag_around(bytes, at) {
        return regex.is_match(View::build(&bytes[tag..bytes.len().min(at + TAG_AHEAD)]).text());
    }
    let is_match = |text: &[u8]| regex.is_match(text);
    match compiled.rule.confirm.search {
        Search::AtAnchor => may_start(regex, bytes, at),
        Search::Line => as_text(line(bytes, at), is_match),
        Search::Window => as_text(&bytes[at.saturating_sub(LOOK_BEHIND)..bytes.len().min(at + LOOK_AHEAD)], is_match),
    }
}

/// Reads `bytes` as text, which for most of them needs no view.
fn as_text<T>(bytes: &[u8], read: impl Fn(&[u8]) -> T) -> T {
    if escape::is_plain(bytes) { read(bytes) } else { read(View::build(bytes).text()) }
}

/// Values of attributes may hold tags; more of them are not looked through.
const MARKS_MAX: usize = 4;

/// Where the outermost tag begins that `at` stands in. Values of attributes stand behind one another in the text,
/// wherever they stand on the page.
fn tag_around(bytes: &[u8], at: usize) -> Option<usize> {
    let from = at.saturating_sub(LOOK_BEHIND);
    let marks = memrchr_iter(b'<', &bytes[from..at]).take(MARKS_MAX).map(|mark| from + mark);
    marks.filter(|&mark| tag::at(bytes, mark).is_some_and(|tag| tag.end > at)).last()
}

fn may_start(regex: &Pattern, bytes: &[u8], at: usize) -> bool {
    let start = |reach: usize| {
        let text = bytes.get(at..at + reach).map_or(&bytes[at..], uncut);
        as_text(text, |text| regex.start(text))
    };
    match start(FIRST_LOOK) {
        Start::Open => start(LOOK_AHEAD) == Start::Matches,
        known => known == Start::Matches,
    }
}

/// The line around `at`, or what of it a search could take. A line break within a tag ends no line of text.
fn line(bytes: &[u8], at: usize) -> &[u8] {
    let behind = &bytes[at.saturating_sub(LOOK_BEHIND)..at];
    let is_outside = |text: &[u8]| memrchr2(b'<', b'>', text).is_none_or(|mark| text[mark] == b'>');
    let start = memrchr_iter(b'\n', behind).find(|&newline| is_outside(&behind[..newline])).map_or(0, |it| it + 1);
    let ahead = &bytes[at..bytes.len().min(at + LOOK_BEHIND)];
    let end = memchr_iter(b'\n', ahead).find(|&newline| is_outside(&ahead[..newline])).unwrap_or(ahead.len());
    &bytes[at - (behind.len() - start)..at + end]
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
    fn an_attribute_is_looked_at_with_its_tag_and_a_comparison_with_its_line() {
        let page = b"a <b title=\"KEY\"> c";
        assert_eq!(tag_around(page, 12), Some(2));
        assert_eq!(tag_around(b"if a <b and KEY", 12), None);
        assert_eq!(tag_around(b"<i>x</i> KEY", 9), None);
        assert_eq!(tag_around(b"x <a b=\"<c KEY>\">", 11), Some(2));
        assert_eq!(line(b"one\nif a <b and KEY\nthree", 16), b"if a <b and KEY");
    }

    #[test]
    fn a_line_goes_on_over_a_break_within_a_tag() {
        assert_eq!(line(b"one\ntwo <a\nhref=x>KEY\nthree", 18), b"two <a\nhref=x>KEY");
    }

    #[test]
    fn a_tag_or_an_escape_is_not_cut() {
        assert_eq!(uncut(b"KEY = <span cla"), b"KEY = ");
        assert_eq!(uncut(b"KEY = &quo"), b"KEY = ");
        assert_eq!(uncut(b"KEY = <b>va"), b"KEY = <b>va");
    }
}
