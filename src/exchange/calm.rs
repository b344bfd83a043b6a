//! What of a text may leave before it is known what follows: words of prose, small numbers, mark-up around them. A
//! secret that stands in front of whatever would give it away is none of these.

use std::ops::Range;

use memchr::memmem;

/// A secret is this far before what gives it away, and hardly ever further: in 99 of 100 recorded debug pages.
const LOOKAHEAD: usize = 1024;

/// The most letters of a word.
const WORD_MAX: usize = 20;

/// The most letters of one in capitals, as of an abbreviation.
const CAPITALS_MAX: usize = 8;

/// The most digits of a number.
const DIGITS_MAX: usize = 4;

/// The most digits of numbers that follow each other: an account's or a card's has more.
const DIGITS_IN_A_ROW_MAX: usize = 6;

/// The most letters of a unit behind a number.
const UNIT_MAX: usize = 2;

/// The longest path of a link.
const LINK_MAX: usize = 80;

/// The most parts of a word with hyphens.
const PARTS_MAX: usize = 3;

/// The most signs that mark up a word, on each side of it (Markdown).
const SIGNS_MAX: usize = 3;

/// Texts that speak of such things may be about to show more than they should.
const ALARMS: &[&str] = &[
    "error",
    "exception",
    "fatal",
    "panic",
    "traceback",
    "caused by",
    "uncaught",
    "unhandled",
    "stack",
    "debug",
    "failed",
    "passw",
    "secret",
    "credential",
    "private",
];

/// What the end of a text that goes on tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Calm {
    /// Everything before this offset may leave.
    pub(super) end: usize,
    /// Whether nothing but the beginning of a word is kept back.
    pub(super) is_all: bool,
}

/// How much of a text may leave that has come so far.
pub(super) fn calm(text: &[u8]) -> Calm {
    let from = text.len().saturating_sub(LOOKAHEAD);
    let (mut unfinished, mut numbers) = (text.len(), Numbers::default());
    for token in tokens(text, from) {
        if !is_plain(text, token.clone()) || !numbers.admit(text, token.clone()) {
            return Calm { end: numbers.since.unwrap_or(token.start), is_all: false };
        }
        if token.end == text.len() {
            unfinished = token.start;
        }
    }
    Calm { end: unfinished, is_all: true }
}

/// How many tokens of a text are no words, and how many there are.
pub(super) fn count(text: &[u8]) -> (usize, usize) {
    let mut counts = (0, 0);
    for token in tokens(text, 0) {
        counts = (counts.0 + usize::from(!is_plain(text, token)), counts.1 + 1);
    }
    counts
}

/// Numbers that follow each other.
#[derive(Default)]
struct Numbers {
    digits: usize,
    /// Where the first of them begins.
    since: Option<usize>,
}

impl Numbers {
    /// Whether the digits in a row are few.
    fn admit(&mut self, text: &[u8], token: Range<usize>) -> bool {
        if text[token.clone()].iter().any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()) {
            *self = Self::default();
            return true;
        }
        self.since.get_or_insert(token.start);
        self.digits += text[token].iter().filter(|byte| byte.is_ascii_digit()).count();
        self.digits <= DIGITS_IN_A_ROW_MAX
    }
}

/// Where a text begins to speak of failures and secrets.
pub(super) fn alarm(text: &[u8]) -> Option<usize> {
    let text = text.to_ascii_lowercase();
    ALARMS.iter().filter_map(|word| memmem::find(&text, word.as_bytes())).min()
}

/// Where the last word of `text` begins, which nothing ends.
pub(super) fn last_word(text: &[u8]) -> usize {
    text.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1)
}

/// The stretches between white space, brackets, quotes and commas.
fn tokens(text: &[u8], from: usize) -> impl Iterator<Item = Range<usize>> {
    let separates = |byte: &u8| byte.is_ascii_whitespace() || b",;!?'\"()[]{}<>".contains(byte);
    let mut at = from;
    std::iter::from_fn(move || {
        let start = at + text[at..].iter().position(|byte| !separates(byte))?;
        at = start + text[start..].iter().position(separates).unwrap_or(text.len() - start);
        Some(start..at)
    })
}

fn is_plain(text: &[u8], token: Range<usize>) -> bool {
    let (before, behind) = (token.start.checked_sub(1).map(|at| text[at]), text.get(token.end));
    if is_link(&text[..token.start], &text[token.clone()]) {
        return true;
    }
    let mut word = &text[token];
    if before == Some(b'<') {
        word = word.strip_prefix(b"/").unwrap_or(word);
    }
    if behind == Some(&b'>') {
        word = word.strip_suffix(b"/").unwrap_or(word);
    }
    if behind == Some(&b';') {
        word = word.strip_prefix(b"&").unwrap_or(word);
    }
    let word = unmarked(word);
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    word.is_empty() || digits <= DIGITS_MAX && (is_number(word) || are_words(word))
}

/// Whether a token is a path on the page's own site, in an attribute of mark-up that holds one.
fn is_link(before: &[u8], token: &[u8]) -> bool {
    let is_attribute =
        [b"href=\"".as_slice(), b"src=\"", b"href='", b"src='"].iter().any(|name| before.ends_with(name));
    let is_path = token.starts_with(b"/") && !token.starts_with(b"//") && token.len() <= LINK_MAX;
    is_attribute && is_path && token.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(byte))
}

/// The word without the signs around it.
fn unmarked(mut word: &[u8]) -> &[u8] {
    for _ in 0..SIGNS_MAX {
        word = match word {
            [b'*' | b'#' | b'`' | b'-' | b'~' | b'|' | b'.', rest @ ..] => rest,
            _ => word,
        };
        word = match word {
            [rest @ .., b'.' | b':' | b'=' | b'*' | b'`' | b'-' | b'~' | b'|' | b'%'] => rest,
            _ => word,
        };
    }
    word
}

/// Digits, with a point or a colon among them and letters of a unit behind them.
fn is_number(word: &[u8]) -> bool {
    let unit = word.iter().rev().take_while(|byte| byte.is_ascii_lowercase()).count();
    let digits = &word[..word.len() - unit];
    let points = digits.iter().filter(|byte| b".:".contains(byte)).count();
    let is_only = digits.iter().all(|byte| byte.is_ascii_digit() || b".:".contains(byte));
    digits.first().is_some_and(u8::is_ascii_digit) && is_only && points <= 1 && unit <= UNIT_MAX
}

/// Words that a hyphen or an equals sign joins, of which the first begins with a letter.
fn are_words(word: &[u8]) -> bool {
    let mut parts = word.split(|byte| b"-=".contains(byte));
    let is_named = word.first().is_some_and(|first| !first.is_ascii_digit());
    is_named && parts.clone().count() <= PARTS_MAX && parts.all(is_word)
}

/// Letters in one case or with a capital before them, and digits behind them.
fn is_word(part: &[u8]) -> bool {
    let letters = part.iter().take_while(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()).count();
    let (letters, digits) = part.split_at(letters);
    let ascii: Vec<u8> = letters.iter().copied().filter(u8::is_ascii).collect();
    let capitals = ascii.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let is_cased = match ascii.as_slice() {
        [first, ..] if capitals == 1 => first.is_ascii_uppercase(),
        _ => capitals == 0 || capitals == ascii.len() && capitals <= CAPITALS_MAX,
    };
    !part.is_empty() && is_cased && ascii.len() <= WORD_MAX && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> &str {
        &text[..calm(text.as_bytes()).end]
    }

    #[test]
    fn words_leave_and_the_last_one_waits_for_its_end() {
        for (text, leaves) in [
            ("Hello", ""),
            ("Hello ", "Hello "),
            ("Hello world", "Hello "),
            (" wor", " "),
            ("<p>Step 1 of 12</p>\n", "<p>Step 1 of 12</p>\n"),
            ("<div class=\"row main\">\n<br/>\n", "<div class=\"row main\">\n<br/>\n"),
            ("{\"step\": 17, \"state\": \"running\"},\n", "{\"step\": 17, \"state\": \"running\"},\n"),
            ("**Well-known** things, *e-mail*:\n", "**Well-known** things, *e-mail*:\n"),
            ("Grüße, 世界人民大团结万岁。", "Grüße, "),
            ("token17 token-18 ", "token17 token-18 "),
            ("3.14 of 12:30, 50% or 1.5em ", "3.14 of 12:30, 50% or 1.5em "),
            (
                "<meta name=\"viewport\" content=\"width=device-width\">",
                "<meta name=\"viewport\" content=\"width=device-width\">",
            ),
            ("<link href=\"/static/app.3f2a9c1b.css\">&copy; ", "<link href=\"/static/app.3f2a9c1b.css\">&copy; "),
            ("<style>.row { margin: 1px; color: #fff }</style> ", "<style>.row { margin: 1px; color: #fff }</style> "),
        ] {
            assert_eq!(left(text), leaves);
            assert!(calm(text.as_bytes()).is_all, "{text}");
        }
    }

    #[test]
    fn whatever_could_be_worth_something_stays() {
        for odd in [
            "kW7pXq2LmR9t",
            "sk-live-51H8",
            "/srv/shop/app.py",
            "10.0.0.12",
            "192.168",
            "db.internal",
            "a@b.example",
            "x=Yz1a",
            "AKIAIOSFODNN",
            "ghp_abc",
            "078-05-1120",
            "4111111111111111",
            "C:\\shop",
            "java.lang",
            "KeyValue",
            "a&b",
            "%2f",
            "//shop",
            "Zm9vYmFy==",
            "\u{0}",
            "abcdefghijklmnopqrstuv",
            "eyJhbGciOi",
        ] {
            let text = format!("The word is {odd} and so on ");
            assert_eq!(left(&text), "The word is ", "{odd}");
            assert!(!calm(text.as_bytes()).is_all, "{odd}");
        }
    }

    #[test]
    fn numbers_in_a_row_have_few_digits() {
        assert_eq!(left("It is 12 30 00 now "), "It is 12 30 00 now ");
        assert_eq!(left("card 4111 1111 1111 1111 "), "card ");
        assert_eq!(left("[1, 2, 3, 12, \"a\", 17, "), "[1, 2, 3, 12, \"a\", 17, ");
    }

    #[test]
    fn what_is_far_behind_leaves() {
        let text = format!("kW7pXq2LmR9t {}", "word ".repeat(300));
        assert_eq!(left(&text), text);
        let text = format!("kW7pXq2LmR9t {}", "word ".repeat(100));
        assert_eq!(left(&text), "");
    }

    #[test]
    fn tokens_that_are_no_words_are_counted() {
        assert_eq!(count(b"<p>kW7pXq2LmR9t</p> and a word"), (1, 6));
    }

    #[test]
    fn failures_are_spoken_of_in_any_case() {
        assert_eq!(alarm(b"<title>KEYERROR"), Some(10));
        assert_eq!(alarm(b"Bread is sold out"), None);
    }
}
