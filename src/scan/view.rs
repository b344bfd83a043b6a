//! The text view: what a person would read in a block of bytes, with every character traced back to the bytes it
//! came from, so that a mask found in the text lands exactly in the original.
//!
//! Tags vanish (block-level ones become line breaks), entities and escapes are decoded, invisible characters are
//! dropped. Attribute values stand behind the text, one per line, so that nothing hides in them. What a decoded
//! escape uncovers (`\u003c`, `&amp;lt;`, `%2525`) is read again, up to [`MAX_PASSES`] times.

use std::ops::Range;

use super::escape::{self, Escape, Specials};
use super::{tag, wide::Wide};

/// How often the text is read again when decoding uncovered further escapes.
pub(super) const MAX_PASSES: usize = 3;

/// A text view of some bytes.
#[derive(Debug, Default)]
pub struct View {
    text: Vec<u8>,
    /// Ascending by `text`; the first starts at 0 unless the view is empty. The text of a run ends where the next
    /// run starts.
    runs: Vec<Run>,
}

/// A stretch of text and the source bytes it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    text: u32,
    source: u32,
    /// Bytes of the source; 0 for text that was made up (line breaks of tags).
    source_len: u32,
    /// Whether text and source are byte for byte the same.
    verbatim: bool,
}

impl View {
    /// The view of `source`, at most 4 GiB.
    pub fn build(source: &[u8]) -> Self {
        let mut builder = Builder::with_room_for(source);
        builder.read(source);
        let again = builder.uncovered;
        builder.finish().read_again(again)
    }

    /// The view of `source`, which is UTF-7 (RFC 2152).
    pub fn build_utf7(source: &[u8]) -> Self {
        let mut builder = Builder::default();
        builder.read_utf7(source);
        builder.finish().read_again(true)
    }

    /// The view of `source`, which is UTF-16 or UTF-32.
    pub(super) fn build_wide(source: &[u8], wide: Wide) -> Self {
        let mut builder = Builder::default();
        builder.read_wide(source, wide);
        builder.finish().read_again(true)
    }

    /// Reads the text again while decoding uncovers further escapes.
    fn read_again(self, mut again: bool) -> Self {
        let mut view = self;
        for _ in 1..MAX_PASSES {
            if !again {
                break;
            }
            let mut builder = Builder::with_room_for(&view.text);
            builder.read(&view.text);
            again = builder.uncovered;
            view = builder.finish().over(&view);
        }
        view
    }

    /// The text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The source bytes behind a range of the text: ascending pieces for text that runs through the source in
    /// order, tags and made-up line breaks left out, neighbours joined.
    pub fn source_pieces(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut pieces: Vec<Range<usize>> = Vec::with_capacity(1);
        let first = self.run_at(range.start);
        for index in first..self.runs.len() {
            let run = self.runs[index];
            if run.text as usize >= range.end {
                break;
            }
            let piece = self.piece(index, &range);
            match pieces.last_mut() {
                Some(last) if last.end == piece.start => last.end = piece.end,
                _ if piece.is_empty() => {}
                _ => pieces.push(piece),
            }
        }
        pieces
    }

    /// Where in the source the character at `text` begins.
    pub fn source_start(&self, text: usize) -> usize {
        match self.runs.get(self.run_at(text)) {
            Some(run) if run.verbatim => run.source as usize + text.saturating_sub(run.text as usize),
            Some(run) => run.source as usize,
            None => 0,
        }
    }

    /// Where in the text the bytes from `source` on begin; its end if nothing of them stands there.
    pub fn text_from(&self, source: usize) -> usize {
        if source == 0 {
            return 0;
        }
        let reaches = |run: &Run| (run.source + run.source_len) as usize > source;
        match self.runs.iter().find(|run| reaches(run)) {
            Some(run) if run.verbatim => run.text as usize + source.saturating_sub(run.source as usize),
            Some(run) => run.text as usize,
            None => self.text.len(),
        }
    }

    fn piece(&self, index: usize, range: &Range<usize>) -> Range<usize> {
        let run = self.runs[index];
        let source = run.source as usize;
        if !run.verbatim {
            return source..source + run.source_len as usize;
        }
        let text = run.text as usize;
        let from = range.start.max(text) - text;
        let to = range.end.min(self.text_end(index)) - text;
        source + from..source + to
    }

    fn text_end(&self, index: usize) -> usize {
        self.runs.get(index + 1).map_or(self.text.len(), |next| next.text as usize)
    }

    fn run_at(&self, text: usize) -> usize {
        self.runs.partition_point(|run| run.text as usize <= text).saturating_sub(1)
    }

    /// This view, made of the text of `below`, as a view of `below`'s source.
    fn over(self, below: &Self) -> Self {
        let mut runs = Vec::with_capacity(self.runs.len() + below.runs.len());
        for (index, run) in self.runs.iter().enumerate() {
            if run.verbatim {
                let length = self.text_end(index) - run.text as usize;
                below.copy_runs(run.source as usize..run.source as usize + length, run.text, &mut runs);
            } else {
                let pieces = below.source_pieces(run.source as usize..(run.source + run.source_len) as usize);
                let start = pieces.first().map_or_else(|| below.source_start(run.source as usize), |piece| piece.start);
                let end = pieces.last().map_or(start, |piece| piece.end.max(start));
                runs.push(Run { source: start as u32, source_len: (end - start) as u32, ..*run });
            }
        }
        Self { text: self.text, runs }
    }

    /// The runs of `range` of this text, as they would stand in a text where the range begins at `at`.
    fn copy_runs(&self, range: Range<usize>, at: u32, runs: &mut Vec<Run>) {
        for index in self.run_at(range.start)..self.runs.len() {
            let run = self.runs[index];
            if run.text as usize >= range.end {
                break;
            }
            let text = at + (run.text as usize).max(range.start) as u32 - range.start as u32;
            let piece = self.piece(index, &range);
            runs.push(Run { text, source: piece.start as u32, source_len: piece.len() as u32, ..run });
        }
    }
}

#[derive(Debug, Default)]
struct Builder {
    view: View,
    /// Values of attributes, as ranges of the source, to be appended at the end.
    attributes: Vec<Range<usize>>,
    /// Decoding brought out a character that may begin another escape.
    uncovered: bool,
    /// Between a drive letter and the end of a Windows path, a backslash is a separator and not an escape.
    in_windows_path: bool,
}

/// Pages of documentation have a run for every 20 to 40 bytes.
const BYTES_PER_RUN: usize = 32;

impl Builder {
    fn with_room_for(source: &[u8]) -> Self {
        let (text, runs) = (Vec::with_capacity(source.len()), Vec::with_capacity(source.len() / BYTES_PER_RUN + 1));
        Self { view: View { text, runs }, ..Self::default() }
    }

    fn read(&mut self, source: &[u8]) {
        let mut specials = Specials::of(source);
        self.read_range(&mut specials, 0..source.len(), true);
        for value in std::mem::take(&mut self.attributes) {
            self.invent(b'\n', value.start);
            self.read_range(&mut specials, value, false);
        }
    }

    /// Decodes only what UTF-7 adds; everything else is copied for the next reading.
    fn read_utf7(&mut self, source: &[u8]) {
        let mut at = 0;
        while let Some(plus) = memchr::memchr(b'+', &source[at..]) {
            self.copy(source, at..at + plus);
            at += plus;
            let (length, chars) = escape::utf7(&source[at..]);
            self.push_run(Run { text: 0, source: at as u32, source_len: length as u32, verbatim: false });
            self.view.text.extend_from_slice(chars.as_bytes());
            at += length;
        }
        self.copy(source, at..source.len());
    }

    /// Decodes only the units; what they spell is for the next reading.
    fn read_wide(&mut self, source: &[u8], wide: Wide) {
        let mut at = 0;
        for (char, length) in wide.chars(source) {
            if let Some(char) = char {
                self.decoded(at, length, char);
            }
            at += length;
        }
    }

    fn finish(self) -> View {
        self.view
    }

    fn read_range(&mut self, specials: &mut Specials<'_>, range: Range<usize>, tags: bool) {
        let source = specials.source();
        let mut at = range.start;
        while at < range.end {
            let special = specials.next(at..range.end);
            self.copy(source, at..special);
            at = special;
            if at < range.end {
                at = self.special(source, at, range.end, tags);
            }
        }
        self.in_windows_path = false;
    }

    /// Handles the special byte at `at`; returns where to go on.
    fn special(&mut self, source: &[u8], at: usize, end: usize, tags: bool) -> usize {
        if source[at] == b'<'
            && tags
            && let Some(tag) = tag::read(&source[..end], at, &mut self.attributes)
        {
            if tag.breaks_line {
                self.invent(b'\n', at);
            }
            return tag.end;
        }
        self.in_windows_path = match source[at] {
            b'\\' => escape::continues_windows_path(&self.view.text, self.in_windows_path),
            _ => false,
        };
        let escape = match source[at] {
            0xa0 | 0xad if source[at.saturating_sub(1)].is_ascii() => escape::decode_lone(source[at]),
            _ => escape::decode(&source[at..end], self.in_windows_path),
        };
        match escape {
            Escape::Literal(length) => self.copy(source, at..at + length),
            Escape::Nothing(length) => return at + length,
            Escape::Char { length, char } => return self.decoded(at, length, char),
        }
        at + 1
    }

    fn decoded(&mut self, at: usize, length: usize, char: char) -> usize {
        let begins_escape = matches!(char, '<' | '&' | '\\' | '%' | '\x1b' | '\0');
        let is_escaped = matches!(char, '"' | '\'' | '`') && self.view.text.last() == Some(&b'\\');
        self.uncovered |= begins_escape || is_escaped;
        self.push_run(Run { text: 0, source: at as u32, source_len: length as u32, verbatim: false });
        let mut utf8 = [0; 4];
        self.view.text.extend_from_slice(char.encode_utf8(&mut utf8).as_bytes());
        at + length
    }

    fn copy(&mut self, source: &[u8], range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        self.push_run(Run { text: 0, source: range.start as u32, source_len: range.len() as u32, verbatim: true });
        self.view.text.extend_from_slice(&source[range]);
    }

    fn invent(&mut self, byte: u8, at: usize) {
        self.push_run(Run { text: 0, source: at as u32, source_len: 0, verbatim: false });
        self.view.text.push(byte);
    }

    fn push_run(&mut self, run: Run) {
        let text = self.view.text.len() as u32;
        if let Some(last) = self.view.runs.last_mut()
            && run.verbatim
            && last.verbatim
            && last.source + last.source_len == run.source
        {
            last.source_len += run.source_len;
            return;
        }
        self.view.runs.push(Run { text, ..run });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(source: &str) -> String {
        String::from_utf8_lossy(View::build(source.as_bytes()).text()).into_owned()
    }

    #[test]
    fn plain_text_is_its_own_view() {
        let view = View::build(b"plain text,\n two lines");
        assert_eq!(view.text(), b"plain text,\n two lines");
        assert_eq!(view.source_pieces(6..10), vec![6..10]);
    }

    #[test]
    fn every_escape_web_pages_use_is_read() {
        for (source, read) in [
            ("a &lt;b&gt; &quot;c&#34; &#39;&#x27;d", "a  \"c\" ''d"),
            ("postgres:&#x2F;&#x2F;u:p@h", "postgres://u:p@h"),
            ("def&nbspx(self):", "def x(self):"),
            (r#"{"a":"x\n  y\"z\/"}"#, "{\"a\":\"x\n  y\"z/\"}"),
            (r#"\\\"a\\\\n"#, "\"a\n"),
            (r"\u0054race\x62ack", "Traceback"),
            (r"\124r\u{61}c\U00000065b\x{61}ck \055 \2d x", "Traceback - -x"),
            (r"\1 \12 \777 \u{110000} \x{", r"\1 \12 \777 \u{110000} \x{"),
            (r"jdbc\:mysql\=a\_b\-c\ d", "jdbc:mysql=a_b-c d"),
            (r"\e[31mred\033[0m", "red"),
            (r"{\&quot;a\&quot;: \&#39;b", "{\"a\": 'b"),
            ("Trace<wbr>back <span class=k>most</span>", "Traceback most"),
            ("%54raceback%0A%2Fsrv", "Traceback\n/srv"),
            ("one<br>two<p>three", "one\ntwo\nthree"),
            ("&#000000084;race&#x0000000062;ack", "Traceback"),
            ("&amp;#84;r&amp;amp;amp;amp;#x61;ce", "Trace"),
            ("Tra&ZeroWidthSpace;ce&lrm;ba&NoBreak;ck&InvisibleComma;", "Traceback"),
            ("%u0054race%U0062ack", "Traceback"),
            ("Tra\u{180e}ce\u{34f}ba\u{e0100}c\u{2066}k\u{fe0f}", "Traceback"),
            ("a\u{2028}b\u{85}c\x0bd\x0ce\u{1680}f", "a\nb\nc\nd\ne f"),
            ("\x1b(Bred\x1b[0m", "red"),
            ("\x1b[31mred\x1b[0m \u{200b}zero\u{feff}", "red zero"),
            ("T\0r\0a\0c\0e\0", "Trace"),
            ("a\r\nb\rc", "a\nb\nc"),
            ("&amp;lt;i&amp;gt;x", "x"),
            (r"\u003cb\u003ebold\u003c/b\u003e", "bold"),
            ("<![CDATA[at x]]>", "\nat x]]>"),
        ] {
            assert_eq!(text(source), read, "{source:?}");
        }
    }

    #[test]
    fn bytes_of_latin_1_mean_what_they_do_alone() {
        let view = View::build(b"Tra\xadce\xa0back, \xc3\xa0 and \xe4\xbd\xad");
        assert_eq!(view.text(), b"Trace back, \xc3\xa0 and \xe4\xbd\xad");
    }

    #[test]
    fn windows_paths_keep_their_separators() {
        assert_eq!(text(r"in C:\inetpub\wwwroot\new\tab.cs:line 4"), r"in C:\inetpub\wwwroot\new\tab.cs:line 4");
        assert_eq!(text(r#"{"f":"C:\\app\\new.cs","g":"a\nb"}"#), "{\"f\":\"C:\\app\\new.cs\",\"g\":\"a\nb\"}");
    }

    #[test]
    fn attribute_values_stand_behind_the_text() {
        assert_eq!(text(r#"<a title="SECRET_KEY=&quot;x&quot;">t</a>"#), "t\nSECRET_KEY=\"x\"");
    }

    #[test]
    fn utf7_is_read_when_it_is_declared() {
        let view = View::build_utf7(b"1 +- 1, +AF8-name+AF8-, +AHAAYQBzAHM-word +2D3eAA- end +");
        assert_eq!(String::from_utf8_lossy(view.text()), "1 + 1, _name_, password \u{1f600} end +");
    }

    #[test]
    fn a_comparison_is_not_a_tag() {
        assert_eq!(text("if a < b and c<d {"), "if a < b and c<d {");
    }

    #[test]
    fn an_address_in_angle_brackets_is_not_a_tag() {
        assert_eq!(text("<postgres://u:p@h/db>; rel=next"), "<postgres://u:p@h/db>; rel=next");
        assert_eq!(text("<soap:Body>x</soap:Body>"), "x");
    }

    #[test]
    fn an_object_that_python_prints_is_not_a_tag() {
        for printed in ["<Config {'A': 'b'}>", "<Request 'http://host/' [GET]>", "<Response [200]>"] {
            assert_eq!(text(printed), printed);
        }
    }

    #[test]
    fn a_span_split_by_tags_maps_to_its_pieces() {
        let source = b"key: <b>abc</b><i>def</i>.";
        let view = View::build(source);
        assert_eq!(view.text(), b"key: abcdef.");
        let pieces: Vec<&[u8]> = view.source_pieces(5..11).into_iter().map(|piece| &source[piece]).collect();
        assert_eq!(pieces, [b"abc", b"def"]);
    }

    #[test]
    fn a_span_read_in_two_passes_maps_to_the_source() {
        let source = b"x=&amp;quot;pass&amp;amp;word&amp;quot;;";
        let view = View::build(source);
        assert_eq!(view.text(), b"x=\"pass&word\";");
        assert_eq!(view.source_pieces(3..12), vec![12..29]);
        assert_eq!(&source[12..29], b"pass&amp;amp;word");
    }

    proptest! {
        #[test]
        fn every_piece_lies_in_the_source(source in proptest::collection::vec(
            prop_oneof![Just(b'<'), Just(b'>'), Just(b'&'), Just(b'\\'), Just(b'%'), Just(b'"'), Just(b'#'), any::<u8>()], 0..200)) {
            let view = View::build(&source);
            for start in 0..view.text().len() {
                for piece in view.source_pieces(start..view.text().len().min(start + 9)) {
                    prop_assert!(piece.start < piece.end && piece.end <= source.len());
                }
            }
        }
    }
}
