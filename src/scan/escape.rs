//! One escape at a time: HTML entities, JSON and JavaScript escapes, percent-encoding, ANSI colours, invisible
//! characters.

use std::ops::Range;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::anchors::{ByteSet, Kernel, members};

/// What stands at a special byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// This many bytes (1) as they are.
    Literal(usize),
    /// This many bytes that say nothing to a reader.
    Nothing(usize),
    /// This many bytes that mean one character.
    Char {
        /// Bytes of the escape.
        length: usize,
        /// What it means.
        char: char,
    },
}

/// The bytes of a text that [`decode`] (or a tag) might read as more than themselves: lead bytes of escapes, tags,
/// controls and of the UTF-8 of invisible characters and odd spaces. They stand close together, so that they are looked
/// for in a stretch at a time and not from one to the next.
pub(super) struct Specials<'a> {
    source: &'a [u8],
    kernel: Kernel,
    /// The bytes of which `suspect` tells which may be special.
    stretch: Range<usize>,
    suspect: [u64; STRETCH / 64],
}

/// Bytes that are looked at at once.
const STRETCH: usize = 1024;

impl<'a> Specials<'a> {
    pub(super) fn of(source: &'a [u8]) -> Self {
        Self { source, kernel: Kernel::fastest(), stretch: 0..0, suspect: [0; _] }
    }

    pub(super) fn source(&self) -> &'a [u8] {
        self.source
    }

    /// The first of them in `range`, or its end.
    #[inline]
    pub(super) fn next(&mut self, range: Range<usize>) -> usize {
        let mut at = range.start;
        while at < range.end {
            // A place before the stretch is far behind it too.
            let within = at.wrapping_sub(self.stretch.start);
            if within >= self.stretch.len() {
                self.look_from(at);
                continue;
            }
            let ahead = self.suspect[within / 64] >> (within % 64);
            if ahead == 0 {
                at += 64 - within % 64;
                continue;
            }
            at += ahead.trailing_zeros() as usize;
            if at < range.end && is_special(self.source[at]) {
                return at;
            }
            at += 1;
        }
        range.end
    }

    fn look_from(&mut self, at: usize) {
        self.stretch = at..self.source.len().min(at + STRETCH);
        members(self.kernel, &SUSPECT, &self.source[self.stretch.clone()], &mut self.suspect);
    }
}

/// Whether nothing in the text is more than itself.
pub(super) fn is_plain(text: &[u8]) -> bool {
    Specials::of(text).next(0..text.len()) == text.len()
}

const fn is_special(byte: u8) -> bool {
    match byte {
        b'\n' | b'\t' => false,
        0..=0x1f | b'<' | b'&' | b'\\' | b'%' | 0x7f | 0xa0 | 0xad | 0xc2 | 0xcd | 0xe1..=0xe3 | 0xef | 0xf3 => true,
        _ => false,
    }
}

/// The special bytes, and all that are not ASCII.
static SUSPECT: ByteSet = {
    let mut members = [false; 128];
    let mut byte = 0;
    while byte < 128 {
        members[byte] = is_special(byte as u8);
        byte += 1;
    }
    ByteSet::of(&members, true)
};

/// Reads the escape at the start of `source`, which is not empty.
pub(super) fn decode(source: &[u8], in_windows_path: bool) -> Escape {
    match source[0] {
        b'&' => entity(source),
        b'\\' => backslash(source, in_windows_path),
        b'%' => percent(source),
        0x1b => ansi(source),
        b'\r' if source.get(1) == Some(&b'\n') => Escape::Nothing(1),
        b'\r' => Escape::Char { length: 1, char: '\n' },
        // Bodies of nothing but NULs decode from little.
        0 => Escape::Nothing(source.iter().take_while(|&&byte| byte == 0).count()),
        // What terminals, printers and records break lines with.
        0x0b | 0x0c | 0x1c..=0x1e => Escape::Char { length: 1, char: '\n' },
        0..=0x1f | 0x7f => Escape::Nothing(1),
        0xc2 | 0xcd | 0xe1..=0xe3 | 0xef | 0xf3 => unusual(source),
        _ => Escape::Literal(1),
    }
}

/// What a byte of ISO 8859-1 and its kin means that stands alone, where UTF-8 would have it behind another.
pub(super) fn decode_lone(byte: u8) -> Escape {
    match byte {
        0xa0 => Escape::Char { length: 1, char: ' ' },
        0xad => Escape::Nothing(1),
        _ => Escape::Literal(1),
    }
}

/// Whether a soft hyphen of ISO 8859-1 stands between two characters of ASCII.
pub(super) fn has_lone_hyphen(bytes: &[u8]) -> bool {
    let is_ascii = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii);
    memchr::memchr_iter(0xad, bytes).any(|at| is_ascii(at.checked_sub(1)) && is_ascii(Some(at + 1)))
}

/// Whether the backslash that follows `text` separates the parts of a Windows path: it stands behind `C:` or
/// behind an earlier part of one.
pub(super) fn continues_windows_path(text: &[u8], in_path: bool) -> bool {
    let ends_with_drive = matches!(text, [.., drive, b':'] if drive.is_ascii_alphabetic())
        && !text.len().checked_sub(3).is_some_and(|at| text[at].is_ascii_alphanumeric());
    if ends_with_drive {
        return true;
    }
    let part =
        text.iter().rev().take(120).take_while(|&&byte| byte.is_ascii_alphanumeric() || b" ._-()[]`".contains(&byte));
    in_path && text.len().checked_sub(part.count() + 1).is_some_and(|at| text[at] == b'\\')
}

fn backslash(source: &[u8], in_windows_path: bool) -> Escape {
    let run = source.iter().take_while(|&&byte| byte == b'\\').count();
    let char = match source.get(run) {
        Some(quote @ (b'"' | b'\'' | b'`')) => char::from(*quote),
        _ if in_windows_path => return Escape::Char { length: run, char: '\\' },
        Some(b'n' | b'r') => '\n',
        Some(b't' | b'f' | b'b') => '\t',
        Some(b'/') => '/',
        Some(b'u' | b'x') if source.get(run + 1) == Some(&b'{') => return braced(source, run),
        Some(b'u') => return unicode(source, run),
        Some(b'U') => return numbered(hex(source.get(run + 1..run + 9)), run, 9),
        Some(b'x') => return numbered(hex(source.get(run + 1..run + 3)), run, 3),
        Some(b'e') if source.get(run + 1) == Some(&b'[') => '\x1b',
        Some(b'0'..=b'7') => return octal_or_css(source, run),
        Some(&punctuation) if is_escaped_punctuation(punctuation) => char::from(punctuation),
        _ => return collapsed(run),
    };
    Escape::Char { length: run + 1, char }
}

/// A run of backslashes that escapes nothing reads as one.
fn collapsed(run: usize) -> Escape {
    if run == 1 { Escape::Literal(1) } else { Escape::Char { length: run, char: '\\' } }
}

/// What properties files, shells, Markdown and regexes write behind a backslash to mean itself.
fn is_escaped_punctuation(byte: u8) -> bool {
    b":=#!-_.*()[]{}+~|@,;$ ".contains(&byte)
}

/// The character of a number that takes so many bytes behind the backslashes.
fn numbered(code: Option<u32>, run: usize, bytes: usize) -> Escape {
    code.map_or_else(|| collapsed(run), |code| character(run + bytes, code))
}

/// `\u{2d}`, `\x{2d}`
fn braced(source: &[u8], run: usize) -> Escape {
    let digits = source[run + 2..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let code = hex(source.get(run + 2..run + 2 + digits)).filter(|&code| char::from_u32(code).is_some());
    let closes = source.get(run + 2 + digits) == Some(&b'}');
    numbered(code.filter(|_| closes && digits > 0), run, digits + 3)
}

/// `\055` in octal digits, else what CSS writes: up to six hexadecimal digits and a space that ends them. Only of what
/// can be seen, and of the escape character: `\1` refers to a group of a regex.
fn octal_or_css(source: &[u8], run: usize) -> Escape {
    let digits = &source[run..];
    let octal = digits.get(..3).filter(|digits| digits.iter().all(|byte| matches!(byte, b'0'..=b'7')));
    let octal = octal.map(|digits| digits.iter().fold(0, |code, digit| code << 3 | u32::from(digit - b'0')));
    if let Some(code @ (0x09 | 0x0a | 0x1b | 0x20..=0x7e)) = octal {
        return character(run + 3, code);
    }
    let count = digits.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let space = usize::from(digits.get(count) == Some(&b' '));
    match hex(digits.get(..count)) {
        Some(code @ 0x20..=0x7e) => character(run + count + space, code),
        Some(code @ (0x09 | 0x0a)) if count == 6 => character(run + count + space, code),
        _ => collapsed(run),
    }
}

fn unicode(source: &[u8], run: usize) -> Escape {
    let Some(high) = hex(source.get(run + 1..run + 5)) else { return collapsed(run) };
    let length = run + 5;
    if (0xd800..0xdc00).contains(&high) {
        let rest = &source[length..];
        let slashes = rest.iter().take_while(|&&byte| byte == b'\\').count();
        if slashes > 0
            && rest.get(slashes) == Some(&b'u')
            && let Some(low @ 0xdc00..0xe000) = hex(rest.get(slashes + 1..slashes + 5))
        {
            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return character(length + slashes + 5, code);
        }
    }
    character(length, high)
}

fn entity(source: &[u8]) -> Escape {
    match source.get(1) {
        Some(b'#') => numeric_entity(source),
        Some(_) => named_entity(source),
        None => Escape::Literal(1),
    }
}

fn numeric_entity(source: &[u8]) -> Escape {
    let (radix, start) = if matches!(source.get(2), Some(b'x' | b'X')) { (16, 3) } else { (10, 2) };
    let digits = source[start.min(source.len())..].iter().take(ENTITY_DIGITS_MAX);
    let mut values = digits.map_while(|&byte| char::from(byte).to_digit(radix)).peekable();
    if values.peek().is_none() {
        return Escape::Literal(1);
    }
    let (count, code) =
        values.fold((0, 0_u32), |(count, code), digit| (count + 1, code.saturating_mul(radix).saturating_add(digit)));
    character(start + count + usize::from(source.get(start + count) == Some(&b';')), code)
}

/// Browsers read as many leading zeros as there are.
const ENTITY_DIGITS_MAX: usize = 256;

/// The entities that stand for ASCII or for space (HTML, section 13.5), with and without semicolon.
const NAMED: &[(&[u8], char)] = &[
    (b"quot", '"'),
    (b"QUOT", '"'),
    (b"amp", '&'),
    (b"AMP", '&'),
    (b"apos", '\''),
    (b"lt", '<'),
    (b"LT", '<'),
    (b"gt", '>'),
    (b"GT", '>'),
    (b"nbsp", ' '),
    (b"ensp", ' '),
    (b"emsp", ' '),
    (b"thinsp", ' '),
    (b"sol", '/'),
    (b"bsol", '\\'),
    (b"equals", '='),
    (b"colon", ':'),
    (b"semi", ';'),
    (b"commat", '@'),
    (b"lowbar", '_'),
    (b"hyphen", '-'),
    (b"dash", '-'),
    (b"UnderBar", '_'),
    (b"period", '.'),
    (b"comma", ','),
    (b"num", '#'),
    (b"percnt", '%'),
    (b"dollar", '$'),
    (b"excl", '!'),
    (b"quest", '?'),
    (b"ast", '*'),
    (b"midast", '*'),
    (b"plus", '+'),
    (b"lpar", '('),
    (b"rpar", ')'),
    (b"lsqb", '['),
    (b"lbrack", '['),
    (b"rsqb", ']'),
    (b"rbrack", ']'),
    (b"lcub", '{'),
    (b"lbrace", '{'),
    (b"rcub", '}'),
    (b"rbrace", '}'),
    (b"verbar", '|'),
    (b"vert", '|'),
    (b"grave", '`'),
    (b"Hat", '^'),
    (b"Tab", '\t'),
    (b"NewLine", '\n'),
    (b"shy", '\u{ad}'),
    (b"zwj", '\u{200d}'),
    (b"zwnj", '\u{200c}'),
    (b"lrm", '\u{200e}'),
    (b"rlm", '\u{200f}'),
    (b"ZeroWidthSpace", '\u{200b}'),
    (b"NegativeVeryThinSpace", '\u{200b}'),
    (b"NegativeThinSpace", '\u{200b}'),
    (b"NegativeMediumSpace", '\u{200b}'),
    (b"NegativeThickSpace", '\u{200b}'),
    (b"NoBreak", '\u{2060}'),
    (b"ApplyFunction", '\u{2061}'),
    (b"af", '\u{2061}'),
    (b"InvisibleTimes", '\u{2062}'),
    (b"it", '\u{2062}'),
    (b"InvisibleComma", '\u{2063}'),
    (b"ic", '\u{2063}'),
    (b"NonBreakingSpace", ' '),
    (b"ThinSpace", ' '),
    (b"VeryThinSpace", ' '),
    (b"hairsp", ' '),
    (b"MediumSpace", ' '),
    (b"numsp", ' '),
    (b"puncsp", ' '),
];

/// The longest of their names.
const NAME_MAX: usize = 24;

/// How often an ampersand may be escaped in turn.
const NESTED_MAX: usize = 16;

fn named_entity(source: &[u8]) -> Escape {
    let name = &source[1..];
    let length = name.iter().take(NAME_MAX).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let exact = NAMED.iter().find(|(known, _)| *known == &name[..length]);
    // Browsers also read `&nbspdef` as a space and `def`; only these old names may go without a semicolon.
    let found = exact.or_else(|| {
        let legacy = |known: &[u8]| matches!(known, b"quot" | b"amp" | b"lt" | b"gt" | b"nbsp" | b"shy");
        NAMED.iter().find(|(known, _)| legacy(known) && name.starts_with(known))
    });
    let Some((known, char)) = found else { return Escape::Literal(1) };
    let semicolon = usize::from(name.get(known.len()) == Some(&b';'));
    let mut length = 1 + known.len() + semicolon;
    if *char == '&' && semicolon == 1 {
        length += 4 * source[length..].chunks_exact(4).take(NESTED_MAX).take_while(|next| *next == b"amp;").count();
    }
    character(length, u32::from(*char))
}

fn percent(source: &[u8]) -> Escape {
    // What JavaScript's `escape` writes beyond latin-1 (ECMA-262 B.2.1.1).
    if let Some(code) = hex(source.get(2..6).filter(|_| matches!(source[1], b'u' | b'U'))) {
        return character(6, code);
    }
    match hex(source.get(1..3)) {
        Some(code @ (0x20..=0x7e | 0x09 | 0x0a)) => Escape::Char { length: 3, char: char::from(code as u8) },
        Some(0x0d) => Escape::Nothing(3),
        _ => Escape::Literal(1),
    }
}

/// `ESC [ parameters final` (ECMA-48 5.4), and what chooses a character set; the text of other sequences stays.
fn ansi(source: &[u8]) -> Escape {
    if matches!(source, [_, b'(' | b')', b'0' | b'A' | b'B' | b'J', ..]) {
        return Escape::Nothing(3);
    }
    if source.get(1) != Some(&b'[') {
        return Escape::Nothing(1);
    }
    let parameters = source[2..].iter().take(32).take_while(|byte| (0x20..=0x3f).contains(*byte)).count();
    Escape::Nothing((3 + parameters).min(source.len()))
}

/// The shifted sequence of UTF-7 at the `+` that `source` starts with: its length, and what it means. `+-` is a plus.
pub(super) fn utf7(source: &[u8]) -> (usize, String) {
    let digits =
        source[1..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')).count();
    let closed = usize::from(source.get(1 + digits) == Some(&b'-'));
    if digits == 0 {
        return (1 + closed, "+".to_owned());
    }
    let bytes = UTF7.decode(&source[1..1 + digits]).unwrap_or_default();
    let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    (1 + digits + closed, char::decode_utf16(units).filter_map(Result::ok).collect())
}

/// The base64 of RFC 2152: no padding, and bits left over at the end.
const UTF7: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Invisible characters say nothing; odd spaces are spaces, and odd line breaks breaks; everything else stays.
fn unusual(source: &[u8]) -> Escape {
    let length = match source[0] {
        0xc2 | 0xcd => 2,
        0xf3 => 4,
        _ => 3,
    };
    let decoded = source.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match decoded.and_then(|text| text.chars().next()).map(meaning) {
        Some(Some(char @ (' ' | '\n'))) => Escape::Char { length, char },
        Some(None) => Escape::Nothing(length),
        _ => Escape::Literal(1),
    }
}

/// What a reader sees of a character: a plain space, a line break, itself, or nothing (Unicode's
/// `Default_Ignorable_Code_Point`).
fn meaning(char: char) -> Option<char> {
    match char {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Some(' '),
        '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => None,
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => None,
        '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' => None,
        '\u{e0000}'..='\u{e0fff}' => None,
        other => Some(other),
    }
}

fn character(length: usize, code: u32) -> Escape {
    match char::from_u32(code).map(meaning) {
        Some(Some('\r')) => Escape::Char { length, char: '\n' },
        Some(Some(char)) => Escape::Char { length, char },
        Some(None) | None => Escape::Nothing(length),
    }
}

fn hex(digits: Option<&[u8]>) -> Option<u32> {
    digits?.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_special_means_itself() {
        for byte in (b' '..=u8::MAX).filter(|&byte| !is_special(byte)) {
            assert_eq!(decode(&[byte, b'n', b';'], false), Escape::Literal(1), "{byte}");
        }
    }

    proptest! {
        #[test]
        fn the_next_special_byte_is_found_from_anywhere(
            source in proptest::collection::vec(prop_oneof![9 => Just(b'a'), 1 => any::<u8>()], 0..300),
            ranges in proptest::collection::vec((0_usize..300, 0_usize..300), 9),
        ) {
            let mut specials = Specials::of(&source);
            for (start, end) in ranges {
                let end = end.min(source.len());
                let range = start.min(end)..end;
                let expected = source[range.clone()].iter().position(|&byte| is_special(byte));
                prop_assert_eq!(specials.next(range.clone()), expected.map_or(end, |at| range.start + at));
            }
            prop_assert_eq!(is_plain(&source), !source.iter().any(|&byte| is_special(byte)));
        }
    }
}
