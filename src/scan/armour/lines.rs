//! How far armour goes: over the breaks of its lines, and over characters of it that are escaped.

use std::ops::Range;

/// Shorter lines are not joined: lists of words are made of the same letters.
const LINE_MIN: usize = 32;

/// The longest gap between two lines: a break, blanks, quotes and what joins them, tags that break lines.
const GAP_MAX: usize = 24;

/// A stretch of armour.
#[derive(Debug)]
pub(super) struct Stretch {
    /// All that it covers.
    pub(super) range: Range<usize>,
    /// Its characters without gaps and escapes.
    pub(super) armour: Vec<u8>,
}

impl Stretch {
    /// The stretch around `at`, over the gaps between lines that are all as long as each other but for the first and the
    /// last one, as MIME writes them (RFC 2045 section 6.8).
    pub(super) fn around(bytes: &[u8], at: usize) -> Self {
        let start = line_start(bytes, at);
        let Some(first_gap) = gap(&bytes[line_end(bytes, start)..]) else { return Self::from(bytes, start) };
        let width = line_end(bytes, start) - start;
        let gap = &bytes[start + width..start + width + first_gap];
        let mut earliest = start;
        while width >= LINE_MIN && bytes[..earliest].ends_with(gap) {
            let end = earliest - gap.len();
            let length = run_before(bytes, end);
            if length == 0 || length != width && (end != length || length > width) {
                break;
            }
            earliest = end - length;
        }
        Self::from(bytes, earliest)
    }

    fn from(bytes: &[u8], start: usize) -> Self {
        let mut armour = Vec::new();
        let mut end = read_line(bytes, start, &mut armour);
        let mut width = armour.len();
        let mut first = true;
        // The first line of a block may have begun in the one before.
        while (width >= LINE_MIN || first && start == 0)
            && !armour.ends_with(b"=")
            && let Some(gap) = gap(&bytes[end..])
        {
            let before = armour.len();
            let next = read_line(bytes, end + gap, &mut armour);
            let length = armour.len() - before;
            if length > width && !first || length < width && is_spoken(&bytes[next..]) {
                armour.truncate(before);
                break;
            }
            end = if length == 0 { end } else { next };
            if length < width {
                break;
            }
            (width, first) = (length, false);
        }
        Self { range: start..end, armour }
    }
}

/// Whether a short line before `rest` is a word, as the next key of a document is.
fn is_spoken(rest: &[u8]) -> bool {
    matches!(rest.first(), Some(b':' | b' ' | b'.' | b'('))
}

/// Appends the characters of the line that begins at `at`; returns its end.
fn read_line(bytes: &[u8], mut at: usize, armour: &mut Vec<u8>) -> usize {
    loop {
        let run = run_after(bytes, at);
        armour.extend_from_slice(&bytes[at..at + run]);
        at += run;
        match escaped(&bytes[at..]) {
            Some((char, length)) => {
                armour.push(char);
                at += length;
            }
            None => return at,
        }
    }
}

fn line_end(bytes: &[u8], start: usize) -> usize {
    read_line(bytes, start, &mut Vec::new())
}

/// The characters of base64 that are neither letters nor digits, as JSON, URLs and HTML escape them.
const ESCAPED: &[(&[u8], u8)] = &[
    (b"\\/", b'/'),
    (b"\\u002b", b'+'),
    (b"\\u002f", b'/'),
    (b"\\u003d", b'='),
    (b"%2b", b'+'),
    (b"%2f", b'/'),
    (b"%3d", b'='),
    (b"&#43;", b'+'),
    (b"&#47;", b'/'),
    (b"&#61;", b'='),
    (b"&#x2b;", b'+'),
    (b"&#x2f;", b'/'),
    (b"&#x3d;", b'='),
    (b"&plus;", b'+'),
    (b"&sol;", b'/'),
    (b"&equals;", b'='),
];

/// The character that an escape at the start of `rest` stands for, and the escape's length.
fn escaped(rest: &[u8]) -> Option<(u8, usize)> {
    if !matches!(rest.first(), Some(b'\\' | b'%' | b'&')) {
        return None;
    }
    let is_at_start = |escape: &[u8]| rest.get(..escape.len()).is_some_and(|it| it.eq_ignore_ascii_case(escape));
    ESCAPED.iter().find(|(escape, _)| is_at_start(escape)).map(|(escape, char)| (*char, escape.len()))
}

/// Where the line begins that `at` stands in.
fn line_start(bytes: &[u8], at: usize) -> usize {
    let mut start = at - run_before(bytes, at);
    loop {
        let escape = ESCAPED.iter().find_map(|(escape, _)| begins_before(bytes, start, escape));
        match escape {
            Some(before) => start = before - run_before(bytes, before),
            None => return start + escape_cut(&bytes[..start], &bytes[start..=at]),
        }
    }
}

/// Where `escape` begins, if it ends at `start` or its letters and digits begin there.
fn begins_before(bytes: &[u8], start: usize, escape: &[u8]) -> Option<usize> {
    let is_at = |at: usize| bytes.get(at..at + escape.len()).is_some_and(|it| it.eq_ignore_ascii_case(escape));
    let end = start.checked_sub(escape.len()).filter(|&at| escape.ends_with(b";") && is_at(at));
    end.or_else(|| start.checked_sub(1).filter(|&at| !escape.ends_with(b";") && is_at(at)))
}

/// How many characters at the start of `run` belong to an escape that begins with the byte before it.
fn escape_cut(before: &[u8], run: &[u8]) -> usize {
    let length = match (before.last(), run) {
        (Some(b'\\'), [b'u', ..]) => 5,
        (Some(b'\\'), [b'n' | b'r' | b't', ..]) => 1,
        (Some(b'%'), _) => 2,
        _ => 0,
    };
    length.min(run.len().saturating_sub(1))
}

fn run_after(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take_while(|&&byte| is_armour(byte)).count()
}

/// A letter that a backslash makes a break is none of the run.
fn run_before(bytes: &[u8], at: usize) -> usize {
    let run = bytes[..at].iter().rev().take_while(|&&byte| is_armour(byte)).count();
    run - usize::from(run > 0 && matches!(&bytes[..=at - run], [.., b'\\', b'n' | b'r']))
}

const TAGS: [&[u8]; 4] = [b"<br>", b"<br/>", b"<br />", b"<wbr>"];

/// How many bytes stand at the start of `rest` between the end of a line and the next one.
fn gap(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < GAP_MAX {
        at += match &rest[at.min(rest.len())..] {
            [b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | b',', ..] => 1,
            // One that begins a line is of the armour.
            [b'+', b' ' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | b'\\', ..] if at > 0 => 1,
            [b'\\', b'n' | b'r' | b't' | b'"', ..] => 2,
            rest => match TAGS.iter().find(|tag| rest.starts_with(tag)) {
                Some(tag) => tag.len(),
                None => break,
            },
        };
    }
    (1..GAP_MAX).contains(&at).then_some(at)
}

/// Base64 in both alphabets.
pub(super) fn is_armour(byte: u8) -> bool {
    ARMOUR[usize::from(byte)]
}

static ARMOUR: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let it = byte as u8;
        table[byte] = it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/' | b'-' | b'_' | b'=');
        byte += 1;
    }
    table
};
