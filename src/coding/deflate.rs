//! The coding `deflate`: in zlib's wrapper, as RFC 9110 section 8.4.1.2 defines it, or bare, as some servers send it.

use super::{
    Coding::Deflate as CODING,
    CodingError,
    decode::Machine,
    inflate::{Inflate, MEMORY},
};

pub(super) struct Deflate {
    inflate: Inflate,
    /// The first two bytes of the body, which tell the formats apart.
    head: [u8; 2],
    /// How many of them have arrived.
    gathered: usize,
    /// How many of them the decompressor has had. `fed <= gathered`, and 0 until both have arrived.
    fed: usize,
    ended: bool,
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self { inflate: Inflate::new(), head: [0; 2], gathered: 0, fed: 0, ended: false }
    }

    /// Whether both first bytes are there.
    fn gather(&mut self, input: &mut &[u8]) -> bool {
        while let (Some(slot), [first, rest @ ..]) = (self.head.get_mut(self.gathered), *input) {
            *slot = *first;
            *input = rest;
            self.gathered += 1;
            if self.gathered == self.head.len() {
                self.inflate.reset(is_zlib_header(self.head));
            }
        }
        self.gathered == self.head.len()
    }

    fn inflate(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, CodingError> {
        let turn = self.inflate.step(input, output).map_err(|_| CodingError::Corrupt(CODING))?;
        self.ended = turn.ended;
        Ok(turn.written)
    }

    fn feed_head(&mut self, output: &mut [u8]) -> Result<usize, CodingError> {
        let head = self.head;
        let mut rest = head.get(self.fed..).unwrap_or_default();
        let written = self.inflate(&mut rest, output)?;
        self.fed = head.len() - rest.len();
        Ok(written)
    }
}

impl Machine for Deflate {
    fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<usize, CodingError> {
        if !self.gather(input) {
            return Ok(0);
        }
        if self.fed < self.head.len() {
            let written = self.feed_head(output)?;
            if written > 0 {
                return Ok(written);
            }
        }
        match (self.ended, input.is_empty() && self.fed == self.head.len()) {
            (true, true) => Ok(0),
            (true, false) => Err(CodingError::TrailingBytes(CODING)),
            (false, _) => self.inflate(input, output),
        }
    }

    fn is_complete(&self) -> bool {
        self.ended && self.fed == self.head.len() || self.gathered == 0
    }

    fn reset(&mut self) {
        (self.gathered, self.fed, self.ended) = (0, 0, false);
    }

    fn memory(&self) -> usize {
        MEMORY
    }
}

/// RFC 1950 section 2.2: the method is deflate, the window at most 32 KiB, no preset dictionary, the check holds.
///
/// A bare stream beginning like this would be a stored block whose padding is not zero, which no encoder writes.
pub(super) fn is_zlib_header([cmf, flg]: [u8; 2]) -> bool {
    may_begin_zlib(cmf) && flg & 0x20 == 0 && u16::from_be_bytes([cmf, flg]).is_multiple_of(31)
}

/// The part of [`is_zlib_header`] that the first byte tells.
pub(super) fn may_begin_zlib(cmf: u8) -> bool {
    cmf & 0x0f == 8 && cmf >> 4 <= 7
}
