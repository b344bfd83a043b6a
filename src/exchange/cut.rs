//! Where a body is cut into the blocks that are judged one by one: at fixed offsets, or after each event of a stream
//! whose reader must not wait.

use memchr::{memchr, memchr2};

/// How a body is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// At multiples of the hold.
    Blocks,
    /// After each blank line (`text/event-stream`, WHATWG HTML section 9.2).
    BlankLine,
    /// After each line (`application/x-ndjson` and its kin).
    Line,
}

impl Cut {
    /// The cut for a media type, without parameters, in lower case.
    pub(super) fn for_type(media_type: &str) -> Self {
        match media_type {
            "text/event-stream" => Self::BlankLine,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/json-seq"
            | "application/stream+json" => Self::Line,
            _ => Self::Blocks,
        }
    }

    /// The end of the first event in `bytes`, if it is complete.
    pub(super) fn event_end(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Blocks => None,
            Self::Line => memchr(b'\n', bytes).map(|at| at + 1),
            Self::BlankLine => blank_line_end(bytes),
        }
    }

    /// How many of the last bytes of an incomplete event must be looked at again when more arrive.
    pub(super) fn overlap(self) -> usize {
        match self {
            Self::Blocks | Self::Line => 0,
            Self::BlankLine => 3,
        }
    }
}

/// The end of the first empty line; lines end with CR, LF or CRLF. A CR at the very end may be half of a CRLF.
fn blank_line_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = memchr2(b'\r', b'\n', &bytes[at..]) {
        let line_end = at + found + line_break(&bytes[at + found..])?;
        match line_break(&bytes[line_end..]) {
            Some(0) => at = line_end,
            Some(length) => return Some(line_end + length),
            None => return None,
        }
    }
    None
}

/// Length of the line break at the start of `bytes`: 0 if there is none, `None` if that cannot be told yet.
fn line_break(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [] | [b'\r'] => None,
        [b'\r', b'\n', ..] => Some(2),
        [b'\r' | b'\n', ..] => Some(1),
        _ => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_an_empty_line_of_any_kind() {
        for (stream, end) in [
            ("data: a\n\ndata: b\n\n", Some(9)),
            ("data: a\r\n\r\nx", Some(11)),
            ("data: a\r\rx", Some(9)),
            ("data: a\n", None),
            ("data: a\r\n\r", None),
            ("data: a\ndata: b", None),
        ] {
            assert_eq!(Cut::BlankLine.event_end(stream.as_bytes()), end, "{stream:?}");
        }
        assert_eq!(Cut::Line.event_end(b"{}\n{}"), Some(3));
    }
}
