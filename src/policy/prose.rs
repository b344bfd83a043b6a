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
        let mut since_last = unfinished;
        for word in line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()) {
            let letters = word.iter().filter(|&&byte| LETTERS[usize::from(byte)]).count();
            if letters >= 2 && letters * 4 >= word.len() * 3 {
                self.words += 1;
                since_last += 1;
            }
            if matches!(word.last(), Some(b'.' | b'!' | b'?')) {
                self.sentences += u32::from(since_last >= SENTENCE_WORDS);
                since_last = 0;
            }
        }
        if line.len() >= WRAPPED { since_last } else { 0 }
    }
}

/// Letters of ASCII, and whatever other letters are made of.
static LETTERS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte >= 0x80 || (byte as u8).is_ascii_alphabetic();
        byte += 1;
    }
    table
};

/// What code is full of and prose is not.
static MARKS: [bool; 256] = {
    let mut table = [false; 256];
    let marks = b"{}();=<>[]_$#|\\";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

/// Lines of code and traces do not count, however many words they have.
fn is_code(line: &[u8]) -> bool {
    let marks = line.iter().filter(|&&byte| MARKS[usize::from(byte)]).count();
    marks * 12 > line.len() || (line.starts_with(b"    ") && marks > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

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
