//! How much of a text is spelled in escapes, so that looking at its raw bytes could miss a literal.
//!
//! Ordinary pages have few escapes that matter: `&lt;` or `%20` spell nothing that a literal consists of. Places
//! where an escape may begin are found 32 at a time, and then each is decoded.

use std::ops::Range;

use super::{
    Kernel,
    kernels::{Candidates, suspects},
    rounds::each_round,
};

/// The escapes that begin in a stretch of text, by what they spell. Named references are not counted: none spells
/// a letter or digit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EscapeCensus {
    /// An ASCII letter, digit, `_` or `-`: as a numeric character reference (`&#65;`, `&#x41;`), after a
    /// backslash (`\x41`, `\u0041`, `\u{41}`, `\101`, CSS `\41`) or after a percent sign (`%41`).
    pub word: u32,
    /// Any other visible ASCII character, by the same means or as `\/` and `\\`.
    pub punctuation: u32,
    /// Nothing to be seen, but between two bytes of a literal: NUL, ESC, and, plain or by the means above, soft
    /// hyphens (U+00AD), zero-width characters and direction marks (U+200B to U+200F, U+202A to U+202E, U+2060 to
    /// U+206F, U+FEFF) and variation selectors (U+FE00 to U+FE0F).
    pub invisible: u32,
}

/// What an escape spells, see [`EscapeCensus`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelled {
    /// A letter, digit, `_` or `-`.
    Word,
    /// Another visible ASCII character.
    Punctuation,
    /// Nothing to be seen.
    Invisible,
}

/// Counts the escapes that begin in `own`; they may extend past it to the end of `haystack`. A plain character from
/// U+200A on begins at its second byte.
///
/// The vector kernels differ from the portable one in speed only; a kernel that this processor cannot run is
/// replaced by the portable one.
pub fn escapes(haystack: &[u8], own: Range<usize>, kernel: Kernel) -> EscapeCensus {
    let mut census = EscapeCensus::default();
    each_escape(haystack, own, kernel, |_, spelled| match spelled {
        Spelled::Word => census.word += 1,
        Spelled::Punctuation => census.punctuation += 1,
        Spelled::Invisible => census.invisible += 1,
    });
    census
}

/// Calls `visit` with the place of each escape that [`escapes`] counts, in order: for the density by stretches in
/// one pass.
pub fn each_escape(haystack: &[u8], own: Range<usize>, kernel: Kernel, mut visit: impl FnMut(usize, Spelled)) {
    let mut candidates = Candidates::new();
    let end = own.end.min(haystack.len());
    each_round(haystack, own, |round, first| {
        suspects(kernel, round, &mut candidates);
        for block in candidates.blocks() {
            block.each_place(|at| match first + at {
                place if place < end => spelled_at(haystack, place).into_iter().for_each(|it| visit(place, it)),
                _ => {}
            });
        }
    });
}

fn spelled_at(haystack: &[u8], place: usize) -> Option<Spelled> {
    let before = place.checked_sub(1).map_or(0, |before| haystack[before]);
    match decode(before, &haystack[place..])? {
        0x2D | 0x5F | 0x30..=0x39 | 0x41..=0x5A | 0x61..=0x7A => Some(Spelled::Word),
        0x21..=0x7E => Some(Spelled::Punctuation),
        INVISIBLE | 0x1B | 0xAD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFE00..=0xFE0F => {
            Some(Spelled::Invisible)
        }
        _ => None,
    }
}

/// Stands for a control byte; no character has this number.
const INVISIBLE: u32 = u32::MAX;

/// The character that the escape at the head of `text` spells. A plain U+20xx is taken at its second byte, which
/// says more than its first; `before` is the byte before `text`.
fn decode(before: u8, text: &[u8]) -> Option<u32> {
    match *text {
        [0 | 0x1B, ..] => Some(INVISIBLE),
        [b'&', b'#', b'x' | b'X', ref digits @ ..] => number(digits, 16, usize::MAX),
        [b'&', b'#', ref digits @ ..] => number(digits, 10, usize::MAX),
        [b'%', b'2'..=b'7', ..] => exactly(&text[1..], 2),
        [b'\\', b'x' | b'X', ref digits @ ..] => exactly(digits, 2),
        [b'\\', b'u', b'{', ref digits @ ..] => number(digits, 16, usize::MAX),
        [b'\\', b'u', ref digits @ ..] => exactly(digits, 4),
        [b'\\', b'U', ref digits @ ..] => exactly(digits, 8),
        [b'\\', mark @ (b'/' | b'\\'), ..] => Some(mark.into()),
        [b'\\', b'0'..=b'7', ..] => octal_or_css(&text[1..]),
        [0xC2, 0xAD, ..] => Some(0xAD),
        [0x80, third @ 0x80..=0xBF, ..] if before == 0xE2 => Some(three(before, 0x80, third)),
        [first @ 0xE2, second @ 0x81, third @ 0x80..=0xBF, ..] => Some(three(first, second, third)),
        [first @ 0xEF, second @ (0xB8 | 0xBB), third @ 0x80..=0xBF, ..] => Some(three(first, second, third)),
        _ => None,
    }
}

fn three(first: u8, second: u8, third: u8) -> u32 {
    u32::from(first & 0x0F) << 12 | u32::from(second & 0x3F) << 6 | u32::from(third & 0x3F)
}

/// The number in the leading digits, at least one and at most `most`. Digits belong to one escape only, so that
/// reading all of them stays linear.
#[inline(always)]
fn number(text: &[u8], radix: u32, most: usize) -> Option<u32> {
    let mut sum = None;
    for &byte in text.iter().take(most) {
        let Some(digit) = char::from(byte).to_digit(radix) else { break };
        sum = Some(sum.unwrap_or(0_u32).saturating_mul(radix).saturating_add(digit));
    }
    sum
}

/// The number in exactly so many hexadecimal digits.
fn exactly(text: &[u8], digits: usize) -> Option<u32> {
    let text = text.get(..digits)?;
    text.iter().all(u8::is_ascii_hexdigit).then(|| number(text, 16, digits))?
}

/// An octal escape if that spells a letter or digit, else a CSS escape.
fn octal_or_css(text: &[u8]) -> Option<u32> {
    let octal = number(text, 8, 3).filter(|&it| char::from_u32(it).is_some_and(|it| it.is_ascii_alphanumeric()));
    octal.or(number(text, 16, 6))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn census(text: &[u8]) -> EscapeCensus {
        let all = Kernel::ALL.map(|kernel| escapes(text, 0..text.len(), kernel));
        assert!(all.iter().all(|census| *census == all[0]), "{all:?}");
        all[0]
    }

    /// By decoding at every place.
    fn everywhere(text: &[u8], own: Range<usize>) -> EscapeCensus {
        let spelled: Vec<_> =
            (own.start..own.end.min(text.len())).filter_map(|place| spelled_at(text, place)).collect();
        let count = |what| spelled.iter().filter(|&&it| it == what).count() as u32;
        let [word, punctuation, invisible] = [Spelled::Word, Spelled::Punctuation, Spelled::Invisible].map(count);
        EscapeCensus { word, punctuation, invisible }
    }

    #[test]
    fn a_letter_is_counted_however_it_is_spelled() {
        for escape in [
            "&#65;",
            "&#x41;",
            "&#X41",
            "&#0000000000000000065;",
            r"\x41",
            r"\X41",
            r"\u0041",
            r"\u{41}",
            r"\U00000041",
            r"\101",
            r"\41 ",
            r"\000041",
            "%41",
            "&#95;",
            "%2D",
        ] {
            let expected = EscapeCensus { word: 1, ..EscapeCensus::default() };
            assert_eq!(census(escape.as_bytes()), expected, "{escape}");
        }
    }

    #[test]
    fn punctuation_is_counted_apart() {
        for escape in ["&#39;", "&#x2F;", r"\x2f", r"\u002F", r"\/", r"\\", "%3D"] {
            let expected = EscapeCensus { punctuation: 1, ..EscapeCensus::default() };
            assert_eq!(census(escape.as_bytes()), expected, "{escape}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_counted() {
        for hidden in [
            "\0", "\x1B[0m", "\u{AD}", "\u{200B}", "\u{200D}", "\u{202E}", "\u{2060}", "\u{FEFF}", "\u{FE0F}",
            "&#8203;", "&#xAD;", r"\u200b",
        ] {
            let text = format!("AK{hidden}IA");
            let expected = EscapeCensus { invisible: 1, ..EscapeCensus::default() };
            assert_eq!(census(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn ordinary_text_has_none() {
        let plain = "a &lt;b&gt; &amp; &nbsp; 50 % &#8217; 100%; %20 C:\\dir \\d+ \\n “quoted” … ‘x’ – €ü 「日本」 #41 u0041 &# \\u00 %4";
        let plain = plain.replace("\\\\", "\\");
        assert_eq!(census(plain.as_bytes()), EscapeCensus::default(), "{plain}");
    }

    #[test]
    fn malformed_utf_8_hides_nothing() {
        for malformed in [b"\xE2\x80K".as_slice(), b"K\x80\x8B", b"\xE2\x81!", b"\xEF\xBB", b"\xEF\xB8\x01"] {
            assert_eq!(census(malformed), EscapeCensus::default(), "{malformed:?}");
        }
    }

    #[test]
    fn an_escape_is_counted_where_it_begins() {
        let text = [b"-".repeat(100), b"&#65;".to_vec(), b"-".repeat(100)].concat();
        for kernel in Kernel::ALL {
            assert_eq!(escapes(&text, 0..100, kernel), EscapeCensus::default());
            assert_eq!(escapes(&text, 100..101, kernel).word, 1);
            assert_eq!(escapes(&text, 101..300, kernel), EscapeCensus::default());
        }
    }

    #[test]
    fn every_two_bytes_are_looked_at_alike() {
        for tail in [b"41;".as_slice(), b"\x8B41", b"0041", b"x41"] {
            let every = |first| (0..=u8::MAX).flat_map(move |second| [&[0xE2, first, second], tail].concat());
            let text: Vec<u8> = (0..=u8::MAX).flat_map(every).collect();
            assert_eq!(census(&text), everywhere(&text, 0..text.len()));
        }
    }

    proptest! {
        #[test]
        fn every_kernel_counts_what_decodes(
            pieces in vec(select(PIECES), 0..200), from in 0usize..300, to in 0usize..900,
        ) {
            let text = pieces.concat();
            for kernel in Kernel::ALL {
                prop_assert_eq!(escapes(&text, from..to, kernel), everywhere(&text, from..to), "{:?}", kernel);
            }
        }

        #[test]
        fn any_bytes_are_counted_alike(text in vec(any::<u8>(), 0..500)) {
            prop_assert_eq!(census(&text), everywhere(&text, 0..text.len()));
        }
    }

    const PIECES: &[&[u8]] = &[
        b"&", b"#", b"x", b"\\", b"u", b"U", b"{", b"%", b"4", b"1", b"0", b"2", b"F", b"/", b"\0", b"\x1B", b"\xE2",
        b"\x80", b"\x8B", b"\x81", b"\xA0", b"\xC2", b"\xAD", b"\xEF", b"\xBB", b"\xBF", b"\xB8", b"text", b"&#",
        b"\\u00",
    ];
}
