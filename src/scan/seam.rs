//! Words in pieces: a highlighter puts every word and every sign in a span of its own, so that an anchor stands on the
//! page for every reader and nowhere in its bytes.

use std::ops::Range;

use memchr::memchr;

/// Seams of two spans, in ascending order.
#[derive(Debug, Default)]
pub(super) struct Seams {
    /// Places of the last ones, in a ring.
    places: [usize; Self::DENSE],
    count: usize,
    /// From the first to the last place where they were dense.
    dense: Option<Range<usize>>,
}

impl Seams {
    /// So many seams ...
    const DENSE: usize = 16;

    /// ... within so many bytes leave no word whole.
    const WITHIN: usize = 40 * Self::DENSE;

    /// Bytes on both sides of seams that may belong to the words in pieces.
    const AROUND: usize = 512;

    /// Takes the next seam.
    pub(super) fn take(&mut self, at: usize) {
        let slot = self.count % Self::DENSE;
        let earliest = self.places[slot];
        if self.count >= Self::DENSE && at - earliest < Self::WITHIN {
            self.dense.get_or_insert(earliest..at).end = at;
        }
        self.places[slot] = at;
        self.count += 1;
    }

    /// Where seams are dense, the text without tags.
    pub(super) fn dense(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let dense = self.dense.clone()?;
        let around = dense.start.saturating_sub(Self::AROUND)..bytes.len().min(dense.end + Self::AROUND);
        Some(without_tags(&bytes[around]))
    }
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
    use super::*;

    fn seams(bytes: &[u8]) -> Option<String> {
        let mut seams = Seams::default();
        memchr::memmem::find_iter(bytes, b"</span><span").for_each(|at| seams.take(at));
        seams.dense(bytes).map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn words_of_many_spans_are_joined() {
        let page = format!("<pre>{}</pre> a < b", "<span class=k>Trace</span><span>back </span>".repeat(20));
        assert_eq!(seams(page.as_bytes()).unwrap(), format!("{} a < b", "Traceback ".repeat(20)));
    }

    #[test]
    fn a_few_spans_leave_most_words_whole() {
        let line = format!("<span>a</span><span>b</span>{}", "The words of a sentence. ".repeat(30));
        assert_eq!(seams(line.repeat(40).as_bytes()), None);
    }
}
