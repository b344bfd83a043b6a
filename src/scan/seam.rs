//! Words in pieces: a highlighter puts every word and every sign in a span of its own, so that an anchor stands on the
//! page for every reader and nowhere in its bytes.

use memchr::{memchr, memmem, memrchr};

/// Elements that highlighters put words into.
const INLINE: [&[u8]; 16] = [
    b"span", b"font", b"b", b"i", b"u", b"em", b"strong", b"code", b"mark", b"var", b"kbd", b"tt", b"samp", b"a", b"s",
    b"q",
];

/// The longest of their names.
const NAME_MAX: usize = 6;

/// So many seams ...
const DENSE: usize = 16;

/// ... within so many bytes leave no word whole.
const WITHIN: usize = 40 * DENSE;

/// Bytes before the first of them that may belong to the words in pieces.
const BEFORE: usize = 512;

/// The text without tags from where seams are dense; `None` where they are nowhere.
pub(super) fn joined(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut places = [0; DENSE];
    let seams = memmem::find_iter(bytes, b"><").filter(|&at| is_seam(bytes, at));
    for (count, at) in seams.enumerate() {
        let earliest = std::mem::replace(&mut places[count % DENSE], at);
        if count >= DENSE && at - earliest < WITHIN {
            return Some(without_tags(&bytes[earliest.saturating_sub(BEFORE)..]));
        }
    }
    None
}

/// Whether one inline element ends at the `>` at `at` and another begins behind it.
fn is_seam(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[at.saturating_sub(NAME_MAX + 2)..at];
    let closed = memrchr(b'/', before).filter(|&slash| slash > 0 && before[slash - 1] == b'<');
    let Some(closed) = closed.map(|slash| &before[slash + 1..]) else { return false };
    let opened = &bytes[at + 2..];
    let letters = opened.iter().take(NAME_MAX + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
    is_inline(closed) && is_inline(&opened[..letters])
}

fn is_inline(name: &[u8]) -> bool {
    INLINE.iter().any(|inline| inline.eq_ignore_ascii_case(name))
}

/// The text between tags. A `<` that begins no tag stays.
fn without_tags(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() / 2);
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
    text
}

#[cfg(test)]
mod tests {
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
    fn a_few_spans_leave_most_words_whole() {
        let line = format!("<span>a</span><span>b</span>{}", "The words of a sentence. ".repeat(30));
        assert_eq!(joined(line.repeat(40).as_bytes()), None);
    }
}
