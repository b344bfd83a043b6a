//! Traces inside a page that is more than a trace: which stretch of its text gives way, and whether it is quoted.
//!
//! Documentation quotes traces in coloured code, after a prompt, or after a sentence that ends with a colon. A trace
//! that an application let slip into a page stands there without any of that, and its frames have real paths.

use std::ops::Range;

use memchr::{memchr, memmem, memrchr};

use crate::{
    rules::{Action, Evidence},
    scan::{Finding, RuleIndex, Ruleset, View},
};

/// Frames further apart than this, in bytes of text, belong to different traces: room for the lines of code that
/// Python and Ruby print between them.
const GAP: usize = 600;

/// How far around a trace the signs of a quotation are looked for, in bytes.
const SURROUNDINGS: usize = 400;

/// Lines before a trace in which it may be announced.
const INTRODUCING_LINES: usize = 3;

/// Lines of code and message that may follow the last frame.
const TRAILING_LINES: usize = 4;

/// A trace in a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// The rule of the first finding in it.
    pub(super) rule: RuleIndex,
    /// Whether any of it belongs to this block.
    own: bool,
    /// Its place in the view's text.
    text: Range<usize>,
    /// Frames with real paths, each counted once however many rules know it.
    frames: usize,
    /// Where the last of them ends; 0 if there is none.
    frame_end: usize,
}

/// A text view with the bytes it was made of.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) view: &'a View,
    pub(super) bytes: &'a [u8],
}

/// The traces that have at least `frames` frames with real paths, in order, and reach into this block. `own` are its
/// findings, `beside` those of its neighbours that are in sight.
pub(super) fn traces(
    rules: &Ruleset,
    (own, beside): (&[&Finding], &[&Finding]),
    text: Text<'_>,
    frames: usize,
) -> Vec<Trace> {
    let own = own.iter().filter_map(|finding| member(rules, finding, true));
    let beside = beside.iter().filter_map(|finding| member(rules, finding, false));
    let mut members: Vec<_> = own.chain(beside).collect();
    members.sort_by_key(|member| (member.text.start, member.text.end));
    let mut traces: Vec<Trace> = Vec::new();
    for member in members {
        match traces.last_mut() {
            Some(last) if member.text.start <= last.text.end + GAP => {
                if member.frames > 0 && member.text.start >= last.frame_end {
                    last.frames += 1;
                    last.frame_end = member.text.end;
                }
                last.own |= member.own;
                last.text.end = last.text.end.max(member.text.end);
            }
            _ => traces.push(member),
        }
    }
    traces.retain(|trace| trace.own && trace.frames >= frames);
    traces.iter_mut().for_each(|trace| trace.text = text.grown(trace.text.clone()));
    traces
}

impl Trace {
    /// The bytes that make up the trace: tags stay, and so does the punctuation of JSON.
    pub(super) fn pieces(&self, text: Text<'_>) -> Vec<Range<usize>> {
        let stretches = if text.in_json_string(self.text.start) {
            text.strings(self.text.clone())
        } else {
            vec![self.text.clone()]
        };
        stretches.into_iter().flat_map(|stretch| text.view.source_pieces(stretch)).collect()
    }

    /// Whether the page shows the trace as an example.
    pub(super) fn is_quoted(&self, text: Text<'_>) -> bool {
        text.is_coloured(&self.text)
            || text.is_commented(self.text.start)
            || text.follows_prompt(&self.text)
            || text.is_introduced(self.text.start)
    }
}

fn member(rules: &Ruleset, finding: &Finding, own: bool) -> Option<Trace> {
    let is_frame = match rules.rule(finding.rule).action {
        Action::Evidence(Evidence::Frame) => true,
        Action::Evidence(Evidence::AnyFrame | Evidence::PathLine | Evidence::Exception) => false,
        _ => return None,
    };
    let text = finding.text.clone()?;
    let frame_end = if is_frame { text.end } else { 0 };
    Some(Trace { rule: finding.rule, own, text, frames: usize::from(is_frame), frame_end })
}

impl Text<'_> {
    /// The trace with its first and last line whole, the message before it and the code and message behind it.
    fn grown(&self, trace: Range<usize>) -> Range<usize> {
        let text = self.view.text();
        let limits = self.limits(&trace);
        let mut start = line_start(text, trace.start).max(limits.start);
        if start > limits.start {
            let before = line_start(text, start - 1).max(limits.start);
            if is_message(&text[before..start]) {
                start = before;
            }
        }
        let mut end = line_end(text, trace.end).min(limits.end);
        for _ in 0..TRAILING_LINES {
            let next = line_end(text, (end + 1).min(limits.end)).min(limits.end);
            let line = &text[end.min(next)..next];
            let is_code = line.starts_with(b"\n ") || line.starts_with(b"\n\t");
            if !is_code && !is_message(line) {
                break;
            }
            end = next;
            if !is_code {
                break;
            }
        }
        start..end
    }

    /// How far a trace can reach: to the ends of the JSON string it stands in, or of the text.
    fn limits(&self, trace: &Range<usize>) -> Range<usize> {
        let length = self.view.text().len();
        if !self.in_json_string(trace.start) {
            return 0..length;
        }
        let start = self.quote_before(trace.start).map_or(0, |quote| quote + 1);
        start..self.quote_after(trace.end).unwrap_or(length)
    }

    /// Whether the text at `at` is the inside of a JSON string: an unescaped quote opened it after `:`, `[` or `,`.
    fn in_json_string(&self, at: usize) -> bool {
        let Some(quote) = self.quote_before(at) else { return false };
        let before = self.view.text()[..quote].trim_ascii_end();
        matches!(before.last(), Some(b':' | b'[' | b',')) && self.is_verbatim(quote)
    }

    /// The stretches of `range`, which begins inside a JSON string, that are string values.
    fn strings(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let text = self.view.text();
        let mut stretches = Vec::new();
        let (mut from, mut inside) = (range.start, true);
        for at in range.clone().filter(|&at| text[at] == b'"' && self.is_verbatim(at)).chain([range.end]) {
            let is_name = text.get(at + 1..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"));
            if inside && !is_name {
                stretches.push(from..at);
            }
            (from, inside) = (at + 1, !inside);
        }
        stretches.retain(|stretch| !stretch.is_empty());
        stretches
    }

    fn quote_before(&self, at: usize) -> Option<usize> {
        let text = self.view.text();
        let from = at.saturating_sub(8 * SURROUNDINGS);
        (from..at).rev().find(|&at| text[at] == b'"' && self.is_verbatim(at))
    }

    fn quote_after(&self, at: usize) -> Option<usize> {
        let text = self.view.text();
        (at..text.len()).find(|&at| text[at] == b'"' && self.is_verbatim(at))
    }

    /// Whether the byte at `at` stands in the source as it is, not as an escape.
    fn is_verbatim(&self, at: usize) -> bool {
        self.bytes.get(self.view.source_start(at)) == self.view.text().get(at)
    }

    /// Whether a highlighter coloured the trace, or was told its language.
    fn is_coloured(&self, trace: &Range<usize>) -> bool {
        let trace = self.view.source_start(trace.start)..self.view.source_start(trace.end);
        let before = &self.bytes[trace.start.saturating_sub(SURROUNDINGS)..trace.start];
        // What an earlier element closed does not speak of this one.
        let closed = [b"</p".as_slice(), b"</div", b"</pre"].iter().filter_map(|tag| memmem::rfind(before, tag)).max();
        let opened = &before[closed.unwrap_or(0)..];
        let has = |mark: &str| memmem::find(opened, mark.as_bytes()).is_some();
        let own = &self.bytes[trace.start - opened.len()..trace.end.max(trace.start)];
        memmem::find_iter(own, b"<span class=\"").take(3).count() == 3
            || has("\"language-")
            || has("\"lang-")
            || has("\"highlight")
            || has("\"hljs")
    }

    /// Whether the trace stands in a comment of some code.
    fn is_commented(&self, start: usize) -> bool {
        let line = self.view.text()[start..].trim_ascii_start();
        [b"//".as_slice(), b"# ", b"* ", b"; "].iter().any(|mark| line.starts_with(mark))
    }

    /// Whether a prompt stands shortly before or in the trace.
    fn follows_prompt(&self, trace: &Range<usize>) -> bool {
        let text = &self.view.text()[trace.start.saturating_sub(SURROUNDINGS)..trace.end];
        [">>> ", "\n$ ", "\n# ", "\n% ", "\n> ", "\nIn ["]
            .iter()
            .any(|mark| memmem::find(text, mark.as_bytes()).is_some())
    }

    /// Whether one of the last lines before the trace announces it: a sentence with a colon, or the mark of a block of
    /// code in Markdown or reStructuredText.
    fn is_introduced(&self, start: usize) -> bool {
        let before = &self.view.text()[start.saturating_sub(SURROUNDINGS)..start];
        let lines = before.split(|&byte| byte == b'\n').rev().map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        lines.take(INTRODUCING_LINES).any(|line| {
            let words = line.split(u8::is_ascii_whitespace).filter(|word| word.len() > 1).count();
            line.ends_with(b":") && words >= 3 && !line.starts_with(b"Traceback (")
                || line.starts_with(b"```")
                || line.starts_with(b".. ")
        })
    }
}

/// Whether a line is the name of an exception with its message, or the heading of a traceback.
fn is_message(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    if line.starts_with(b"Traceback (") || line.starts_with(b"Caused by") {
        return true;
    }
    let name = line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.$\\".contains(byte)).count();
    (3..=120).contains(&name) && (name == line.len() || line[name] == b':') && line[0].is_ascii_alphabetic()
}

fn line_start(text: &[u8], at: usize) -> usize {
    memrchr(b'\n', &text[..at]).map_or(0, |newline| newline + 1)
}

fn line_end(text: &[u8], at: usize) -> usize {
    memchr(b'\n', &text[at..]).map_or(text.len(), |newline| at + newline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::{PACKS, parse_pack},
        scan::{Block, Source},
    };

    /// The bytes that the traces of `page` cover, a line for each piece; quoted ones left out.
    fn unquoted(page: &str) -> String {
        let rules = PACKS.iter().flat_map(|(file, text)| parse_pack(file, text).unwrap()).collect();
        let rules = Ruleset::compile(rules).unwrap();
        let block = Block { bytes: page.as_bytes(), own: 0..page.len(), offset: 0 };
        let found = rules.scan(&block, Source { status: 200, ..Source::default() });
        let findings: Vec<_> = found.findings.iter().collect();
        let text = Text { view: found.view.as_ref().unwrap(), bytes: page.as_bytes() };
        let traces = traces(&rules, (&findings, &[]), text, 2);
        let pieces = traces.iter().filter(|trace| !trace.is_quoted(text)).flat_map(|trace| trace.pieces(text));
        pieces.map(|piece| format!("{}\n", &page[piece])).collect()
    }

    const PYTHON: &str = "Traceback (most recent call last):\n  File \"/srv/shop/run.py\", line 3, in run\n    \
                          cart.add(x)\n  File \"/srv/shop/cart.py\", line 9, in add\n    raise Sold(x)\nshop.Sold: out\n";

    #[test]
    fn a_trace_in_text_is_covered_from_heading_to_message() {
        let page = format!("News of the day.\n\n{PYTHON}\nWrite to us.\n");
        assert_eq!(unquoted(&page), PYTHON);
    }

    #[test]
    fn tags_stay_and_only_text_is_covered() {
        let page = "<p>Hi</p><pre>Sold: out<br>   at add (/srv/shop/cart.js:1:2)<br>   at run (/srv/shop/run.js:3:4)</pre><p>Bye</p>";
        let covered = "Sold: out\n   at add (/srv/shop/cart.js:1:2)\n   at run (/srv/shop/run.js:3:4)\n";
        assert_eq!(unquoted(page), covered);
    }

    #[test]
    fn json_keeps_its_punctuation_and_names() {
        let frames = [r"    at add (/srv/shop/cart.js:1:2)", r"    at run (/srv/shop/run.js:3:4)"];
        let page = format!(r#"{{"id":7,"log":["Sold: out","{}","{}"],"next":8}}"#, frames[0], frames[1]);
        let covered = unquoted(&page);
        assert!(frames.iter().all(|frame| covered.contains(frame)), "{covered}");
        assert!(!covered.contains('"') && !covered.contains("next"), "{covered}");
        let page = format!(r#"{{"text":"{}","by":"kim"}}"#, PYTHON.replace('"', "\\\"").replace('\n', "\\n"));
        let covered = unquoted(&page);
        assert!(
            covered.contains("shop.Sold: out") && !covered.contains("kim") && !covered.contains(r#"","by"#),
            "{covered}"
        );
    }

    #[test]
    fn quoted_traces_are_let_go() {
        for page in [
            format!("When it fails you will see this output:\n\n{PYTHON}"),
            format!(">>> run()\n{PYTHON}"),
            format!("```text\n{PYTHON}```\n"),
            format!(".. code-block:: text\n\n{PYTHON}"),
            format!("<pre><code class=\"language-text\">{PYTHON}</code></pre>"),
            "run(); // throws:\n//   at add (/srv/shop/cart.js:1:2)\n//   at run (/srv/shop/run.js:3:4)\n".to_owned(),
            format!(
                "<pre><span class=\"gt\">x</span><span class=\"k\">y</span><span class=\"k\">z</span>\n{PYTHON}</pre>"
            ),
        ] {
            assert_eq!(unquoted(&page), "", "{page}");
        }
    }
}
