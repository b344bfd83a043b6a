//! What an incident tells of a page, read off its text: the first group of a regex.

use std::ops::Range;

use super::Pattern;

/// What a source begins with that means the last place where the rest of it matches.
const TO_THE_LAST: &str = "(?s).*";

/// Bytes of a text that are looked at before all of it.
const END: usize = 1024;

/// A regex whose first group is read.
#[derive(Debug)]
pub struct Extract {
    pattern: Pattern,
    /// The last match counts, not the first. As part of the regex that would make every match as long as the page, for
    /// which there are no groups but by simulating the automaton: a thousand instructions a byte.
    last: bool,
}

impl Extract {
    /// Checks that `source` parses.
    ///
    /// # Errors
    /// The parser's message, on one line.
    pub fn new(source: &str) -> Result<Self, String> {
        // The beginning of an alternative is not that of the others.
        match source.strip_prefix(TO_THE_LAST).filter(|rest| !rest.contains('|')) {
            Some(rest) => Ok(Self { pattern: Pattern::new(&format!("(?s){rest}"))?, last: true }),
            None => Ok(Self { pattern: Pattern::new(source)?, last: false }),
        }
    }

    /// The text of the first group that took part.
    pub fn read<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let found = if self.last { self.last_match(text)? } else { self.pattern.first_match(text, 0)? };
        self.pattern.first_group(text, found)
    }

    /// The match that begins last, in another or behind it. Mostly it does so near the end.
    fn last_match(&self, text: &[u8]) -> Option<Range<usize>> {
        let next = |found: &Range<usize>| self.pattern.first_match(text, found.start + 1);
        let last_from = |start| std::iter::successors(self.pattern.first_match(text, start), next).last();
        last_from(text.len().saturating_sub(END)).or_else(|| last_from(0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::{PACKS, parse_pack};

    fn read<'t>(source: &str, text: &'t str) -> Option<&'t str> {
        Extract::new(source).unwrap().read(text.as_bytes()).map(|group| std::str::from_utf8(group).unwrap())
    }

    #[test]
    fn the_first_group_of_the_first_match_is_read() {
        assert_eq!(read(r"(\w+)Error|at (\d)", "at 1 KeyError at 2"), Some("1"));
        assert_eq!(read(r"(\w+)Error", "at 1"), None);
        assert_eq!(read(r"^b(.)", "ab\nbc"), Some("c"));
    }

    #[test]
    fn the_last_match_is_the_one_that_begins_last() {
        let source = r#"(?s).*File "([^"\n]{1,9})", line"#;
        assert_eq!(read(source, "File \"a\", line 1\nFile \"b\", line 2\nFile \"c\", column"), Some("b"));
        assert_eq!(read("(?s).*(a.{1,3})", "aaaa\nb"), Some("a\nb"));
        assert_eq!(read(source, "File a"), None);
        assert_eq!(read("(?s).*(a)|b(c)", "a a bc"), Some("a"), "an alternative keeps its own beginning");
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_by_the_whole_regex(pieces in proptest::collection::vec(0..8_usize, 0..900)) {
            let pieces = pieces.into_iter().map(|piece| ["File \"", "\"", "a", ", line ", "\n", "  ", "7", "/b.py"][piece]);
            let text: String = pieces.collect();
            let sources = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap());
            let sources = sources.flat_map(|rule| [rule.extract.file, rule.extract.line]).flatten();
            for source in sources.filter(|source| source.starts_with(TO_THE_LAST)) {
                let whole = Extract { pattern: Pattern::new(&source).unwrap(), last: false };
                prop_assert_eq!(Extract::new(&source).unwrap().read(text.as_bytes()), whole.read(text.as_bytes()));
            }
        }
    }
}
