//! Traces inside a page that is more than a trace: which stretch of its text gives way, and whether it is quoted.
//!
//! Documentation quotes traces in coloured code, after a prompt, or after a sentence that ends with a colon. A trace
//! that an application let slip into a page stands there without any of that, and its frames have real paths.

use std::ops::Range;

use memchr::{memchr, memmem, memrchr};

use crate::{
    rules::{Action, Evidence},
    scan::{Finding, Ruleset, View},
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
    /// Index of the first finding in it.
    pub(super) finding: usize,
    /// Its place in the view's text.
    text: Range<usize>,
    /// Frames with real paths.
    frames: usize,
}

/// A text view with the bytes it was made of.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) view: &'a View,
    pub(super) bytes: &'a [u8],
}

/// The traces among `findings` that have at least `frames` frames with real paths, in order.
pub(super) fn traces(rules: &Ruleset, findings: &[(usize, &Finding)], text: Text<'_>, frames: usize) -> Vec<Trace> {
    let mut members: Vec<_> = findings.iter().filter_map(|(index, finding)| member(rules, *index, finding)).collect();
    members.sort_by_key(|member| (member.text.start, member.text.end));
    let mut traces: Vec<Trace> = Vec::new();
    for member in members {
        match traces.last_mut() {
            Some(last) if member.text.start <= last.text.end + GAP => {
                last.frames += usize::from(member.frames > 0 && member.text.start >= last.text.end);
                last.text.end = last.text.end.max(member.text.end);
            }
            _ => traces.push(member),
        }
    }
    traces.retain(|trace| trace.frames >= frames);
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
        text.is_coloured(&self.text) || text.follows_prompt(&self.text) || text.is_introduced(self.text.start)
    }
}

fn member(rules: &Ruleset, index: usize, finding: &Finding) -> Option<Trace> {
    let frames = match rules.rule(finding.rule).action {
        Action::Evidence(Evidence::Frame) => 1,
        Action::Evidence(Evidence::AnyFrame | Evidence::PathLine | Evidence::Exception) => 0,
        _ => return None,
    };
    Some(Trace { finding: index, text: finding.text.clone()?, frames })
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

    /// Whether a highlighter coloured the trace or the code around it.
    fn is_coloured(&self, trace: &Range<usize>) -> bool {
        let start = self.view.source_start(trace.start).saturating_sub(SURROUNDINGS);
        let end = self.bytes.len().min(self.view.source_start(trace.end) + SURROUNDINGS);
        memmem::find_iter(&self.bytes[start.min(end)..end], b"<span class=\"").take(3).count() == 3
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
