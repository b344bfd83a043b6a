//! A body in chunks (RFC 9112 section 7.1). Lines end with CRLF and nothing else; what a chunk's extensions say is
//! ignored, but they are counted.

use std::io::Write;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::{memchr, memchr_iter};

use super::{Malformed, Piece, take};

/// The longest line that announces a chunk, its extensions included.
const MAX_LINE: usize = 4 * 1024;

/// Bytes of extensions in a whole body.
const MAX_EXTENSIONS: usize = 16 * 1024;

/// Bytes and fields of the trailers.
const MAX_TRAILERS: usize = 16 * 1024;
const MAX_TRAILER_FIELDS: usize = 64;

/// Where in the body the next byte stands.
#[derive(Debug)]
pub(crate) struct Chunked {
    place: Place,
    /// Bytes of extensions that may still come.
    extensions: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the line that announces a chunk.
    Size,
    /// In a chunk of which so many bytes are to come.
    Data(u64),
    /// At the line end behind a chunk.
    DataEnd,
    Trailers,
    End,
    /// What came cannot be read, and nothing behind it either.
    Broken,
}

impl Default for Chunked {
    fn default() -> Self {
        Self { place: Place::Size, extensions: MAX_EXTENSIONS }
    }
}

impl Chunked {
    pub(crate) fn is_end(&self) -> bool {
        self.place == Place::End
    }

    /// Takes the next piece of the body from `input`; none if that needs more, or there is no more.
    pub(crate) fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, Malformed> {
        self.step(input).inspect_err(|_| self.place = Place::Broken)
    }

    fn step(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, Malformed> {
        loop {
            self.place = match self.place {
                Place::Size => match self.size(input)? {
                    None => return Ok(None),
                    Some(0) => Place::Trailers,
                    Some(size) => Place::Data(size),
                },
                Place::Data(_) if input.is_empty() => return Ok(None),
                Place::Data(left) => return Ok(Some(Piece::Data(self.data(left, input)))),
                Place::DataEnd => match line(input, 0)? {
                    None => return Ok(None),
                    Some(_) => Place::Size,
                },
                Place::Trailers => match trailers(input)? {
                    None => return Ok(None),
                    Some(fields) => {
                        self.place = Place::End;
                        return Ok((!fields.is_empty()).then_some(Piece::Trailers(fields)));
                    }
                },
                Place::End => return Ok(None),
                Place::Broken => return Err(Malformed),
            };
        }
    }

    fn data(&mut self, left: u64, input: &mut BytesMut) -> Bytes {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let left = left - length as u64;
        self.place = if left == 0 { Place::DataEnd } else { Place::Data(left) };
        take(input, length)
    }

    fn size(&mut self, input: &mut BytesMut) -> Result<Option<u64>, Malformed> {
        let Some(line) = line(input, MAX_LINE)? else { return Ok(None) };
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (digits, rest) = line.split_at(digits);
        self.extensions = self.extensions.checked_sub(rest.len()).ok_or(Malformed)?;
        let is_extension = matches!(rest.trim_ascii_start(), [] | [b';', ..]) && !rest.iter().any(u8::is_ascii_control);
        // Sixteen digits are all that fit, and `from_str_radix` would take a sign.
        if !is_extension || !(1..=16).contains(&digits.len()) {
            return Err(Malformed);
        }
        let digits = std::str::from_utf8(digits).map_err(|_| Malformed)?;
        u64::from_str_radix(digits, 16).map(Some).map_err(|_| Malformed)
    }
}

/// Appends a chunk. An empty one would end the body.
pub(crate) fn chunk(out: &mut Vec<u8>, data: &[u8]) {
    if !data.is_empty() {
        chunk_size(out, data.len());
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends the line that announces a chunk of `length` bytes.
pub(crate) fn chunk_size(out: &mut Vec<u8>, length: usize) {
    debug_assert!(length > 0, "an empty chunk ends the body");
    // Writing to memory cannot fail.
    let _written = write!(out, "{length:x}\r\n");
}

/// Appends the end of a body in chunks without trailers.
pub(crate) fn last_chunk(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n\r\n");
}

/// Takes a line of at most `most` bytes, without its end.
fn line(input: &mut BytesMut, most: usize) -> Result<Option<Bytes>, Malformed> {
    let within = input.get(..input.len().min(most + 2)).unwrap_or_default();
    match memchr(b'\n', within) {
        None if within.len() == most + 2 => Err(Malformed),
        // What has begun must be what a line can begin with.
        None if most == 0 && !b"\r\n".starts_with(within) => Err(Malformed),
        None => Ok(None),
        Some(end) => {
            let line = input.split_to(end + 1).freeze();
            line.strip_suffix(b"\r\n").map(|text| Some(line.slice_ref(text))).ok_or(Malformed)
        }
    }
}

/// Takes the trailers and the empty line behind them.
fn trailers(input: &mut BytesMut) -> Result<Option<HeaderMap>, Malformed> {
    if input.starts_with(b"\r\n") {
        input.advance(2);
        return Ok(Some(HeaderMap::new()));
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_TRAILER_FIELDS];
    let parsed = httparse::parse_headers(input, &mut fields).map_err(|_| Malformed)?;
    let httparse::Status::Complete((length, fields)) = parsed else {
        return if input.len() > MAX_TRAILERS { Err(Malformed) } else { Ok(None) };
    };
    if length > MAX_TRAILERS || has_bare_line_end(input.get(..length).unwrap_or_default()) {
        return Err(Malformed);
    }
    let mut map = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Malformed)?;
        map.append(name, HeaderValue::from_bytes(field.value).map_err(|_| Malformed)?);
    }
    input.advance(length);
    Ok(Some(map))
}

fn has_bare_line_end(lines: &[u8]) -> bool {
    memchr_iter(b'\n', lines).any(|at| !lines.get(..at).is_some_and(|before| before.ends_with(b"\r")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_line_end_ends_no_line_of_trailers() {
        for (text, well) in
            [("0\r\nA: b\r\n\r\n", true), ("0\r\n\n", false), ("0\r\nA: b\n\r\n", false), ("0\r\nA: b\r\n\n", false)]
        {
            assert_eq!(Chunked::default().decode(&mut BytesMut::from(text)).is_ok(), well, "{text:?}");
        }
    }

    #[test]
    fn an_empty_piece_does_not_end_a_body_in_chunks() {
        let mut out = Vec::new();
        chunk(&mut out, b"");
        chunk(&mut out, b"0123456789abcdef");
        last_chunk(&mut out);
        assert_eq!(out, b"10\r\n0123456789abcdef\r\n0\r\n\r\n");
    }
}
