//! How much a text reads like something a person wrote for people: the counterweight of evidence below status 400.
//! Documentation quotes tracebacks; error pages do not explain themselves in paragraphs.

use crate::scan::places::{BLOCK, places};

/// What the text of a page looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prose {
    /// Words: runs of two or more letters.
    pub words: u32,
    /// Sentences of at least [`SENTENCE_WORDS`] words that end in `.`, `!` or `?`.
    pub sentences: u32,
}

/// Shorter ones are labels.
const SENTENCE_WORDS: u32 = 6;

/// A sentence goes on in the next line if its line is at least this long, in bytes: wrapped text, not labels.
const WRAPPED: usize = 40;

impl Prose {
    /// Counts in `text`, a text view.
    pub fn of(text: &[u8]) -> Self {
        let mut prose = Self::default();
        let mut unfinished = 0;
        let mut rest = Some(text);
        while let Some(text) = rest {
            let end = memchr::memchr(b'\n', text);
            let line = &text[..end.unwrap_or(text.len())];
            unfinished = if is_code(line) { 0 } else { prose.add_line(line, unfinished) };
            rest = end.map(|end| &text[end + 1..]);
        }
        prose
    }

    /// The sum of two stretches.
    pub fn and(self, other: Self) -> Self {
        Self { words: self.words + other.words, sentences: self.sentences + other.sentences }
    }

    /// Adds a line that goes on with a sentence of `unfinished` words; returns how many words the next one does.
    fn add_line(&mut self, line: &[u8], unfinished: u32) -> u32 {
        let (mut sentence, mut word) = (unfinished, Word::default());
        for block in line.chunks(BLOCK) {
            let (letters, blanks) = (places(block, is_letter), places(block, is_blank));
            let mut at = 0;
            while at < block.len() {
                let end = block.len().min(at + (blanks >> at).trailing_zeros() as usize);
                word.grow(&block[at..end], letters >> at);
                if end < block.len() {
                    self.end_word(&std::mem::take(&mut word), &mut sentence);
                }
                at = end + 1;
            }
        }
        self.end_word(&word, &mut sentence);
        if line.len() >= WRAPPED { sentence } else { 0 }
    }

    fn end_word(&mut self, word: &Word, sentence: &mut u32) {
        if word.letters >= 2 && word.letters * 4 >= word.length * 3 {
            self.words += 1;
            *sentence += 1;
        }
        if matches!(word.last, b'.' | b'!' | b'?') {
            self.sentences += u32::from(*sentence >= SENTENCE_WORDS);
            *sentence = 0;
        }
    }
}

/// What has been read of a word. Between two blanks may be nothing.
#[derive(Default)]
struct Word {
    length: u32,
    letters: u32,
    last: u8,
}

impl Word {
    /// Adds a piece of at most 64 bytes, of which `letters` tells the letters.
    fn grow(&mut self, piece: &[u8], letters: u64) {
        let Some(&last) = piece.last() else { return };
        self.last = last;
        self.length += piece.len() as u32;
        self.letters += (letters & u64::MAX >> (BLOCK - piece.len())).count_ones();
    }
}

fn is_blank(byte: u8) -> bool {
    (byte == b' ') | (byte == b'\t')
}

/// Letters of ASCII, and whatever other letters are made of.
fn is_letter(byte: u8) -> bool {
    ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte >= 0x80)
}

/// What code is full of and prose is not: `{}();=<>[]_$#|\`.
fn is_mark(byte: u8) -> bool {
    let bracket = (byte | 0x20).wrapping_sub(b'{') < 3;
    let sign = (byte.wrapping_sub(b';') < 4) | (byte.wrapping_sub(b'#') < 2) | (byte.wrapping_sub(b'(') < 2);
    bracket | sign | (byte == b'_')
}

/// Lines of code and traces do not count, however many words they have.
fn is_code(line: &[u8]) -> bool {
    let marks: u32 = line.chunks(BLOCK).map(|block| places(block, is_mark).count_ones()).sum();
    marks as usize * 12 > line.len() || (line.starts_with(b"    ") && marks > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_all_other_bytes() {
        let marks: Vec<u8> = (0..=u8::MAX).filter(|&byte| is_mark(byte)).collect();
        assert_eq!(marks, b"#$();<=>[\\]_{|}");
    }

    #[test]
    fn a_word_is_counted_whole_wherever_it_stands_in_its_line() {
        for before in 0..200 {
            let line = format!("{} the internationalisation of all these pages 4711\u{e9}. -", "-".repeat(before));
            assert_eq!(Prose::of(line.as_bytes()), Prose { words: 6, sentences: 1 }, "{before}");
        }
    }

    #[test]
    fn paragraphs_are_prose_and_traces_are_not() {
        let paragraph =
            b"When the server meets an exception it prints the stack. You can read it from the bottom to the top.";
        assert_eq!(Prose::of(paragraph).sentences, 2);
        let wrapped = b"When the server meets an exception it prints\nthe stack. Home\nNews\nContact us.";
        assert_eq!(Prose::of(wrapped).sentences, 1);
        let trace =
            b"  File \"/srv/app.py\", line 3, in main\n    return run(config, dsn=\"x\")\nValueError: bad value.";
        assert_eq!(Prose::of(trace).sentences, 0);
    }
}
