//! Words in pieces: a highlighter puts every word and every sign in a span of its own, so that an anchor stands on the
//! page for every reader and nowhere in its bytes.

use std::sync::LazyLock;

use memchr::{memchr, memmem::Finder};

/// Where one span ends and the next begins.
static SEAM: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("</span><span"));

/// So many seams ...
const DENSE: usize = 16;

/// ... within so many bytes leave no word whole.
const WITHIN: usize = 40 * DENSE;

/// Bytes before the first of them that may belong to the words in pieces.
const BEFORE: usize = 512;

/// The text without tags from where seams are dense; `None` where they are nowhere.
pub(super) fn joined(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut places = [0; DENSE];
    for (count, at) in SEAM.find_iter(bytes).enumerate() {
        let earliest = std::mem::replace(&mut places[count % DENSE], at);
        if count >= DENSE && at - earliest < WITHIN {
            return Some(without_tags(&bytes[earliest.saturating_sub(BEFORE)..]));
        }
    }
    None
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
    fn a_few_spans_leave_most_words_whole() {
        let line = format!("<span>a</span><span>b</span>{}", "The words of a sentence. ".repeat(30));
        assert_eq!(joined(line.repeat(40).as_bytes()), None);
    }
}
