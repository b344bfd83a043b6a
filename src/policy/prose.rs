//! How much a text reads like something a person wrote for people: the counterweight of evidence below status 400.
//! Documentation quotes tracebacks; error pages do not explain themselves in paragraphs.

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

/// More words and sentences than these change no verdict, and are not counted.
pub(super) const ENOUGH: Prose = Prose { words: 200, sentences: 200 };

impl Prose {
    /// Counts in `text`, a text view.
    pub fn of(text: &[u8]) -> Self {
        Self::default().and(text)
    }

    /// Counts on in the text that follows, up to [`ENOUGH`].
    #[must_use]
    pub fn and(mut self, text: &[u8]) -> Self {
        let mut line = Line::default();
        let (mut line_start, mut word_start, mut kinds) = (0, 0, 0);
        for (at, &byte) in text.iter().enumerate() {
            let kind = KINDS[usize::from(byte)];
            kinds += kind & !BLANK;
            if kind & BLANK != 0 {
                line.add_word(&text[word_start..at], std::mem::take(&mut kinds));
                word_start = at + 1;
                if byte == b'\n' {
                    if self.is_enough() {
                        return self;
                    }
                    line = self.add_line(&text[line_start..at], &line);
                    line_start = at + 1;
                }
            }
        }
        line.add_word(&text[word_start..], kinds);
        self.add_line(&text[line_start..], &line);
        self
    }

    fn is_enough(self) -> bool {
        self.words >= ENOUGH.words && self.sentences >= ENOUGH.sentences
    }

    /// Adds a line, unless it is code; returns the next one, which may go on with its sentence.
    fn add_line(&mut self, text: &[u8], line: &Line) -> Line {
        if is_code(text, line.marks) {
            return Line::default();
        }
        self.words += line.prose.words;
        self.sentences += line.prose.sentences;
        Line { unfinished: if text.len() >= WRAPPED { line.unfinished } else { 0 }, ..Line::default() }
    }
}

/// What was counted in a line so far.
#[derive(Default)]
struct Line {
    prose: Prose,
    marks: u64,
    /// Words since the end of the last sentence.
    unfinished: u32,
}

impl Line {
    /// Adds what stands between two blanks, of which the kinds were summed up.
    #[inline]
    fn add_word(&mut self, word: &[u8], kinds: u64) {
        let Some(last) = word.last() else { return };
        self.marks += kinds / MARK;
        let letters = (kinds % MARK) as usize;
        let is_word = u32::from(letters >= 2 && letters * 4 >= word.len() * 3);
        self.prose.words += is_word;
        self.unfinished += is_word;
        if matches!(last, b'.' | b'!' | b'?') {
            self.prose.sentences += u32::from(self.unfinished >= SENTENCE_WORDS);
            self.unfinished = 0;
        }
    }
}

/// Lines of code and traces do not count, however many words they have.
fn is_code(line: &[u8], marks: u64) -> bool {
    marks * 12 > line.len() as u64 || (line.starts_with(b"    ") && marks > 0)
}

/// Letters of ASCII, and whatever other letters are made of.
const LETTER: u64 = 1;

/// What code is full of and prose is not.
const MARK: u64 = 1 << 32;

/// What parts words.
const BLANK: u64 = 1 << 63;

/// What a byte counts for.
static KINDS: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = match byte as u8 {
            b' ' | b'\t' | b'\n' => BLANK,
            b'{' | b'}' | b'(' | b')' | b';' | b'=' | b'<' | b'>' | b'[' | b']' | b'_' | b'$' | b'#' | b'|' | b'\\' => {
                MARK
            }
            0x80.. | b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            _ => 0,
        };
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_counted_than_changes_a_verdict() {
        let page = b"When the server meets an exception it prints the stack.\n".repeat(1000);
        let counted = Prose::of(&page);
        assert_eq!((counted.sentences, counted.words), (ENOUGH.sentences, 10 * ENOUGH.sentences));
        assert_eq!(counted.and(&page), counted);
        let labels = Prose::of(&b"one two\n".repeat(1000));
        assert_eq!((labels.sentences, labels.words), (0, 2000));
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
