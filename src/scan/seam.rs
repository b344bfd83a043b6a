//! Words in pieces: a highlighter puts every word and every sign in a span of its own, so that an anchor stands on the
//! page for every reader and nowhere in its bytes.

use std::ops::Range;

use memchr::memchr;

use super::anchors::{ByteSet, Kernel, members};

/// The longest name of an element that highlighters put words into.
const NAME_MAX: usize = 6;

/// Distance of the places where it is looked whether there are seams at all: where they are dense, three or four stand
/// behind each of them.
const STRIDE: usize = WITHIN / 2;

/// Fewer seams than these behind a place are those of a page whose words are whole.
const SEEN: usize = 2;

/// So many bytes behind such a place ...
const LOOK: usize = 128;

/// ... and so many places where tags meet are looked at.
const LOOKS: usize = 3;

/// So many seams ...
const DENSE: usize = 16;

/// ... within so many bytes leave no word whole.
const WITHIN: usize = 40 * DENSE;

/// Bytes before the first of them, or before a mark within a word, that may belong to the words in pieces ...
const BEFORE: usize = 512;

/// ... and behind the last: what a confirmation may read, ...
const BEHIND: usize = 4096;

/// ... and what more is taken where seams are dense, so that they need not be looked for there.
const SKIP: usize = 2048;

/// The text without tags from where seams are dense; `None` where they are nowhere.
pub(super) fn joined(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for range in merged(dense_ranges(bytes)) {
        if !text.is_empty() {
            text.push(b'\n');
        }
        append_without_tags(&bytes[range], &mut text);
    }
    (!text.is_empty()).then_some(text)
}

/// What belongs to the words in pieces at marks that break words, which begin at `breaks`, ascending; without overlaps.
pub(super) fn around(bytes: &[u8], breaks: &[usize]) -> Vec<Range<usize>> {
    merged(breaks.iter().map(|&at| at.saturating_sub(BEFORE)..bytes.len().min(at + BEHIND)).collect())
}

/// Ranges in ascending order, those that touch made one.
fn merged(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Where seams leave no word whole, with what belongs to the words there.
fn dense_ranges(bytes: &[u8]) -> Vec<Range<usize>> {
    let meetings = Meetings::of(bytes);
    let (mut ranges, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if meetings.has_seams(at) {
            if let Some(from) = meetings.dense(at) {
                ranges.push(from.saturating_sub(BEFORE)..bytes.len().min(at + SKIP + BEHIND));
                at += SKIP - STRIDE;
            }
            at += STRIDE;
        }
        at += STRIDE;
    }
    ranges
}

/// Where tags meet the next.
struct Meetings<'a> {
    bytes: &'a [u8],
    /// A bit for each `>` before a `<`.
    bits: Vec<u64>,
}

static ENDS: ByteSet = ByteSet::one(b'>');
static BEGINS: ByteSet = ByteSet::one(b'<');

impl<'a> Meetings<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let kernel = Kernel::fastest();
        let (mut ends, mut begins) = (vec![0; bytes.len().div_ceil(64)], vec![0; bytes.len().div_ceil(64) + 1]);
        members(kernel, &ENDS, bytes, &mut ends);
        members(kernel, &BEGINS, bytes, &mut begins);
        let meetings =
            ends.iter().zip(begins.windows(2)).map(|(ends, begins)| ends & (begins[0] >> 1 | begins[1] << 63));
        Self { bytes, bits: meetings.collect() }
    }

    fn has_seams(&self, at: usize) -> bool {
        let meets = self.within(at..self.bytes.len().min(at + LOOK)).take(LOOKS);
        meets.filter(|&meet| is_seam(self.bytes, meet)).take(SEEN).count() == SEEN
    }

    /// The first of so many seams that leave no word whole around `at`. What begins beyond is found from the place after
    /// the next, which this need not be looked at again from.
    fn dense(&self, at: usize) -> Option<usize> {
        let meets = self.within(at.saturating_sub(WITHIN)..self.bytes.len().min(at + WITHIN));
        let mut places = [0; DENSE];
        for (count, place) in meets.filter(|&meet| is_seam(self.bytes, meet)).enumerate() {
            let earliest = std::mem::replace(&mut places[count % DENSE], place);
            if count >= DENSE && place - earliest < WITHIN {
                return Some(earliest);
            }
        }
        None
    }

    /// Those in a range, ascending.
    fn within(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        let mut word = range.start / 64;
        let mut left = self.bits.get(word).map_or(0, |bits| bits >> (range.start % 64) << (range.start % 64));
        std::iter::from_fn(move || {
            while left == 0 && (word + 1) * 64 < range.end {
                word += 1;
                left = self.bits[word];
            }
            let place = word * 64 + left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (place < range.end).then_some(place)
        })
    }
}

/// Whether one inline element ends at the `>` at `at` and another begins behind it.
fn is_seam(bytes: &[u8], at: usize) -> bool {
    if !bytes.get(at + 2).is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let opened = &bytes[at + 2..];
    let opened = &opened[..letters(opened.iter())];
    let (before, closed) = bytes[..at].split_at(at - letters(bytes[..at].iter().rev()));
    before.ends_with(b"</") && is_inline(opened) && is_inline(closed)
}

/// How many letters come first, as far as that matters to a name.
fn letters<'a>(text: impl Iterator<Item = &'a u8>) -> usize {
    text.take(NAME_MAX + 1).take_while(|byte| byte.is_ascii_alphabetic()).count()
}

/// Whether highlighters put words into elements of this name.
fn is_inline(name: &[u8]) -> bool {
    let mut lower = [0; NAME_MAX];
    let Some(lower) = lower.get_mut(..name.len()) else { return false };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"span"
            | b"tspan"
            | b"font"
            | b"b"
            | b"i"
            | b"u"
            | b"em"
            | b"strong"
            | b"code"
            | b"mark"
            | b"var"
            | b"kbd"
            | b"tt"
            | b"samp"
            | b"a"
            | b"s"
            | b"q"
    )
}

/// Appends the text between tags. A `<` that begins no tag stays.
fn append_without_tags(bytes: &[u8], text: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(open) = memchr(b'<', rest) {
        text.extend_from_slice(&rest[..open]);
        rest = &rest[open..];
        let length = match rest.get(1) {
            Some(b'/' | b'a'..=b'z' | b'A'..=b'Z' | b'!') => memchr(b'>', rest).map_or(1, |close| close + 1),
            _ => 1,
        };
        if length == 1 {
            text.push(b'<');
        }
        rest = &rest[length..];
    }
    text.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BEFORE, BEHIND, around};

    fn joined(bytes: &[u8]) -> Option<String> {
        super::joined(bytes).map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn words_of_many_spans_are_joined() {
        let page = format!("<pre>{}</pre> a < b", "<span class=k>Trace</span><span>back </span>".repeat(20));
        assert_eq!(joined(page.as_bytes()).unwrap(), format!("{} a < b", "Traceback ".repeat(20)));
    }

    #[test]
    fn so_are_words_of_any_inline_elements_in_any_case() {
        for (first, second) in [
            ("<SPAN CLASS=k>Trace</SPAN>", "<Span>back </Span>"),
            ("<font color=red>Trace</font>", "<FONT>back </FONT>"),
            ("<b>Trace</b>", "<i>back </i>"),
            ("<code>Trace</code>", "<code>back </code>"),
        ] {
            let page = [first, second].concat().repeat(20);
            assert_eq!(joined(page.as_bytes()).unwrap(), "Traceback ".repeat(20));
        }
        let table = "<td>Trace</td><td>back</td>".repeat(40);
        assert_eq!(joined(table.as_bytes()), None);
    }

    #[test]
    fn what_is_near_marks_that_break_words_is_read_once() {
        let page = [b'a'; 20_000];
        assert!(around(&page, &[]).is_empty());
        assert_eq!(around(&page, &[100, 600, 19_000]), [0..600 + BEHIND, 19_000 - BEFORE..20_000]);
    }

    proptest! {
        #[test]
        fn every_meeting_is_found_within_any_range(
            page in proptest::collection::vec(prop_oneof![Just(b'<'), Just(b'>'), Just(b'a')], 1..300),
            start in 0_usize..300,
            length in 0_usize..300,
        ) {
            let (start, end) = (start.min(page.len()), page.len().min(start + length).max(start.min(page.len())));
            let meets = |at: &usize| page[*at..].starts_with(b"><");
            let expected: Vec<usize> = (start..end).filter(meets).collect();
            let found: Vec<usize> = super::Meetings::of(&page).within(start..end).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_few_spans_leave_most_words_whole() {
        let line = format!("<span>a</span><span>b</span>{}", "The words of a sentence. ".repeat(30));
        assert_eq!(joined(line.repeat(40).as_bytes()), None);
    }
}
