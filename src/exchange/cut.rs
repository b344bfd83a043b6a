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
    /// After each message, which says before it how long it is (gRPC over HTTP/2, gRPC-Web).
    Message,
}

/// The messages of a gRPC body that are compressed cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compressed;

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
            _ if is_grpc(media_type) => Self::Message,
            _ => Self::Blocks,
        }
    }

    /// Whether the reader of such a body waits for its head.
    pub(super) fn streams(self) -> bool {
        matches!(self, Self::BlankLine | Self::Line)
    }

    /// The end of the first event in `bytes`, if it is complete.
    pub(super) fn event_end(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Blocks | Self::Message => None,
            Self::Line => memchr(b'\n', bytes).map(|at| at + 1),
            Self::BlankLine => blank_line_end(bytes),
        }
    }

    /// How many of the last bytes of an incomplete event must be looked at again when more arrive.
    pub(super) fn overlap(self) -> usize {
        match self {
            Self::Blocks | Self::Line | Self::Message => 0,
            Self::BlankLine => 3,
        }
    }
}

/// The size of the message that `bytes` begin with, its prefix included; none while that is incomplete. The first byte
/// is a set of flags, of which the lowest means compressed; the next four are the length.
pub(super) fn message_size(bytes: &[u8]) -> Result<Option<u64>, Compressed> {
    match bytes {
        [flags, ..] if flags & 1 == 1 => Err(Compressed),
        [_, a, b, c, d, ..] => Ok(Some(5 + u64::from(u32::from_be_bytes([*a, *b, *c, *d])))),
        _ => Ok(None),
    }
}

/// The dialect in base64 has no messages before it is decoded.
fn is_grpc(media_type: &str) -> bool {
    let name = media_type.strip_prefix("application/grpc");
    name.is_some_and(|name| ["", "-web"].contains(&name.split('+').next().unwrap_or_default()))
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

    #[test]
    fn a_message_says_how_long_it_is() {
        assert_eq!(message_size(b"\0\0\0\x01"), Ok(None));
        assert_eq!(message_size(b"\0\0\0\x01\x02"), Ok(Some(263)));
        assert_eq!(message_size(b"\x80\xff\xff\xff\xff..."), Ok(Some(5 + u64::from(u32::MAX))));
        assert_eq!(message_size(b"\x01"), Err(Compressed));
        for (media_type, cut) in [
            ("application/grpc", Cut::Message),
            ("application/grpc+proto", Cut::Message),
            ("application/grpc-web+json", Cut::Message),
            ("application/grpc-web-text", Cut::Blocks),
            ("application/grpcs", Cut::Blocks),
        ] {
            assert_eq!(Cut::for_type(media_type), cut, "{media_type}");
        }
    }
}
