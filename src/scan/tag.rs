//! Recognising a tag where a reader's browser would: enough of HTML to strip mark-up, not a parser.

use std::ops::Range;

use memchr::memchr;

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

/// The tag that starts with the `<` at `at`, if it is one.
pub(super) fn at(source: &[u8], at: usize) -> Option<Tag> {
    let rest = &source[at + 1..];
    for mark in [b"!--".as_slice(), b"![CDATA["] {
        if rest.starts_with(mark) {
            return Some(Tag { end: at + 1 + mark.len(), breaks_line: true });
        }
    }
    let closing = usize::from(rest.first() == Some(&b'/'));
    let lead = rest.get(closing)?;
    if !lead.is_ascii_alphabetic() && (closing > 0 || !matches!(lead, b'!' | b'?')) {
        return None;
    }
    let name = &rest[closing..];
    let name = &name[..name.iter().take(16).take_while(|byte| byte.is_ascii_alphanumeric()).count()];
    let behind_name = &rest[closing + name.len()..];
    if closing == 0 && (behind_name.starts_with(b"://") || prints_an_object(behind_name)) {
        return None;
    }
    let length = tag_length(&rest[..rest.len().min(TAG_MAX)])?;
    Some(Tag { end: at + 1 + length, breaks_line: breaks_line(name) })
}

/// The longest name of a tag that [`breaks_line`] knows.
const NAME_MAX: usize = 10;

/// Whether the text goes on in a new line behind a tag of this name, in any case.
fn breaks_line(name: &[u8]) -> bool {
    let mut lower = [0; NAME_MAX];
    let Some(lower) = lower.get_mut(..name.len()) else { return false };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"p" | b"br"
            | b"hr"
            | b"li"
            | b"ul"
            | b"ol"
            | b"dl"
            | b"dt"
            | b"dd"
            | b"tr"
            | b"td"
            | b"th"
            | b"h1"
            | b"h2"
            | b"h3"
            | b"h4"
            | b"h5"
            | b"h6"
            | b"div"
            | b"pre"
            | b"nav"
            | b"head"
            | b"body"
            | b"form"
            | b"main"
            | b"title"
            | b"table"
            | b"style"
            | b"script"
            | b"header"
            | b"footer"
            | b"option"
            | b"section"
            | b"article"
            | b"textarea"
            | b"blockquote"
    )
}

/// `<Config {'SECRET_KEY': …}>`, `<Request 'http://…' [GET]>`: how Python prints objects. No attribute begins so.
fn prints_an_object(behind_name: &[u8]) -> bool {
    let blanks = behind_name.iter().take_while(|byte| **byte == b' ').count();
    blanks > 0 && matches!(behind_name.get(blanks), Some(b'{' | b'[' | b'(' | b'"' | b'\''))
}

/// Bytes up to and with the `>` that ends the tag: quoted attribute values may hold any byte, nothing else a `<`.
fn tag_length(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += rest[at..].iter().position(|byte| matches!(byte, b'>' | b'<' | b'"' | b'\'' | b'='))?;
        match rest[at] {
            b'>' => return Some(at + 1),
            b'<' => return None,
            b'=' if matches!(rest.get(at + 1), Some(b'"' | b'\'')) => {
                at += 2 + memchr(rest[at + 1], &rest[at + 2..])? + 1;
            }
            _ => at += 1,
        }
        if at >= rest.len() {
            return None;
        }
    }
}

/// Calls `found` with the range of every attribute value of the tag `tag` of `source`, quotes left out.
pub(super) fn attribute_values(source: &[u8], tag: Range<usize>, mut found: impl FnMut(Range<usize>)) {
    let mut at = tag.start;
    while let Some(equals) = memchr(b'=', &source[at..tag.end]) {
        let start = at + equals + 1;
        at = match source[start] {
            quote @ (b'"' | b'\'') => {
                let length = memchr(quote, &source[start + 1..tag.end]).unwrap_or(tag.end - start - 1);
                found(start + 1..start + 1 + length);
                (start + 2 + length).min(tag.end)
            }
            _ => {
                let value =
                    source[start..tag.end].iter().take_while(|byte| !byte.is_ascii_whitespace() && **byte != b'>');
                let length = value.count();
                found(start..start + length);
                start + length
            }
        };
    }
}
