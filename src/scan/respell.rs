//! Spellings that no view reads as they stand, written so that it does, byte for byte at the same places: spaces of
//! forms, colours of a terminal that lost their escape character, and mark-up that parts words for nobody who reads them.

use std::{borrow::Cow, ops::Range};

use memchr::{memchr_iter, memmem};

use super::{armour::Armoured, view::View};

/// What is written in place of bytes that say nothing: the view leaves DEL out. Many NULs would be UTF-16.
const NOTHING: u8 = 0x7f;

/// A reset of colours: where it stands, others may.
pub(super) const COLOUR_RESETS: [&str; 4] = ["[0m", "[39m", "[22m", "[00m"];

/// How colours begin where the escape character was lost or shown: as a caret, its picture, syslog's number, an escape.
const COLOUR_STARTS: [&[u8]; 8] =
    [b"^[[", b"\xe2\x90\x9b[", b"#033[", br"\e[", br"\033[", br"\x1b[", br"\u001b[", b"["];

/// The longest list of a colour's parameters.
const PARAMETERS_MAX: usize = 20;

/// The text without colours whose escape character was lost.
pub(super) fn without_colours(bytes: &[u8]) -> Vec<u8> {
    let mut text = bytes.to_vec();
    for bracket in memchr_iter(b'[', bytes) {
        let parameters = bytes[bracket + 1..]
            .iter()
            .take(PARAMETERS_MAX)
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b';'))
            .count();
        let end = bracket + 1 + parameters;
        let begins = |start: &&&[u8]| bytes[..=bracket].ends_with(start);
        if let Some(start) = COLOUR_STARTS.iter().find(begins)
            && matches!(bytes.get(end), Some(b'm' | b'K'))
            && (parameters > 0 || start.len() > 1)
        {
            let from = bracket + 1 - start.len();
            // Within strings within strings, the backslash has backslashes before it.
            let escaped = bytes[..from].iter().rev().take_while(|&&byte| byte == b'\\' && start.len() > 1).count();
            text[from - escaped..=end].fill(NOTHING);
        }
    }
    text
}

/// Whether a reset at `at` lost its escape character, or shows it.
pub(super) fn is_lost(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_none_or(|before| bytes[before] != 0x1b)
}

/// Mark-up that is looked for within words, and what joins strings of scripts.
///
/// Single tags of a highlighter are not among them: every page has many, and each costs the anchor filter a look.
pub(super) const WITHIN_WORDS: [&str; 10] = [
    "<!--",
    "<script></script>",
    "<style></style>",
    "<b></b>",
    "<i></i>",
    "]]><![CDATA[",
    "<mark>",
    "</mark>",
    "\" + \"",
    "' + '",
];

/// The comment with which libraries part the pieces of a text: the view leaves it out, and pages are full of it.
const EMPTY: &[u8] = b"<!-- -->";

/// The longest comment that parts a word.
const COMMENT_MAX: usize = 64;

/// Where the mark-up ends that begins at `at` and parts a word.
pub(super) fn within_word(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let joins_strings = matches!(rest[0], b'"' | b'\'');
    if !joins_strings && !is_letter(bytes[..at].last()) || rest.starts_with(EMPTY) {
        return None;
    }
    let length = if rest.starts_with(b"<!--") {
        4 + memmem::find(&rest[4..rest.len().min(COMMENT_MAX)], b"-->")? + 3
    } else {
        let mark = WITHIN_WORDS.iter().find(|mark| starts_alike(rest, mark.as_bytes()))?;
        mark.len()
    };
    (joins_strings || is_letter(rest.get(length))).then_some(at + length)
}

fn starts_alike(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start))
}

/// The text without mark-up in these places.
pub(super) fn without(bytes: Cow<'_, [u8]>, places: &[Range<usize>]) -> Vec<u8> {
    let mut text = bytes.into_owned();
    places.iter().for_each(|place| text[place.clone()].fill(NOTHING));
    text
}

/// Bytes before a mark within a word that may belong to what the words say, ...
const BEFORE: usize = 512;

/// ... and behind it: what a confirmation may read.
const BEHIND: usize = 4096;

/// The words around these places, in ascending order, of a text that was written without what stood there.
pub(super) fn around(bytes: &[u8], places: &[Range<usize>]) -> Vec<u8> {
    let (mut text, mut done) = (Vec::new(), 0);
    for place in places {
        let (from, to) = (place.start.saturating_sub(BEFORE).max(done), bytes.len().min(place.end + BEHIND));
        if from > done && done > 0 {
            text.push(b'\n');
        }
        text.extend(bytes[from.min(to)..to].iter().filter(|&&byte| byte != NOTHING));
        done = done.max(to);
    }
    text
}

/// The furthest that a form is followed back from its first plus.
const FORM_BEFORE: usize = 1024;

/// Shorter forms hold no leak.
const FORM_MIN: usize = 16;

/// So many words of a form stand between pluses, ...
const PLUSES_MIN: usize = 2;

/// ... and where nothing else is escaped, one in so many bytes.
const BYTES_PER_PLUS: usize = 24;

/// Where `own` may have pluses that stand for spaces (`application/x-www-form-urlencoded`), and the text with those.
pub(super) fn forms(bytes: &[u8], own: Range<usize>) -> impl Iterator<Item = Armoured> {
    let (mut found, mut end) = (Vec::new(), 0);
    for plus in memchr_iter(b'+', &bytes[own.clone()]).map(|plus| own.start + plus) {
        let beside = [plus.checked_sub(1), Some(plus + 1)].map(|at| at.and_then(|at| bytes.get(at)));
        if plus < end || !beside.iter().flatten().all(|&&byte| is_form(byte)) {
            continue;
        }
        let before =
            bytes[plus.saturating_sub(FORM_BEFORE)..plus].iter().rev().take_while(|&&byte| is_form(byte)).count();
        end = plus + bytes[plus..].iter().take_while(|&&byte| is_form(byte)).count();
        let form = plus - before..end;
        let count = |sign: u8| memchr_iter(sign, &bytes[form.clone()]).count();
        let pluses = count(b'+');
        if form.len() >= FORM_MIN && pluses >= PLUSES_MIN && (count(b'%') > 0 || pluses * BYTES_PER_PLUS >= form.len())
        {
            found.push(form);
        }
    }
    let space = |&byte: &u8| if byte == b'+' { b' ' } else { byte };
    found.into_iter().map(move |form| {
        let spaced: Vec<u8> = bytes[form.clone()].iter().map(space).collect();
        Armoured { range: form, text: View::build(&spaced).text().to_vec() }
    })
}

/// Letters, digits and signs that stand in forms and queries.
fn is_form(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"%+&=._~*-()!/:;,?@$#[]".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::View;

    fn read(bytes: &[u8]) -> String {
        String::from_utf8_lossy(View::build(bytes).text()).into_owned()
    }

    #[test]
    fn colours_are_left_out_without_their_escape_character() {
        for start in ["", "^[", "␛", "#033", r"\e", r"\033", r"\\\\u001b"] {
            let text = format!("{start}[1;31mTrace{start}[0mback {start}[38;5;196m(most{start}[39m [0] a[i]");
            assert_eq!(read(&without_colours(text.as_bytes())), "Traceback (most [0] a[i]");
        }
    }

    #[test]
    fn pluses_of_forms_are_spaces() {
        for (text, expected) in [
            ("a=1&e=Traceback+%28most+recent", Some("a=1&e=Traceback (most recent")),
            ("{\"u\":\"/x?e=most+recent+call\"}", Some("/x?e=most recent call")),
            ("1 + 2 and c++ and a+b", None),
            ("TWFueSBo+W5kcyBtYWtlIGxpZ2h0IHdvcmsuIE1hbnkg+GFuZHMgbWFrZSBsaWdodCB3", None),
        ] {
            let form = forms(text.as_bytes(), 0..text.len()).next();
            assert_eq!(form.map(|it| String::from_utf8(it.text).unwrap()).as_deref(), expected);
        }
    }

    #[test]
    fn words_around_marks_stand_whole() {
        let far = vec![b' '; BEFORE + BEHIND];
        let page = [b"a Trace<b>back", far.as_slice(), b"b Trace</b>back"].concat();
        let places = [7..10, page.len() - 8..page.len() - 4];
        let words = String::from_utf8(around(&without(page.into(), &places), &places)).unwrap();
        assert_eq!(words.split_ascii_whitespace().collect::<Vec<_>>(), ["a", "Traceback", "b", "Traceback"]);
        assert_eq!(words.matches('\n').count(), 1);
    }

    #[test]
    fn mark_up_is_within_a_word_between_its_letters() {
        for (text, at, end) in [
            ("Trace<mark>back", 5, Some(11)),
            ("Trace<!-- x -->back", 5, Some(15)),
            ("Trace<SCRIPT></script>back", 5, Some(22)),
            ("'Trace' + 'back'", 6, Some(11)),
            ("Trace<!-- -->back", 5, None),
            ("Trace <mark>back", 6, None),
            ("Trace<mark> back", 5, None),
        ] {
            assert_eq!(within_word(text.as_bytes(), at), end, "{text}");
        }
        assert_eq!(read(&without(b"Trace<!-- x -->back"[..].into(), std::slice::from_ref(&(5..15)))), "Traceback");
    }
}
