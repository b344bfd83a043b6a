//! Recognising a tag where a reader's browser would: enough of HTML to strip mark-up, not a parser. What stands between
//! angle brackets and does not look like a name with attributes stays text, so that nothing hides there.

use std::ops::Range;

use memchr::{memchr, memchr2, memmem, memrchr_iter};

/// The longest tag that is stripped; longer ones stay text and are searched as such.
const TAG_MAX: usize = 4096;

/// A tag, comment mark or declaration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// Where the text goes on.
    pub(super) end: usize,
    /// Whether it goes on in a new line.
    pub(super) breaks_line: bool,
}

/// Attribute values shorter than this hold no leak and are left out.
const VALUE_MIN: usize = 8;

/// The tag that starts with the `<` at `at`, if it is one.
pub(super) fn at(source: &[u8], at: usize) -> Option<Tag> {
    read(source, at, &mut Vec::new())
}

/// Values of attributes may hold tags; more of them are not looked through.
const MARKS_MAX: usize = 4;

/// Bytes before a place in which its tag is looked for.
const AROUND_MAX: usize = TAG_MAX / 2;

/// Where the outermost tag begins that the byte at `at` stands in.
pub(super) fn around(source: &[u8], at: usize) -> Option<usize> {
    let from = at.saturating_sub(AROUND_MAX);
    let marks = memrchr_iter(b'<', &source[from..at]).take(MARKS_MAX).map(|mark| from + mark);
    marks.filter(|&mark| self::at(source, mark).is_some_and(|tag| tag.end > at)).last()
}

/// As [`at`]; appends the ranges of its attributes' values, quotes left out, to `values`.
pub(super) fn read(source: &[u8], at: usize, values: &mut Vec<Range<usize>>) -> Option<Tag> {
    let rest = &source[at + 1..];
    if matches!(rest.first(), Some(b'!' | b'?')) {
        return declaration(source, at, values);
    }
    // JSON may write the slash of a closing tag with a backslash.
    let slashes = rest.iter().take_while(|&&byte| byte == b'\\').count();
    let closing = if rest.get(slashes) == Some(&b'/') { slashes + 1 } else { 0 };
    let name = name(&rest[closing..])?;
    let behind_name = &rest[closing + name.len()..];
    if behind_name.first() == Some(&b'>') {
        return Some(Tag { end: at + 1 + closing + name.len() + 1, breaks_line: breaks_line(name) });
    }
    if closing == 0 && prints_an_object(behind_name) {
        return None;
    }
    let end = attributes_end(source, at + 1 + closing + name.len(), values)?;
    Some(Tag { end, breaks_line: breaks_line(name) })
}

/// Comments that say nothing: libraries part the pieces of a text with them.
const EMPTY: [&[u8]; 2] = [b"!-- -->", b"!---->"];

/// Marks whose text is read on: of comments, of sections, of code.
const MARKS: [&[u8]; 6] = [b"!--", b"![CDATA[", b"![", b"?php", b"?=", b"?"];

fn declaration(source: &[u8], at: usize, values: &mut Vec<Range<usize>>) -> Option<Tag> {
    let rest = &source[at + 1..];
    let is = |name: &[u8]| rest.get(1..=name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    if is(b"doctype") {
        return doctype_end(rest).map(|end| Tag { end: at + 1 + end, breaks_line: false });
    }
    if is(b"xml") && rest[0] == b'?' {
        let name = rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        let end = attributes_end(source, at + 1 + name, values);
        return end.map(|end| Tag { end, breaks_line: false });
    }
    if let Some(comment) = EMPTY.iter().find(|comment| rest.starts_with(comment)) {
        return Some(Tag { end: at + 1 + comment.len(), breaks_line: false });
    }
    let mark = MARKS.iter().find(|mark| rest.starts_with(mark))?;
    Some(Tag { end: at + 1 + mark.len(), breaks_line: true })
}

/// The longest declaration that names nothing but a document type; one with more in it stays text.
const DOCTYPE_MAX: usize = 256;

/// What the names of document types and the addresses of their definitions begin with.
const DEFINITIONS: [&[u8]; 4] = [b"-//", b"http", b"about:", b"ISO"];

fn doctype_end(rest: &[u8]) -> Option<usize> {
    let end = memchr(b'>', &rest[..rest.len().min(DOCTYPE_MAX)])?;
    let mut parts = rest[1..end].split(|&byte| byte == b'"').enumerate();
    let plain = parts.all(|(index, part)| match index % 2 {
        0 => part.iter().all(|byte| byte.is_ascii_alphabetic() || byte.is_ascii_whitespace()),
        _ => DEFINITIONS.iter().any(|start| part.starts_with(start)) && memchr2(b'@', b'?', part).is_none(),
    });
    plain.then_some(end + 1)
}

/// The name of an element at the start of `rest`; nothing else may stand behind it than a tag goes on with.
fn name(rest: &[u8]) -> Option<&[u8]> {
    let limited = &rest[..rest.len().min(NAME_LIMIT)];
    let is_part = |&byte: &u8| KINDS[usize::from(byte)] & ELEMENT != 0;
    let name = &rest[..limited.iter().position(|byte| !is_part(byte)).unwrap_or(limited.len())];
    let goes_on = matches!(rest.get(name.len())?, b'>' | b'/' | b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b'\\');
    let is_address = name.ends_with(b":");
    (name.first()?.is_ascii_alphabetic() && goes_on && !is_address && !carries_data(name)).then_some(name)
}

/// Longer names are none.
const NAME_LIMIT: usize = 64;

/// Where an attribute's value stands, and where the tag goes on behind it.
struct Attribute {
    value: Range<usize>,
    end: usize,
}

/// Where the text goes on behind the tag whose attributes begin at `start`, if they stand before its `>` and nothing
/// else does. Appends the ranges of their values to `values`.
fn attributes_end(source: &[u8], start: usize, values: &mut Vec<Range<usize>>) -> Option<usize> {
    let inside = &source[..source.len().min(start + TAG_MAX)];
    let before = values.len();
    let end = walk(inside, start, |value| values.extend((value.len() >= VALUE_MIN).then_some(value)));
    if end.is_none() {
        values.truncate(before);
    }
    end
}

fn walk(inside: &[u8], start: usize, mut value: impl FnMut(Range<usize>)) -> Option<usize> {
    let mut at = start;
    loop {
        at = attribute_start(inside, at);
        if *inside.get(at)? == b'>' {
            return Some(at + 1);
        }
        let attribute = attribute(inside, at)?;
        value(attribute.value);
        at = attribute.end;
    }
}

/// Skips what stands between attributes: space, the slash of an empty element, the question mark of a declaration, and
/// line breaks where the whole page is a string of JSON.
fn attribute_start(rest: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = rest.get(at) {
        at += match byte {
            _ if KINDS[usize::from(byte)] & SPACE != 0 => 1,
            b'?' if rest.get(at + 1) == Some(&b'>') => 1,
            b'\\' => match rest.get(at + 1) {
                Some(b'n' | b't' | b'r') => 2,
                Some(b'/') => 1,
                _ => break,
            },
            _ => break,
        };
    }
    at
}

/// The attribute at `at`, if its name is one. A value in quotes may hold any byte, nothing else a `<`.
fn attribute(rest: &[u8], at: usize) -> Option<Attribute> {
    let end = name_end(rest, at)?;
    let equals = skip_space(rest, end);
    if rest.get(equals) != Some(&b'=') {
        return Some(Attribute { value: end..end, end });
    }
    let start = skip_space(rest, equals + 1);
    let slashes = rest[start..].iter().take_while(|&&byte| byte == b'\\').count();
    if let Some(b'"' | b'\'') = rest.get(start + slashes) {
        let quote = &rest[start..=start + slashes];
        let from = start + quote.len();
        let length = find(quote, &rest[from..])?;
        return Some(Attribute { value: from..from + length, end: from + length + quote.len() });
    }
    let length = rest[start..].iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'<'))?;
    (rest[start + length] != b'<').then_some(Attribute { value: start..start + length, end: start + length })
}

/// Most values are too short for a search that prepares itself: so many times eight bytes are looked at first.
const NEAR: usize = 4;

fn find(quote: &[u8], text: &[u8]) -> Option<usize> {
    const LOW: u64 = u64::from_ne_bytes([1; 8]);
    let &[mark] = quote else { return memmem::find(text, quote) };
    let (eights, _) = text.as_chunks::<8>();
    for (index, eight) in eights.iter().take(NEAR).enumerate() {
        let unlike = u64::from_le_bytes(*eight) ^ (LOW * u64::from(mark));
        // The lowest bit that is set tells of the first byte that is zero.
        let zeros = unlike.wrapping_sub(LOW) & !unlike & (LOW << 7);
        if zeros != 0 {
            return Some(8 * index + zeros.trailing_zeros() as usize / 8);
        }
    }
    let near = 8 * eights.len().min(NEAR);
    Some(near + memchr(mark, &text[near..])?)
}

fn skip_space(rest: &[u8], at: usize) -> usize {
    at + rest[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Where the name at `at` ends, if it is what HTML, XML and the templates of frameworks call attributes (`@click.stop`,
/// `[(model)]`, `v-slot:a`), and not a word of text, a setting or a secret.
fn name_end(rest: &[u8], at: usize) -> Option<usize> {
    let first = KINDS[usize::from(*rest.get(at)?)];
    let (mut end, mut any, mut each) = (at + 1, first, PART);
    loop {
        let kinds = KINDS[usize::from(*rest.get(end)?)];
        if kinds & ENDS_NAME != 0 {
            break;
        }
        (any, each, end) = (any | kinds, each & kinds, end + 1);
    }
    let name = &rest[at..end];
    // Which kinds are in it at all tells most names from what is asked next.
    let is_name = name.len() <= NAME_LIMIT
        && first & BEGINS != 0
        && each & PART != 0
        && !(any & UPPER != 0 && any & LOWER == 0 && is_setting(name))
        && !(any & DIGIT != 0 && carries_data(name));
    is_name.then_some(end)
}

/// What a byte may be in a tag, a bit each: part of an element's name; of an attribute's, or its first; its end; a letter or
/// a digit; what stands between attributes.
const ELEMENT: u8 = 1;
const PART: u8 = 1 << 1;
const BEGINS: u8 = 1 << 2;
const ENDS_NAME: u8 = 1 << 3;
const UPPER: u8 = 1 << 4;
const LOWER: u8 = 1 << 5;
const DIGIT: u8 = 1 << 6;
const SPACE: u8 = 1 << 7;

static KINDS: [u8; 256] = {
    let (mut table, mut byte) = ([0; 256], 0);
    while byte < table.len() {
        table[byte] = kinds(byte as u8);
        byte += 1;
    }
    table
};

const fn kinds(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => ELEMENT | PART | BEGINS | UPPER,
        b'a'..=b'z' => ELEMENT | PART | BEGINS | LOWER,
        b'0'..=b'9' => ELEMENT | PART | DIGIT,
        b'_' | b':' => ELEMENT | PART | BEGINS,
        b'.' | b'-' => ELEMENT | PART,
        b'(' | b'[' | b'{' | b'$' => PART | BEGINS,
        b')' | b']' | b'}' | b'|' | b'!' | b'?' => PART,
        b'@' | b'#' | b'*' => BEGINS,
        b'=' | b'>' | b'<' | b'"' | b'\'' => ENDS_NAME,
        b'/' => ENDS_NAME | SPACE,
        _ if byte.is_ascii_whitespace() => ENDS_NAME | SPACE,
        _ => 0,
    }
}

/// `DB_PASSWORD`
fn is_setting(name: &[u8]) -> bool {
    memchr(b'_', name).is_some_and(|at| at > 0)
}

/// Letters and digits without a separator, at least so many, ...
const DATA_MIN: usize = 12;

/// ... that change between letters and digits so often, are no name.
const DATA_CHANGES: usize = 3;

fn carries_data(name: &[u8]) -> bool {
    if name.len() < DATA_MIN {
        return false;
    }
    name.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| word.len() >= DATA_MIN).any(|word| {
        let pairs = word.iter().zip(&word[1..]);
        pairs.filter(|(one, next)| one.is_ascii_digit() != next.is_ascii_digit()).count() >= DATA_CHANGES
    })
}

/// Whether the text goes on in a new line behind a tag of this name, in any case.
fn breaks_line(name: &[u8]) -> bool {
    let begins_one = BREAKING.starts[name.len().min(STARTS - 1)] >> (name.first().unwrap_or(&b'a') & 31) & 1 == 1;
    begins_one && BREAKING.names.iter().any(|breaking| name.eq_ignore_ascii_case(breaking))
}

/// Names of elements, and with which letters those of a length begin: a bit each.
struct Names<const COUNT: usize> {
    names: [&'static [u8]; COUNT],
    starts: [u32; STARTS],
}

/// More than the length of the longest of the names.
const STARTS: usize = 12;

static BREAKING: Names<36> = names([
    b"p",
    b"br",
    b"hr",
    b"li",
    b"ul",
    b"ol",
    b"dl",
    b"dt",
    b"dd",
    b"tr",
    b"td",
    b"th",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"div",
    b"pre",
    b"nav",
    b"head",
    b"body",
    b"form",
    b"main",
    b"title",
    b"table",
    b"style",
    b"script",
    b"header",
    b"footer",
    b"option",
    b"section",
    b"article",
    b"textarea",
    b"blockquote",
]);

const fn names<const COUNT: usize>(names: [&'static [u8]; COUNT]) -> Names<COUNT> {
    let (mut starts, mut index) = ([0; STARTS], 0);
    while index < COUNT {
        starts[names[index].len()] |= 1 << (names[index][0] & 31);
        index += 1;
    }
    Names { names, starts }
}

/// `<Config {'SECRET_KEY': …}>`, `<Request 'http://…' [GET]>`: how Python prints objects. No attribute begins so.
fn prints_an_object(behind_name: &[u8]) -> bool {
    let blanks = behind_name.iter().take_while(|byte| **byte == b' ').count();
    blanks > 0 && matches!(behind_name.get(blanks), Some(b'{' | b'[' | b'(' | b'"' | b'\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_tag(text: &str) -> bool {
        at(text.as_bytes(), 0).is_some_and(|tag| tag.end == text.len())
    }

    fn values(text: &str) -> Vec<&str> {
        let mut values = Vec::new();
        read(text.as_bytes(), 0, &mut values).unwrap();
        values.into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn a_place_in_a_tag_is_told_from_one_behind_a_comparison() {
        assert_eq!(around(b"a <b title=\"KEY\"> c", 12), Some(2));
        assert_eq!(around(b"if a <b and KEY", 12), None);
        assert_eq!(around(b"<i>x</i> KEY", 9), None);
        assert_eq!(around(b"x <a b=\"<c KEY>\">", 11), Some(2));
    }

    #[test]
    fn tags_of_pages_and_of_templates_are_tags() {
        for tag in [
            "<br/>",
            "</div>",
            "<TABLE BORDER=0>",
            "<input disabled value = 'a > b'>",
            "<div data-v-7ba5bd90 class=\"a b\">",
            "<li @click.prevent=\"f\" :key=\"i\" #default v-slot:[name] *ngFor=\"let a of b\" [(model)]=\"x\">",
            "<svg viewBox=\"0 0 1 1\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">",
            "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">",
            "<?xml version=\"1.0\" encoding='utf-8'?>",
            "<a href=\\\"/x y\\\" title=\\\"b\\\">",
            "<span\\n  class=\\\"k\\\">",
            "<\\/b>",
            "<!-- -->",
        ] {
            assert!(is_tag(tag), "{tag}");
        }
    }

    #[test]
    fn text_in_angle_brackets_is_text() {
        for text in [
            "<a -----BEGIN RSA PRIVATE KEY----- >",
            "<a AKIAVKQ3TZ7LM2WXR5NB>",
            "<b and DB_PASSWORD=x>",
            "<a File \"/srv/app.py\", line 1>",
            "<Engine(postgres://u:p@h/db)>",
            "<anna@example.org>",
            "<https://u:p@h/>",
            "<AKIAVKQ3TZ7LM2WXR5NB>",
            "<!DOCTYPE html SYSTEM postgres://u:p@h/db>",
            "<!DOCTYPE html \"postgres://u:p@h/db\">",
            "<Map<String>",
            "<a b=\"c>",
            "<String, Object>",
        ] {
            assert!(!is_tag(text), "{text}");
        }
        for (text, mark) in [("<?php $a = 'x'; ?>", 5), ("<?= $a ?>", 3), ("<![if $a]>", 3), ("<!-- a -->", 4)] {
            assert_eq!(at(text.as_bytes(), 0).unwrap().end, mark);
        }
    }

    #[test]
    fn values_are_found_in_every_kind_of_quotes_and_in_none() {
        let tag = "<a b=\"one two three four\" e = 'five six' g= seventeen i j=eighteen/ s=short l=\\\"nine ten\\\">";
        assert_eq!(values(tag), ["one two three four", "five six", "seventeen", "eighteen/", "nine ten"]);
        assert_eq!(values("<?xml version='1.0' note=\"a long one\"?>"), ["a long one"]);
        assert_eq!(read(b"<a b='a long one' <", 0, &mut Vec::new()), None);
    }
}
